"""50,000 articles at five outlets, 250,000 levels and 150,000 entries: what a delta after a thousand sales costs.

Articles, links, levels and entries are written straight into stand-ins and ledger, as products and a first alignment
of stock would have left them; the full run that takes them in goes over HTTP like the deltas, a process a task. Held
here: requests and writes. Times are printed only. `RETAIL_SYNC_BENCH_STOCKED` makes the shop smaller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.migrate import upgrade
from retail_sync.sync.inventory.apply import EntryWriter
from tests.benchmarks.reporting import report
from tests.benchmarks.running import Bench, Run, bench_of
from tests.benchmarks.stockshop import CHANNELS, OUTLETS, Catalogue, fill_catalogue

pytestmark = pytest.mark.benchmark

ARTICLES = int(os.environ.get("RETAIL_SYNC_BENCH_STOCKED", "50000"))
SALES = min(1000, ARTICLES // 10)
LEVELS, ENTRIES = ARTICLES * len(OUTLETS), ARTICLES * len(CHANNELS)
PAGE_ONLINE, PAGE_TILL = 500, 1000
READ_ENTRIES = "commercetools GET /sandbox-shop/inventory 200"
READ_ORDERS = "commercetools GET /sandbox-shop/orders 200"
READ_LEVELS = "lightspeed POST /api/2026-07/inventory 200"
WRITES = "commercetools POST /sandbox-shop/inventory"


@dataclass
class Played:
    bench: Bench
    runs: dict[str, Run] = field(default_factory=dict)
    to_change: dict[str, int] = field(default_factory=dict)
    """How many figures the sales changed, by channel."""

    @property
    def writes(self) -> int:
        return sum(self.to_change.values())


@pytest.fixture(scope="module")
def played(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    postgres.create_database("stocked")
    url = postgres.url("stocked")
    upgrade(url)
    folder: Path = tmp_path_factory.mktemp("stocked")
    with bench_of(ARTICLES, postgres, url, folder, "stockserver") as bench:
        till = bench.order("articles")
        with Ledger.open(url) as ledger:
            fill_catalogue(ledger, Catalogue(till, [f"online-{one}" for one in till]))
        found = Played(bench)
        found.runs["full run"] = bench.run("full", "inventory")
        found.to_change = bench.order("sell", count=SALES)
        found.runs["delta after the sales"] = bench.run("delta", "inventory")
        bench.order("pause")
        found.runs["delta after nothing"] = bench.run("delta", "inventory")
        least = {
            "full run": pages(ENTRIES, PAGE_ONLINE) + pages(LEVELS, PAGE_TILL) + 2,
            "delta after the sales": pages(SALES, PAGE_TILL) + 3 + found.writes,
            "delta after nothing": pages(found.writes, PAGE_ONLINE) + 2,
        }
        report(
            f"stock of {ARTICLES:,} articles: {LEVELS:,} levels, {ENTRIES:,} entries, {SALES:,} sales",
            {name: (run, least[name]) for name, run in found.runs.items()},
        )
        yield found
    postgres.drop_database("stocked")


def pages(rows: int, size: int) -> int:
    return -(-rows // size)


def test_every_entry_shows_what_it_has_to(played: Played) -> None:
    assert played.bench.order("apart") == 0
    for run in played.runs.values():
        assert run.accounts["add_up"]
        assert run.accounts["failed"] == run.accounts["held"] == 0


def test_the_full_run_reads_every_page_once_and_writes_nothing(played: Played) -> None:
    run = played.runs["full run"]
    assert run.asked(WRITES) == run.accounts["changes"] == 0
    # By id: the page after the last full one is empty. By version: only an empty page says that there are no more.
    assert run.asked(READ_ENTRIES) == ENTRIES // PAGE_ONLINE + 1
    assert run.asked(READ_LEVELS) == pages(LEVELS, PAGE_TILL) + 1


def test_a_delta_reads_what_changed_and_writes_each_figure_once(played: Played) -> None:
    run = played.runs["delta after the sales"]
    extracts = run.named("extract")
    assert sum(step.asked_for(READ_ENTRIES, READ_ORDERS) for step in extracts) == 2
    assert sum(step.asked_for(READ_LEVELS) for step in extracts) == pages(SALES, PAGE_TILL) + 1
    assert run.asked(WRITES) == run.asked(f"{WRITES}/{{id}} 200") == played.writes
    assert run.accounts["changes"] == run.accounts["applied"] == played.writes
    # While it writes it looks at orders and levels once a portion.
    (load,) = run.named("load")
    portions = pages(played.writes, EntryWriter.portion_size)
    assert load.asked_for(READ_ORDERS) == load.asked_for(READ_LEVELS) == portions
    assert load.asked_for(READ_ENTRIES) == 0


def test_a_second_delta_writes_nothing(played: Played) -> None:
    run = played.runs["delta after nothing"]
    assert run.asked(WRITES) == run.accounts["changes"] == 0
    assert not run.named("load")
    # It looks at what the delta before has written, and finds it as it should be.
    assert run.accounts["read"] == played.writes
    assert run.asked(READ_ENTRIES) == played.writes // PAGE_ONLINE + 1
    assert run.asked(READ_LEVELS) == 1
