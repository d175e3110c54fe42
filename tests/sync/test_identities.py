"""What is one article and what only looks like it, what is written where spellings differ, and values that are
exchanged: plans of the products entity."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_sync.ledger.rows import Hold
from retail_sync.records.products import PRODUCT_COLUMNS, VARIANT_COLUMNS
from retail_sync.records.types import canonical_json, comparing, same, written
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.products.plan import LinkRef, Plan
from retail_sync.sync.products.planner import plan_products
from tests.sync.shop import given, product, side, variant

UPC, EAN, ITF = "095205842258", "0095205842258", "00095205842258"
LINKS = {
    "product": [LinkRef("product", "c1", "l1", "1", "sku", {})],
    "variant": [LinkRef("variant", "c1:1", "v1", "2", "sku", {}, parent=("c1", "l1"))],
}


def codes(plan: Plan) -> set[tuple[str, str]]:
    return {(hold.label, hold.code) for hold in plan.holds}


def one_each(left: dict[str, Any], right: dict[str, Any], **more: Any) -> Plan:
    """One product with one variant on each side; the plan of them."""
    online = side([product("c1", "Mug")], [variant("c1:1", "c1", **left)])
    till = side([product("l1", "Mug")], [variant("v1", "l1", **right)])
    return plan_products(given(online, till, **more))


# ---------------------------------------------------------------- codes as GTIN


@pytest.mark.parametrize(("online", "till"), [(UPC, EAN), (EAN, UPC), (UPC, ITF), (ITF, EAN)])
def test_a_gtin_with_more_zeros_is_the_same_whatever_the_sku_and_each_side_keeps_its_spelling(
    online: str, till: str
) -> None:
    same_sku = one_each({"sku": "MUG", "barcodes": [online]}, {"sku": "MUG", "barcodes": [till]})
    assert (same_sku.changes, same_sku.holds) == ([], [])
    assert [link.matched_by for link in same_sku.new_links if link.kind == "variant"] == ["sku"]
    other_sku = one_each({"sku": "MUG", "barcodes": [online]}, {"sku": "CUP", "barcodes": [till]})
    assert [link.matched_by for link in other_sku.new_links if link.kind == "variant"] == ["barcode"]
    assert other_sku.changes == []


def test_two_articles_of_one_side_whose_codes_are_one_gtin_are_a_duplicate() -> None:
    online = side(
        [product("c1", "Mug"), product("c2", "Cup")],
        [variant("c1:1", "c1", "MUG", barcodes=[UPC]), variant("c2:1", "c2", "CUP", barcodes=[EAN])],
    )
    plan = plan_products(given(online, side([], [])))
    assert {("MUG", "barcode_duplicate"), ("CUP", "barcode_duplicate")} <= codes(plan)


def test_an_ean_8_and_the_code_of_a_case_match_nothing_else() -> None:
    plan = one_each({"sku": "A", "barcodes": ["96385074"]}, {"sku": "B", "barcodes": ["00000096385074"]})
    assert plan.new_links == []


def test_a_code_that_is_added_is_written_beside_those_of_the_target_as_they_are_spelled_there() -> None:
    new = "4006381333931"
    settings = ProductSettings.model_validate(
        {"barcodes_multiple": True, "fields": {"barcodes": {"owner": "commercetools"}}}
    )
    plan = one_each(
        {"sku": "MUG", "barcodes": [UPC, new]},
        {"sku": "MUG", "barcodes": [EAN]},
        links=LINKS,
        settings=settings,
    )
    (change,) = plan.changes
    assert change.after == {"barcodes": sorted([EAN, new])}


# ---------------------------------------------------------------- SKUs


@pytest.mark.parametrize(("online", "till"), [("WS-1 ", "WS-1"), ("WS\u00a01", "WS 1"), ("e\u0301", "é")])
def test_skus_that_differ_in_what_nobody_sees_are_one_and_nothing_is_written(online: str, till: str) -> None:
    plan = one_each({"sku": online}, {"sku": till})
    assert (plan.changes, plan.holds) == ([], [])
    assert [link.matched_by for link in plan.new_links if link.kind == "variant"] == ["sku"]


def test_a_new_article_gets_its_sku_without_what_nobody_sees() -> None:
    online = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG\u00a01 ")])
    plan = plan_products(given(online, side([], [])))
    assert [change.after["sku"] for change in plan.changes if change.kind == "variant"] == ["MUG 1"]


@pytest.mark.parametrize(
    ("online", "till"),
    [("cs-1", "CS-1"), ("АВС", "ABC"), ("A\u200f1", "A1"), ("A\u20131", "A-1")],
    ids=["capitals", "cyrillic", "right-to-left mark", "dash"],
)
def test_skus_that_look_alike_are_held_with_both_and_neither_is_created(online: str, till: str) -> None:
    plan = one_each({"sku": online}, {"sku": till})
    assert plan.changes == [] and plan.new_links == []
    held = {hold.system: hold for hold in plan.holds if hold.code == "sku_looks_alike"}
    assert set(held) == {"commercetools", "lightspeed"}
    assert repr(till) in held["commercetools"].message and repr(online) in held["lightspeed"].message


def test_where_the_rule_warns_what_looks_alike_is_taken_for_different_and_told() -> None:
    settings = ProductSettings.model_validate({"product_type": "m", "rules": {"sku_looks_alike": "warn"}})
    online = side([product("c1", "Mug")], [variant("c1:1", "c1", "cs-1")])
    till = side([product("l1", "Cup")], [variant("v1", "l1", "CS-1")])
    plan = plan_products(given(online, till, settings=settings))
    assert {(c.system, c.action) for c in plan.changes} == {
        ("lightspeed", "create"),
        ("commercetools", "create"),
    }
    assert {warning.code for warning in plan.warnings} == {"sku_looks_alike"}


def test_where_capitals_do_not_count_skus_match_and_stay_as_they_are() -> None:
    plan = one_each(
        {"sku": "cs-1"}, {"sku": "CS-1"}, settings=ProductSettings(sku_capitals_count=False, product_type="m")
    )
    assert (plan.changes, plan.holds) == ([], [])
    assert len(plan.new_links) == 2


def test_two_skus_of_one_side_that_differ_in_capitals_are_not_both_created_at_the_till() -> None:
    online = side(
        [product("c1", "Mug"), product("c2", "Cup")],
        [variant("c1:1", "c1", "cs-1"), variant("c2:1", "c2", "CS-1")],
    )
    plan = plan_products(given(online, side([], [])))
    assert {("cs-1", "sku_looks_alike"), ("CS-1", "sku_looks_alike")} <= codes(plan)
    assert plan.changes == []


def test_a_new_sku_that_looks_like_one_of_a_linked_article_is_held() -> None:
    online = side(
        [product("c1", "Mug"), product("c2", "Cup")],
        [variant("c1:1", "c1", "CS-1"), variant("c2:1", "c2", "cs-1")],
    )
    till = side([product("l1", "Mug")], [variant("v1", "l1", "CS-1")])
    plan = plan_products(given(online, till, links=LINKS))
    assert ("cs-1", "sku_looks_alike") in codes(plan)
    assert plan.changes == []


def test_a_code_decides_before_two_skus_only_look_alike() -> None:
    plan = one_each({"sku": "cs-1", "barcodes": [UPC]}, {"sku": "CS-1", "barcodes": [EAN]})
    assert [link.matched_by for link in plan.new_links if link.kind == "variant"] == ["barcode"]


def test_skus_that_differ_where_nothing_was_agreed_yet_are_not_said_to_have_changed() -> None:
    plan = one_each({"sku": "MUG", "barcodes": [UPC]}, {"sku": "CUP", "barcodes": [UPC]})
    (hold,) = [hold for hold in plan.holds if hold.field == "sku"]
    assert hold.code == "conflict"
    assert hold.message == "SKUs differ and nothing was agreed yet."


# ---------------------------------------------------------------- exchanged values


def exchanged(target: str, skus: list[str], new: list[str], owner: str) -> Plan:
    """Linked articles with these SKUs in the target, and others by now in their source."""
    numbers = range(len(skus))
    here = (
        [variant(f"s{n}:1", f"s{n}", new[n]) for n in numbers],
        [product(f"s{n}", f"P{n}") for n in numbers],
    )
    there = (
        [variant(f"t{n}", f"p{n}", skus[n]) for n in numbers],
        [product(f"p{n}", f"P{n}") for n in numbers],
    )
    source, goal = side(here[1], here[0]), side(there[1], there[0])
    left, right = (source, goal) if target == "lightspeed" else (goal, source)

    def link(kind: str, ours: str, theirs: str, base: dict[str, Any], **more: Any) -> LinkRef:
        pair = (ours, theirs) if target == "lightspeed" else (theirs, ours)
        return LinkRef(kind, *pair, f"{kind}{ours}", "sku", base, **more)  # type: ignore[arg-type]

    links = {
        "product": [link("product", f"s{n}", f"p{n}", {}) for n in numbers],
        "variant": [
            link(
                "variant",
                f"s{n}:1",
                f"t{n}",
                {"sku": skus[n]},
                parent=(f"s{n}", f"p{n}") if target == "lightspeed" else (f"p{n}", f"s{n}"),
            )
            for n in numbers
        ],
    }
    settings = ProductSettings.model_validate({"fields": {"sku": {"owner": owner}}})
    return plan_products(given(left, right, links, settings=settings))


@pytest.mark.parametrize("owner", ["review", "newest", "the source"])
@pytest.mark.parametrize("target", ["lightspeed", "commercetools"])
@pytest.mark.parametrize("count", [2, 3])
def test_skus_exchanged_in_a_circle_are_one_hold_that_names_all_and_says_how(
    target: str, count: int, owner: str
) -> None:
    source = "commercetools" if target == "lightspeed" else "lightspeed"
    skus = [f"S{n}" for n in range(count)]
    turned = [*skus[1:], skus[0]]
    plan = exchanged(target, skus, turned, source if owner == "the source" else owner)
    assert plan.changes == []
    held = [hold for hold in plan.holds if hold.code == "swapped"]
    assert len(held) == count
    for hold in held:
        assert all(repr_of in hold.message for repr_of in skus)
        assert "free value" in hold.release
    again = exchanged(target, skus, turned, source if owner == "the source" else owner)
    assert again.changes == []


def test_a_sku_that_another_is_about_to_give_up_waits_and_goes_over_once_it_is_free() -> None:
    plan = exchanged("lightspeed", ["A", "B"], ["B", "C"], "commercetools")
    assert [(change.before["sku"], change.after["sku"]) for change in plan.changes] == [("B", "C")]
    (hold,) = [hold for hold in plan.holds if hold.code == "swapped"]
    assert hold.label == "B" and "still borne by" in hold.message
    then = exchanged("lightspeed", ["A", "C"], ["B", "C"], "commercetools")
    assert [(change.before["sku"], change.after["sku"]) for change in then.changes] == [("A", "B")]


def test_barcodes_and_names_that_are_exchanged_are_held_at_the_till() -> None:
    online = side(
        [product("c1", "Cup"), product("c2", "Mug")],
        [variant("c1:1", "c1", "A", barcodes=[EAN]), variant("c2:1", "c2", "B", barcodes=["4006381333931"])],
    )
    till = side(
        [product("l1", "Mug"), product("l2", "Cup")],
        [variant("v1", "l1", "A", barcodes=["4006381333931"]), variant("v2", "l2", "B", barcodes=[UPC])],
    )
    links = {
        "product": [*LINKS["product"], LinkRef("product", "c2", "l2", "3", "sku", {})],
        "variant": [*LINKS["variant"], LinkRef("variant", "c2:1", "v2", "4", "sku", {}, parent=("c2", "l2"))],
    }
    settings = ProductSettings.model_validate({"fields": {"barcodes": {"owner": "commercetools"}}})
    plan = plan_products(given(online, till, links, settings=settings))
    assert plan.changes == []
    assert {(hold.kind, hold.field) for hold in plan.holds if hold.code == "swapped"} == {
        ("product", "name.en-GB"),
        ("variant", "barcodes"),
    }


# ---------------------------------------------------------------- what was refused


def refusal(subject: str, wanted: dict[str, Any], **more: Any) -> Hold:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    fields = {field.name: None for field in dataclasses.fields(Hold)}
    return Hold(
        **{
            **fields,
            "id": 1,
            "kind": "product",
            "subject": subject,
            "code": "duplicate",
            "message": "The till says no.",
            "evidence": {"wanted": wanted, "target": "lightspeed", "change": "7"},
            "due_at": now + timedelta(hours=1),
            "release": "Ask the till.",
            **more,
        }
    )


def test_what_was_refused_is_not_sent_again_as_it_was_and_stays_held_in_its_own_words() -> None:
    online = side([product("c1", "Big mug")], [variant("c1:1", "c1", "MUG")])
    till = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    plan = given(online, till, LINKS)
    assert [change.after for change in plan_products(plan).changes] == [{"name.en-GB": "Big mug"}]
    plan.refused = {
        ("product", "commercetools:c1", "lightspeed"): refusal("commercetools:c1", {"name.en-GB": "Big mug"})
    }
    held = plan_products(plan)
    assert held.changes == []
    (hold,) = held.holds
    assert (hold.code, hold.message, hold.release) == ("duplicate", "The till says no.", "Ask the till.")
    assert hold.evidence["change"] == "7"


def test_what_was_refused_is_sent_again_once_it_says_something_else() -> None:
    online = side([product("c1", "Bigger mug")], [variant("c1:1", "c1", "MUG")])
    till = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    plan = given(online, till, LINKS)
    plan.refused = {
        ("product", "commercetools:c1", "lightspeed"): refusal("commercetools:c1", {"name.en-GB": "Big mug"})
    }
    assert [change.after for change in plan_products(plan).changes] == [{"name.en-GB": "Bigger mug"}]


# ---------------------------------------------------------------- comparing columns

COLUMNS = {column.name: column for column in (*PRODUCT_COLUMNS, *VARIANT_COLUMNS)}
TEXTS = st.text(alphabet="aAbB \u00a0\u200b1é", max_size=4)
VALUES = {
    "sku": TEXTS,
    "brand": TEXTS,
    "tags": st.lists(TEXTS, max_size=3),
    "barcodes": st.lists(st.sampled_from([UPC, EAN, ITF, "96385074", "X", "x", "X "]), max_size=3),
    "tax_class": TEXTS,
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("capitals_count", [True, False])
@hypothesis_settings(max_examples=150)
@hypothesis_given(data=st.data())
def test_comparing_values_is_an_equivalence_over_cells_and_plain_values(
    name: str, capitals_count: bool, data: st.DataObject
) -> None:
    column = COLUMNS[name]
    key = comparing(column, capitals_count=capitals_count)
    one, other = data.draw(VALUES[name]), data.draw(VALUES[name])
    # Equality of keys is reflexive, symmetric and transitive; a cell and its plain value have to have the same key.
    assert key(one) == key(one)
    assert same(column, one, other) == same(column, other, one)
    cell = canonical_json(one) if isinstance(one, list) else one
    assert key(cell) == key(one)
    assert key(None) is None


@pytest.mark.parametrize("name", VALUES)
@hypothesis_settings(max_examples=150)
@hypothesis_given(data=st.data())
def test_what_is_written_is_the_same_value_and_stays_as_it_is_written(name: str, data: st.DataObject) -> None:
    column = COLUMNS[name]
    wanted, standing = data.draw(VALUES[name]), data.draw(VALUES[name])
    sent = written(column, wanted, standing)
    assert same(column, sent, wanted)
    assert written(column, sent, standing) == sent


def test_an_unknown_cell_stays_unknown() -> None:
    assert comparing(COLUMNS["sku"])(pd.NA) is pd.NA
