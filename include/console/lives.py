"""What happened, and how a record stands, in words. Private values say only that there is one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from include.console import accounts
from include.console.searched import record_path
from include.console.words import plain, system_title
from include.ledger.both_sides import PRIVATE, BothSides, Side, kind_at
from include.ledger.rows import ChangeRow, Link
from include.ledger.searching import SYSTEMS
from include.ledger.timeline import DecisionRow, EventRow, ExchangeHead, Happening, HeldRow
from include.records.customers import PRIVATE as PRIVATE_FIELDS
from include.records.customers import is_private
from include.records.orders import Order
from include.records.sales import Sale
from include.records.sealing import is_sealed, shown

DID = {
    "create": "Created in",
    "update": "Updated in",
    "delete": "Deleted in",
    "sell": "Sold in",
    "return": "Returned in",
    "refund": "Refunded in",
    "import": "Imported into",
    "mark": "Marked in",
}
WAS_TO = {
    "create": "To be created in",
    "update": "To be updated in",
    "delete": "To be deleted in",
    "sell": "To be sold in",
    "return": "To be returned in",
    "refund": "To be refunded in",
    "import": "To be imported into",
    "mark": "To be marked in",
}
VERDICTS = {
    "approve": "approved",
    "reject": "rejected",
    "left": "the value of commercetools counts",
    "right": "the value of Lightspeed counts",
}
_DONE = ("applied", "already_there")
_LABELS = {"release": "released", "unlink": "unlinked", "link": "linked"}


@dataclass(frozen=True)
class Told:
    """One happening in words. `badge`, `tone`: what came of it. `about`: the record, and its page within the console
    (empty: it has none). `lines`: more in plain sentences; `to_do`: what a person can do. `run_id`: the run that did
    it. `change`: for its fields. `more`, `more_text`: a page that tells the rest."""

    title: str
    badge: str
    tone: str
    entity: str
    about: str = ""
    about_path: str = ""
    lines: tuple[str, ...] = ()
    to_do: str = ""
    run_id: str = ""
    change: ChangeRow | None = None
    more: str = ""
    more_text: str = ""


def told(one: Happening) -> Told:
    """A happening in words."""
    row = one.row
    if isinstance(row, ChangeRow):
        return _change(row)
    if isinstance(row, HeldRow):
        return _released(row) if one.what == "release" else _held(row)
    if isinstance(row, DecisionRow):
        return _decision(row)
    if isinstance(row, EventRow):
        return _event(row)
    return _exchange(row) if isinstance(row, ExchangeHead) else _link(one.what, row)


def _change(row: ChangeRow) -> Told:
    words = DID if row.outcome in _DONE else WAS_TO
    verb = words.get(row.action, f"{row.action.replace('_', ' ').capitalize()} in")
    return Told(
        title=f"{verb} {system_title(row.system)}",
        badge=accounts.IN_WORDS.get(row.outcome, row.outcome),
        tone=accounts.TONES.get(row.outcome, "plain"),
        entity=row.entity,
        about=f"{row.kind} {row.label or row.subject}",
        about_path=subject_path(row.entity, row.kind, row.subject),
        lines=tuple(one for one in (row.error_code and f"Refused with {row.error_code}.", row.error) if one),
        to_do=row.remedy or "",
        run_id=row.run_id,
        change=discreet(row),
        more=f"/changes/{row.id}",
        more_text="Requests of this change",
    )


def _held(row: HeldRow) -> Told:
    state = "released" if row.released_at else "held"
    tries = f"Found {row.attempts} times" if row.attempts > 1 else "Found once"
    return Told(
        title=f"Held: {row.code}" + (f" ({row.field})" if row.field else ""),
        badge=state,
        tone="plain" if row.released_at else "warn",
        entity=row.entity,
        about=f"{row.kind} {row.label or row.subject}",
        about_path=subject_path(row.entity, row.kind, row.subject),
        lines=(row.message, f"{tries}."),
        to_do="" if row.released_at else row.release or "",
        run_id=row.run_id,
        more=f"/holds/{row.id}",
        more_text="The hold with its evidence",
    )


def _released(row: HeldRow) -> Told:
    by = row.released_by or "a run"
    return Told(
        title=f"Released: {row.code}" + (f" ({row.field})" if row.field else ""),
        badge=_LABELS["release"],
        tone="good",
        entity=row.entity,
        about=f"{row.kind} {row.label or row.subject}",
        about_path=subject_path(row.entity, row.kind, row.subject),
        lines=(f"By {by}.", *([f"Note: {row.note}"] if row.note else [])),
        more=f"/holds/{row.id}",
        more_text="The hold with its evidence",
    )


def _decision(row: DecisionRow) -> Told:
    return Told(
        title=f"{row.by} decided on {row.code}" + (f" ({row.field})" if row.field else ""),
        badge=VERDICTS.get(row.verdict, row.verdict),
        tone="plain",
        entity=row.entity,
        about=row.subject,
        lines=(f"Note: {row.note}",) if row.note else (),
        run_id=row.run_id or "",
    )


def _event(row: EventRow) -> Told:
    version = row.body.get("version")
    taken = (
        "A run has seen to it."
        if row.done_at
        else "A run is at it."
        if row.claimed_by
        else "No run took it yet."
    )
    return Told(
        title=f"{system_title(row.source)} told: {row.topic}",
        badge="done" if row.done_at else "waiting",
        tone="good" if row.done_at else "warn",
        entity=row.entity,
        about=str(row.body.get("id") or ""),
        lines=(*([f"Version {version}."] if version is not None else []), taken),
        run_id=row.claimed_by or "",
    )


def _exchange(row: ExchangeHead) -> Told:
    status, tone = answer_of(row.status)
    return Told(
        title=f"{row.method} {row.url}",
        badge=status,
        tone=tone,
        entity="",
        lines=tuple(
            one
            for one in (f"{system_title(row.system)}, {row.elapsed_ms} ms, attempt {row.attempt}.", row.error)
            if one
        ),
        run_id=row.run_id or "",
        more=f"/exchanges/{row.id}",
        more_text="Request and response",
    )


def _link(what: str, row: Link) -> Told:
    return Told(
        title="Linked" if what == "link" else "The link was retired",
        badge=_LABELS[what],
        tone="good" if what == "link" else "plain",
        entity=row.entity,
        about=f"{row.kind} {row.commercetools_id} = {row.lightspeed_id}",
        lines=(matched(row),) if what == "link" else (),
        run_id=row.run_id,
    )


def matched(link: Link) -> str:
    """How two records became one."""
    if link.matched_by == "created":
        return "One was created from the other."
    return f"Matched by {link.matched_by.replace('_', ' ')}."


def answer_of(status: int | None) -> tuple[str, str]:
    """A status in words, and how good that is."""
    if status is None:
        return "no answer", "bad"
    return str(status), "good" if status < 300 else "plain" if status < 400 else "bad"


def subject_path(entity: str, kind: str, subject: str) -> str:
    """The page of the record a subject names; empty where it names none."""
    system, _, record = subject.partition(":")
    if system not in SYSTEMS or not record:
        return ""
    return record_path(entity, kind_at(entity, kind, system), system, record)


def discreet(change: ChangeRow) -> ChangeRow:
    """A change of a customer without the values of fields that speak of a person, sealed or not."""
    if change.entity != PRIVATE:
        return change
    before, after = (
        {name: _hidden(name, value) for name, value in given.items()}
        for given in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def _hidden(name: str, value: Any) -> Any:
    if value in (None, "", {}) or not is_private(name, PRIVATE_FIELDS):
        return value
    return "(private)"


# --- how it stands ---


@dataclass(frozen=True)
class Value:
    """A field on both sides, and what was agreed on; None: it is not given there."""

    name: str
    commercetools: str | None
    lightspeed: str | None
    agreed: str | None
    differs: bool


def values_of(both: BothSides) -> list[Value]:
    """Present values side by side by name; none for customers."""
    if both.is_private:
        return []
    given = {system: both.sides[system].fields if system in both.sides else {} for system in SYSTEMS}
    base = both.link.base if shows_agreed(both) and both.link else {}
    names = sorted({*given[SYSTEMS[0]], *given[SYSTEMS[1]], *base})
    return [
        Value(
            name,
            _shown(given[SYSTEMS[0]], name),
            _shown(given[SYSTEMS[1]], name),
            _shown(base, name),
            all(name in given[system] for system in SYSTEMS)
            and given[SYSTEMS[0]][name] != given[SYSTEMS[1]][name],
        )
        for name in names
    ]


def shows_agreed(both: BothSides) -> bool:
    """Whether the base of the link speaks of the record's own fields: prices and stock are linked as their article, and
    what orders and sales keep there is a document."""
    return both.address.entity == "products" and both.link is not None


def _shown(values: Mapping[str, Any], name: str) -> str | None:
    if name not in values:
        return None
    value = values[name]
    return str(shown(value)) if is_sealed(value) else plain(value)


@dataclass(frozen=True)
class Paper:
    """An order or a sale: facts by name, lines (article, quantity, each, together), payments (how, amount)."""

    title: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[tuple[str, str, str, str]]
    payments: Sequence[tuple[str, str]]


def papers_of(both: BothSides) -> list[Paper]:
    """The documents of an order or a sale, as far as they are kept."""
    found = (_paper(both.sides[system]) for system in SYSTEMS if system in both.sides)
    return [one for one in found if one]


def _paper(side: Side) -> Paper | None:
    if side.document is None:
        return None
    try:
        if side.address.system == "commercetools":
            return _order(Order.model_validate(side.document))
        return _sale(Sale.model_validate(side.document))
    except ValidationError:
        # Kept by an earlier version of this package; the next run that reads it keeps it anew.
        return None


def _order(order: Order) -> Paper:
    def money(minor: int) -> str:
        return f"{Decimal(minor).scaleb(-order.digits)} {order.currency}"

    facts = [
        ("Number", order.label),
        ("Placed", f"{order.placed_at:%Y-%m-%d %H:%M} UTC"),
        ("State", order.state),
        ("Payment", order.payment_state or "–"),
        ("Shipment", order.shipment_state or "–"),
        ("Total with tax", money(order.gross)),
    ]
    lines = [
        (one.sku or one.name or one.kind, str(one.quantity), money(one.unit), money(one.total))
        for one in order.lines
    ]
    paid = [
        (
            f"{payment.method or payment.interface or 'payment'}: {move.type.replace('_', ' ')}, {move.state}",
            money(move.amount),
        )
        for payment in order.payments
        for move in payment.transactions
    ]
    return Paper("Order in commercetools", facts, lines, paid)


def _sale(sale: Sale) -> Paper:
    facts = [
        ("Number", sale.label),
        ("Sold", f"{sale.sold_at:%Y-%m-%d %H:%M} UTC"),
        ("State", sale.state),
        ("Total with tax", str(sale.total)),
        ("Tax", str(sale.tax)),
        *([("Return of", sale.return_of)] if sale.return_of else []),
    ]
    lines = [
        (
            one.sku or one.name or one.product_id,
            f"{one.quantity.normalize():f}",
            str(one.price + one.tax),
            str((one.price + one.tax) * one.quantity),
        )
        for one in sale.lines
    ]
    return Paper(
        "Sale in Lightspeed",
        facts,
        lines,
        [(one.name or one.payment_type_id, f"{one.amount} (minor units)") for one in sale.tenders],
    )


# --- exchanges ---

DEEPEST = 40
"""Levels of JSON that are told apart by room on the left."""


def pretty(body: str | None) -> str:
    """A body as it was kept, JSON over several lines. Only the room between its parts is changed, never a character of
    them: numbers stay as they were written, and a body that was cut off is shown up to there."""
    if not body or body.lstrip()[:1] not in ("{", "["):
        return body or ""
    made: list[str] = []
    depth, position = 0, 0
    for match in _PART.finditer(body):
        made.append(body[position : match.start()].strip())
        position = match.end()
        part = match[0]
        if part in ("{", "["):
            depth += 1
            made.append(part + _line(depth))
        elif part in ("}", "]"):
            depth -= 1
            made.append(_line(depth) + part)
        else:
            made.append({",": "," + _line(depth), ":": ": "}.get(part, part))
    made.append(body[position:].strip())
    return "".join(made)


_PART = re.compile(r'"(?:[^"\\]|\\.)*"?|\{\s*\}|\[\s*\]|[{}\[\],:]', re.S)


def _line(depth: int) -> str:
    return "\n" + "  " * max(0, min(depth, DEEPEST))
