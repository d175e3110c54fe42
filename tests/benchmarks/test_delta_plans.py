"""The plan of a delta costs what its edits cost, however large the shop is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks.deltaplan import Planned, fill, plan
from tests.benchmarks.reporting import MIB, tell

pytestmark = pytest.mark.benchmark

SIZES = {"products": (5_000, 50_000), "customers": (5_000, 50_000), "prices": (100_000, 1_000_000)}
EDITS = {"products": 50, "customers": 200, "prices": 1_000}
ROUNDS = 3


@pytest.fixture
def ledgers(postgres: Any, ledger_template: str) -> Iterator[tuple[str, str]]:
    names = ("delta_few", "delta_many")
    for name in names:
        postgres.create_database(name, template=ledger_template)
    yield postgres.url(names[0]), postgres.url(names[1])
    for name in names:
        postgres.drop_database(name)


@pytest.mark.parametrize("entity", EDITS)
def test_a_delta_costs_the_same_in_a_shop_ten_times_as_large(ledgers: tuple[str, str], entity: str) -> None:
    edits, measured = EDITS[entity], []
    for size, url in zip(SIZES[entity], ledgers, strict=True):
        fill(url, entity, size, edits)
        measured.append(_least([plan(url, entity, edits) for _ in range(ROUNDS)]))
        tell([_line(entity, size, edits, measured[-1])])
    few, many = measured
    assert few.changes == many.changes == edits
    assert many.cpu < 1.2 * few.cpu + 0.1
    assert many.peak < 1.2 * few.peak


def _least(found: list[Planned]) -> Planned:
    return min(found, key=lambda one: one.cpu)


def _line(entity: str, size: int, edits: int, found: Planned) -> str:
    return (
        f"plan of {edits} edits of {entity}, {size} on each side: {found.cpu:.2f} CPU s, {found.seconds:.1f} s, "
        f"{found.peak / MIB:.0f} MiB at most ({found.before / MIB:.0f} before it began)"
    )
