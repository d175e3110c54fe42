"""Who becomes somebody else in one system does so in the other one too, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from retail_sync.sync.customers.planner import CustomerPlan, plan_customers
from tests.sync.customers.paper import customer, link, settings, world

ADA = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Byron",
    "phone": "+493023125000",
    "company": "Engines Ltd",
}
NOBODY = {
    "email": "anonymized-4711@example.invalid",
    "first_name": "x",
    "last_name": "x",
    "phone": "",
    "company": "",
}


def plan_of(now: dict[str, Any], system: str = "commercetools", **configured: Any) -> CustomerPlan:
    """The plan after Ada's profile in `system` shows `now`, and the other side still shows Ada."""
    before = customer("commercetools", "c", **ADA).fields
    shows = {"commercetools": ADA, "lightspeed": ADA, system: now}
    people = [customer(s, i, **shows[s]) for s, i in (("commercetools", "c"), ("lightspeed", "l"))]  # type: ignore[arg-type]
    agreed = {name: [before[name], before[name]] for name in ADA}
    return plan_customers(world(people, settings(mark=False, **configured), [link("c", "l", agreed)]))


@pytest.mark.parametrize("system", ["commercetools", "lightspeed"])
def test_an_anonymisation_goes_over_whole(system: str) -> None:
    plan = plan_of(NOBODY, system)
    (change,) = plan.changes
    assert change.target != system
    assert set(change.after) == set(ADA)
    assert plan.holds == []


@pytest.mark.parametrize("system", ["commercetools", "lightspeed"])
def test_an_anonymisation_whose_address_cannot_go_over_writes_nothing_of_it(system: str) -> None:
    plan = plan_of({**NOBODY, "email": "?anonymised"}, system)
    assert plan.changes == []
    (hold,) = plan.holds
    assert (hold.subject.split(":")[0], hold.code) == (system, "person_replaced")
    assert hold.evidence["stays"] == ["email"]


@pytest.mark.parametrize("system", ["commercetools", "lightspeed"])
def test_a_field_of_another_owner_stops_the_whole_replacement(system: str) -> None:
    other = {"commercetools": "lightspeed", "lightspeed": "commercetools"}[system]
    fields = {name: {"owner": other if name == "last_name" else "newest"} for name in ADA}
    plan = plan_of(NOBODY, system, fields=fields)
    assert {name for change in plan.changes if change.target == other for name in change.after} == set()
    assert "person_replaced" in {hold.code for hold in plan.holds}


def test_an_edit_of_the_name_alone_goes_over_beside_an_address_that_cannot() -> None:
    plan = plan_of({**ADA, "last_name": "King", "phone": "?030 123456 privat"})
    (change,) = plan.changes
    assert set(change.after) == {"last_name"}
    assert {hold.code for hold in plan.holds} == set()
