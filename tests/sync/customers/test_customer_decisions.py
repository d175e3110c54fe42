"""What a person decides about two values of a customer moves this field of this pair, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_sync.ledger.decisions import Decision
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.sync.customers.planner import CustomerPlan, plan_customers
from retail_sync.sync.customers.world import World
from retail_sync.sync.engine.decisions import Decided
from retail_sync.sync.queries.hold_actions import choices, settle, sides
from tests.sync.customers.paper import SEAL, customer, link, settings, world
from tests.sync.held import hold_of

NAMES = st.sampled_from(["Byron", "King", "Lovelace"])
COMPANIES = st.sampled_from(["Engines", "Looms", ""])
BASES = st.sampled_from(["Byron", "Babbage", None])


def pairs(found: list[tuple[str, str, str | None, str, str]], given: CustomerSettings | None = None) -> World:
    """Linked customers, by last names (online, till, agreed on) and companies (online, till). All were changed at the
    same time."""
    people, links = [], []
    for n, (online, till, agreed, company, other) in enumerate(found):
        people.append(
            customer(
                "commercetools",
                f"c{n}",
                external_id=f"l{n}",
                number=f"A-{n}",
                last_name=online,
                company=company,
            )
        )
        people.append(customer("lightspeed", f"l{n}", number=f"T-{n}", last_name=till, company=other))
        sealed = SEAL.value("last_name", agreed) if agreed else None
        links.append(link(f"c{n}", f"l{n}", {"last_name": [sealed, sealed]} if sealed else {}))
    return world(people, given or settings(), links)


def cells(plan: CustomerPlan) -> set[tuple[str, str, str, Any, Any]]:
    return {
        (one.target, one.standing.id if one.standing else "", name, one.before.get(name), value)
        for one in plan.changes
        for name, value in one.after.items()
        if name != "external_id"
    }


def conflicts(plan: CustomerPlan, side: Any = "left") -> dict[tuple[str, str], Decision]:
    """The decisions for one side of all conflicts, by subject and field."""
    return {
        (one.subject, one.field): settle(hold_of(one, "customers"), side, "kim")
        for one in plan.holds
        if one.code == "conflict"
    }


def with_decisions(given: World, made: list[Decision]) -> World:
    return replace(given, decided=Decided.of(made))


PAIRS = st.lists(st.tuples(NAMES, NAMES, BASES, COMPANIES, COMPANIES), min_size=1, max_size=4)


@hypothesis_settings(max_examples=20)
@given(PAIRS, st.data())
def test_a_decided_conflict_goes_that_way_and_nothing_else_moves(
    found: list[tuple[str, str, str | None, str, str]], data: st.DataObject
) -> None:
    shop = pairs(found)
    undecided = plan_customers(shop)
    made = [
        replace(one, verdict=data.draw(st.sampled_from(["left", "right"])))
        for one in conflicts(undecided).values()
        if data.draw(st.booleans())
    ]
    wanted = set()
    for one in made:
        n = one.subject.removeprefix("commercetools:c")
        sealed = {
            system: shop.sides[system][f"{system[0]}{n}"].fields.get(one.field)  # type: ignore[index]
            for system in ("commercetools", "lightspeed")
        }
        target, source = (
            ("lightspeed", "commercetools") if one.verdict == "left" else ("commercetools", "lightspeed")
        )
        wanted.add((target, f"{target[0]}{n}", one.field, sealed[target], sealed[source]))
    plan = plan_customers(with_decisions(shop, made))
    assert cells(plan) == cells(undecided) | wanted and not cells(undecided) & wanted
    assert set(conflicts(plan)) == set(conflicts(undecided)) - {(one.subject, one.field) for one in made}


@hypothesis_settings(max_examples=20)
@given(st.tuples(NAMES, NAMES, BASES), st.tuples(NAMES, NAMES, BASES), st.sampled_from(["left", "right"]))
def test_a_decision_for_other_values_never_moves_anything(
    before: tuple[str, str, str | None], now: tuple[str, str, str | None], side: str
) -> None:
    made = list(conflicts(plan_customers(pairs([(*before, "", "")])), side).values())
    shop = pairs([(*now, "", "")])
    plan, undecided = plan_customers(with_decisions(shop, made)), plan_customers(shop)
    if before == now:
        assert not conflicts(plan)
    else:
        assert cells(plan) == cells(undecided) and conflicts(plan) == conflicts(undecided)


def test_the_hold_shows_nothing_private_and_the_audit_says_who_decided() -> None:
    shop = pairs([("King", "Lovelace", "Byron", "", "")])
    plan = plan_customers(shop)
    (hold,) = (hold_of(one, "customers") for one in plan.holds)
    assert hold.evidence["commercetools"] == hold.evidence["lightspeed"] == "(private)"
    told = json.dumps(hold.evidence)
    assert not any(name in told for name in ("King", "Lovelace", "Byron", "~"))
    assert choices(hold) == ("settle", "retry", "dismiss")
    (change,) = plan_customers(with_decisions(shop, [settle(hold, "right", "kim")])).changes
    assert change.reasons == {"last_name": "changed on both sides; kim decided for lightspeed"}


@pytest.mark.parametrize("owner", ["commercetools", "lightspeed", "none"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_decision_never_overrules_who_owns_the_field(owner: str, side: str) -> None:
    found = [("King", "Lovelace", "Byron", "", "")]
    made = list(conflicts(plan_customers(pairs(found)), side).values())
    shop = pairs(found, settings(fields={"last_name": {"owner": owner}}))
    assert made and cells(plan_customers(with_decisions(shop, made))) == cells(plan_customers(shop))


def test_a_value_goes_only_where_the_settings_let_it_be_written() -> None:
    found = [("King", "Lovelace", "Byron", "", "")]
    shop = pairs(found)
    one_way = replace(
        shop,
        terms={
            **shop.terms,
            "lightspeed": replace(
                shop.terms["lightspeed"], writes=shop.terms["lightspeed"].writes - {"last_name"}
            ),
        },
    )
    (hold,) = (hold_of(one, "customers") for one in plan_customers(one_way).holds)
    assert sides(hold) == ("right",)
    # Made while it could be written there: it is held on, and not let go without a word.
    to_till = list(conflicts(plan_customers(shop), "left").values())
    plan = plan_customers(with_decisions(one_way, to_till))
    assert plan.changes == [] and [one.code for one in plan.holds] == ["conflict"]
    (change,) = plan_customers(with_decisions(one_way, [settle(hold, "right", "kim")])).changes
    assert change.target == "commercetools"
