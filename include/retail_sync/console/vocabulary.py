"""The words of the pages: how times, numbers and values look, and what codes of the ledger are called.

A code that a page shows is named here and nowhere else. Sentences are the templates' and the views' business, escaping
the templates'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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


def many(count: int, one: str, more: str = "") -> str:
    """`1 hold`, `1 204 holds`; `more` where an s is not enough."""
    return f"{number(count)} {one if count == 1 else more or f'{one}s'}"


def linked(kind: str, count: int) -> str:
    """`4 variants`, `1 variant`; of what a person named (a list of prices) `4 in Outlet Hamburg`."""
    if kind not in KINDS:
        return f"{number(count)} in {kind}"
    return many(count, kind, KINDS[kind])


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


# --- codes of the ledger ---

OUTCOME_TITLES = {
    "planned": "not done yet",
    "applied": "applied",
    "already_there": "already there",
    "failed": "failed",
    "not_applied": "not applied",
    "superseded": "superseded",
}
OUTCOME_TONES = {
    "applied": "good",
    "already_there": "good",
    "failed": "bad",
    "planned": "warn",
    "not_applied": "plain",
}
RUN_TONES = {"succeeded": "good", "failed": "bad", "running": "warn"}
DONE_TO = {
    "create": "Created in",
    "update": "Updated in",
    "delete": "Deleted in",
    "sell": "Sold in",
    "return": "Returned in",
    "refund": "Refunded in",
    "import": "Imported into",
    "mark": "Marked in",
}
DECISIONS = {
    "approve": "approved",
    "reject": "rejected",
    "left": "the value of commercetools counts",
    "right": "the value of Lightspeed counts",
}
PRESSED: Mapping[str, str] = {
    "retry": "tried again now",
    "dismiss": "dismissed",
    "show": "shown again",
    "left": "settled with the value of commercetools",
    "right": "settled with the value of Lightspeed",
    "choose": "matched with the chosen record",
    "approve": "approved",
    "reject": "rejected",
    "same": "said to be one person",
    "apart": "said to be two people",
}
EVIDENCE = {
    "last agreed": "Last agreed on",
    "partner": "Linked with",
    "changed": "Changed",
    "identifier": "Identified by",
    "value": "Value",
    "wanted": "Was to be written",
    "target": "Into",
    "compared": "Compared",
    "list": "Price list",
    "owner": "Owner",
    "before": "Price now",
    "after": "Price wanted",
}
FOUND_BY = {
    "sku": "SKU",
    "barcode": "barcode",
    "key": "product key",
    "name": "product name",
    "id": "id",
    "entry": "id of a stock entry",
    "link": "id of a link, or of a linked record that was never read",
    "label": "name that changes used",
    "email": "e-mail address",
}
NUMBERED = {"customer": "customer number", "order": "order number", "sale": "sale or receipt number"}
ENTRY_TONES = {"agrees": "good", "waits": "warn", "stuck": "bad", "left": "plain"}
ENTRY_STATES = {
    "agrees": "shows its figure",
    "waits": "differs: the next run writes it",
    "stuck": "differs: somebody has to look",
    "left": "left alone",
}
AGGREGATES = {"min": "the least of ", "max": "the most of ", "priority": "the first that has stock of "}
RULE_EFFECTS = {
    "cap": "of which {} count",
    "share": "{} of it may be offered",
    "rounding": "rounded {}",
    "packs": "in {}",
    "floor": "{} shows as 0",
    "show at most": "never more than {}",
    "short": "but {}",
}
WITHHELD = {
    "open web orders": "in open web orders",
    "buffer": "kept back",
    "safety stock": "kept back there",
}
RULE_CHOICES: Mapping[str, Sequence[tuple[str, str]]] = {
    "aggregate": (
        ("sum", "the sum of them"),
        ("min", "the least of them"),
        ("max", "the most of them"),
        ("priority", "the first that has stock"),
        ("share", "a share of each"),
    ),
    "rounding": (("down", "down"), ("nearest", "to the nearest"), ("up", "up")),
    "pack_shows": (("units", "single units"), ("packs", "packs")),
}
RULE_NUMBERS: Sequence[tuple[str, str]] = (
    ("safety_stock", "Kept back at each location"),
    ("cap", "Cap: at most so many count"),
    ("buffer_units", "Buffer, units"),
    ("buffer_percent", "Buffer, percent"),
    ("pack_size", "Pack size"),
    ("floor", "Floor: less shows as 0"),
    ("show_at_most", "Show at most"),
)
RULE_LABELS: Mapping[str, str] = {
    "aggregate": "Of several locations",
    "rounding": "Parts of a unit are rounded",
    "pack_shows": "The channel counts",
    **dict(RULE_NUMBERS),
}
IN_LETTERS = ("no", "one", "two", "three", "four", "five", "six")


def action_title(action: str, *, done: bool) -> str:
    """`Created in`, or `To be created in` where it is not done."""
    if action not in DONE_TO:
        return f"{action.replace('_', ' ').capitalize()} in"
    return DONE_TO[action] if done else f"To be {DONE_TO[action].lower()}"
