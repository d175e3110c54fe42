"""What is taken away because its partner is gone: how much of it, and that it is known to be our own doing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.decisions import Decided
from retail_sync.sync.engine.removals import FEWEST_REMOVED, REMOVAL, approved_removals
from retail_sync.sync.products.plan import LinkRef, Plan, PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.queries.hold_actions import DecisionRefused, approve_removals, choices
from tests.sync.held import hold, hold_of
from tests.sync.shop import given, product, side, variant
from tests.sync.test_properties import applied

GONE = "2026-11-23T09:00:00Z"
OTHER = {"commercetools": "lightspeed", "lightspeed": "commercetools"}


def shop(
    count: int,
    gone: int,
    *,
    system: str = "lightspeed",
    settings: dict[str, Any] | None = None,
    sisters: int = 1,
) -> PlanInput:
    """`count` linked products of `sisters` variants; the first `gone` products are gone from `system`."""
    sides: dict[str, Any] = {}
    for name, letter in (("commercetools", "c"), ("lightspeed", "l")):
        sides[name] = side(
            [product(f"{letter}{n}", f"Mug {n}") for n in range(count)],
            [
                variant(
                    f"{letter}{n}:{m}",
                    f"{letter}{n}",
                    f"SKU-{n}-{m}",
                    option_values=[["c", str(m)]],
                    deleted_at=GONE if name == system and n < gone else None,
                )
                for n in range(count)
                for m in range(sisters)
            ],
        )
    base = {"active": True}
    links = {
        "product": [LinkRef("product", f"c{n}", f"l{n}", f"p{n}", "sku") for n in range(count)],
        "variant": [
            LinkRef("variant", f"c{n}:{m}", f"l{n}:{m}", f"v{n}-{m}", "sku", base, parent=(f"c{n}", f"l{n}"))
            for n in range(count)
            for m in range(sisters)
        ],
    }
    found = ProductSettings.model_validate({"product_type": "main", **(settings or {})})
    return given(sides["commercetools"], sides["lightspeed"], links, settings=found)  # type: ignore[arg-type]


def back_again(todo: PlanInput, system: str, **cells: Any) -> PlanInput:
    """Everything that was gone from a system is there again."""
    tables = todo.sides[system]
    variants = tables.variants.copy()
    variants["deleted_at"] = variants["deleted_at"].where(variants["deleted_at"].isna())
    for name, value in cells.items():
        variants[name] = value
    return replace(todo, sides={**todo.sides, system: replace(tables, variants=variants)})


def writes(plan: Plan) -> list[tuple[str, str, str, dict[str, Any]]]:
    return [(one.system, one.target_id or "", one.action, dict(one.after)) for one in plan.changes]


def removals(plan: Plan) -> list[Any]:
    return [hold for hold in plan.holds if hold.code == REMOVAL]


@pytest.mark.parametrize("system", ["lightspeed", "commercetools"])
def test_removals_above_the_limit_wait_for_a_person_and_name_the_first(system: str) -> None:
    plan = plan_products(shop(60, FEWEST_REMOVED, system=system))
    assert writes(plan) == []
    (hold,) = removals(plan)
    assert hold.system == system and hold.severity == "block"
    assert (
        "20 of 60" in hold.message
        and "SKU-0-0" in hold.message
        and "products.most_removed_percent" in hold.message
    )
    held = plan.dispositions[plan.dispositions["disposition"] == "held"]
    assert set(held["why"]) == {REMOVAL}


@pytest.mark.parametrize(("count", "gone"), [(60, FEWEST_REMOVED - 1), (100, FEWEST_REMOVED)])
def test_removals_below_the_least_number_or_up_to_the_share_are_written(count: int, gone: int) -> None:
    plan = plan_products(shop(count, gone))
    assert removals(plan) == []
    assert len([one for one in plan.changes if one.action == "deactivate"]) == gone


def test_an_approval_is_for_exactly_these_removals() -> None:
    (hold,) = removals(plan_products(shop(60, 20)))
    said = Decided(removals=frozenset({hold.evidence["about"]}))
    assert len(plan_products(replace(shop(60, 20), decided=said)).changes) == 20
    (another,) = removals(plan_products(replace(shop(60, 21), decided=said)))
    assert another.evidence["about"] != hold.evidence["about"]


def test_removals_that_wait_stop_no_other_record() -> None:
    todo = shop(60, 20)
    products = todo.sides["commercetools"].products.copy()
    products.loc[products["id"] == "c59", "brand"] = "Apex"
    left = replace(todo.sides["commercetools"], products=products)
    plan = plan_products(replace(todo, sides={**todo.sides, "commercetools": left}))
    assert writes(plan) == [("lightspeed", "l59", "update", {"brand": "Apex"})]


@pytest.mark.parametrize("owner", ["commercetools", "lightspeed", "newest", "review", "none"])
@pytest.mark.parametrize("system", ["lightspeed", "commercetools"])
@pytest.mark.parametrize("sisters", [1, 2])
def test_what_we_switched_off_is_switched_on_again_whoever_owns_active(
    owner: str, system: str, sisters: int
) -> None:
    todo = shop(3, 1, system=system, settings={"fields": {"active": {"owner": owner}}}, sisters=sisters)
    off = plan_products(todo)
    target = OTHER[system]
    mine = [f"{target[0]}0:{n}" for n in range(sisters)]
    assert writes(off) == [(target, one, "deactivate", {"active": False}) for one in mine]
    gone = applied(off, todo)
    assert writes(plan_products(gone)) == []
    there = back_again(gone, system)
    on = plan_products(there)
    assert writes(on) == [(target, one, "update", {"active": True}) for one in mine]
    assert writes(plan_products(applied(on, there))) == []


@pytest.mark.parametrize("owner", ["commercetools", "lightspeed", "newest", "review"])
@pytest.mark.parametrize("system", ["lightspeed", "commercetools"])
def test_what_comes_back_switched_off_stays_off_on_both_sides(owner: str, system: str) -> None:
    todo = shop(3, 1, system=system, settings={"fields": {"active": {"owner": owner}}})
    gone = applied(plan_products(todo), todo)
    tables = gone.sides[system]
    active = tables.variants["active"].where(tables.variants["deleted_at"].isna(), False)
    assert writes(plan_products(back_again(gone, system, active=active))) == []


def test_who_was_switched_on_by_hand_meanwhile_is_nobodys_doing_any_more() -> None:
    todo = shop(3, 1, settings={"fields": {"active": {"owner": "commercetools"}}})
    gone = applied(plan_products(todo), todo)
    there = back_again(back_again(gone, "commercetools", active=True), "lightspeed")
    plan = plan_products(there)
    assert writes(plan) == []
    assert [link.resent for link in plan.agreed if link.commercetools_id == "c0:0"] == [{}]


@pytest.mark.parametrize("made_anew", ["commercetools", "lightspeed"])
@pytest.mark.parametrize("owner", ["commercetools", "lightspeed"])
def test_a_record_made_anew_is_linked_again_and_switched_on(made_anew: str, owner: str) -> None:
    todo = shop(2, 1, system=made_anew, settings={"fields": {"active": {"owner": owner}}})
    gone = applied(plan_products(todo), todo)
    letter = made_anew[0]
    tables = gone.sides[made_anew]
    again = side(
        [*tables.products.to_dict("records"), product(f"{letter}9", "Mug 0")],  # type: ignore[list-item]
        [
            *tables.variants.to_dict("records"),  # type: ignore[list-item]
            variant(f"{letter}9:0", f"{letter}9", "SKU-0-0", option_values=[["c", "0"]]),
        ],
    )
    both = {**gone.sides, made_anew: again}
    fresh = given(both["commercetools"], both["lightspeed"], gone.links, settings=todo.settings)  # type: ignore[arg-type]
    plan = plan_products(fresh)
    assert [hold.code for hold in plan.holds] == []
    other = OTHER[made_anew]
    assert [one for one in writes(plan) if "active" in one[3]] == [
        (other, f"{other[0]}0:0", "update", {"active": True})
    ]
    assert f"{letter}9:0" in {link.side(made_anew) for link in plan.new_links}


def test_only_a_hold_that_stops_removals_is_approved_as_such_and_as_it_was_shown() -> None:
    (finding,) = removals(plan_products(shop(60, 20)))
    stopped = hold_of(finding)
    assert "approve_removal" in choices(stopped)
    said = approve_removals(stopped, "kim", seen=stopped.fingerprint)
    assert (said.code, said.verdict, said.about) == (REMOVAL, "approve", finding.evidence["about"])
    assert approved_removals([said]) == {finding.evidence["about"]}
    with pytest.raises(DecisionRefused, match="says something else"):
        approve_removals(stopped, "kim", seen="another")
    with pytest.raises(DecisionRefused, match="stops no removals"):
        approve_removals(hold(code="waiting"), "kim")
