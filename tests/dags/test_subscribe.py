"""`subscribe` makes both systems tell of changes, says what it did, and does nothing the second time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retail_sync.lightspeed.x_series.events.notifications import TOPICS
from retail_sync.pipeline.tasks.consume_queue import Heard, SqsQueue, take
from retail_sync.settings.loader import load_settings
from retail_sync.transport.derived import address_secret
from sandbox.faults import FaultRule
from tests.dags.conftest import Run
from tests.dags.test_products import raise_price
from tests.support import sqs
from tests.support.settings_files import dump_settings
from tests.support.worlds import World

pytestmark = pytest.mark.airflow

HOOKS = "https://airflow.example.com/retail-sync/hooks"
SECRET = "what-only-we-know-0123456789"


def wanted(world: World) -> set[str]:
    """Topics that concern an entity which syncs in this world."""
    synced = set(world.settings.synced_entities)
    return {topic for topic, entities in TOPICS.items() if synced & set(entities)}


def webhooks(world: World) -> dict[str, str]:
    return {hook.fields["type"]: hook.fields["url"] for hook in world.till.webhooks.live()}


Configure = Callable[..., None]


@pytest.fixture
def configure(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Near real time as the configuration file says it, and a connection that knows a secret for addresses."""

    def configured(**realtime: Any) -> None:
        config = world.settings.model_dump(mode="json", exclude_defaults=True)
        dump_settings({**config, "realtime": realtime}, Path(os.environ["RETAIL_SYNC_CONFIG"]))

    till = json.loads(os.environ["AIRFLOW_CONN_LIGHTSPEED_DEFAULT"])
    till["extra"]["webhook_secret"] = SECRET
    monkeypatch.setenv("AIRFLOW_CONN_LIGHTSPEED_DEFAULT", json.dumps(till))
    return configured


UNSIGNED = {"receiver_url": HOOKS, "lightspeed": {"allow_unsigned": True}}


def test_webhooks_are_made_once_and_taken_back_when_nobody_follows(
    run: Run, world: World, configure: Configure
) -> None:
    configure(**UNSIGNED)
    shown = run("subscribe", dry_run=True)
    assert shown.state == "success"
    assert shown.xcom[("report", "return_value")]["done"] == {}
    assert webhooks(world) == {}, "a dry run"

    topics = wanted(world)
    assert len(topics) >= 5
    first = run("subscribe")
    assert first.state == "success"
    assert first.xcom[("report", "return_value")]["done"] == {"created": len(topics)}
    addresses = webhooks(world)
    assert addresses == {
        topic: f"{HOOKS}/lightspeed/main/{topic}/{address_secret(SECRET, f'lightspeed/main/{topic}')}"
        for topic in topics
    }

    again = run("subscribe")
    assert again.xcom[("report", "return_value")]["done"] == {}
    assert again.xcom[("report", "return_value")]["states"] == {"right": len(topics)}
    assert "nothing had to be done" in again.xcom[("report", "run_note")]
    told = str([*first.xcom.values(), *again.xcom.values()])
    assert [
        secret for secret in (SECRET, *(url.split("/")[-1] for url in addresses.values())) if secret in told
    ] == []

    configure(**UNSIGNED, entities=[])
    back = run("subscribe")
    assert back.xcom[("report", "return_value")]["done"] == {"deleted": len(topics)}
    assert webhooks(world) == {}


def test_where_nothing_is_set_up_it_says_so_and_asks_nobody(
    run: Run, world: World, configure: Configure
) -> None:
    configure()
    finished = run("subscribe")
    assert finished.state == "success"
    assert "Nothing is set up" in finished.xcom[("report", "run_note")]
    assert [*world.requests("commercetools"), *world.requests("lightspeed")] == []


def test_a_side_that_fails_is_told_of_and_the_other_is_mended(
    run: Run, world: World, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        **UNSIGNED,
        commercetools={
            "destination": {"type": "SQS", "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q",
                            "region": "eu-central-1"},
        },
    )  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_COMMERCETOOLS_DEFAULT", '{"conn_type": "commercetools"}')
    finished = run("subscribe")
    assert finished.state == "failed"
    assert finished.tasks == {"commercetools": "failed", "lightspeed": "success", "report": "failed"}
    assert "project_key" in finished.xcom[("report", "run_note")]
    assert set(webhooks(world)) == wanted(world)


def test_a_webhook_that_is_refused_fails_the_run_with_what_to_do(
    run: Run, world: World, configure: Configure
) -> None:
    configure(**UNSIGNED)
    world.faults["lightspeed"].add(
        FaultRule(match="/webhooks", method="POST", kind="status", status=422, times=1)
    )
    finished = run("subscribe")
    assert finished.state == "failed"
    note = finished.xcom[("report", "run_note")]
    assert "1 refused" in note
    assert "receiver_url" in note
    assert len(webhooks(world)) == len(wanted(world)) - 1, "the others are there"
    assert run("subscribe").xcom[("report", "return_value")]["done"] == {"created": 1}


@pytest.fixture
def aws() -> Iterator[str]:
    with sqs.sqs_server() as url:
        yield url


def test_what_changes_in_commercetools_comes_through_the_subscription_and_the_queue_into_the_inbox(
    run: Run, world: World, configure: Configure, aws: str
) -> None:
    client = sqs.client(aws)
    url = sqs.new_queue(client)
    destination = {"type": "SQS", "queue_url": url, "region": sqs.REGION}
    configure(commercetools={"destination": destination})
    project = world.online.credentials()["project_key"]
    settings = load_settings()
    queue = SqsQueue(client, url)

    def heard() -> Heard:
        return take(queue, world.ledger.inbox, settings, project, now=world.ledger.now())

    first = run("subscribe")
    assert first.xcom[("report", "return_value")]["done"] == {"created": 1}
    greeted = heard()
    assert (greeted.nobodys, greeted.received) == (1, 1), "the test notification of a new subscription"
    sku = next(row["sku"] for row in world.till.all_products() if online_too(world, row["sku"]))
    raise_price(world, sku)
    world.online.deliveries.flush()
    changed = heard()
    assert (changed.kept, changed.kinds) == (1, {"product.ResourceUpdated": 1})
    told = {one["entity"] for one in world.ledger.inbox.told()}
    assert told == {"products", "prices"} & set(settings.followed_entities)
    again = run("subscribe")
    assert again.xcom[("report", "return_value")]["done"] == {}

    configure(receiver_url=HOOKS, lightspeed={"enabled": False})
    back = run("subscribe")
    assert back.xcom[("report", "return_value")]["done"] == {"deleted": 1}, "the section was removed"


def online_too(world: World, sku: str) -> bool:
    try:
        return bool(world.online_variant(sku)[1]["prices"])
    except LookupError:
        return False


def test_preflight_tells_of_webhooks_that_are_missing_and_runs_go_on_without_them(
    run: Run, world: World, configure: Configure
) -> None:
    configure(**UNSIGNED)
    found = run("preflight").xcom[("check_lightspeed", "return_value")]
    hooks = [one for one in found if one["subject"].startswith("webhook ")]
    assert {one["level"] for one in hooks} == {"warning"}
    assert len(hooks) == len(wanted(world))
    assert all("subscribe" in one["remedy"] for one in hooks)
    configure()
    found = run("preflight").xcom[("check_lightspeed", "return_value")]
    assert [one for one in found if "webhook" in one["subject"]] == []
