"""Taxes and discounts that the platform states in its own ways: whole runs over HTTP, and both systems compared to the
minor unit afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from sandbox.commercetools import Item, Shipped
from tests.support.builders.orders import Ordered
from tests.support.order_checks import (
    a_number,
    assert_nothing_left,
    cents,
    money_at_till,
    returns_of,
    told,
)

NEW_YORK = {"NY State": 0.04, "NY City": 0.045, "MCTD": 0.00375}


def export(shop: Ordered, *bought: Any, **basket: Any) -> str:
    """An order that is sold: one closed sale that comes to the same, paid by the same, marked; a second run writes
    nothing."""
    order = shop.buy(*bought, number=a_number(), **basket)
    shop.run()
    assert told(shop, order) == set()
    sale = shop.sale(order)
    assert sale["state"] == "closed"
    assert cents(sale["totals"]["price_incl_tax"]) == shop.gross(order)
    assert cents(sale["totals"]["price"]) == shop.order(order)["taxedPrice"]["totalNet"]["centAmount"]
    assert cents(sum(shop.paid_by(sale).values())) == shop.gross(order)
    assert shop.marks(order) == [sale["id"]]
    assert_nothing_left(shop, order)
    return order


def lines_of(shop: Ordered, sale: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Net and tax of a sale's articles, by SKU."""
    skus = {product: sku for sku, product in shop.stock.products.items()}
    found: dict[str, tuple[int, int]] = {}
    for line in sale["line_items"]:
        units = Decimal(str(line["quantity"]))
        net, tax = found.get(skus[line["product"]["id"]], (0, 0))
        found[skus[line["product"]["id"]]] = (
            net + cents(units * Decimal(str(line["pricing"]["price"]))),
            tax + cents(units * Decimal(str(line["tax"]["amount"]))),
        )
    return found


def tax_by_parts(shop: Ordered, name: str, parts: Mapping[str, float]) -> None:
    """A tax category whose rate is made of parts, on top of prices, and the till's tax that stands for it."""
    share = sum(Decimal(str(part)) for part in parts.values())
    rate = {
        "name": name,
        "amount": float(share),
        "includedInPrice": False,
        "country": "DE",
        "subRates": [{"name": one, "amount": part} for one, part in parts.items()],
    }
    shop.online.create("tax-categories", {"key": name, "name": name, "rates": [rate]})
    shop.till.add_tax(name, str(share))
    taxes = [*shop.settings.model_dump(mode="json")["orders"]["taxes"], {"rate": str(share), "tax": name}]
    shop.set(taxes=taxes)


def article(shop: Ordered, sku: str, price: str, tax: str) -> None:
    shop.add_article(sku, price, {"Nord": 100})
    product = shop.online.get("products", key=f"article-{sku}")
    assert product is not None
    action = {"action": "setTaxCategory", "taxCategory": {"typeId": "tax-category", "key": tax}}
    shop.online.update("products", [action], id=product["id"])


def test_a_tax_of_several_parts_is_sold_as_the_one_tax_of_the_till(shop: Ordered) -> None:
    tax_by_parts(shop, "NewYork", NEW_YORK)
    article(shop, "NY", "10.00", "NewYork")
    order = export(shop, "NY")
    portions = shop.order(order)["taxedPrice"]["taxPortions"]
    assert [(one["name"], one["amount"]["centAmount"]) for one in portions] == [
        ("NY State", 40),
        ("NY City", 45),
        ("MCTD", 4),
    ]
    assert lines_of(shop, shop.sale(order)) == {"NY": (1000, 89)}


def test_lines_with_parts_in_common_and_lines_without_are_sold_in_one_order(shop: Ordered) -> None:
    tax_by_parts(shop, "NewYork", NEW_YORK)
    tax_by_parts(shop, "Albany", {"NY State": 0.04, "County": 0.04})
    article(shop, "NY", "10.00", "NewYork")
    article(shop, "AL", "20.00", "Albany")
    article(shop, "PLAIN", "30.00", "standard")
    order = export(shop, "NY", "AL", "PLAIN", included=False)
    assert lines_of(shop, shop.sale(order)) == {"NY": (1000, 89), "AL": (2000, 160), "PLAIN": (3000, 570)}


def test_goods_bear_a_discount_on_the_whole_and_come_back_for_nothing(shop: Ordered) -> None:
    shop.add_article("DEAR", "48.00", {"Nord": 9})
    order = export(shop, "DEAR", shipped=Shipped("parcel", price=1000), total_discount=4800)
    assert lines_of(shop, shop.sale(order)) == {"DEAR": (0, 0), "SHIPPING": (840, 160)}
    before = shop.level("DEAR")
    shop.send_back(order, "DEAR")
    shop.run()
    (back,) = returns_of_any(shop, order)
    assert cents(back["totals"]["price_incl_tax"]) == 0 and not shop.paid_by(back)
    assert shop.level("DEAR") == (before or 0) + 1
    assert money_at_till(shop, order) == shop.charged(order) == 1000
    assert_nothing_left(shop, order)


def returns_of_any(shop: Ordered, order: str) -> list[dict[str, Any]]:
    return [
        one
        for one in shop.sales(order)
        if one["state"] != "voided" and any(line["quantity"] < 0 for line in one["line_items"])
    ]


def test_goods_of_two_rates_bear_a_discount_on_the_whole(shop: Ordered) -> None:
    shop.add_article("SEVEN", "9.99", {"Nord": 9}, tax="reduced")
    order = export(shop, "A", "SEVEN", shipped=Shipped("parcel", price=490), total_discount=1999)
    assert lines_of(shop, shop.sale(order)) == {"A": (0, 0), "SEVEN": (0, 0), "SHIPPING": (412, 78)}


def test_shipping_bears_its_share_of_a_discount_where_the_order_says_so(shop: Ordered) -> None:
    order = export(
        shop, ("A", 9), shipped=Shipped("parcel", price=1000), total_discount=9000, off_shipping=True
    )
    assert lines_of(shop, shop.sale(order)) == {"A": (756, 144), "SHIPPING": (84, 16)}


def test_an_order_of_several_shipments_is_sold_line_by_line(shop: Ordered) -> None:
    order = export(
        shop,
        Item("A", 2, by_method=(("std", 1), ("exp", 1))),
        shipments=(Shipped("parcel", price=500, key="std"), Shipped("express", price=900, key="exp")),
    )
    assert "taxRate" not in shop.order(order)["lineItems"][0]
    sale = shop.sale(order)
    assert lines_of(shop, sale) == {"A": (1680, 320), "SHIPPING": (420 + 756, 80 + 144)}
    shipping = [one for one in sale["line_items"] if one["product"]["id"] == shop.stock.products["SHIPPING"]]
    assert [(cents(one["pricing"]["price"]), cents(one["tax"]["amount"])) for one in shipping] == [
        (420, 80),
        (756, 144),
    ]
    before = shop.level("A")
    shop.send_back(order, "A", 1)
    shop.refund(order, 1000)
    shop.run()
    (back,) = returns_of(shop, order)
    assert cents(back["totals"]["price_incl_tax"]) == -1000
    assert cents(sum(shop.paid_by(back).values())) == -1000
    assert shop.level("A") == (before or 0) + 1
    assert money_at_till(shop, order) == shop.charged(order)
    assert told(shop, order) == set()
    assert_nothing_left(shop, order)


def test_a_line_that_goes_to_two_countries_is_sold_with_the_tax_of_each(shop: Ordered) -> None:
    category = shop.online.get("tax-categories", key="standard")
    assert category is not None
    austria = {"name": "USt 20 %", "amount": 0.2, "includedInPrice": True, "country": "AT"}
    shop.online.update("tax-categories", [{"action": "addTaxRate", "taxRate": austria}], id=category["id"])
    shop.till.add_tax("USt 20 %", "0.2")
    taxes = [*shop.settings.model_dump(mode="json")["orders"]["taxes"], {"rate": "0.2", "tax": "USt 20 %"}]
    shop.set(taxes=taxes)
    order = export(
        shop,
        Item("A", 3, by_method=(("home", 1), ("abroad", 2))),
        shipments=(
            Shipped("parcel", price=500, key="home"),
            Shipped("parcel", price=900, key="abroad", country="AT"),
        ),
    )
    lines = [
        (line["quantity"], cents(line["quantity"] * line["tax"]["amount"]))
        for line in shop.sale(order)["line_items"]
        if line["product"]["id"] == shop.stock.products["A"]
    ]
    assert sum(tax for _, tax in lines) == 160 + 333
    shop.send_back(order, "A", 3)
    shop.refund(order, 3000)
    shop.run()
    assert [cents(one["totals"]["price_incl_tax"]) for one in returns_of(shop, order)] == [-3000]
    assert money_at_till(shop, order) == shop.charged(order)
    assert_nothing_left(shop, order)


@pytest.mark.parametrize("included", [True, False])
@pytest.mark.parametrize("off_shipping", [True, False])
def test_whoever_bears_a_discount_both_systems_come_to_the_same(
    busy: Ordered, included: bool, off_shipping: bool
) -> None:
    export(
        busy,
        ("A", 3),
        ("B", 7),
        ("C", 1),
        shipped=Shipped("parcel", price=777),
        total_discount=1234,
        included=included,
        off_shipping=off_shipping,
    )


# ------------------------------------------------------------ money that goes back


def assert_settled(shop: Ordered, order: str) -> None:
    """The till has of the customer's money what the shop has, nobody is told anything, and a second run writes
    nothing."""
    assert money_at_till(shop, order) == shop.charged(order)
    assert told(shop, order) == set()
    assert_nothing_left(shop, order)


def test_a_refund_before_its_return_goes_back_once_and_the_goods_come_back(shop: Ordered) -> None:
    order = export(shop, ("A", 3))
    before = shop.level("A")
    shop.refund(order, 1000)
    shop.run()
    assert [cents(one["totals"]["price_incl_tax"]) for one in returns_of(shop, order)] == [-1000]
    assert shop.level("A") == before
    assert_settled(shop, order)
    shop.send_back(order, "A")
    shop.run()
    assert shop.level("A") == (before or 0) + 1
    assert sum(cents(one["totals"]["price_incl_tax"]) for one in shop.sales(order)) == 2000
    assert_settled(shop, order)
    # And the next return has a refund of its own.
    shop.send_back(order, "A")
    shop.refund(order, 1000)
    shop.run()
    assert shop.level("A") == (before or 0) + 2
    assert sum(cents(one["totals"]["price_incl_tax"]) for one in shop.sales(order)) == 1000
    assert_settled(shop, order)


def test_a_refund_before_the_order_is_cancelled_goes_back_once(shop: Ordered) -> None:
    before = shop.level("A")
    order = export(shop, ("A", 2))
    shop.refund(order, 2000)
    shop.run()
    shop.cancel(order)
    shop.run()
    assert (shop.level("A"), money_at_till(shop, order), shop.charged(order)) == (before, 0, 0)
    assert_settled(shop, order)


def test_the_unit_comes_back_whose_money_was_refunded(shop: Ordered) -> None:
    order = export(shop, Item("A", 3, groups=((2, 1000), (1, 500))))
    shop.send_back(order, "A")
    shop.refund(order, 500)
    shop.run()
    (back,) = returns_of(shop, order)
    (line,) = back["line_items"]
    assert cents(line["pricing"]["price"] + line["tax"]["amount"]) == 500
    assert cents(sum(shop.paid_by(back).values())) == -500
    assert_settled(shop, order)


# ------------------------------------------------------------ taxes that change


def test_an_order_of_a_rate_that_was_changed_at_the_till_is_kept_back_until_there_is_one(
    shop: Ordered,
) -> None:
    shop.till.set_tax_rate(shop.tax("standard"), "0.16")
    order = shop.buy("A", number=a_number())
    shop.run()
    assert shop.sales(order) == [] and shop.marks(order) == []
    (hold,) = (one for one in shop.holds() if one.source_id == order)
    assert hold.code == "tax_unmapped" and "19 %" in hold.message and "16 %" in hold.message
    assert_nothing_left(shop, order)
    shop.till.add_tax("MwSt 19 % alt", "0.19")
    shop.set(taxes=[{"rate": "0.19", "tax": "MwSt 19 % alt"}, {"rate": "0.07", "tax": "MwSt 7 %"}])
    shop.run(keys=[shop.order(order)["orderNumber"]])
    sale = shop.sale(order)
    assert lines_of(shop, sale) == {"A": (840, 160)}
    assert_settled(shop, order)


# ------------------------------------------------------------ told twice


def test_one_order_told_by_subscription_and_by_feed_is_one_sale(shop: Ordered) -> None:
    """The run of the event writes while the run of the feed has planned the same order and not written yet."""
    order = shop.buy(("A", 2), number=a_number())
    before = shop.level("A")

    def meanwhile() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(shop.run, keys=[shop.order(order)["orderNumber"]]).result()

    shop.run(before_load=meanwhile)
    sale = shop.sale(order)
    assert shop.marks(order) == [sale["id"]]
    assert shop.level("A") == (before or 0) - 2
    assert_settled(shop, order)


# ------------------------------------------------------------ lists that come short


def test_an_order_is_sold_though_the_answer_just_before_the_sale_lacks_it(shop: Ordered) -> None:
    """What a run is about to write it reads once more, many to a request."""
    order = shop.buy(("A", 2), number=a_number())

    def short() -> None:
        rule = {"match": "/orders$", "method": "GET", "times": None, "kind": "empty_list"}
        shop.world.faults["commercetools"].add(rule)

    shop.run(before_load=short)
    assert {one.fault for one in shop.world.requests("commercetools")} >= {"empty_list"}
    shop.world.faults["commercetools"].clear()
    assert shop.marks(order) == [shop.sale(order)["id"]]
    assert_settled(shop, order)


# ------------------------------------------------------------ money in whole units


def test_an_order_in_whole_forint_is_sold_refunded_and_taken_back_in_the_forint_of_the_till(
    shop: Ordered,
) -> None:
    shop.online.set_project(currencies=["EUR", "HUF0"])
    shop.till.currency = "HUF"
    order = shop.buy(Item("A", 3, unit=1000), number=a_number(), currency="HUF0")
    assert shop.order(order)["totalPrice"]["fractionDigits"] == 0
    shop.run()
    assert told(shop, order) == set()
    sale = shop.sale(order)
    assert (sale["totals"]["price_incl_tax"], sum(shop.paid_by(sale).values())) == (3000, 3000)
    assert shop.marks(order) == [sale["id"]]
    assert_nothing_left(shop, order)
    shop.send_back(order, "A")
    shop.refund(order, 1000)
    shop.run()
    (back,) = returns_of(shop, order)
    assert (back["totals"]["price_incl_tax"], sum(shop.paid_by(back).values())) == (-1000, -1000)
    assert told(shop, order) == set()
    assert_nothing_left(shop, order)


def test_a_sale_in_forint_is_imported_in_the_forint_of_the_project(shop: Ordered) -> None:
    shop.online.set_project(currencies=["EUR", "HUF0"])
    shop.till.currency = "HUF"
    price = shop.settings.model_dump(mode="json")["products"]["price"]
    shop.set("products", price={**price, "currency": "HUF0"})
    account = shop.add_person("kim@example.com")
    shop.sell(("A", 2), customer=shop.people[account])
    shop.run("sales", "full")
    (order,) = shop.imported()
    assert (order["totalPrice"]["currencyCode"], order["totalPrice"]["centAmount"]) == ("HUF0", 20)
    assert shop.run("sales").writes == 0
