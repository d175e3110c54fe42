"""What of an order a sale depends on."""

from __future__ import annotations

from typing import Any

from retail_sync.records.currencies import iso_code
from retail_sync.records.orders import Order
from retail_sync.records.types import digest
from retail_sync.sync.orders.till_money import in_own_money

RATE = {"share", "name", "country", "included"}
"""Not the parts of a rate: orders that were exported before these were read are the same as they were."""
LINE: dict[str, Any] = {
    **dict.fromkeys(("id", "kind", "sku", "slug", "quantity", "total", "groups", "taxed"), True),
    "rate": RATE,
}
WHOLE = {"currency", "digits", "total", "taxed", "portions", "total_discount"}


def fingerprint_of(order: Order) -> str:
    """A digest of lines and totals; not of states, payments, returns and marks, which are followed. The same whether
    the order is stated in its own money or in the till's."""
    order = in_own_money(order)
    lines = [line.model_dump(mode="json", include=LINE) for line in order.lines]
    whole = order.model_dump(mode="json", include=WHOLE)
    return digest({"lines": lines, **whole, "currency": iso_code(order.currency)})
