"""Web orders: none is missed, each is told to the minor unit or not at all, and marked at the version that was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from retail_sync.commercetools.api.queries import moment
from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.records.errors import (
    ConfigurationFault,
    RecordRejected,
    SyncError,
)
from retail_sync.records.orders import Mark, Order, OrderLine, PriceGroup, Rate, RatePart, Taxed
from retail_sync.records.ports.orders import OrderUpdate, Written
from retail_sync.records.rows import UnreadableRow, read_apart
from sandbox.commercetools.baskets import Basket, Extra, Item, Pay, Shipped
from sandbox.faults import FaultRule
from tests.commercetools.ordered import (
    ONE,
    T0,
    act,
    found,
    ids,
    marking,
    place,
    row_of,
    run,
    selling,
    settings,
    told,
    walked,
)
from tests.commercetools.world import Json, World, rows_of

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return selling()


def paid(world: World, placed: Json, **more: Any) -> None:
    """Moves a payment of the order, and the order not at all."""
    (payment,) = placed["paymentInfo"]["payments"]
    transaction = {
        "type": "Refund",
        "state": "Success",
        "amount": {"currencyCode": "EUR", "centAmount": 1},
        **more,
    }
    world.store.update(
        "payments", [{"action": "addTransaction", "transaction": transaction}], id=payment["id"]
    )


# ---------------------------------------------------------------- what is read


def test_nothing_is_read_before_prepare(world: World) -> None:
    async def use(adapter: CommercetoolsOrders) -> None:
        with pytest.raises(RuntimeError, match="prepare"):
            adapter.to_orders([{"id": "1"}])

    run(world, use, prepared=False)


def test_a_full_read_meets_all_orders_in_whatever_state_by_id(world: World) -> None:
    placed = [place(world, at=T0) for _ in range(5)]
    act(world, placed[1], {"action": "changeOrderState", "orderState": "Cancelled"})
    act(world, placed[2], marking())
    pages = run(world, walked, settings(page_size=2))
    assert ids(pages) == sorted(order["id"] for order in placed)
    assert [page.last for page in pages] == [False, False, False, True]
    assert [page.cursor for page in pages] == [None, None, None, moment(T0 - timedelta(seconds=60))]


def test_an_order_of_this_very_moment_is_read_and_the_cursor_stays_behind(world: World) -> None:
    placed = place(world, at=T0)

    async def use(adapter: CommercetoolsOrders) -> Any:
        window = await adapter.orders.open_window(moment(T0), full=False)
        return window, [page async for page in adapter.orders.walk(window)]

    window, pages = run(world, use)
    assert placed["id"] in ids(pages)
    assert pages[-1].cursor == window.upper == moment(T0 - timedelta(seconds=60))


def test_a_delta_meets_what_changed_in_whatever_state_and_nothing_else(world: World) -> None:
    untouched, cancelled, returned = (place(world, at=T0) for _ in range(3))
    world.store.clock.set(T0 + HOUR)
    act(world, cancelled, {"action": "changeOrderState", "orderState": "Cancelled"})
    item = {"quantity": 1, "lineItemId": returned["lineItems"][0]["id"], "shipmentState": "Returned"}
    act(world, returned, {"action": "addReturnInfo", "items": [item]})
    assert set(ids(run(world, lambda a: walked(a, moment(T0 + HOUR))))) == {cancelled["id"], returned["id"]}
    assert untouched["id"] in ids(run(world, lambda a: walked(a, moment(T0))))


def test_orders_of_one_moment_are_all_read_across_pages_and_after_a_stop(world: World) -> None:
    placed = {place(world, at=T0)["id"] for _ in range(5)}
    world.store.clock.set(T0 + HOUR)
    small = settings(page_size=2)
    pages = run(world, lambda a: walked(a, moment(T0)), small)
    assert ids(pages[:3]) == sorted(placed), "by time and id; then those whose payments moved"
    for number, page in enumerate(pages[:2], start=1):
        rest = run(world, partial(walked, lower=moment(T0), position=page.position), small)
        assert {*ids(pages[:number]), *ids(rest)} == placed and len(ids(rest[:-1])) >= 5 - 2 * number


def test_an_order_whose_payment_alone_moved_is_in_the_delta(world: World) -> None:
    still, moved = place(world, at=T0), place(world, at=T0)
    world.store.clock.set(T0 + HOUR)
    paid(world, moved)
    pages = run(world, lambda a: walked(a, moment(T0 + HOUR / 2)))
    (row,) = rows_of(pages)
    assert row["id"] == moved["id"] != still["id"] and row["version"] == moved["version"]
    assert len(row["paymentInfo"]["payments"][0]["obj"]["transactions"]) == 2
    assert pages[-1].last and pages[-1].cursor == moment(T0 + HOUR - timedelta(seconds=60))


def test_orders_of_many_moved_payments_are_all_found_and_the_position_stays(world: World) -> None:
    placed = [place(world, at=T0) for _ in range(7)]
    world.store.clock.set(T0 + HOUR)
    for order in placed:
        paid(world, order)
    act(world, placed[0], marking())
    pages = run(world, lambda a: walked(a, moment(T0 + HOUR)), settings(page_size=3))
    assert ids(pages[:1]) == [placed[0]["id"]]
    assert set(ids(pages[1:])) == {order["id"] for order in placed}
    assert {page.position for page in pages} == {f"{moment(T0 + HOUR)}|{placed[0]['id']}"}
    resumed = run(world, lambda a: walked(a, moment(T0 + HOUR), pages[0].position), settings(page_size=3))
    assert set(ids(resumed)) == {order["id"] for order in placed}, "a stop among them loses none"


def test_a_payment_that_belongs_to_no_order_is_no_order(world: World) -> None:
    world.store.clock.set(T0)
    amount = {"currencyCode": "EUR", "centAmount": 100}
    world.store.create("payments", {"amountPlanned": amount})
    assert rows_of(run(world, lambda a: walked(a, moment(T0 - HOUR)))) == []


def test_orders_from_before_since_are_never_walked_but_are_found_when_asked_for(world: World) -> None:
    old = place(world, at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC))
    new = place(world, at=datetime(2026, 1, 1, tzinfo=UTC))
    world.store.clock.set(T0)
    for order in (old, new):
        paid(world, order)
        act(world, order, {"action": "changeOrderState", "orderState": "Confirmed"})
    assert ids(run(world, walked)) == [new["id"]]
    assert set(ids(run(world, lambda a: walked(a, moment(T0 - HOUR))))) == {new["id"]}
    assert [row["id"] for row in run(world, lambda a: found(a, old["id"]))] == [old["id"]]


@pytest.mark.parametrize("lower", [None, moment(T0 - HOUR)])
def test_without_since_no_order_is_asked_for(world: World, lower: str | None) -> None:
    place(world, at=T0)
    world.faults.clear_requests()
    (page,) = run(world, lambda a: walked(a, lower), settings({"since": None}))
    assert (page.rows, page.last, page.cursor) == ([], True, moment(T0 - timedelta(seconds=60)))
    assert not world.requests("GET", "/orders") and not world.requests("GET", "/payments")


def test_a_search_finds_orders_by_number_and_by_id_once_each(world: World) -> None:
    one = place(world, Basket((Item("J-1"),), number='O"1'))
    two = place(world)
    place(world, Basket((Item("J-1"),), number="O-3"))
    rows = run(world, lambda a: found(a, 'O"1', two["id"], "O-4"))
    assert {row["id"] for row in rows} == {one["id"], two["id"]} and len(rows) == 2
    assert run(world, lambda a: found(a)) == []


def test_a_number_that_looks_like_an_id_is_found(world: World) -> None:
    number = "11111111-2222-3333-4444-555555555555"
    placed = place(world, Basket((Item("J-1"),), number=number))
    assert [row["id"] for row in run(world, lambda a: found(a, number))] == [placed["id"]]


def test_orders_are_fetched_as_they_are_now(world: World) -> None:
    placed = [place(world) for _ in range(3)]
    act(world, placed[0], {"action": "changeOrderState", "orderState": "Complete"})

    async def use(adapter: CommercetoolsOrders) -> dict[str, str]:
        pages = adapter.fetch([order["id"] for order in placed[:2]])
        return {row["id"]: row["orderState"] async for page in pages for row in page.rows}

    assert run(world, use) == {placed[0]["id"]: "Complete", placed[1]["id"]: "Open"}


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_the_text_of_an_error_tells_nothing_of_what_was_answered(world: World, status: int) -> None:
    body = {
        "statusCode": status,
        "message": "ada@private.example",
        "errors": [{"code": "X", "message": "ada@"}],
    }
    rule = FaultRule(match="/orders", kind="status", status=status, body=body, times=None)
    world.faults.add(rule)
    with pytest.raises(SyncError) as fault:
        run(world, walked)
    assert str(status) in fault.value.message
    assert "ada@" not in repr(vars(fault.value)) + repr(world.sink.exchanges)


# ---------------------------------------------------------------- documents


def test_an_order_is_told_with_all_that_was_ordered_and_paid(world: World) -> None:
    (customer,) = [
        world.store.create("customers", {"email": "a@shop.example", "authenticationMode": "ExternalAuth"})
    ]
    account = customer.get("customer", customer)["id"]
    basket = Basket(
        items=(Item("J-1", 2, channel="berlin", sold_by="eu"), Item("T-1", 1, channel="depot", sold_by="eu")),
        extras=(Extra("gift-wrap", 250, name="Gift wrapping", rate=0.07),),
        shipped=Shipped("dhl"),
        customer=account,
        number="O-1",
        store="city",
    )
    placed = place(world, basket, T0)
    order = told(world, placed)
    vat = Rate(share=Decimal("0.19"), name="VAT", country="DE", included=True)
    jacket, shirt, wrap, parcel = order.lines
    assert jacket == OrderLine(
        id=placed["lineItems"][0]["id"],
        kind="article",
        sku="J-1",
        variant=f"{placed['lineItems'][0]['productId']}:1",
        name="Jacket",
        quantity=2,
        unit=1999,
        total=3998,
        rate=vat,
        taxed=Taxed(net=3360, gross=3998),
        channel="berlin",
    )
    assert (shirt.sku, shirt.channel, shirt.total) == ("T-1", "depot", 500)
    assert wrap == OrderLine(
        id=placed["customLineItems"][0]["id"],
        kind="custom",
        slug="gift-wrap",
        name="Gift wrapping",
        unit=250,
        total=250,
        rate=Rate(share=Decimal("0.07"), name="7 %", country="DE", included=True),
        taxed=Taxed(net=234, gross=250),
    )
    assert parcel == OrderLine(
        id="shipping",
        kind="shipping",
        slug="dhl",
        name="DHL parcel",
        unit=490,
        total=490,
        rate=vat,
        taxed=Taxed(net=412, gross=490),
    )
    assert order.model_dump(exclude={"lines", "payments", "portions"}) == {
        "id": placed["id"],
        "version": placed["version"],
        "number": "O-1",
        "placed_at": T0,
        "modified_at": T0,
        "origin": "customer",
        "currency": "EUR",
        "digits": 2,
        "grain": 1,
        "state": "open",
        "payment_state": None,
        "shipment_state": None,
        "store": "city",
        "country": "DE",
        "channel": "eu",
        "shipping_method": "dhl",
        "customer_id": account,
        "email_tokens": (),
        "total": 5238,
        "taxed": {"net": order.total - sum(one.tax for one in order.portions), "gross": 5238},
        "total_discount": 0,
        "discount_taxed": None,
        "shipping_taxed": {"net": 412, "gross": 490},
        "returns": (),
        "marks": (),
    }
    assert [(one.rate, one.name, one.tax) for one in order.portions] == [
        (Decimal("0.19"), "VAT", (3998 - 3360) + (500 - 420) + (490 - 412)),
        (Decimal("0.07"), "7 %", 16),
    ]
    (payment,) = order.payments
    assert (payment.method, payment.interface) == ("card", "psp")
    assert [(one.type, one.state, one.amount, one.at) for one in payment.transactions] == [
        ("charge", "success", 5238, T0)
    ]


def test_units_of_several_prices_are_groups_and_units_of_one_price_are_none(world: World) -> None:
    mixed = Item("J-1", 3, groups=((1, 1000), (1, 1500)))
    alike = Item("T-1", 2, groups=((2, 400),))
    order = told(world, place(world, Basket((mixed, alike))))
    assert order.lines[0].groups == (
        PriceGroup(quantity=1, unit=1000),
        PriceGroup(quantity=1, unit=1500),
        PriceGroup(quantity=1, unit=1999),
    )
    assert (order.lines[0].unit, order.lines[0].total) == (1999, 4499)
    assert (order.lines[1].groups, order.lines[1].unit, order.lines[1].total) == ((), 500, 800)


def test_groups_that_do_not_cover_the_line_are_not_used(world: World) -> None:
    row = row_of(world, place(world, Basket((Item("J-1", 3, groups=((1, 1000), (1, 1500))),))))
    row["lineItems"][0]["discountedPricePerQuantity"].pop()
    assert of(world, row).lines[0].groups == ()
    assert of(world, row).lines[0].total == 4499


def test_a_gift_is_a_line_that_costs_nothing(world: World) -> None:
    order = told(world, place(world, Basket((Item("J-1"), Item("T-1", gift=True)))))
    assert [(one.sku, one.unit, one.total) for one in order.lines] == [("J-1", 1999, 1999), ("T-1", 500, 0)]
    assert order.lines[1].taxed == Taxed(net=0, gross=0) and order.total == 1999


def test_a_custom_line_may_be_negative_and_come_more_than_once(world: World) -> None:
    order = told(
        world, place(world, Basket((Item("J-1"),), (Extra("voucher", -150, quantity=2, rate=0.19),)))
    )
    line = order.lines[1]
    assert (line.quantity, line.unit, line.total, order.total) == (2, -150, -300, 1699)
    assert line.taxed == Taxed(net=-252, gross=-300)


@pytest.mark.parametrize("discounted", [0, 190])
def test_shipping_costs_what_it_does_after_discounts(world: World, discounted: int) -> None:
    order = told(world, place(world, Basket((Item("J-1"),), shipped=Shipped("dhl", discounted=discounted))))
    line = order.lines[-1]
    assert (line.unit, line.total) == (490, discounted)
    assert line.taxed is not None and line.taxed.gross == discounted
    assert order.total == 1999 + discounted


def test_a_shipping_method_without_a_key_is_known_by_its_name(world: World) -> None:
    order = told(
        world, place(world, Basket((Item("J-1"),), shipped=Shipped(name="Bike", price=300, rate=0.19)))
    )
    assert order.shipping_method == order.lines[-1].slug == order.lines[-1].name == "Bike"


def test_an_order_that_is_not_shipped_has_no_shipping(world: World) -> None:
    order = told(world, place(world))
    assert order.shipping_method is None and [one.kind for one in order.lines] == ["article"]


def several(world: World, *shipments: tuple[str | None, str, int]) -> Json:
    """An order of several shipments (`shippingMode` Multiple): (key, country, price)."""
    placed = place(world, Basket((Item("J-1"),), shipped=Shipped("dhl")))
    row = row_of(world, placed)
    info = row.pop("shippingInfo")
    row.pop("country")
    row.pop("shippingAddress")
    row["shipping"] = [
        {
            **({"shippingKey": key} if key else {}),
            "shippingAddress": {"country": country},
            "shippingInfo": {**deepcopy(info), "price": eur(price)},
        }
        for key, country, price in shipments
    ]
    return row


def test_several_shipments_are_a_line_each_known_by_their_keys(world: World) -> None:
    order = of(world, several(world, ("home", "DE", 490), (None, "DE", 590)))
    assert [(one.id, one.slug, one.total) for one in order.lines[1:]] == [
        ("shipping-home", "dhl", 490),
        ("shipping-2", "dhl", 590),
    ]
    assert (order.shipping_method, order.country) == ("dhl", "DE")


def test_an_order_that_goes_to_several_countries_is_of_none(world: World) -> None:
    assert of(world, several(world, ("home", "DE", 490), ("work", "AT", 490))).country is None


def test_several_shipments_are_read_with_the_key_of_their_method(world: World) -> None:
    placed = place(world, Basket((Item("J-1"),), shipped=Shipped("dhl")))
    shipping = {
        "shippingKey": "home",
        "shippingInfo": placed["shippingInfo"],
        "shippingAddress": {"country": "DE", "streetName": "Geheimweg"},
    }
    stored = {name: value for name, value in placed.items() if name != "shippingInfo"}
    again = {**stored, "id": world.store.new_id(), "shippingMode": "Multiple", "shipping": [shipping]}
    order = told(world, world.store.insert("orders", again))
    assert [(one.id, one.slug) for one in order.lines[1:]] == [("shipping-home", "dhl")]


def by_method(world: World, *ways: tuple[str, int, float]) -> Json:
    """The row of an order whose only line goes by several shipping methods: (key, units, share of the tax)."""
    row = several(world, *((key, "DE", 490) for key, _, _ in ways))
    (line,) = row["lineItems"]
    unit = line["price"]["value"]["centAmount"]
    rate = {key: {**line["taxRate"], "amount": share, "name": f"{share}"} for key, _, share in ways}
    gross = {key: units * unit for key, units, _ in ways}
    del line["taxRate"], line["taxedPrice"]
    line |= {
        "quantity": sum(units for _, units, _ in ways),
        "totalPrice": eur(sum(gross.values())),
        "perMethodTaxRate": [{"shippingMethodKey": key, "taxRate": rate[key]} for key, _, _ in ways],
        "taxedPricePortions": [
            {
                "shippingMethodKey": key,
                "taxedPrice": {"totalNet": eur(gross[key] - 100), "totalGross": eur(gross[key])},
            }
            for key, _, _ in ways
        ],
        "shippingDetails": {
            "targets": [
                {"addressKey": "private", "quantity": units, "shippingMethodKey": key}
                for key, units, _ in ways
            ]
        },
    }
    return row


def test_a_line_that_goes_by_several_methods_of_one_rate_is_one_line_with_that_rate(world: World) -> None:
    order = of(world, by_method(world, ("std", 1, 0.19), ("exp", 1, 0.19)))
    line = order.lines[0]
    assert line.rate is not None and (line.quantity, line.rate.share) == (2, Decimal("0.19"))
    assert line.taxed == Taxed(net=2 * 1999 - 200, gross=2 * 1999)


def test_a_line_that_goes_by_several_methods_of_other_rates_is_a_line_for_each_rate(world: World) -> None:
    order = of(world, by_method(world, ("home", 1, 0.19), ("work", 2, 0.2)))
    first, second = (one for one in order.lines if one.kind == "article")
    assert first.id == second.id
    assert first.rate is not None and second.rate is not None
    assert [(one.quantity, one.total, one.taxed) for one in (first, second)] == [
        (1, 1999, Taxed(net=1899, gross=1999)),
        (2, 3998, Taxed(net=3898, gross=3998)),
    ]
    assert (first.rate.share, second.rate.share) == (Decimal("0.19"), Decimal("0.2"))


@pytest.mark.parametrize("missing", ["taxedPricePortions", "shippingDetails"])
def test_a_line_of_several_rates_that_does_not_divide_is_no_order_to_be_sold(
    world: World, missing: str
) -> None:
    row = by_method(world, ("home", 1, 0.19), ("work", 2, 0.2))
    del row["lineItems"][0][missing]

    async def use(adapter: CommercetoolsOrders) -> Any:
        return read_apart([row], adapter.to_orders)

    _, (held,) = run(world, use)
    assert "several rates" in held.why


def test_the_parts_of_a_rate_and_what_a_discount_is_with_tax_are_read(world: World) -> None:
    row = row_of(world, place(world, Basket((Item("J-1"), Item("T-1")), total_discount=499)))
    row["lineItems"][0]["taxRate"]["subRates"] = [
        {"name": "State", "amount": 0.15},
        {"name": "City", "amount": 0.04},
    ]
    order = of(world, row)
    rate = order.lines[0].rate
    assert rate is not None
    assert rate.parts == (
        RatePart(share=Decimal("0.15"), name="State"),
        RatePart(share=Decimal("0.04"), name="City"),
    )
    assert order.discount_taxed is not None and order.discount_taxed.gross == 499


def test_what_was_taken_off_the_whole_order_is_in_no_line(world: World) -> None:
    order = told(world, place(world, Basket((Item("J-1"), Item("T-1")), total_discount=499)))
    assert [one.total for one in order.lines] == [1999, 500]
    assert (order.total_discount, order.total, order.gross) == (499, 2000, 2000)


def test_prices_without_their_tax_say_so(world: World) -> None:
    order = told(world, place(world, Basket((Item("J-1"),), included=False)))
    rate = order.lines[0].rate
    assert rate is not None and not rate.included
    assert (order.total, order.taxed, order.gross) == (1999, Taxed(net=1999, gross=2379), 2379)


def test_an_order_without_taxes_says_nothing_of_them(world: World) -> None:
    order = told(world, place(world, Basket((Item("J-1"),), taxed=False)))
    assert order.taxed is None and order.portions == () and order.gross == 1999
    assert order.lines[0].rate is None and order.lines[0].taxed is None


def test_of_money_with_more_digits_the_rounded_amount_counts(world: World) -> None:
    row = row_of(world, place(world))
    row["lineItems"][0]["price"]["value"] = {
        "type": "highPrecision",
        "currencyCode": "EUR",
        "centAmount": 2000,
        "preciseAmount": 1999500,
        "fractionDigits": 5,
    }
    order = of(world, row)
    assert (order.lines[0].unit, order.digits) == (2000, 2)


def test_a_currency_without_fractions_says_so(world: World) -> None:
    basket = Basket((Item("J-1", unit=1200),), currency="JPY")
    order = told(world, place(world, basket))
    assert (order.currency, order.digits, order.total) == ("JPY", 0, 1200)


def test_tax_shares_are_exact(world: World) -> None:
    order = told(world, place(world, Basket((Item("J-1", rate=0.055),))))
    rate = order.lines[0].rate
    assert rate is not None and str(rate.share) == "0.055" and str(order.portions[0].rate) == "0.055"


def test_names_are_those_of_the_tills_language_where_there_is_one(world: World) -> None:
    row = row_of(world, place(world))
    for names, expected in (
        ({"de-DE": "Jacke", "en-GB": "Jacket"}, "Jacket"),
        ({"de-DE": "Jacke"}, "Jacke"),
        ({"en-GB": "", "de-DE": "Jacke"}, "Jacke"),
        ({}, ""),
    ):
        row["lineItems"][0]["name"] = names
        assert of(world, row).lines[0].name == expected


@pytest.mark.parametrize(
    ("first", "second", "seller"), [("eu", None, None), ("web", "eu", None), ("eu", "eu", "eu")]
)
def test_the_seller_is_the_channel_all_lines_agree_on(
    world: World, first: str | None, second: str | None, seller: str | None
) -> None:
    basket = Basket((Item("J-1", sold_by=first), Item("T-1", sold_by=second)))
    assert told(world, place(world, basket)).channel == seller


def test_a_channel_that_is_gone_is_named_by_its_id(world: World) -> None:
    row = row_of(world, place(world, Basket((Item("J-1", channel="berlin"),))))
    row["lineItems"][0]["supplyChannel"]["id"] = "gone"
    assert of(world, row).lines[0].channel == "?gone"


def test_the_country_is_the_orders_before_that_of_its_address(world: World) -> None:
    row = row_of(world, place(world, Basket((Item("J-1"),), address={"country": "AT"})))
    assert of(world, row).country == "DE"
    row.pop("country")
    assert of(world, row).country == "AT"


def test_an_order_by_a_merchant_says_so_and_any_other_is_a_customers(world: World) -> None:
    row = row_of(world, place(world))
    for origin, expected in (("Merchant", "merchant"), ("Quote", "customer"), ("RecurringOrder", "customer")):
        assert of(world, {**row, "origin": origin}).origin == expected


def test_states_are_told_as_the_shop_names_them(world: World) -> None:
    placed = place(world)
    act(
        world,
        placed,
        {"action": "changeOrderState", "orderState": "Confirmed"},
        {"action": "changePaymentState", "paymentState": "BalanceDue"},
        {"action": "changeShipmentState", "shipmentState": "Partial"},
    )
    order = told(world, placed)
    assert (order.state, order.payment_state, order.shipment_state) == ("confirmed", "BalanceDue", "Partial")


def test_every_movement_of_money_is_told(world: World) -> None:
    moved = (
        ("Authorization", "Success", None),
        ("CancelAuthorization", "Initial", 10),
        ("Charge", "Pending", 20),
        ("Refund", "Failure", 30),
        ("Chargeback", "Success", 40),
    )
    order = told(
        world, place(world, Basket((Item("J-1"),), payments=(Pay("voucher", None, None, moved), Pay())))
    )
    first, second = order.payments
    assert [(one.type, one.state, one.amount) for one in first.transactions] == [
        ("authorization", "success", 1999),
        ("cancel_authorization", "initial", 10),
        ("charge", "pending", 20),
        ("refund", "failure", 30),
        ("chargeback", "success", 40),
    ]
    assert (first.method, first.interface) == ("voucher", None) and second.transactions == ()


def test_returns_are_told_item_by_item_with_goods_and_money(world: World) -> None:
    placed = place(world, Basket((Item("J-1", 3),), (Extra("wrap", 100, rate=0.19),)), T0)
    line, extra = placed["lineItems"][0]["id"], placed["customLineItems"][0]["id"]
    act(
        world,
        placed,
        {
            "action": "addReturnInfo",
            "returnDate": "2026-03-02T00:00:00.000Z",
            "items": [{"quantity": 2, "lineItemId": line, "shipmentState": "Advised"}],
        },
        {
            "action": "addReturnInfo",
            "items": [{"quantity": 1, "customLineItemId": extra, "shipmentState": "Returned"}],
        },
    )
    returned = told(world, placed).returns
    assert [(one.line, one.quantity, one.goods, one.money) for one in returned] == [
        (line, 2, "advised", "none"),
        (extra, 1, "returned", "initial"),
    ]
    assert [one.at for one in returned] == [datetime(2026, 3, 2, tzinfo=UTC), T0]
    item = returned[1].id
    act(
        world,
        placed,
        {"action": "setReturnShipmentState", "returnItemId": item, "shipmentState": "Unusable"},
        {"action": "setReturnPaymentState", "returnItemId": item, "paymentState": "Refunded"},
    )
    assert [(one.goods, one.money) for one in told(world, placed).returns][1] == ("unusable", "refunded")


def test_only_marks_of_our_channel_count(world: World) -> None:
    placed = place(world)
    at = "2026-03-01T10:00:00.000Z"
    act(world, placed, marking("erp", externalId="E-1"), marking(externalId="LS-1", syncedAt=at))
    expected = Mark(external_id="LS-1", at=datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert told(world, placed).marks == (expected,)
    assert told(world, placed, settings(export_channel="erp")).marks[0].external_id == "E-1"
    assert told(world, placed, settings(export_channel="nobodys")).marks == ()


# ---------------------------------------------------------------- what can't be told is told as such


def of(world: World, row: Json) -> Order:
    """The document of a row as it left the reader."""

    async def use(adapter: CommercetoolsOrders) -> Order:
        (order,) = adapter.to_orders([row])
        return order

    return run(world, use)


def eur(cents: Any, currency: str = "EUR") -> Json:
    return {"type": "centPrecision", "currencyCode": currency, "centAmount": cents, "fractionDigits": 2}


def _line(row: Json) -> Json:
    line: Json = row["lineItems"][0]
    return line


def _transaction(row: Json) -> Json:
    found: Json = row["paymentInfo"]["payments"][0]["obj"]["transactions"][0]
    return found


def _return(**more: Any) -> list[Json]:
    item = {
        "id": "r",
        "lineItemId": "l",
        "quantity": 1,
        "shipmentState": "Advised",
        "paymentState": "Initial",
    }
    return [{"items": [{**item, **more}]}]


BAD: dict[str, tuple[Callable[[Json], Any], str]] = {
    "another currency in a line": (lambda r: _line(r).update(totalPrice=eur(1, "GBP")), "several currencies"),
    "another currency of a payment": (
        lambda r: _transaction(r).update(amount=eur(1, "GBP")),
        "several currencies",
    ),
    "a payment that is not shown": (lambda r: r["paymentInfo"]["payments"][0].pop("obj"), "view_payments"),
    "an unknown state": (lambda r: r.update(orderState="Frozen"), "orderState is none of Open"),
    "an unknown movement": (
        lambda r: _transaction(r).update(type="Gift"),
        "type is none of Authorization",
    ),
    "an unknown progress": (
        lambda r: _transaction(r).update(state="Odd"),
        "state is none of Initial",
    ),
    "unknown goods": (
        lambda r: r.update(returnInfo=_return(shipmentState="Lost")),
        "shipmentState of a return",
    ),
    "unknown money": (
        lambda r: r.update(returnInfo=_return(paymentState="Owed")),
        "paymentState of a return",
    ),
    "a return of nothing": (lambda r: r.update(returnInfo=_return(lineItemId=None)), "a return of no line"),
    "parts of a cent": (
        lambda r: _line(r).update(totalPrice=eur(Decimal("10.5"))),
        "centAmount is not a whole",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_can_not_be_told_exactly_is_left_out_and_the_others_are_not(
    world: World, case: str
) -> None:
    spoil, why = BAD[case]
    good, bad = row_of(world, place(world)), row_of(world, place(world, Basket((Item("J-1"),), number="O-2")))
    spoil(bad)

    async def use(adapter: CommercetoolsOrders) -> tuple[list[Order], list[UnreadableRow]]:
        return read_apart([bad, good], adapter.to_orders)

    orders, (held,) = run(world, use)
    assert [order.id for order in orders] == [good["id"]]
    assert (held.id, held.label) == (bad["id"], "O-2")
    assert why in str(held)


def test_a_row_without_an_id_is_told_too(world: World) -> None:
    async def use(adapter: CommercetoolsOrders) -> None:
        found, (held,) = read_apart([{"orderNumber": "O-1"}], adapter.to_orders)
        assert (found, held.id, held.label) == ([], "", "O-1")

    run(world, use)


# ---------------------------------------------------------------- marks and states


def update(world: World, placed: Json, config: Any = None, **more: Any) -> Written:
    wanted = OrderUpdate("c-1", placed["id"], more.pop("version", placed["version"]), **more)
    return run(world, lambda adapter: adapter.update(wanted), config, writing=True)


def test_mark_and_states_are_written_at_once(world: World) -> None:
    placed = place(world, at=T0)
    world.faults.clear_requests()
    at = datetime(2026, 3, 1, 11, tzinfo=UTC)
    written = update(
        world, placed, external_id="LS-1", marked_at=at, state="Complete", shipment_state="Delivered"
    )
    (request,) = world.requests("POST", f"/orders/{placed['id']}")
    assert json.loads(request.body) == {
        "version": placed["version"],
        "actions": [
            {
                "action": "updateSyncInfo",
                "channel": {"typeId": "channel", "key": "lightspeed"},
                "externalId": "LS-1",
                "syncedAt": "2026-03-01T11:00:00.000Z",
            },
            {"action": "changeOrderState", "orderState": "Complete"},
            {"action": "changeShipmentState", "shipmentState": "Delivered"},
        ],
    }
    order = told(world, placed)
    assert (written.id, written.version) == (order.id, order.version) and len(written.exchange_ids) == 1
    assert order.marks == (Mark(external_id="LS-1", at=at),)
    assert (order.state, order.shipment_state) == ("complete", "Delivered")


def test_what_is_not_given_stays(world: World) -> None:
    placed = place(world)
    update(world, placed, shipment_state="Shipped")
    order = told(world, placed)
    assert (order.state, order.shipment_state, order.marks) == ("open", "Shipped", ())


@pytest.mark.parametrize("appends", [True, False])
def test_an_order_that_is_marked_twice_tells_the_latest_whichever_way_the_api_keeps_marks(
    world: World, appends: bool
) -> None:
    world.store.sync_info_appends = appends
    placed = place(world, at=T0)
    first = update(world, placed, external_id="LS-1", marked_at=T0)
    update(world, placed, version=first.version, external_id="LS-1 LS-2", marked_at=T0 + HOUR)
    marks = told(world, placed).marks
    assert len(marks) == (2 if appends else 1)
    assert max(marks, key=lambda one: one.at or T0).external_id == "LS-1 LS-2"


def test_a_state_the_shop_does_not_have_is_refused(world: World) -> None:
    with pytest.raises(RecordRejected):
        update(world, place(world), shipment_state="Teleported")


def test_the_audit_trail_tells_what_was_done_and_nobody_whom_it_was_about(world: World) -> None:
    placed = place(world, Basket((Item("J-1"),), email="ada@private.example"))
    update(world, placed, external_id="LS-1", state="Confirmed")
    (exchange,) = [one for one in world.sink.exchanges if one.method == "POST" and "/orders/" in one.url]
    assert exchange.context["change"] == "c-1"
    assert '"action":"updateSyncInfo"' in (exchange.request_body or "")
    assert not any(word in repr(exchange) for word in ("ada@private", "Mustermann", "Heidestra"))


# ---------------------------------------------------------------- the channel of marks


async def _nothing(adapter: CommercetoolsOrders) -> None:
    return None


@pytest.mark.parametrize("key", ["nobodys", "berlin"])
def test_orders_are_written_only_with_a_channel_that_may_mark_them(world: World, key: str) -> None:
    config = settings(export_channel=key)
    run(world, _nothing, config)
    with pytest.raises(ConfigurationFault, match=key) as fault:
        run(world, _nothing, config, writing=True)
    assert "OrderExport" in (fault.value.remedy or "") and "inventory.export_channel" in (
        fault.value.remedy or ""
    )


def test_where_nothing_is_exported_no_channel_of_marks_is_needed(world: World) -> None:
    run(world, _nothing, settings({"since": None}, export_channel="nobodys"), writing=True)


def test_an_order_is_marked_when_it_is_read_again(world: World) -> None:
    """Its own mark brings an order back in the next delta; the reader shows the mark, so that it is known."""
    placed = place(world, ONE, T0)
    world.store.clock.set(T0 + HOUR)
    update(world, placed, external_id="LS-1")
    (row,) = rows_of(run(world, lambda a: walked(a, moment(T0 + HOUR))))
    assert [one.external_id for one in of(world, row).marks] == ["LS-1"]
