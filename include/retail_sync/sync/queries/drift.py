"""Planned changes as the differences they come from: field by field, figure by figure. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.inventory import shown
from retail_sync.records.orders import KIND as ORDER
from retail_sync.records.prices import quote_of
from retail_sync.records.sales import KIND as SALE
from retail_sync.records.sealing import shown as hidden
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.settings.models.prices import PriceSettings
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.inventory.planner import KIND as STOCK
from retail_sync.sync.inventory.planner import place_name
from retail_sync.sync.prices.feeds import KIND as PRICE

LEVEL = "level"
"""The field of a difference that is about a level of the till."""


@dataclass(frozen=True)
class Difference:
    """One field of one record. `stands` is what `system` shows, `wanted` what the rules would write there. `places`:
    for stock, the locations behind the figure with their levels."""

    system: str
    kind: str
    label: str
    what: str
    field: str
    stands: Any
    wanted: Any
    owner: str
    places: Mapping[str, str] = dataclasses.field(default_factory=dict)


def differences(
    change: ChangeRow, settings: SyncSettings, outlets: Mapping[str, str]
) -> Iterator[Difference]:
    """A planned change as the differences it comes from. `outlets`: names of locations by the ids of their outlets."""
    if change.kind == STOCK:
        yield _of_stock(change, outlets)
    elif change.kind == PRICE:
        yield _of_price(change, settings.prices)
    elif change.kind == CUSTOMER:
        yield from _of_customer(change, settings.customers)
    elif change.kind in (ORDER, SALE):
        yield _of_document(change)
    else:
        yield from _of_products(change, settings.products)


def _of_stock(change: ChangeRow, outlets: Mapping[str, str]) -> Difference:
    """A figure of a channel with the levels it comes from, or a level of a location that somebody else counts."""
    label, target = change.label or change.subject, place_name(change, outlets)
    if change.action == "adjust":
        shows, wanted = (shown(int(side["level"])) for side in (change.before, change.after))
        return Difference(
            change.system,
            change.kind,
            label,
            change.action,
            LEVEL,
            shows,
            wanted,
            "the online entry",
            {target: shows},
        )
    explained = change.reasons.get("figure", {})
    places = {one["location"]: one["level"] for one in explained.get("places", ())}
    because = ", ".join(f"{name} {level}" for name, level in places.items())
    return Difference(
        change.system,
        change.kind,
        label,
        change.action,
        target,
        change.before.get("available"),
        change.after["available"],
        because,
        places,
    )


def _of_price(change: ChangeRow, settings: PriceSettings) -> Difference:
    """A price of one list. Amounts are as the system holds them, with tax or without."""
    name = str(change.after["list"])
    stands, wanted = quote_of(change.before.get("price")), quote_of(change.after.get("price"))
    return Difference(
        change.system,
        change.kind,
        change.label or change.subject,
        change.action,
        f"list {name}",
        stands.shown if stands else None,
        wanted.shown if wanted else None,
        # The settings of today may know the list no more.
        next((one.owner for one in settings.lists if one.name == name), "none"),
    )


def _of_customer(change: ChangeRow, settings: CustomerSettings) -> Iterator[Difference]:
    """A customer field by field; of private values only that they differ."""
    label = change.label or change.subject
    if change.action != "update":
        wanted = "exists" if change.action == "create" else "gone"
        yield Difference(change.system, change.kind, label, change.action, "(the customer)", None, wanted, "")
        return
    for name in sorted(change.after):
        stands, wanted = hidden(change.before.get(name)), hidden(change.after[name])
        yield Difference(
            change.system, change.kind, label, change.action, name, stands, wanted, settings.owner_of(name)
        )


def _of_document(change: ChangeRow) -> Difference:
    """An order or sale as a whole: what is missing of it in the other system."""
    sale = change.after.get("sale") or {}
    wanted = sale.get("total") or change.after.get("gross") or "done"
    return Difference(
        change.system,
        change.kind,
        change.label or change.subject,
        change.action,
        f"({change.action})",
        None,
        wanted,
        str(change.reasons.get("why", "")),
    )


def _of_products(change: ChangeRow, settings: ProductSettings) -> Iterator[Difference]:
    """A record that is missing differs as a whole."""
    label = change.label or change.subject
    if change.action == "create":
        yield Difference(change.system, change.kind, label, "missing", "(the record)", None, "exists", "")
        return
    for name in sorted(change.after):
        yield Difference(
            change.system,
            change.kind,
            label,
            change.action,
            name,
            change.before.get(name),
            change.after[name],
            settings.owner_of(name),
        )
