"""Near real time in a real Airflow: webhooks at its API server, a queue that speaks SQS's protocol, and both shops' end
state. One Airflow for all of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text

import tests.support.airflow_home as airflow_home
from demo.airflow import LocalAirflow
from demo.airflow_api import AirflowApi
from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.engine import transaction
from sandbox.lightspeed.webhooks import signed
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.dags.conftest import environment
from tests.dags.test_products import linked_sku
from tests.pipeline.test_listening import changed
from tests.support import sqs
from tests.support.builders.inventory import Stocked
from tests.support.settings_files import dump_settings
from tests.support.worlds import World, world_of

pytestmark = pytest.mark.airflow

PATIENCE = 300.0
"""Seconds. Only a machine with much else to do needs more than a tenth of it."""
SECRET = "app-secret"
BURST = 10_000
HANDFUL = 60
"""Runs that a burst of ten thousand may take at most: one at a time, for as long as it lasts."""


@dataclass
class Stage:
    """Both stand-ins, an Airflow that knows them and is told of changes, and a queue. `stock` follows what is shown."""

    world: World
    stock: Stocked
    airflow: LocalAirflow
    api: AirflowApi
    queue: Any
    queue_url: str

    def post(self, topic: str, body: bytes, signature: str | None, client: Any = httpx) -> int:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signature:
            headers["X-Signature"] = signature
        url = f"{self.airflow.url}/retail-sync/hooks/lightspeed/main/{topic}"
        return int(client.post(url, content=body, headers=headers, timeout=60).status_code)

    def deliver(self, body: bytes, client: Any = httpx) -> int:
        """What the receiver answers in the end: where it asks to come again, every sender does."""
        end = time.monotonic() + PATIENCE
        while True:
            status = self.post("inventory.update", body, signed(body, SECRET), client)
            if status != 503 or time.monotonic() > end:
                return status
            time.sleep(1)

    def runs(self, dag_id: str) -> list[Any]:
        found: list[Any] = self.api.get(f"/dags/{dag_id}/dagRuns", order_by="-run_after", limit=100)[
            "dag_runs"
        ]
        return found

    def wait_until(self, what: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := what():
                return found
            time.sleep(0.1)
        raise TimeoutError(f"not so within {PATIENCE:.0f} s: {self.situation()}")

    def situation(self) -> dict[str, Any]:
        """What a person would look at: what waits in the inbox, the newest runs, and their tasks that are not done."""
        newest = self.runs("inventory")[:3]
        return {
            "waiting": self.world.ledger.inbox.waiting(),
            "runs": [(run["dag_run_id"], run["state"], run["queued_at"], run["end_date"]) for run in newest],
            "tasks": [
                (one.task_id, one.state, one.try_number)
                for run in newest
                for one in self.api.task_instances("inventory", run["dag_run_id"])
                if one.state not in ("success", "skipped")
            ],
        }

    def kill_the_scheduler_at_rest(self) -> None:
        """Own writes come back as events: a run of theirs that began after the look would die with the scheduler, which
        finds a dead task after five minutes only. So it looks again afterwards, and if need be lets that run end."""
        while True:
            self.wait_until(self.quiet)
            self.airflow.kill_component("scheduler")
            if self.quiet():
                return
            self.airflow.start_component("scheduler")

    def quiet(self) -> bool:
        """Nothing waits in the inbox, and no run is under way."""
        waiting = self.world.ledger.inbox.waiting()
        return not waiting and all(run["state"] == "success" for run in self.runs("inventory"))


def told(topic: str = "inventory.update", **payload: Any) -> bytes:
    """A webhook's body."""
    return urlencode({"payload": json.dumps(payload), "type": topic}).encode()


@pytest.fixture(scope="module")
def stage(
    postgres: EmbeddedPostgres, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("realtime")
    for name, template in (("realtime_airflow", None), ("realtime_ledger", ledger_template)):
        postgres.create_database(name, template=template)
    ledger_url = postgres.url("realtime_ledger")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with (
        sqs.sqs_server() as aws,
        world_of(load_shop(SAMPLE_SHOP), ledger_url, folder / "scenario") as world,
    ):
        client = sqs.client(aws)
        queue_url = sqs.new_queue(client)
        refresh = world.till.tokens.add_application("app", SECRET, SCOPES)
        airflow = LocalAirflow(
            project=airflow_home.PROJECT,
            home=folder / "airflow",
            database_url=postgres.url("realtime_airflow", "psycopg2"),
            extra_env={
                **environment(world, ledger_url, folder),
                "AIRFLOW_CONN_LIGHTSPEED_DEFAULT": json.dumps(
                    {
                        "conn_type": "lightspeed",
                        "host": world.till_url,
                        "login": "app",
                        "password": SECRET,
                        "extra": {"series": "x", "refresh_token": refresh},
                    }
                ),
                "AIRFLOW_CONN_AWS_DEFAULT": sqs.connection(aws),
                # A watch begins when the file of a DAG that is no longer paused is parsed again.
                "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3",
            },
            parallelism=4,
        )
        destination = {"type": "SQS", "queue_url": queue_url, "region": sqs.REGION}
        realtime = {
            "receiver_url": f"{airflow.url}/retail-sync/hooks",
            "commercetools": {"destination": destination},
        }
        dump_settings({**world.settings.model_dump(mode="json"), "realtime": realtime}, folder / "sync.yaml")
        with airflow, airflow.api() as api:
            api.put_pool("commercetools_api", 4)
            api.put_pool("lightspeed_api", 2)
            api.wait_for_dags("products", "inventory", "subscribe", "listen", timeout=PATIENCE)
            assert api.import_errors() == {}
            for dag_id in ("products", "inventory", "subscribe", "listen"):
                api.unpause(dag_id)
            for dag_id, conf in (("products", {"mode": "full"}), ("inventory", {"mode": "full"})):
                assert api.wait(dag_id, api.trigger(dag_id, conf), timeout=PATIENCE).state == "success"
            yield Stage(world, Stocked(world), airflow, api, client, queue_url)


SCOPES = (
    "retailer:read outlets:read registers:read users:read payment_types:read taxes:read taxes:write products:read "
    "products:write suppliers:read suppliers:write inventory:read inventory:write customers:read sales:read "
    "consignments:read consignments:write webhooks"
)


def test_what_is_subscribed_makes_the_storefront_follow_the_till(stage: Stage) -> None:
    subscribed = stage.api.trigger("subscribe", {})
    assert stage.api.wait("subscribe", subscribed, timeout=PATIENCE).state == "success"
    again = stage.api.trigger("subscribe", {})
    stage.api.wait("subscribe", again, timeout=PATIENCE)
    assert len(stage.world.till.webhooks.live()) == len(
        {row.fields["type"] for row in stage.world.till.webhooks.live()}
    )

    sku = linked_sku(stage.world)
    product, outlet = stage.stock.product_id(sku), stage.stock.outlet("Berlin")
    stage.world.till.set_stock(product, outlet, "9")
    stage.wait_until(lambda: stage.stock.available(sku, "berlin") == 9)
    stage.wait_until(stage.quiet)
    newest = next(run for run in stage.runs("inventory") if run["run_type"] == "asset_triggered")
    states = {one.task_id: one.state for one in stage.api.task_instances("inventory", newest["dag_run_id"])}
    assert states.pop("at_once") == "success"
    assert set(states.values()) == {"skipped"}, "a run that an event started is one task"
    assert newest["note"] and "records read" in newest["note"]


def test_what_changes_online_comes_through_the_queue(stage: Stage) -> None:
    project = stage.world.online.credentials()["project_key"]
    # A message that says it is older than `realtime.oldest_hours` would be thanked for and not kept.
    body = changed(77, projectKey=project, modifiedAt=datetime.now(UTC).isoformat())
    stage.queue.send_message(QueueUrl=stage.queue_url, MessageBody=body)

    def kept() -> int:
        with transaction(stage.world.ledger.engine) as connection:
            return int(
                connection.execute(
                    text(
                        "SELECT count(*) FROM inbox WHERE entity = 'inventory' AND body ->> 'id' = 'entry-77'"
                    )
                ).scalar_one()
            )

    stage.wait_until(kept)
    heard = [run for run in stage.runs("listen") if run["run_type"] == "asset_triggered"]
    assert heard, "the watch saw that something waits"
    events = stage.api.get("/assets/events", limit=100)["asset_events"]
    assert "entry-77" not in str(events), "what a message says stays out of Airflow's metadata"
    stage.wait_until(stage.quiet)


def test_strangers_and_nonsense_are_refused_and_start_nothing(stage: Stage) -> None:
    stage.wait_until(stage.quiet)
    body = told(id="i1", product_id="p1", outlet_id="o1", count="5", version=1)
    before = kept_of_the_till(stage)
    assert stage.post("inventory.update", body, None) == 401, "unsigned"
    assert stage.post("inventory.update", body, signed(body, "another")) == 401, "forged"
    assert stage.post("inventory.update", body + b"&x=1", signed(body, SECRET)) == 401, "tampered with"
    large = told(id="i1", note="x" * 2_000_000)
    assert stage.post("inventory.update", large, signed(large, SECRET)) == 413, "oversized"
    odd = b"payload=%7Bnot+json"
    assert stage.post("inventory.update", odd, signed(odd, SECRET)) == 400, "malformed"
    assert stage.post("nothing.update", body, signed(body, SECRET)) == 404
    # What is not kept rings no doorbell. (Runs may be under way all the same: own writes come back through the queue.)
    assert kept_of_the_till(stage) == before


def kept_of_the_till(stage: Stage) -> list[tuple[str, str, int]]:
    """How many events of the till each entity was ever told of, by topic."""
    return [
        (row["entity"], row["topic"], row["events"])
        for row in stage.world.ledger.inbox.told()
        if row["source"] == "lightspeed"
    ]


def test_repeated_reordered_and_late_events_leave_what_the_till_has(stage: Stage) -> None:
    """Hints carry old figures here; the storefront shows what is read."""
    sku = linked_sku(stage.world)
    product, outlet = stage.stock.product_id(sku), stage.stock.outlet("Berlin")
    stage.world.till.set_stock(product, outlet, "4")
    for version in (99, 97, 98, 97):
        body = told(id="i9", product_id=product, outlet_id=outlet, count="1000", version=version)
        assert stage.deliver(body) in (200, 202)
    stage.wait_until(lambda: stage.stock.available(sku, "berlin") == 4)
    stage.wait_until(stage.quiet)
    assert stage.deliver(body) == 200, "known already"
    assert stage.stock.available(sku, "berlin") == 4
    stage.world.forget_requests()
    last = stage.api.trigger("inventory", {"mode": "full"})
    assert stage.api.wait("inventory", last, timeout=PATIENCE).state == "success"
    assert stage.stock.stock_writes() == []


def test_ten_thousand_events_end_in_the_right_state_with_a_handful_of_runs(stage: Stage) -> None:
    stage.wait_until(stage.quiet)
    sku = linked_sku(stage.world)
    product, outlet = stage.stock.product_id(sku), stage.stock.outlet("Berlin")
    before = {run["dag_run_id"] for run in stage.runs("inventory")}
    began = time.monotonic()
    with (
        httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=16)) as client,
        ThreadPoolExecutor(16) as senders,
    ):

        def send(number: int) -> int:
            body = told(id=f"i{number}", product_id=product, outlet_id=outlet, count="0", version=number)
            status = stage.deliver(body, client)
            if number == BURST // 2:
                stage.world.till.set_stock(product, outlet, "3")
            return status

        statuses = list(senders.map(send, range(1, BURST + 1)))
    sent = time.monotonic() - began
    # 200: it was kept when it came before, and the answer to that was lost or late.
    assert set(statuses) <= {200, 202}
    stage.wait_until(lambda: stage.stock.available(sku, "berlin") == 3)
    stage.wait_until(stage.quiet)
    new = [run for run in stage.runs("inventory") if run["dag_run_id"] not in before]
    print(f"{BURST} events in {sent:.1f} s, {len(new)} runs, quiet after {time.monotonic() - began:.1f} s")
    assert 1 <= len(new) <= HANDFUL
    kept = {row["topic"]: row for row in stage.world.ledger.inbox.told() if row["entity"] == "inventory"}
    assert kept["inventory.update"]["events"] >= BURST
    assert all(row["open"] == 0 for row in kept.values())


def test_an_event_that_comes_while_the_scheduler_is_down_is_not_lost(stage: Stage) -> None:
    sku = linked_sku(stage.world)
    product, outlet = stage.stock.product_id(sku), stage.stock.outlet("Berlin")
    stage.kill_the_scheduler_at_rest()
    stage.world.till.set_stock(product, outlet, "8")
    body = told(id="i5", product_id=product, outlet_id=outlet, count="8", version=5)
    assert stage.deliver(body) in (200, 202)
    assert stage.world.ledger.inbox.waiting()
    stage.airflow.start_component("scheduler")
    stage.wait_until(lambda: stage.stock.available(sku, "berlin") == 8)
