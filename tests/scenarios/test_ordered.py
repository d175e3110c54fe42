"""The shop of orders itself: what people do in it is what both sides then show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.commercetools import Extra, Pay, Shipped
from sandbox.shop import Shop
from sandbox.shop.services import SERVICES
from tests.support.builders.orders import CARD, INVOICE, Ordered, ordered, ordered_from


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    with ordered(ledger_url, tmp_path) as shop:
        shop.add_article("A", "19.99", {"Nord": 5})
        shop.add_article("B", "4.20", {"Nord": 5, "Süd": 2}, tax="reduced")
        yield shop


def test_who_checks_out_pays_what_the_order_comes_to(shop: Ordered) -> None:
    kim = shop.add_person("kim@example.com")
    order = shop.buy(
        ("A", 2),
        "B",
        customer=kim,
        shipped=Shipped("parcel"),
        extras=(Extra("gift-wrap", 200, tax_category="standard"),),
        payments=(Pay("gift-card", "vouchers", 1000), CARD),
        number="W-1",
    )
    assert shop.gross(order) == shop.charged(order) == 2 * 1999 + 420 + 490 + 200
    assert [one["paymentMethodInfo"]["method"] for one in shop.payments(order)] == ["gift-card", "card"]
    assert shop.order(order)["customerId"] == kim
    assert kim in shop.people
    assert shop.sales(order) == [] == shop.marks(order)


def test_an_invoice_is_paid_and_refunded_later(shop: Ordered) -> None:
    order = shop.buy("A", payments=(INVOICE,))
    assert shop.charged(order) == 0
    shop.settle(order)
    assert (shop.charged(order), shop.states(order)) == (1999, ("Open", "Paid", None))
    shop.refund(order, 500)
    assert shop.charged(order) == 1499
    shop.cancel(order)
    assert shop.states(order)[0] == "Cancelled"


def test_goods_come_back_in_steps_or_at_once(shop: Ordered) -> None:
    order = shop.buy(("A", 2), extras=(Extra("gift-wrap", 200, tax_category="standard"),))
    advised = shop.send_back(order, "A", goods="Advised", money=None)
    shop.move_return(order, advised, goods="Returned")
    shop.move_return(order, advised, goods="BackInStock", money="Refunded")
    shop.send_back(order, "A", goods="Unusable")
    shop.send_back(order, "gift-wrap")
    items = [item for info in shop.order(order)["returnInfo"] for item in info["items"]]
    assert [(item["shipmentState"], item["paymentState"]) for item in items] == [
        ("BackInStock", "Refunded"),
        ("Unusable", "Refunded"),
        ("BackInStock", "Refunded"),
    ]


def test_an_edited_order_has_a_newer_version_and_keeps_its_number(shop: Ordered) -> None:
    order = shop.buy("A", number="W-1")
    before = shop.order(order)
    shop.edit(order, totalPrice={**before["totalPrice"], "centAmount": 1})
    after = shop.order(order)
    assert after["version"] > before["version"]
    assert (after["orderNumber"], after["totalPrice"]["centAmount"]) == ("W-1", 1)


def test_sales_in_the_shop_take_stock_and_earn_loyalty_and_are_no_web_orders(shop: Ordered) -> None:
    kim = shop.people[shop.add_person("kim@example.com", enable_loyalty=True)]
    sale = shop.sell(("A", 2), "B", customer=kim, tenders=[("Gutschein", 10), ("Cash", None)])
    assert [shop.level("A"), shop.level("B"), shop.level("B", "Süd")] == [3, 4, 2]
    assert shop.paid_by(shop.till.sale(sale)) == {"Gutschein": Decimal(10), "Cash": Decimal("34.18")}
    assert shop.till.customer(kim)["loyalty_balance"] > 0
    assert [one["id"] for one in shop.shop_sales()] == [sale]
    assert shop.sales() == []


def test_articles_that_products_has_not_read_are_not_known(shop: Ordered) -> None:
    shop.add_article("C", known=False)
    labels = {row.label for row in shop.ledger.mirror.read("products", "variant", "lightspeed")}
    assert labels == {"A", "B"}
    shop.learn("C")
    assert len(list(shop.ledger.links.read("products", "variant"))) == 3


def test_settings_are_edited_for_both_runs_of_the_shop(shop: Ordered) -> None:
    shop.set(unpaid="park")
    assert shop.settings.orders.unpaid == shop.stock.settings.orders.unpaid == "park"
    assert shop.settings.orders.location == "Nord"
    shop.close_register()
    (register,) = [row for row in shop.till.registers.live() if row.fields["name"] == "Online Nord"]
    assert register.fields["is_open"] is False


def test_what_the_till_sells_for_shipping_and_the_like_stays_there(
    sample_shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    with ordered_from(sample_shop, ledger_url, tmp_path) as shop:
        shop.align()
        skus = {
            variant.get("sku")
            for product in shop.world.online_products()
            for variant in [
                product["masterData"]["current"]["masterVariant"],
                *product["masterData"]["current"]["variants"],
            ]
        }
        assert not skus & SERVICES.keys()
        assert not {hold.label for hold in shop.world.holds()} & SERVICES.keys()
        assert {row["sku"] for row in shop.till.all_products()} >= SERVICES.keys()
        buyers = {order["customerId"] for order in shop.online.all("orders") if "customerId" in order}
        assert len(buyers & shop.people.keys()) > 10
