"""What holds for any decision: it moves what it was made for, once, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_sync.ledger.decisions import Decision
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.decisions import BY_HAND, Decided
from retail_sync.sync.products.plan import LinkRef, Plan, PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.queries.hold_actions import choose, partners, settle
from tests.sync.held import hold_of
from tests.sync.shop import given, product, side, variant
from tests.sync.test_properties import applied

BRANDS = st.sampled_from(["Acme", "Apex", "Zenith", ""])
BASES = st.sampled_from(["Acme", "Apex", None])


def brand_owned_by(owner: str) -> ProductSettings:
    return ProductSettings.model_validate(
        {"product_type": "main", "fields": {"brand": {"owner": owner}, "name": {"owner": "newest"}}}
    )


REVIEWED = brand_owned_by("review")


def shop_of(brands: list[tuple[str, str, str | None]], settings: ProductSettings = REVIEWED) -> PlanInput:
    """Linked products, by what each side says of the brand, and what was agreed on."""
    lefts, rights, links = [], [], []
    for n, (left, right, base) in enumerate(brands):
        lefts.append(product(f"c{n}", f"Mug {n}", brand=left))
        rights.append(product(f"l{n}", f"Mug {n}", brand=right))
        links.append(
            LinkRef("product", f"c{n}", f"l{n}", f"p{n}", "sku", {} if base is None else {"brand": base})
        )
    variants = [
        [variant(f"{prefix}{n}:1", f"{prefix}{n}", f"SKU-{n}") for n in range(len(brands))] for prefix in "cl"
    ]
    paired = [
        LinkRef("variant", f"c{n}:1", f"l{n}:1", f"v{n}", "sku", parent=(f"c{n}", f"l{n}"))
        for n in range(len(brands))
    ]
    return given(
        side(lefts, variants[0]),
        side(rights, variants[1]),
        {"product": links, "variant": paired},
        settings=settings,
    )


def cells(plan: Plan) -> set[tuple[str, str, str, Any, Any]]:
    """Everything a plan would write: target, record, field, before, after."""
    return {
        (c.system, str(c.target_id), name, c.before.get(name), value)
        for c in plan.changes
        for name, value in c.after.items()
    }


def conflicts(plan: Plan) -> dict[str, Decision]:
    """By subject, the decision for the left side of each conflict."""
    return {one.subject: settle(hold_of(one), "left", "kim") for one in plan.holds if one.code == "conflict"}


SHOPS = st.lists(st.tuples(BRANDS, BRANDS, BASES), min_size=1, max_size=5)


# ---------------------------------------------------------------- conflicts


@hypothesis_settings(max_examples=15)
@hypothesis_given(SHOPS, st.sampled_from(["review", "newest"]), st.data())
def test_a_decided_conflict_goes_that_way_in_one_run_and_nothing_else_moves(
    brands: list[tuple[str, str, str | None]], owner: str, data: st.DataObject
) -> None:
    shop = shop_of(brands, brand_owned_by(owner))
    undecided = plan_products(shop)
    made = [
        replace(one, verdict=data.draw(st.sampled_from(["left", "right"])))
        for one in conflicts(undecided).values()
        if data.draw(st.booleans())
    ]
    decided = replace(shop, decided=Decided.of(made))
    plan = plan_products(decided)
    wanted = set()
    for one in made:
        n = int(one.subject.removeprefix("commercetools:c"))
        left, right = brands[n][0], brands[n][1]
        wanted.add(
            ("lightspeed", f"l{n}", "brand", right, left)
            if one.verdict == "left"
            else ("commercetools", f"c{n}", "brand", left, right)
        )
    assert cells(plan) == cells(undecided) | wanted and not cells(undecided) & wanted
    assert set(conflicts(plan)) == set(conflicts(undecided)) - {one.subject for one in made}
    after = replace(applied(plan, decided), decided=decided.decided)
    again = plan_products(after)
    assert again.changes == [] and set(conflicts(again)) == set(conflicts(plan))


@hypothesis_settings(max_examples=15)
@hypothesis_given(BRANDS, BRANDS, BASES, BRANDS, BRANDS, BASES, st.sampled_from(["left", "right"]))
def test_a_decision_for_other_values_never_moves_anything(
    left: str, right: str, base: str | None, new_left: str, new_right: str, new_base: str | None, verdict: str
) -> None:
    before = conflicts(plan_products(shop_of([(left, right, base)])))
    now = shop_of([(new_left, new_right, new_base)])
    undecided = plan_products(now)
    stale = Decided.of(replace(one, verdict=verdict) for one in before.values())  # type: ignore[arg-type]
    plan = plan_products(replace(now, decided=stale))
    if (left, right, base) == (new_left, new_right, new_base):
        assert not conflicts(plan)
    else:
        assert cells(plan) == cells(undecided) and conflicts(plan) == conflicts(undecided)


@pytest.mark.parametrize("owner", ["commercetools", "lightspeed", "none"])
@pytest.mark.parametrize("verdict", ["left", "right"])
def test_a_decision_never_overrules_who_owns_the_field(owner: Any, verdict: Any) -> None:
    brands: list[tuple[str, str, str | None]] = [("Acme", "Apex", "Zenith")]
    made = [replace(one, verdict=verdict) for one in conflicts(plan_products(shop_of(brands))).values()]
    assert made
    owned = brand_owned_by(owner)
    plain = plan_products(shop_of(brands, owned))
    assert cells(plan_products(replace(shop_of(brands, owned), decided=Decided.of(made)))) == cells(plain)


def test_a_decision_is_about_this_pair_and_this_field() -> None:
    (decision,) = conflicts(plan_products(shop_of([("Acme", "Apex", "Zenith")]))).values()
    other_pair = shop_of([("Acme", "Acme", "Acme"), ("Acme", "Apex", "Zenith")])
    moved = replace(decision, subject="commercetools:c1")
    assert len(conflicts(plan_products(replace(other_pair, decided=Decided.of([moved]))))) == 1
    elsewhere = replace(decision, field="name.en-GB")
    shop = shop_of([("Acme", "Apex", "Zenith")])
    assert len(conflicts(plan_products(replace(shop, decided=Decided.of([elsewhere]))))) == 1


def test_the_audit_says_who_decided() -> None:
    shop = shop_of([("Acme", "Apex", "Zenith")])
    made = conflicts(plan_products(shop)).values()
    (change,) = plan_products(replace(shop, decided=Decided.of(made))).changes
    assert change.reasons == {"brand": "changed on both sides; kim decided for commercetools"}
    assert change.before == {"brand": "Apex"} and change.after == {"brand": "Acme"}


# ---------------------------------------------------------------- partners


def bearers(lefts: list[str], rights: list[str], links: list[tuple[int, int]] = ()) -> PlanInput:  # type: ignore[assignment]
    """Products of one variant each, by SKU; `links`: those that are pairs already, by their numbers."""
    products = [
        [product(f"{prefix}{n}", f"{prefix} mug {n}") for n in range(len(skus))]
        for prefix, skus in (("c", lefts), ("l", rights))
    ]
    variants = [
        [variant(f"{prefix}{n}:1", f"{prefix}{n}", sku) for n, sku in enumerate(skus)]
        for prefix, skus in (("c", lefts), ("l", rights))
    ]
    paired = {
        "product": [LinkRef("product", f"c{a}", f"l{b}", f"p{a}", "sku") for a, b in links],
        "variant": [
            LinkRef("variant", f"c{a}:1", f"l{b}:1", f"v{a}", "sku", parent=(f"c{a}", f"l{b}"))
            for a, b in links
        ],
    }
    return given(side(products[0], variants[0]), side(products[1], variants[1]), paired)


def unclear(plan: Plan) -> list[Any]:
    return [hold_of(one) for one in plan.holds if one.code == "ambiguous"]


def variant_links(plan: Plan) -> dict[tuple[str, str], str]:
    return {
        (link.commercetools_id, link.lightspeed_id): link.matched_by
        for link in plan.new_links
        if link.kind == "variant"
    }


SKUS = st.lists(st.sampled_from(["A", "B", "C"]), max_size=4)


@hypothesis_settings(max_examples=15)
@hypothesis_given(SKUS, SKUS, st.data())
def test_any_choices_link_one_to_one_only_what_was_chosen_and_settle(
    lefts: list[str], rights: list[str], data: st.DataObject
) -> None:
    shop = bearers(lefts, rights)
    undecided = plan_products(shop)
    made: list[Decision] = []
    for number, one in enumerate(unclear(undecided)):
        if data.draw(st.booleans()):
            partner = data.draw(st.sampled_from([str(p["id"]) for p in partners(one)]))
            made.append(replace(choose(one, partner, "kim"), id=number))
    decided = replace(shop, decided=Decided.of(made))
    plan = plan_products(decided)
    found = variant_links(plan)
    for position in (0, 1):
        assert max(Counter(pair[position] for pair in found).values(), default=1) == 1
    chosen = {
        (one.subject.partition(":")[2], one.field)
        if one.subject.startswith("commercetools:")
        else (one.field, one.subject.partition(":")[2])
        for one in made
    }
    by_hand = {pair for pair, how in found.items() if how == BY_HAND}
    assert by_hand <= chosen
    # The last word always counts.
    if made:
        last = made[-1]
        assert last.subject.partition(":")[2] in {record for pair in by_hand for record in pair}
    # Who was found without anybody's word is still found.
    assert variant_links(undecided).items() <= found.items()
    again = plan_products(replace(applied(plan, decided), decided=decided.decided))
    assert variant_links(again) == {} and again.changes == []


@pytest.mark.parametrize(
    ("lefts", "rights", "links"),
    [
        (["A"], ["A", "A", "A"], []),  # one candidate more
        (["A"], ["A"], []),  # one less: it matches by itself
        (["A"], ["B", "A"], []),
        (["A", "A"], ["A", "A"], []),
        (["A"], ["A", "A"], [(0, 0)]),  # linked with the other one meanwhile
    ],
)
def test_a_choice_among_other_candidates_links_nobody(
    lefts: list[str], rights: list[str], links: list[tuple[int, int]]
) -> None:
    first = next(
        one for one in unclear(plan_products(bearers(["A"], ["A", "A"]))) if "commercetools" in one.subject
    )
    now = bearers(lefts, rights, links)
    plan = plan_products(replace(now, decided=Decided.of([choose(first, "l1:1", "kim")])))
    assert variant_links(plan) == variant_links(plan_products(now))


def test_the_others_go_on_as_if_the_chosen_two_were_linked() -> None:
    shop = bearers(["A", "A"], ["A", "A"])
    online = {one.subject: one for one in unclear(plan_products(shop))}
    plan = plan_products(
        replace(shop, decided=Decided.of([choose(online["commercetools:c0:1"], "l1:1", "kim")]))
    )
    assert variant_links(plan) == {("c0:1", "l1:1"): BY_HAND}
    left = {one.subject: one for one in unclear(plan)}
    assert set(left) == {"commercetools:c1:1", "lightspeed:l0:1"}
    # Who has a partner by now is shown as such, and can't be chosen any more.
    assert [one["id"] for one in partners(left["commercetools:c1:1"])] == ["l0:1"]
    shown = left["commercetools:c1:1"].evidence["candidates"]["lightspeed"]
    assert {one["id"]: one.get("linked") for one in shown} == {"l0:1": None, "l1:1": "commercetools:c0:1"}


def test_of_two_words_about_one_record_the_later_one_counts() -> None:
    shop = bearers(["A", "A"], ["A", "A"])
    holds = {one.subject: one for one in unclear(plan_products(shop))}
    first = replace(choose(holds["commercetools:c0:1"], "l0:1", "kim"), id=1)
    second = replace(choose(holds["commercetools:c0:1"], "l1:1", "kim"), id=2)
    third = replace(choose(holds["lightspeed:l1:1"], "c1:1", "kim"), id=3)
    for said, expected in (
        ([first, second], {("c0:1", "l1:1")}),
        ([second, first], {("c0:1", "l1:1")}),
        ([first, second, third], {("c1:1", "l1:1")}),
    ):
        found = variant_links(plan_products(replace(shop, decided=Decided.of(said))))
        assert {pair for pair, how in found.items() if how == BY_HAND} == expected


def test_candidates_are_shown_with_what_tells_them_apart() -> None:
    shop = bearers(["A"], ["A", "A"])
    (online,) = (one for one in unclear(plan_products(shop)) if "commercetools" in one.subject)
    shown = online.evidence["candidates"]["lightspeed"]
    assert [(one["id"], one["sku"], one["product"]) for one in shown] == [
        ("l0:1", "A", "l mug 0"),
        ("l1:1", "A", "l mug 1"),
    ]


def test_a_partner_who_is_linked_with_somebody_else_meanwhile_is_not_taken_away() -> None:
    holds = {one.subject: one for one in unclear(plan_products(bearers(["A", "A"], ["A", "A"])))}
    said = Decided.of([choose(holds["commercetools:c1:1"], "l0:1", "kim")])
    plan = plan_products(replace(bearers(["A", "A"], ["A", "A"], [(0, 0)]), decided=said))
    assert variant_links(plan) == {} and plan.retired == []
    assert {one.subject for one in unclear(plan)} == {"commercetools:c1:1", "lightspeed:l1:1"}
