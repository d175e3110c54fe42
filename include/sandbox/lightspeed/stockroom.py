"""The hands in the stockroom: orders, deliveries, transfers and counts, each as a consignment of its own."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.lightspeed import consignments

if TYPE_CHECKING:
    from sandbox.lightspeed.store import LightspeedStore, Number


def transfer(
    store: LightspeedStore, product_id: str, source_id: str, outlet_id: str, quantity: Number
) -> str:
    """Sent and received at once."""
    transferred = _opened(
        store, "OUTLET", "Transfer", outlet_id, [(product_id, quantity)], source_outlet_id=source_id
    )
    for status in ("SENT", "RECEIVED"):
        consignments.update(store, store.consignments.rows[transferred], {"status": status})
    return transferred


def order(
    store: LightspeedStore, outlet_id: str, lines: Iterable[tuple[str, Number]], due_at: str | None
) -> str:
    """An order that was sent to a supplier."""
    ordered = _opened(store, "SUPPLIER", "Order", outlet_id, lines, due_at=due_at)
    consignments.update(store, store.consignments.rows[ordered], {"status": "SENT"})
    return ordered


def receive(store: LightspeedStore, consignment_id: str) -> None:
    """All that was sent arrives, unless it is said already how much did."""
    consignment = store.consignments.rows[consignment_id]
    for line in list(consignment.lines.values()):
        if line.received is None:
            consignments.put_line(store, consignment, {"product_id": line.product_id, "received": line.sent})
    consignments.update(store, consignment, {"status": "RECEIVED"})


def count(store: LightspeedStore, product_id: str, outlet_id: str, level: Number) -> str:
    """A stocktake of one product, completed."""
    counted = _opened(store, "STOCKTAKE", "Count", outlet_id, [])
    consignment = store.consignments.rows[counted]
    expected = store.stock_level(product_id, outlet_id) or Decimal(0)
    line = {"product_id": product_id, "count": max(expected, Decimal(0)), "received": Decimal(level)}
    consignments.put_line(store, consignment, line)
    consignments.update(store, consignment, {"status": "STOCKTAKE_COMPLETE"})
    return counted


def _opened(
    store: LightspeedStore,
    kind: str,
    name: str,
    outlet_id: str,
    lines: Iterable[tuple[str, Number]],
    **fields: Any,
) -> str:
    given = {"type": kind, "name": name, "outlet_id": outlet_id, **fields}
    consignment = consignments.create(store, given)
    for product_id, quantity in lines:
        line = {"product_id": product_id, "count": Decimal(quantity)}
        consignments.put_line(store, consignment, line, accumulate=True)
    return consignment.id
