"""What an assistant does with customers at the till: edits them, deletes them, makes one of two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.lightspeed.customer_rules import FIGURES, WRITABLE, customer_fields
from sandbox.lightspeed.rows import Record

if TYPE_CHECKING:
    from sandbox.lightspeed.store import LightspeedStore, Number


def add(store: LightspeedStore, given: Mapping[str, Any]) -> str:
    """A customer as an old store may hold it, figures included."""
    _check_known(given, WRITABLE | set(FIGURES))
    names: dict[str, Any] = {"first_name": None, "last_name": None}
    fields = customer_fields(store, names | dict(given), None, checked=False)
    fields |= {name: Decimal(given[name]) for name in FIGURES if name in given}
    return store.customers.add(Record(id=store.new_id(), fields=fields)).id


def edit(store: LightspeedStore, customer_id: str, given: Mapping[str, Any]) -> None:
    """Fields of a customer who is not deleted."""
    _check_known(given, WRITABLE)
    row = _alive(store, customer_id)
    row.fields |= customer_fields(store, dict(given), row, checked=False)
    store.customers.touch(row)


def delete(store: LightspeedStore, customer_id: str) -> None:
    """A soft delete."""
    store.customers.delete(_alive(store, customer_id))


def merge(store: LightspeedStore, kept_id: str, lost_id: str, take: Iterable[str]) -> None:
    """One of the two stays, with its own fields but for those taken from the other, and with the sales and figures of
    both. The other is deleted softly: that, and that nothing tells who took its place, is inferred."""
    kept, lost = _alive(store, kept_id), _alive(store, lost_id)
    if kept is lost:
        raise ValueError("A customer can't be merged with itself.")
    taken = {name: lost.fields[name] for name in take}
    _check_known(taken, WRITABLE)
    kept.fields |= customer_fields(store, taken, kept, checked=False)
    for name in FIGURES:
        kept.fields[name] += lost.fields[name]
        lost.fields[name] = 0
    for sale in store.sales.rows.values():
        if sale.customer_id == lost.id:
            sale.customer_id = kept.id
            store.sales.touch(sale)
    store.customers.touch(kept)
    store.customers.delete(lost)


def set_loyalty_balance(store: LightspeedStore, customer_id: str, balance: Number) -> None:
    """What sales and redemptions come to; the API itself has no way to set it."""
    row = _alive(store, customer_id)
    row.fields["loyalty_balance"] = Decimal(balance)
    store.customers.touch(row)


def _alive(store: LightspeedStore, customer_id: str) -> Record:
    row = store.customers.find(customer_id)
    if row is None:
        raise ValueError(f"There is no customer {customer_id}, or it is deleted.")
    return row


def _check_known(given: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise ValueError(f"Customers have no field {', '.join(unknown)} that can be set.")
