"""Web orders, and their sales, of people who were erased: from then on they are nobody's, and taken as a guest's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.orders import Order
from retail_sync.sync.customers.ruling import forgotten_of
from retail_sync.sync.orders.feeds import ORDERS, SALES, Read


def without_forgotten(ledger: Ledger, read: Read) -> Read:
    """What was read, without the ids of those who are kept out."""
    forgotten = _forgotten(ledger)
    return replace(
        read,
        orders=_nobodys(read.orders, forgotten),
        sales={
            one.id: one.model_copy(update={"customer_id": None})
            if f"{SALES}:{one.customer_id}" in forgotten
            else one
            for one in read.sales.values()
        },
    )


def orders_without_forgotten(ledger: Ledger, orders: Mapping[str, Order]) -> dict[str, Order]:
    """These orders, by id, without the ids of those who are kept out."""
    return _nobodys(orders, _forgotten(ledger))


def _nobodys(orders: Mapping[str, Order], forgotten: Collection[str]) -> dict[str, Order]:
    return {
        one.id: one.model_copy(update={"customer_id": None})
        if f"{ORDERS}:{one.customer_id}" in forgotten
        else one
        for one in orders.values()
    }


def _forgotten(ledger: Ledger) -> frozenset[str]:
    return forgotten_of(ledger.decisions.latest(CUSTOMERS))
