"""Consignments: their ways through their statuses, and when stock leaves and arrives."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


def mug(shop: Shop, name: str = "Mug", level: int = 10) -> str:
    (product_id,) = shop.store.add_product_family(name, price="5", supply_price="2")
    shop.store.set_stock(product_id, shop.berlin, level)
    return product_id


def levels(shop: Shop, product_id: str) -> tuple[Decimal | None, Decimal | None]:
    return shop.store.stock_level(product_id, shop.berlin), shop.store.stock_level(product_id, shop.hamburg)


def opened(shop: Shop, kind: str, **more: Any) -> str:
    given = {"type": kind, "name": kind.lower(), "outlet_id": shop.berlin, **more}
    consignment_id: str = shop.post("consignments", given, 201)["data"]["id"]
    return consignment_id


def move(shop: Shop, consignment_id: str, status: str, answer: int = 200) -> Any:
    return shop.put(f"consignments/{consignment_id}", {"status": status}, answer)


def test_a_delivery_arrives_when_it_is_received_as_far_as_it_was(shop: Shop) -> None:
    short, whole = mug(shop), mug(shop, "Cup")
    order = opened(shop, "SUPPLIER", supplier_id=shop.supplier)
    move(shop, order, "SENT", 422)
    lines = [{"product_id": short, "count": "5", "cost": "2"}, {"product_id": whole, "count": 3}]
    answer = shop.post(f"consignments/{order}/bulk", lines)["data"]
    assert answer == {short: {"count": "5.00000"}, whole: {"count": "3.00000"}}
    assert move(shop, order, "SENT")["data"]["status"] == "SENT"
    move(shop, order, "RECEIVED", 422)
    shop.put(f"consignments/{order}/products/{short}", {"received": "4"})
    assert shop.get(f"consignments/{order}")["data"]["status"] == "DISPATCHED"
    assert shop.get(f"consignments/{order}/totals")["data"][0]["total_received_cost"] == "8.0000000000"
    assert levels(shop, short) == (10, 0)
    assert move(shop, order, "RECEIVED")["data"]["received_at"] is not None
    assert (levels(shop, short), levels(shop, whole)) == ((14, 0), (13, 0))
    move(shop, order, "CANCELLED", 422)
    shop.post(f"consignments/{order}/products", {"product_id": short, "count": "1"}, 422)


def test_counts_of_an_order_add_up_when_they_are_posted_and_are_replaced_when_they_are_put(
    shop: Shop,
) -> None:
    product_id, order = mug(shop), opened(shop, "SUPPLIER")
    path = f"consignments/{order}/products"
    shop.post(path, {"data": {"product_id": product_id, "count": "5"}})
    assert shop.post(path, {"product_id": product_id, "count": "2"})["data"]["count"] == "7.00000"
    assert shop.put(f"{path}/{product_id}", {"count": "1"})["data"]["count"] == "1.00000"
    (row,) = shop.feed(path)
    assert (row["product_id"], row["count"], "received" in row) == (product_id, "1.00000", False)
    shop.delete(f"{path}/{product_id}", 204)
    shop.delete(f"{path}/{product_id}", 404)


def test_a_transfer_leaves_when_it_is_sent_and_arrives_when_it_is_received(shop: Shop) -> None:
    product_id = mug(shop)
    transfer = opened(shop, "OUTLET", outlet_id=shop.hamburg, source_outlet_id=shop.berlin)
    shop.post(f"consignments/{transfer}/products", {"product_id": product_id, "count": "4"})
    assert levels(shop, product_id) == (10, 0)
    move(shop, transfer, "SENT")
    assert levels(shop, product_id) == (6, 0)
    shop.delete(f"consignments/{transfer}/products/{product_id}", 422)
    move(shop, transfer, "RECEIVED")
    assert levels(shop, product_id) == (6, 4)


def test_a_transfer_that_is_cancelled_on_its_way_comes_back(shop: Shop) -> None:
    product_id = mug(shop)
    transfer = opened(shop, "OUTLET", outlet_id=shop.hamburg, source_outlet_id=shop.berlin)
    shop.post(f"consignments/{transfer}/products", {"product_id": product_id, "count": "4"})
    move(shop, transfer, "SENT")
    move(shop, transfer, "CANCELLED")
    assert levels(shop, product_id) == (10, 0)


def test_a_return_to_a_supplier_leaves_when_it_is_sent(shop: Shop) -> None:
    product_id, back = mug(shop), opened(shop, "RETURN")
    shop.post(f"consignments/{back}/products", {"product_id": product_id, "count": "3"})
    move(shop, back, "RECEIVED", 422)
    move(shop, back, "SENT")
    assert levels(shop, product_id) == (7, 0)
    move(shop, back, "CANCELLED", 422)


def test_a_complete_stocktake_sets_the_levels_that_were_counted(shop: Shop) -> None:
    counted, seen = mug(shop), mug(shop, "Cup")
    stocktake = opened(shop, "STOCKTAKE")
    assert shop.get(f"consignments/{stocktake}")["data"]["status"] == "STOCKTAKE_SCHEDULED"
    shop.post(f"consignments/{stocktake}/products", {"product_id": counted, "received": "7.5"})
    shop.post(f"consignments/{stocktake}/products", {"product_id": seen, "count": "10"})
    move(shop, stocktake, "STOCKTAKE_IN_PROGRESS")
    assert levels(shop, counted) == (10, 0)
    done = move(shop, stocktake, "STOCKTAKE_COMPLETE")["data"]
    assert (levels(shop, counted), levels(shop, seen)) == ((Decimal("7.5"), 0), (10, 0))
    assert (done["total_count_loss"], done["total_cost_loss"]) == (Decimal("2.5"), 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "GIFT"},
        {"name": ""},
        {"outlet_id": "unknown"},
        {"status": "RECEIVED"},
        {"status": "DISPATCHED"},
        {"status": "STOCKTAKE_COMPLETE"},
        {"supplier_id": "unknown"},
        {"type": "OUTLET"},
    ],
)
def test_a_consignment_that_is_wrong_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    shop.post("consignments", {"type": "SUPPLIER", "name": "n", "outlet_id": shop.berlin} | wrong, 422)


def test_composites_are_not_ordered(shop: Shop) -> None:
    crate = shop.store.add_composite("Crate", [(mug(shop), 6)])
    order = opened(shop, "SUPPLIER")
    shop.post(f"consignments/{order}/products", {"product_id": crate, "count": "1"}, 422)


def test_consignments_are_a_feed_that_is_filtered_before_it_is_paged(shop: Shop) -> None:
    first, second = opened(shop, "SUPPLIER"), opened(shop, "STOCKTAKE")
    third = opened(shop, "SUPPLIER", outlet_id=shop.hamburg)
    assert [row["id"] for row in shop.feed("consignments", page_size=1)] == [first, second, third]
    assert [row["id"] for row in shop.feed("consignments", page_size=1, type="SUPPLIER")] == [first, third]
    assert [row["id"] for row in shop.feed("consignments", outlet_id=shop.hamburg)] == [third]
    assert shop.call("GET", "consignments", params={"status": "SENT"})["data"] == []
    shop.delete(f"consignments/{first}", 204)
    shop.get(f"consignments/{first}", 404)
    assert len(shop.feed("consignments")) == 2


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("SUPPLIER", "consignments:write:stock_order"),
        ("RETURN", "consignments:write:stock_order"),
        ("OUTLET", "consignments:write:stock_transfer"),
        ("STOCKTAKE", "consignments:write:inventory_count"),
    ],
)
def test_the_scope_of_a_write_depends_on_the_type(shop: Shop, kind: str, scope: str) -> None:
    def only(name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {shop.store.tokens.add_personal(scopes=frozenset({name}))}"}

    given = {"type": kind, "name": "n", "outlet_id": shop.hamburg, "source_outlet_id": shop.berlin}
    shop.call("POST", "consignments", 403, json=given, headers=only("consignments:read"))
    made = shop.call("POST", "consignments", 201, json=given, headers=only(scope))["data"]["id"]
    shop.call("PUT", f"consignments/{made}", 403, json={}, headers=only("consignments:read"))
    shop.call("GET", f"consignments/{made}", 403, headers=only(scope))


def test_hands_in_the_stockroom_move_stock_as_consignments_do(shop: Shop) -> None:
    product_id = mug(shop)
    shop.store.transfer(product_id, shop.berlin, shop.hamburg, 4)
    shop.store.receive(product_id, shop.hamburg, "1.5")
    assert levels(shop, product_id) == (6, Decimal("5.5"))
    order = shop.store.order_from_supplier(shop.berlin, [(product_id, 9)], due_at="2026-12-01T00:00:00+00:00")
    shown = shop.get(f"consignments/{order}")["data"]
    assert (shown["status"], shown["due_at"]) == ("SENT", "2026-12-01T00:00:00+00:00")
    before = shop.store.ticker.version
    shop.store.receive_consignment(order)
    assert [row["current_inventory_level"] for row in shop.post("inventory", {"after": before})] == [15]
    shop.store.count(product_id, shop.berlin, 2)
    assert levels(shop, product_id) == (2, Decimal("5.5"))
