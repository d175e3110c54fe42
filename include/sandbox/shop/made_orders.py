"""Orders of a shop that has none to show of a kind: two dozen, each another story, and the same at every start."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from sandbox.commercetools import Basket, CommercetoolsStore, Extra, Item, Pay, Shipped
from sandbox.shop.model import Draft, Shop

PREFIX = "FB-W-"
GONE = "FB-ALT-01"
"""A SKU that is in an order and in no shop."""
CARD, PAYPAL, VOUCHER = Pay(), Pay("paypal", "paypal"), Pay("gift-card", "vouchers")
INVOICE = Pay("invoice", None, transactions=())
AUTHORIZED = Pay(transactions=(("Authorization", "Success", None),))
AT_LAST = Pay(transactions=(("Charge", "Failure", None), ("Charge", "Success", None)))
_PAID = {"paymentState": "Paid"}
_OPEN = {"paymentState": "BalanceDue"}


def make_orders(shop: Shop, store: CommercetoolsStore, project: str | None = None, *, seed: int = 24) -> None:
    """Places them: paid in all ways and not at all, discounted in all ways, split over channels, with articles nobody
    knows; then sends two back and cancels one."""
    hands = _Shoppers(shop, store, project, random.Random(seed))
    for n, basket in enumerate(hands.baskets(), start=1):
        order = store.check_out(_numbered(basket, n), project=project)
        hands.follow(n, order)


def _numbered(basket: dict[str, Any], n: int) -> Basket:
    fields = {**_PAID, **basket.pop("fields", {})}
    return Basket(**{"number": f"{PREFIX}{n:04d}", "fields": fields, **basket})


class _Shoppers:
    def __init__(
        self, shop: Shop, store: CommercetoolsStore, project: str | None, chance: random.Random
    ) -> None:
        self._store = store
        self._project = project
        self._chance = chance
        self._stock = _stock(shop)
        self._priced = _priced(shop)
        self._people = [str(row["id"]) for row in store.all("customers", project=project)]
        self._channels = [str(one["channel"]) for one in shop.lightspeed.outlets if one.get("channel")]
        self._country = str(shop.lightspeed.retailer["country"])
        self._currency = str(shop.lightspeed.retailer["currency"])
        self._methods = [str(one["key"]) for one in shop.shipping_methods if one.get("key")]
        self._cancelled: set[int] = set()
        self._sent_back: dict[int, str] = {}

    def baskets(self) -> Iterator[dict[str, Any]]:
        wrap = Extra("gift-wrap", 350, name="Geschenkverpackung", rate=0.19)
        for lines in (1, 2, 3):
            yield self._basket(lines)
        yield self._basket(2, payments=(PAYPAL,))
        yield self._basket(
            1, payments=(PAYPAL,), fields={"orderState": "Complete", "shipmentState": "Shipped"}
        )
        yield self._basket(2, payments=(INVOICE,), fields=_OPEN)
        yield self._basket(1, payments=(VOUCHER,))
        yield self._basket(2, payments=(Pay("gift-card", "vouchers", 500), CARD))
        yield self._split()
        yield self._basket(1, items=(Item(GONE, 1, unit=2490, rate=0.19),))
        yield self._discounted_line()
        yield self._basket(3, total_discount=733)
        yield self._basket(2, extras=(wrap,))
        yield self._basket(2, extras=(Extra("goodwill", -500, name="Kulanz", rate=0.19),))
        yield self._with_gift()
        yield self._basket(2, customer=None, email="gast@example.org")
        yield self._basket(1, method=self._methods[-1])
        yield self._basket(1, quantity=7, by_unit=True)
        yield self._basket(1, payments=(AUTHORIZED,), fields={"paymentState": "Pending"})
        yield self._basket(1, channel=self._channels[-1])
        self._sent_back = {21: "BackInStock", 22: "Unusable"}
        yield self._basket(1, quantity=2)
        yield self._basket(2)
        self._cancelled = {23}
        yield self._basket(1)
        yield self._basket(1, payments=(AT_LAST,))

    def follow(self, n: int, order: Draft) -> None:
        """What happens to an order after it was placed."""
        if n in self._cancelled:
            self._update("orders", order["id"], {"action": "changeOrderState", "orderState": "Cancelled"})
        if n in self._sent_back:
            self._send_back(order, self._sent_back[n])

    def _basket(
        self,
        lines: int,
        *,
        quantity: int = 1,
        channel: str | None = None,
        items: tuple[Item, ...] | None = None,
        method: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        if items is None:
            items = tuple(self._item(channel, quantity) for _ in range(lines))
        basket = {
            "items": items,
            "customer": self._chance.choice(self._people),
            "country": self._country,
            "currency": self._currency,
            "shipped": Shipped(method or self._methods[0]),
            "mode": "None",
        }
        return {**basket, **more}

    def _split(self) -> dict[str, Any]:
        first, second = self._channels[:2]
        return self._basket(2, items=(self._item(first, 1), self._item(second, 1)))

    def _discounted_line(self) -> dict[str, Any]:
        item = self._item(None, 3)
        unit = self._priced[item.sku]
        return self._basket(1, items=(Item(item.sku, 3, item.channel, groups=((1, unit // 2),)),))

    def _with_gift(self) -> dict[str, Any]:
        bought, gift = self._item(None, 1), self._item(None, 1)
        return self._basket(2, items=(bought, Item(gift.sku, 1, gift.channel, gift=True)))

    def _item(self, channel: str | None, quantity: int) -> Item:
        """An article that is there, and stays reserved; without a channel it comes from wherever there is most."""
        for _ in range(10_000):
            sku, place = self._chance.choice(sorted(self._stock))
            if channel in (None, place) and self._stock[sku, place] >= quantity:
                self._stock[sku, place] -= quantity
                return Item(sku, quantity, place if channel is not None else None)
        raise LookupError(f"nothing is left at {channel}")

    def _send_back(self, order: Draft, goods: str) -> None:
        line = order["lineItems"][0]
        item = {"lineItemId": line["id"], "quantity": 1, "shipmentState": "Returned"}
        changed = self._update("orders", order["id"], {"action": "addReturnInfo", "items": [item]})
        returned = {"returnItemId": changed["returnInfo"][0]["items"][0]["id"]}
        states = (("Shipment", goods), ("Payment", "Refunded"))
        for what, state in states:
            name = f"{what.lower()}State"
            self._update("orders", order["id"], {"action": f"setReturn{what}State", name: state, **returned})
        payment = order["paymentInfo"]["payments"][0]["id"]
        amount = {"currencyCode": self._currency}
        amount["centAmount"] = line["taxedPrice"]["totalGross"]["centAmount"] // line["quantity"]
        refund = {"type": "Refund", "state": "Success", "amount": amount}
        self._update("payments", payment, {"action": "addTransaction", "transaction": refund})

    def _update(self, path: str, id: str, action: dict[str, Any]) -> Draft:
        return self._store.update(path, [action], id=id, project=self._project)


def _stock(shop: Shop) -> dict[tuple[str, str], int]:
    """Units by SKU and channel, of articles that have a price where the till is."""
    priced = _priced(shop)
    return {
        (entry["sku"], entry["supplyChannel"]["key"]): entry["quantityOnStock"]
        for entry in shop.inventory
        if "supplyChannel" in entry and entry["sku"] in priced and entry["quantityOnStock"] > 0
    }


def _priced(shop: Shop) -> dict[str, int]:
    """What a unit costs there, by SKU."""
    country, currency = shop.lightspeed.retailer["country"], shop.lightspeed.retailer["currency"]
    return {
        variant["sku"]: price["value"]["centAmount"]
        for product, variant in shop.variants()
        if variant.get("sku") and "taxCategory" in product and product.get("publish", True)
        for price in reversed(variant["prices"])
        if price.get("country") in (None, country)
        and price["value"]["currencyCode"] == currency
        and not {"customerGroup", "channel", "validFrom", "validUntil"} & set(price)
    }
