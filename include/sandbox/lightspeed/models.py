"""What the catalogue is made of: families, products, codes, suppliers of a product, stock, images, tax overrides,
entries of price books."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.lightspeed.rows import Row

CODE_TYPES = ("CUSTOM", "EAN", "ISBN", "ITF", "JAN", "UPC")
WEIGHT_UNITS = ("CT", "G", "OZ", "LB", "KG")
DIMENSION_UNITS = ("IN", "CM", "MM", "YD")
MOST_ATTRIBUTES = 3

Levels = dict[tuple[str, str], Decimal]
"""Signed quantities by product id and outlet id."""


@dataclass
class Code:
    """A code that scans. The first one of a product is its SKU."""

    id: str
    type: str
    code: str


@dataclass
class ProductSupplier:
    """Who supplies a product, under which code, at which cost. The first one is the default."""

    id: str
    supplier_id: str
    code: str | None = None
    price: Decimal | None = None


@dataclass(kw_only=True)
class Family:
    """What all variants share. A standard product is a family of one, without attributes."""

    id: str
    name: str
    handle: str
    description: str | None = None
    brand_id: str | None = None
    category_id: str | None = None
    tag_ids: list[str] = field(default_factory=list)
    tracked: bool = False
    attribute_ids: list[str] = field(default_factory=list)
    account_code_sale: str | None = None
    account_code_purchase: str | None = None
    parent_id: str = ""
    """The first product. It stays the parent when it is deleted alone: what really happens then is not documented."""
    members: list[str] = field(default_factory=list)
    """Products that are not deleted, in the order of their creation."""


@dataclass(kw_only=True, eq=False)
class Product(Row):
    """One product or variant. `price` is what was entered: with tax in tax-inclusive stores, without it otherwise."""

    family: Family
    codes: list[Code] = field(default_factory=list)
    price: Decimal | None = None
    supply_price: Decimal = Decimal(0)
    loyalty_amount: Decimal | None = None
    active: bool = True
    options: dict[str, str] = field(default_factory=dict)
    suppliers: list[ProductSupplier] = field(default_factory=list)
    tax_id: str | None = None
    outlet_taxes: dict[str, str] = field(default_factory=dict)
    image_ids: list[str] = field(default_factory=list)
    components: list[tuple[str, Decimal]] = field(default_factory=list)
    packaging: list[dict[str, Any]] = field(default_factory=list)
    measures: dict[str, Any] = field(default_factory=dict)
    source: str = "USER"
    source_id: str | None = None
    source_variant_id: str | None = None

    @property
    def sku(self) -> str | None:
        return self.codes[0].code if self.codes else None

    @property
    def parent_id(self) -> str | None:
        return None if self.family.parent_id == self.id else self.family.parent_id


@dataclass(kw_only=True, eq=False)
class Stock(Row):
    """The level of a product at an outlet. It may be negative and fractional."""

    product_id: str
    outlet_id: str
    level: Decimal = Decimal(0)
    average_cost: Decimal = Decimal(0)
    reorder_point: Decimal | None = None
    reorder_amount: Decimal | None = None


@dataclass(kw_only=True, eq=False)
class OutletTax(Row):
    """A tax of a product at an outlet that isn't the outlet's default."""

    product_id: str
    outlet_id: str
    tax_id: str


@dataclass(kw_only=True, eq=False)
class PriceBookProduct(Row):
    """An entry of a price book: what one unit of a product costs from `min_units` to `max_units` units on, each none
    for no bound. `price` is without tax, five decimals, in both kinds of stores."""

    price_book_id: str
    product_id: str
    price: Decimal
    tax_id: str
    min_units: Decimal | None = None
    max_units: Decimal | None = None
    loyalty_value: Decimal | None = None


@dataclass(kw_only=True, eq=False)
class Image(Row):
    """A picture of a product. `reads_left` counts how often it still reports that it is being processed."""

    product_id: str
    url: str
    reads_left: int = 0

    @property
    def status(self) -> str:
        return "processing" if self.reads_left > 0 else "uploaded"
