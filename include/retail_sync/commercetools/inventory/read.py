"""Wire rows of stock: cut down to what is needed, and read into canonical tables. Pure.

Orders name people. What is not in the tables of this module's columns is dropped before a row goes anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.shapes import ENTRY, ORDER_OF_STOCK
from retail_sync.commercetools.api.trimming import Tree, scalars, trimmed_to
from retail_sync.commercetools.api.variants import variant_of
from retail_sync.records.channels import NO_CHANNEL
from retail_sync.records.inventory import ENTRY_COLUMNS, ORDER_COLUMNS, stock_table
from retail_sync.records.rows import read_rows
from retail_sync.records.types import canonical_json

Row = Mapping[str, Any]

CANCELLED = "Cancelled"
"""The state of an order that was called off."""

_CHANNEL = scalars("id")
_ENTRY: Tree = {
    **scalars("id", "version", "sku", "quantityOnStock", "availableQuantity", "lastModifiedAt"),
    "supplyChannel": _CHANNEL,
}
_ORDER: Tree = {
    **scalars("id", "version", "createdAt", "lastModifiedAt", "orderNumber", "orderState", "inventoryMode"),
    "syncInfo": {**scalars("syncedAt"), "channel": _CHANNEL},
    "lineItems": {
        **scalars("productId", "quantity", "inventoryMode"),
        "supplyChannel": _CHANNEL,
        "variant": scalars("id", "sku"),
    },
}


def trimmed_entry(row: Row) -> dict[str, Any]:
    """The entry without custom fields and whatever else is not looked at."""
    return trimmed_to(_ENTRY, row)


def trimmed_order(row: Row) -> dict[str, Any]:
    """The order without anybody who ordered, pays or receives: which goods, from where, and what became of it."""
    return trimmed_to(_ORDER, row)


def entries_table(rows: Sequence[Row], channels: Mapping[str, str]) -> pd.DataFrame:
    """ENTRY_COLUMNS. `channels`: keys by id. Raises UnreadableRows."""
    return read_rows(
        rows,
        lambda sound: stock_table(ENTRY_COLUMNS, (_entry(row, channels) for row in sound)),
        system=SYSTEM,
        what="inventory entries",
        shape=ENTRY,
    )


def _entry(row: Row, channels: Mapping[str, str]) -> tuple[Any, ...]:
    return (
        row["id"],
        row.get("sku"),
        channel_of(row, channels),
        _whole(row.get("quantityOnStock")),
        _whole(row.get("availableQuantity")),
        _whole(row.get("version")),
        row.get("lastModifiedAt"),
    )


def _whole(value: Any) -> int | None:
    return None if value is None or value == "" else int(value)


def orders_table(
    rows: Sequence[Row], channels: Mapping[str, str], *, closed: Iterable[str], export_channel: str
) -> pd.DataFrame:
    """ORDER_COLUMNS. `closed`: states in which an order holds nothing. `export_channel`: key of the channel with which
    orders are marked as exported. Raises UnreadableRows."""
    ended = frozenset(closed)
    return read_rows(
        rows,
        lambda sound: stock_table(
            ORDER_COLUMNS, (_order(row, channels, ended, export_channel) for row in sound)
        ),
        system=SYSTEM,
        what="orders",
        shape=ORDER_OF_STOCK,
    )


def _order(
    row: Row, channels: Mapping[str, str], ended: Collection[str], export_channel: str
) -> tuple[Any, ...]:
    return (
        row["id"],
        row.get("orderNumber"),
        _whole(row.get("version")),
        row.get("lastModifiedAt"),
        row.get("createdAt"),
        row.get("orderState") not in ended,
        row.get("orderState") == CANCELLED,
        _exported_at(row, channels, export_channel),
        canonical_json(_lines(row, channels)),
    )


def channel_of(row: Row, channels: Mapping[str, str]) -> str:
    """The key of the supply channel; `?id` for one that is not in the list of channels."""
    pointer = row.get("supplyChannel")
    if not isinstance(pointer, Mapping):
        return NO_CHANNEL
    channel_id = str(pointer.get("id", ""))
    return channels.get(channel_id, f"?{channel_id}")


def _exported_at(row: Row, channels: Mapping[str, str], export_channel: str) -> str | None:
    """The first mark of that channel: from then on the till knows the order, whatever is marked again later."""
    marks = (
        str(mark["syncedAt"])
        for mark in row.get("syncInfo") or ()
        if mark.get("syncedAt") and channels.get(_id_of(mark.get("channel"))) == export_channel
    )
    return min(marks, default=None)


def _lines(row: Row, channels: Mapping[str, str]) -> list[list[Any]]:
    """[SKU, channel, units, variant], units summed by the others. A line without a SKU can be in no entry. Every
    inventory mode counts: whether the platform lowers its own figures for an order does not change which goods it
    takes."""
    units: dict[tuple[str, str, str], int] = {}
    for line in row.get("lineItems") or ():
        sku = (line.get("variant") or {}).get("sku")
        if sku:
            key = (str(sku), channel_of(line, channels), variant_of(line) or "")
            units[key] = units.get(key, 0) + int(line.get("quantity") or 0)
    return [[sku, channel, count, variant] for (sku, channel, variant), count in sorted(units.items())]


def _id_of(pointer: Any) -> str:
    return str(pointer.get("id") or "") if isinstance(pointer, Mapping) else ""
