"""A cursor never hides a failure: it moves with the holds it passes, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import HoldDraft
from retail_sync.records.errors import ProtocolFault

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def draft(subject: str = "s1", code: str = "no_price", **more: Any) -> HoldDraft:
    values: dict[str, Any] = {"kind": "variant", "system": "lightspeed", "source_id": f"id-{subject}"}
    return HoldDraft(subject=subject, code=code, message=f"{subject}: {code}", **(values | more))


def settle(ledger: Ledger, run_id: str, *, now: datetime = NOON, **what: Any) -> Any:
    wanted: dict[str, Any] = {"cursors": {}, "holds": [], "now": now}
    return ledger.runs.settle(run_id, "products", **(wanted | what))


def next_run(ledger: Ledger, run_id: str) -> str:
    return ledger.runs.open(
        run_id, "products", dag_id="products", airflow_run_id=run_id, mode="delta", params={}
    ).id


def test_holds_cursors_and_baseline_are_stored_together(ledger: Ledger, run_id: str) -> None:
    settled = settle(
        ledger, run_id, cursors={"lightspeed": "41"}, holds=[draft(evidence=["a", "b"])], baseline=True
    )
    assert (settled.held_new, settled.held_again, settled.cursors) == (1, 0, {"lightspeed": "41"})
    assert ledger.runs.cursor("products", "lightspeed") == "41"
    assert ledger.runs.cursor("products", "commercetools") is None
    assert ledger.runs.baseline("products") == NOON
    (hold,) = ledger.holds.open_holds("products")
    assert (hold.subject, hold.system, hold.source_id, hold.evidence, hold.attempts) == (
        "s1", "lightspeed", "id-s1", ["a", "b"], 1
    )  # fmt: skip


def test_a_hold_that_cannot_be_stored_leaves_the_cursor_and_the_other_holds(
    ledger: Ledger, run_id: str
) -> None:
    settle(ledger, run_id, cursors={"lightspeed": "41"})
    bad = draft("bad", code=None)  # type: ignore[arg-type]
    with pytest.raises(ProtocolFault, match="NotNullViolation"):
        settle(ledger, run_id, cursors={"lightspeed": "50"}, holds=[draft(), bad], baseline=True)
    assert ledger.runs.cursor("products", "lightspeed") == "41"
    assert ledger.holds.open_holds("products") == []
    assert ledger.runs.baseline("products") is None


def test_a_cursor_that_cannot_move_leaves_the_holds_too(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, cursors={"lightspeed": "41"})
    with pytest.raises(ProtocolFault, match="cannot be compared"):
        settle(ledger, run_id, cursors={"lightspeed": "2026-11-23T12:00:00Z"}, holds=[draft()])
    assert ledger.holds.open_holds("products") == []


@pytest.mark.parametrize(
    ("stored", "older", "newer"),
    [
        ("99", "9", "100"),
        ("2026-11-23T12:00:00.000Z", "2026-11-23T12:59:59+01:00", "2026-11-23T12:00:00.001Z"),
    ],
)
def test_a_cursor_never_moves_backwards(
    ledger: Ledger, run_id: str, stored: str, older: str, newer: str
) -> None:
    settle(ledger, run_id, cursors={"lightspeed": stored})
    assert settle(ledger, run_id, cursors={"lightspeed": older}).cursors == {"lightspeed": stored}
    assert ledger.runs.cursor("products", "lightspeed") == stored
    assert settle(ledger, run_id, cursors={"lightspeed": newer}).cursors == {"lightspeed": newer}
    with ledger.engine.connect() as connection:
        row = connection.execute(text("SELECT previous, run_id FROM cursors")).one()
    assert tuple(row) == (stored, run_id)


def test_a_first_cursor_that_nothing_can_be_compared_with_is_refused(ledger: Ledger, run_id: str) -> None:
    with pytest.raises(ProtocolFault, match="no place in an order"):
        settle(ledger, run_id, cursors={"lightspeed": "yesterday"})
    assert ledger.runs.cursor("products", "lightspeed") is None


def test_workers_that_settle_at_once_leave_the_furthest_cursor(ledger: Ledger, run_id: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(
            pool.map(
                lambda n: settle(ledger, run_id, cursors={"lightspeed": str(n)}, holds=[draft(f"s{n % 3}")]),
                range(12),
            )
        )
    assert ledger.runs.cursor("products", "lightspeed") == "11"
    assert len(ledger.holds.open_holds("products")) == 3


def test_only_a_run_of_that_entity_moves_a_cursor(ledger: Ledger, run_id: str) -> None:
    with pytest.raises(ProtocolFault, match="may not settle"):
        settle(ledger, "nobody", cursors={"lightspeed": "1"})
    with pytest.raises(ProtocolFault, match="may not settle"):
        ledger.runs.settle(run_id, "prices", cursors={"lightspeed": "1"}, holds=[])


def test_a_record_held_again_waits_twice_as_long_up_to_the_longest(ledger: Ledger) -> None:
    waits = []
    for n in range(6):
        moment = NOON + timedelta(days=n)
        settle(
            ledger, next_run(ledger, f"r{n}"), now=moment, holds=[draft()],
            first_retry=timedelta(minutes=15), longest=timedelta(hours=2),
        )  # fmt: skip
        (hold,) = ledger.holds.open_holds("products")
        waits.append((hold.due_at - moment) / timedelta(minutes=1))
        assert (hold.attempts, hold.first_seen_at, hold.last_seen_at) == (n + 1, NOON, moment)
    assert waits == [15, 30, 60, 120, 120, 120]


def test_the_wait_stays_finite_however_often_a_record_is_held(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, holds=[draft()])
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE holds SET attempts = 100000"))
    settle(ledger, next_run(ledger, "r2"), holds=[draft()])
    assert ledger.holds.open_holds("products")[0].due_at == NOON + timedelta(hours=24)


def test_a_retried_settlement_counts_once(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, holds=[draft()])
    again = settle(ledger, run_id, now=NOON + timedelta(minutes=5), holds=[draft()])
    (hold,) = ledger.holds.open_holds("products")
    assert (again.held_new, again.held_again) == (0, 1)
    assert (hold.attempts, hold.due_at) == (1, NOON + timedelta(minutes=15))


def test_what_was_looked_at_and_not_found_again_is_released(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, holds=[draft("s1"), draft("s1", "no_tax"), draft("s2"), draft("not looked at")])
    r2 = next_run(ledger, "r2")
    settled = settle(
        ledger, r2, holds=[draft("s1", "no_tax")],
        considered=[("variant", "s1"), ("variant", "s2"), ("product", "not looked at")],
    )  # fmt: skip
    assert (settled.held_again, settled.released) == (1, 2)
    assert {(h.subject, h.code) for h in ledger.holds.open_holds("products")} == {
        ("s1", "no_tax"),
        ("not looked at", "no_price"),
    }
    with ledger.engine.connect() as connection:
        by = connection.execute(text("SELECT DISTINCT released_by FROM holds WHERE released_at IS NOT NULL"))
        assert by.scalars().all() == ["run r2"]


def test_a_finding_that_comes_back_opens_a_new_hold(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, holds=[draft()])
    settle(ledger, run_id, considered=[("variant", "s1")])
    later = NOON + timedelta(days=1)
    assert settle(ledger, run_id, now=later, holds=[draft()]).held_new == 1
    (hold,) = ledger.holds.open_holds("products")
    assert (hold.first_seen_at, hold.attempts) == (later, 1)


def test_findings_of_one_subject_differ_by_code_and_field(ledger: Ledger, run_id: str) -> None:
    drafts = [
        draft(code="long", field="name"),
        draft(code="long", field="brand"),
        draft(code="long"),
        draft(code="long"),
    ]
    assert settle(ledger, run_id, holds=drafts).held_new == 3
    assert ledger.holds.counts("products") == {"long": 3}


def test_due_holds_come_soonest_first_and_only_when_due(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, holds=[draft("soon")])
    settle(ledger, run_id, now=NOON - timedelta(minutes=5), holds=[draft("sooner")])
    settle(ledger, run_id, now=NOON + timedelta(hours=1), holds=[draft("later")])
    assert ledger.holds.due("products", NOON) == []
    assert [h.subject for h in ledger.holds.due("products", NOON + timedelta(minutes=15))] == [
        "sooner",
        "soon",
    ]
    later = next(h for h in ledger.holds.open_holds("products") if h.subject == "later")
    assert ledger.holds.make_due([later.id]) == 1
    assert "later" in {
        h.subject for h in ledger.holds.due("products", datetime.now(UTC) + timedelta(seconds=5))
    }


def test_a_person_releases_a_hold_once_with_a_note(ledger: Ledger, run_id: str) -> None:
    settle(ledger, run_id, holds=[draft()])
    (hold,) = ledger.holds.open_holds("products")
    ledger.holds.release(hold.id, "ada", "priced by hand")
    assert ledger.holds.open_holds("products") == []
    with pytest.raises(ProtocolFault, match=f"no open hold {hold.id}"):
        ledger.holds.release(hold.id, "ada", None)
