"""Web orders as documents: what was ordered, what it came to, how it was paid, what became of it.

An order is written to the till once, as a whole, so it is one document and not rows of tables. Amounts are whole
minor units of the order's one currency, as the online shop states them; nothing here is computed. Nobody's name,
address or e-mail address is in it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ENTITY = "orders"
KIND = "order"

OrderState = Literal["open", "confirmed", "complete", "cancelled"]
LineKind = Literal["article", "custom", "shipping"]
TransactionType = Literal["authorization", "cancel_authorization", "charge", "refund", "chargeback"]
TransactionState = Literal["initial", "pending", "success", "failure"]
ReturnedGoods = Literal["advised", "returned", "back_in_stock", "unusable"]
ReturnedMoney = Literal["none", "initial", "refunded", "refused"]


class Document(BaseModel):
    """Frozen; a name nobody declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Taxed(Document):
    """What something costs without and with tax."""

    net: int
    gross: int


class RatePart(Document):
    """One of the taxes a rate is made of: of the state, the county, the city."""

    share: Decimal
    name: str = ""


class Rate(Document):
    """A tax as the order states it."""

    share: Decimal
    """0.19 for 19 %."""
    name: str = ""
    country: str | None = None
    """ISO 3166-1."""
    included: bool = False
    """Whether prices hold it."""
    parts: tuple[RatePart, ...] = ()
    """What it is made of, together `share`; empty: it is one tax. Where it has parts, the order's portions are
    theirs."""


class Portion(Document):
    """What one rate came to in the whole order."""

    rate: Decimal
    name: str = ""
    tax: int


class PriceGroup(Document):
    """Units of one line that cost the same each."""

    quantity: int
    unit: int
    """After discounts, on the order's side of tax."""


class OrderLine(Document):
    """Goods, a custom line (which may be negative), or the shipping of an order."""

    id: str
    kind: LineKind
    sku: str | None = None
    """Under which it was ordered; it may be called otherwise by now."""
    variant: str | None = None
    """Id of the variant, as products have it; None: the shop does not say."""
    slug: str | None = None
    """Name of a custom line for machines; of shipping: the key or name of its method."""
    name: str = ""
    """In the till's language where there is one."""
    quantity: int = 1
    unit: int
    """Before discounts, on the order's side of tax."""
    total: int
    """After the line's own discounts, on the order's side of tax."""
    groups: tuple[PriceGroup, ...] = ()
    """Where units of it cost different amounts; empty: they all cost the same."""
    rate: Rate | None = None
    taxed: Taxed | None = None
    """What the shop says it is without and with tax; None: it does not say."""
    channel: str | None = None
    """Key of the supply channel that serves it."""


class Transaction(Document):
    """One movement of money."""

    id: str
    type: TransactionType
    state: TransactionState
    amount: int
    at: datetime | None = None


class Payment(Document):
    """A way somebody paid, without anything that identifies a card or an account."""

    id: str
    method: str | None = None
    interface: str | None = None
    transactions: tuple[Transaction, ...] = ()


class ReturnItem(Document):
    """Part of a line that comes back, or whose money goes back."""

    id: str
    line: str
    """Id of the line."""
    quantity: int
    goods: ReturnedGoods
    money: ReturnedMoney
    at: datetime | None = None


class Mark(Document):
    """Where the order names what it was exported as."""

    external_id: str | None = None
    at: datetime | None = None


class Order(Document):
    """One order, whole."""

    id: str
    version: int
    number: str | None = None
    placed_at: datetime
    modified_at: datetime
    origin: Literal["customer", "merchant", "import"] = "customer"
    """`import`: it was put there by an interface, not ordered in the shop."""
    currency: str
    digits: int = 2
    """Fraction digits of the currency."""
    grain: int = 1
    """Smallest amount of the order's money, in minor units: 100 where it is counted in whole units only online, and
    stated here in the till's minor units (see `retail_sync.sync.orders.till_money`)."""
    state: OrderState
    payment_state: str | None = None
    """As the shop names it: Paid, BalanceDue, Pending, Failed, CreditOwed."""
    shipment_state: str | None = None
    """As the shop names it."""
    store: str | None = None
    """Key."""
    country: str | None = None
    """Of the order, else where it is shipped to."""
    channel: str | None = None
    """Key of the channel that sold it, where all its lines agree."""
    shipping_method: str | None = None
    """Key or name."""
    customer_id: str | None = None
    email_tokens: tuple[str, ...] = ()
    """Sealed (see `retail_sync.records.sealing`); only where the settings look guests up by it."""
    lines: tuple[OrderLine, ...]
    total: int
    """What is to pay, on the order's side of tax."""
    taxed: Taxed | None = None
    """What is to pay without and with tax; None: the order is not taxed."""
    portions: tuple[Portion, ...] = ()
    total_discount: int = 0
    """Taken off the whole order and not in any line; on the order's side of tax, not negative."""
    discount_taxed: Taxed | None = None
    """What `total_discount` is without and with tax; None: the order does not say."""
    shipping_taxed: Taxed | None = None
    """What all shipping comes to after its part of `total_discount`; None: the order does not say."""
    payments: tuple[Payment, ...] = ()
    returns: tuple[ReturnItem, ...] = ()
    marks: tuple[Mark, ...] = Field(default=())
    """Entries of our channel."""

    @property
    def label(self) -> str:
        """What a person knows it by."""
        return self.number or self.id

    @property
    def gross(self) -> int:
        """What the customer pays, tax included."""
        return self.taxed.gross if self.taxed is not None else self.total
