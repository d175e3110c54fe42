"""A web order becomes a sale of the till, once: whole runs over HTTP, and both systems compared afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from retail_sync.records.orders import ENTITY
from retail_sync.sync.orders.plan import sale_id
from sandbox.commercetools import Extra, Item, Pay, Shipped
from tests.support.builders.orders import CARD, INVOICE, ORDER_SETTINGS, PAYPAL, VOUCHER, Ordered
from tests.support.order_checks import (
    a_guest,
    a_number,
    articles,
    assert_equal_totals,
    assert_held,
    assert_nothing_left,
    assert_sold,
    cents,
    export,
    levels,
    moved,
    order_writes,
    rest,
    run_later,
    told,
)

WRAP = Extra("gift-wrap", 250, tax_category="standard")


# ------------------------------------------------------------ to the minor unit

BASKETS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "prices with tax": ((("C", 3),), {}),
    "prices without tax": ((("C", 3), ("B", 7)), {"included": False}),
    "taxes rounded by unit": ((("B", 7), ("C", 3)), {"by_unit": True}),
    "taxes rounded by unit, prices without tax": ((("B", 7), ("C", 3)), {"by_unit": True, "included": False}),
    "several rates": ((("A", 2), ("B", 3)), {}),
    "units of a line at several prices": ((Item("C", 4, groups=((1, 999), (2, 1499))),), {}),
    "a discount on the whole": ((("A", 1), ("B", 7), ("C", 1)), {"total_discount": 333}),
    "a discount on the whole, prices without tax": (
        (("A", 1), ("B", 7)),
        {"total_discount": 333, "included": False},
    ),
    "shipping": (("A",), {"shipped": Shipped("parcel")}),
    "shipping that costs nothing": (("A",), {"shipped": Shipped("parcel", discounted=0)}),
    "shipping that costs less": (("A", "B"), {"shipped": Shipped("parcel", discounted=123)}),
    "gift wrapping and a coupon": (
        (("A", 2),),
        {"extras": (WRAP, Extra("coupon", -399, tax_category="standard"))},
    ),
    "a gift": ((Item("A"), Item("B", 2, gift=True)), {}),
    "no taxes": ((("C", 3),), {"taxed": False}),
    "everything at once": (
        (Item("C", 3, groups=((2, 1333), (1, 1999))), ("B", 11), ("A", 2)),
        {"extras": (WRAP,), "shipped": Shipped("express", discounted=777), "total_discount": 1234},
    ),
}


@pytest.mark.parametrize(("bought", "basket"), BASKETS.values(), ids=BASKETS.keys())
def test_an_order_becomes_exactly_one_sale_that_comes_to_the_same(
    busy: Ordered, bought: tuple[Any, ...], basket: dict[str, Any]
) -> None:
    number = a_number()
    order = busy.buy(*bought, number=number, **basket)
    sale = export(busy, order)
    assert (sale["id"], sale["invoice_number"]) == (sale_id(order), number)
    assert told(busy, order) == set()


def test_what_is_no_article_is_sold_as_the_article_the_settings_name(busy: Ordered) -> None:
    extras = (WRAP, Extra("coupon", -399, tax_category="standard"))
    order = busy.buy(("A", 2), "B", extras=extras, shipped=Shipped("parcel"))
    sale = export(busy, order)
    assert articles(busy, sale) == {"A": 2, "B": 1, "GIFT-WRAP": 1, "CUSTOM": 1, "SHIPPING": 1}


def test_each_price_of_a_line_is_a_line_of_the_sale(busy: Ordered) -> None:
    order = busy.buy(Item("A", 3, groups=((2, 500), (1, 1000))))
    sale = export(busy, order)
    lines = [
        (line["quantity"], round(line["pricing"]["price"] + line["tax"]["amount"], 2))
        for line in sale["line_items"]
    ]
    assert lines == [(2, 5), (1, 10)]
    assert [line["pricing"]["discount"] > 0 for line in sale["line_items"]] == [True, False]


def test_a_sale_bears_when_it_was_ordered_and_the_number_of_the_order(busy: Ordered) -> None:
    busy.set(number="register")
    order = busy.buy("A", number="W-17", fields={"createdAt": "2026-01-02T03:04:05.000Z"})
    sale = export(busy, order)
    assert sale["date"].startswith("2026-01-02T03:04:05")
    assert "W-17" in sale["note"]
    assert sale["invoice_number"] not in ("", "W-17")


def test_an_order_without_a_number_is_sold_under_its_id(busy: Ordered) -> None:
    order = busy.buy("A")
    assert export(busy, order)["invoice_number"] == order


# ------------------------------------------------------------ where


def test_lines_two_outlets_serve_are_a_sale_at_each_paid_in_turn(busy: Ordered) -> None:
    before = levels(busy)
    order = busy.buy(
        busy.item("A", 3, "web"),
        busy.item("C", 2, "corner"),
        shipped=Shipped("parcel"),
        payments=(Pay("gift-card", "vouchers", 1000), CARD),
        number=a_number(),
    )
    busy.run()
    sales = {one["source"]["outlet_id"]: one for one in busy.sales(order)}
    north, south = sales[busy.stock.outlet("Nord")], sales[busy.stock.outlet("Süd")]
    assert len(busy.sales(order)) == 2
    assert (north["id"], south["id"]) == (sale_id(order, "Nord"), sale_id(order, "Süd"))
    assert (articles(busy, north), articles(busy, south)) == ({"A": 3, "SHIPPING": 1}, {"C": 2})
    assert_equal_totals(busy, order, north, south)
    assert busy.paid_by(north) == {"Gutschein": 10, "Online bezahlt": Decimal("24.90")}
    assert cents(sum(busy.paid_by(south).values())) == 3998
    (mark,) = busy.marks(order)
    assert set(mark.split(",")) == {north["id"], south["id"]}
    assert moved(before, levels(busy)) == {("A", "Nord"): -3, ("C", "Süd"): -2}
    assert_nothing_left(busy, order)


def test_an_order_that_is_not_to_be_split_is_one_sale(busy: Ordered) -> None:
    busy.set(split="never")
    order = busy.buy(busy.item("A", 1, "web"), busy.item("C", 1, "corner"))
    assert articles(busy, export(busy, order)) == {"A": 1, "C": 1}


def test_an_order_is_sold_at_the_place_the_settings_name_for_its_kind(busy: Ordered) -> None:
    busy.set(places=[{"location": "Süd", "shipping_method": "collect"}])
    export(busy, busy.buy("A", shipped=Shipped("collect")), "Süd")
    export(busy, busy.buy("A", shipped=Shipped("parcel")), "Nord")


# ------------------------------------------------------------ whose


def test_the_sale_is_the_linked_customers(busy: Ordered) -> None:
    kim = busy.add_person("kim@example.com")
    order = busy.buy("A", customer=kim)
    assert export(busy, order)["customer_id"] == busy.people[kim]


def test_an_order_waits_for_its_customer_and_is_theirs_once_they_are_linked(busy: Ordered) -> None:
    kim = busy.add_person("lee@example.com", linked=False)
    order = busy.buy("A", customer=kim)
    busy.run()
    assert_held(busy, order, "customer_unlinked")
    busy.link_person(kim, busy.till.add_customer(first_name="Kim"))
    run_later(busy)
    assert assert_sold(busy, order)["customer_id"] == busy.people[kim]
    assert told(busy, order) == set()


def test_an_order_waits_no_longer_than_the_settings_say_and_then_is_the_guests(shop: Ordered) -> None:
    guest = a_guest(shop)
    shop.set(customers={"guest": "WEB", "wait_hours": 4})
    order = shop.buy("A", customer=shop.add_person("max@example.com", linked=False))
    shop.run()
    assert_held(shop, order, "customer_unlinked")
    run_later(shop)
    assert assert_sold(shop, order)["customer_id"] == guest
    assert told(shop, order) == {"guest_instead"}
    assert_nothing_left(shop, order)


def test_an_order_without_an_account_is_nobodys_or_the_guests(busy: Ordered) -> None:
    assert export(busy, busy.buy("A", email="sam@example.com"))["customer_id"] is None
    guest = a_guest(busy)
    busy.set(customers={"guest": "WEB"})
    assert export(busy, busy.buy("A", email="sam@example.com"))["customer_id"] == guest


def test_an_order_without_an_account_is_whose_e_mail_address_it_bears_where_settings_allow(
    busy: Ordered,
) -> None:
    kim = busy.add_person("ada@example.com")
    busy.set(customers={"by_email": True})
    assert export(busy, busy.buy("A", email="ADA@example.com"))["customer_id"] == busy.people[kim]
    assert export(busy, busy.buy("A", email="sam@example.com"))["customer_id"] is None


# ------------------------------------------------------------ articles the till does not know


def stand_in_sold(shop: Ordered) -> str:
    """An order with two units of an article that is only online; its order is at the till, with the stand-in."""
    shop.add_article("N", "7.77", online_only=True)
    order = shop.buy("A", ("N", 2))
    shop.run()
    sale = assert_sold(shop, order)
    assert articles(shop, sale) == {"A": 1, "STAND-IN": 2}
    assert next(line["note"] for line in sale["line_items"] if line["quantity"] == 2).startswith("N ")
    assert told(shop, order) == {"stand_in_used"}
    return order


def test_a_sku_the_till_does_not_know_is_sold_as_the_stand_in_and_told(shop: Ordered) -> None:
    order = stand_in_sold(shop)
    run_later(shop)
    assert told(shop, order) == {"stand_in_used"}
    assert_nothing_left(shop, order)


def test_an_article_that_is_known_after_all_is_told_and_the_sale_stays(shop: Ordered) -> None:
    order = stand_in_sold(shop)
    shop.add_till_article("N", "7.77")
    shop.learn("N")
    run_later(shop)
    assert told(shop, order) == {"stand_in_known"}
    assert articles(shop, shop.sale(order)) == {"A": 1, "STAND-IN": 2}
    assert_nothing_left(shop, order)


def test_an_article_that_is_known_after_all_takes_the_place_of_the_stand_in_and_its_stock(
    shop: Ordered,
) -> None:
    shop.set(stand_in_later="replace")
    order = stand_in_sold(shop)
    shop.add_till_article("N", "7.77")
    shop.stock.count("N", "Nord", 10)
    shop.learn("N")
    run_later(shop)
    assert articles(shop, assert_sold(shop, order)) == {"A": 1, "N": 2}
    assert shop.level("N") == 8
    assert shop.holds() == []
    assert_nothing_left(shop, order)


def test_without_a_stand_in_an_order_is_held_until_its_article_is_known(shop: Ordered) -> None:
    shop.set(products={**ORDER_SETTINGS["products"], "stand_in": None})
    shop.add_article("N", "7.77", online_only=True)
    order = shop.buy("N")
    shop.run()
    assert_held(shop, order, "article_unknown")
    shop.add_till_article("N", "7.77")
    shop.learn("N")
    run_later(shop)
    assert articles(shop, assert_sold(shop, order)) == {"N": 1}


# ------------------------------------------------------------ what is missing, until it is there

MISSING: dict[str, tuple[str, dict[str, Any]]] = {
    "no article for shipping": ("no_article_for", {"products": {"custom": "CUSTOM"}}),
    "no tax": ("tax_unmapped", {"taxes": []}),
    "no tender": ("tender_unmapped", {"tenders": ORDER_SETTINGS["tenders"][1:]}),
    "no register": ("no_register", {"registers": {"Süd": "Online Süd"}}),
    "no location": ("no_location", {"location": None}),
}


@pytest.mark.parametrize(("code", "settings"), MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_holds_an_order_and_once_it_is_there_the_order_goes_on_by_itself(
    busy: Ordered, code: str, settings: dict[str, Any]
) -> None:
    busy.set(**settings)
    order = busy.buy("A", shipped=Shipped("parcel"))
    busy.run()
    assert_held(busy, order, code)
    busy.set(**{name: ORDER_SETTINGS[name] for name in settings})
    run_later(busy)
    assert_sold(busy, order)
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


def test_a_closed_register_holds_orders_until_it_is_open(busy: Ordered) -> None:
    busy.close_register()
    order = busy.buy("A")
    busy.run()
    assert_held(busy, order, "register_closed")
    busy.close_register(is_open=True)
    run_later(busy)
    assert_sold(busy, order)
    assert told(busy, order) == set()


def test_a_register_that_closes_while_a_run_is_under_way_holds_the_order_and_loses_nothing(
    busy: Ordered,
) -> None:
    order = busy.buy("A")
    busy.run(before_load=busy.close_register)
    assert_held(busy, order, "register_closed")
    busy.close_register(is_open=True)
    run_later(busy)
    assert_sold(busy, order)
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


# ------------------------------------------------------------ money


def test_an_unpaid_order_is_held_and_sold_once_its_payment_moves_alone(busy: Ordered) -> None:
    order = busy.buy("A", payments=(INVOICE,))
    busy.run()
    assert_held(busy, order, "unpaid")
    rest(busy, order)
    version = busy.order(order)["version"]
    busy.pay(order)
    assert busy.order(order)["version"] == version
    export(busy, order)
    assert told(busy, order) == set()


@pytest.mark.parametrize(("policy", "state", "taken"), [("on account", "pending", -1), ("park", "parked", 0)])
def test_an_unpaid_order_is_sold_open_and_closed_once_its_payment_moves_alone(
    busy: Ordered, policy: str, state: str, taken: int
) -> None:
    a_guest(busy)
    busy.set(unpaid=policy, customers={"guest": "WEB"})
    before = levels(busy)
    order = busy.buy("A", payments=(INVOICE,))
    busy.run()
    sale = busy.sale(order)
    assert (sale["state"], busy.paid_by(sale), busy.marks(order)) == (state, {}, [sale["id"]])
    assert moved(before, levels(busy)) == ({("A", "Nord"): taken} if taken else {})
    assert_nothing_left(busy, order)
    rest(busy, order)
    busy.pay(order)
    busy.run()
    assert busy.paid_by(assert_sold(busy, order)) == {"Rechnung": 10}
    assert moved(before, levels(busy)) == {("A", "Nord"): -1}
    assert_nothing_left(busy, order)


def test_what_was_paid_in_part_is_at_the_till_and_the_rest_when_it_comes(busy: Ordered) -> None:
    a_guest(busy)
    busy.set(unpaid="on account", customers={"guest": "WEB"})
    order = busy.buy(("A", 2), payments=(Pay("gift-card", "vouchers", 500), INVOICE))
    busy.run()
    assert busy.sale(order)["state"] == "pending"
    assert busy.paid_by(busy.sale(order)) == {"Gutschein": 5}
    assert_nothing_left(busy, order)
    busy.pay(order, 700)
    busy.run()
    assert busy.sale(order)["state"] == "pending"
    busy.pay(order, 800)
    busy.run()
    assert cents(sum(busy.paid_by(assert_sold(busy, order)).values())) == 2000
    assert_nothing_left(busy, order)


def test_an_order_that_is_paid_in_part_is_held_with_both_figures(busy: Ordered) -> None:
    order = busy.buy(("A", 2), payments=(Pay(amount=1500),))
    busy.run()
    assert_held(busy, order, "unpaid")
    (hold,) = (one for one in busy.holds() if one.source_id == order)
    assert "15.00 EUR" in hold.message and "20.00 EUR" in hold.message
    busy.pay(order)
    export(busy, order)


def test_each_payment_is_a_tender_of_its_kind(busy: Ordered) -> None:
    order = busy.buy(
        ("C", 2), payments=(Pay("gift-card", "vouchers", 1000), Pay("paypal", "paypal", 1200), CARD)
    )
    sale = export(busy, order)
    assert busy.paid_by(sale) == {"Gutschein": 10, "PayPal": 12, "Online bezahlt": Decimal("17.98")}


@pytest.mark.parametrize(
    ("pay", "tender"), [(PAYPAL, "PayPal"), (VOUCHER, "Gutschein"), (CARD, "Online bezahlt")]
)
def test_a_tender_is_named_after_the_way_of_paying(busy: Ordered, pay: Pay, tender: str) -> None:
    assert busy.paid_by(export(busy, busy.buy("A", payments=(pay,)))) == {tender: 10}


def test_an_authorization_is_paid_only_where_the_settings_say_so(busy: Ordered) -> None:
    promised = Pay(transactions=(("Authorization", "Success", None),))
    order = busy.buy("A", payments=(promised,))
    busy.run()
    assert_held(busy, order, "unpaid")
    busy.set(paid_by=["Charge", "Authorization"])
    run_later(busy)
    assert busy.paid_by(assert_sold(busy, order)) == {"Online bezahlt": 10}
    busy.pay(order, 1000)
    assert_nothing_left(busy, order)
    assert told(busy, order) == set()


def test_an_order_that_is_paid_without_a_transaction_is_held_or_paid_as_the_settings_say(
    busy: Ordered,
) -> None:
    order = busy.buy("A", payments=(), fields={"paymentState": "Paid"})
    busy.run()
    assert_held(busy, order, "unpaid")
    busy.set(paid_without="Rechnung")
    run_later(busy)
    assert busy.paid_by(assert_sold(busy, order)) == {"Rechnung": 10}
    assert_nothing_left(busy, order)


def test_an_order_that_is_paid_too_much_is_held_until_the_rest_went_back(busy: Ordered) -> None:
    order = busy.buy("A", payments=(Pay(amount=1500),))
    busy.run()
    assert_held(busy, order, "paid_differs")
    busy.refund(order, 500)
    export(busy, order)
    assert told(busy, order) == set()


def test_a_payment_that_failed_is_no_payment(busy: Ordered) -> None:
    failed = Pay("paypal", "paypal", transactions=(("Charge", "Failure", 1000), ("Charge", "Pending", 1000)))
    order = busy.buy("A", payments=(failed, Pay(amount=1000)))
    assert busy.paid_by(export(busy, order)) == {"Online bezahlt": 10}


def test_an_order_that_costs_nothing_is_sold_without_a_tender(busy: Ordered) -> None:
    sale = export(busy, busy.buy(Item("A", gift=True), payments=()))
    assert busy.paid_by(sale) == {}


def test_an_order_in_other_money_is_held(shop: Ordered) -> None:
    order = shop.buy(Item("A", unit=900), currency="CHF")
    shop.run()
    assert_held(shop, order, "currency_differs")


# ------------------------------------------------------------ what is none of ours


def assert_ignored(shop: Ordered, order: str, why: str) -> None:
    shop.world.forget_requests()
    run = shop.run()
    by_key = shop.run(keys=[order])
    assert run.writes == by_key.writes == 0
    assert by_key.plan.warnings == {f"ignored: {why}": 1}
    assert (shop.sales(order), shop.holds(), shop.sale_writes()) == ([], [], [])


def test_an_order_that_is_cancelled_before_its_export_is_never_sold(shop: Ordered) -> None:
    order = shop.buy("A")
    shop.cancel(order)
    assert_ignored(shop, order, "cancelled before it was exported")
    assert shop.marks(order) == []


def test_an_order_another_hand_marked_is_left_alone(shop: Ordered) -> None:
    order = shop.buy("A")
    shop.stock.mark(order, "theirs")
    assert_ignored(shop, order, "exported already, by another hand")
    assert shop.marks(order) == ["theirs"]


def test_an_order_placed_before_the_export_began_is_never_sold(shop: Ordered) -> None:
    shop.set(since="2026-02-01")
    order = shop.buy("A", fields={"createdAt": "2026-01-31T23:59:59.999Z"})
    assert_ignored(shop, order, "placed before the export began")
    export(shop, shop.buy("A", fields={"createdAt": "2026-02-01T00:00:00.000Z"}))


def test_no_order_is_exported_until_the_settings_say_from_when(shop: Ordered) -> None:
    shop.set(since=None)
    order = shop.buy("A")
    shop.world.forget_requests()
    for run in (shop.run(), shop.run(keys=[order])):
        assert (run.writes, run.accounts.planned, run.accounts.held) == (0, 0, 0)
    assert (shop.sales(order), shop.marks(order), shop.holds(), shop.sale_writes()) == ([], [], [], [])
    shop.set(since="2020-01-01")
    export(shop, order)


def test_an_order_is_sold_once_it_is_in_a_state_that_is_chosen(shop: Ordered) -> None:
    shop.set(states=["Confirmed"], payment_states=["Paid"])
    order = shop.buy("A")
    assert_ignored(shop, order, "not yet: its state is Open")
    shop.tell(order, orderState="Confirmed")
    assert_ignored(shop, order, "not yet: its payment state is empty")
    shop.tell(order, paymentState="Paid")
    export(shop, order)


def test_only_orders_of_the_chosen_stores_are_sold(shop: Ordered) -> None:
    for key in ("de", "at"):
        shop.online.create("stores", {"key": key})
    shop.set(stores=["de"])
    assert_ignored(shop, shop.buy("A", store="at"), "of another store")
    export(shop, shop.buy("A", store="de"))


def test_only_orders_of_the_chosen_channels_are_sold(shop: Ordered) -> None:
    for key in ("app", "site"):
        shop.online.create("channels", {"key": key, "roles": ["ProductDistribution"]})
    shop.set(channels=["app"])
    assert_ignored(shop, shop.buy(Item("A", sold_by="site")), "of another channel")
    export(shop, shop.buy(Item("A", sold_by="app")))


def test_an_order_that_stands_for_a_sale_in_the_shop_is_never_sold(shop: Ordered) -> None:
    order = shop.buy("A", number="POS-17")
    assert_ignored(shop, order, "it stands for an in-store sale")


# ------------------------------------------------------------ runs


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(busy: Ordered) -> None:
    number = a_number()
    order = busy.buy("A", number=number)
    busy.world.forget_requests()
    run = busy.run(dry_run=True)
    assert run.plan.changes == {"lightspeed sell": 1, "commercetools mark": 1}
    assert run.plan.shows[0][:4] == [number, "lightspeed", "sell", "10.00 EUR"]
    assert (run.writes, busy.sales(order), busy.marks(order)) == (0, [], [])
    assert (busy.sale_writes(), order_writes(busy)) == ([], [])
    export(busy, order)


def test_a_run_of_one_number_sells_that_order_and_no_other(busy: Ordered) -> None:
    number = a_number()
    one, other = busy.buy("A", number=a_number()), busy.buy("A", number=number)
    busy.run(keys=[number])
    assert_sold(busy, other)
    assert busy.sales(one) == []
    export(busy, one)


def test_a_run_of_one_number_tries_at_once_what_is_kept_back(busy: Ordered) -> None:
    busy.close_register()
    number = a_number()
    order = busy.buy("A", number=number)
    busy.run()
    assert_held(busy, order, "register_closed")
    busy.close_register(is_open=True)
    assert order not in {hold.source_id for hold in busy.ledger.holds.due(ENTITY, busy.now())}
    busy.run(keys=[number])
    assert_sold(busy, order)
    assert told(busy, order) == set()


def test_an_order_that_can_not_be_read_is_told_and_stops_no_other(shop: Ordered) -> None:
    bad, good = shop.buy("A", number="W-1"), shop.buy("A", number="W-2")
    state = shop.order(bad)["orderState"]
    shop.edit(bad, orderState="Lost")
    shop.run()
    assert_held(shop, bad, "order_unreadable")
    assert_sold(shop, good)
    shop.edit(bad, orderState=state)
    shop.run()
    assert_sold(shop, bad)
    assert shop.holds() == []


def test_many_orders_of_one_run_are_each_sold_once(busy: Ordered) -> None:
    busy.set(batch_size=3)
    before = levels(busy)
    orders = [busy.buy(("A", n), number=a_number()) for n in range(1, 9)]
    busy.run()
    for order in orders:
        assert_sold(busy, order)
    assert moved(before, levels(busy)) == {("A", "Nord"): -36}
    assert_nothing_left(busy)
