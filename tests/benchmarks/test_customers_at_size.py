"""5,000 customers on each side, 30 % of them the same people, as untidy as people type themselves in.

The profiles are put straight into the stand-ins; everything else goes over HTTP, a process a task. Held here: who was
taken for whom, and what was written. Times are printed only. `RETAIL_SYNC_BENCH_CUSTOMERS` makes the bases smaller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.migrate import upgrade
from retail_sync.pipeline.runtime.secrets import VARIABLE
from retail_sync.records.customers import ENTITY, KIND
from tests.benchmarks.customerserver import OVERLAP, SEED
from tests.benchmarks.reporting import report, tell
from tests.benchmarks.running import Bench, Run, bench_of
from tests.support.bases import Bases, Verdict, judge
from tests.support.population import make_population

pytestmark = pytest.mark.benchmark

SIZE = int(os.environ.get("RETAIL_SYNC_BENCH_CUSTOMERS", "5000"))
EDITS = min(100, SIZE // 20)
"""On each side."""
PAGE_ONLINE, PAGE_TILL = 500, 1000


@dataclass
class Played:
    bench: Bench
    bases: Bases
    runs: dict[str, Run] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)


@pytest.fixture(scope="module")
def played(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    postgres.create_database("peopled")
    url = postgres.url("peopled")
    upgrade(url)
    folder: Path = tmp_path_factory.mktemp("peopled")
    with pytest.MonkeyPatch.context() as environment, Ledger.open(url) as ledger:
        environment.setenv(VARIABLE, Fernet.generate_key().decode())
        with bench_of(SIZE, postgres, url, folder, "customerserver") as bench:
            ids = bench.order("ids")
            found = Played(bench, Bases(make_population(SIZE, OVERLAP, SEED), ids["online"], ids["till"]))
            _run(found, "first alignment", "full", ledger)
            bench.order("later")
            _run(found, "second full run", "full", ledger)
            linked = sorted(
                (link.commercetools_id, link.lightspeed_id) for link in ledger.links.read(ENTITY, KIND)
            )
            bench.order(
                "edit",
                online=[online for online, _ in linked[:EDITS]],
                till=[till for _, till in linked[EDITS : 2 * EDITS]],
            )
            _run(found, "delta after the edits", "delta", ledger)
            _tell(found, len(linked))
            yield found
    postgres.drop_database("peopled")


def _run(found: Played, name: str, mode: str, ledger: Ledger) -> None:
    found.runs[name] = found.bench.run(mode, ENTITY)
    people = found.bench.order("people")
    links, holds = ledger.links.read(ENTITY, KIND), ledger.holds.open_holds(ENTITY)
    found.verdicts[name] = judge(found.bases, people["online"], people["till"], links, holds)


def _tell(found: Played, customers: int) -> None:
    first = found.runs["first alignment"]
    # On the way both sides grow to at least as many as are linked.
    reading = pages(SIZE, PAGE_ONLINE) + pages(SIZE, PAGE_TILL)
    least = {
        "first alignment": reading + first.accounts["applied"],
        "second full run": pages(customers, PAGE_ONLINE) + pages(customers, PAGE_TILL),
        "delta after the edits": 2 + 2 * EDITS,
    }
    report(
        f"{SIZE:,} customers on each side, {OVERLAP:.0%} of them the same people, {EDITS} edits on each side",
        {name: (run, least[name]) for name, run in found.runs.items()},
    )
    tell(found.verdicts["first alignment"].lines())


def pages(rows: int, size: int) -> int:
    return -(-rows // size)


def test_nobody_is_mistaken_or_doubled_and_of_every_pair_that_is_missed_a_person_is_told(
    played: Played,
) -> None:
    for name, verdict in played.verdicts.items():
        assert verdict.precision == 1.0 and verdict.is_right, (name, verdict)
    assert played.verdicts["first alignment"].recall > 0.9
    for run in played.runs.values():
        assert run.accounts["add_up"]
        assert run.accounts["failed"] == 0


def test_a_second_full_run_writes_nothing(played: Played) -> None:
    run = played.runs["second full run"]
    assert run.accounts["changes"] == 0
    assert not run.named("load")


def test_a_delta_writes_each_edit_once(played: Played) -> None:
    run = played.runs["delta after the edits"]
    assert run.accounts["changes"] == run.accounts["applied"] == 2 * EDITS
    assert run.asked("lightspeed PUT ") == EDITS
