"""What a shopper has in the basket and how he pays: what `check_out` makes an order of. Amounts are minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.commercetools.errors import Json

Group = tuple[int, int]
"""How many units cost how much each after a discount."""


@dataclass(frozen=True)
class Item:
    """Units of one variant. `unit`: instead of the variant's price. `groups`: what units cost after discounts (empty:
    there are none; units that no group names stay at their price). `rate`: share of the tax, instead of that of the
    variant's tax category; `otherwise`: of a SKU the shop does not have. `gift`: they cost nothing. `by_method`: how
    many units go by which shipment of the basket (their keys), with their own rates where they go to other countries;
    empty: all by the first."""

    sku: str
    quantity: int = 1
    channel: str | None = None
    """Key of the supply channel."""
    sold_by: str | None = None
    """Key of the distribution channel."""
    unit: int | None = None
    groups: tuple[Group, ...] = ()
    rate: float | None = None
    otherwise: float | None = None
    gift: bool = False
    by_method: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Extra:
    """A custom line: gift wrapping, or with a negative amount a discount. `tax_category`: key; `rate`: share of the
    tax instead."""

    slug: str
    money: int
    quantity: int = 1
    name: str = ""
    tax_category: str | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Shipped:
    """How it is shipped. `price` and `discounted`: instead of what the method costs there. `method`: key of a shipping
    method; without one, `name` is all that is known of it. `key`: of one shipment among several (`shippingMode`
    Multiple); `country`: where that one goes, instead of where the order goes."""

    method: str | None = None
    price: int | None = None
    discounted: int | None = None
    name: str = "Shipping"
    rate: float | None = None
    key: str = ""
    country: str | None = None


Moved = tuple[str, str, int | None]
"""(type, state, amount) of a transaction; None is the amount of the payment."""


@dataclass(frozen=True)
class Pay:
    """One payment. `amount`: None is what is left to pay. `transactions`: None is one successful charge of it."""

    method: str | None = "card"
    interface: str | None = "psp"
    amount: int | None = None
    transactions: tuple[Moved, ...] | None = None


CARD = Pay()


@dataclass(frozen=True)
class Basket:
    """Everything of an order before it is one. `shipments`: several ways it is shipped, instead of `shipped`; each has
    a key. `total_discount`: taken off the whole, not off any line; `off_shipping`: off shipping by the same share as
    off the goods, as the API documents it of cart discounts with the target `totalPrice`, not off the goods alone.
    `included`: whether prices hold their tax, whatever the tax category says; `taxed`: False is an order without taxes
    (`Disabled`). `by_unit`: taxes are rounded for each unit. `mode`: of the inventory. `fields`: laid over the order.
    """

    items: tuple[Item, ...]
    extras: tuple[Extra, ...] = ()
    shipped: Shipped | None = None
    shipments: tuple[Shipped, ...] = ()
    total_discount: int = 0
    off_shipping: bool = False
    payments: tuple[Pay, ...] = (CARD,)
    number: str | None = None
    customer: str | None = None
    """Id."""
    email: str | None = None
    """Of somebody without an account."""
    country: str = "DE"
    currency: str = "EUR"
    store: str | None = None
    """Key."""
    mode: str = "None"
    included: bool | None = None
    taxed: bool = True
    by_unit: bool = False
    address: Json = field(default_factory=dict)
    """Laid over the shipping address."""
    fields: Mapping[str, Any] = field(default_factory=dict)
