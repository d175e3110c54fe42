"""Which orders are exported at all."""

from __future__ import annotations

from datetime import UTC

from retail_sync.records.orders import Order
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.orders import OrderSettings

NOTHING = "nothing was ordered"


def why_not(order: Order, settings: SyncSettings) -> str:
    """Why an order that was never sold is none of ours, in words for a person; empty: it is to be sold."""
    given = settings.orders
    if given.since is None:
        return "no order is exported"
    if order.placed_at.astimezone(UTC).date() < given.since:
        return "placed before the export began"
    if order.origin == "import":
        return "imported, not ordered in the shop"
    if order.number is not None and order.number.startswith(settings.sales.prefix):
        return "it stands for an in-store sale"
    if given.stores and order.store not in given.stores:
        return "of another store"
    if given.channels and order.channel not in given.channels:
        return "of another channel"
    return _not_now(order, given)


def _not_now(order: Order, given: OrderSettings) -> str:
    if order.state == "cancelled":
        return "cancelled before it was exported"
    if order.marks:
        return "exported already, by another hand"
    if order.state not in {one.lower() for one in given.states}:
        return f"not yet: its state is {order.state.capitalize()}"
    if given.payment_states and order.payment_state not in given.payment_states:
        return f"not yet: its payment state is {order.payment_state or 'empty'}"
    if not any(line.quantity for line in order.lines):
        return NOTHING
    return ""
