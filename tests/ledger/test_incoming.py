"""Few rows travel with their statement, many through COPY: both ways arrive alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.bulk import FEW, incoming
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.rows import MirrorRow

COLUMNS = {
    "id": "text",
    "version": "bigint",
    "at": "timestamptz",
    "data": "jsonb",
    "names": "text[]",
}
AT = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=UTC)
ROWS: list[tuple[Any, ...]] = [
    ("plain", 2**53 + 1, AT, {"a": [1, "x"], "b": None}, ["one", "two"]),
    ("empty", None, None, None, []),
    ('quotes " and \\ and \t', 0, AT, [], ["with, comma", 'with "quotes"', ""]),
    ("nul \x00 and surrogate \ud800", 1, AT, {"nul \x00": "\ud800"}, []),
]


@pytest.mark.parametrize("times", [1, FEW])
def test_values_arrive_alike_whichever_way_they_travel(ledger: Ledger, times: int) -> None:
    with transaction(ledger.engine) as connection:
        given = incoming(connection, "arriving", COLUMNS, ROWS * times)
        found = connection.execute(
            text(f"SELECT DISTINCT id, version, at, data, names FROM {given.source}"), given.values
        ).all()
    replaced = ("nul \ufffd and surrogate \ufffd", 1, AT, {"nul \ufffd": "\ufffd"}, [])
    assert sorted(map(repr, map(tuple, found))) == sorted(map(repr, [*ROWS[:3], replaced]))


def test_a_transaction_may_take_in_many_rows_twice(ledger: Ledger, run_id: str) -> None:
    rows = [MirrorRow(id=str(n), version=1, digest="d", fields={"n": n}) for n in range(FEW + 1)]
    with ledger.together() as together:
        together.mirror.see("products", "product", "lightspeed", run_id, rows)
        together.mirror.see("products", "variant", "lightspeed", run_id, rows[:-1] * 2)
    assert len(ledger.mirror.read("products", "product", "lightspeed")) == FEW + 1
    assert len(ledger.mirror.read("products", "variant", "lightspeed")) == FEW


def test_what_is_done_together_is_stored_together_or_not_at_all(ledger: Ledger, run_id: str) -> None:
    row = MirrorRow(id="a", version=1, digest="d", fields={})
    with pytest.raises(ZeroDivisionError), ledger.together() as together:
        together.mirror.see("products", "product", "lightspeed", run_id, [row])
        raise ZeroDivisionError
    assert ledger.mirror.read("products", "product", "lightspeed") == []
