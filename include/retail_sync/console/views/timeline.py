"""What happened, and how a record stands, in words. Private values say only that there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from retail_sync.console.views.search import record_path
from retail_sync.console.views.wire import answer_of
from retail_sync.console.vocabulary import (
    DECISIONS,
    OUTCOME_TITLES,
    OUTCOME_TONES,
    action_title,
    number,
    plain,
    system_title,
)
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.holds import DISMISS
from retail_sync.ledger.queries.records import PRIVATE, BothSides, kind_at
from retail_sync.ledger.queries.search import COUNTED, SYSTEMS
from retail_sync.ledger.queries.timeline import Happening
from retail_sync.ledger.rows import ChangeRow, Event, ExchangeHead, HoldHead, Link
from retail_sync.records.customers import PRIVATE as PRIVATE_FIELDS
from retail_sync.records.customers import is_private
from retail_sync.records.refs import RecordRef
from retail_sync.records.sealing import is_sealed, shown

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
    if isinstance(row, HoldHead):
        return _released(row) if one.what == "release" else _held(row)
    if isinstance(row, Decision):
        return _decision(row)
    if isinstance(row, Event):
        return _event(row)
    return _exchange(row) if isinstance(row, ExchangeHead) else _link(one.what, row)


def _change(row: ChangeRow) -> Told:
    verb = action_title(row.action, done=row.outcome in _DONE)
    return Told(
        title=f"{verb} {system_title(row.system)}",
        badge=OUTCOME_TITLES.get(row.outcome, row.outcome),
        tone=OUTCOME_TONES.get(row.outcome, "plain"),
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


def _held(row: HoldHead) -> Told:
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


def _released(row: HoldHead) -> Told:
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


def _decision(row: Decision) -> Told:
    dismissed = row.code == DISMISS
    verb = (
        "decided on" if not dismissed else "dismissed" if row.verdict == "approve" else "wants to see again"
    )
    what = (row.field or "the hold") if dismissed else row.code + (f" ({row.field})" if row.field else "")
    return Told(
        title=f"{row.by} {verb} {what}",
        badge="decided" if dismissed else DECISIONS.get(row.verdict, row.verdict),
        tone="plain",
        entity=row.entity,
        about=row.subject,
        about_path=_search_path(row.subject),
        lines=(f"Note: {row.note}",) if row.note else (),
        run_id=row.run_id or "",
    )


def _event(row: Event) -> Told:
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
        about_path=_search_path(str(row.body.get("id") or "")),
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


def subject_path(entity: str, kind: str, subject: str) -> str:
    """The page of the record a subject names; empty where it names none."""
    one = RecordRef.parse(subject)
    if one.system not in SYSTEMS or not one.id:
        return ""
    return record_path(entity, kind_at(entity, kind, one.system), one.system, one.id)


def _search_path(record: str) -> str:
    """Where neither its kind is said nor its page is known: whatever the id is found to be."""
    return f"/search?q={quote(record, safe='')}" if record else ""


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
    """Present values side by side by name; none for customers. `differs` only between those who are to be the same."""
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
            shows_agreed(both)
            and all(name in given[system] for system in SYSTEMS)
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


def how_many(counts: Mapping[str, int]) -> str:
    """`3 changes, 1 hold, no decisions, no events`."""
    return ", ".join(many(counts[what], what) for what in ("change", "hold", "decision", "event"))


def many(count: int, one: str) -> str:
    """A count with its word; what was not counted further says so."""
    if count > COUNTED:
        return f"more than {number(COUNTED)} {one}s"
    return f"{number(count) if count else 'no'} {one}{'' if count == 1 else 's'}"
