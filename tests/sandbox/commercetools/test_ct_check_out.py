"""Orders as a check-out makes them: prices, discounts, taxes and totals; payments; what an import keeps."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.commercetools import (
    ApiError,
    Basket,
    CommercetoolsStore,
    Extra,
    Item,
    Pay,
    RequestValidator,
    Shipped,
)
from sandbox.commercetools.app import CHECK_OUT

from .conftest import Api, Json, draft, euros, variant
from .test_ct_official_shapes import DESCRIPTION, REQUESTS, check, unknown_fields

STANDARD = {"typeId": "tax-category", "key": "standard"}


@pytest.fixture
def shop(store: CommercetoolsStore) -> CommercetoolsStore:
    """Shirts at 19.99 with 19 % tax, and shipping to Germany for 4.90, free from 75.00 on."""
    more = {"masterVariant": variant("a-1", prices=[euros(1999)]), "taxCategory": STANDARD, "publish": True}
    store.create("products", draft("a", "a-1") | more)
    reduced = {
        **euros(1500),
        "discounted": {**euros(1200), "discount": {"typeId": "product-discount", "id": "x"}},
    }
    store.insert("product-discounts", {"id": "x", "value": {"type": "external"}, "name": {"en": "x"}})
    sale = {"masterVariant": variant("b-1", prices=[reduced]), "taxCategory": STANDARD, "publish": True}
    store.create("products", draft("b", "b-1") | sale)
    store.create("zones", {"key": "de", "name": "Germany", "locations": [{"country": "DE"}]})
    rate = {"price": euros(490)["value"], "freeAbove": euros(7500)["value"]}
    zone = {"zone": {"typeId": "zone", "key": "de"}, "shippingRates": [rate]}
    method = {
        "key": "parcel",
        "name": "Parcel",
        "taxCategory": STANDARD,
        "isDefault": True,
        "zoneRates": [zone],
    }
    store.create("shipping-methods", method)
    return store


def cents(money: Json) -> int:
    return int(money["centAmount"])


def goods_of(order: Json) -> list[Json]:
    return [*order["lineItems"], *order["customLineItems"]]


def assert_adds_up(order: Json) -> None:
    """What reference 8.2 says must hold, and that what is taxed adds up by line, rate and whole."""
    shipping = order.get("shippingInfo")
    paid_for_shipping = (
        shipping.get("discountedPrice", {}).get("value", shipping["price"]) if shipping else None
    )
    total = sum(cents(line["totalPrice"]) for line in goods_of(order))
    total += cents(paid_for_shipping) if paid_for_shipping else 0
    discount = order.get("discountOnTotalPrice")
    total -= cents(discount["discountedAmount"]) if discount else 0
    assert cents(order["totalPrice"]) == total
    taxed = order["taxedPrice"]
    parts = [line["taxedPrice"] for line in goods_of(order)] + ([shipping["taxedPrice"]] if shipping else [])
    for name, less in (("totalNet", "discountedNetAmount"), ("totalGross", "discountedGrossAmount")):
        assert cents(taxed[name]) == sum(cents(part[name]) for part in parts) - (
            cents(discount[less]) if discount else 0
        )
    assert cents(taxed["totalTax"]) == cents(taxed["totalGross"]) - cents(taxed["totalNet"])
    assert sum(cents(portion["amount"]) for portion in taxed["taxPortions"]) == cents(taxed["totalTax"])


def test_prices_hold_their_tax_or_it_comes_on_top(shop: CommercetoolsStore) -> None:
    inclusive = shop.check_out(Basket((Item("a-1", 3),), shipped=Shipped("parcel")))
    assert cents(inclusive["totalPrice"]) == cents(inclusive["taxedPrice"]["totalGross"]) == 3 * 1999 + 490
    assert [cents(line["taxedPrice"]["totalNet"]) for line in inclusive["lineItems"]] == [5039]
    assert_adds_up(inclusive)
    exclusive = shop.check_out(Basket((Item("a-1", 3),), shipped=Shipped("parcel"), included=False))
    assert cents(exclusive["totalPrice"]) == cents(exclusive["taxedPrice"]["totalNet"]) == 3 * 1999 + 490
    assert cents(exclusive["lineItems"][0]["taxedPrice"]["totalGross"]) == 7136
    assert_adds_up(exclusive)


def test_taxes_are_rounded_by_line_or_by_unit(shop: CommercetoolsStore) -> None:
    by_line = shop.check_out(Basket((Item("a-1", 7),)))
    by_unit = shop.check_out(Basket((Item("a-1", 7),), by_unit=True))
    assert (cents(by_line["taxedPrice"]["totalNet"]), cents(by_unit["taxedPrice"]["totalNet"])) == (
        11759,
        11760,
    )
    assert by_unit["taxCalculationMode"] == "UnitPriceLevel"
    assert_adds_up(by_unit)


def test_half_a_cent_goes_to_the_even_side(shop: CommercetoolsStore) -> None:
    lines = (Item("x-1", unit=5, rate=0.1), Item("x-2", unit=15, rate=0.1))
    order = shop.check_out(Basket(lines, included=False))
    assert [cents(line["taxedPrice"]["totalGross"]) for line in order["lineItems"]] == [6, 16]


def test_units_of_a_line_cost_what_their_discount_leaves(shop: CommercetoolsStore) -> None:
    order = shop.check_out(
        Basket((Item("a-1", 5, groups=((2, 1000),)), Item("b-1", 2), Item("b-1", gift=True)))
    )
    first, reduced, gift = order["lineItems"]
    assert [
        (each["quantity"], cents(each["discountedPrice"]["value"]))
        for each in first["discountedPricePerQuantity"]
    ] == [
        (2, 1000),
        (3, 1999),
    ]
    assert cents(first["totalPrice"]) == 2 * 1000 + 3 * 1999
    assert (cents(reduced["price"]["value"]), cents(reduced["totalPrice"])) == (1500, 2400)
    assert (gift["lineItemMode"], cents(gift["totalPrice"])) == ("GiftLineItem", 0)
    assert_adds_up(order)
    with pytest.raises(ApiError):
        shop.check_out(Basket((Item("a-1", 1, groups=((2, 1000),)),)))


def test_a_discount_of_the_whole_is_in_the_totals_and_in_no_line(shop: CommercetoolsStore) -> None:
    lines = (Item("a-1", 3), Item("x-1", unit=501, rate=0.07))
    order = shop.check_out(Basket(lines, total_discount=1000, shipped=Shipped("parcel", discounted=0)))
    assert [cents(line["totalPrice"]) for line in order["lineItems"]] == [5997, 501]
    assert cents(order["totalPrice"]) == 5498
    assert {portion["rate"] for portion in order["taxedPrice"]["taxPortions"]} == {0.19, 0.07}
    assert_adds_up(order)


def test_custom_lines_may_be_negative_and_shipping_is_free_from_a_sum_on(shop: CommercetoolsStore) -> None:
    extras = (Extra("gift-wrap", 350, tax_category="standard"), Extra("goodwill", -500, rate=0.19))
    order = shop.check_out(Basket((Item("a-1", 4),), extras, Shipped("parcel")))
    assert cents(order["shippingInfo"]["price"]) == 0
    assert cents(order["totalPrice"]) == 4 * 1999 + 350 - 500
    assert_adds_up(order)


def test_an_order_without_taxes_says_none(shop: CommercetoolsStore) -> None:
    order = shop.check_out(Basket((Item("a-1"),), taxed=False))
    assert "taxedPrice" not in order and "taxRate" not in order["lineItems"][0]
    assert (order["taxMode"], cents(order["totalPrice"])) == ("Disabled", 1999)


def test_a_country_without_a_tax_rate_orders_nothing_and_leaves_no_payment(shop: CommercetoolsStore) -> None:
    with pytest.raises(ApiError, match="No tax rate"):
        shop.check_out(Basket((Item("a-1"),), country="FR"))
    assert (shop.all("orders"), shop.all("payments")) == ([], [])


def test_what_is_not_in_stock_is_neither_ordered_nor_paid(shop: CommercetoolsStore) -> None:
    entry = shop.create("inventory", {"sku": "a-1", "quantityOnStock": 2})
    with pytest.raises(ApiError, match="out of stock"):
        shop.check_out(Basket((Item("a-1", 3),), mode="ReserveOnOrder"))
    assert shop.all("payments") == []
    shop.check_out(Basket((Item("a-1", 2),), mode="ReserveOnOrder"))
    kept = shop.get("inventory", id=entry["id"])
    assert kept is not None and (kept["quantityOnStock"], kept["availableQuantity"]) == (2, 0)


def test_payments_are_resources_that_an_order_shows_when_asked(shop: CommercetoolsStore, api: Api) -> None:
    voucher, card = Pay("gift-card", "vouchers", 500), Pay()
    made = shop.check_out(Basket((Item("a-1"),), payments=(voucher, card), number="W-1"))
    plain = api.get("orders/order-number=W-1")
    assert [set(each) for each in plain["paymentInfo"]["payments"]] == [{"typeId", "id"}] * 2
    for order in (
        api.get(f"orders/{made['id']}", expand="paymentInfo.payments[*]"),
        api.get("orders", where='orderNumber="W-1"', expand="paymentInfo.payments[*]")["results"][0],
    ):
        paid = [each["obj"] for each in order["paymentInfo"]["payments"]]
        assert [each["paymentMethodInfo"]["method"] for each in paid] == ["gift-card", "card"]
        assert [cents(each["transactions"][0]["amount"]) for each in paid] == [500, 1499]
        assert {each["transactions"][0]["state"] for each in paid} == {"Success"}


def test_a_transaction_changes_the_payment_and_not_the_order(shop: CommercetoolsStore, api: Api) -> None:
    unpaid = Pay("invoice", None, transactions=())
    order = shop.check_out(Basket((Item("a-1"),), payments=(unpaid,)))
    payment = api.get(f"payments/{order['paymentInfo']['payments'][0]['id']}")
    charge = {"type": "Charge", "amount": euros(1999)["value"]}
    payment = api.update("payments", payment, {"action": "addTransaction", "transaction": charge})
    (transaction,) = payment["transactions"]
    assert transaction["state"] == "Initial"
    settled = {"action": "changeTransactionState", "transactionId": transaction["id"], "state": "Success"}
    payment = api.update("payments", payment, settled)
    assert payment["transactions"][0]["state"] == "Success"
    assert api.get(f"orders/{order['id']}") == order
    api.update_refused("payments", payment, "InvalidOperation", settled | {"transactionId": "none"})


def test_a_payment_is_added_to_an_order_once_and_taken_off_again(shop: CommercetoolsStore, api: Api) -> None:
    order = shop.check_out(Basket((Item("a-1"),), payments=()))
    assert "paymentInfo" not in order
    payment = api.post("payments", {"amountPlanned": euros(1999)["value"], "key": "p-1"}, 201)
    named = {"payment": {"typeId": "payment", "key": "p-1"}}
    order = api.update("orders", order, {"action": "addPayment", **named}, {"action": "addPayment", **named})
    assert order["paymentInfo"]["payments"] == [{"typeId": "payment", "id": payment["id"]}]
    order = api.update("orders", order, {"action": "removePayment", **named})
    assert "paymentInfo" not in order


def test_the_shipping_method_is_shown_when_asked(shop: CommercetoolsStore, api: Api) -> None:
    order = shop.check_out(Basket((Item("a-1"),), shipped=Shipped("parcel")))
    shown = api.get(f"orders/{order['id']}", expand="shippingInfo.shippingMethod")
    assert shown["shippingInfo"]["shippingMethod"]["obj"]["key"] == "parcel"


def test_orders_are_found_by_number_and_by_when_they_were_placed(shop: CommercetoolsStore, api: Api) -> None:
    first = shop.check_out(Basket((Item("a-1"),), number="W-1"))
    when = first["createdAt"]
    assert api.get("orders", where=f'createdAt >= "{when}"')["count"] == 1
    assert api.get("orders", where=f'createdAt > "{when}"')["count"] == 0
    assert api.get("orders", where='orderNumber in ("W-1", "W-2")')["count"] == 1


def test_whose_order_it_is_stands_in_it(shop: CommercetoolsStore) -> None:
    account = shop.create("customers", {"email": "a@example.com", "authenticationMode": "ExternalAuth"})
    known = shop.check_out(Basket((Item("a-1"),), customer=account["id"]))
    guest = shop.check_out(Basket((Item("a-1"),), email="b@example.com"))
    assert (known["customerId"], known["customerEmail"]) == (account["id"], "a@example.com")
    assert "customerId" not in guest and guest["customerEmail"] == "b@example.com"


def test_a_basket_is_checked_out_from_outside_by_who_may_manage_orders(
    shop: CommercetoolsStore, api: Api
) -> None:
    basket = {"items": [{"sku": "a-1", "quantity": 2}], "shipped": {"method": "parcel"}, "number": "W-7"}
    made = api.client.post(CHECK_OUT, headers=api.headers, json=basket)
    assert made.status_code == 201
    assert api.get("orders/order-number=W-7") == made.json()
    wrong = api.client.post(CHECK_OUT, headers=api.headers, json={"items": "a-1"})
    assert wrong.json()["errors"][0]["code"] == "InvalidJsonInput"
    assert api.client.post(CHECK_OUT, json=basket).status_code == 401


def sale_import(**more: Any) -> Json:
    rate = {"name": "19 %", "amount": 0.19, "includedInPrice": True, "country": "DE"}
    line = {
        "name": {"en": "A"},
        "variant": {"sku": "a-1"},
        "quantity": -1,
        "price": euros(1999),
        "taxRate": rate,
    }
    custom = {
        "name": {"en": "Bag"},
        "slug": "bag-1",
        "quantity": 2,
        "money": euros(50)["value"],
        "taxRate": rate,
    }
    taxes = {
        "totalNet": euros(-1596)["value"],
        "totalGross": euros(-1899)["value"],
        "taxPortions": [{"rate": 0.19, "name": "19 %", "amount": euros(-303)["value"]}],
    }
    return {
        "orderNumber": "POS-1",
        "totalPrice": euros(-1899)["value"],
        "lineItems": [line],
        "customLineItems": [custom],
        "taxedPrice": taxes,
        "completedAt": "2026-11-20T10:00:00+01:00",
        **more,
    }


def test_an_import_takes_negative_quantities_and_fills_in_what_an_order_has(
    shop: CommercetoolsStore, api: Api
) -> None:
    order = api.post("orders/import", sale_import(orderState="Complete", paymentState="Paid"), 201)
    assert [cents(line["totalPrice"]) for line in goods_of(order)] == [-1999, 100]
    assert cents(order["taxedPrice"]["totalTax"]) == -303
    assert order["completedAt"] == "2026-11-20T09:00:00.000Z"
    unknown = sale_import(orderNumber="POS-2")
    unknown["customLineItems"][0]["sku"] = "x"
    api.refused("orders/import", unknown, "InvalidJsonInput")


@pytest.mark.skipif(
    not (DESCRIPTION.is_file() and REQUESTS.is_file()),
    reason="the official API description is not beside the checkout",
)
def test_orders_payments_and_shipping_methods_have_the_shape_of_the_description(
    shop: CommercetoolsStore, api: Api
) -> None:
    shop.validate_requests = RequestValidator(REQUESTS)
    basket = Basket(
        (Item("a-1", 3, groups=((1, 1000),), sold_by="web", channel="warehouse"), Item("b-1", gift=True)),
        (Extra("gift-wrap", 350, tax_category="standard"),),
        Shipped("parcel", discounted=0),
        total_discount=100,
        email="a@example.com",
    )
    order = shop.check_out(basket)
    imported = api.post("orders/import", sale_import(), 201)
    for made in (order, imported):
        check("Order", made)
        assert unknown_fields("Order", made) == set()
        for schema, rows in (("LineItem", made["lineItems"]), ("CustomLineItem", made["customLineItems"])):
            assert all(unknown_fields(schema, row) == set() for row in rows)
    assert unknown_fields("ShippingInfo", order["shippingInfo"]) == set()
    payment = api.get("payments")["results"][0]
    check("Payment", payment)
    assert unknown_fields("Payment", payment) == set()
    check("ShippingMethod", api.get("shipping-methods/key=parcel"))
    refund = {"type": "Refund", "amount": euros(100)["value"], "state": "Success"}
    payment = api.update("payments", payment, {"action": "addTransaction", "transaction": refund})
    reference = {"typeId": "payment", "id": payment["id"]}
    api.update("orders", imported, {"action": "addPayment", "payment": reference})
