"""Records kept back: why, what would release them, and when each is looked at again."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from retail_sync.ledger.bulk import incoming
from retail_sync.ledger.engine import SYSTEM
from retail_sync.ledger.rows import Hold, HoldDraft
from retail_sync.ledger.statements import columns, execute, fetch, fetch_as, fetch_column, fetch_pairs
from retail_sync.records.errors import ProtocolFault

DISMISS = "dismiss"
"""Code of the decision that a hold need not be shown any more."""


def hold_fingerprint(hold: str) -> str:
    """SQL (text) that says in 32 characters what a hold, given by the name of its row, tells a person. What is new
    with every attempt, or with any edit of the record, is left out: the id of the change that failed, and when each
    side was changed."""
    return (
        f"md5(concat_ws(chr(31), {hold}.kind, {hold}.code, COALESCE({hold}.field, ''), {hold}.message, "
        f"CASE jsonb_typeof({hold}.evidence) WHEN 'object' "
        f"THEN ({hold}.evidence - '{{change,changed}}'::text[])::text ELSE {hold}.evidence::text END))"
    )


def is_dismissed(hold: str) -> str:
    """SQL (boolean) for lists of holds: whether a person has dismissed a hold, given by the name of its row, as it is
    now. It stays open and is tried again by itself; as soon as it says something else, it is shown again.

    One look-up a hold by `ix_decisions_entity_subject`."""
    return (
        "COALESCE((SELECT said.verdict = 'approve' FROM decisions AS said "
        f"WHERE said.entity = {hold}.entity AND said.subject = {hold}.subject AND said.code = '{DISMISS}' "
        f"AND said.about = {hold_fingerprint(hold)} ORDER BY said.decided_at DESC, said.id DESC LIMIT 1), false)"
    )


_COLUMNS = columns(Hold, made={"fingerprint": hold_fingerprint("holds")})
_DRAFT = {
    "kind": "text", "subject": "text", "system": "text", "source_id": "text", "label": "text", "code": "text",
    "severity": "text", "field": "text", "message": "text", "evidence": "jsonb", "release": "text",
}  # fmt: skip
_UNTRIED = "COALESCE(excluded.evidence ? 'change' AND excluded.evidence = held.evidence, false)"
"""SQL: the hold speaks of the same attempt as before (its change), so nothing was sent again."""
_LONGEST_EXPONENT = 30  # doubling that often is longer than any configured retry; keeps the interval finite


@dataclass(frozen=True)
class Holds:
    engine: Engine

    def open_holds(self, entity: str) -> list[Hold]:
        """All open holds, longest open first."""
        return self._read(
            "entity = :entity AND released_at IS NULL ORDER BY first_seen_at, id", entity=entity
        )

    def due(self, entity: str, now: datetime) -> list[Hold]:
        """Open holds whose record is to be read and tried again (`system`, `source_id` say where), soonest first.
        A subject with several due holds appears once for each."""
        return self._read(
            "entity = :entity AND released_at IS NULL AND due_at <= :now ORDER BY due_at, id",
            entity=entity,
            now=now,
        )

    def counts(self, entity: str) -> dict[str, int]:
        """Open holds a code, most frequent first."""
        return fetch_pairs(
            self.engine,
            "SELECT code, count(*) FROM holds WHERE entity = :entity AND released_at IS NULL "
            "GROUP BY code ORDER BY count(*) DESC, code",
            entity=entity,
        )

    def about(self, entity: str, about: str) -> list[Hold]:
        """Open holds with this fingerprint in their evidence: records that one decision concerns, such as all that
        share a SKU."""
        return self._read(
            "entity = :entity AND released_at IS NULL AND evidence ->> 'about' = :about ORDER BY id",
            entity=entity,
            about=about,
        )

    def make_due(self, hold_ids: Collection[int]) -> int:
        """Let the next run try these open holds, whatever their back-off says."""
        return execute(
            self.engine,
            "UPDATE holds SET due_at = now() WHERE id = ANY(:ids) AND released_at IS NULL",
            ids=sorted(hold_ids),
        )

    def release(self, hold_id: int, by: str, note: str | None = None) -> None:
        """Close one hold by hand. The same finding in a later run opens a new one."""
        released = (
            "UPDATE holds SET released_at = now(), released_by = :by, note = :note "
            "WHERE id = :id AND released_at IS NULL"
        )
        if not execute(self.engine, released, id=hold_id, by=by, note=note):
            raise ProtocolFault(
                f"There is no open hold {hold_id}.", system=SYSTEM, remedy="Reload the list of holds."
            )

    def _read(self, condition: str, **values: Any) -> list[Hold]:
        return fetch_as(Hold, self.engine, f"SELECT {_COLUMNS} FROM holds WHERE {condition}", **values)


def record_holds(
    connection: Connection,
    run_id: str,
    entity: str,
    drafts: Sequence[HoldDraft],
    *,
    now: datetime,
    first_retry: timedelta,
    longest: timedelta,
) -> tuple[int, int]:
    """Open new holds and renew open ones in the caller's transaction: (new, renewed).

    A renewed hold keeps when it was first seen; each further run that finds it doubles the time until it is due,
    from `first_retry` to `longest`. The same run settling again (a retried task) counts once, and a run that left a
    refused write alone does not count at all.
    """
    if not drafts:
        return 0, 0
    found = [tuple(getattr(draft, name) for name in _DRAFT) for draft in _once_each(drafts)]
    given = incoming(connection, "incoming_holds", _DRAFT, found)
    rows = fetch_column(
        connection,
        f"""
        INSERT INTO holds AS held (entity, {", ".join(_DRAFT)}, run_id, first_seen_at, last_seen_at, attempts,
                                   due_at)
        SELECT :entity, {", ".join(_DRAFT)}, :run_id, :now, :now, 1, :now + LEAST(:first, :longest)
        FROM {given.source} ORDER BY kind, subject, code, COALESCE(field, '')
        ON CONFLICT (entity, kind, subject, code, COALESCE(field, ''::text)) WHERE released_at IS NULL
        DO UPDATE SET
            system = excluded.system, source_id = excluded.source_id, label = excluded.label,
            severity = excluded.severity, message = excluded.message, evidence = excluded.evidence,
            release = excluded.release, run_id = excluded.run_id, last_seen_at = excluded.last_seen_at,
            attempts = held.attempts + (held.run_id <> excluded.run_id AND NOT {_UNTRIED})::int,
            due_at = CASE WHEN held.run_id = excluded.run_id OR {_UNTRIED} THEN held.due_at
                     ELSE :now + LEAST(CAST(:first AS interval) * 2 ^ LEAST(held.attempts, :most), :longest) END
        RETURNING (xmax = 0)
        """,
        entity=entity,
        run_id=run_id,
        now=now,
        first=first_retry,
        longest=longest,
        most=_LONGEST_EXPONENT,
        **given.values,
    )
    inserted = [bool(new) for new in rows]
    return sum(inserted), len(inserted) - sum(inserted)


def release_settled(
    connection: Connection,
    run_id: str,
    entity: str,
    subjects: Collection[tuple[str, str]],
    *,
    held_again: Sequence[HoldDraft],
    now: datetime,
) -> int:
    """Close, in the caller's transaction, the open holds of `subjects` that the run did not find again."""
    if not subjects:
        return 0
    again = {(draft.kind, draft.subject, draft.code, draft.field or "") for draft in held_again}
    open_rows = fetch(
        connection,
        """
        SELECT id, kind, subject, code, COALESCE(field, '') FROM holds
        WHERE entity = :entity AND released_at IS NULL
          AND (kind, subject) IN (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:subjects AS text[])))
        ORDER BY id FOR UPDATE
        """,
        entity=entity,
        kinds=[kind for kind, _ in subjects],
        subjects=[subject for _, subject in subjects],
    )
    gone = [row[0] for row in open_rows if tuple(row[1:]) not in again]
    execute(
        connection,
        "UPDATE holds SET released_at = :now, released_by = :by WHERE id = ANY(:ids)",
        now=now,
        by=f"run {run_id}",
        ids=gone,
    )
    return len(gone)


def _once_each(drafts: Sequence[HoldDraft]) -> list[HoldDraft]:
    return list({(d.kind, d.subject, d.code, d.field or ""): d for d in drafts}.values())
