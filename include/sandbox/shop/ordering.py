"""The orders of a shop folder as its shoppers placed them: checked out, paid, and exactly what the file says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sandbox.commercetools import ApiError, Basket, CommercetoolsStore, Extra, Item, Pay, Shipped
from sandbox.shop.model import Draft, Shop
from sandbox.shop.shipping import method_that_costs

UNLISTED = "unlisted"
"""Slug of the custom line that stands for what an export leaves out."""
_STATES = ("orderState", "paymentState", "shipmentState", "completedAt")
_PAYMENTS: dict[str | None, tuple[Pay, ...]] = {
    "Paid": (Pay(),),
    "Pending": (Pay("invoice", None, transactions=()),),
    None: (),
}
"""What an export says of payments is the state; a payment that comes to it is made up."""


def place_orders(shop: Shop, store: CommercetoolsStore, project: str | None = None) -> list[str]:
    """Checks the shop's orders out; the numbers of those that would come to other figures than the file's, and so were
    taken in as they are given."""
    emails = {row["email"].lower(): str(row["id"]) for row in store.all("customers", project=project)}
    given = []
    for draft in shop.orders:
        basket = _basket_that_fits(shop, store, project, draft, emails)
        if basket is None:
            store.create("orders", draft, project=project)
            given.append(str(draft["orderNumber"]))
        else:
            store.check_out(basket, project=project)
    return given


def _basket_that_fits(
    shop: Shop, store: CommercetoolsStore, project: str | None, draft: Draft, emails: dict[str, str]
) -> Basket | None:
    wanted = _figures(draft)
    for basket in _baskets(shop, draft, emails):
        try:
            cart = store.cart(basket, project=project)
        except ApiError:
            continue
        if _figures(cart) == wanted:
            return basket
    return None


def _figures(order: Draft) -> tuple[int, ...]:
    taxed = order.get("taxedPrice", {})
    amounts = (order["totalPrice"], taxed.get("totalNet"), taxed.get("totalGross"))
    return tuple(each["centAmount"] for each in amounts if each is not None)


def _baskets(shop: Shop, draft: Draft, emails: dict[str, str]) -> Iterator[Basket]:
    """Ways in which the order may have come about: what its lines leave over of the total is shipping at the price of
    one of the shop's methods, and else something the export does not list."""
    country, currency = str(draft.get("country", "")), str(draft["totalPrice"]["currencyCode"])
    total, _, gross = (*_figures(draft), 0, 0)[:3]
    rates = _rates(shop, country)
    lines = tuple(_item(line, rates) for line in draft["lineItems"])
    rest = total - sum(line["quantity"] * _cents(line) for line in draft["lineItems"])
    account = emails.get(str(draft.get("customerEmail", "")).lower())
    basket = Basket(
        lines,
        number=draft["orderNumber"],
        customer=account,
        email=draft.get("customerEmail"),
        country=country,
        currency=currency,
        payments=_PAYMENTS.get(draft.get("paymentState"), ()),
        included=total == gross,
        address=draft.get("shippingAddress", {}),
        fields={name: draft[name] for name in _STATES if name in draft},
    )
    shares = dict.fromkeys(rates.values())
    for share in shares:
        if not rest:
            yield basket
            return
        yield from _with_rest(shop, basket, rest, share)


def _with_rest(shop: Shop, basket: Basket, rest: int, share: float) -> Iterator[Basket]:
    method = method_that_costs(shop, rest, basket.country, basket.currency)
    if method is not None:
        yield replace(basket, shipped=Shipped(method, rest))
        return
    for shipping in _shipping_prices(shop):
        method = method_that_costs(shop, shipping, basket.country, basket.currency)
        if method is not None and 0 < shipping < rest:
            unlisted = Extra(UNLISTED, rest - shipping, name="Unlisted", rate=share)
            yield replace(basket, shipped=Shipped(method, shipping), extras=(unlisted,))
    yield replace(basket, extras=(Extra(UNLISTED, rest, name="Unlisted", rate=share),))


def _shipping_prices(shop: Shop) -> list[int]:
    found: dict[int, None] = {}
    for method in shop.shipping_methods:
        for place in method["zoneRates"]:
            for rate in place["shippingRates"]:
                found[int(rate["price"]["centAmount"])] = None
    return list(found)


def _rates(shop: Shop, country: str) -> dict[str, float]:
    """Share of the tax by key of the tax category."""
    return {
        str(category["key"]): float(rate["amount"])
        for category in shop.tax_categories
        for rate in category["rates"]
        if rate.get("country") == country
    }


def _item(line: Draft, rates: dict[str, float]) -> Item:
    sku = str(line["variant"]["sku"])
    return Item(sku, line["quantity"], unit=_cents(line), otherwise=next(iter(rates.values()), 0.0))


def _cents(line: dict[str, Any]) -> int:
    return int(line["price"]["value"]["centAmount"])
