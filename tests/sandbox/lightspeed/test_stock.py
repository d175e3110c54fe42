"""Inventory records in their three shapes, and signed adjustments that are all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


def stocked(shop: Shop) -> list[str]:
    return shop.store.add_product_family(
        "Tee", variants=[shop.variant("R", "Red"), shop.variant("B", "Blue")], track_inventory=True
    )


def test_inventory_is_a_bare_array_newest_first_with_paging_in_the_body(shop: Shop) -> None:
    red, blue = stocked(shop)
    rows = shop.post("inventory", {})
    assert len(rows) == 4
    assert [row["version"] for row in rows] == sorted((row["version"] for row in rows), reverse=True)
    page = shop.post("inventory", {"sort_direction": "asc", "size": 1})
    rest = shop.post("inventory", {"sort_direction": "asc", "after": page[0]["version"]})
    assert len(rest) == 3
    assert shop.post("inventory", {"after": rows[0]["version"]}) == []
    assert {row["product_id"] for row in shop.post("inventory", {"product_id": red})} == {red}
    assert {row["product_id"] for row in shop.post("inventory", {"product_id": red, "variants": True})} == {
        red,
        blue,
    }
    shop.store.options.inventory_bare_array = False
    assert set(shop.post("inventory", {})) == {"data"}


def test_2_0_lists_inventory_as_a_version_feed(shop: Shop) -> None:
    red, _ = stocked(shop)
    shop.version = "2.0"
    assert len(shop.feed("inventory", page_size=3)) == 4
    assert {row["current_amount"] for row in shop.get(f"products/{red}/inventory")["data"]} == {0}


def test_levels_past_the_end_are_null(shop: Shop) -> None:
    red, blue = stocked(shop)
    assert len(shop.post("inventory_levels", {"root_product_ids": [red]})) == 4
    assert len(shop.post("inventory_levels", {"product_ids": [blue], "location_ids": [shop.berlin]})) == 1
    assert shop.post("inventory_levels", {"offset": 4}) is None
    assert shop.answers[-1].text == "null"
    shop.store.options.inventory_levels_null_past_end = False
    assert shop.post("inventory_levels", {"offset": 4}) == []


def test_adjustments_add_up_and_are_listed(shop: Shop) -> None:
    red, _ = stocked(shop)
    shop.store.set_stock(red, shop.berlin, 10)
    given = [
        {"product_id": red, "outlet_id": shop.berlin, "quantity": "-3", "reason": "DAMAGE"},
        {"product_id": red, "outlet_id": shop.hamburg, "quantity": "2.5", "reason": "STOCK_FOUND"},
    ]
    made = shop.post("stock_adjustments", {"stock_adjustments": given}, 201)["data"]
    assert [row["quantity"] for row in made] == ["-3", "2.5"]
    assert (
        f"{shop.store.stock_level(red, shop.berlin)} {shop.store.stock_level(red, shop.hamburg)}" == "7 2.5"
    )
    assert [row["id"] for row in shop.feed("stock_adjustments")] == [row["id"] for row in made]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"quantity": -3}, 400),
        ({"quantity": "many"}, 400),
        ({"quantity": "0"}, 422),
        ({"quantity": "3"}, 422),
        ({"reason": "STOCK_FOUND"}, 422),
        ({"reason": "BOREDOM"}, 422),
        ({"reason": "CUSTOM"}, 422),
        ({"product_id": "unknown"}, 422),
        ({"outlet_id": None}, 422),
    ],
)
def test_one_bad_adjustment_refuses_all(shop: Shop, wrong: dict[str, Any], status: int) -> None:
    red, _ = stocked(shop)
    good = {"product_id": red, "outlet_id": shop.berlin, "quantity": "-3", "reason": "DAMAGE"}
    shop.post("stock_adjustments", {"stock_adjustments": [good, good | wrong]}, status)
    assert shop.store.stock_level(red, shop.berlin) == 0


def test_a_custom_reason_fits_the_sign(shop: Shop) -> None:
    red, _ = stocked(shop)
    given = {"name": "Web sale", "type": "NEGATIVE"}
    reason = shop.post("custom_inventory_adjustment_reasons", given, 201)["data"]["id"]
    shop.post("custom_inventory_adjustment_reasons", given, 409)
    entry = {
        "product_id": red,
        "outlet_id": shop.berlin,
        "reason": "CUSTOM",
        "custom_inventory_adjustment_reason_id": reason,
    }
    shop.post("stock_adjustments", {"stock_adjustments": [entry | {"quantity": "-1"}]}, 201)
    shop.post("stock_adjustments", {"stock_adjustments": [entry | {"quantity": "1"}]}, 422)


def test_records_of_a_deleted_product_are_shown_on_request_only(shop: Shop) -> None:
    red, _ = stocked(shop)
    shop.store.delete_product(red)
    assert len(shop.post("inventory", {})) == 2
    assert len(shop.post("inventory", {"include_deleted": True})) == 4
    shop.get(f"inventory/{red}", 404)
