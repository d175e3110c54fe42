"""What a consignment is made of, and the ways its status may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.lightspeed.models import Levels
from sandbox.lightspeed.rows import TIMES, Record, Row, picked

FLOWS = {
    "SUPPLIER": ("OPEN", "SENT", "DISPATCHED", "RECEIVED"),
    "OUTLET": ("OPEN", "SENT", "RECEIVED"),
    "RETURN": ("OPEN", "SENT"),
    "STOCKTAKE": (
        "STOCKTAKE",
        "STOCKTAKE_SCHEDULED",
        "STOCKTAKE_IN_PROGRESS",
        "STOCKTAKE_IN_PROGRESS_PROCESSED",
        "STOCKTAKE_COMPLETE",
    ),
}
"""Statuses in their order; that steps may be left out is inferred."""

FIRST = {"SUPPLIER": "OPEN", "OUTLET": "OPEN", "RETURN": "OPEN", "STOCKTAKE": "STOCKTAKE_SCHEDULED"}
"""The status of a consignment that is created without one."""

ENDS = frozenset({"RECEIVED", "CANCELLED", "CLOSED", "STOCKTAKE_COMPLETE"})
"""Nothing about the consignment changes any more."""

SCOPES = {
    "SUPPLIER": "consignments:write:stock_order",
    "RETURN": "consignments:write:stock_order",
    "OUTLET": "consignments:write:stock_transfer",
    "STOCKTAKE": "consignments:write:inventory_count",
}


@dataclass(kw_only=True, eq=False)
class ConsignmentLine(Row):
    """A product of a consignment. `count` is what was ordered, sent or expected; `received` what arrived or was
    counted, none until somebody says so."""

    product_id: str
    count: Decimal | None = None
    received: Decimal | None = None
    cost: Decimal | None = None

    @property
    def arrived(self) -> Decimal:
        """What comes in: as received, or all of it where nobody said how much."""
        return self.received if self.received is not None else self.sent

    @property
    def sent(self) -> Decimal:
        return self.count if self.count is not None else Decimal(0)


@dataclass(kw_only=True, eq=False)
class Consignment(Record):
    """A delivery, a transfer, a return to a supplier, or a stocktake."""

    lines: dict[str, ConsignmentLine] = field(default_factory=dict)
    moved: Levels = field(default_factory=dict)
    """What it has moved in stock so far; a stocktake sets levels and moves none."""

    @property
    def type(self) -> str:
        return str(self.fields["type"])

    @property
    def status(self) -> str:
        return str(self.fields["status"])


def text_of(value: Decimal | None) -> str | None:
    """`60.00000`, as quantities of consignments are printed."""
    return None if value is None else f"{value:.5f}"


def quantities_wire(line: ConsignmentLine) -> dict[str, str | None]:
    """Quantities and cost of a product of a consignment, as text."""
    return {name: text_of(getattr(line, name)) for name in ("count", "received", "cost")}


def line_wire(line: ConsignmentLine, sku: str | None) -> dict[str, Any]:
    """A product of a consignment as the API prints it."""
    wire = {
        **picked(line, f"product_id {TIMES} version"),
        **quantities_wire(line),
        "product_sku": sku,
        "is_included": True,
        "status": "PENDING" if line.received is None else "SUCCESS",
    }
    return {key: value for key, value in wire.items() if value is not None or key != "received"}


def totals_wire(consignment: Consignment) -> dict[str, str]:
    """Figures of all products together, as text."""
    lines = consignment.lines.values()
    none = Decimal(0)
    received = [(line.received or none, line.cost or none) for line in lines]
    sent = [(line.sent, line.cost or none) for line in lines]
    return {
        "total_sent_count": f"{sum((count for count, _ in sent), none):.5f}",
        "total_sent_cost": f"{sum((count * cost for count, cost in sent), none):.10f}",
        "total_received_count": f"{sum((count for count, _ in received), none):.5f}",
        "total_received_cost": f"{sum((count * cost for count, cost in received), none):.10f}",
    }
