"""What was typed into the search, how it was understood, and what of the timeline is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args
from urllib.parse import quote
from uuid import UUID

from retail_sync.console.visit import Visit
from retail_sync.console.vocabulary import FOUND_BY, NUMBERED, OUTCOME_TITLES, TITLES, number
from retail_sync.ledger.queries.search import MOST, SYSTEMS, Found, FoundRecord, Searching
from retail_sync.ledger.queries.timeline import WHATS, Answer, HoldState, Place, Records, Wanted, What
from retail_sync.ledger.rows import OUTCOMES
from retail_sync.records.people import email_text

LONGEST = 300
"""Letters of a search."""
MOST_PEOPLE = 20
"""Customers of one address that a page shows."""
SHOWN: Mapping[str, tuple[str, tuple[What, ...]]] = {
    "": (
        "changes, holds, decisions, events",
        ("change", "hold", "release", "decision", "event", "link", "unlink"),
    ),
    "change": ("changes", ("change",)),
    "hold": ("holds", ("hold", "release")),
    "decision": ("decisions", ("decision",)),
    "event": ("events", ("event",)),
    "exchange": ("requests and responses", ("exchange",)),
}
"""Kinds of rows one can ask for, in words; requests only by themselves, because there are so many."""
OUTCOME_GROUPS: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
    ("Changes", [(one, OUTCOME_TITLES.get(one, one)) for one in OUTCOMES]),
    ("Holds", [("open", "open"), ("released", "released")]),
    ("Requests", [("answered", "answered"), ("refused", "refused, or without an answer")]),
)


@dataclass(frozen=True)
class Meaning:
    """One way in which a text was understood, and how many records it found."""

    what: str
    count: str
    begins: bool


@dataclass(frozen=True)
class Filters:
    """What was chosen besides the text, as it was given; `problem`: what of it could not be read."""

    entity: str = ""
    system: str = ""
    what: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    problem: str = ""

    NAMES = ("entity", "system", "what", "outcome", "since", "until")

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name in self.NAMES if (value := getattr(self, name))}


def filters_of(given: Mapping[str, str], entities: Collection[str]) -> Filters:
    """Filters from texts; whatever is no choice of ours is left out, and unreadable times are told."""
    outcomes = {value for _, group in OUTCOME_GROUPS for value, _ in group}
    choices = {"entity": entities, "system": SYSTEMS, "what": SHOWN, "outcome": outcomes}
    kept = {name: given.get(name, "") for name in Filters.NAMES}
    for name, allowed in choices.items():
        if kept[name] not in allowed:
            kept[name] = ""
    wrong = [name for name in ("since", "until") if kept[name] and moment(kept[name]) is None]
    for name in wrong:
        kept[name] = ""
    problem = "Give times as 2026-01-31 or 2026-01-31T14:30 (UTC); what could not be read was left out."
    return Filters(**kept, problem=problem if wrong else "")


def moment(told: str, *, end: bool = False) -> datetime | None:
    """A day or a minute in UTC; `end`: the first moment after it."""
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    if not 1970 <= found.year < 9000:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not end:
        return found
    return found + (timedelta(days=1) if len(told) == len("2026-01-31") else timedelta(minutes=1))


def wanted_of(filters: Filters, visit: Visit, **about: Any) -> Wanted:
    """What the timeline is asked for. `about`: records, code or run_id."""
    outcome = filters.outcome
    whats = SHOWN[filters.what][1]
    if not filters.what and outcome in get_args(Answer):
        whats = ("exchange",)
    return Wanted(
        entities=[one for one in visit.entities if filters.entity in ("", one)],
        whats=whats,
        systems=(filters.system,) if filters.system else (),
        outcomes=(outcome,) if outcome in OUTCOMES else (),
        hold_state=cast("HoldState", outcome) if outcome in get_args(HoldState) else None,
        answer=cast("Answer", outcome) if outcome in get_args(Answer) else None,
        since=moment(filters.since) if filters.since else None,
        until=moment(filters.until, end=True) if filters.until else None,
        everything_seen=not filters.entity and sees_everything(visit),
        **about,
    )


def sees_everything(visit: Visit) -> bool:
    """Whether this person may see every entity of this configuration, and so what belongs to none."""
    return set(visit.settings.synced_entities) <= set(visit.entities)


def digests_of(visit: Visit, typed: str) -> set[str] | None:
    """The digests of an e-mail address; None where the text is none. An empty set: it can't be looked up here."""
    if "@" not in typed:
        return None
    if visit.ports.seal is None or "customers" not in visit.entities:
        return set()
    return set(visit.ports.seal().tokens({"email": email_text(typed)}).get("email", ()))


def meanings(records: Sequence[FoundRecord]) -> list[Meaning]:
    """How a text was understood, most exact first."""
    counts = Counter((_how(one), one.begins) for one in records)
    return [
        Meaning(what, f"{number(count)} or more" if count >= MOST else number(count), begins)
        for (what, begins), count in sorted(counts.items(), key=lambda item: item[0][1])
    ]


def _how(one: FoundRecord) -> str:
    return NUMBERED.get(one.kind, "number") if one.how == "number" else FOUND_BY[one.how]


def about_of(searching: Searching, found: Found) -> dict[str, Any]:
    """Whom or what the timeline is asked about; empty: nothing of a timeline was found."""
    if records := found.exact or found.records:
        return {"records": records_of(searching, records)}
    if found.code:
        return {"code": found.code.code}
    if found.runs:
        return {"run_id": found.runs[0].id}
    return {}


def records_of(searching: Searching, found: Sequence[FoundRecord]) -> Records:
    """These records, and those they are linked with."""
    told = frozenset((one.system, one.parent_id) for one in found if one.parent_id)
    return Records(ids=searching.partners(found), told=told)


# --- addresses ---


def record_path(entity: str, kind: str, system: str, record: str) -> str:
    """The page of a record within the console."""
    parts = (quote(one, safe="") for one in (entity, kind, system))
    return f"/records/{'/'.join(parts)}/{quote(record, safe=':')}"


def told_place(place: Place) -> str:
    """Where a page ended, as an address holds it."""
    return f"{place.at.isoformat()}|{place.what}|{place.id}"


def place_of(told: str) -> Place | None:
    """The place an address holds; what makes no sense is the beginning."""
    at, _, rest = told.partition("|")
    what, bar, key = rest.partition("|")
    found = None
    try:
        found = datetime.fromisoformat(at)
        if what in ("change", "link", "unlink"):
            key = str(UUID(key))
        elif what in ("decision", "event", "hold", "release"):
            key = str(max(0, min(int(key), 2**63 - 1)))
    except ValueError:
        return None
    if not bar or what not in ("", *WHATS) or found.tzinfo is None or "\0" in key:
        return None
    return Place(found, what, key)


def entity_choices(entities: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, TITLES.get(one, one)) for one in entities]
