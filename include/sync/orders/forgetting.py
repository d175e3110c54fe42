"""Web orders, and their sales, of people who were erased: from then on they are nobody's."""

from __future__ import annotations

from dataclasses import replace

from include.ledger.ledger import Ledger
from include.records.customers import ENTITY as CUSTOMERS
from include.sync.customers.ruling import forgotten_of
from include.sync.orders.feeds import ORDERS, SALES, Read


def without_forgotten(ledger: Ledger, read: Read) -> Read:
    """What was read, without the ids of those who are kept out: an order of theirs is taken as a guest's."""
    forgotten = forgotten_of(ledger.decisions.latest(CUSTOMERS))
    if not forgotten:
        return read
    nobodys = {"customer_id": None}
    return replace(
        read,
        orders={
            one.id: one.model_copy(update=nobodys) if f"{ORDERS}:{one.customer_id}" in forgotten else one
            for one in read.orders.values()
        },
        sales={
            one.id: one.model_copy(update=nobodys) if f"{SALES}:{one.customer_id}" in forgotten else one
            for one in read.sales.values()
        },
    )
