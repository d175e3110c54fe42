"""Updates patch, arrays replace, deletes are soft, and each write moves what it should in the version feed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


def test_details_change_one_variant_and_common_all_of_them(shop: Shop) -> None:
    red, blue = shop.tee()
    before = {row["id"]: row["version"] for row in shop.feed()}
    shop.put(f"products/{red}", {"details": {"price_including_tax": 25, "is_active": False}})
    assert (shop.product(red)["price_including_tax"], shop.product(red)["active"]) == (25, False)
    assert shop.product(red)["is_active"] is False
    assert shop.product(blue)["version"] == before[blue]
    shop.put(
        f"products/{blue}", {"common": {"name": "Shirt", "description": "<p>x</p>", "brand_id": shop.brand}}
    )
    for each in (red, blue):
        product = shop.product(each)
        assert (product["name"], product["brand_id"], product["description"]) == (
            "Shirt",
            shop.brand,
            "<p>x</p>",
        )
        assert product["version"] > before[each]
    assert shop.product(red)["variant_name"] == "Shirt / Red / M"
    assert shop.product(red)["price_including_tax"] == 25


def test_arrays_are_replaced_and_ids_of_kept_codes_stay(shop: Shop) -> None:
    other = shop.store.add_tag("winter")
    red, _ = shop.tee(tag_ids=[shop.tag])
    code = shop.product(red)["product_codes"][0]
    ean = {"type": "EAN", "code": "4006381333931"}
    shop.put(
        f"products/{red}",
        {"common": {"tag_ids": [other]}, "details": {"product_codes": [ean, {"code": "TEE-R"}]}},
    )
    product = shop.product(red)
    assert product["tag_ids"] == [other]
    assert product["sku"] == "4006381333931"
    assert product["product_codes"][1] == code
    shop.put(f"products/{red}", {"common": {"tag_ids": []}, "details": {"product_codes": [ean]}})
    assert (shop.product(red)["tag_ids"], len(shop.product(red)["product_codes"])) == ([], 1)
    assert shop.get("products", sku="TEE-R")["data"] == []
    shop.put(f"products/{red}", {"details": {"product_codes": []}}, 422)


def test_an_empty_id_takes_brand_and_category_away(shop: Shop) -> None:
    red, _ = shop.tee(brand_id=shop.brand, product_category_id=shop.tops)
    shop.put(f"products/{red}", {"common": {"brand_id": "", "product_category_id": ""}})
    product = shop.product(red)
    assert (product["brand_id"], product["product_type_id"]) == (None, None)
    assert "brand" not in product


def test_a_rename_to_a_taken_name_is_refused_and_to_its_own_is_not(shop: Shop) -> None:
    red, _ = shop.tee()
    (mug,) = shop.post("products", {"name": "Mug"})["data"]
    assert shop.put(f"products/{mug}", {"common": {"name": "Tee"}}, 422)["fields"]["name_existing_id"] == red
    shop.put(f"products/{red}", {"common": {"name": "TEE"}})
    assert [row["id"] for row in shop.get("products", family_name="Mug")["data"]] == [mug]


@pytest.mark.parametrize(("mode", "empty"), [("never", [0, 0]), ("always", [1, 1]), ("alternate", [0, 1])])
def test_an_update_may_answer_200_with_nothing(shop: Shop, mode: Any, empty: list[int]) -> None:
    red, _ = shop.tee()
    shop.store.options.empty_put_answer = mode
    answers = [shop.put(f"products/{red}", {"details": {"is_active": True}}) for _ in range(2)]
    assert [int(answer is None) for answer in answers] == empty


def test_suppliers_of_the_family_keep_codes_of_the_variants(shop: Shop) -> None:
    second = shop.store.add_supplier("Other")
    red, _ = shop.tee(supplier_id=shop.supplier, supplier_code="AC-1", supply_price=12.5)
    shop.put(
        f"products/{red}",
        {
            "common": {
                "product_suppliers": [{"supplier_id": second, "price": 11.25}, {"supplier_id": shop.supplier}]
            }
        },
    )
    product = shop.product(red)
    assert [(s["supplier_name"], s["code"], s["price"]) for s in product["product_suppliers"]] == [
        ("Other", "", Decimal("11.25")),
        ("Acme", "AC-1", Decimal("12.5")),
    ]
    assert (product["supplier_id"], product["supply_price"]) == (second, Decimal("11.25"))
    stranger = shop.store.add_supplier("Stranger")
    shop.put(f"products/{red}", {"details": {"product_suppliers": [{"supplier_id": stranger}]}}, 422)


def test_a_new_attribute_leaves_variants_blank_until_they_are_filled(shop: Shop) -> None:
    fabric = shop.store.add_variant_attribute("Fabric")
    red, _ = shop.tee()
    ids = [{"attribute_id": each} for each in (fabric, shop.colour, shop.size)]
    shop.put(f"products/{red}", {"common": {"variant_attributes": ids}})
    assert [o["value"] for o in shop.product(red)["variant_options"]] == ["", "Red", "M"]
    filled = [{"attribute_id": fabric, "attribute_value": "Silk"}]
    shop.put(f"products/{red}", {"details": {"variant_attribute_values": filled}})
    assert shop.product(red)["variant_name"] == "Tee / Silk / Red / M"


def test_a_variant_cannot_become_the_twin_of_another(shop: Shop) -> None:
    red, _ = shop.tee()
    twin = [{"attribute_id": shop.colour, "attribute_value": "Blue"}]
    shop.put(f"products/{red}", {"details": {"variant_attribute_values": twin}}, 422)
    strange = [{"attribute_id": shop.store.add_variant_attribute("Fit"), "attribute_value": "Slim"}]
    shop.put(f"products/{red}", {"details": {"variant_attribute_values": strange}}, 422)


def test_a_refused_update_changes_nothing_at_all(shop: Shop) -> None:
    red, _ = shop.tee()
    before = shop.product(red)
    shop.put(f"products/{red}", {"common": {"name": "Shirt"}, "details": {"price_excluding_tax": 1}}, 422)
    assert shop.product(red) == before


def test_levels_set_through_a_product_move_the_inventory_row_and_not_the_product(shop: Shop) -> None:
    red, _ = shop.tee(track_inventory=True)
    shop.put(f"products/{red}", {"common": {"track_inventory": True}})
    version = shop.product(red)["version"]
    line = {"outlet_id": shop.berlin, "current_amount": -3.5, "reorder_point": 2, "reorder_amount": 10}
    shop.put(f"products/{red}", {"details": {"inventory": [line]}})
    rows = {row["outlet_id"]: row for row in shop.get(f"inventory/{red}")}
    assert (rows[shop.berlin]["current_inventory_level"], rows[shop.berlin]["reorder_point"]) == (
        Decimal("-3.5"),
        2,
    )
    assert rows[shop.hamburg]["current_inventory_level"] == 0
    assert shop.product(red)["version"] == version
    assert rows[shop.berlin]["version"] > version
    shop.put(f"products/{red}", {"details": {"inventory": [{"outlet_id": shop.berlin, "reorder_point": -1}]}})
    assert shop.get(f"inventory/{red}")[0]["reorder_point"] is None


def test_loyalty_of_minus_one_is_the_default(shop: Shop) -> None:
    red, _ = shop.tee()
    shop.put(f"products/{red}", {"details": {"loyalty_amount": 1.5}})
    assert shop.product(red)["loyalty_amount"] == Decimal("1.5")
    shop.put(f"products/{red}", {"details": {"loyalty_amount": -1}})
    assert shop.product(red)["loyalty_amount"] is None


def test_a_measure_needs_its_unit(shop: Shop) -> None:
    red, _ = shop.tee()
    shop.put(f"products/{red}", {"details": {"weight": 1.25}}, 422)
    shop.put(f"products/{red}", {"details": {"weight": 1.25, "weight_unit": "KG"}})
    assert (shop.product(red)["weight"], shop.product(red)["weight_unit"]) == (Decimal("1.25"), "KG")


def test_a_deleted_variant_is_a_tombstone_its_codes_are_free_and_its_family_goes_on(shop: Shop) -> None:
    red, blue = shop.tee()
    shop.delete(f"products/{blue}")
    shop.get(f"products/{blue}", 404)
    shop.put(f"products/{blue}", {"details": {"is_active": True}}, 404)
    shop.delete(f"products/{blue}", 404)
    assert [row["id"] for row in shop.feed()] == [red]
    last = shop.feed(deleted="true")[-1]
    assert (last["id"], last["deleted_at"] is not None) == (blue, True)
    shop.post("products", {"name": "Mug", "sku": "TEE-B"})
    assert shop.product(red)["variant_count"] == 1


def test_a_family_is_deleted_as_a_whole(shop: Shop) -> None:
    red, blue = shop.tee()
    shop.delete(f"products/{blue}/all")
    assert shop.feed() == []
    assert {row["id"] for row in shop.feed(deleted="true")} == {red, blue}


def test_an_image_is_processed_for_a_while_and_can_be_moved_and_removed(shop: Shop) -> None:
    red, _ = shop.tee(images=[{"type": "url", "location": "https://shop.example/a.jpg"}])
    upload = shop.call(
        "POST", f"products/{red}/actions/image_upload", 201, files={"image": ("b.jpg", b"jpeg")}
    )["data"]
    assert (upload["product_id"], upload["position"], upload["status"]) == (red, 1, "processing")
    states = [shop.get(f"product_images/{upload['id']}")["data"]["status"] for _ in range(2)]
    assert states == ["processing", "uploaded"]
    shop.put(f"product_images/{upload['id']}", {"position": 0})
    assert [image["id"] for image in shop.product(red)["images"]][0] == upload["id"]
    shop.delete(f"product_images/{upload['id']}", 204)
    assert len(shop.product(red)["images"]) == 1
    shop.call("POST", f"products/{red}/actions/image_upload", 400, files={"picture": ("b.jpg", b"jpeg")})
