"""The stand-ins misbehave exactly as ordered, and no further."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from sandbox.faults import Faults, install_faults
from sandbox.server import SandboxServer


class Counter:
    """The smallest app that shows whether a write was executed."""

    def __init__(self) -> None:
        self.writes = 0
        self.faults = Faults(seed=7)
        self.app = FastAPI()

        @self.app.post("/things")
        def write(body: dict[str, Any]) -> dict[str, Any]:
            self.writes += 1
            return {
                "id": self.writes,
                "availability": {"x": 1},
                "rows": [{"availability": 2, "sku": body.get("sku")}],
            }

        @self.app.get("/things")
        def read() -> dict[str, Any]:
            return {"writes": self.writes, "text": "x" * 5000}

        install_faults(self.app, self.faults)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Counter, str]]:
    counter = Counter()
    with SandboxServer(counter.app) as server:
        yield counter, server.url


@pytest.fixture
def counter(served: tuple[Counter, str]) -> Counter:
    counter, _ = served
    counter.writes = 0
    counter.faults.clear()
    counter.faults.clear_requests()
    return counter


@pytest.fixture
def client(served: tuple[Counter, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[1], timeout=5) as client:
        yield client


def write(client: httpx.Client) -> httpx.Response:
    return client.post("/things", json={"sku": "A"})


def test_a_status_rule_never_touches_the_app_and_ends_after_its_times(
    counter: Counter, client: httpx.Client
) -> None:
    counter.faults.add(
        {"match": "^/things$", "kind": "status", "status": 503, "times": 2, "body": {"message": "storm"}}
    )
    assert [write(client).status_code for _ in range(3)] == [503, 503, 200]
    assert counter.writes == 1


def test_the_first_matches_may_pass(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"match": "things", "kind": "status", "status": 500, "after": 2})
    assert [write(client).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_too_many_requests_says_when_to_come_back_in_seconds_or_as_a_date(
    counter: Counter, client: httpx.Client
) -> None:
    counter.faults.add(
        {"kind": "429", "retry_after": 3},
        {"kind": "429", "retry_after": 60, "retry_after_style": "date"},
    )
    assert write(client).headers["retry-after"] == "3"
    moment = parsedate_to_datetime(write(client).headers["retry-after"])
    assert timedelta(seconds=50) < moment - datetime.now(UTC) <= timedelta(seconds=61)


def test_a_time_out_before_the_write_leaves_nothing_written(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"method": "POST", "kind": "timeout_before"})
    with pytest.raises(httpx.RemoteProtocolError):
        write(client)
    assert counter.writes == 0
    assert client.get("/things").json()["writes"] == 0


def test_a_time_out_after_the_write_leaves_it_written(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"method": "POST", "kind": "timeout_after"})
    with pytest.raises(httpx.RemoteProtocolError):
        write(client)
    assert counter.writes == 1


def test_a_gateway_may_give_up_on_what_is_carried_out_behind_it(
    counter: Counter, client: httpx.Client
) -> None:
    counter.faults.add({"method": "POST", "kind": "status_after", "status": 504})
    assert write(client).status_code == 504
    assert counter.writes == 1


def test_a_client_that_waits_less_than_the_delay_sees_a_time_out(
    counter: Counter, client: httpx.Client
) -> None:
    counter.faults.add({"method": "POST", "kind": "timeout_after", "delay": 3})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/things", json={}, timeout=0.1)


def test_a_cut_answer_ends_in_the_middle_of_its_body(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"method": "GET", "kind": "cut"})
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete|peer closed"):
        client.get("/things")


def test_truncated_json_looks_like_a_complete_answer(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"method": "GET", "kind": "truncate_json"})
    answer = client.get("/things")
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


@pytest.mark.parametrize(("given", "seen"), [({}, 200), ({"status": 502}, 502)])
def test_a_web_page_comes_instead_of_json(
    counter: Counter, client: httpx.Client, given: dict[str, int], seen: int
) -> None:
    counter.faults.add({"kind": "html", **given})
    answer = write(client)
    assert answer.status_code == seen
    assert answer.headers["content-type"].startswith("text/html")
    assert counter.writes == 0


def test_fields_are_dropped_at_any_depth(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"kind": "drop_fields", "fields": ["availability"]})
    assert write(client).json() == {"id": 1, "rows": [{"sku": "A"}]}


def test_a_slow_answer_is_the_normal_one(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add({"kind": "slow", "delay": 0.05})
    assert write(client).json()["id"] == 1


def test_the_same_seed_strikes_the_same_requests() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add({"kind": "status", "times": None, "probability": 0.3})
        return [faults.strike("GET", "/x", "", b"") is not None for _ in range(200)]

    assert struck(5) == struck(5)
    assert struck(5) != struck(6)
    assert 30 < sum(struck(5)) < 90


def test_admin_is_out_of_reach_of_every_rule_and_of_the_log(counter: Counter, client: httpx.Client) -> None:
    client.post("/_admin/faults", json=[{"kind": "status", "times": None, "status": 500}]).raise_for_status()
    assert write(client).status_code == 500
    rules = client.get("/_admin/faults").json()
    assert [(rule["kind"], rule["hits"]) for rule in rules] == [("status", 1)]
    log = client.get("/_admin/requests").json()
    assert [(entry["n"], entry["method"], entry["path"], entry["status"]) for entry in log] == [
        (1, "POST", "/things", 500)
    ]
    assert re.search('"sku": ?"A"', log[0]["body"])
    assert client.delete("/_admin/faults").json() == []
    assert client.delete("/_admin/requests").json() == []
    assert write(client).status_code == 200


def test_a_rule_with_a_misspelt_field_is_refused(counter: Counter, client: httpx.Client) -> None:
    assert client.post("/_admin/faults", json=[{"kind": "status", "tiems": 1}]).status_code == 400


def test_the_log_keeps_no_authorization_header(counter: Counter, client: httpx.Client) -> None:
    client.get("/things", headers={"Authorization": "Bearer secret", "X-Correlation-ID": "c-1"})
    (entry,) = counter.faults.requests
    assert "authorization" not in entry.headers
    assert entry.headers["x-correlation-id"] == "c-1"


def test_half_a_request_is_neither_carried_out_nor_logged(
    counter: Counter, served: tuple[Counter, str]
) -> None:
    """A client that gives up between head and body has asked for nothing."""
    address = httpx.URL(served[1])
    with socket.create_connection((address.host, address.port or 80), timeout=5) as half:
        half.sendall(
            b"POST /things HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
        )
        half.shutdown(socket.SHUT_WR)
        assert half.recv(1000) == b""
    with httpx.Client(base_url=served[1], timeout=5) as client:
        client.get("/things")
    assert [one.method for one in counter.faults.requests] == ["GET"]
    assert counter.writes == 0
