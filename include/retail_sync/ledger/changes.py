"""Planned writes and what came of them: the audit, a row a record and write."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from retail_sync.ledger.bulk import copy_in, incoming, jsonb
from retail_sync.ledger.engine import Bind, transaction
from retail_sync.ledger.leases import fence_off
from retail_sync.ledger.rows import OUTCOMES, ChangeCount, ChangeOutcome, ChangeRow, Outcome
from retail_sync.ledger.statements import columns, execute, fetch_as, fetch_column, fetch_pairs, fetch_value
from retail_sync.records.leases import held

_FIELDS = tuple(one.name for one in fields(ChangeRow))
_DOCUMENTS = frozenset({"before", "after", "reasons", "dropped"})
_SETTLED = {
    "id": "uuid", "outcome": "text", "error_code": "text", "error": "text", "remedy": "text", "exchange_ids": "text[]",
    "result_id": "text", "result_version": "bigint", "dropped": "jsonb",
}  # fmt: skip
_SELECT = f"SELECT {columns(ChangeRow)} FROM changes"
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
                execute(
                    connection,
                    "DELETE FROM changes "
                    "WHERE run_id = :id AND outcome IN ('planned', 'not_applied') AND attempt = 0",
                    id=replace_run,
                )
            now = fetch_value(connection, "SELECT now()")
            copy_in(connection, "changes", _FIELDS, (_values(change, now) for change in changes))

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
            begun = fetch_pairs(
                connection,
                """
                WITH wanted AS (
                    SELECT id FROM changes WHERE id = ANY(CAST(:ids AS uuid[])) AND outcome IN ('planned', 'failed')
                    ORDER BY id FOR UPDATE
                )
                UPDATE changes SET attempt = attempt + 1, attempted_at = clock_timestamp(), outcome = 'planned',
                    error_code = NULL, error = NULL, remedy = NULL, settled_at = NULL
                FROM wanted WHERE changes.id = wanted.id
                RETURNING changes.id, attempt
                """,
                ids=list(change_ids),
            )
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
                execute(
                    connection,
                    """
                    UPDATE changes SET unit = :unit, action = :action, target_id = :target_id,
                        target_version = :target_version, source_version = :source_version,
                        before = CAST(:before AS jsonb), after = CAST(:after AS jsonb),
                        reasons = CAST(:reasons AS jsonb)
                    WHERE id = CAST(:id AS uuid) AND outcome = 'planned'
                    """,
                    id=change.id,
                    unit=change.unit,
                    action=change.action,
                    target_id=change.target_id,
                    target_version=change.target_version,
                    source_version=change.source_version,
                    before=jsonb(change.before),
                    after=jsonb(change.after),
                    reasons=jsonb(change.reasons),
                )
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
            return execute(
                connection,
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
                """,
                **given.values,
            )

    def leave(self, run_id: str, why: str) -> int:
        """What a run planned and never began is not applied; how many changes that are."""
        return execute(
            self.engine,
            "UPDATE changes SET outcome = 'not_applied', error = :why, settled_at = clock_timestamp() "
            "WHERE run_id = :run_id AND outcome = 'planned' AND attempt = 0",
            run_id=run_id,
            why=why,
        )

    def waiting(self, run_id: str, units: Collection[str]) -> set[str]:
        """Of these units, those for which the run has a change that is not settled."""
        return set(
            fetch_column(
                self.engine,
                "SELECT unit FROM changes WHERE run_id = :run_id AND outcome = 'planned' AND unit = ANY(:units)",
                run_id=run_id,
                units=list(units),
            )
        )

    def open_batches(self, run_id: str) -> dict[int, int]:
        """Batches of a run that have something left to write, and how much."""
        return fetch_pairs(
            self.engine,
            "SELECT batch, count(*) FROM changes WHERE run_id = :run_id AND outcome = 'planned' "
            "GROUP BY batch ORDER BY batch",
            run_id=run_id,
        )

    def keyed(self, run_id: str, idempotency_key: str) -> int:
        """How many changes of a run bear this key."""
        found: int = fetch_value(
            self.engine,
            "SELECT count(*) FROM changes WHERE run_id = :run_id AND idempotency_key = :key",
            run_id=run_id,
            key=idempotency_key,
        )
        return found

    def counts(self, run_id: str, batch: int | None = None) -> dict[Outcome, int]:
        """How many changes of a run (or of one batch) have each outcome; every outcome is there, 0 included."""
        counts: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        for group in self.breakdown(run_id, batch):
            counts[group.outcome] += group.count
        return counts

    def breakdown(self, run_id: str, batch: int | None = None) -> list[ChangeCount]:
        """The counts of a run (or of one batch) a target system, kind, action and outcome."""
        return fetch_as(
            ChangeCount,
            self.engine,
            "SELECT system, kind, action, outcome, count(*) AS count FROM changes "
            "WHERE run_id = :run_id AND (CAST(:batch AS int) IS NULL OR batch = :batch) "
            "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
            run_id=run_id,
            batch=batch,
        )

    def unsettled(self, run_id: str | None = None, *, entity: str | None = None) -> list[ChangeRow]:
        """Changes begun and never settled (of a run, or of any run of an entity): their outcome is unknown, the
        target has to be looked up."""
        return self._read(
            "outcome = 'planned' AND attempt > 0 AND (CAST(:run_id AS text) IS NULL OR run_id = :run_id) "
            f"AND (CAST(:entity AS text) IS NULL OR entity = :entity) {_ORDER}",
            run_id=run_id,
            entity=entity,
        )

    def get(self, change_ids: Collection[str]) -> list[ChangeRow]:
        return self._read(f"id = ANY(CAST(:ids AS uuid[])) {_ORDER}", ids=list(change_ids))

    def _read(self, condition: str, **values: Any) -> list[ChangeRow]:
        return fetch_as(ChangeRow, self.engine, f"{_SELECT} WHERE {condition}", **values)


def _values(change: ChangeRow, now: Any) -> tuple[Any, ...]:
    given = vars(change) | {
        "exchange_ids": list(change.exchange_ids),
        "dropped": [list(pair) for pair in change.dropped],
        "planned_at": change.planned_at or now,
    }
    return tuple(jsonb(given[name]) if name in _DOCUMENTS else given[name] for name in _FIELDS)


def _settled(outcome: ChangeOutcome) -> tuple[Any, ...]:
    given = vars(outcome) | {
        "id": outcome.change_id,
        "exchange_ids": list(outcome.exchange_ids),
        "dropped": [list(pair) for pair in outcome.dropped],
    }
    return tuple(given[name] for name in _SETTLED)
