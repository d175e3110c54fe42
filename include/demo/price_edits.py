"""What happens to prices in a shop: some are changed on either side, one of them by far too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from demo.shops import Pair, Row, Shops, answered

MORE_CENTS = 100
FACTOR = 3
"""A slip of the keyboard: far more than a guard lets through."""


class PriceEdits:
    """`lists`: the price lists of the shop (see `sandbox.shop.config`). Each edit is made through the APIs, and
    returns a sentence for a person. `waiting`: SKU of the price that a guard should hold; None = there is none."""

    def __init__(self, shops: Shops, lists: Sequence[Mapping[str, Any]]) -> None:
        self._shops = shops
        self._owners = {one["book"]: one["owner"] for one in lists if one["book"]}
        self.waiting: str | None = None

    def on_both_sides(self) -> list[str]:
        """Raise a price online, mistype another one; change a price of a book that the till owns, if there is one. Only
        prices are touched that both sides show alike, of products that one side has from the other: those that sync."""
        left = [pair for pair in self._shops.shared_products() if _came_over(pair) and _in_step(pair)]
        done = [self._raise_online(left[0])] if left else []
        done += [self._mistype_online(left[1])] if len(left) > 1 else []
        return [*done, *self._change_in_a_book()]

    def _raise_online(self, pair: Pair) -> str:
        new = self._set_online(pair.online, lambda cents: cents + MORE_CENTS)
        return (
            f"commercetools: {pair.online['masterVariant']['sku']} costs {new} cents now ({MORE_CENTS} more)"
        )

    def _mistype_online(self, pair: Pair) -> str:
        self.waiting = str(pair.online["masterVariant"]["sku"])
        new = self._set_online(pair.online, lambda cents: cents * FACTOR)
        return (
            f"commercetools: {self.waiting} costs {new} cents now, {FACTOR} times as much (expect it to wait)"
        )

    def _set_online(self, product: Row, changed: Any) -> int:
        price = _shelf_price(product)
        assert price is not None  # only such products are taken
        cents = int(changed(price["value"]["centAmount"]))
        value = {"currencyCode": price["value"]["currencyCode"], "centAmount": cents}
        draft = {key: price[key] for key in ("country", "customerGroup", "channel") if key in price}
        action: Row = {
            "action": "changePrice",
            "priceId": price["id"],
            "price": {**draft, "value": value},
            "staged": False,
        }
        self._shops.update_online("products", product, action)
        return cents

    def _change_in_a_book(self) -> Iterator[str]:
        for book in self._shops.at_the_till("price_books"):
            if self._owners.get(book["name"]) != "lightspeed":
                continue
            path = f"/price_books/{book['id']}/products"
            lines = answered(self._shops.till.get(path))["data"]
            if lines:
                product = answered(self._shops.till.get(f"/products/{lines[0]['product_id']}"))["data"]
                price = round(product["price_including_tax"] * 0.9, 2)
                kept = ("id", "product_id", "tax_id")
                line: Row = {**{key: lines[0][key] for key in kept}, "price": price}
                answered(self._shops.till.put(path, json={"data": [line]}))
                yield f"Lightspeed: {product['sku']} costs {price:.2f} in the price book {book['name']} now"
            return


def _came_over(pair: Pair) -> bool:
    """A product that the sync made bears the key of the product it was made from."""
    return str(pair.till.get("source_id") or "").startswith("ct:") or str(
        pair.online.get("key") or ""
    ).startswith("lightspeed-")


def _in_step(pair: Pair) -> bool:
    price = _shelf_price(pair.online)
    if price is None:
        return False
    cents = price["value"]["centAmount"]
    shown = (pair.till.get("price_including_tax"), pair.till.get("price_excluding_tax"))
    return any(amount is not None and round(amount * 100) == cents for amount in shown)


def _shelf_price(product: Row) -> Row | None:
    """The first plain price: for everybody, without dates and discount."""
    special = ("customerGroup", "channel", "validFrom", "validUntil", "discounted", "tiers")
    prices = product["masterVariant"].get("prices") or ()
    return next((price for price in prices if not any(name in price for name in special)), None)
