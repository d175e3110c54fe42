"""The parts a run is made of, each alone: medians of CPU seconds, printed, and held below generous bounds."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retail_sync.records.ports.connector import require
from retail_sync.records.ports.products import SystemName
from retail_sync.records.products import ProductTables
from retail_sync.sync.products.planner import plan_products
from tests.benchmarks.running import PROJECT
from tests.benchmarks.shop import large_shop, with_families
from tests.benchmarks.tables import plan_input, shop_tables
from tests.support.runs import Doors
from tests.support.worlds import World, world_of

pytestmark = pytest.mark.benchmark

ROUNDS = 5


def median_cpu(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def tell(what: str, seconds: float) -> None:
    print(f"\n{what}: {seconds:.3f} CPU s")


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, ledger_template: str, postgres: object
) -> Iterator[World]:
    postgres.create_database("parts", template=ledger_template)  # type: ignore[attr-defined]
    url = postgres.url("parts")  # type: ignore[attr-defined]
    with world_of(with_families(large_shop(500)), url, tmp_path_factory.mktemp("parts")) as found:
        yield found
    postgres.drop_database("parts")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("system", "rows"), [("commercetools", 500), ("lightspeed", 1000)], ids=["projections", "till rows"]
)
def test_a_page_is_mapped_in_a_blink(world: World, system: SystemName, rows: int) -> None:
    async def measured() -> float:
        async with Doors(world, world.settings).connector(system) as connector:
            adapter = require(connector.products, "products", system)
            await adapter.prepare()
            window = await adapter.open_window(None, full=True)
            page = await anext(adapter.walk(window))
            assert len(page.rows) == rows
            return median_cpu(lambda: adapter.to_records(page.rows))

    seconds = asyncio.run(measured())
    tell(f"mapping a page of {rows} rows of {system}", seconds)
    assert seconds < 3


@pytest.mark.parametrize("case", ["all new", "nothing changed", "every price changed"])
def test_a_plan_for_fifteen_thousand_variants_takes_seconds(case: str) -> None:
    left = shop_tables(5000, "c-", 100 if case == "every price changed" else 0)
    right = shop_tables(5000, "l-")
    if case == "all new":
        right = ProductTables(right.products.iloc[:0], right.variants.iloc[:0])
    given = plan_input(left, right, linked=case != "all new")
    plan = plan_products(given)
    expected = {"all new": 20_000, "nothing changed": 0, "every price changed": 15_000}
    assert (len(plan.changes), len(plan.holds)) == (expected[case], 0)
    seconds = median_cpu(lambda: plan_products(given), rounds=3)
    tell(f"the plan alone, 5,000 products, {case}", seconds)
    assert seconds < 20


def test_dag_files_are_read_in_under_a_second(tmp_path: Path) -> None:
    files = sorted(path for path in (PROJECT / "dags").glob("*.py"))
    program = (
        # What Airflow itself brings is loaded already where DAG files are read.
        "import runpy, sys, time\nimport airflow.sdk, airflow.providers.standard.operators.trigger_dagrun\n"
        "for path in sys.argv[1:]:\n"
        "    began = time.process_time()\n    runpy.run_path(path)\n"
        "    print(path, time.process_time() - began)\n"
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    taken: dict[str, list[float]] = {}
    for _ in range(3):
        for path in files:
            done = subprocess.run(
                [sys.executable, "-c", program, str(path)],
                env=environment,
                cwd=tmp_path,
                text=True,
                capture_output=True,
                check=True,
            )
            taken.setdefault(path.name, []).append(float(done.stdout.split()[-1]))
    for name, seconds in taken.items():
        tell(f"reading dags/{name} (Airflow imported)", statistics.median(seconds))
        assert statistics.median(seconds) < 1
