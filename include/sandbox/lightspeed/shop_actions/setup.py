"""Setting a shop up: outlets, registers, taxes, lookup entities, price books, customers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import price_books, tree
from sandbox.lightspeed.numerals import Number
from sandbox.lightspeed.state import CURRENCY_SYMBOLS, StoreState
from sandbox.locks import locked


class SetUpActions(StoreState):
    """Each `add_...` answers the id of what was added."""

    def make_what_every_store_has(self) -> None:
        """No Tax, an owner, a group of all customers, two ways to pay, the General Price Book."""
        self.no_tax_id = self.add_tax("No Tax", 0)
        self.user_id = self.add_record(self.users, _owner(self.domain_prefix)).id
        self.all_customers_id = self.add_customer_group("All Customers")
        self.add_payment_type("Cash", 1)
        self.add_payment_type("Credit Card", 5)
        base = price_books.book_fields(self, {"name": "General Price Book"}, None) | {"type": "BASE"}
        self.base_book_id = self.add_record(self.price_books, base).id

    @locked
    def add_outlet(self, name: str, *, default_tax_id: str | None = None, **fields: Any) -> str:
        """A shop of the retailer. Without a tax it takes the default one."""
        place: dict[str, Any] = {
            "name": name,
            "time_zone": self.time_zone,
            "default_tax_id": default_tax_id or self.default_tax_id(),
            "currency": self.currency,
            "currency_symbol": CURRENCY_SYMBOLS.get(self.currency, self.currency),
            "display_prices": "exclusive" if self.tax_exclusive else "inclusive",
            "physical_country_id": self.country,
            "attributes": [],
        }
        outlet = self.add_record(self.outlets, place | fields)
        if len(self.outlets.rows) == 1:
            # Its tax is the default of products from now on.
            price_books.follow_all_products(self)
        return outlet.id

    @locked
    def add_register(self, name: str, outlet_id: str, *, is_open: bool = True, **fields: Any) -> str:
        """A till at an outlet; each one adds to the request budget."""
        till = {
            "name": name,
            "outlet_id": outlet_id,
            "invoice_prefix": "",
            "invoice_suffix": "",
            "invoice_sequence": 1,
            "register_close_time": None,
            **(self._opened() if is_open else _CLOSED),
            "cash_managed_payment_type_id": None,
            "ask_for_note_on_save": 0,
        }
        return self.add_record(self.registers, till | fields).id

    @locked
    def open_register(self, register_id: str) -> None:
        """Somebody opens a till; one that is open stays as it is."""
        row = self.registers.rows[register_id]
        if not row.fields["is_open"]:
            row.fields |= self._opened() | {"register_close_time": None}
            self.registers.touch(row)

    @locked
    def close_register(self, register_id: str) -> None:
        """Somebody counts the cash of a till and closes it: it takes no sale until it is opened again."""
        row = self.registers.rows[register_id]
        if row.fields["is_open"]:
            row.fields |= {
                "is_open": False,
                "register_close_time": self.ticker.now_text(),
                "register_open_sequence_id": None,
            }
            self.registers.touch(row)

    def _opened(self) -> dict[str, Any]:
        return {
            "is_open": True,
            "register_open_time": self.ticker.now_text(),
            "register_open_sequence_id": self.new_id(),
        }

    def add_tax(self, name: str, rate: Number, *, is_default: bool = False) -> str:
        """A tax; 0.19 is 19 %."""
        return self.add_tax_group(name, [(name, rate)], is_default=is_default)

    @locked
    def add_tax_group(
        self, name: str, rates: Iterable[tuple[str, Number]], *, is_default: bool = False
    ) -> str:
        """A tax of several rates with their names, which are added up: 0.05 and 0.08 are 13 %."""
        if is_default:
            for tax in self.taxes.live():
                tax.fields["is_default"] = False
        kept = [
            {
                "id": self.new_id(),
                "name": rate_name,
                "display_name": rate_name,
                "rate": Decimal(rate),
                "rules": [],
            }
            for rate_name, rate in rates
        ]
        fields = {"name": name, "display_name": name, "is_default": is_default, "rates": kept}
        tax_id = self.add_record(self.taxes, fields).id
        if is_default and not self.outlets.rows:
            price_books.follow_all_products(self)
        return tax_id

    @locked
    def set_tax_rate(self, tax_id: str, rate: Number, *, rate_name: str | None = None) -> None:
        """A tax has another rate; of a tax of several, the one of that name. Raises `ValueError` for an unknown name.

        Prices stay as they were entered and products don't move in the version feed. What a price book other than the
        General one holds stays without tax. Both are guesses: what really happens is not documented.
        """
        tax = self.taxes.rows[tax_id]
        rates = [each for each in tax.fields["rates"] if rate_name in (None, each["name"])]
        if len(rates) != 1:
            raise ValueError(f"The tax {tax.name} has {len(rates)} rates of that name: name one.")
        rates[0]["rate"] = Decimal(rate)
        self.taxes.touch(tax)
        price_books.follow_all_products(self)

    @locked
    def add_payment_type(self, name: str, type_id: int) -> str:
        """A way to pay. `type_id` is the global kind, which is not unique."""
        return self.add_record(self.payment_types, {"name": name, "type_id": type_id, "config": None}).id

    @locked
    def add_brand(self, name: str, description: str | None = None) -> str:
        """A brand."""
        return self.add_record(self.brands, {"name": name, "description": description}).id

    @locked
    def add_tag(self, name: str) -> str:
        """A tag."""
        return self.add_record(self.tags, {"name": name}).id

    @locked
    def add_supplier(self, name: str, **fields: Any) -> str:
        """A supplier."""
        return self.add_record(self.suppliers, {"name": name, "source": "USER"} | fields).id

    @locked
    def add_variant_attribute(self, name: str) -> str:
        """What variants may differ in, for example Colour."""
        return self.add_record(self.variant_attributes, {"name": name}).id

    @locked
    def add_category(self, name: str, parent_id: str | None = None) -> str:
        """A product category. Its parent is no leaf any more and can take no products."""
        return tree.add(self, name, parent_id).id

    @locked
    def add_customer_group(self, name: str) -> str:
        """A group of customers."""
        return self.add_record(self.customer_groups, {"name": name, "group_id": None}).id

    @locked
    def add_price_book(
        self,
        name: str,
        *,
        customer_groups: Iterable[str] = (),
        outlets: Iterable[str] = (),
        valid_from: str | None = None,
        valid_to: str | None = None,
        platform: str = price_books.EVERYWHERE,
    ) -> str:
        """An empty price book. Groups and outlets are ids, none of them means all; times are RFC 3339 text; the
        platform is "0" for all, "1" for the till, "2" for the web shop."""
        given = {
            "name": name,
            "customer_group_ids": list(customer_groups),
            "outlet_ids": list(outlets),
            "valid_from": valid_from,
            "valid_to": valid_to,
            "restrict_to_platform": platform,
        }
        return self.add_record(self.price_books, price_books.book_fields(self, given, None)).id


_CLOSED = {"is_open": False, "register_open_time": None, "register_open_sequence_id": None}


def _owner(domain_prefix: str) -> dict[str, Any]:
    return {
        "username": f"owner@{domain_prefix}",
        "display_name": "Store Owner",
        "email": f"owner@{domain_prefix}.example",
        "account_type": "admin",
        "roles": [],
        "restricted_outlet_ids": [],
        "is_primary_user": True,
        "enabled": True,
    }
