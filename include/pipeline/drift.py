"""The report of a reconciliation: what differs between both systems, field by field, figure by figure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from airflow.sdk import get_current_context

from include.ledger.rows import ChangeRow
from include.pipeline import telling
from include.pipeline.context import bench_of
from include.pipeline.runs import Order
from include.pipeline.stock_engine import outlet_names, place_name
from include.records.customers import KIND as CUSTOMER
from include.records.orders import ENTITY as ORDERS
from include.records.orders import KIND as ORDER
from include.records.prices import quote_of
from include.records.sales import ENTITY as SALES
from include.records.sales import KIND as SALE
from include.records.sealing import shown as hidden
from include.records.stock import shown
from include.settings.customers import CustomerSettings
from include.settings.models import SyncSettings
from include.settings.prices import PriceSettings
from include.settings.products import ProductSettings
from include.sync.prices.feeds import KIND as PRICE
from include.sync.stock.feeds import ENTITY as STOCK_ENTITY
from include.sync.stock.planning import KIND as STOCK

DOCUMENTS = (ORDERS, SALES)
"""Entities of which something may be wrong that no write would mend."""
SHOWN = 50
WIDEST = 40


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


def report(entity: str, order: Order) -> dict[str, Any]:
    """Tell what the plan of this run would change; the whole list is staged as `drift`, counts are returned."""
    context = cast("Mapping[str, Any]", get_current_context())
    with bench_of(context, entity, order, settled=True) as bench:
        changes = bench.ledger.changes.read(bench.run_id)
        outlets = outlet_names(bench) if entity == STOCK_ENTITY else {}
        found = [one for change in changes for one in differences(change, bench.settings, outlets)]
        bench.staging.write_document("drift", [asdict(one) for one in found])
        told = bench.staging.read_document("plan")["warnings"] if entity in DOCUMENTS else []
        place = str(bench.staging.folder / "drift.json.gz")
    by_field = dict(Counter(f"{one.system}: {one.field}" for one in found).most_common())
    by_action = dict(Counter(f"{change.system}: {change.action}" for change in changes).most_common())
    by_location = dict(Counter(name for one in found for name in one.places).most_common())
    telling.say(
        *telling.counts("changes that would bring both sides together", by_action),
        *telling.counts("channel" if by_location else "field", by_field),
        *(telling.counts("location behind a figure that differs", by_location) if by_location else []),
        *telling.table(
            ["system", "record", "field", "shows", "should show", "because"],
            [
                [one.system, _short(one.label), one.field, _short(one.stands), _short(one.wanted), one.owner]
                for one in found[:SHOWN]
            ],
        ),
        *([f"... and {len(found) - SHOWN} more: {place}"] if len(found) > SHOWN else []),
        *_told_besides(told),
    )
    return {
        "changes": len(changes),
        "by_action": by_action,
        "by_field": by_field,
        "by_location": by_location,
        "told": dict(Counter(one["code"] for one in told).most_common()),
        "report": place,
    }


def _told_besides(warnings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What no write would mend: a sale without its order, totals that differ."""
    if not warnings:
        return []
    rows = [[_short(one["label"]), one["code"], one["message"]] for one in warnings[:SHOWN]]
    more = len(warnings) - SHOWN
    return [
        *telling.table(["record", "what", "in words"], rows),
        *([f"... and {more} more: table `holds` of the ledger."] if more > 0 else []),
    ]


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
            "level",
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
        settings.of(name).owner,
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


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
