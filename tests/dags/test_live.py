"""A real Airflow (four processes, LocalExecutor) that loses the other systems and a worker on the way, and goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import psutil
import pytest

import tests.support.airflow_home as airflow_home
from demo.airflow import LocalAirflow
from demo.airflow_api import AirflowApi
from demo.postgres import EmbeddedPostgres
from sandbox.faults import FaultRule, LoggedRequest
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.dags.conftest import environment
from tests.dags.test_inventory import miscount
from tests.dags.test_products import linked_sku, raise_price
from tests.support.builders.inventory import Stocked
from tests.support.worlds import World, world_of

pytestmark = pytest.mark.airflow

HANG_SECONDS = 15.0
PATIENCE = 600.0
"""Seconds. Only a machine with much else to do needs more than a tenth of it."""


@pytest.fixture(scope="module")
def stage(
    postgres: EmbeddedPostgres, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, LocalAirflow]]:
    """Both stand-ins and an Airflow that knows them."""
    folder = tmp_path_factory.mktemp("live")
    postgres.create_database("live_airflow")
    postgres.create_database("live_ledger", template=ledger_template)
    url = postgres.url("live_ledger")
    with (
        world_of(load_shop(SAMPLE_SHOP), url, folder / "scenario") as world,
        LocalAirflow(
            project=airflow_home.PROJECT,
            home=folder / "airflow",
            database_url=postgres.url("live_airflow", "psycopg2"),
            extra_env=environment(world, url, folder),
            parallelism=4,
        ) as airflow,
    ):
        with airflow.api() as api:
            api.put_pool("commercetools_api", 4)
            api.put_pool("lightspeed_api", 2)
        yield world, airflow


def test_a_run_survives_an_outage_and_a_killed_worker(stage: tuple[World, LocalAirflow]) -> None:
    world, airflow = stage
    with airflow.api() as api:
        api.wait_for_dags("products", "preflight", timeout=PATIENCE)
        assert api.import_errors() == {}
        api.unpause("products")

        # The till answers 503 until the client's own repeats are used up, so that the task itself fails once.
        storm = FaultRule(match="/products", method="GET", kind="status", status=503, times=8)
        world.faults["lightspeed"].add(storm)
        # Some creations hang for a while, so that there is a middle to die in, with writes under way.
        hang = FaultRule(match="/products$", method="POST", kind="slow", delay=HANG_SECONDS, after=6, times=3)
        world.faults["lightspeed"].add(hang)
        run_id = api.trigger("products", {"mode": "full"})
        killed = wait_for(lambda: pid_in_the_middle_of_load(api, world, run_id, airflow), seconds=PATIENCE)
        os.kill(killed, signal.SIGKILL)
        run = api.wait("products", run_id, timeout=PATIENCE)
        assert run.state == "success", states(api, run_id)

        tries = {task.task_id: task.try_number for task in api.task_instances("products", run_id)}
        assert tries["extract_lightspeed"] == 2, "the outage cost one try"
        assert tries["load"] == 2, "the kill cost one try"
        audit = api.xcom("products", run_id, "audit")
        assert audit["accounts_add_up"] is True
        assert audit["accounts"]["failed"] == 0
        assert (
            audit["accounts"]["applied"] + audit["accounts"]["already_there"] == audit["accounts"]["changes"]
        )
        assert run.note is not None and "records read" in run.note

        skus = [row["sku"] for row in world.till.all_products()]
        doubled = {sku for sku in skus if skus.count(sku) > 1} - seeded_twice()
        assert doubled == set(), "a write of unknown outcome was sent again without a look"

        world.forget_requests()
        again = api.trigger("products", {"mode": "full"})
        assert api.wait("products", again, timeout=PATIENCE).state == "success"
        assert world.writes() == []


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_marked_by_hand_in_mid_load_is_made_good_by_the_next_one_though_two_are_queued(
    stage: tuple[World, LocalAirflow], state: str
) -> None:
    world, airflow = stage
    with airflow.api() as api:
        if not api.get("/dags/products/dagRuns", limit=1)["dag_runs"]:
            api.wait_for_dags("products", timeout=PATIENCE)
            api.unpause("products")
            first = api.trigger("products", {"mode": "full"})
            assert api.wait("products", first, timeout=PATIENCE).state == "success"
        new = [f"{state}-{n}" for n in range(8)]
        brand = next(iter(world.till.brands.live())).id
        for sku in new:
            world.till.add_product_family(f"New {sku}", sku=sku, price="5.00", brand_id=brand)
        hang = FaultRule(match="/products$", method="POST", kind="slow", delay=HANG_SECONDS, after=3, times=2)
        world.faults["commercetools"].add(hang)
        world.forget_requests()
        marked = api.trigger("products", {"mode": "full"})
        wait_for(lambda: len(made_online(world)) >= 3 or None, seconds=PATIENCE)
        api.mark("products", marked, state)
        queued = [api.trigger("products", {"mode": "full"}) for _ in range(2)]
        for run_id in queued:
            assert api.wait("products", run_id, timeout=PATIENCE).state == "success", states(api, run_id)
        assert api.dag_run("products", marked).state == state

        online = [variant_sku for variant_sku in skus_online(world) if variant_sku in new]
        assert sorted(online) == new, "what the marked run left is made, and nothing twice"
        earlier, later = (api.get(f"/dags/products/dagRuns/{quote(one, safe='')}") for one in queued)
        assert earlier["end_date"] <= later["start_date"], "two full runs never overlap"
        assert api.xcom("products", queued[1], "audit")["accounts"]["changes"] == 0
        world.forget_requests()
        last = api.trigger("products", {"mode": "full"})
        assert api.wait("products", last, timeout=PATIENCE).state == "success"
        assert world.writes() == []


def test_a_repair_is_a_full_run_of_the_dag_of_each_entity_that_differs(
    stage: tuple[World, LocalAirflow],
) -> None:
    world, airflow = stage
    stock = Stocked(world)
    with airflow.api() as api:
        for dag_id in ("reconcile", "inventory"):
            api.unpause(dag_id)
        aligned = api.trigger("inventory", {"mode": "full"})
        assert api.wait("inventory", aligned, timeout=PATIENCE).state == "success"
        sku = linked_sku(world)
        shows = stock.available(sku, "berlin")
        raise_price(world, sku)
        miscount(stock, sku, "berlin", 70)
        world.forget_requests()

        mend = api.trigger("reconcile", {"repair": True})
        assert api.wait("reconcile", mend, timeout=PATIENCE).state == "success"
        found = api.xcom("reconcile", mend, "products.drift")
        assert (found["changes"], found["by_field"]) == (1, {"lightspeed: price": 1})
        found = api.xcom("reconcile", mend, "inventory.drift")
        assert (found["changes"], found["by_field"]) == (1, {"commercetools: berlin": 1})
        assert found["by_location"] == {"Berlin": 1}
        assert len(world.writes("lightspeed")) == len(world.writes("commercetools")) == 1
        assert len(stock.stock_writes()) == 1
        assert stock.available(sku, "berlin") == shows
        for dag_id in ("products", "inventory"):
            last = api.get(f"/dags/{dag_id}/dagRuns", order_by="-run_after", limit=1)["dag_runs"][0]
            assert (last["state"], last["conf"]) == ("success", {"mode": "full", "dry_run": False})


def test_the_test_button_of_both_connections_works(stage: tuple[World, LocalAirflow]) -> None:
    world, airflow = stage
    online = world.online.credentials()
    forms = {
        "commercetools": {
            "host": world.online_url,
            "login": online["client_id"],
            "password": online["client_secret"],
            "extra": json.dumps({"project_key": online["project_key"], "auth_url": world.online_url}),
        },
        "lightspeed": {"host": world.till_url, "password": world.till_token, "extra": '{"series": "x"}'},
    }
    with airflow.api() as api:
        for kind, fields in forms.items():
            worked, sentence = api.test_connection({"connection_id": "tried", "conn_type": kind, **fields})
            assert worked, sentence
            assert sentence.startswith("Connected to")


def pid_in_the_middle_of_load(
    api: AirflowApi, world: World, run_id: str, airflow: LocalAirflow
) -> int | None:
    """The process of `load` once some products are created; it must be a descendant of this Airflow's scheduler."""
    created = [request for request in world.writes("lightspeed") if request.method == "POST"]
    if len(created) < 7:
        return None
    path = f"/dags/products/dagRuns/{run_id.replace(':', '%3A').replace('+', '%2B')}/taskInstances"
    for row in api.get(path)["task_instances"]:
        if row["task_id"] == "load" and row["state"] == "running" and row["pid"]:
            family = {
                child.pid for child in psutil.Process(airflow.pids()["scheduler"]).children(recursive=True)
            }
            assert row["pid"] in family
            return int(row["pid"])
    return None


def wait_for(look: Callable[[], int | None], *, seconds: float) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"not seen within {seconds:.0f} s")


def made_online(world: World) -> list[LoggedRequest]:
    writes = world.writes("commercetools")
    return [request for request in writes if request.method == "POST" and request.path.endswith("/products")]


def skus_online(world: World) -> list[str]:
    found = []
    for product in world.online_products():
        data = product["masterData"]["current"]
        found += [str(one.get("sku")) for one in [data["masterVariant"], *data["variants"]]]
    return found


def states(api: AirflowApi, run_id: str) -> list[str]:
    return [
        f"{task.label}: {task.state}, try {task.try_number}"
        for task in api.task_instances("products", run_id)
    ]


def seeded_twice() -> set[str]:
    """SKUs that the sample shop's till bears twice from the start (bad records on purpose)."""
    from sandbox.shop.seed_lightspeed import new_lightspeed_store

    skus = [row["sku"] for row in new_lightspeed_store(load_shop(SAMPLE_SHOP)).all_products()]
    return {sku for sku in skus if skus.count(sku) > 1}
