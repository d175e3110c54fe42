"""Runs and plans page by page: every row once, and only those that were asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.queries.runs import (
    COUNTED,
    PORTION,
    Browsing,
    ChangeFilter,
    RunFilter,
    RunPlace,
    place_of,
)
from retail_sync.ledger.rows import HoldDraft
from tests.ledger.test_changes import change

START = datetime(2026, 11, 1, tzinfo=UTC)
EVERYTHING = RunFilter(entities=("products", "prices"))


def add_run(ledger: Ledger, number: int, entity: str = "products", **params: Any) -> str:
    """A run that began `number` minutes after START."""
    run_id = f"{entity}/{number}"
    ledger.runs.open(run_id, entity, dag_id=entity, airflow_run_id=str(number), mode="delta", params=params)
    ledger.runs.finish(run_id, "succeeded", {})
    with ledger.engine.begin() as connection:
        connection.execute(
            text("UPDATE runs SET started_at = :at WHERE id = :id"),
            {"at": START + timedelta(minutes=number), "id": run_id},
        )
    return run_id


def test_runs_of_several_entities_come_newest_first_and_every_one_once(ledger: Ledger) -> None:
    # Some began at one moment: the id decides.
    made = {
        add_run(ledger, number // 2 * 2, entity) for number in range(20) for entity in EVERYTHING.entities
    }
    browsing = Browsing(ledger.engine)
    met: list[tuple[datetime, str]] = []
    place: RunPlace | None = None
    while page := browsing.runs(EVERYTHING, place, 3):
        met += [(one.started_at, one.id) for one in page]
        place = RunPlace(*met[-1])
    assert met == sorted(met, reverse=True)
    assert len(met) == len(made)
    assert {run_id for _, run_id in met} == made


def test_runs_are_filtered_by_what_they_were(ledger: Ledger) -> None:
    dry, real = add_run(ledger, 1, dry_run=True), add_run(ledger, 2, dry_run=False)
    silent, other = add_run(ledger, 3), add_run(ledger, 4, "prices", dry_run=True)
    ledger.runs.finish(real, "failed", {}, None, "It broke.")
    browsing = Browsing(ledger.engine)

    def found(**wanted: Any) -> set[str]:
        filter_ = RunFilter(**({"entities": EVERYTHING.entities} | wanted))
        return {one.id for one in browsing.runs(filter_, None, 50)}

    assert found() == {dry, real, silent, other}
    assert found(entities=("prices",)) == {other}
    assert found(entities=()) == set()
    assert found(kind="dry") == {dry, other}
    assert found(kind="real") == {real, silent}
    assert found(state="failed") == {real}
    assert found(since=START + timedelta(minutes=2), until=START + timedelta(minutes=4)) == {real, silent}


def test_a_run_is_found_by_its_id_and_by_airflows(ledger: Ledger) -> None:
    run_id = add_run(ledger, 1)
    browsing = Browsing(ledger.engine)
    assert browsing.run("nothing") is None
    found = browsing.run(run_id)
    assert found is not None and found.id == run_id
    assert [one.id for one in browsing.runs_of("products", "1")] == [run_id]
    assert browsing.runs_of("prices", "1") == []
    assert browsing.run("\0") is None, "no text of the database holds that"


def test_who_applied_a_plan_is_found(ledger: Ledger) -> None:
    seen = add_run(ledger, 1, dry_run=True)
    applied = add_run(ledger, 2, plan=seen)
    add_run(ledger, 3, plan="products/another")
    browsing = Browsing(ledger.engine)
    dry_run = browsing.run(seen)
    assert dry_run is not None
    assert [one.id for one in browsing.applied_by(dry_run)] == [applied]


def test_a_plan_is_read_in_portions_with_units_together_and_every_change_once(
    ledger: Ledger, run_id: str
) -> None:
    made = [change(str(n), batch=n % 3, unit=f"unit-{n % 700}") for n in range(PORTION * 2 + 7)]
    ledger.changes.store(made)
    found = list(Browsing(ledger.engine).every_change(run_id, ChangeFilter()))
    assert len(found) == len(made)
    assert {one.id for one in found} == {one.id for one in made}
    together = [(one.batch, one.unit) for one in found]
    assert len(set(together)) == sum(
        1 for n, one in enumerate(together) if n == 0 or together[n - 1] != one
    ), "changes of a unit stand side by side"


@pytest.fixture
def plan(ledger: Ledger, run_id: str) -> Browsing:
    ledger.changes.store(
        [
            change("a", system="lightspeed", after={"name": "100% wool"}, target_id="t-1"),
            change("b", system="commercetools", after={"price": 5}, before={"brand": "Acme"}),
            change("c", action="create", kind="product", outcome="not_applied", reasons={"": "only in x"}),
            change("d", after={"name": "100 wool"}, label=None),
        ]
    )
    return Browsing(ledger.engine)


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        ({}, "abcd"),
        ({"system": "commercetools"}, "b"),
        ({"action": "create"}, "c"),
        ({"kind": "variant"}, "abd"),
        ({"outcome": "not_applied"}, "c"),
        ({"field": "name"}, "ad"),
        ({"field": "brand"}, "b"),
        ({"text": "sku-A"}, "a"),
        ({"text": "100%"}, "a"),
        ({"text": "t_1"}, ""),
        ({"text": "t-1"}, "a"),
        ({"text": "acme"}, "b"),
        ({"text": "only in"}, "c"),
        ({"text": "\\"}, ""),
        ({"text": "\0wool"}, ""),
        ({"text": "'; DROP TABLE runs; --"}, ""),
        ({"system": "lightspeed", "field": "name", "text": "wool"}, "ad"),
    ],
)
def test_a_plan_is_filtered(plan: Browsing, run_id: str, wanted: dict[str, str], subjects: str) -> None:
    chosen = ChangeFilter(**wanted)
    assert "".join(sorted(one.subject for one in plan.every_change(run_id, chosen))) == subjects
    assert plan.count(run_id, chosen) == len(subjects)
    assert chosen.limits == bool(wanted)


def test_a_page_begins_behind_the_last_row_of_the_one_before(plan: Browsing, run_id: str) -> None:
    [first] = plan.changes(run_id, ChangeFilter(), None, 1)
    rest = plan.changes(run_id, ChangeFilter(), place_of(first), 50)
    assert [first.subject, *(one.subject for one in rest)] == ["a", "b", "c", "d"]
    assert plan.fields(run_id) == ["name", "price"]
    assert plan.count(run_id, ChangeFilter()) <= COUNTED


def test_holds_are_those_this_run_was_the_last_to_find(ledger: Ledger, run_id: str) -> None:
    def settle(run: str, *subjects: str) -> None:
        holds = [HoldDraft(kind="variant", subject=one, code="conflict", message="Both.") for one in subjects]
        ledger.runs.settle(run, "products", cursors={}, holds=holds)

    settle(run_id, "a", "b", "c")
    later = add_run(ledger, 9)
    settle(later, "b")
    browsing = Browsing(ledger.engine)
    found = browsing.holds_of(run_id, 0, 50)
    assert [one.subject for one in found] == ["a", "c"]
    assert [one.subject for one in browsing.holds_of(run_id, found[0].id, 50)] == ["c"]
    assert [one.subject for one in browsing.holds_of(later, 0, 50)] == ["b"]
