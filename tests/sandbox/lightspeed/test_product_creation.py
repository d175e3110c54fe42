"""Products are created as the API does it, and refused as it does it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


def test_a_family_answers_its_ids_with_the_parent_first(shop: Shop) -> None:
    red, blue = shop.tee(
        brand_id=shop.brand, product_category_id=shop.tops, tag_ids=[shop.tag], supply_price=12.5
    )
    parent, sibling = shop.product(red), shop.product(blue)
    assert (parent["has_variants"], parent["variant_parent_id"], parent["variant_count"]) == (True, None, 2)
    assert (sibling["has_variants"], sibling["variant_parent_id"]) == (False, red)
    assert parent["family_id"] == sibling["family_id"]
    assert (parent["name"], parent["variant_name"], parent["handle"]) == ("Tee", "Tee / Red / M", "tee")
    assert [(o["name"], o["value"]) for o in parent["variant_options"]] == [("Colour", "Red"), ("Size", "M")]
    assert (parent["brand"]["name"], parent["type"]["name"]) == ("Puma", "Tops")
    assert [step["name"] for step in parent["product_category"]["category_path"]] == ["Clothes", "Tops"]
    assert [tag["name"] for tag in parent["categories"]] == ["summer"]
    assert parent["supply_price"] == sibling["supply_price"] == Decimal("12.5")


def test_a_standard_product_has_no_parent_and_no_options(shop: Shop) -> None:
    (mug,) = shop.post("products", {"name": "Mug", "sku": "MUG", "price_including_tax": 9.9})["data"]
    product = shop.product(mug)
    assert (product["variant_options"], product["has_variants"], product["variant_parent_id"]) == (
        [],
        False,
        None,
    )
    assert product["variant_name"] == "Mug"


def test_an_inclusive_price_makes_an_exclusive_one_of_five_decimals_printed_exactly(shop: Shop) -> None:
    (red, _) = shop.tee()
    assert (shop.product(red)["price_including_tax"], shop.product(red)["price_excluding_tax"]) == (
        30,
        Decimal("26.08696"),
    )
    assert '"price_including_tax":30,"price_excluding_tax":26.08696' in shop.answers[-1].text


@pytest.mark.parametrize("price", ["0.1", "2.63158", "19.99", "1234567.89"])
def test_prices_travel_without_float_noise(shop: Shop, price: str) -> None:
    answer = shop.http.post(
        "/api/2026-07/products",
        content=f'{{"name": "P", "price_including_tax": {price}}}',
        headers={"Content-Type": "application/json"},
    )
    shop.product(answer.json()["data"][0])
    assert f'"price_including_tax":{price},' in shop.answers[-1].text


def test_an_exclusive_store_takes_the_exclusive_price_and_a_tax_per_outlet(exclusive_shop: Shop) -> None:
    shop = exclusive_shop
    given = {
        "name": "Mug",
        "price_excluding_tax": 10,
        "outlet_taxes": [{"outlet_id": shop.berlin, "tax_id": shop.tax}],
    }
    (mug,) = shop.post("products", given)["data"]
    product = shop.product(mug)
    assert (product["price_excluding_tax"], product["price_including_tax"]) == (10, Decimal("11.5"))
    assert product["outlet_taxes"] == [{"outlet_id": shop.berlin, "tax_id": shop.tax}]
    shop.store.options.show_including_tax_in_exclusive_stores = False
    assert shop.product(mug)["price_including_tax"] is None


def test_an_exclusive_store_refuses_the_inclusive_words(exclusive_shop: Shop) -> None:
    for field, value in (
        ("price_including_tax", 10),
        ("all_outlets_tax", {"tax_id": exclusive_shop.tax}),
    ):
        refusal = exclusive_shop.post("products", {"name": "Mug", field: value}, 422)
        assert field in refusal["fields"]


def test_an_inclusive_store_refuses_the_exclusive_words(shop: Shop) -> None:
    for field, value in (
        ("price_excluding_tax", 10),
        ("outlet_taxes", [{"outlet_id": shop.berlin, "tax_id": shop.tax}]),
    ):
        assert field in shop.post("products", {"name": "Mug", field: value}, 422)["fields"]


def test_a_tax_for_all_outlets_changes_the_exclusive_price_and_shows_in_outlet_taxes(shop: Shop) -> None:
    half = shop.store.add_tax("Half", "0.5")
    (mug,) = shop.post(
        "products", {"name": "M", "price_including_tax": 30, "all_outlets_tax": {"tax_id": half}}
    )["data"]
    assert shop.product(mug)["price_excluding_tax"] == 20
    rows = shop.feed("outlet_taxes")
    assert {(row["outlet_id"], row["tax_id"]) for row in rows} == {(shop.berlin, half), (shop.hamburg, half)}
    shop.put(f"products/{mug}", {"details": {"all_outlets_tax": {"tax_id": ""}}})
    assert "outlet_taxes" not in shop.product(mug)
    assert shop.product(mug)["price_excluding_tax"] == Decimal("26.08696")
    assert shop.feed("outlet_taxes") == []
    assert all(row["deleted_at"] for row in shop.feed("outlet_taxes", deleted="true"))


def test_a_sku_joins_the_codes_in_front_unless_it_is_there(shop: Shop) -> None:
    ean = {"type": "EAN", "code": "4006381333931"}
    (one,) = shop.post("products", {"name": "One", "sku": "ONE", "product_codes": [ean]})["data"]
    assert [(c["type"], c["code"]) for c in shop.product(one)["product_codes"]] == [
        ("CUSTOM", "ONE"),
        ("EAN", ean["code"]),
    ]
    (two,) = shop.post(
        "products",
        {
            "name": "Two",
            "sku": "0036000291452",
            "product_codes": [{"type": "CUSTOM", "code": "TWO"}, {"type": "EAN", "code": "0036000291452"}],
        },
    )["data"]
    assert [c["code"] for c in shop.product(two)["product_codes"]] == ["0036000291452", "TWO"]
    assert shop.product(two)["sku"] == "0036000291452"


def test_a_missing_sku_is_generated_and_never_one_that_is_taken(shop: Shop) -> None:
    first = shop.get("retailer")["data"]["sku_sequence"]["value"]
    shop.post("products", {"name": "Taken", "sku": str(first)})
    (made,) = shop.post("products", {"name": "Made"})["data"]
    assert shop.product(made)["sku"] == str(first + 1)


def test_a_taken_name_tells_the_id_of_its_owner_so_that_creation_can_be_made_idempotent(shop: Shop) -> None:
    (red, _) = shop.tee()
    refusal = shop.post("products", {"name": "tee", "sku": "OTHER"}, 422)
    assert refusal["fields"] == {"name": "Already exists", "name_existing_id": red}
    shop.delete(f"products/{red}/all")
    shop.post("products", {"name": "Tee", "sku": "OTHER"})


def test_a_taken_code_is_refused_unless_the_store_allows_it(shop: Shop) -> None:
    shop.tee()
    assert "sku" in shop.post("products", {"name": "Mug", "sku": "TEE-R"}, 422)["fields"]
    shop.store.options.duplicate_codes = "allow"
    shop.post("products", {"name": "Mug", "sku": "TEE-R"})
    assert len(shop.get("products", sku="TEE-R")["data"]) == 2


def test_an_old_store_may_hold_duplicate_names_and_codes(shop: Shop) -> None:
    for _ in range(2):
        shop.store.add_product_family("Tee", sku="TEE", price="19.99")
    assert len(shop.get("products", name="Tee")["data"]) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("brand_id", "00000000-0000-4000-8000-000000000000"),
        ("product_category_id", "00000000-0000-4000-8000-000000000000"),
        ("tag_ids", ["00000000-0000-4000-8000-000000000000"]),
        ("supplier_id", "00000000-0000-4000-8000-000000000000"),
        ("all_outlets_tax", {"tax_id": "00000000-0000-4000-8000-000000000000"}),
        ("inventory", [{"outlet_id": "00000000-0000-4000-8000-000000000000", "current_amount": 1}]),
        ("price_including_tax", -1),
        ("price_including_tax", "30"),
        ("sku", 17),
        ("product_codes", [{"type": "QR", "code": "1"}]),
        ("weight_unit", "STONE"),
        ("name", " "),
    ],
)
def test_unknown_ids_and_wrong_values_are_refused_and_nothing_is_created(
    shop: Shop, field: str, value: Any
) -> None:
    shop.post("products", {"name": "Mug", field: value}, 422)
    assert shop.feed(deleted="true") == []


def test_a_product_goes_into_a_leaf_category_only(shop: Shop) -> None:
    shop.post("products", {"name": "Mug", "product_category_id": shop.clothes}, 422)
    shop.post("products", {"name": "Mug", "product_category_id": shop.tops})


def test_variants_need_the_same_attributes_three_at_most_and_no_twins(shop: Shop) -> None:
    third, fourth = shop.store.add_variant_attribute("Fabric"), shop.store.add_variant_attribute("Fit")
    ids = [shop.colour, shop.size, third, fourth]
    many = {
        "variant_definitions": [{"attribute_id": each, "value": "x"} for each in ids],
        "price_including_tax": 1,
    }
    shop.post("products", {"name": "Four", "variants": [many]}, 422)
    lone = {"variant_definitions": [{"attribute_id": shop.colour, "value": "x"}], "price_including_tax": 1}
    shop.post("products", {"name": "Uneven", "variants": [shop.variant("A", "Red"), lone]}, 422)
    shop.post(
        "products", {"name": "Twins", "variants": [shop.variant("A", "Red"), shop.variant("B", "Red")]}, 422
    )
    shop.post("products", {"name": "Bare", "variants": [{"sku": "A"}]}, 422)
    assert shop.feed() == []


def test_a_variant_joins_the_family_of_its_name_at_every_version(shop: Shop) -> None:
    red, _ = shop.tee()
    for version, colour in (("2.1", "Green"), ("2026-07", "Black")):
        shop.version = version
        values = [
            {"attribute_id": shop.colour, "attribute_value": colour},
            {"attribute_id": shop.size, "attribute_value": "M"},
        ]
        codes = [{"code": f"TEE-{colour}", "type": "CUSTOM"}]
        details = {"product_codes": codes, "variant_attribute_values": values, "price_including_tax": 31}
        (added,) = shop.post("products", {"common": {"name": "Tee"}, "details": details})["data"]
        product = shop.product(added)
        assert (product["sku"], product["variant_parent_id"]) == (f"TEE-{colour}", red)
        shop.post("products", {"common": {"name": "Tee"}, "details": details}, 422)
        shop.post("products", {"common": {"name": "Nobody"}, "details": details}, 422)
    assert shop.product(red)["variant_count"] == 4


def test_tracking_waits_for_an_update_unless_creation_honours_it(shop: Shop) -> None:
    (mug,) = shop.post("products", {"name": "Mug", "track_inventory": True})["data"]
    assert shop.product(mug)["has_inventory"] is False
    shop.put(f"products/{mug}", {"common": {"track_inventory": True}})
    assert shop.product(mug)["has_inventory"] is True
    shop.store.options.create_honours_track_inventory = True
    (cup,) = shop.post("products", {"name": "Cup", "track_inventory": True})["data"]
    assert shop.product(cup)["has_inventory"] is True


def test_a_composite_lists_its_components(shop: Shop) -> None:
    (mug,) = shop.post("products", {"name": "Mug"})["data"]
    (crate,) = shop.post("products", {"name": "Set", "composite": [{"product_id": mug, "quantity": 6}]})[
        "data"
    ]
    assert (shop.product(crate)["is_composite"], shop.product(crate)["composite_bom"]) == (True, {mug: 6})


def test_fields_the_api_does_not_know_are_ignored_until_the_switch_is_set(shop: Shop) -> None:
    shop.post("products", {"name": "Mug", "colour": "red"})
    shop.store.options.reject_unknown_fields = True
    assert "colour" in shop.post("products", {"name": "Cup", "colour": "red"}, 422)["fields"]


def test_broken_json_is_a_400(shop: Shop) -> None:
    shop.call("POST", "products", 400, content='{"name": "Mug"')
    shop.post("products", ["Mug"], 400)
