"""A million rows of stock, 200,000 articles at five outlets and three channels: from staged tables to a stored plan.

The plan task of a full run in a process of its own, first with nothing stored (every row new, every entry to be
created), then with all of it stored and one entry in a hundred differing. Staged tables, mirror and links are written
as a read and a run of products would leave them. Times are printed, not held. `RETAIL_SYNC_BENCH_ARTICLES` makes it
smaller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.migrate import upgrade
from retail_sync.records.inventory import ENTRY_COLUMNS, ORDER_COLUMNS, stock_table
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.inventory.availability import work_out
from retail_sync.sync.inventory.feeds import ENTRIES, LEVELS, ORDERS
from retail_sync.sync.inventory.layout import layout_of
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.planner import plan_stock
from tests.benchmarks.reporting import report_steps
from tests.benchmarks.running import Step, measured, process_of
from tests.benchmarks.stockshop import (
    CHANNELS,
    OUTLETS,
    Catalogue,
    entry_table,
    figures,
    fill_catalogue,
    first_levels,
    level_table,
    nothing_beside,
    settings_of,
)
from tests.benchmarks.test_parts import median_cpu, tell

pytestmark = pytest.mark.benchmark

ARTICLES = int(os.environ.get("RETAIL_SYNC_BENCH_ARTICLES", "200000"))
ROWS = ARTICLES * len(OUTLETS)
SHOWN = ARTICLES * len(CHANNELS)
DIFFERS_EVERY = 100
OUTLET_IDS = {name: f"0242ac12-0002-11e9-b914-00000000000{n}" for n, name in enumerate(OUTLETS)}


class Projection:
    """The ledger of a shop, and what a full run read of it."""

    def __init__(self, postgres: EmbeddedPostgres, url: str, folder: Path) -> None:
        self._database = process_of(postgres)
        self._folder = folder
        self.url = url
        self.settings = settings_of(ARTICLES)
        self._levels = level_table(
            Catalogue.made_up(ARTICLES), list(OUTLET_IDS.values()), first_levels(ARTICLES)
        )
        self._entries = entry_table(figures(first_levels(ARTICLES)))
        with Ledger.open(url) as ledger:
            fill_catalogue(ledger, Catalogue.made_up(ARTICLES))
        self.analyze()

    def analyze(self) -> None:
        """As autovacuum would in the hours between two full runs."""
        with Ledger.open(self.url) as ledger:
            connection = ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.close()

    def entries(self, *, differing: bool) -> pd.DataFrame:
        """What every channel has to show; `differing`: one in a hundred shows one more than it should."""
        apart = (np.arange(SHOWN) % DIFFERS_EVERY == 0) * differing
        units = self._entries["on_stock"] + apart
        return self._entries.assign(on_stock=units, available=units)

    def store(self) -> None:
        """The ledger has seen all levels, and all entries as they differ."""
        with Ledger.open(self.url) as ledger:
            ledger.stock.see_levels("before", self._levels)
            ledger.stock.see_entries("before", self.entries(differing=True))
        self.analyze()

    def plan(self, name: str, entries: pd.DataFrame) -> Step:
        buckets, offers = nothing_beside()
        tables = {
            f"{ENTRIES}/rows": entries,
            f"{ORDERS}/rows": stock_table(ORDER_COLUMNS, []),
            f"{LEVELS}/rows": self._levels,
            f"{LEVELS}/buckets": buckets,
            f"{ENTRIES}/offers": offers,
        }
        with Ledger.open(self.url) as ledger:
            staging = Staging(self._folder / "staging", f"inventory/{name}", ledger.checkpoints)
            for table, rows in tables.items():
                staging.write_table(table, rows)
            staging.write_document("outlets", OUTLET_IDS)
        feed = {"began": datetime.now(UTC).isoformat(), "window": {"lower": None, "upper": None}}
        job = {
            "entity": "inventory",
            "step": "plan",
            "mode": "full",
            "run_id": f"inventory/{name}",
            "settings": self.settings,
            "ledger": self.url,
            "staging": str(self._folder / "staging"),
            "places": {},
            "feeds": dict.fromkeys((ENTRIES, ORDERS, LEVELS), feed),
        }
        return measured(name, job, self._folder, self._database)

    def forget(self) -> None:
        """Nothing is stored of stock and plans; articles and links stay."""
        with Ledger.open(self.url) as ledger, ledger.engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE stock_levels, stock_entries, changes")


@pytest.fixture(scope="module")
def projection(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Projection]:
    postgres.create_database("projection")
    url = postgres.url("projection")
    upgrade(url)
    yield Projection(postgres, url, tmp_path_factory.mktemp("projection"))
    postgres.drop_database("projection")


def test_first_alignment(projection: Projection) -> None:
    step = projection.plan("first alignment", stock_table(ENTRY_COLUMNS, []))
    report_steps(f"the plan of {ROWS:,} rows, {SHOWN:,} entries to create", [step])
    assert step.result["changes"] == {"commercetools create": SHOWN}
    assert step.result["stored"] == SHOWN


def test_full_projection(projection: Projection) -> None:
    projection.forget()
    projection.store()
    step = projection.plan("full projection", projection.entries(differing=True))
    report_steps(f"the plan of {ROWS:,} rows, 1 in {DIFFERS_EVERY} of {SHOWN:,} entries differs", [step])
    assert step.result["changes"] == {"commercetools update": SHOWN // DIFFERS_EVERY}
    assert step.result["read"] == {
        "commercetools entries": SHOWN,
        "commercetools orders": 0,
        "lightspeed levels": ROWS,
    }


def test_figures_and_plan_alone(projection: Projection) -> None:
    """Without ledger and staging; once more with what `test_full_projection` left stored."""
    settings = SyncSettings.model_validate(projection.settings)
    now = datetime.now(UTC)
    layout = layout_of(settings, OUTLET_IDS, now, reserved="orders")
    with Ledger.open(projection.url) as ledger:
        given = load_given(ledger, settings, layout, now)
        entries = ledger.stock.entries()
        tell("loading articles and levels", median_cpu(lambda: load_given(ledger, settings, layout, now), 1))
    worked = work_out(given)
    plan = plan_stock(worked, entries, settings)
    assert len(given.levels) == ROWS
    assert len(plan.entry_writes) == SHOWN // DIFFERS_EVERY
    tell(f"figures of {SHOWN:,} entries worked out", median_cpu(lambda: work_out(given), rounds=3))
    tell(f"{SHOWN:,} entries compared", median_cpu(lambda: plan_stock(worked, entries, settings), rounds=3))
