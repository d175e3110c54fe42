"""What a shop folder holds once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Draft = dict[str, Any]


class ShopError(Exception):
    """A shop folder can't be read: what is wrong, in which file and row, and what to do about it."""

    def __init__(self, message: str, *, file: Path | str, remedy: str, row: int | None = None) -> None:
        self.message = message
        self.file = str(file)
        self.row = row
        self.remedy = remedy
        place = f"{self.file}, row {row}" if row is not None else self.file
        super().__init__(f"{place}: {message} What to do: {remedy}")


@dataclass(frozen=True)
class LightspeedShop:
    """The till side, by names: whatever refers to something else does so by its name, never by an id.

    `families` are products as the till has them: `name`, `options` (names of at most three options) and
    `variants` with `sku`, `codes`, `options` (values, same order), `price` and `supply_price` (decimal text in
    the retailer's currency, tax as `retailer["tax_exclusive"]` says) and `inventory` (outlet name -> count).
    `price_books` have a `name` and may have `customer_groups`, `outlets` (none: all of them), `valid_from`,
    `valid_to`, and `prices`: SKU -> decimal text in the same tax mode, or a list of [units from which on, price].
    `customers` have the fields of `POST /customers` and may have `group` (a name), `deleted`, and decimal text for
    `balance`, `loyalty_balance`, `year_to_date`.
    `derived` tells that the folder has no `lightspeed.json` and this side was made up from the online shop.
    """

    retailer: Draft
    outlets: list[Draft]
    registers: list[Draft]
    taxes: list[Draft]
    payment_types: list[Draft]
    users: list[Draft]
    brands: list[str]
    categories: list[Draft]
    suppliers: list[str]
    tags: list[str]
    families: list[Draft]
    customer_groups: list[str] = field(default_factory=list)
    price_books: list[Draft] = field(default_factory=list)
    customers: list[Draft] = field(default_factory=list)
    derived: bool = False


@dataclass(frozen=True)
class Shop:
    """One shop: commercetools drafts in the order in which they can be created, and the till side.

    Every reference in a draft is a resource identifier by `key`. `products` are ProductDrafts; `orders` are
    OrderImportDrafts. Money is integer minor units.
    """

    path: Path
    name: str
    project: Draft
    types: list[Draft]
    product_types: list[Draft]
    tax_categories: list[Draft]
    categories: list[Draft]
    channels: list[Draft]
    stores: list[Draft]
    zones: list[Draft]
    shipping_methods: list[Draft]
    products: list[Draft]
    inventory: list[Draft]
    customers: list[Draft]
    orders: list[Draft]
    lightspeed: LightspeedShop
    customer_groups: list[Draft] = field(default_factory=list)

    def variants(self) -> list[tuple[Draft, Draft]]:
        """Every (product, variant) pair, master variant first."""
        return [
            (product, variant)
            for product in self.products
            for variant in (product["masterVariant"], *product.get("variants", []))
        ]

    @property
    def locales(self) -> list[str]:
        return [str(locale) for locale in self.project["languages"]]
