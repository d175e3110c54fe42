"""Rule 17: whoever wakes late does not write. Who holds a lease, who lost it, and what the ledger takes from whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from retail_sync.ledger import Ledger
from retail_sync.ledger.leases import LEASE_SECONDS, MARGIN_SECONDS, HeldLease, Leases
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, Link
from retail_sync.records.errors import LeaseHeld, LeaseLost, SystemUnavailable
from retail_sync.records.leases import held, holding
from retail_sync.sync.engine.plan import bury_unsettled
from tests.support.leases import let_leases_run_out
from tests.support.links import pair

TIMEOUT = 60.0


class Clocks:
    """Three clocks of one machine, set by hand."""

    def __init__(self) -> None:
        self.shown = [100.0, 1_700_000_000.0, 100.0]

    def __call__(self) -> list[float]:
        return list(self.shown)


@contextmanager
def counted(ledger: Ledger) -> Iterator[list[str]]:
    """The statements the ledger was sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(ledger.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(ledger.engine, "before_cursor_execute", note)


def planned(ledger: Ledger, run_id: str) -> ChangeRow:
    change = ChangeRow(
        run_id=run_id, entity="products", kind="variant", subject="lightspeed:1", system="commercetools",
        action="create", unit="u-1", after={"sku": "A"},
    )  # fmt: skip
    ledger.changes.store([change])
    return change


def outcome_of(ledger: Ledger, change: ChangeRow) -> tuple[str, int, str | None]:
    (row,) = ledger.changes.get([change.id])
    return row.outcome, row.attempt, row.result_id


def require(lease: HeldLease, seconds: float = TIMEOUT) -> None:
    asyncio.run(lease.require(seconds))


# ---------------------------------------------------------------- who holds it


def test_one_worker_at_a_time_holds_a_lease_and_the_other_is_told_who_and_how_long(ledger: Ledger) -> None:
    lease = ledger.leases.take("products", "load[0] of products/1")
    with pytest.raises(LeaseHeld, match=r"load\[0\] of products/1 is writing products") as told:
        ledger.leases.take("products", "load[0] of products/2", patience=0)
    assert 0 < (told.value.retry_after or 0) <= LEASE_SECONDS
    ledger.leases.take("prices", "load[0] of prices/1", patience=0)
    lease.release()
    assert ledger.leases.take("products", "load[0] of products/2", patience=0).fence > lease.fence


def test_of_many_workers_that_ask_at_once_one_gets_it(ledger: Ledger) -> None:
    for _ in range(5):
        let_leases_run_out(ledger)
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda n: ledger.leases.try_to_take("orders", f"worker {n}"), range(6)))
        assert sum(isinstance(one, HeldLease) for one in found) == 1


def test_who_waits_gets_it_when_it_has_run_out(ledger: Ledger) -> None:
    ledger.leases.take("products", "one that died", seconds=0.3)
    ledger.leases.take("products", "the next one", patience=20)


@pytest.mark.parametrize(
    ("problem", "free"), [(SystemUnavailable("no answer came"), True), (asyncio.CancelledError(), False)]
)
def test_it_is_given_back_at_the_end_unless_a_request_may_be_under_way(
    ledger: Ledger, problem: BaseException, free: bool
) -> None:
    with pytest.raises(type(problem)), ledger.leases.taken("products", "one"):
        assert held() is not None
        raise problem
    assert held() is None
    assert isinstance(ledger.leases.try_to_take("products", "another"), HeldLease) is free


def test_work_inside_work_of_the_same_entity_goes_under_the_same_lease(ledger: Ledger) -> None:
    with ledger.leases.taken("products", "load"):
        outer = held()
        with ledger.leases.taken("products", "its plan", patience=0):
            assert held() is outer
        assert isinstance(ledger.leases.try_to_take("products", "another"), LeaseHeld)


# ---------------------------------------------------------------- who lost it


def test_rule_17_who_was_overtaken_never_gets_it_back(ledger: Ledger) -> None:
    late = ledger.leases.take("products", "late")
    let_leases_run_out(ledger)
    late.renew()  # nobody took it meanwhile
    let_leases_run_out(ledger)
    ledger.leases.take("products", "quick").release()
    for _ in range(2):
        with pytest.raises(LeaseLost):
            late.renew(TIMEOUT * 10)
        with pytest.raises(LeaseLost):
            require(late)


@pytest.mark.parametrize("clock", [0, 1, 2], ids=["monotonic", "wall", "since boot"])
def test_rule_17_any_clock_that_moved_makes_the_holder_ask_the_ledger(ledger: Ledger, clock: int) -> None:
    """SIGSTOP moves all of them, sleep not the monotonic one, a frozen virtual machine the wall clock alone."""
    clocks = Clocks()
    late = Leases(ledger.engine, clocks).take("products", "late")
    require(late)
    let_leases_run_out(ledger)
    ledger.leases.take("products", "quick")
    require(late)  # no time has passed here: what was granted is believed
    clocks.shown[clock] += LEASE_SECONDS
    with pytest.raises(LeaseLost):
        require(late)


def test_a_clock_put_back_is_not_believed_as_long_as_another_one_goes_on(ledger: Ledger) -> None:
    clocks = Clocks()
    lease = Leases(ledger.engine, clocks).take("products", "one")
    clocks.shown = [clocks.shown[0] + LEASE_SECONDS, clocks.shown[1] - 3600, clocks.shown[2]]
    assert lease.remaining() <= 0


def test_the_lease_outlasts_the_requests_time_out_and_is_renewed_only_where_it_would_not(
    ledger: Ledger,
) -> None:
    clocks = Clocks()
    lease = Leases(ledger.engine, clocks).take("products", "one")
    with counted(ledger) as statements:
        for _ in range(500):
            require(lease)
        assert statements == []
        clocks.shown[0] += LEASE_SECONDS - TIMEOUT - MARGIN_SECONDS
        for _ in range(500):
            require(lease)
        assert len(statements) == 1
        require(lease, 400.0)
    assert lease.remaining() > 400.0 + MARGIN_SECONDS


# ---------------------------------------------------------------- what the ledger takes from whom


def _begin(ledger: Ledger, change: ChangeRow) -> None:
    ledger.changes.begin([change.id])


def _settle(ledger: Ledger, change: ChangeRow) -> None:
    ledger.changes.settle([ChangeOutcome(change_id=change.id, outcome="applied", result_id="late")])


def _revise(ledger: Ledger, change: ChangeRow) -> None:
    ledger.changes.revise([change])


def _settle_with_its_link(ledger: Ledger, change: ChangeRow) -> None:
    with ledger.together() as books:
        books.links.add([pair("late", "1", matched_by="created", run_id=change.run_id)])
        books.changes.settle([ChangeOutcome(change_id=change.id, outcome="applied", result_id="late")])


@pytest.mark.parametrize("late_step", [_begin, _revise, _settle, _settle_with_its_link])
def test_rule_17_who_wakes_late_stores_nothing(
    ledger: Ledger, run_id: str, late_step: Callable[[Ledger, ChangeRow], None]
) -> None:
    change = planned(ledger, run_id)
    late = ledger.leases.take("products", "late")
    with holding(late):
        assert ledger.changes.begin([change.id]) == {change.id: 1}
    let_leases_run_out(ledger)
    with ledger.leases.taken("products", "quick"):
        assert ledger.changes.begin([change.id]) == {change.id: 2}
        with pytest.raises(LeaseLost), holding(late):
            late_step(ledger, change)
        assert outcome_of(ledger, change) == ("planned", 2, None)
        ledger.changes.settle([ChangeOutcome(change_id=change.id, outcome="applied", result_id="quick")])
    with pytest.raises(LeaseLost), holding(late):
        late_step(ledger, change)
    assert outcome_of(ledger, change) == ("applied", 2, "quick")
    assert ledger.links.read("products", "variant") == []


def test_rule_17_who_links_late_is_told_that_it_was_overtaken_and_not_that_the_record_is_linked(
    ledger: Ledger, run_id: str
) -> None:
    """Of what the late one finds changed, the take-over is the reason: a conflict would be shown to a person."""

    def link(partner: str) -> None:
        with ledger.together() as books:
            books.links.add([Link(**record, lightspeed_id=partner)])

    record: Any = {"entity": "products", "kind": "variant", "commercetools_id": "A", "matched_by": "sku"}
    record["run_id"] = run_id
    late = ledger.leases.take("products", "late")
    let_leases_run_out(ledger)
    with ledger.leases.taken("products", "quick"):
        link("1")
        with pytest.raises(LeaseLost), holding(late):
            link("2")
    assert [one.lightspeed_id for one in ledger.links.read("products", "variant")] == ["1"]


def test_rule_17_nobody_takes_over_in_the_middle_of_a_transaction_that_settles(
    ledger: Ledger, run_id: str
) -> None:
    change = planned(ledger, run_id)
    with ledger.leases.taken("products", "one"):
        ledger.changes.begin([change.id])
        with ledger.together() as books, ledger.engine.connect() as another:
            books.changes.settle([ChangeOutcome(change_id=change.id, outcome="applied", result_id="1")])
            another.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                another.execute(text("UPDATE leases SET fence = fence + 1"))
            another.rollback()
    assert outcome_of(ledger, change) == ("applied", 1, "1")


def test_rule_17_a_plan_that_buries_what_a_dead_run_began_leaves_nobody_who_writes_it(
    ledger: Ledger, run_id: str
) -> None:
    """Its worker may only be paused: both systems are read for the plan on the premise that nobody writes any more."""
    change, clocks = planned(ledger, run_id), Clocks()
    late = Leases(ledger.engine, clocks).take("products", "late")
    with holding(late):
        ledger.changes.begin([change.id])
    ledger.runs.finish(run_id, "failed", {})
    let_leases_run_out(ledger)
    bury_unsettled(ledger, "run-2", "products")
    assert outcome_of(ledger, change) == ("superseded", 1, None)
    clocks.shown[0] += LEASE_SECONDS
    with pytest.raises(LeaseLost):
        require(late)


def test_a_lease_knows_the_attempts_begun_under_it(ledger: Ledger, run_id: str) -> None:
    change = planned(ledger, run_id)
    with ledger.leases.taken("products", "one"):
        mine = held()
        assert mine is not None and not mine.has_begun(change.id)
        ledger.changes.begin([change.id])
        assert mine.has_begun(change.id)
