"""What a person may say about a hold, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retail_sync.ledger.rows import Hold
from retail_sync.sync.customers.evidence import ambiguous, duplicate, name_differs
from retail_sync.sync.engine.findings import RELEASES
from retail_sync.sync.queries.hold_actions import (
    DecisionRefused,
    IdentityLine,
    choices,
    choose,
    dismiss,
    identity_lines,
    partners,
    price_line,
    settle,
    show_again,
    sides,
)
from tests.sync.customers.paper import customer
from tests.sync.held import NOW, hold, hold_of

CONFLICT = {
    "commercetools": "Mug",
    "lightspeed": "Cup",
    "last agreed": "Pot",
    "partner": "lightspeed:l1",
    "about": "these",
    "sides": ["left", "right"],
}
AMBIGUOUS = {
    "identifier": "sku",
    "value": "MUG",
    "about": "those",
    "candidates": {
        "commercetools": [{"id": "c1:1", "label": "MUG"}, {"id": "c2:1", "label": "MUG"}],
        "lightspeed": [
            {"id": "v1", "label": "MUG"},
            {"id": "v2", "label": "MUG", "linked": "commercetools:c9:1"},
        ],
    },
}
ADA = customer("commercetools", "c", number="A-1", first_name="Ada", email="ada@example.com")
TWIN = customer("commercetools", "d", number="A-2", first_name="Ada", email="ada@example.com")
MUM = customer("lightspeed", "l", number="T-1", first_name="Mary", email="ada@example.com")


def conflict(**more: Any) -> Hold:
    return hold(code="conflict", field="name.en-GB", evidence={**CONFLICT, **more})


def unclear(subject: str = "commercetools:c1:1", **more: Any) -> Hold:
    return hold(code="ambiguous", subject=subject, field="sku", evidence={**AMBIGUOUS, **more})


@pytest.mark.parametrize("entity", ["products", "prices", "inventory", "customers", "orders", "sales"])
def test_every_hold_can_be_retried_and_dismissed_whatever_it_says(entity: str) -> None:
    failed = {"wanted": {"name": "x"}, "target": "lightspeed", "change": "1"}
    for code in (*RELEASES, "failed", "edited", "no_register", "a code of a target"):
        for evidence in (None, {}, [], failed):
            found = choices(hold(entity=entity, code=code, field="x", evidence=evidence))
            assert found[-2:] == ("retry", "dismiss")
            assert not {"settle", "choose"} & set(found)


def test_what_is_special_to_a_hold() -> None:
    assert choices(conflict()) == ("settle", "retry", "dismiss")
    assert choices(unclear()) == ("choose", "retry", "dismiss")
    jump = hold(entity="prices", code="price_jump", label="MUG", evidence={"about": "x"})
    assert (
        choices(jump)
        == choices(replace(jump, code="price_rejected"))
        == ("approve_price", "retry", "dismiss")
    )
    differs = hold_of(name_differs(ADA, MUM, "email"), "customers")
    assert choices(differs) == ("identity", "retry", "dismiss")
    # What only looks like it is decided elsewhere, or not at all.
    assert choices(replace(jump, entity="products")) == ("retry", "dismiss")
    assert choices(replace(differs, entity="products")) == ("retry", "dismiss")
    assert choices(replace(conflict(), released_at=NOW)) == ()


# ---------------------------------------------------------------- conflicts


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_conflict_is_settled_for_the_values_that_were_shown(side: Any) -> None:
    made = settle(conflict(), side, "kim", " as agreed on the phone ", seen="shown")
    assert (
        made.subject,
        made.code,
        made.field,
        made.verdict,
        made.about,
        made.by,
        made.note,
        made.run_id,
    ) == (
        "commercetools:c1:1",
        "conflict",
        "name.en-GB",
        side,
        "these",
        "kim",
        "as agreed on the phone",
        None,
    )


@pytest.mark.parametrize(
    ("found", "side", "by", "told"),
    [
        (conflict(), "up", "kim", "'up' is no side"),
        (conflict(sides=["left"]), "right", "kim", "value of lightspeed may not go over"),
        (conflict(sides=[]), "left", "kim", "settings let neither value go over"),
        (conflict(about=None), "left", "kim", "try it again"),
        (hold(code="waiting"), "left", "kim", "no conflict"),
        (replace(conflict(), entity="prices", evidence={}), "left", "kim", "Enter the price"),
        (replace(conflict(), released_at=NOW), "left", "kim", "released already"),
        (replace(conflict(), fingerprint="new"), "left", "kim", "something else by now"),
        (conflict(), "left", " ", "somebody who made it"),
    ],
)  # fmt: skip
def test_what_cannot_be_settled_says_why_and_what_to_do(found: Hold, side: Any, by: str, told: str) -> None:
    with pytest.raises(DecisionRefused, match=told) as refused:
        settle(found, side, by, seen="shown")
    assert refused.value.remedy and refused.value.remedy.endswith(".")


def test_only_sides_that_the_settings_let_go_over_are_offered() -> None:
    assert sides(conflict()) == ("left", "right")
    assert sides(conflict(sides=["right"])) == ("right",)
    assert choices(conflict(sides=[])) == ("retry", "dismiss")


# ---------------------------------------------------------------- partners


def test_a_partner_is_chosen_among_those_who_have_none() -> None:
    assert [one["id"] for one in partners(unclear())] == ["v1"]
    assert [one["id"] for one in partners(unclear("lightspeed:v1"))] == ["c1:1", "c2:1"]
    made = choose(unclear(), "v1", "kim", seen="shown")
    assert (made.subject, made.code, made.field, made.verdict, made.about) == (
        "commercetools:c1:1",
        "match",
        "v1",
        "approve",
        "those",
    )


@pytest.mark.parametrize("partner", ["v2", "c2:1", "v3", ""])
def test_who_is_linked_or_was_not_shown_cannot_be_chosen(partner: str) -> None:
    with pytest.raises(DecisionRefused, match="no candidate"):
        choose(unclear(), partner, "kim")


def test_where_nobody_is_to_be_chosen_it_says_where_to_decide() -> None:
    with pytest.raises(DecisionRefused, match="nobody to choose"):
        choose(conflict(), "v1", "kim")
    with pytest.raises(DecisionRefused, match="All candidates have partners"):
        choose(unclear(candidates={"commercetools": [], "lightspeed": []}), "v1", "kim")
    with pytest.raises(DecisionRefused, match="with a run of `customers`"):
        choose(replace(unclear(), entity="customers"), "v1", "kim")
    with pytest.raises(DecisionRefused, match="something else by now"):
        choose(unclear(), "v1", "kim", seen="before")


# ---------------------------------------------------------------- prices and identities


def test_a_price_is_approved_by_its_sku() -> None:
    jump = hold(entity="prices", code="price_jump", label="MUG", field="Shelf")
    assert price_line(jump) == price_line(replace(jump, code="price_rejected")) == "MUG"
    assert (
        price_line(replace(jump, code="price_zero")) is None and price_line(replace(jump, label=None)) is None
    )


def test_identity_lines_name_the_account_online_first() -> None:
    found = hold_of(name_differs(ADA, MUM, "email"), "customers")
    assert identity_lines(found) == (
        IdentityLine("c = l", True, ("A-1", "T-1")),
        IdentityLine("l", False, ("T-1",)),
        IdentityLine("c", False, ("A-1",)),
    )
    both = ambiguous(MUM, "email", {"commercetools": [ADA, TWIN], "lightspeed": [MUM]})
    lines = identity_lines(hold_of(both, "customers"))
    assert [(one.line, one.pair) for one in lines] == [
        ("c = l", True),
        ("d = l", True),
        ("c", False),
        ("d", False),
        ("l", False),
    ]


def test_two_profiles_of_one_system_are_no_pair_and_a_survivor_is_itself() -> None:
    twins = hold_of(duplicate(ADA, {"email": [TWIN]}, "commercetools"), "customers")
    assert [(one.line, one.pair) for one in identity_lines(twins)] == [("d", False), ("c", False)]
    gone = hold(
        entity="customers", code="deleted_there", subject="lightspeed:l", label="T-1",
        evidence={"partner": "commercetools:c"},
    )  # fmt: skip
    assert identity_lines(gone) == (IdentityLine("l", False, ("T-1",)),)


# ---------------------------------------------------------------- dismissing


def test_a_dismissal_is_about_what_the_hold_says_and_can_be_taken_back() -> None:
    made = dismiss(conflict(), "kim", "known since May", seen="shown")
    assert (made.code, made.field, made.verdict, made.about, made.note) == (
        "dismiss",
        "conflict/name.en-GB",
        "approve",
        "shown",
        "known since May",
    )
    back = show_again(conflict(), "kim")
    assert (back.code, back.field, back.verdict, back.about) == ("dismiss", made.field, "reject", "shown")


@pytest.mark.parametrize(
    ("found", "note", "told"),
    [
        (hold(), None, "without a note"),
        (hold(), "  ", "without a note"),
        (hold(), "x" * 2001, "2001 characters"),
        (hold(fingerprint=""), "known", "not known"),
        (hold(released_at=NOW), "known", "released already"),
    ],
)
def test_a_dismissal_needs_a_note_of_reasonable_length_and_an_open_hold(
    found: Hold, note: str | None, told: str
) -> None:
    with pytest.raises(DecisionRefused, match=told):
        dismiss(found, "kim", note)
