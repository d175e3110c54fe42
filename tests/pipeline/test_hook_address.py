"""The address that is entered at Google or Azure is the one the receiver knows its sender by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retail_sync.pipeline.cli import webhook_url as hook_address
from retail_sync.transport.derived import address_secret
from tests.support.settings_files import dump_settings

pytestmark = pytest.mark.airflow

HOOKS = "https://airflow.example.com/retail-sync/hooks"
SECRET = "only-we-know-this-0123456789"
PUB_SUB = {"type": "GoogleCloudPubSub", "project_id": "shop", "topic": "changes"}
EVENT_GRID = {"type": "EventGrid", "uri": "https://t.westeurope-1.eventgrid.azure.net/api/events"}
QUEUE = {"type": "SQS", "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q", "region": "eu-central-1"}
ACCOUNT = "push@shop.iam.gserviceaccount.com"


def asked(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    destination: dict[str, Any] | None,
    secret: str | None = SECRET,
) -> int:
    """What the command comes to with this destination."""
    subscription = {"destination": destination, "format": "CloudEvents"}
    realtime = {
        "receiver_url": HOOKS,
        "tenant": "shop-1",
        **({"commercetools": subscription} if destination else {}),
    }
    dump_settings({"version": 1, "realtime": realtime}, folder / "sync.yaml")
    extra = {"project_key": "shop", **({"event_secret": secret} if secret else {})}
    connection = {"conn_type": "commercetools", "login": "id", "password": "secret", "extra": extra}
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(folder / "sync.yaml"))
    monkeypatch.setenv("AIRFLOW_CONN_COMMERCETOOLS_DEFAULT", json.dumps(connection))
    return hook_address.main()


@pytest.mark.parametrize(
    ("destination", "address"),
    [
        (PUB_SUB, f"{HOOKS}/pubsub/shop-1/{address_secret(SECRET, 'pubsub/shop-1')}"),
        ({**PUB_SUB, "audience": "a", "service_account": ACCOUNT}, f"{HOOKS}/pubsub/shop-1"),
        (EVENT_GRID, f"{HOOKS}/eventgrid/shop-1/{address_secret(SECRET, 'eventgrid/shop-1')}"),
    ],
)
def test_the_address_is_that_of_the_receiver(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    destination: dict[str, Any],
    address: str,
) -> None:
    assert asked(monkeypatch, tmp_path, destination) == 0
    assert capsys.readouterr().out == f"{address}\n"


@pytest.mark.parametrize(
    ("destination", "secret", "says"),
    [
        (None, SECRET, "Nothing is pushed"),
        (QUEUE, SECRET, "Nothing is pushed"),
        (PUB_SUB, None, "`event_secret`"),
        (EVENT_GRID, None, "`event_secret`"),
    ],
)
def test_where_there_is_no_address_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    destination: dict[str, Any] | None,
    secret: str | None,
    says: str,
) -> None:
    assert asked(monkeypatch, tmp_path, destination, secret) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert says in told.err
    assert "What to do" in told.err
