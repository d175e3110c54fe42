"""100,000 prices: 50,000 articles with a shelf price and a price for regulars, in two lists.

Articles and links are written straight into stand-ins and ledger, as a run of products would have left them; everything
else goes over HTTP, a process a task. Held here: requests and writes. Times are printed only.
`RETAIL_SYNC_BENCH_PRICED` (articles) makes the shop smaller.
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
from tests.benchmarks.priceserver import VARIANTS
from tests.benchmarks.reporting import report
from tests.benchmarks.running import Bench, Run, bench_of
from tests.benchmarks.stockshop import Catalogue, fill_catalogue

pytestmark = pytest.mark.benchmark

ARTICLES = int(os.environ.get("RETAIL_SYNC_BENCH_PRICED", "50000"))
EDITS = min(1000, ARTICLES // VARIANTS)
PAGE_ONLINE, PAGE_TILL, LINES, LOOKED_UP = 500, 1000, 100, 50
BOOK_WRITES = "lightspeed POST /api/2026-07/price_books/{id}/products"
OWN_WRITES = "lightspeed PUT /api/2026-07/products/{id}"


@dataclass
class Played:
    bench: Bench
    runs: dict[str, Run] = field(default_factory=dict)


@pytest.fixture(scope="module")
def played(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    postgres.create_database("priced")
    url = postgres.url("priced")
    upgrade(url)
    folder: Path = tmp_path_factory.mktemp("priced")
    with bench_of(ARTICLES, postgres, url, folder, "priceserver") as bench:
        ids = bench.order("ids")
        with Ledger.open(url) as ledger:
            fill_catalogue(ledger, Catalogue(ids["till"], ids["online"]))
        found = Played(bench)
        found.runs["first alignment"] = bench.run("full", "prices")
        found.runs["second full run"] = bench.run("full", "prices")
        bench.order("edit", count=EDITS)
        found.runs["delta after the edits"] = bench.run("delta", "prices")
        reading = pages(ARTICLES // VARIANTS, PAGE_ONLINE) + pages(ARTICLES, PAGE_TILL)
        lines = pages(ARTICLES, PAGE_TILL)
        least = {
            "first alignment": reading + pages(ARTICLES, LINES) + pages(ARTICLES, LOOKED_UP),
            "second full run": reading + lines,
            "delta after the edits": pages(EDITS, PAGE_ONLINE) + EDITS,
        }
        report(
            f"{2 * ARTICLES:,} prices of {ARTICLES:,} articles, {EDITS:,} edits",
            {name: (run, least[name]) for name, run in found.runs.items()},
        )
        yield found
    postgres.drop_database("priced")


def pages(rows: int, size: int) -> int:
    return -(-rows // size)


def test_every_price_is_what_it_has_to_be(played: Played) -> None:
    assert played.bench.order("apart") == 0
    for run in played.runs.values():
        assert run.accounts["add_up"]
        assert run.accounts["failed"] == run.accounts["held"] == 0


def test_a_first_alignment_fills_the_book_a_hundred_lines_at_once_and_sends_nothing_that_is_in_step(
    played: Played,
) -> None:
    run = played.runs["first alignment"]
    assert run.accounts["changes"] == run.accounts["applied"] == ARTICLES
    assert run.asked(BOOK_WRITES) == pages(ARTICLES, LINES)
    assert run.asked(OWN_WRITES) == 0


def test_a_second_full_run_writes_nothing(played: Played) -> None:
    run = played.runs["second full run"]
    assert run.accounts["changes"] == run.asked(BOOK_WRITES) + run.asked(OWN_WRITES) == 0
    assert not run.named("load")


def test_a_delta_writes_each_edited_price_once(played: Played) -> None:
    run = played.runs["delta after the edits"]
    assert run.accounts["changes"] == run.accounts["applied"] == run.asked(OWN_WRITES) == EDITS
