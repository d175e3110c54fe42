"""Holds as a person works through them: by reason, page by page, with what was decided about each.

Pages follow keys, not offsets. Open holds are found by `ix_holds_due` or `uq_holds_open`, which hold open ones only.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.holds import hold_fingerprint, is_dismissed
from retail_sync.ledger.rows import Hold
from retail_sync.ledger.statements import columns, fetch, fetch_as, fetch_column, literally

COLUMNS = columns(Hold, of="h", made={"fingerprint": hold_fingerprint("h")})


class Reason(NamedTuple):
    """How many holds of an entity are open for one reason; `dismissed`: how many of these nobody wants to see."""

    entity: str
    code: str
    holds: int
    dismissed: int


class HoldPlace(NamedTuple):
    """Where in the list a page ended."""

    first_seen_at: datetime
    id: int


@dataclass(frozen=True, kw_only=True)
class HoldFilter:
    """Which open holds: of these entities; `text` is how label, subject or message begin, in any case."""

    entities: Collection[str]
    code: str = ""
    system: str = ""
    severity: str = ""
    text: str = ""
    dismissed: bool = False


@dataclass(frozen=True)
class Worklist:
    engine: Engine

    def reasons(self, entities: Collection[str]) -> list[Reason]:
        """Open holds by entity and reason, most first."""
        rows = fetch(
            self.engine,
            f"""
            SELECT h.entity, h.code, count(*) AS holds, count(*) FILTER (WHERE {is_dismissed("h")}) AS dismissed
            FROM holds AS h WHERE h.released_at IS NULL AND h.entity = ANY(:entities)
            GROUP BY h.entity, h.code ORDER BY h.entity, count(*) DESC, h.code
            """,
            entities=list(entities),
        )
        return [Reason(*row) for row in rows]

    def page(self, wanted: HoldFilter, after: HoldPlace | None, limit: int) -> list[Hold]:
        """Open holds, longest open first."""
        tests = ["h.released_at IS NULL", "h.entity = ANY(:entities)"]
        values: dict[str, Any] = {"entities": list(wanted.entities), "limit": limit}
        for name in ("code", "system", "severity"):
            if value := getattr(wanted, name):
                tests.append(f"h.{name} = :{name}")
                values[name] = value
        if wanted.text:
            tests.append("(h.label ILIKE :begins OR h.subject ILIKE :begins OR h.message ILIKE :begins)")
            values["begins"] = f"{literally(wanted.text)}%"
        if not wanted.dismissed:
            tests.append(f"NOT {is_dismissed('h')}")
        if after is not None:
            tests.append("(h.first_seen_at, h.id) > (:first_seen_at, :id)")
            values |= after._asdict()
        return self._holds(f"{' AND '.join(tests)} ORDER BY h.first_seen_at, h.id LIMIT :limit", **values)

    def holds(self, ids: Collection[int]) -> list[Hold]:
        """These holds, open or not, in the order of their ids."""
        return self._holds("h.id = ANY(:ids) ORDER BY h.id", ids=list(ids))

    def dismissed(self, ids: Collection[int]) -> set[int]:
        """Which of these holds nobody wants to see as they are now."""
        found = fetch_column(
            self.engine,
            f"SELECT h.id FROM holds AS h WHERE h.id = ANY(:ids) AND {is_dismissed('h')}",
            ids=list(ids),
        )
        return set(found)

    def others(self, hold: Hold, limit: int = 50) -> list[Hold]:
        """Other holds of the same record, open ones first, then the latest."""
        return self._holds(
            "h.entity = :entity AND h.kind = :kind AND h.subject = :subject AND h.id <> :id "
            "ORDER BY h.released_at IS NOT NULL, h.last_seen_at DESC LIMIT :limit",
            entity=hold.entity,
            kind=hold.kind,
            subject=hold.subject,
            id=hold.id,
            limit=limit,
        )

    def said(self, entity: str, subject: str, limit: int = 50) -> Sequence[Decision]:
        """What people decided about a record, the latest first."""
        return fetch_as(
            Decision,
            self.engine,
            f"SELECT {columns(Decision)} FROM decisions "
            "WHERE entity = :entity AND subject = :subject ORDER BY decided_at DESC, id DESC LIMIT :limit",
            entity=entity,
            subject=subject,
            limit=limit,
        )

    def _holds(self, condition: str, **values: Any) -> list[Hold]:
        return fetch_as(Hold, self.engine, f"SELECT {COLUMNS} FROM holds AS h WHERE {condition}", **values)
