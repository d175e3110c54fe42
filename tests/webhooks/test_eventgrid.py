"""Event Grid: both handshakes, and every form its events come in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retail_sync.transport.derived import address_secret
from tests.webhooks.served import EVENT_GRID, EVENTS, Receiver, changed, cloud_event, settings_of

BATCH = "application/cloudevents-batch+json"


@pytest.fixture
def grid(receiver: Receiver) -> Receiver:
    receiver.settings = settings_of(EVENT_GRID)
    return receiver


def sent(receiver: Receiver, body: Any, path: str = "", **headers: str) -> int:
    return receiver.post(path or receiver.grid, json.dumps(body).encode(), **headers).status_code


def own_schema(version: int) -> dict[str, Any]:
    return {
        "id": str(version),
        "topic": "/t",
        "subject": "inventory-entry",
        "eventType": "change",
        "eventTime": "2026-11-23T08:00:00Z",
        "dataVersion": "1",
        "data": changed(version),
    }


def test_a_cloud_event_alone_in_a_batch_and_in_headers_is_the_same_event(grid: Receiver) -> None:
    assert sent(grid, cloud_event(1), content_type="application/cloudevents+json") == 202
    assert sent(grid, [cloud_event(1)], content_type=BATCH) == 200
    assert sent(grid, changed(1), ce_specversion="1.0", ce_id="e", ce_type="t", ce_source="/s") == 200
    assert sent(grid, [own_schema(1)], aeg_event_type="Notification") == 200
    assert sent(grid, [cloud_event(1), cloud_event(2), cloud_event(3)], content_type=BATCH) == 202
    assert len(grid.kept("inventory")) == 3


def test_the_readable_events_of_a_batch_are_kept(grid: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    batch = [cloud_event(1), {"specversion": "1.0"}, "secret text", None, cloud_event(2)]
    assert sent(grid, batch, content_type=BATCH) == 202
    assert len(grid.kept("inventory")) == 2
    assert "3 unreadable" in caplog.text and "secret text" not in caplog.text
    assert sent(grid, [7], content_type=BATCH) == 200, "sending it again would not mend it"


@pytest.mark.parametrize("body", [{}, "text", 1, None, {"data": 1}, {"data": "x"}], ids=str)
def test_an_event_alone_that_is_none_is_malformed(grid: Receiver, body: Any) -> None:
    assert sent(grid, body) == 400


def test_cloudevents_handshake_lets_event_grid_deliver_and_nobody_else(grid: Receiver) -> None:
    def asked(origin: str, path: str = grid.grid) -> Any:
        return grid.client.options(
            f"{grid.url}{path}", headers={"WebHook-Request-Origin": origin, "WebHook-Request-Rate": "120"}
        )

    for origin in ("eventgrid.azure.net", "westeurope-1.eventgrid.azure.net"):
        answer = asked(origin)
        assert answer.status_code == 200
        assert answer.headers["webhook-allowed-origin"] == origin
        assert int(answer.headers["webhook-allowed-rate"]) > 0
    for origin in (
        "example.com",
        "eventgrid.azure.net.example.com",
        "https://eventgrid.azure.net",
        "xeventgrid.azure.net",
        "*",
        "",
        "eventgrid.azure.net, example.com",
        "-.eventgrid.azure.net",
    ):
        answer = asked(origin)
        assert answer.status_code == 400 and "webhook-allowed-origin" not in answer.headers
    answer = asked("eventgrid.azure.net", f"/eventgrid/main/{'0' * 40}")
    assert answer.status_code == 401 and "webhook-allowed-origin" not in answer.headers


def test_event_grids_own_handshake_repeats_a_code_and_nothing_but_a_code(grid: Receiver) -> None:
    def handshake(code: Any, path: str = grid.grid) -> Any:
        event = {
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "data": {"validationCode": code},
        }
        return grid.post(path, json.dumps([event]).encode(), aeg_event_type="SubscriptionValidation")

    answer = handshake("512D38B6-C7B8-40C8-89FE-F46F9E9622B6")
    assert answer.json() == {"validationResponse": "512D38B6-C7B8-40C8-89FE-F46F9E9622B6"}
    assert answer.headers["content-type"] == "application/json"
    for code in ("<script>", "", "x" * 65, 1, None, ["a"]):
        answer = handshake(code)
        assert (answer.status_code, answer.content) == (400, b"")
    answer = handshake("512D38B6", f"/eventgrid/main/{address_secret(EVENTS, 'pubsub/main')}")
    assert (answer.status_code, answer.content) == (401, b"")


def test_the_end_of_a_subscription_is_thanked_for(grid: Receiver) -> None:
    assert sent(grid, [{"eventType": "x"}], aeg_event_type="SubscriptionDeletion") == 200


def test_event_grid_delivers_to_nobody_where_another_destination_is_configured(receiver: Receiver) -> None:
    assert sent(receiver, cloud_event(1)) == 404


def test_an_events_time_is_that_of_its_envelope_where_it_has_none(grid: Receiver) -> None:
    """Of long ago, in each of the three envelopes: not kept."""
    old = "2020-01-01T00:00:00Z"
    assert sent(grid, cloud_event(1, time=old)) == 200
    assert sent(grid, [{**own_schema(2), "eventTime": old}]) == 200
    assert sent(grid, changed(3), ce_specversion="1.0", ce_time=old) == 200
    assert grid.kept("inventory") == []
