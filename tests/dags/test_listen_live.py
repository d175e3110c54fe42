"""A message in the queue starts the DAG of the entity it concerns, by way of the triggerer, the inbox and a doorbell:
a real Airflow, and a queue that speaks SQS's protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tests.airflow_home as airflow_home
from include.ledger import Ledger
from include.local.airflow import LocalAirflow
from include.local.airflow_api import AirflowApi
from include.local.postgres import EmbeddedPostgres
from include.sandbox.shop import SAMPLE_SHOP, load_shop
from tests.dags.conftest import environment
from tests.pipeline import test_listening as sqs
from tests.scenarios.world import world_of

pytestmark = pytest.mark.airflow

NOTHING = {"received": 0, "kept": 0, "nobody's": 0, "old": 0, "unreadable": 0, "not deleted": 0, "rang": []}
PATIENCE = 300.0
"""Seconds. Only a machine with much else to do needs more than a tenth of it."""


@pytest.fixture
def queue() -> Iterator[tuple[Any, str, str]]:
    """A client, the queue's URL, and Airflow's connection to it."""
    server = sqs.moto_server()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = sqs.client(address)
    yield client, client.create_queue(QueueName="ct-sync")["QueueUrl"], sqs.connection(address)
    server.stop()


def test_a_message_starts_the_dag_of_the_entity_it_concerns(
    queue: tuple[Any, str, str],
    postgres: EmbeddedPostgres,
    ledger_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    client, url, connection = queue
    folder = tmp_path_factory.mktemp("listen")
    postgres.create_database("listen_airflow")
    postgres.create_database("listen_ledger", template=ledger_template)
    ledger_url = postgres.url("listen_ledger")
    subscription = {"destination": {"type": "SQS", "queue_url": url, "region": sqs.REGION}}
    with (
        world_of(
            load_shop(SAMPLE_SHOP),
            ledger_url,
            folder / "scenario",
            {"realtime": {"commercetools": subscription}},
        ) as world,
        LocalAirflow(
            project=airflow_home.PROJECT,
            home=folder / "airflow",
            database_url=postgres.url("listen_airflow", "psycopg2"),
            extra_env={
                **environment(world, ledger_url, folder),
                "AIRFLOW_CONN_AWS_DEFAULT": connection,
                # A watch begins when the file of a DAG that is no longer paused is parsed again.
                "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3",
            },
            parallelism=4,
        ) as airflow,
        airflow.api() as api,
    ):
        api.put_pool("commercetools_api", 4)
        api.put_pool("lightspeed_api", 2)
        api.wait_for_dags("listen", "inventory", timeout=PATIENCE)
        api.unpause("inventory")
        api.unpause("listen")
        before: set[str] = set()
        project = world.online.credentials()["project_key"]
        for number in (1, 2):
            client.send_message(QueueUrl=url, MessageBody=sqs.changed(number, projectKey=project))
            began = time.monotonic()
            heard = first(api, "listen", lambda run: run["dag_run_id"] not in before and received(api, run))
            before.add(heard["dag_run_id"])
            if heard["run_type"] == "asset_triggered":
                break
            # The ten minutes were over just now, and the sweep was quicker than the watch.
        assert heard["run_type"] == "asset_triggered"
        assert received(api, heard) == {**NOTHING, "received": 1, "kept": 1, "rang": ["inventory"]}
        first(api, "inventory", lambda run: run["run_type"] == "asset_triggered")
        print(f"{time.monotonic() - began:.2f} s from the message to the run of inventory")
        events = api.get("/assets/events", limit=100)["asset_events"]
        assert "entry-1" not in str(events), "what a message says stays out of Airflow's metadata"
        assert api.get("/dags/products/dagRuns")["dag_runs"] == []
    with Ledger.open(ledger_url) as ledger:
        assert [(one["entity"], one["topic"]) for one in ledger.inbox.told()] == [
            ("inventory", "inventory-entry.ResourceUpdated")
        ]


def received(api: AirflowApi, run: Any) -> Any:
    """What a run of `listen` counted, once it took something out of the queue."""
    counts = api.xcom("listen", run["dag_run_id"], "drain")
    return counts if counts and counts["received"] else None


def first(api: AirflowApi, dag_id: str, wanted: Callable[[Any], Any]) -> Any:
    """Wait for a run that is wanted."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for run in api.get(f"/dags/{dag_id}/dagRuns", order_by="-run_after", limit=10)["dag_runs"]:
            if wanted(run):
                return run
        time.sleep(0.1)
    raise TimeoutError(f"no run of {dag_id} as wanted within {PATIENCE:.0f} s")
