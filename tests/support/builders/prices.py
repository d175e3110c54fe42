"""A small shop for prices: articles that are linked already, both stand-ins over HTTP, whole runs without Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from retail_sync.ledger.rows import MirrorRow
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.prices.feeds import ENTITY
from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.commercetools.world import official_bodies
from tests.support.builders.base import Builder, aligned
from tests.support.links import pair
from tests.support.worlds import World, open_world

STANDARD, REDUCED = Decimal("0.19"), Decimal("0.07")
OUTLETS = ("Nord", "Süd")

BASE = {
    "name": "Shelf",
    "owner": "commercetools",
    "commercetools": {"currency": "EUR", "country": "DE"},
    "lightspeed": {"base": True},
}
VIP = {
    "name": "VIP",
    "owner": "commercetools",
    "commercetools": {"currency": "EUR", "country": "DE", "customer_group": "vip"},
    "lightspeed": {"price_book": "VIP", "customer_groups": ["vip"]},
    "create_price_book": True,
}


class Priced(Builder):
    """The shop."""

    entity = ENTITY

    def __init__(self, world: World, taxes: Mapping[str, str] | None = None) -> None:
        super().__init__(world)
        self.taxes = dict(taxes or {})
        self.articles: dict[str, str] = {}
        self.variants: dict[str, str] = {}

    # --- setting up ---

    def add_article(
        self,
        sku: str,
        price: Any = "10.00",
        *,
        prices: Sequence[Mapping[str, Any]] = (),
        tax: str = "standard",
        standalone: bool = False,
        supply_price: Any = None,
        linked: bool = True,
    ) -> str:
        """An article at the till at this price (in the store's mode), and online with these price drafts, linked by
        products."""
        given: dict[str, Any] = {"sku": sku, "price": str(price)}
        if supply_price is not None:
            given["supply_price"] = str(supply_price)
        tax_id = self.taxes[tax]
        if self.till.tax_exclusive:
            outlets = [row.id for row in self.till.outlets.live()]
            given["outlet_taxes"] = [{"outlet_id": outlet, "tax_id": tax_id} for outlet in outlets]
        else:
            given["all_outlets_tax"] = {"tax_id": tax_id}
        (article,) = self.till.add_product_family(sku, **given)
        product = self.online.create(
            "products",
            {
                "productType": {"typeId": "product-type", "key": "thing"},
                "name": {"en": sku},
                "slug": {"en": f"slug-{sku}"},
                "key": f"key-{sku}",
                "taxCategory": {"typeId": "tax-category", "key": tax},
                "priceMode": "Standalone" if standalone else "Embedded",
                "masterVariant": {
                    "sku": sku,
                    **({} if standalone else {"prices": [dict(p) for p in prices]}),
                },
                "publish": True,
            },
        )
        for draft in prices if standalone else ():
            self.online.create("standalone-prices", {"sku": sku, **draft})
        self.articles[sku], self.variants[sku] = str(article), f"{product['id']}:1"
        self._see(sku)
        if linked:
            self.link(sku)
        return str(article)

    def _see(self, sku: str) -> None:
        """What a run of products leaves in the mirror."""
        for system, record in (("commercetools", self.variants[sku]), ("lightspeed", self.articles[sku])):
            row = MirrorRow(
                id=record, parent_id=record, label=sku, digest=sku, fields={"sku": sku}, version=1
            )
            self.ledger.mirror.see("products", "variant", system, "products", [row])

    def link(self, sku: str) -> None:
        self.ledger.links.add([pair(self.variants[sku], self.articles[sku], run_id="products")])

    # --- people at work ---

    def product_id(self, sku: str) -> str:
        return self.variants[sku].partition(":")[0]

    def price_at_till(self, sku: str, price: Any) -> None:
        """Somebody types a price at the till."""
        self.till.edit_product(self.articles[sku], price=str(price))

    def price_online(self, sku: str, cents: int, *, at: int = 0, **scope: Any) -> None:
        """Somebody types a price online: the price in this scope, else the one at this place of the list."""
        prices = self.offers(sku)
        found = next((p for p in prices if scope and _in(p, scope)), prices[at] if not scope else None)
        assert found is not None
        if "version" in found:
            value = {"currencyCode": found["value"]["currencyCode"], "centAmount": cents}
            self.online.update(
                "standalone-prices", [{"action": "changeValue", "value": value}], id=found["id"]
            )
            return
        draft = _draft(found)
        draft["value"] = {"currencyCode": found["value"]["currencyCode"], "centAmount": cents}
        self.online.update(
            "products",
            [{"action": "changePrice", "priceId": found["id"], "price": draft, "staged": False}],
            id=self.product_id(sku),
        )

    def remove_online(self, sku: str, at: int = 0) -> None:
        found = self.offers(sku)[at]
        self.online.update(
            "products",
            [{"action": "removePrice", "priceId": found["id"], "staged": False}],
            id=self.product_id(sku),
        )

    def add_online(self, sku: str, draft: Mapping[str, Any]) -> None:
        self.online.update(
            "products",
            [{"action": "addPrice", "variantId": 1, "price": dict(draft), "staged": False}],
            id=self.product_id(sku),
        )

    # --- looking ---

    def offers(self, sku: str) -> list[dict[str, Any]]:
        """The prices of a SKU online, embedded or standalone, as commercetools holds them."""
        product = self.online.get("products", id=self.product_id(sku))
        assert product is not None
        if product.get("priceMode") == "Standalone":
            return [row for row in self.online.all("standalone-prices") if row["sku"] == sku]
        return list(product["masterData"]["current"]["masterVariant"].get("prices") or ())

    def cents(self, sku: str) -> list[int]:
        """The amounts of all active prices of a SKU online."""
        return [row["value"]["centAmount"] for row in self.offers(sku) if row.get("active", True)]

    def at_till(self, sku: str) -> Decimal:
        """The price of an article at the till, in the store's mode."""
        row = self.till.product(self.articles[sku])
        return Decimal(str(row["price_excluding_tax" if self.till.tax_exclusive else "price_including_tax"]))

    def in_book(self, book: str) -> dict[str, list[tuple[Any, Any, Decimal]]]:
        """What a price book shows by SKU: (from, to, price without tax), in the order of quantities."""
        skus = {article: sku for sku, article in self.articles.items()}
        found: dict[str, list[tuple[Any, Any, Decimal]]] = {}
        for row in self.till.book_prices(self.book_id(book)):
            line = (_number(row["min_units"]), _number(row["max_units"]), Decimal(str(row["price"])))
            found.setdefault(skus[row["product_id"]], []).append(line)
        return {sku: sorted(lines, key=lambda line: line[0] or 0) for sku, lines in found.items()}

    def book_id(self, name: str) -> str:
        return next(row.id for row in self.till.price_books.live() if row.fields["name"] == name)

    def state(self) -> Any:
        """Every price in both systems, for 'nothing changed' assertions."""
        books = {
            row.fields["name"]: self.till.book_prices(row.id)
            for row in self.till.price_books.live()
            if row.fields["type"] != "BASE"
        }
        return (
            {sku: self.offers(sku) for sku in self.articles},
            {sku: str(self.at_till(sku)) for sku in self.articles},
            {name: [{**row} for row in rows] for name, rows in books.items()},
        )

    def price_writes(self) -> list[str]:
        """Requests that wrote prices since `forget_requests`."""
        return self.written(but=["/custom-objects"])


def eur(cents: int, country: str | None = "DE", **more: Any) -> dict[str, Any]:
    """A price draft."""
    scope = {"country": country} if country else {}
    return {"value": {"currencyCode": "EUR", "centAmount": cents}, **scope, **more}


def group(key: str) -> dict[str, Any]:
    return {"customerGroup": {"typeId": "customer-group", "key": key}}


def tiers(*steps: tuple[int, int]) -> dict[str, Any]:
    return {
        "tiers": [
            {"minimumQuantity": units, "value": {"currencyCode": "EUR", "centAmount": cents}}
            for units, cents in steps
        ]
    }


def _in(price: Mapping[str, Any], scope: Mapping[str, Any]) -> bool:
    return all(price.get(name) == value for name, value in scope.items())


def _draft(price: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: price[name] for name in ("country", "validFrom", "validUntil", "key") if name in price}
    for name in ("customerGroup", "channel"):
        if name in price:
            kept[name] = {"typeId": price[name]["typeId"], "id": price[name]["id"]}
    if "tiers" in price:
        kept["tiers"] = [
            {
                "minimumQuantity": tier["minimumQuantity"],
                "value": {k: tier["value"][k] for k in ("currencyCode", "centAmount")},
            }
            for tier in price["tiers"]
        ]
    return kept


def _number(value: Any) -> Any:
    return None if value is None else int(Decimal(str(value)))


@contextmanager
def priced(
    ledger_url: str,
    staging: Path,
    lists: Sequence[Mapping[str, Any]],
    *,
    exclusive_store: bool = False,
    net_online: bool = False,
    currency: str = "EUR",
    seed: int = 0,
    **prices: Any,
) -> Iterator[Priced]:
    """The shop with these lists; without articles. `exclusive_store`: the till keeps prices without tax. `net_online`:
    prices online are without tax. `prices`: further settings of that section."""
    online = CommercetoolsStore("priced", seed=seed)
    till = LightspeedStore(seed=seed, tax_exclusive=exclusive_store, currency=currency)
    online.validate_requests = official_bodies()
    taxes = {
        "standard": till.add_tax("MwSt 19 %", STANDARD, is_default=True),
        "reduced": till.add_tax("MwSt 7 %", REDUCED),
    }
    for name in OUTLETS:
        till.add_register(f"Kasse {name}", till.add_outlet(name))
    online.set_project(currencies=["EUR", "GBP", "USD"], countries=["DE", "GB", "AT"], languages=["en"])
    online.create("product-types", {"key": "thing", "name": "Thing", "description": "", "attributes": []})
    for key, share in (("standard", STANDARD), ("reduced", REDUCED)):
        rates = [
            {"name": country, "amount": float(share), "includedInPrice": not net_online, "country": country}
            for country in ("DE", "GB", "AT")
        ]
        online.create("tax-categories", {"key": key, "name": key, "rates": rates})
    online.create("channels", {"key": "b2b", "roles": ["ProductDistribution"]})
    for key in ("vip", "trade"):
        online.create("customer-groups", {"key": key, "groupName": key})
        till.add_customer_group(key)
    settings = SyncSettings.model_validate(
        {
            "locations": [{"name": name, "outlet": name} for name in OUTLETS],
            "products": {
                "price": {"owner": "none", "currency": currency},
                "tax_classes": [
                    {"name": "Standard", "commercetools": "standard", "lightspeed": "MwSt 19 %"},
                    {"name": "Reduced", "commercetools": "reduced", "lightspeed": "MwSt 7 %"},
                ],
            },
            "prices": {"lists": [dict(one) for one in lists], **prices},
            "limits": {"commercetools": {"trail_seconds": 0}},
        }
    )
    with open_world(settings, online, till, ledger_url, staging, seed=seed) as world:
        aligned(world.ledger, "products")
        yield Priced(world, taxes)
