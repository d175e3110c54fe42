"""Planned writes and what came of them: the audit, a row a record and write."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from retail_sync.ledger.bulk import copy_in, incoming, jsonb, storable_text
from retail_sync.ledger.engine import Bind, transaction
from retail_sync.ledger.leases import fence_off
from retail_sync.ledger.rows import OUTCOMES, ChangeCount, ChangeOutcome, ChangeRow, Outcome
from retail_sync.records.leases import held

_PLAIN = (
    "run_id", "batch", "entity", "kind", "subject", "label", "system", "action", "unit", "source_id",
    "source_version", "target_id", "target_version", "before", "after", "reasons", "idempotency_key", "outcome",
    "attempt", "error_code", "error", "remedy", "exchange_ids", "result_id", "result_version", "dropped",
)  # fmt: skip
_SETTLED = {
    "id": "uuid", "outcome": "text", "error_code": "text", "error": "text", "remedy": "text", "exchange_ids": "text[]",
    "result_id": "text", "result_version": "bigint", "dropped": "jsonb",
}  # fmt: skip
_SELECT = f"SELECT id::text, {', '.join(_PLAIN)}, planned_at, attempted_at, settled_at FROM changes"
_ORDER = "ORDER BY batch, unit, id"


@dataclass(frozen=True)
class Changes:
    """What a worker says of changes counts only as long as it holds the lease it works under: `begin`, `revise` and
    `settle` raise LeaseLost, and store nothing, where another one has taken over (see `retail_sync.ledger.leases`)."""

    engine: Bind

    def store(self, changes: Iterable[ChangeRow], *, replace_run: str | None = None) -> None:
        """Add planned changes, all or none; they may come one after the other.

        `replace_run`: first remove what that run planned and never began, whether it is to be applied or not, so that a
        retried plan task replaces its own plan; what was begun or settled stays.
        """
        with transaction(self.engine) as connection:
            if replace_run is not None:
                connection.execute(
                    text(
                        "DELETE FROM changes "
                        "WHERE run_id = :id AND outcome IN ('planned', 'not_applied') AND attempt = 0"
                    ),
                    {"id": replace_run},
                )
            now = connection.execute(text("SELECT now()")).scalar_one()
            copy_in(
                connection,
                "changes",
                ("id", *_PLAIN, "planned_at", "attempted_at", "settled_at"),
                (_values(change, now) for change in changes),
            )

    def read(
        self, run_id: str, *, batch: int | None = None, outcome: Outcome | None = None
    ) -> list[ChangeRow]:
        """Changes of a run in the order of batch and unit."""
        return self._read(
            "run_id = :run_id AND (CAST(:batch AS int) IS NULL OR batch = :batch) "
            f"AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome) {_ORDER}",
            run_id=run_id,
            batch=batch,
            outcome=outcome,
        )

    def taken_up(self, run_id: str) -> list[ChangeRow]:
        """Changes of a run that stay when it is planned once more (see `store`): begun, or settled unsent."""
        return self._read(
            "run_id = :run_id AND NOT (outcome IN ('planned', 'not_applied') AND attempt = 0) " + _ORDER,
            run_id=run_id,
        )

    def begin(self, change_ids: Collection[str]) -> dict[str, int]:
        """Say that these changes are about to be sent: committed when this returns, before anything is sent.

        Returns the attempt of each. More than 1 means that an earlier attempt may have taken effect: look the target
        up before sending. Ids already settled for good (applied, already there, superseded, not applied) are missing
        from the answer and must not be sent. A request that names a change is sent only under the lease its attempt
        was begun under.
        """
        with transaction(self.engine) as connection:
            fence_off(connection)
            rows = connection.execute(
                text(
                    """
                    WITH wanted AS (
                        SELECT id FROM changes WHERE id = ANY(CAST(:ids AS uuid[])) AND outcome IN ('planned', 'failed')
                        ORDER BY id FOR UPDATE
                    )
                    UPDATE changes SET attempt = attempt + 1, attempted_at = clock_timestamp(), outcome = 'planned',
                        error_code = NULL, error = NULL, remedy = NULL, settled_at = NULL
                    FROM wanted WHERE changes.id = wanted.id
                    RETURNING changes.id::text, attempt
                    """
                ),
                {"ids": list(change_ids)},
            ).all()
        begun = {row[0]: row[1] for row in rows}
        if lease := held():
            lease.began(begun)
        return begun

    def revise(self, changes: Sequence[ChangeRow]) -> int:
        """Store what planned changes became when their target was read and merged again; how many took it.

        Only changes still open are revised: what was sent and settled keeps saying what was sent.
        """
        if not changes:
            return 0
        with transaction(self.engine) as connection:
            fence_off(connection)
            return sum(
                connection.execute(
                    text(
                        """
                        UPDATE changes SET unit = :unit, action = :action, target_id = :target_id,
                            target_version = :target_version, source_version = :source_version,
                            before = CAST(:before AS jsonb), after = CAST(:after AS jsonb),
                            reasons = CAST(:reasons AS jsonb)
                        WHERE id = CAST(:id AS uuid) AND outcome = 'planned'
                        """
                    ),
                    {
                        "id": change.id,
                        "unit": change.unit,
                        "action": change.action,
                        "target_id": change.target_id,
                        "target_version": change.target_version,
                        "source_version": change.source_version,
                        "before": jsonb(change.before),
                        "after": jsonb(change.after),
                        "reasons": jsonb(change.reasons),
                    },
                ).rowcount
                for change in changes
            )

    def settle(self, outcomes: Sequence[ChangeOutcome]) -> int:
        """Store what came of changes; how many took it. Exchange ids of several attempts add up.

        A change that is applied, already there or superseded keeps that: a late second worker can't unsay it.
        """
        latest = {outcome.change_id: outcome for outcome in outcomes}
        if not latest:
            return 0
        with transaction(self.engine) as connection:
            fence_off(connection)
            given = incoming(connection, "settled", _SETTLED, [_settled(one) for one in latest.values()])
            return connection.execute(
                text(
                    f"""
                    WITH settled AS (SELECT * FROM {given.source}),
                    wanted AS (
                        SELECT id FROM changes
                        WHERE id = ANY(ARRAY(SELECT id FROM settled))
                          AND outcome NOT IN ('applied', 'already_there', 'superseded')
                        ORDER BY id FOR UPDATE
                    )
                    UPDATE changes SET
                        outcome = settled.outcome, error_code = settled.error_code, error = settled.error,
                        remedy = settled.remedy, exchange_ids = changes.exchange_ids || settled.exchange_ids,
                        result_id = COALESCE(settled.result_id, changes.result_id),
                        result_version = COALESCE(settled.result_version, changes.result_version),
                        dropped = settled.dropped,
                        settled_at = CASE WHEN settled.outcome <> 'planned' THEN clock_timestamp() END
                    FROM settled JOIN wanted USING (id) WHERE changes.id = settled.id
                    """
                ),
                given.values,
            ).rowcount

    def leave(self, run_id: str, why: str) -> int:
        """What a run planned and never began is not applied; how many changes that are."""
        with transaction(self.engine) as connection:
            return connection.execute(
                text(
                    "UPDATE changes SET outcome = 'not_applied', error = :why, settled_at = clock_timestamp() "
                    "WHERE run_id = :run_id AND outcome = 'planned' AND attempt = 0"
                ),
                {"run_id": run_id, "why": storable_text(why)},
            ).rowcount

    def waiting(self, run_id: str, units: Collection[str]) -> set[str]:
        """Of these units, those for which the run has a change that is not settled."""
        with transaction(self.engine) as connection:
            return set(
                connection.execute(
                    text(
                        "SELECT unit FROM changes WHERE run_id = :run_id AND outcome = 'planned' AND unit = ANY(:units)"
                    ),
                    {"run_id": run_id, "units": list(units)},
                ).scalars()
            )

    def open_batches(self, run_id: str) -> dict[int, int]:
        """Batches of a run that have something left to write, and how much."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    "SELECT batch, count(*) FROM changes WHERE run_id = :run_id AND outcome = 'planned' "
                    "GROUP BY batch ORDER BY batch"
                ),
                {"run_id": run_id},
            ).all()
        return {row[0]: row[1] for row in rows}

    def keyed(self, run_id: str, idempotency_key: str) -> int:
        """How many changes of a run bear this key."""
        with transaction(self.engine) as connection:
            found: int = connection.execute(
                text("SELECT count(*) FROM changes WHERE run_id = :run_id AND idempotency_key = :key"),
                {"run_id": run_id, "key": idempotency_key},
            ).scalar_one()
        return found

    def counts(self, run_id: str, batch: int | None = None) -> dict[Outcome, int]:
        """How many changes of a run (or of one batch) have each outcome; every outcome is there, 0 included."""
        counts: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        for group in self.breakdown(run_id, batch):
            counts[group.outcome] += group.count
        return counts

    def breakdown(self, run_id: str, batch: int | None = None) -> list[ChangeCount]:
        """The counts of a run (or of one batch) a target system, kind, action and outcome."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    "SELECT system, kind, action, outcome, count(*) AS count FROM changes "
                    "WHERE run_id = :run_id AND (CAST(:batch AS int) IS NULL OR batch = :batch) "
                    "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
                ),
                {"run_id": run_id, "batch": batch},
            ).all()
        return [ChangeCount(**row._mapping) for row in rows]

    def unsettled(self, run_id: str | None = None, *, entity: str | None = None) -> list[ChangeRow]:
        """Changes begun and never settled (of a run, or of any run of an entity): their outcome is unknown, the
        target has to be looked up."""
        return self._read(
            "outcome = 'planned' AND attempt > 0 AND (CAST(:run_id AS text) IS NULL OR run_id = :run_id) "
            f"AND (CAST(:entity AS text) IS NULL OR entity = :entity) {_ORDER}",
            run_id=run_id,
            entity=entity,
        )

    def history(self, entity: str, subject_or_label: str, limit: int = 200) -> list[ChangeRow]:
        """What was planned for one record, by its subject or its label (SKU, name), newest first."""
        return self._read(
            "entity = :entity AND (subject = :text OR label = :text) ORDER BY planned_at DESC, id DESC LIMIT :limit",
            entity=entity,
            text=subject_or_label,
            limit=limit,
        )

    def get(self, change_ids: Collection[str]) -> list[ChangeRow]:
        return self._read(f"id = ANY(CAST(:ids AS uuid[])) {_ORDER}", ids=list(change_ids))

    def _read(self, condition: str, **values: Any) -> list[ChangeRow]:
        with transaction(self.engine) as connection:
            rows = connection.execute(text(f"{_SELECT} WHERE {condition}"), values).all()
        return [_change(row) for row in rows]


def _values(change: ChangeRow, now: Any) -> tuple[Any, ...]:
    return (
        change.id,
        change.run_id,
        change.batch,
        change.entity,
        change.kind,
        storable_text(change.subject),
        storable_text(change.label),
        change.system,
        change.action,
        storable_text(change.unit),
        storable_text(change.source_id),
        change.source_version,
        storable_text(change.target_id),
        change.target_version,
        jsonb(change.before),
        jsonb(change.after),
        jsonb(change.reasons),
        change.idempotency_key,
        change.outcome,
        change.attempt,
        change.error_code,
        storable_text(change.error),
        storable_text(change.remedy),
        list(change.exchange_ids),
        change.result_id,
        change.result_version,
        jsonb([list(pair) for pair in change.dropped]),
        change.planned_at or now,
        change.attempted_at,
        change.settled_at,
    )


def _settled(outcome: ChangeOutcome) -> tuple[Any, ...]:
    return (
        outcome.change_id,
        outcome.outcome,
        outcome.error_code,
        outcome.error,
        outcome.remedy,
        list(outcome.exchange_ids),
        outcome.result_id,
        outcome.result_version,
        [list(pair) for pair in outcome.dropped],
    )


def _change(row: Row[Any]) -> ChangeRow:
    return ChangeRow(**row._mapping)
