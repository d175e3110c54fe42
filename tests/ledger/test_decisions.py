"""Decisions of people: the last one counts, and a repeated task decides once."""

from __future__ import annotations

import pytest

from include.ledger.decisions import Decision
from include.ledger.ledger import Ledger
from include.records.errors import ProtocolFault


def decision(
    verdict: str = "approve", about: str = "x", run: str = "r1", subject: str = "lightspeed:a"
) -> Decision:
    return Decision(
        subject=subject, code="price_jump", field="Shelf", verdict=verdict, about=about, by="Kim", run_id=run  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_last_decision_on_a_record_and_field_counts(ledger: Ledger) -> None:
    ledger.decisions.add("prices", [decision("reject"), decision("approve", subject="lightspeed:b")])
    ledger.decisions.add("prices", [decision("approve", about="y", run="r2")])
    found = {one.subject: (one.verdict, one.about, one.by) for one in ledger.decisions.latest("prices")}
    assert found == {"lightspeed:a": ("approve", "y", "Kim"), "lightspeed:b": ("approve", "x", "Kim")}
    assert [one.subject for one in ledger.decisions.latest("prices", ["lightspeed:b"])] == ["lightspeed:b"]
    assert ledger.decisions.latest("products") == []


def test_a_task_that_is_tried_again_decides_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.decisions.add("prices", [decision()])
    with ledger.engine.connect() as connection:
        from sqlalchemy import text

        assert connection.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 1


def test_a_word_that_is_no_decision_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ProtocolFault, match="'maybe' is no decision"):
        ledger.decisions.add("prices", [decision("maybe")])
