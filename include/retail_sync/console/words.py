"""How values look on a page: times, numbers, and values of records. Escaping is the templates' business."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

WIDEST = 300
UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def when(moment: datetime | None) -> str:
    """`2026-11-27 14:05:09 UTC`; a dash for no time."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "–"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """`3 hours ago`, `in 5 minutes`; a dash for no time."""
    if moment is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    told = lasting(abs(seconds))
    return f"{told} ago" if seconds >= 0 else f"in {told}"


def lasting(seconds: float | None) -> str:
    """`3 hours`, in the largest unit of which there are at least two, or one."""
    if seconds is None:
        return "–"
    for size, name in UNITS:
        if seconds >= size * (2 if size > 1 else 1) or size == 1:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "0 seconds"


def number(value: float | None) -> str:
    """With thin groups of thousands: `1 204 000`."""
    if value is None:
        return "–"
    whole = isinstance(value, int) or float(value).is_integer()
    return (f"{int(value):,}" if whole else f"{value:,.1f}").replace(",", "\u202f")


def plain(value: Any) -> str:
    """A value of a record on one line. What is long is cut; what is nothing says so."""
    if value is None:
        return "nothing"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list | tuple):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def linked(kind: str, count: int) -> str:
    """`4 variants`, `1 variant`; of what a person named (a list of prices) `4 in Outlet Hamburg`."""
    if kind not in KINDS:
        return f"{number(count)} in {kind}"
    return f"{number(count)} {kind if count == 1 else KINDS[kind]}"


def entity_title(entity: str) -> str:
    return TITLES.get(entity, entity.capitalize())


KINDS = {
    "product": "products",
    "variant": "variants",
    "stock": "stock entries",
    "customer": "customers",
    "order": "orders",
    "sale": "sales",
}
"""Kinds of links that are words of ours, and their plurals. All others are names."""
TITLES = {
    "products": "Products",
    "prices": "Prices",
    "inventory": "Inventory",
    "customers": "Customers",
    "orders": "Orders",
    "sales": "In-store sales",
}
SYSTEMS = {"commercetools": "commercetools", "lightspeed": "Lightspeed"}


def system_title(system: str | None) -> str:
    return SYSTEMS.get(system or "", system or "–")
