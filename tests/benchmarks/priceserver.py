"""Both stand-ins with the prices of a large shop, in a process of their own (see `server`).

`python -m tests.benchmarks.priceserver 50000`. Each article has a shelf price and one for regulars online; the till
shows the shelf prices already, and has an empty price book for regulars.
"""

from __future__ import annotations

import random
import sys
from decimal import Decimal
from typing import Any

from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.benchmarks.server import StandIns, an_hour_ago
from tests.benchmarks.stockshop import sku_of

VARIANTS = 10
"""Variants of a product online."""
RATE = Decimal("0.19")
SHELF, REGULARS = "Shelf", "Regulars"


def shelf_cents(number: int) -> int:
    return 500 + number % 9973 * 7


def regular_cents(number: int) -> int:
    return shelf_cents(number) * 9 // 10


def settings() -> dict[str, Any]:
    online = {"currency": "EUR", "country": "DE"}
    return {
        "locations": [{"name": "Shop", "outlet": "Shop"}],
        "products": {"price": {"owner": "none"}},
        "prices": {
            "lists": [
                {
                    "name": SHELF,
                    "owner": "commercetools",
                    "commercetools": online,
                    "lightspeed": {"base": True},
                },
                {
                    "name": REGULARS,
                    "owner": "commercetools",
                    "commercetools": {**online, "customer_group": "regulars"},
                    "lightspeed": {"price_book": REGULARS},
                },
            ]
        },
    }


class PriceShops(StandIns):
    orders = ("ids", "edit", "apart")

    def __init__(self, articles: int) -> None:
        clock = an_hour_ago()
        super().__init__(CommercetoolsStore(clock=clock), LightspeedStore())
        self.count = articles
        self._price_online()
        self._price_at_the_till()
        clock.run()

    def _price_online(self) -> None:
        online = self.online
        rate = {"name": "VAT", "amount": float(RATE), "includedInPrice": True, "country": "DE"}
        online.create("tax-categories", {"key": "standard", "name": "Standard", "rates": [rate]})
        online.create("product-types", {"key": "thing", "name": "Thing", "description": "", "attributes": []})
        online.create("customer-groups", {"key": "regulars", "groupName": "Regulars"})
        self.variants: list[str] = []
        for start in range(0, self.count, VARIANTS):
            numbers = range(start, min(start + VARIANTS, self.count))
            drafts = [
                {
                    "sku": sku_of(n),
                    "prices": [_price(shelf_cents(n)), _price(regular_cents(n), regulars=True)],
                }
                for n in numbers
            ]
            product = online.create(
                "products",
                {
                    "productType": {"typeId": "product-type", "key": "thing"},
                    "key": f"thing-{start}",
                    "name": {"de-DE": f"Thing {start}"},
                    "slug": {"de-DE": f"thing-{start}"},
                    "taxCategory": {"typeId": "tax-category", "key": "standard"},
                    "masterVariant": drafts[0],
                    "variants": drafts[1:],
                    "publish": True,
                },
            )
            self.variants += [f"{product['id']}:{1 + n - start}" for n in numbers]

    def _price_at_the_till(self) -> None:
        till = self.till
        till.add_tax("VAT", RATE, is_default=True)
        till.add_register("Till", till.add_outlet("Shop"))
        self.book = till.add_price_book(REGULARS)
        self.articles = [
            till.add_product_family(f"Thing {n}", sku=sku_of(n), price=Decimal(shelf_cents(n)) / 100)[0]
            for n in range(self.count)
        ]

    # --- orders ---

    def ids(self) -> dict[str, list[str]]:
        """Ids of all articles, at the till and online, by number."""
        return {"till": self.articles, "online": self.variants}

    def edit(self, count: int) -> int:
        """Somebody gives `count` products, spread over the shop, another shelf price for their first variant."""
        chance = random.Random(count)
        for at in chance.sample(range(0, self.count, VARIANTS), count):
            product = self.online.get("products", key=f"thing-{at}")
            assert product is not None
            shelf = product["masterData"]["current"]["masterVariant"]["prices"][0]
            draft = _price(shelf["value"]["centAmount"] + 10)
            self.online.update(
                "products",
                [{"action": "changePrice", "priceId": shelf["id"], "price": draft, "staged": False}],
                key=f"thing-{at}",
            )
        # A window ends a minute behind the clock.
        self.online.clock.advance(minutes=2)
        return count

    def apart(self) -> int:
        """How many prices at the till are not what they have to be."""
        wanted: dict[str, tuple[int, int]] = {}
        for product in self.online.all("products"):
            side = product["masterData"]["current"]
            for variant in (side["masterVariant"], *side["variants"]):
                shelf, regular = (price["value"]["centAmount"] for price in variant["prices"])
                wanted[variant["sku"]] = shelf, regular
        lines = {row["product_id"]: Decimal(str(row["price"])) for row in self.till.book_prices(self.book)}
        wrong = 0
        for number, article in enumerate(self.articles):
            shelf, regular = wanted[sku_of(number)]
            wrong += self.till.products.rows[article].price != Decimal(shelf) / 100
            net = (Decimal(regular) / 100 / (1 + RATE)).quantize(Decimal("0.00001"))
            wrong += abs(lines.get(article, Decimal(-1)) - net) > Decimal("0.00001")
        return wrong


def _price(cents: int, *, regulars: bool = False) -> dict[str, Any]:
    group = {"customerGroup": {"typeId": "customer-group", "key": "regulars"}} if regulars else {}
    return {"value": {"currencyCode": "EUR", "centAmount": cents}, "country": "DE", **group}


def main() -> None:
    size = int(sys.argv[1])
    PriceShops(size).serve(settings())


if __name__ == "__main__":
    main()
