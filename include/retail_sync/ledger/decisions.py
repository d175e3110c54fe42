"""What people decided about records that were held back: who, when, and about which figures exactly.

| code | verdict | `field` | `about` |
| --- | --- | --- | --- |
| `price_jump` | approve, reject | the price list | the two prices |
| `identity` | approve, reject | the till id of a pair, or empty | `identity` |
| `conflict` | left, right | the field | the values of both sides, and what was agreed on before |
| `match` | approve | the id of the chosen partner | who else could have been it |
| `removal` | approve | empty | what would be taken away |
| `dismiss` | approve, reject | code and field of the hold | what the hold said (`holds.hold_fingerprint`) |
"""

# ruff: noqa: S608 - names of columns come from this module, values are bound

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Engine

from retail_sync.ledger.engine import SYSTEM, transaction
from retail_sync.ledger.statements import columns, execute, fetch_as
from retail_sync.records.errors import ProtocolFault

Verdict = Literal["approve", "reject", "left", "right"]
"""`left`: the value of commercetools counts; `right`: that of Lightspeed."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`about`: fingerprint of what was decided on; the decision means nothing for other figures. `field` as in the
    hold, empty for the whole record. `run_id`: the run it was given to; None where a person made it in the console.
    `entity`, `id` and `decided_at` (aware UTC) are filled when read; the last two say which of two is the later one."""

    entity: str = dataclasses.field(default="", compare=False)
    subject: str
    code: str
    field: str
    verdict: Verdict
    about: str
    by: str
    note: str | None = None
    run_id: str | None = None
    decided_at: datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)


@dataclass(frozen=True)
class Decisions:
    engine: Engine

    def add(self, entity: str, decisions: Sequence[Decision]) -> None:
        """Keep decisions, all or none. The same run deciding the same thing again (a retried task) counts once, and so
        does the same person saying the same again, unless something else was said about it in between.

        Raises ProtocolFault for a verdict that is none."""
        for one in decisions:
            if one.verdict not in get_args(Verdict):
                raise ProtocolFault(f"{one.verdict!r} is no decision.", system=SYSTEM)
        with transaction(self.engine) as connection:
            for one in decisions:
                execute(
                    connection,
                    """
                    INSERT INTO decisions (entity, subject, code, field, verdict, about, by, note, run_id)
                    SELECT :entity, :subject, :code, :field, :verdict, :about, :by, :note, :run_id
                    WHERE NOT EXISTS (
                        SELECT FROM decisions AS same
                        WHERE entity = :entity AND subject = :subject AND code = :code AND field = :field
                          AND verdict = :verdict AND about = :about
                          AND (run_id = :run_id OR CAST(:run_id AS text) IS NULL AND run_id IS NULL AND by = :by
                            AND NOT EXISTS (
                              SELECT FROM decisions AS later
                              WHERE later.entity = :entity AND later.subject = :subject AND later.code = :code
                                AND later.about = :about AND later.id > same.id)))
                    """,
                    entity=entity,
                    subject=one.subject,
                    code=one.code,
                    field=one.field,
                    verdict=one.verdict,
                    about=one.about,
                    by=one.by,
                    note=one.note,
                    run_id=one.run_id,
                )

    def latest(
        self, entity: str, subjects: Collection[str] | None = None, *, codes: Collection[str] | None = None
    ) -> list[Decision]:
        """The last decision on each (subject, code, field): of all subjects and codes, or of these."""
        return fetch_as(
            Decision,
            self.engine,
            f"""
            SELECT DISTINCT ON (subject, code, field) {columns(Decision)}
            FROM decisions
            WHERE entity = :entity AND (CAST(:subjects AS text[]) IS NULL OR subject = ANY(:subjects))
              AND (CAST(:codes AS text[]) IS NULL OR code = ANY(:codes))
            ORDER BY subject, code, field, decided_at DESC, id DESC
            """,
            entity=entity,
            subjects=None if subjects is None else list(subjects),
            codes=None if codes is None else list(codes),
        )
