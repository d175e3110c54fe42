"""What a sale is made of, and its legacy status."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.lightspeed.models import Levels
from sandbox.lightspeed.rows import Row

STATES = ("parked", "pending", "closed", "voided")
ATTRIBUTES = ("onaccount", "layby", "delivery", "pickup", "service")
EXCLUSIVE = (frozenset({"onaccount", "layby"}), frozenset({"pickup", "delivery"}))

_PENDING = {
    "onaccount": "ONACCOUNT",
    "layby": "LAYBY",
    "delivery": "AWAITING_DISPATCH",
    "pickup": "AWAITING_PICKUP",
    "service": "SERVICE",
}
_CLOSED = {
    "onaccount": "ONACCOUNT_CLOSED",
    "layby": "LAYBY_CLOSED",
    "delivery": "DISPATCHED_CLOSED",
    "pickup": "PICKED_UP_CLOSED",
    "service": "SERVICE_CLOSED",
}


@dataclass(kw_only=True)
class SaleLine:
    """A line. `price` and `tax` are for one unit, the price without tax; a negative quantity is a return."""

    id: str
    product_id: str
    quantity: Decimal
    price: Decimal
    tax_id: str
    tax: Decimal
    cost: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    loyalty: Decimal = Decimal(0)
    sequence: int = 0
    is_price_override: bool = False
    note: str = ""
    returned_line_id: str | None = None
    """The line of the original sale that this one takes back."""


@dataclass(kw_only=True)
class SalePayment:
    """A payment; `config_id` is the retailer's payment type."""

    id: str
    config_id: str
    amount: Decimal
    date: str
    register_id: str | None = None
    deleted_at: str | None = None


@dataclass(kw_only=True, eq=False)
class Sale(Row):
    """One sale, in whatever state."""

    state: str = "parked"
    attributes: list[str] = field(default_factory=list)
    user_id: str = ""
    register_id: str | None = None
    outlet_id: str | None = None
    source_type: str = ""
    source_id: str | None = None
    date: str = ""
    customer_id: str | None = None
    note: str = ""
    invoice_number: str = ""
    short_code: str = ""
    lines: list[SaleLine] = field(default_factory=list)
    payments: list[SalePayment] = field(default_factory=list)
    adjustments: list[Any] = field(default_factory=list)
    original_id: str | None = None
    return_ids: list[str] = field(default_factory=list)
    moved: Levels = field(default_factory=dict)
    """What it has moved in stock so far."""
    earned: tuple[str, Decimal] | None = None
    """Whose loyalty balance it has raised so far, and by how much."""

    @property
    def status(self) -> str:
        """The legacy status. Which one it is with several attributes is inferred: the first of `ATTRIBUTES`."""
        named = next((each for each in ATTRIBUTES if each in self.attributes), None)
        match self.state:
            case "parked":
                return "SAVED"
            case "voided":
                return "VOIDED"
            case "pending":
                return _PENDING[named] if named else "OPEN"
        return _CLOSED[named] if named else "CLOSED"

    @property
    def total(self) -> Decimal:
        """To pay, with tax. Adjustments of the whole sale are kept as they are given and not counted."""
        return sum(((line.price + line.tax) * line.quantity for line in self.lines), Decimal(0))

    @property
    def loyalty(self) -> Decimal:
        return sum((line.loyalty * line.quantity for line in self.lines), Decimal(0))

    @property
    def paid(self) -> Decimal:
        return sum((each.amount for each in self.payments if each.deleted_at is None), Decimal(0))
