"""Customers of the till, as `lightspeed.json` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed.customer_rules import FIGURES, WRITABLE
from sandbox.shop.model import LightspeedShop, ShopError
from sandbox.shop.price_books import ALL_CUSTOMERS

_OURS = frozenset({"about", "group", "deleted"})
_KNOWN = (WRITABLE - {"customer_group_id", "tax_id"}) | set(FIGURES) | _OURS


def check_customers(till: LightspeedShop, file: Path) -> None:
    """Raises ShopError where a customer has a field that is none, an unknown group, or a figure that is no text."""
    groups = {*till.customer_groups, ALL_CUSTOMERS}
    for position, customer in enumerate(till.customers, start=1):
        where = f"customer {position} ({customer.get('customer_code') or 'no code'})"
        unknown = sorted(customer.keys() - _KNOWN)
        if unknown:
            raise ShopError(
                f"{where} has the field {unknown[0]!r}, which customers don't have.",
                file=file,
                remedy=f"Use {', '.join(sorted(_KNOWN))}.",
            )
        if customer.get("group", ALL_CUSTOMERS) not in groups:
            raise ShopError(
                f"{where} names the customer group {customer['group']!r}, which is not listed.",
                file=file,
                remedy="List it.",
            )
        for name in FIGURES:
            if name in customer and not _is_figure(customer[name]):
                raise ShopError(
                    f"{where}: {name} {customer[name]!r} is no decimal text.",
                    file=file,
                    remedy='Write it like "12.50".',
                )


def _is_figure(value: Any) -> bool:
    """Text only: an amount that JSON holds as a number has been a float on its way here."""
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def add_customers(till: LightspeedShop, store: LightspeedStore, groups: Mapping[str, str]) -> None:
    """Puts them into the store in their order, then deletes those who are deleted. `groups` are ids by name."""
    gone: list[str] = []
    for customer in till.customers:
        fields = {name: value for name, value in customer.items() if name not in _OURS}
        if "group" in customer:
            fields["customer_group_id"] = groups[customer["group"]]
        id = store.add_customer(**fields)
        if customer.get("deleted"):
            gone.append(id)
    for id in gone:
        store.delete_customer(id)
