"""Plans of the products entity, case by case."""

from __future__ import annotations

import json
from typing import Any

from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.products.plan import LinkRef, Plan
from retail_sync.sync.products.planner import plan_products
from tests.sync.shop import given, product, side, variant


def codes(plan: Plan) -> set[tuple[str, str]]:
    return {(hold.label, hold.code) for hold in plan.holds}


def linked(base_product: dict[str, Any], base_variant: dict[str, Any]) -> dict[str, list[LinkRef]]:
    return {
        "product": [LinkRef("product", "c1", "l1", "1", "sku", base_product)],
        "variant": [LinkRef("variant", "c1:1", "v1", "2", "sku", base_variant, parent=("c1", "l1"))],
    }


def test_a_product_only_online_is_created_at_the_till_with_all_its_variants_in_one_unit() -> None:
    left = side(
        [product("c1", "Mug")],
        [variant("c1:1", "c1", "MUG-R"), variant("c1:2", "c1", "MUG-B", option_values=[["c", "b"]])],
    )
    plan = plan_products(given(left, side([], [])))
    assert [(c.system, c.action, c.kind) for c in plan.changes] == [
        ("lightspeed", "create", "product"),
        ("lightspeed", "create", "variant"),
        ("lightspeed", "create", "variant"),
    ]
    assert len({c.unit for c in plan.changes}) == 1
    assert plan.count("planned") == 3 and not plan.holds


def test_the_same_sku_on_both_sides_is_linked_and_writes_nothing_when_equal() -> None:
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right))
    assert plan.changes == [] and plan.holds == []
    assert {(link.kind, link.commercetools_id, link.lightspeed_id) for link in plan.new_links} == {
        ("variant", "c1:1", "v1"),
        ("product", "c1", "l1"),
    }
    assert plan.count("unchanged") == 4


def test_edits_of_different_fields_on_both_sides_are_both_kept() -> None:
    settings = ProductSettings.model_validate(
        {"fields": {"name": {"owner": "newest"}, "brand": {"owner": "newest"}}}
    )
    base = {"name.en-GB": "Mug", "brand": "Acme"}
    left = side([product("c1", "Big mug")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Mug", brand="Apex")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, linked(base, {}), settings=settings))
    assert {(c.system, tuple(c.after.items())) for c in plan.changes} == {
        ("lightspeed", (("name.en-GB", "Big mug"),)),
        ("commercetools", (("brand", "Apex"),)),
    }


def test_edits_of_the_same_field_the_owner_wins_and_the_loser_is_in_the_audit() -> None:
    base = {"name.en-GB": "Mug"}
    left = side([product("c1", "Big mug")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Tiny mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, linked(base, {})))
    (change,) = plan.changes
    assert change.system == "lightspeed"
    assert change.after == {"name.en-GB": "Big mug"} and change.before == {"name.en-GB": "Tiny mug"}
    assert "commercetools owns" in change.reasons["name.en-GB"]


def test_an_unowned_conflict_is_held_with_both_values_and_the_base() -> None:
    settings = ProductSettings.model_validate({"fields": {"name": {"owner": "review"}}})
    left = side([product("c1", "Big mug")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Tiny mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, linked({"name.en-GB": "Mug"}, {}), settings=settings))
    (hold,) = plan.holds
    assert hold.code == "conflict" and not plan.changes
    assert hold.evidence["commercetools"] == "Big mug" and hold.evidence["lightspeed"] == "Tiny mug"
    assert hold.evidence["last agreed"] == "Mug"


def test_two_candidates_are_a_hold_that_shows_both_and_nothing_is_created() -> None:
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG")])
    right = side(
        [product("l1", "Mug"), product("l2", "Cup")], [variant("v1", "l1", "MUG"), variant("v2", "l2", "MUG")]
    )
    plan = plan_products(given(left, right))
    assert not [c for c in plan.changes if c.system == "lightspeed"]
    held = {h.subject for h in plan.holds if h.code == "ambiguous"}
    assert held == {"commercetools:c1:1", "lightspeed:v1", "lightspeed:v2"}
    ambiguous = next(h for h in plan.holds if h.subject == "commercetools:c1:1")
    assert [c["id"] for c in ambiguous.evidence["candidates"]["lightspeed"]] == ["v1", "v2"]


def test_empty_identifiers_never_match() -> None:
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "")])
    right = side([product("l1", "Cup")], [variant("v1", "l1", "")])
    plan = plan_products(given(left, right))
    assert plan.new_links == []
    assert {code for _, code in codes(plan)} >= {"sku_missing"}


def test_same_sku_but_other_barcode_is_held_as_identity_conflict() -> None:
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG", barcodes=["4006381333931"])])
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG", barcodes=["4012345678901"])])
    plan = plan_products(given(left, right))
    assert ("MUG", "identity_conflict") in codes(plan) and not plan.changes and not plan.new_links


def test_a_barcode_that_is_another_articles_sku_is_held() -> None:
    left = side(
        [product("c1", "Mug"), product("c2", "Cup")],
        [variant("c1:1", "c1", "MUG", barcodes=["CUP"]), variant("c2:1", "c2", "CUP")],
    )
    plan = plan_products(given(left, side([], [])))
    assert ("MUG", "barcode_duplicate") in codes(plan)


def test_a_wrong_check_digit_is_dropped_and_the_product_still_goes_over() -> None:
    left = side(
        [product("c1", "Mug")], [variant("c1:1", "c1", "MUG", barcodes=["4006381333930", "0012345678905"])]
    )
    plan = plan_products(given(left, side([], [])))
    created = next(c for c in plan.changes if c.kind == "variant")
    assert created.after["barcodes"] == ["0012345678905"]
    assert [w.code for w in plan.warnings] == ["barcode_invalid"]


def test_a_blocked_product_takes_all_its_variants_with_it_and_accounts_add_up() -> None:
    left = side(
        [product("c1", "Mug", tax_class="?EU7")],
        [variant("c1:1", "c1", "A"), variant("c1:2", "c1", "B", option_values=[["c", "x"]])],
    )
    plan = plan_products(given(left, side([], [])))
    assert plan.changes == []
    assert plan.count("held") == 3
    assert {h.code for h in plan.holds} == {"tax_class_unmapped", "waiting"}


def test_a_held_variant_does_not_stop_its_sisters() -> None:
    left = side(
        [product("c1", "Mug", options=["Colour"])],
        [
            variant("c1:1", "c1", "A", option_values=[["Colour", "red"]]),
            variant("c1:2", "c1", "", option_values=[["Colour", "blue"]]),
        ],
    )
    plan = plan_products(given(left, side([], [])))
    assert [c.label for c in plan.changes if c.kind == "variant"] == ["A"]
    assert plan.count("planned") == 2 and plan.count("held") == 1


def test_a_missing_record_is_not_a_deletion() -> None:
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG")])
    plan = plan_products(given(left, side([], []), linked({}, {})))
    assert plan.changes == []


def test_a_proven_deletion_deactivates_and_never_deletes() -> None:
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG", deleted_at="2026-11-23T09:00:00Z")])
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, linked({}, {})))
    (change,) = plan.changes
    assert (change.system, change.action, change.after) == ("lightspeed", "deactivate", {"active": False})


def test_leaving_the_assortment_deactivates() -> None:
    left = side([product("c1", "Mug", listed=False)], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, linked({}, {})))
    assert [(c.system, c.action) for c in plan.changes] == [("lightspeed", "deactivate")]


def test_a_sku_that_moved_to_another_product_is_held() -> None:
    left = side(
        [product("c1", "Mug"), product("c2", "Cup")],
        [
            variant("c2:2", "c2", "MUG"),
            variant("c1:1", "c1", "MUG", deleted_at="2026-11-23T09:00:00Z"),
            variant("c1:2", "c1", "OTHER"),
        ],
    )
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, linked({}, {})))
    assert ("MUG", "sku_moved") in codes(plan)
    # A moved SKU blocks: the till's product is left as it is, sisters included.
    assert not [c for c in plan.changes if c.label == "MUG" or c.system == "lightspeed" and c.target_id]


def test_an_article_from_the_till_is_created_online_with_its_fields() -> None:
    right = side([product("l1", "Mug", supplier="Potters")], [variant("v1", "l1", "MUG", supply_price="4.5")])
    plan = plan_products(given(side([], []), right))
    assert [(c.system, c.action, c.kind) for c in plan.changes] == [
        ("commercetools", "create", "product"),
        ("commercetools", "create", "variant"),
    ]
    assert plan.changes[1].after["supply_price"] == "4.5"


def test_a_new_variant_joins_the_linked_family() -> None:
    left = side(
        [product("c1", "Mug", options=["Colour"])],
        [
            variant("c1:1", "c1", "A", option_values=[["Colour", "red"]]),
            variant("c1:2", "c1", "B", option_values=[["Colour", "blue"]]),
        ],
    )
    right = side(
        [product("l1", "Mug", options=["Colour"])],
        [variant("v1", "l1", "A", option_values=[["Colour", "red"]])],
    )
    plan = plan_products(given(left, right, linked({}, {})))
    (change,) = plan.changes
    assert (change.action, change.kind, change.unit, change.label) == (
        "create",
        "variant",
        "lightspeed:l1",
        "B",
    )


def test_a_family_spread_over_two_is_held_with_both_shown() -> None:
    left = side(
        [product("c1", "Mug")],
        [variant("c1:1", "c1", "A"), variant("c1:2", "c1", "B", option_values=[["c", "x"]])],
    )
    right = side(
        [product("l1", "Mug A"), product("l2", "Mug B")], [variant("v1", "l1", "A"), variant("v2", "l2", "B")]
    )
    plan = plan_products(given(left, right))
    assert {h.code for h in plan.holds} == {"split_family"} and not plan.changes


def test_an_unknown_value_never_overwrites_a_known_one() -> None:
    left = side([product("c1", "Mug", brand=None)], [variant("c1:1", "c1", "MUG", price=None)])
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG")])
    assert plan_products(given(left, right, linked({}, {}))).changes == []


def test_on_first_alignment_an_empty_value_does_not_wipe_out_a_filled_one() -> None:
    left = side([product("c1", "Mug", brand="")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Mug", brand="Acme")], [variant("v1", "l1", "MUG")])
    assert plan_products(given(left, right)).changes == []


def test_a_value_the_target_alters_is_held_after_the_limit() -> None:
    from retail_sync.records.types import digest

    resent = {"lightspeed.name.en-GB": {"digest": digest({"name.en-GB": "4111 mug"}), "times": 3}}
    links = linked({"name.en-GB": "4111 mug"}, {})
    links["product"] = [LinkRef("product", "c1", "l1", "1", "sku", {"name.en-GB": "4111 mug"}, resent)]
    left = side([product("c1", "4111 mug")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "**** mug")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, links))
    assert [h.code for h in plan.holds] == ["value_not_kept"] and not plan.changes


def test_a_barcode_left_out_as_invalid_is_not_deleted_from_its_source_later() -> None:
    settings = ProductSettings.model_validate(
        {"fields": {"barcodes": {"owner": "lightspeed"}}, "product_type": "main"}
    )
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG", barcodes=["4006381333930"])])
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG", barcodes=[])])
    for base in ({}, {"barcodes": []}):
        plan = plan_products(given(left, right, linked({}, base), settings=settings))
        assert plan.changes == [] and [w.code for w in plan.warnings] == ["barcode_invalid"]


def test_names_that_differ_only_in_capitals_are_the_same_where_a_system_keeps_one_entry() -> None:
    left = side([product("c1", "Mug", brand="Acme")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Mug", brand="ACME")], [variant("v1", "l1", "MUG")])
    assert plan_products(given(left, right, linked({}, {}))).changes == []


def test_what_the_target_said_it_cannot_hold_is_reported_and_not_sent_again() -> None:
    from retail_sync.records.types import digest

    resent = {
        "lightspeed.category": {"digest": digest({"category": "Cups"}), "times": 1, "dropped": "not a leaf"}
    }
    links = linked({}, {})
    links["product"] = [LinkRef("product", "c1", "l1", "1", "sku", {}, resent)]
    left = side([product("c1", "Mug", category="Cups")], [variant("c1:1", "c1", "MUG")])
    right = side([product("l1", "Mug", category="Kitchen")], [variant("v1", "l1", "MUG")])
    plan = plan_products(given(left, right, links))
    assert plan.changes == [] and [w.code for w in plan.warnings] == ["not_held"]
    assert "not a leaf" in plan.warnings[0].message


def test_an_option_all_variants_share_is_no_difference_and_one_that_tells_them_apart_is() -> None:
    def online(*colours: str) -> Any:
        rows = [
            variant(f"c1:{n}", "c1", f"S{n}", option_values=[["Colour", colour], ["Size", str(n)]])
            for n, colour in enumerate(colours)
        ]
        return side([product("c1", "Sock", options=["Colour", "Size"])], rows)

    right = side(
        [product("l1", "Sock", options=["Size"])],
        [variant(f"v{n}", "l1", f"S{n}", option_values=[["Size", str(n)]]) for n in range(2)],
    )
    assert plan_products(given(online("grey", "grey"), right)).changes == []
    assert "options_changed" in {h.code for h in plan_products(given(online("grey", "red"), right)).holds}


def test_a_variant_created_online_is_as_active_as_the_next_merge_will_see_its_product() -> None:
    settings = ProductSettings.model_validate(
        {"fields": {"active": {"owner": "lightspeed"}}, "product_type": "main"}
    )
    right = side(
        [product("l1", "Mug")],
        [
            variant("v1", "l1", "", active=True),
            variant("v2", "l1", "B", active=False, option_values=[["c", "x"]]),
        ],
    )
    created = [
        c for c in plan_products(given(side([], []), right, settings=settings)).changes if c.kind == "variant"
    ]
    assert [(c.label, c.after["active"]) for c in created] == [("B", True)]


def test_a_new_article_gets_its_first_price_though_lists_own_prices_and_later_ones_are_theirs() -> None:
    settings = ProductSettings.model_validate({"price": {"owner": "none"}})
    left = side([product("c1", "Mug")], [variant("c1:1", "c1", "MUG", price=1250)])
    plan = plan_products(given(left, side([], []), settings=settings))
    assert [c.after["price"] for c in plan.changes if c.kind == "variant"] == [1250]
    right = side([product("l1", "Mug")], [variant("v1", "l1", "MUG", price=900)])
    plan = plan_products(given(left, right, linked({}, {"price": 1250}), settings=settings))
    assert plan.changes == []


def test_of_two_articles_with_one_code_neither_goes_over_whichever_of_them_moved() -> None:
    left = side(
        [product("c1", "Lantern"), product("c2", "Lamp")],
        [
            variant("c1:1", "c1", "LANTERN", barcodes=["4006381333931"]),
            variant("c2:1", "c2", "LAMP", barcodes=["4006381333931"]),
        ],
    )
    nothing: dict[str, set[str]] = {"product": set(), "variant": set()}
    moved = {"commercetools": {"product": {"c1"}, "variant": {"c1:1"}}, "lightspeed": nothing}
    plan = plan_products(given(left, side([], []), affected=moved))
    assert plan.changes == []
    assert ("LANTERN", "barcode_duplicate") in codes(plan)


def test_a_price_that_another_one_would_stand_for_is_held_with_both_figures() -> None:
    carry = {"price_exact": False, "price_kept": "19.990000000000002"}
    right = side([product("l1", "Mug")], [variant("l1", "l1", "A", price=1999, carry=json.dumps(carry))])
    plan = plan_products(given(side([], []), right))
    (hold,) = [one for one in plan.holds if one.code == "price_not_exact"]
    assert "19.990000000000002 would be taken over as 19.99" in hold.message
    assert hold.evidence == {"kept": "19.990000000000002", "taken_as": "19.99"}


def test_of_two_products_of_one_name_neither_goes_over_whichever_of_them_moved() -> None:
    left = side(
        [product("c1", "Daypack"), product("c2", "daypack ")],
        [variant("c1:1", "c1", "A"), variant("c2:1", "c2", "B")],
    )
    nothing: dict[str, set[str]] = {"product": set(), "variant": set()}
    moved = {"commercetools": {"product": {"c1"}, "variant": {"c1:1"}}, "lightspeed": nothing}
    plan = plan_products(given(left, side([], []), affected=moved))
    assert plan.changes == []
    (hold,) = [one for one in plan.holds if one.code == "name_duplicate"]
    assert hold.label == "Daypack" and hold.evidence["also"] == ["daypack"]
