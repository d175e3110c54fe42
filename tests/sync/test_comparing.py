"""A plan is the one that was seen, or it is told where it is not."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.ledger.rows import ChangeRow, new_id
from retail_sync.sync.engine.plan_diff import NAMED, Comparison, PlanIsStale, compare, require_same

VALUES = st.one_of(
    st.none(), st.integers(0, 3), st.sampled_from(["", "Mug", "Cup"]), st.lists(st.integers(0, 1))
)
FIELDS = st.dictionaries(st.sampled_from(["name", "price", "brand"]), VALUES, max_size=3)


@st.composite
def changes(draw: st.DrawFn) -> ChangeRow:
    """Few records and values, so that twins and near twins are common."""
    return change(
        draw(st.sampled_from(["a", "b"])),
        system=draw(st.sampled_from(["commercetools", "lightspeed"])),
        action=draw(st.sampled_from(["create", "update"])),
        target_id=draw(st.sampled_from([None, "t1", "t2"])),
        before=draw(FIELDS),
        after=draw(FIELDS),
    )


PLANS = st.lists(changes(), max_size=8)


def change(subject: str = "a", **more: Any) -> ChangeRow:
    given: dict[str, Any] = {
        "run_id": "products/1",
        "entity": "products",
        "kind": "variant",
        "subject": f"commercetools:{subject}",
        "label": f"SKU-{subject}",
        "system": "lightspeed",
        "action": "update",
        "unit": f"unit-{subject}",
        "target_id": "t1",
        "before": {"name": "Mug"},
        "after": {"name": "Cup"},
    }
    return ChangeRow(**(given | more))


def again(one: ChangeRow) -> ChangeRow:
    """The same change as another run plans it."""
    return replace(
        one,
        id=new_id(),
        run_id="products/2",
        batch=one.batch + 1,
        source_version=9,
        target_version=7,
        reasons={"name": "newer"},
        outcome="not_applied",
    )


@given(plan=PLANS, order=st.randoms(use_true_random=False))
def test_the_same_plan_of_another_run_is_equal_in_any_order(plan: list[ChangeRow], order: Any) -> None:
    other = [again(one) for one in plan]
    order.shuffle(other)
    assert compare(plan, other) == Comparison(len(plan), ())


@given(seen=PLANS, today=PLANS)
def test_every_change_is_accounted_for_on_both_sides(seen: list[ChangeRow], today: list[ChangeRow]) -> None:
    found = compare(seen, today)
    assert found.same + found.count("different") + found.count("only_seen") == len(seen)
    assert found.same + found.count("different") + found.count("only_today") == len(today)
    mirrored = compare(today, seen)
    assert (mirrored.same, mirrored.count("only_seen")) == (found.same, found.count("only_today"))


@given(plan=PLANS, extra=changes())
def test_one_change_more_is_never_overlooked(plan: list[ChangeRow], extra: ChangeRow) -> None:
    assert not compare(plan, [*plan, extra]).equal
    assert not compare([*plan, extra], plan).equal


@given(plan=st.lists(changes(), min_size=1, max_size=8), data=st.data())
def test_one_other_value_is_never_overlooked(plan: list[ChangeRow], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(plan) - 1))
    one = plan[place]
    name = data.draw(
        st.sampled_from(["kind", "subject", "system", "action", "unit", "target_id", "before", "after"])
    )
    value: Any = {**getattr(one, name), "name": "Pot"} if name in ("before", "after") else "another"
    found = compare(plan, [*plan[:place], replace(one, **{name: value}), *plan[place + 1 :]])
    assert not found.equal
    assert found.same == len(plan) - 1


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"after": {"name": "Pot"}}, ("name",)),
        ({"after": {"name": "Cup", "price": 5}}, ("price",)),
        ({"before": {}}, ("name",)),
        ({"before": {"name": None}}, ("name",)),
        ({"target_id": "t2"}, ("target_id",)),
        ({"action": "unpublish"}, ("action",)),
    ],
)
def test_a_different_change_names_what_differs(other: dict[str, Any], what: tuple[str, ...]) -> None:
    [found] = compare([change()], [change(**other)]).differences
    assert (found.where, found.what) == ("different", what)


def test_nothing_is_not_null() -> None:
    assert not compare([change(after={})], [change(after={"name": None})]).equal


def test_the_error_names_the_first_of_each_sort_and_no_value() -> None:
    seen = [*(change(f"old{n}") for n in range(NAMED + 2)), change("x", after={"name": "secret"})]
    today = [change("x", after={"name": "other"}), change("new", action="create", system="commercetools")]
    with pytest.raises(PlanIsStale) as caught:
        require_same(seen, today, "products/1")
    told = str(caught.value)
    assert "7 only in the plan you saw: update of variant SKU-old0 in lightspeed;" in told
    assert "SKU-old4 in lightspeed; and 2 more." in told
    assert "1 only today: create of variant SKU-new in commercetools." in told
    assert "1 different: update of variant SKU-x in lightspeed (name)." in told
    assert "Make a new dry run" in told
    assert "secret" not in told and "other" not in told
    assert str(pickle.loads(pickle.dumps(caught.value))) == told


def test_two_empty_plans_are_the_same() -> None:
    require_same([], [], "products/1")
