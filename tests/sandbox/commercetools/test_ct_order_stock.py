"""Orders take and reserve stock, at once or late; returns are only written down."""

from __future__ import annotations

import pytest

from sandbox.commercetools import ApiError, CommercetoolsStore

from .conftest import Api, Json, draft, euros, variant

WAREHOUSE = {"typeId": "channel", "key": "warehouse"}
CANCEL = {"action": "changeOrderState", "orderState": "Cancelled"}


def stocked(api: Api, quantity: int, sku: str = "S-1", **more: object) -> Json:
    return api.post("inventory", {"sku": sku, "quantityOnStock": quantity, **more}, 201)


def line(quantity: int, sku: str = "S-1", **more: object) -> Json:
    return {"name": {"en": sku}, "variant": {"sku": sku}, "quantity": quantity, "price": euros(100), **more}


def ordered(mode: str | None, *lines: Json, **more: object) -> Json:
    chosen = {} if mode is None else {"inventoryMode": mode}
    return {"totalPrice": euros(100)["value"], "lineItems": list(lines), **chosen, **more}


def figures(api: Api, entry: Json) -> tuple[int, int]:
    """On stock, available."""
    found = api.get(f"inventory/{entry['id']}")
    return found["quantityOnStock"], found["availableQuantity"]


@pytest.mark.parametrize("mode", [None, "None"])
def test_an_order_leaves_stock_alone_unless_it_says_otherwise(api: Api, mode: str | None) -> None:
    entry = stocked(api, 5)
    api.post("orders/import", ordered(mode, line(3)), 201)
    assert api.get(f"inventory/{entry['id']}") == entry


def test_tracked_orders_take_stock_even_below_zero(api: Api) -> None:
    entry = stocked(api, 2)
    api.post("orders/import", ordered("TrackOnly", line(3)), 201)
    assert figures(api, entry) == (-1, -1)
    error = api.refused("orders/import", ordered("TrackOnly", line(1, "S-9")), "OutOfStock")
    assert error["skus"] == ["S-9"]
    assert len(error["lineItems"]) == 1


def test_a_reservation_stands_beside_the_stock_or_is_taken_off_it(
    api: Api, store: CommercetoolsStore
) -> None:
    entry = stocked(api, 10)
    api.post("orders/import", ordered("ReserveOnOrder", line(3)), 201)
    assert figures(api, entry) == (10, 7)
    store.reserved_orders = "commit"
    api.post("orders/import", ordered("ReserveOnCart", line(2)), 201)
    assert figures(api, entry) == (8, 5)


def test_a_count_keeps_standing_reservations(api: Api) -> None:
    entry = stocked(api, 10)
    api.post("orders/import", ordered("ReserveOnOrder", line(3)), 201)
    entry = api.get(f"inventory/{entry['id']}")
    entry = api.update("inventory", entry, {"action": "changeQuantity", "quantity": 6})
    assert figures(api, entry) == (6, 3)


def test_what_is_not_available_is_not_reserved_and_nothing_of_the_order_happens(api: Api) -> None:
    one, other = stocked(api, 3), stocked(api, 9, "S-2")
    body = ordered("ReserveOnOrder", line(2, "S-2"), line(2), line(2), orderNumber="O-1")
    assert api.refused("orders/import", body, "OutOfStock")["skus"] == ["S-1"]
    assert (figures(api, one), figures(api, other)) == ((3, 3), (9, 9))
    assert api.get("orders")["total"] == 0


def test_what_can_be_restocked_is_reserved_below_zero(api: Api) -> None:
    entry = stocked(api, 1, restockableInDays=0)
    api.post("orders/import", ordered("ReserveOnOrder", line(3)), 201)
    assert figures(api, entry) == (1, -2)


def test_a_line_may_have_its_own_mode_and_its_own_channel(api: Api) -> None:
    plain, there = stocked(api, 5), stocked(api, 5, supplyChannel=WAREHOUSE)
    tracked = line(1, supplyChannel=WAREHOUSE, inventoryMode="TrackOnly")
    order = api.post("orders/import", ordered("ReserveOnOrder", tracked, line(2)), 201)
    assert (figures(api, plain), figures(api, there)) == ((5, 3), (4, 4))
    assert order["lineItems"][0]["supplyChannel"] == there["supplyChannel"]


def test_an_order_moves_the_entry_and_the_product(api: Api, store: CommercetoolsStore) -> None:
    product = api.post("products", draft("a", "S-1", publish=True), 201)
    entry = stocked(api, 5)
    store.stock_bumps_products = True
    api.post("orders/import", ordered("TrackOnly", line(1)), 201)
    assert api.get(f"inventory/{entry['id']}")["version"] > entry["version"]
    moved = api.get(f"products/{product['id']}")
    assert moved["version"] > product["version"]
    assert moved["masterData"]["current"]["masterVariant"]["availability"]["availableQuantity"] == 4


def test_late_effects_happen_in_their_order_when_they_are_settled(
    api: Api, store: CommercetoolsStore
) -> None:
    entry = stocked(api, 5)
    store.order_stock_late = True
    order = api.post("orders/import", ordered("ReserveOnOrder", line(4)), 201)
    # Nothing has reached the entry yet, so that the next order finds enough, too.
    api.post("orders/import", ordered("ReserveOnOrder", line(4)), 201)
    api.update("orders", order, CANCEL)
    assert figures(api, entry) == (5, 5)
    store.settle_order_stock()
    assert figures(api, entry) == (5, 1)


@pytest.mark.parametrize("mode", ["TrackOnly", "ReserveOnOrder"])
def test_a_cancelled_order_gives_its_stock_back_once(api: Api, store: CommercetoolsStore, mode: str) -> None:
    entry = stocked(api, 5)
    order = api.post("orders/import", ordered(mode, line(3)), 201)
    order = api.update("orders", order, CANCEL)
    assert figures(api, entry) == (5, 5)
    order = api.update("orders", order, {"action": "changeOrderState", "orderState": "Open"})
    api.update("orders", order, CANCEL)
    assert figures(api, entry) == (5, 5)
    store.cancel_gives_back = False
    api.update("orders", api.post("orders/import", ordered("TrackOnly", line(3)), 201), CANCEL)
    assert figures(api, entry) == (2, 2)


def carts_reserve(store: CommercetoolsStore, minutes: int = 10, **more: object) -> None:
    store.set_project(inventory={"reservationExpirationInMinutes": minutes, **more})


def test_a_cart_reserves_only_where_the_project_says_for_how_long(
    api: Api, store: CommercetoolsStore
) -> None:
    entry = stocked(api, 5)
    with pytest.raises(ApiError, match="expiration"):
        store.fill_cart("S-1", None, 2)
    carts_reserve(store)
    cart = store.fill_cart("S-1", None, 2)
    assert figures(api, entry) == (5, 3)
    with pytest.raises(ApiError, match="reserved"):
        store.fill_cart("S-1", None, 4)
    store.drop_cart(cart)
    assert figures(api, entry) == (5, 5)


def test_a_reservation_expires_a_few_minutes_late_or_never(api: Api, store: CommercetoolsStore) -> None:
    entry = stocked(api, 5)
    carts_reserve(store)
    store.fill_cart("S-1", None, 2)
    store.clock.advance(minutes=11)
    assert store.expire_carts() == [] and figures(api, entry) == (5, 3)
    carts_reserve(store, releaseExpiredReservations=False)
    store.clock.advance(minutes=10)
    assert store.expire_carts() == [] and figures(api, entry) == (5, 3)
    carts_reserve(store)
    assert len(store.expire_carts()) == 1 and figures(api, entry) == (5, 5)


def test_an_ordered_cart_commits_its_reservation_and_its_line_names_it(
    api: Api, store: CommercetoolsStore
) -> None:
    entry = stocked(api, 5, supplyChannel=WAREHOUSE)
    carts_reserve(store)
    order = store.order_cart(store.fill_cart("S-1", "warehouse", 2))
    assert figures(api, entry) == (3, 3)
    found = api.get(f"orders/{order['id']}")
    (item,) = found["lineItems"]
    assert item["reservation"]["typeId"] == "reservation" and item["inventoryMode"] == "ReserveOnCart"
    api.update("orders", found, CANCEL)
    assert figures(api, entry) == (5, 5)


def test_an_expired_cart_can_still_be_ordered_even_where_nothing_is_left(
    api: Api, store: CommercetoolsStore
) -> None:
    entry = stocked(api, 2)
    carts_reserve(store)
    cart = store.fill_cart("S-1", None, 2)
    store.clock.advance(minutes=20)
    store.expire_carts()
    api.update("inventory", api.get(f"inventory/{entry['id']}"), {"action": "removeQuantity", "quantity": 2})
    store.order_cart(cart)
    assert figures(api, entry) == (-2, -2)


def test_a_hand_places_an_order_at_the_price_of_the_variant(api: Api, store: CommercetoolsStore) -> None:
    body = draft("a", publish=True) | {"masterVariant": variant("S-1", prices=[euros(750)])}
    api.post("products", body, 201)
    entry = stocked(api, 5)
    stocked(api, 5, "S-2", supplyChannel=WAREHOUSE)
    order = store.place_order(
        [("S-1", 2, None), ("S-2", 1, "warehouse")], number="O-7", orderState="Confirmed"
    )
    assert api.get("orders/order-number=O-7") == order
    assert (order["totalPrice"]["centAmount"], order["orderState"]) == (1600, "Confirmed")
    assert figures(api, entry) == (5, 3)


def test_orders_are_found_by_sku_and_time_among_thousands(api: Api, store: CommercetoolsStore) -> None:
    for number in range(1_000):
        store.place_order([(f"S-{number % 100}", 1, None)], mode="None")
    wanted = 'lineItems(variant(sku in ("S-1", "S-2")))'
    assert api.get("orders", where=wanted)["total"] == 20
    first = api.get("orders", where=wanted, sort="lastModifiedAt asc", limit=1)["results"][0]
    since = f'{wanted} and lastModifiedAt >= "{first["lastModifiedAt"]}"'
    assert api.get("orders", where=since, sort=["lastModifiedAt asc", "id asc"])["total"] == 20
    assert api.get("orders", where=f'{wanted} and lastModifiedAt > "2099-01-01T00:00:00Z"')["total"] == 0


def test_a_return_goes_through_its_states_and_leaves_stock_alone(api: Api) -> None:
    entry = stocked(api, 5)
    order = api.post("orders/import", ordered("TrackOnly", line(2)), 201)
    item = {
        "lineItemId": order["lineItems"][0]["id"],
        "quantity": 1,
        "shipmentState": "Advised",
        "key": "r-1",
    }
    add = {"action": "addReturnInfo", "items": [item], "returnTrackingId": "T-1"}
    api.update_refused("orders", order, "InvalidField", {**add, "items": [item | {"lineItemId": "none"}]})
    order = api.update("orders", order, add)
    (info,) = order["returnInfo"]
    assert (info["returnTrackingId"], info["items"][0]["paymentState"]) == ("T-1", "NonRefundable")
    shipped = {"action": "setReturnShipmentState", "returnItemKey": "r-1"}
    paid = {"action": "setReturnPaymentState", "returnItemId": info["items"][0]["id"]}
    api.update_refused("orders", order, "InvalidOperation", {**paid, "paymentState": "Refunded"})
    api.update_refused("orders", order, "InvalidOperation", {**shipped, "shipmentState": "BackInStock"})
    order = api.update("orders", order, {**shipped, "shipmentState": "Returned"})
    assert order["returnInfo"][0]["items"][0]["paymentState"] == "Initial"
    order = api.update(
        "orders",
        order,
        {**shipped, "shipmentState": "BackInStock"},
        {**paid, "paymentState": "Refunded"},
    )
    assert figures(api, entry) == (3, 3)
