"""Decisions of people: the last one counts, and a repeated task decides once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.erasing import erase
from retail_sync.ledger.holds import is_dismissed
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.retention import housekeep
from retail_sync.ledger.rows import HoldDraft
from retail_sync.records.errors import ProtocolFault
from retail_sync.sync.queries.hold_actions import dismiss, show_again

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


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
    assert kept(ledger) == 1


def test_a_word_that_is_no_decision_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ProtocolFault, match="'maybe' is no decision"):
        ledger.decisions.add("prices", [decision("maybe")])


# ---------------------------------------------------------------- made in the console, without a run


def said(verdict: str = "left", about: str = "x", by: str = "Kim", **more: str) -> Decision:
    values = {"subject": "commercetools:a", "code": "conflict", "field": "name", **more}
    return Decision(verdict=verdict, about=about, by=by, **values)  # type: ignore[arg-type]


def kept(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def test_a_person_who_says_the_same_twice_said_it_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.decisions.add("products", [said(), said()])
    assert kept(ledger) == 1
    (one,) = ledger.decisions.latest("products")
    assert (one.verdict, one.by, one.run_id, one.id is not None) == ("left", "Kim", None, True)
    ledger.decisions.add("products", [said(by="Lee"), said(about="y"), said(field="brand")])
    ledger.decisions.add("customers", [said()])
    assert kept(ledger) == 5


def test_a_person_who_comes_back_to_a_first_word_is_heard(ledger: Ledger) -> None:
    for verdict in ("left", "right", "left"):
        ledger.decisions.add("products", [said(verdict)])
    assert [one.verdict for one in ledger.decisions.latest("products")] == ["left"] and kept(ledger) == 3
    # A choice is one of several fields, so what was said about another one in between counts as well.
    for partner in ("u", "v", "u"):
        ledger.decisions.add("products", [said("approve", "them", code="match", field=partner)])
    chosen = max(ledger.decisions.latest("products", codes=["match"]), key=lambda one: one.id or 0)
    assert chosen.field == "u" and kept(ledger) == 6


def test_a_run_and_a_person_decide_each_for_itself(ledger: Ledger) -> None:
    ledger.decisions.add("prices", [decision(), decision()])
    ledger.decisions.add("prices", [replace(decision(), run_id=None)])
    ledger.decisions.add("prices", [replace(decision(), run_id=None), decision()])
    assert kept(ledger) == 2


def test_only_the_codes_that_are_asked_for(ledger: Ledger) -> None:
    ledger.decisions.add("products", [said(), said("approve", code="dismiss", field="conflict/name")])
    assert [one.code for one in ledger.decisions.latest("products", codes=("conflict", "match"))] == [
        "conflict"
    ]
    assert len(ledger.decisions.latest("products")) == 2
    assert ledger.decisions.latest("products", [], codes=["conflict"]) == []


def test_one_bad_decision_keeps_none(ledger: Ledger) -> None:
    with pytest.raises(ProtocolFault):
        ledger.decisions.add("products", [said(), said("up")])
    assert kept(ledger) == 0


def test_a_customer_who_is_erased_takes_what_was_said_along(ledger: Ledger) -> None:
    ledger.decisions.add("customers", [said(), said(subject="commercetools:b")])
    erase(ledger.engine, "customers", {"commercetools": ["a"]})
    assert [one.subject for one in ledger.decisions.latest("customers")] == ["commercetools:b"]


# ---------------------------------------------------------------- dismissed holds


def settle(ledger: Ledger, run_id: str, *drafts: HoldDraft) -> None:
    ledger.runs.open(run_id, "products", dag_id="products", airflow_run_id=run_id, mode="delta", params={})
    ledger.runs.settle(run_id, "products", cursors={}, holds=list(drafts), now=NOON)


def draft(**more: Any) -> HoldDraft:
    values: dict[str, Any] = {
        "kind": "variant",
        "subject": "commercetools:a",
        "code": "conflict",
        "field": "name",
        "message": "name was changed on both sides.",
        "evidence": {"about": "x", "changed": {"commercetools": "1"}},
    }
    return HoldDraft(**{**values, **more})


def shown(ledger: Ledger) -> list[str]:
    """What a list of holds that leaves out dismissed ones has in it."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT h.subject || ' ' || h.code FROM holds h "
                f"WHERE h.released_at IS NULL AND NOT {is_dismissed('h')} ORDER BY 1"
            )
        )
        return [row[0] for row in rows]


def test_a_dismissed_hold_stays_open_and_is_shown_again_when_it_says_something_else(ledger: Ledger) -> None:
    other = draft(subject="commercetools:b")
    settle(ledger, "r1", draft(), draft(code="waiting", field=None, evidence=None), other)
    hold = next(one for one in ledger.holds.open_holds("products") if one.code == "conflict")
    assert hold.subject == "commercetools:a"
    ledger.decisions.add("products", [dismiss(hold, "Kim", "known", seen=hold.fingerprint)])
    assert shown(ledger) == ["commercetools:a waiting", "commercetools:b conflict"]
    assert len(ledger.holds.open_holds("products")) == 3
    # Found again, with an edit of something else: the same to a person.
    same = draft(evidence={"about": "x", "changed": {"commercetools": "2"}})
    settle(ledger, "r2", same, other)
    assert shown(ledger) == ["commercetools:a waiting", "commercetools:b conflict"]
    settle(ledger, "r3", draft(evidence={"about": "y"}), other)
    assert shown(ledger) == [
        "commercetools:a conflict",
        "commercetools:a waiting",
        "commercetools:b conflict",
    ]


def test_a_dismissal_can_be_taken_back_and_given_again(ledger: Ledger) -> None:
    settle(ledger, "r1", draft())
    (hold,) = ledger.holds.open_holds("products")
    for made, expected in (
        (dismiss(hold, "Kim", "known"), []),
        (show_again(hold, "Kim"), ["commercetools:a conflict"]),
        (dismiss(hold, "Kim", "known"), []),
        (dismiss(hold, "Kim", "known"), []),
    ):
        ledger.decisions.add("products", [made])
        assert shown(ledger) == expected
    assert kept(ledger) == 3


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ({}, True),
        ({"label": "MUG", "severity": "block", "release": "Do it."}, True),
        ({"evidence": {"changed": None, "change": "7", "about": "x"}}, True),
        ({"message": "other"}, False),
        ({"field": "brand"}, False),
        ({"field": None}, False),
        ({"code": "failed"}, False),
        ({"evidence": {"about": "z"}}, False),
        ({"evidence": None}, False),
        ({"evidence": ["change"]}, False),
    ],
)
def test_what_a_hold_says_is_its_fingerprint(ledger: Ledger, more: dict[str, Any], same: bool) -> None:
    settle(ledger, "r1", draft(), draft(**{"subject": "commercetools:b", **more}))
    first, second = (one.fingerprint for one in ledger.holds.open_holds("products"))
    assert len(first) == 32 and (first == second) is same


def test_all_holds_that_one_decision_concerns_are_found(ledger: Ledger) -> None:
    settle(
        ledger,
        "r1",
        draft(code="ambiguous"),
        draft(code="ambiguous", subject="lightspeed:b"),
        draft(subject="commercetools:c", evidence={"about": "y"}),
        draft(subject="commercetools:d", evidence=None),
        draft(subject="commercetools:e", evidence=["x"]),
    )
    assert [one.subject for one in ledger.holds.about("products", "x")] == ["commercetools:a", "lightspeed:b"]
    assert ledger.holds.about("customers", "x") == []


def test_a_decision_is_kept_as_long_as_its_hold_is_open(ledger: Ledger) -> None:
    settle(ledger, "r1", draft())
    ledger.decisions.add(
        "products",
        [
            said(),
            said(subject="commercetools:z"),
            said("approve", code="identity", subject="commercetools:z"),
        ],
    )
    long_after = datetime.now(UTC) + timedelta(days=500)
    ages = SimpleNamespace(exchanges_days=14, changes_days=400, inbox_days=14, staging_days=3)
    assert housekeep(ledger.engine, long_after, ages)["decisions"] == 1
    left = {(one.subject, one.code) for one in ledger.decisions.latest("products")}
    assert left == {("commercetools:a", "conflict"), ("commercetools:z", "identity")}
