"""The evidence of a hold as a person compares it: both sides next to each other. Pure, and patient with old shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from retail_sync.console.vocabulary import EVIDENCE
from retail_sync.ledger.rows import Hold

SIDES = ("commercetools", "lightspeed")
HIDDEN = frozenset({"about", "sides", "change", "candidates", *SIDES})
"""Keys that are shown elsewhere, or tell a person nothing."""


@dataclass(frozen=True)
class Table:
    """Columns are records or sides, rows are fields; a cell may be nothing."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Any]]]


def table_of(hold: Hold) -> Table | None:
    """Both values of a conflict, the candidates of a match, the profiles of two customers: side by side."""
    given = given_of(hold)
    candidates = list(_candidates(given))
    if candidates:
        return _of_records(candidates)
    if any(isinstance(given.get(side), Mapping) for side in SIDES):
        return _of_records([(side, given[side]) for side in SIDES if isinstance(given.get(side), Mapping)])
    if any(side in given for side in SIDES):
        values = [given.get(side) for side in SIDES]
        rows: list[tuple[str, Sequence[Any]]] = [(hold.field or "Value", values)]
        changed = given.get("changed")
        if isinstance(changed, Mapping):
            rows.append(("Changed", [changed.get(side) for side in SIDES]))
        return Table(("commercetools", "Lightspeed"), rows)
    return None


def rest_of(hold: Hold) -> list[tuple[str, Any]]:
    """What the table does not show, in words."""
    given = given_of(hold)
    shown = {"changed"} if any(side in given for side in SIDES) else set()
    return [
        (EVIDENCE.get(name, str(name).capitalize()), value)
        for name, value in given.items()
        if name not in HIDDEN | shown and value not in (None, "", [], {})
    ]


def jump_of(hold: Hold) -> str:
    """By how much a guarded price would change, such as `+50.0 %`; empty where it can't be told."""
    given = given_of(hold)
    before, after = (_amount(given.get(name)) for name in ("before", "after"))
    if before is None or after is None or not before:
        return ""
    return f"{(after - before) / before * 100:+.1f} %"


def in_short(hold: Hold) -> str:
    """Both values of a conflict or a price on one line, for the list; empty otherwise."""
    given = given_of(hold)
    values = [given.get(side) for side in SIDES]
    if all(isinstance(value, str | int | float | bool) or value is None for value in values) and any(
        value is not None for value in values
    ):
        return " | ".join("nothing" if value is None else str(value) for value in values)
    return ""


def given_of(hold: Hold) -> Mapping[str, Any]:
    return hold.evidence if isinstance(hold.evidence, Mapping) else {}


def _candidates(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(given.get("profile"), Mapping):
        yield "This one", given["profile"]
    listed = given.get("candidates")
    if isinstance(listed, Mapping):
        for side in SIDES:
            for one in listed.get(side) or ():
                if isinstance(one, Mapping):
                    yield side, one
    elif isinstance(listed, list):
        for one in listed:
            if isinstance(one, Mapping):
                yield str(one.get("system", "")), one


def _of_records(records: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    names: dict[str, None] = {}
    for _, record in records:
        names |= dict.fromkeys(str(name) for name in record if name != "system")
    return Table(
        [f"{side}: {record.get('label') or record.get('id') or ''}" for side, record in records],
        [(name, [record.get(name) for _, record in records]) for name in names],
    )


def _amount(quote: Any) -> Decimal | None:
    """The amount of a quote, whichever way it is held."""
    if isinstance(quote, Mapping):
        quote = next((quote[name] for name in ("amount", "cents", "value") if name in quote), None)
    try:
        return Decimal(str(quote))
    except InvalidOperation:
        return None
