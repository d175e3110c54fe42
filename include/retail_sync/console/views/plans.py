"""A planned change as a person reads it, field by field: what stands there, what is to stand there, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_sync.console.vocabulary import SYSTEMS, WIDEST, plain
from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.prices import quote_of
from retail_sync.records.sealing import is_sealed, shown

PRICE = "price"
NO_REASONS = frozenset({*SYSTEMS, "place", "figure", "settles"})
"""Keys among the reasons of a change that give figures, not reasons."""
NOWHERE = object()
HEAD = (
    "run", "system", "action", "kind", "record", "subject", "field", "before", "after", "reason", "outcome",
    "error", "what to do", "target id", "unit", "change id", "planned at",
)  # fmt: skip


@dataclass(frozen=True)
class FieldShown:
    """One field of a change. `before`, `after`: text on one line, None where the field is not given; `..._in_full`:
    over several lines where one is too short. `same`: it does not change, and only says what is changed. `dropped`: why
    the target could not hold it."""

    name: str
    before: str | None
    after: str | None
    before_in_full: str | None
    after_in_full: str | None
    reason: str
    same: bool
    dropped: str

    @property
    def is_long(self) -> bool:
        return (self.before, self.after) != (self.before_in_full, self.after_in_full)


def fields_of(change: ChangeRow) -> list[FieldShown]:
    """The fields of a change by name; private values say only that there is one."""
    dropped = {str(pair[0]): str(pair[-1]) for pair in change.dropped}
    return [
        FieldShown(
            name,
            _line(change, name, before),
            _line(change, name, after),
            _in_full(change, name, before),
            _in_full(change, name, after),
            _reason(change, name),
            before == after,
            dropped.get(name, ""),
        )
        for name in sorted({*change.before, *change.after})
        for before, after in [(change.before.get(name, NOWHERE), change.after.get(name, NOWHERE))]
    ]


def reason_of(change: ChangeRow) -> str:
    """Why the change as a whole is made; empty where every field has its own reason."""
    given = change.reasons if isinstance(change.reasons, Mapping) else {}
    fields = {*change.before, *change.after}
    told = [
        str(value)
        for name, value in given.items()
        if name not in fields | NO_REASONS and isinstance(value, str) and value
    ]
    if covers := given.get("settles"):
        told.append(f"settles {', '.join(map(str, covers))}")
    if isinstance(figure := given.get("figure"), Mapping):
        told.extend(_figure(figure))
    return "; ".join(told)


def _figure(figure: Mapping[str, Any]) -> Iterator[str]:
    """A figure of stock with the levels and rules it comes from."""
    places = [f"{one.get('location')} {one.get('level')}" for one in figure.get("places", ())]
    if figure.get("channel"):
        yield f"channel {figure['channel']}"
    steps = [f"{one.get('step')} {one.get('effect')}" for one in figure.get("steps", ())]
    if places:
        yield "from " + ", ".join(places)
    if steps:
        yield ", ".join(steps)
    if figure.get("remark"):
        yield str(figure["remark"])


def _reason(change: ChangeRow, name: str) -> str:
    given = change.reasons if isinstance(change.reasons, Mapping) else {}
    found = given.get(name)
    return found if isinstance(found, str) else ""


def _line(change: ChangeRow, name: str, value: Any) -> str | None:
    if value is NOWHERE:
        return None
    return _price(change, name, value) or plain(_hidden(value))


def _in_full(change: ChangeRow, name: str, value: Any) -> str | None:
    short = _line(change, name, value)
    if short is None or len(short) < WIDEST:
        return short
    clear = _hidden(value)
    return clear if isinstance(clear, str) else json.dumps(clear, ensure_ascii=False, indent=2, default=str)


def _price(change: ChangeRow, name: str, value: Any) -> str:
    """An amount as people write it; empty where it is none."""
    if (change.kind, name) != (PRICE, PRICE) or not isinstance(value, Mapping) or "amount" not in value:
        return ""
    quote = quote_of(value)
    return quote.shown if quote else ""


def _hidden(value: Any) -> Any:
    """Without the digests that stand for private values, however deep they are."""
    if is_sealed(value):
        return shown(value)
    if isinstance(value, Mapping):
        return {name: _hidden(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_hidden(one) for one in value]
    return value


# --- as lines of a file ---


def lines_of(changes: Iterable[ChangeRow]) -> Iterator[tuple[str, ...]]:
    """A line a field, one for a change without fields. Values are as the page shows them; long ones in full."""
    for change in changes:
        general = reason_of(change)
        ends = (
            change.outcome,
            change.error or "",
            change.remedy or "",
            change.target_id or "",
            change.unit,
            change.id,
            change.planned_at.isoformat() if change.planned_at else "",
        )
        starts = (
            change.run_id,
            change.system,
            change.action,
            change.kind,
            change.label or "",
            change.subject,
        )
        shown = [
            (one.name, one.before_in_full or "", one.after_in_full or "", one.reason or general)
            for one in fields_of(change)
        ]
        for name, before, after, reason in shown or [("", "", "", general)]:
            yield (*starts, name, before, after, reason, *ends)
