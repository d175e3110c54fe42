"""What becomes of an order after its sale - paid back, cancelled, sent back, handed over - and what goes wrong while a
run writes: whole runs over HTTP, and both systems compared afterwards."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.errors import TransientError
from sandbox.commercetools import Extra, Item, Pay, Shipped
from tests.support.builders.orders import CARD, INVOICE, ORDER_SETTINGS, Ordered
from tests.support.network import Meddled
from tests.support.order_checks import (
    a_guest,
    a_number,
    articles,
    assert_held,
    assert_nothing_left,
    assert_sold,
    cents,
    levels,
    money_at_till,
    moved,
    order_writes,
    rest,
    returns_of,
    run_later,
    told,
)

WRAP = Extra("gift-wrap", 250, tax_category="standard")


def sold(shop: Ordered, *bought: Any, **basket: Any) -> str:
    order = shop.buy(*bought, number=a_number(), **basket)
    shop.run()
    assert_sold(shop, order)
    return order


def assert_came_back(shop: Ordered, order: str, *amounts: int) -> None:
    """These amounts came back, one return each, paid back in full; the till has of the money what the shop has."""
    found = returns_of(shop, order)
    assert [cents(one["totals"]["price_incl_tax"]) for one in found] == [-amount for amount in amounts]
    assert [cents(sum(shop.paid_by(one).values())) for one in found] == [-amount for amount in amounts]
    assert {one["state"] for one in found} == {"closed"}
    assert money_at_till(shop, order) == shop.charged(order)
    assert told(shop, order) == set()
    assert_nothing_left(shop, order)


# ------------------------------------------------------------ cancelled


def test_a_cancelled_order_is_voided_and_its_stock_comes_back(busy: Ordered) -> None:
    before = levels(busy)
    order = sold(busy, ("A", 3), "B")
    busy.cancel(order)
    busy.refund(order, busy.gross(order))
    busy.run()
    assert busy.sale(order)["state"] == "voided"
    assert (moved(before, levels(busy)), money_at_till(busy, order), told(busy, order)) == ({}, 0, set())
    assert_nothing_left(busy, order)


def test_a_cancelled_order_of_two_outlets_is_voided_at_both(busy: Ordered) -> None:
    before = levels(busy)
    order = busy.buy(busy.item("A", 1, "web"), busy.item("C", 1, "corner"))
    busy.run()
    busy.cancel(order)
    busy.run()
    assert [one["state"] for one in busy.sales(order)] == ["voided", "voided"]
    assert moved(before, levels(busy)) == {}
    assert_nothing_left(busy, order)


def test_a_cancelled_order_comes_back_as_a_return_where_the_settings_say_so(busy: Ordered) -> None:
    busy.set(cancelled="return")
    before = levels(busy)
    order = sold(busy, ("A", 2), "C", shipped=Shipped("parcel"))
    busy.cancel(order)
    busy.refund(order, busy.gross(order))
    busy.run()
    assert_came_back(busy, order, 2 * 1000 + 1999 + 490)
    assert moved(before, levels(busy)) == {}


def test_a_cancelled_order_is_told_where_the_settings_say_so_until_somebody_voids_it(busy: Ordered) -> None:
    busy.set(cancelled="report")
    order = sold(busy, "A")
    busy.cancel(order)
    busy.run()
    assert busy.sale(order)["state"] == "closed"
    assert told(busy, order) == {"cancelled_after_export"}
    assert_nothing_left(busy, order)
    busy.till.void_sale(busy.sale(order)["id"])
    busy.run()
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


def test_what_came_back_of_a_cancelled_order_does_not_come_back_twice(busy: Ordered) -> None:
    before = levels(busy)
    order = sold(busy, ("A", 3))
    busy.send_back(order, "A")
    busy.refund(order, 1000)
    busy.run()
    busy.cancel(order)
    busy.refund(order, 2000)
    busy.run()
    assert_came_back(busy, order, 1000, 2000)
    assert moved(before, levels(busy)) == {}


def test_an_open_sale_of_a_cancelled_order_is_voided(busy: Ordered) -> None:
    busy.set(unpaid="park")
    order = busy.buy("A", payments=(INVOICE,))
    busy.run()
    busy.cancel(order)
    busy.run()
    assert busy.sale(order)["state"] == "voided"
    assert_nothing_left(busy, order)


def test_a_hold_ends_when_its_order_is_cancelled(busy: Ordered) -> None:
    order = busy.buy("A", payments=(INVOICE,))
    busy.run()
    assert told(busy, order) == {"unpaid"}
    busy.cancel(order)
    busy.run()
    assert (busy.sales(order), told(busy, order)) == ([], set())


# ------------------------------------------------------------ goods come back


def test_part_of_a_line_comes_back_into_stock_with_its_money(busy: Ordered) -> None:
    before = levels(busy)
    order = sold(busy, ("C", 3), "B")
    busy.send_back(order, "C", 2)
    busy.refund(order, 2 * 1999)
    busy.run()
    assert_came_back(busy, order, 2 * 1999)
    (back,) = returns_of(busy, order)
    assert articles(busy, back) == {"C": -2}
    assert back["return"]["original_sale_id"] in {one["id"] for one in busy.sales(order)}
    assert moved(before, levels(busy)) == {("C", "Nord"): -1, ("B", "Nord"): -1}


def test_units_that_come_back_one_after_the_other_come_to_the_whole_line(busy: Ordered) -> None:
    before = levels(busy)
    order = sold(busy, ("B", 3), total_discount=100)
    whole = busy.gross(order)
    for _ in range(3):
        busy.send_back(order, "B")
        busy.run()
    paid_back = [-cents(sum(busy.paid_by(one).values())) for one in returns_of(busy, order)]
    assert (paid_back, sum(paid_back)) == ([300, 299, 300], whole)
    busy.refund(order, whole)
    busy.run()
    assert (len(returns_of(busy, order)), money_at_till(busy, order), told(busy, order)) == (3, 0, set())
    assert_nothing_left(busy, order)
    assert moved(before, levels(busy)) == {}


def test_units_at_several_prices_come_back_at_the_prices_they_were_sold_at(busy: Ordered) -> None:
    order = sold(busy, Item("C", 3, groups=((2, 1501), (1, 1000))))
    busy.send_back(order, "C", 3)
    busy.refund(order, 2 * 1501 + 1000)
    busy.run()
    assert_came_back(busy, order, 2 * 1501 + 1000)


def test_goods_of_an_order_of_two_outlets_come_back_where_they_were_sold(busy: Ordered) -> None:
    before = levels(busy)
    order = busy.buy(busy.item("A", 2, "web"), busy.item("C", 2, "corner"), number=a_number())
    busy.run()
    for sku in ("A", "C"):
        busy.send_back(order, sku)
    busy.refund(order, 1000 + 1999)
    busy.run()
    assert {cents(one["totals"]["price_incl_tax"]) for one in returns_of(busy, order)} == {-1000, -1999}
    assert moved(before, levels(busy)) == {("A", "Nord"): -1, ("C", "Süd"): -1}
    assert money_at_till(busy, order) == busy.charged(order)
    assert_nothing_left(busy, order)


def test_goods_that_can_not_be_sold_again_go_back_as_money_only(busy: Ordered) -> None:
    before = levels(busy)
    order = sold(busy, ("A", 2))
    busy.send_back(order, "A", goods="Unusable")
    busy.refund(order, 1000)
    busy.run()
    assert_came_back(busy, order, 1000)
    assert articles(busy, returns_of(busy, order)[0]) == {"REFUND": -1}
    assert moved(before, levels(busy)) == {("A", "Nord"): -2}


def test_goods_that_can_not_be_sold_again_come_back_into_stock_where_the_settings_say_so(
    busy: Ordered,
) -> None:
    busy.set(returns={"unusable": "restock"})
    before = levels(busy)
    order = sold(busy, ("A", 2))
    busy.send_back(order, "A", goods="Unusable")
    busy.refund(order, 1000)
    busy.run()
    assert_came_back(busy, order, 1000)
    assert moved(before, levels(busy)) == {("A", "Nord"): -1}


def test_a_custom_line_that_comes_back_is_money_only(busy: Ordered) -> None:
    order = sold(busy, "A", extras=(WRAP,))
    busy.send_back(order, "gift-wrap")
    busy.refund(order, 250)
    busy.run()
    assert_came_back(busy, order, 250)


@pytest.mark.parametrize("when", ["goods", "money", "both"])
def test_a_return_is_written_when_the_settings_say_so_and_not_before(busy: Ordered, when: str) -> None:
    busy.set(returns={"when": when})
    order = sold(busy, ("A", 2))
    item = busy.send_back(order, "A", goods="Advised", money=None)
    seen = []
    for step in ({}, {"goods": "Returned"}, {"money": "Refunded"}):
        if step:
            busy.move_return(order, item, **step)
        busy.run()
        seen.append(len(returns_of(busy, order)))
    assert seen == {"goods": [0, 1, 1], "money": [0, 0, 1], "both": [0, 0, 1]}[when]
    busy.refund(order, 1000)
    busy.run()
    assert_came_back(busy, order, 1000)


def test_goods_whose_money_does_not_go_back_are_told_and_not_written(shop: Ordered) -> None:
    order = sold(shop, ("A", 2))
    shop.send_back(order, "A", money="NotRefunded")
    shop.run()
    assert (returns_of(shop, order), told(shop, order)) == ([], {"returned_without_money"})
    assert_nothing_left(shop, order)


def test_more_than_was_sold_does_not_come_back(shop: Ordered) -> None:
    order = sold(shop, ("A", 2))
    shop.send_back(order, "A", 3)
    shop.run()
    assert (returns_of(shop, order), told(shop, order)) == ([], {"returned_too_much"})
    assert_nothing_left(shop, order)
    shop.send_back(order, "A", 2)
    shop.run()
    assert articles(shop, returns_of(shop, order)[0]) == {"A": -2}
    shop.send_back(order, "A")
    shop.run()
    assert len(returns_of(shop, order)) == 1


def test_goods_that_somebody_took_back_at_the_till_do_not_come_back_twice(shop: Ordered) -> None:
    order = sold(shop, ("A", 2))
    shop.till.return_sale(shop.sale(order)["id"])
    before = levels(shop)
    shop.send_back(order, "A", 2)
    shop.run()
    assert told(shop, order) & {"nothing_to_return"}
    assert moved(before, levels(shop)) == {}
    shop.world.forget_requests()
    run_later(shop)
    assert moved(before, levels(shop)) == {}


def test_no_money_goes_back_at_a_closed_register_until_it_is_open(busy: Ordered) -> None:
    order = sold(busy, "A")
    busy.close_register()
    busy.send_back(order, "A")
    busy.refund(order, 1000)
    busy.run()
    assert (returns_of(busy, order), told(busy, order)) == ([], {"register_closed"})
    busy.close_register(is_open=True)
    run_later(busy)
    assert_came_back(busy, order, 1000)


def test_goods_of_prices_without_tax_come_back_at_what_was_paid_for_them(busy: Ordered) -> None:
    order = sold(busy, ("C", 3), ("B", 2), included=False)
    busy.send_back(order, "C", 3)
    line = next(one for one in busy.order(order)["lineItems"] if one["variant"]["sku"] == "C")
    whole = line["taxedPrice"]["totalGross"]["centAmount"]
    busy.refund(order, whole)
    busy.run()
    assert_came_back(busy, order, whole)


def test_goods_of_an_order_taken_back_at_the_till_by_hand_are_told_by_a_full_run(shop: Ordered) -> None:
    order = sold(shop, ("A", 2))
    back = shop.till.return_sale(shop.sale(order)["id"], {shop.stock.products["A"]: 1})
    shop.run(mode="full")
    assert [(one.code, one.source_id) for one in shop.holds()] == [("returned_at_till", back)]
    shop.till.void_sale(back)
    shop.run(mode="full")
    assert shop.holds() == []


# ------------------------------------------------------------ money goes back


def test_a_refund_without_a_return_is_a_refund_with_the_taxes_of_the_order(busy: Ordered) -> None:
    before = levels(busy)
    order = sold(busy, ("A", 2), ("B", 6))
    rest(busy, order)
    busy.refund(order, 1999)
    busy.run()
    assert_came_back(busy, order, 1999)
    (back,) = returns_of(busy, order)
    assert set(articles(busy, back)) == {"REFUND"}
    assert {one["id"] for one in back["taxes"]} == {busy.tax("standard"), busy.tax("reduced")}
    assert moved(before, levels(busy)) == {("A", "Nord"): -2, ("B", "Nord"): -6}


def test_shipping_that_is_refunded_with_the_goods_is_a_refund_of_its_own(busy: Ordered) -> None:
    order = sold(busy, ("A", 2), shipped=Shipped("parcel"))
    busy.send_back(order, "A", 2)
    busy.refund(order, 2000 + 490)
    busy.run()
    assert_came_back(busy, order, 2000, 490)


def test_each_refund_is_written_once_however_many_there_are(busy: Ordered) -> None:
    order = sold(busy, ("A", 3))
    for amount in (500, 500, 700):
        busy.refund(order, amount)
        busy.run()
    assert_came_back(busy, order, 500, 500, 700)


def test_a_refund_goes_back_the_way_it_was_paid(busy: Ordered) -> None:
    order = sold(busy, ("A", 2), payments=(Pay("gift-card", "vouchers", 1500), CARD))
    busy.refund(order, 700)
    busy.run()
    assert_came_back(busy, order, 700)
    assert busy.paid_by(returns_of(busy, order)[0]) == {"Gutschein": -7}


def test_money_that_went_back_before_its_goods_waits_for_them(busy: Ordered) -> None:
    busy.set(returns={"when": "both"})
    order = sold(busy, ("A", 2))
    item = busy.send_back(order, "A", goods="Advised", money=None)
    busy.refund(order, 1000)
    busy.run()
    assert (returns_of(busy, order), told(busy, order)) == ([], {"refund_waits"})
    assert_nothing_left(busy, order)
    busy.move_return(order, item, goods="Returned")
    busy.move_return(order, item, goods="BackInStock", money="Refunded")
    busy.run()
    assert_came_back(busy, order, 1000)


def test_a_refund_of_less_than_the_goods_is_told_with_both_figures(shop: Ordered) -> None:
    order = sold(shop, ("A", 2))
    shop.send_back(order, "A")
    shop.refund(order, 800)
    shop.run()
    assert told(shop, order) == {"refund_differs"}
    (hold,) = shop.holds()
    assert "12.00 EUR" in hold.message and "10.00 EUR" in hold.message
    assert_nothing_left(shop, order)
    shop.refund(order, 200)
    shop.run()
    assert_came_back(shop, order, 1000)


def test_without_an_article_for_refunds_money_is_held_until_there_is_one(busy: Ordered) -> None:
    busy.set(products={**ORDER_SETTINGS["products"], "refund": None})
    order = sold(busy, "A")
    busy.refund(order, 300)
    busy.run()
    assert (returns_of(busy, order), told(busy, order)) == ([], {"no_article_for"})
    busy.set(products=ORDER_SETTINGS["products"])
    run_later(busy)
    assert_came_back(busy, order, 300)


def test_what_came_back_before_the_export_is_sold_and_taken_back_by_one_run(busy: Ordered) -> None:
    before = levels(busy)
    order = busy.buy(("A", 3), number=a_number())
    busy.send_back(order, "A")
    busy.refund(order, 1000)
    busy.run()
    assert_came_back(busy, order, 1000)
    assert moved(before, levels(busy)) == {("A", "Nord"): -2}


# ------------------------------------------------------------ changed by people


def test_an_edit_after_the_export_is_told_with_both_figures_and_never_written_over(shop: Ordered) -> None:
    order = sold(shop, ("A", 2))
    before = shop.sale(order)
    other = shop.order(shop.buy(("A", 3), number=a_number()))
    kept = ("lineItems", "totalPrice", "taxedPrice")
    shop.edit(order, **{name: other[name] for name in kept})
    shop.run(keys=[order])
    assert told(shop, order) >= {"edited"}
    hold = next(one for one in shop.holds() if one.code == "edited")
    assert "20.00 EUR" in hold.message and "30.00 EUR" in hold.message
    assert shop.sale(order) == before
    assert_nothing_left(shop, order)


def test_a_sale_voided_at_the_till_is_told_and_not_sold_again_until_the_order_is_cancelled(
    shop: Ordered,
) -> None:
    order = sold(shop, "A")
    shop.till.void_sale(shop.sale(order)["id"])
    shop.run()
    assert (shop.sale(order)["state"], told(shop, order)) == ("voided", {"voided_at_till"})
    run_later(shop)
    assert shop.sale(order)["state"] == "voided"
    assert_nothing_left(shop, order)
    shop.cancel(order)
    shop.run()
    assert told(shop, order) == set()
    assert_nothing_left(shop, order)


def dearer(shop: Ordered, sale: str) -> None:
    """Somebody at the till changes the price of a line."""
    with shop.till.lock:
        row = shop.till.sales.rows[sale]
        row.lines[0].price += 1
        shop.till.sales.touch(row)


@pytest.mark.parametrize("mode", ["delta", "full"])
def test_totals_that_differ_at_the_till_are_told_and_never_written_over(shop: Ordered, mode: str) -> None:
    order = sold(shop, "A")
    dearer(shop, shop.sale(order)["id"])
    shop.run(mode=mode)
    assert told(shop, order) == {"totals_differ_at_till"}
    assert cents(shop.sale(order)["totals"]["price_incl_tax"]) == 1100
    assert_nothing_left(shop, order)


def test_a_sale_that_names_an_order_nobody_knows_is_found_by_a_full_run(shop: Ordered) -> None:
    source = {"register_id": None, "author_id": shop.till.user_id, "type": "commercetools", "id": "W-404"}
    source["register_id"] = next(
        row.id for row in shop.till.registers.live() if row.fields["name"] == "Online Nord"
    )
    sale = shop.sell("A", source=source)
    shop.run()
    assert shop.holds() == []
    shop.run(mode="full")
    assert [(one.code, one.source_id) for one in shop.holds()] == [("sale_without_order", sale)]
    assert_nothing_left(shop)
    shop.till.void_sale(sale)
    shop.run(mode="full")
    assert shop.holds() == []


def test_a_full_run_finds_nothing_amiss_with_sales_and_returns_of_orders(shop: Ordered) -> None:
    order = sold(shop, ("A", 3))
    shop.send_back(order, "A")
    shop.refund(order, 1500)
    shop.run()
    shop.world.forget_requests()
    run = shop.run(mode="full")
    assert (run.writes, shop.holds(), shop.sale_writes()) == (0, [], [])


# ------------------------------------------------------------ handed over at the till


@pytest.mark.parametrize("way", ["pickup", "delivery"])
def test_a_sale_that_is_handed_over_stays_open_and_the_order_hears_when_it_is_closed(
    busy: Ordered, way: str
) -> None:
    busy.set(fulfilment={"collect": way}, fulfilled="Delivered")
    before = levels(busy)
    order = busy.buy("A", shipped=Shipped("collect"), number=a_number())
    busy.run()
    sale = busy.sale(order)
    assert (sale["state"], sale["attributes"]) == ("pending", [way])
    assert money_at_till(busy, order) == 1000
    assert busy.marks(order) == [sale["id"]]
    assert_nothing_left(busy, order)
    busy.till.complete_sale(sale["id"])
    busy.run()
    assert busy.states(order)[2] == "Delivered"
    assert moved(before, levels(busy)) == {("A", "Nord"): -1}
    assert_sold(busy, order)
    assert_nothing_left(busy, order)
    assert_nothing_left(busy)


def test_goods_of_a_sale_that_is_still_open_come_back_once_it_is_closed(busy: Ordered) -> None:
    busy.set(fulfilment={"collect": "pickup"})
    order = busy.buy("A", shipped=Shipped("collect"), number=a_number())
    busy.run()
    busy.send_back(order, "A")
    busy.refund(order, 1000)
    busy.run()
    assert told(busy, order) == {"return_waits"}
    busy.till.complete_sale(busy.sale(order)["id"])
    busy.run()
    assert_came_back(busy, order, 1000)


def test_a_sale_on_account_that_is_paid_stays_open_until_it_is_handed_over(busy: Ordered) -> None:
    a_guest(busy)
    busy.set(
        unpaid="on account",
        customers={"guest": "WEB"},
        fulfilment={"collect": "pickup"},
        fulfilled="Delivered",
    )
    order = busy.buy("A", shipped=Shipped("collect"), payments=(INVOICE,), number=a_number())
    busy.run()
    assert set(busy.sale(order)["attributes"]) == {"onaccount", "pickup"}
    busy.pay(order)
    busy.run()
    sale = busy.sale(order)
    assert (sale["state"], sale["attributes"]) == ("pending", ["pickup"])
    assert_nothing_left(busy, order)
    busy.till.complete_sale(sale["id"])
    busy.run()
    assert busy.states(order)[2] == "Delivered"
    assert_sold(busy, order)
    assert_nothing_left(busy, order)


def test_parts_on_account_are_closed_once_the_whole_is_paid(busy: Ordered) -> None:
    a_guest(busy)
    busy.set(unpaid="on account", customers={"guest": "WEB"})
    order = busy.buy(busy.item("A", 2, "web"), busy.item("C", 1, "corner"), payments=(INVOICE,))
    busy.run()
    assert {one["state"] for one in busy.sales(order)} == {"pending"}
    busy.pay(order)
    busy.run()
    paid = {cents(one["totals"]["price_incl_tax"]): busy.paid_by(one) for one in busy.sales(order)}
    assert paid == {2000: {"Rechnung": 20}, 1999: {"Rechnung": Decimal("19.99")}}
    assert {one["state"] for one in busy.sales(order)} == {"closed"}
    assert_nothing_left(busy, order)


def test_an_unpaid_sale_that_somebody_closed_at_the_till_is_not_paid_again(busy: Ordered) -> None:
    busy.set(unpaid="park")
    order = busy.buy("A", payments=(INVOICE,))
    busy.run()
    busy.till.complete_sale(busy.sale(order)["id"])
    busy.run()
    busy.pay(order)
    busy.run()
    assert busy.paid_by(busy.sale(order)) == {"Cash": 10}
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


# ------------------------------------------------------------ while a run writes


def test_an_order_that_is_cancelled_between_plan_and_write_is_not_sold(busy: Ordered) -> None:
    order = busy.buy("A")
    run = busy.run(before_load=lambda: busy.cancel(order))
    assert (run.writes, busy.sales(order), busy.marks(order), told(busy, order)) == (0, [], [], set())
    assert_nothing_left(busy, order)


def test_an_order_that_is_edited_between_plan_and_write_is_sold_as_it_is_then(busy: Ordered) -> None:
    order, other = busy.buy("A", number=a_number()), busy.buy(("A", 5), number=a_number())
    busy.cancel(other)
    found = busy.order(other)
    changed = {name: found[name] for name in ("lineItems", "totalPrice", "taxedPrice", "paymentInfo")}
    busy.run(before_load=lambda: busy.edit(order, **changed))
    assert articles(busy, assert_sold(busy, order)) == {"A": 5}
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


def test_an_order_that_another_hand_marks_between_plan_and_write_is_not_sold(busy: Ordered) -> None:
    order = busy.buy("A")
    busy.run(before_load=lambda: busy.stock.mark(order, "theirs"))
    assert (busy.sales(order), busy.marks(order)) == ([], ["theirs"])
    assert_nothing_left(busy, order)


def test_an_order_that_is_deleted_between_plan_and_write_is_not_sold(busy: Ordered) -> None:
    order = busy.buy("A", number="gone")
    busy.run(before_load=lambda: busy.online.delete("orders", id=order))
    assert [one for one in busy.sales() if one["source"]["id"] == "gone"] == []
    assert_nothing_left(busy)


def test_what_one_outlet_can_not_take_follows_and_the_order_is_marked_when_all_of_it_is_sold(
    busy: Ordered,
) -> None:
    before = levels(busy)
    paid = (Pay("gift-card", "vouchers", 1200), CARD)
    order = busy.buy(busy.item("A", 1, "web"), busy.item("C", 1, "corner"), payments=paid, number=a_number())
    busy.world.network = Meddled("/sales", lambda: busy.close_register("Süd"))
    busy.run()
    busy.world.network = None
    assert (len(busy.sales(order)), busy.marks(order)) == (1, [])
    assert told(busy, order) == {"register_closed"}
    assert_nothing_left(busy, order)
    busy.close_register("Süd", is_open=True)
    run_later(busy)
    paid_by = {one["source"]["outlet_id"]: busy.paid_by(one) for one in busy.sales(order)}
    assert paid_by == {
        busy.stock.outlet("Nord"): {"Gutschein": 10},
        busy.stock.outlet("Süd"): {"Gutschein": 2, "Online bezahlt": Decimal("17.99")},
    }
    assert len(busy.marks(order)[0].split(",")) == 2
    assert moved(before, levels(busy)) == {("A", "Nord"): -1, ("C", "Süd"): -1}
    assert money_at_till(busy, order) == busy.gross(order)
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


def test_an_order_that_is_cancelled_between_its_sale_and_its_mark_is_voided(busy: Ordered) -> None:
    before = levels(busy)
    order = busy.buy("A", number=a_number())
    down = {"match": f"/orders/{order}$", "method": "POST", "kind": "status", "status": 503, "times": 50}
    busy.world.faults["commercetools"].add(down)
    with pytest.raises(TransientError):
        busy.run()
    assert busy.sale(order)["state"] == "closed"
    busy.world.faults["commercetools"].clear()
    busy.cancel(order)
    busy.run()
    assert busy.sale(order)["state"] == "voided"
    assert (moved(before, levels(busy)), told(busy, order)) == ({}, set())
    assert_nothing_left(busy, order)


def test_a_customer_who_is_gone_at_the_till_holds_the_order_until_they_are_linked_anew(busy: Ordered) -> None:
    kim = busy.add_person("kim@example.com")
    busy.till.delete_customer(busy.people[kim])
    order = busy.buy("A", customer=kim, number=a_number())
    busy.run()
    assert_held(busy, order, "customer_unknown")
    (link,) = busy.ledger.links.read(CUSTOMERS, CUSTOMER, commercetools_ids={kim})
    busy.ledger.links.retire(link.id)
    busy.link_person(kim, busy.till.add_customer(first_name="Kim"))
    run_later(busy)
    assert assert_sold(busy, order)["customer_id"] == busy.people[kim]
    assert told(busy, order) == set()


def test_a_version_conflict_at_the_mark_is_overcome_and_the_sale_is_not_written_again(busy: Ordered) -> None:
    order = busy.buy("A", number=a_number())
    conflict = {
        "statusCode": 409,
        "message": "Version mismatch.",
        "errors": [{"code": "ConcurrentModification", "message": "Version mismatch.", "currentVersion": 2}],
    }
    busy.world.faults["commercetools"].add(
        {
            "match": f"/orders/{order}$",
            "method": "POST",
            "kind": "status",
            "status": 409,
            "body": conflict,
            "times": 2,
        }
    )
    busy.world.forget_requests()
    busy.run()
    assert_sold(busy, order)
    assert [one.method for one in busy.sale_writes()] == ["POST"]
    assert len(order_writes(busy)) == 3
    assert_nothing_left(busy, order)


FAULTS: dict[str, dict[str, Any]] = {
    "the till is down": {"kind": "status", "status": 503},
    "no answer, not written": {"kind": "timeout_before"},
    "no answer, but written": {"kind": "timeout_after"},
    "half an answer": {"kind": "cut"},
    "an answer that can't be read": {"kind": "truncate_json"},
    "a web page": {"kind": "html"},
    "too many requests": {"kind": "429", "retry_after": 0.01},
}


@pytest.mark.parametrize(
    ("fault", "again"),
    [*((fault, "retried") for fault in FAULTS), ("no answer, not written", "next run")],
)
def test_whatever_happens_to_a_write_there_is_exactly_one_sale(busy: Ordered, fault: str, again: str) -> None:
    before = levels(busy)
    order = busy.buy("A", number=a_number())
    run_id = f"orders/{again} {order}"
    busy.world.faults["lightspeed"].add({"match": "/sales$", "method": "POST", **FAULTS[fault]})
    try:
        busy.run(run_id=run_id)
    except TransientError:
        busy.run(run_id=run_id if again == "retried" else None)
    assert_sold(busy, order)
    assert moved(before, levels(busy)) == {("A", "Nord"): -1}
    assert told(busy, order) == set()
    assert_nothing_left(busy, order)


@pytest.mark.parametrize("what", ["actions/return$", "/sales/[0-9a-f-]+$"], ids=["begun", "written"])
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_whatever_happens_to_a_return_goods_and_money_go_back_once(
    busy: Ordered, what: str, kind: str
) -> None:
    before = levels(busy)
    order = sold(busy, ("A", 3))
    busy.send_back(order, "A", 2)
    busy.refund(order, 2000)
    method = "POST" if "actions" in what else "PUT"
    busy.world.faults["lightspeed"].add({"match": what, "method": method, "kind": kind})
    run_id = f"orders/return {order}"
    try:
        busy.run(run_id=run_id)
    except TransientError:
        busy.run(run_id=run_id)
    assert_came_back(busy, order, 2000)
    assert moved(before, levels(busy)) == {("A", "Nord"): -1}


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_a_mark_without_an_answer_is_made_once(busy: Ordered, kind: str) -> None:
    order = busy.buy("A", number=a_number())
    busy.world.faults["commercetools"].add({"match": f"/orders/{order}$", "method": "POST", "kind": kind})
    run_id = f"orders/mark {order}"
    try:
        busy.run(run_id=run_id)
    except TransientError:
        busy.run(run_id=run_id)
    assert_sold(busy, order)
    assert_nothing_left(busy, order)


def test_one_order_the_till_refuses_stops_no_other(busy: Ordered) -> None:
    bad, good = busy.buy("C", number=a_number()), busy.buy("A", number=a_number())
    said = {"errors": {"product": ["is not valid"]}}
    product = busy.stock.products["C"]
    busy.world.faults["lightspeed"].add(
        {
            "match": "/sales$",
            "method": "POST",
            "kind": "status",
            "status": 422,
            "body": said,
            "body_match": product,
        }
    )
    busy.run()
    assert_held(busy, bad, "article_unknown")
    assert_sold(busy, good)
    run_later(busy)
    assert_sold(busy, bad)
    assert told(busy, bad) == set()
    assert_nothing_left(busy, bad, good)


def test_an_order_that_was_deleted_is_not_tried_for_ever_and_its_sale_is_told_of(shop: Ordered) -> None:
    waiting, sold, other = (
        shop.buy("A", payments=(INVOICE,)),
        shop.buy("A"),
        shop.buy("A"),
    )
    shop.run(mode="full")
    sale = shop.sale(sold)
    for order in (waiting, sold):
        shop.online.delete("orders", id=order)
    shop.clock_ahead += timedelta(days=3)
    shop.run(mode="full")
    assert {str(hold.source_id): hold.code for hold in shop.holds()} == {sale["id"]: "sale_without_order"}
    assert shop.marks(other)


def test_orders_from_before_a_day_that_was_moved_are_not_taken_for_deleted(shop: Ordered) -> None:
    early = shop.buy("A")
    shop.run(mode="full")
    shop.online.clock.advance(days=2)
    shop.buy("A")
    shop.set(since=str(shop.online.clock.now().date()))
    shop.run(mode="full")
    assert shop.holds() == []
    assert shop.sale(early)["state"] == "closed"
