"""What people decided about records that were held back: who, when, and about which figures exactly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Engine, text

from include.ledger.bulk import storable_text
from include.ledger.engine import SYSTEM, transaction
from include.records.errors import ProtocolFault

Verdict = Literal["approve", "reject"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`about`: fingerprint of what was decided on; the decision means nothing for other figures. `field` as in the
    hold, empty for the whole record."""

    subject: str
    code: str
    field: str
    verdict: Verdict
    about: str
    by: str
    note: str | None = None
    run_id: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True)
class Decisions:
    engine: Engine

    def add(self, entity: str, decisions: Sequence[Decision]) -> None:
        """Keep decisions. The same run deciding the same thing again (a retried task) counts once."""
        for one in decisions:
            if one.verdict not in get_args(Verdict):
                raise ProtocolFault(f"{one.verdict!r} is no decision.", system=SYSTEM)
        with transaction(self.engine) as connection:
            for one in decisions:
                connection.execute(
                    text(
                        """
                        INSERT INTO decisions (entity, subject, code, field, verdict, about, by, note, run_id)
                        SELECT :entity, :subject, :code, :field, :verdict, :about, :by, :note, :run_id
                        WHERE NOT EXISTS (
                            SELECT FROM decisions WHERE entity = :entity AND subject = :subject AND code = :code
                              AND field = :field AND verdict = :verdict AND about = :about AND run_id = :run_id)
                        """
                    ),
                    {
                        "entity": entity,
                        "subject": storable_text(one.subject),
                        "code": one.code,
                        "field": one.field,
                        "verdict": one.verdict,
                        "about": one.about,
                        "by": storable_text(one.by),
                        "note": storable_text(one.note),
                        "run_id": one.run_id,
                    },
                )

    def latest(self, entity: str, subjects: Collection[str] | None = None) -> list[Decision]:
        """The last decision on each (subject, code, field): of all subjects, or of these."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    """
                    SELECT DISTINCT ON (subject, code, field)
                        subject, code, field, verdict, about, by, note, run_id, decided_at
                    FROM decisions
                    WHERE entity = :entity AND (CAST(:subjects AS text[]) IS NULL OR subject = ANY(:subjects))
                    ORDER BY subject, code, field, decided_at DESC, id DESC
                    """
                ),
                {"entity": entity, "subjects": None if subjects is None else list(subjects)},
            ).all()
        return [Decision(**row._mapping) for row in rows]
