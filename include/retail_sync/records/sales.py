"""Sales of the till as documents: the same whether they are written (a web order) or read (an in-store sale).

Unit prices and taxes are Decimal with up to five digits, as the till keeps them; what was paid is in whole minor
units. Nothing of a card, and nobody's name, is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from retail_sync.records.orders import Document

ENTITY = "sales"
KIND = "sale"
PLACES = 5
"""Decimal digits a till keeps of a unit's price and tax."""

SaleState = Literal["parked", "pending", "closed", "voided"]
SaleAttribute = Literal["onaccount", "layby", "pickup", "delivery", "service"]


class SaleLine(Document):
    """Units of one article at one price."""

    id: str | None = None
    """The till's; None: not written yet."""
    product_id: str
    sku: str | None = None
    name: str = ""
    quantity: Decimal
    """Negative: it comes back."""
    price: Decimal
    """Of a unit, without tax, after discounts."""
    tax: Decimal
    """Of a unit."""
    tax_id: str
    discount: Decimal = Decimal(0)
    """Of a unit, without tax, already taken off `price`: for information."""
    note: str = ""
    sequence: int = 0
    order_line: str | None = None
    """Id of the web order's line it stands for; not known to the till."""


class Tender(Document):
    """One payment; negative: it was paid back."""

    id: str | None = None
    payment_type_id: str
    name: str = ""
    amount: int
    """Minor units."""
    at: datetime | None = None


class Sale(Document):
    """One sale, whole. `total` and `tax`: as the till computed them; of one that is to be written: what it must come
    to."""

    id: str
    version: int | None = None
    state: SaleState
    attributes: tuple[SaleAttribute, ...] = ()
    outlet_id: str | None = None
    register_id: str | None = None
    customer_id: str | None = None
    number: str = ""
    """Invoice number; empty: the register gives one."""
    source_type: str = ""
    """Which system it came from; empty: the till itself."""
    source_id: str | None = None
    sold_at: datetime
    modified_at: datetime | None = None
    deleted_at: datetime | None = None
    note: str = ""
    lines: tuple[SaleLine, ...] = ()
    tenders: tuple[Tender, ...] = ()
    total: Decimal
    """Tax included."""
    tax: Decimal
    loyalty: Decimal = Decimal(0)
    return_of: str | None = None
    """Id of the sale whose goods come back."""
    returns: tuple[str, ...] = ()
    """Ids of sales that took goods of this one back."""

    @property
    def label(self) -> str:
        """What a person knows it by."""
        return self.number or self.id


@dataclass(frozen=True)
class Register:
    """A till."""

    id: str
    name: str
    outlet_id: str
    is_open: bool


@dataclass(frozen=True)
class TillTax:
    """A tax of the till. `parts`: id and share of each rate it is made of."""

    id: str
    name: str
    rate: Decimal
    parts: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True)
class SaleTerms:
    """What a store says of itself, as far as sales need it. `outlets`, `payment_types`: id by name; `registers` by
    name, `taxes` by name; `products`: id of each service article the settings name by SKU; `user_id`: who sells;
    `guest_id`: the customer of orders without one (None: none)."""

    currency: str
    digits: int
    user_id: str
    no_tax_id: str
    outlets: dict[str, str] = field(default_factory=dict)
    registers: dict[str, Register] = field(default_factory=dict)
    payment_types: dict[str, str] = field(default_factory=dict)
    taxes: dict[str, TillTax] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    guest_id: str | None = None
