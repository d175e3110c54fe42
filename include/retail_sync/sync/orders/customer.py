"""Whose sale it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from retail_sync.records.orders import Order
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.plan import World
from retail_sync.sync.orders.saying import held, ruled


def customer_of(order: Order, world: World) -> tuple[str | None, Sequence[Remark]]:
    """The till's customer of an order, and what is to be said about it. Raises Held (`customer_unlinked`) while it
    waits for its customer."""
    given, guest = world.settings.orders.customers, world.terms.guest_id
    if order.customer_id is None:
        bearers = {world.bearers[token] for token in order.email_tokens if token in world.bearers}
        return (bearers.pop() if given.by_email and len(bearers) == 1 else guest), ()
    linked = world.customers.get(order.customer_id)
    if linked is not None:
        return linked, ()
    until = order.placed_at + timedelta(hours=given.wait_hours)
    if given.unlinked == "wait" and world.now < until:
        raise held(
            "customer_unlinked",
            "The customer has no partner at the till yet.",
            f"Nothing: it waits for the DAG `customers` until {until:%Y-%m-%d %H:%M} UTC at most.",
            field="customer_id",
            customer=order.customer_id,
            until=until.isoformat(),
        )
    return guest, ruled(
        world.settings.orders.rules.guest_instead,
        "guest_instead",
        "The customer has no partner at the till; the sale goes to the guest.",
        "Run `customers`, and look why this one is not linked; the sale can be given to them at the till.",
        customer=order.customer_id,
    )
