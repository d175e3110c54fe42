"""What of an order a sale depends on."""

from __future__ import annotations

from include.records.orders import Order
from include.records.types import digest

RATE = {"share", "name", "country", "included"}
"""Not the parts of a rate: orders that were exported before these were read are the same as they were."""
LINE = {
    **dict.fromkeys(("id", "kind", "sku", "slug", "quantity", "total", "groups", "taxed"), True),
    "rate": RATE,
}
WHOLE = {"currency", "digits", "total", "taxed", "portions", "total_discount"}


def fingerprint_of(order: Order) -> str:
    """A digest of lines and totals; not of states, payments, returns and marks, which are followed."""
    lines = [line.model_dump(mode="json", include=LINE) for line in order.lines]
    return digest({"lines": lines, **order.model_dump(mode="json", include=WHOLE)})
