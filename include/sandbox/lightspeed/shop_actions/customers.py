"""What staff do with customers: add, edit and delete them, and make one of two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.lightspeed.customer_rules import FIGURES, WRITABLE, customer_fields
from sandbox.lightspeed.numerals import Number
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState
from sandbox.locks import locked


class CustomerActions(StoreState):
    """Each raises `ValueError` for a field that can't be set, or a customer that isn't there."""

    @locked
    def add_customer(self, **fields: Any) -> str:
        """A customer as an old store may hold it; fields as in `POST /customers`, none of them needed, and the figures
        that only sales move: `balance`, `loyalty_balance`, `year_to_date`. Returns the id."""
        _check_known(fields, WRITABLE | set(FIGURES))
        names: dict[str, Any] = {"first_name": None, "last_name": None}
        kept = customer_fields(self, names | fields, None, checked=False)
        kept |= {name: Decimal(fields[name]) for name in FIGURES if name in fields}
        return self.add_record(self.customers, kept).id

    @locked
    def edit_customer(self, customer_id: str, **fields: Any) -> None:
        """Changes fields of a customer who is not deleted, as in `PUT /customers/{id}`."""
        _check_known(fields, WRITABLE)
        row = self._living_customer(customer_id)
        row.fields |= customer_fields(self, fields, row, checked=False)
        self.customers.touch(row)

    @locked
    def delete_customer(self, customer_id: str) -> None:
        """Deletes a customer softly."""
        self.customers.delete(self._living_customer(customer_id))

    @locked
    def merge_customers(self, kept_id: str, lost_id: str, *, take: Iterable[str] = ()) -> None:
        """Two customers become one, as in the shop's own screens. The first stays, with its own fields but for those
        named in `take`, and with the sales and figures of both. The other is deleted softly: that, and that nothing
        tells who took its place, is inferred."""
        kept, lost = self._living_customer(kept_id), self._living_customer(lost_id)
        if kept is lost:
            raise ValueError("A customer can't be merged with itself.")
        taken = {name: lost.fields[name] for name in take}
        _check_known(taken, WRITABLE)
        kept.fields |= customer_fields(self, taken, kept, checked=False)
        for name in FIGURES:
            kept.fields[name] += lost.fields[name]
            lost.fields[name] = 0
        for sale in self.sales.rows.values():
            if sale.customer_id == lost.id:
                sale.customer_id = kept.id
                self.sales.touch(sale)
        self.customers.touch(kept)
        self.customers.delete(lost)

    @locked
    def set_loyalty_balance(self, customer_id: str, balance: Number) -> None:
        """A customer has earned or spent: the balance is this now. The API itself has no way to set it."""
        row = self._living_customer(customer_id)
        row.fields["loyalty_balance"] = Decimal(balance)
        self.customers.touch(row)

    def _living_customer(self, customer_id: str) -> Record:
        row = self.customers.find(customer_id)
        if row is None:
            raise ValueError(f"There is no customer {customer_id}, or it is deleted.")
        return row


def _check_known(given: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise ValueError(f"Customers have no field {', '.join(unknown)} that can be set.")
