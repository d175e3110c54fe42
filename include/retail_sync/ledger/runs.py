"""Runs, the cursors they move, and the baseline of an entity."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from retail_sync.ledger.bulk import jsonb, storable_text
from retail_sync.ledger.engine import SYSTEM, transaction
from retail_sync.ledger.rows import Mode, Run, RunState
from retail_sync.records.errors import ProtocolFault

_COLUMNS = (
    "id, entity, dag_id, airflow_run_id, mode, params, state, windows, accounts, summary, error, "
    "started_at, finished_at"
)


@dataclass(frozen=True)
class Runs:
    engine: Engine

    def open(
        self,
        run_id: str,
        entity: str,
        *,
        dag_id: str,
        airflow_run_id: str,
        mode: Mode,
        params: Mapping[str, Any],
    ) -> Run:
        """Start a run, or take it up again: a retried task finds its run as it left it, set back to running.

        An earlier run of the same entity and DAG that is still `running` can only be dead (a DAG has one active
        run): it is marked failed. What earlier runs of the DAG planned and never began is superseded, so that
        clearing one of their tasks later sends no stale plan; what they began and never settled stays, to be
        looked up (`Changes.unsettled`).
        """
        with transaction(self.engine) as connection:
            # One opener an entity at a time: two at once would each take the other for dead.
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended('ledger run ' || :entity, 0))"),
                {"entity": entity},
            )
            row = connection.execute(
                text(
                    f"""
                    INSERT INTO runs (id, entity, dag_id, airflow_run_id, mode, params, state)
                    VALUES (:id, :entity, :dag_id, :airflow_run_id, :mode, CAST(:params AS jsonb), 'running')
                    ON CONFLICT (id) DO UPDATE SET state = 'running', error = NULL, finished_at = NULL
                    WHERE runs.entity = excluded.entity
                    RETURNING {_COLUMNS}
                    """
                ),
                {
                    "id": run_id,
                    "entity": entity,
                    "dag_id": dag_id,
                    "airflow_run_id": airflow_run_id,
                    "mode": mode,
                    "params": jsonb(params),
                },
            ).one_or_none()
            if row is None:
                raise ProtocolFault(
                    f"Run {run_id!r} exists already for another entity than {entity!r}.",
                    system=SYSTEM,
                    remedy="Give every entity of a DAG run a run id of its own.",
                )
            run = _run(row)
            _bury_earlier(connection, run)
        return run

    def begin_anew(self, run_id: str) -> None:
        """For the first task of a run, before it is opened: one of that name that has succeeded is over. Somebody
        cleared it, or deleted the DAG with its runs, and Airflow named a new one the same: what the old one had read is
        not taken for what is there now. One that failed is taken up where it stood."""
        with transaction(self.engine) as connection:
            connection.execute(
                text(
                    "DELETE FROM checkpoints WHERE run_id = :id "
                    "AND EXISTS (SELECT FROM runs WHERE id = :id AND state = 'succeeded')"
                ),
                {"id": run_id},
            )

    def get(self, run_id: str) -> Run:
        """The run. Raises ProtocolFault where the ledger has none of that id."""
        with transaction(self.engine) as connection:
            row = connection.execute(
                text(f"SELECT {_COLUMNS} FROM runs WHERE id = :id"), {"id": run_id}
            ).one_or_none()
        if row is None:
            raise _unknown(run_id)
        return _run(row)

    def set_windows(self, run_id: str, windows: Mapping[str, Any]) -> None:
        self._update(run_id, "windows = CAST(:windows AS jsonb)", {"windows": jsonb(windows)})

    def finish(
        self,
        run_id: str,
        state: RunState,
        accounts: Mapping[str, Any],
        summary: str | None = None,
        error: str | None = None,
    ) -> None:
        self._update(
            run_id,
            "state = :state, accounts = CAST(:accounts AS jsonb), summary = :summary, error = :error, "
            "finished_at = now()",
            {
                "state": state,
                "accounts": jsonb(accounts),
                "summary": storable_text(summary),
                "error": storable_text(error),
            },
        )

    def last(self, entity: str, n: int = 20) -> list[Run]:
        """The latest runs of an entity, newest first."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    f"SELECT {_COLUMNS} FROM runs WHERE entity = :entity ORDER BY started_at DESC, id DESC LIMIT :n"
                ),
                {"entity": entity, "n": n},
            ).all()
        return [_run(row) for row in rows]

    def cursor(self, entity: str, system: str) -> str | None:
        """Where the next window of `system` starts; None = never settled."""
        with transaction(self.engine) as connection:
            value: str | None = connection.execute(
                text("SELECT cursor FROM cursors WHERE entity = :entity AND system = :system"),
                {"entity": entity, "system": system},
            ).scalar_one_or_none()
        return value

    def baseline(self, entity: str) -> datetime | None:
        """When both sides were first aligned in full; None = not yet."""
        with transaction(self.engine) as connection:
            value: datetime | None = connection.execute(
                text("SELECT at FROM baselines WHERE entity = :entity"), {"entity": entity}
            ).scalar_one_or_none()
        return value

    def _update(self, run_id: str, assignments: str, values: Mapping[str, Any]) -> None:
        with transaction(self.engine) as connection:
            done = connection.execute(
                text(f"UPDATE runs SET {assignments} WHERE id = :id"), {"id": run_id, **values}
            )
            if done.rowcount == 0:
                raise _unknown(run_id)


def _bury_earlier(connection: Connection, run: Run) -> None:
    who = {"id": run.id, "entity": run.entity, "dag_id": run.dag_id}
    connection.execute(
        text(
            """
            UPDATE runs SET state = 'failed', finished_at = now(),
                error = 'The run ended without saying so: the next run (' || :id || ') found it still running. '
                        || 'Its cursors did not move; that run reads the same window again.'
            WHERE entity = :entity AND dag_id = :dag_id AND state = 'running' AND id <> :id
            """
        ),
        who,
    )
    connection.execute(
        text(
            """
            UPDATE changes SET outcome = 'superseded', settled_at = now(),
                error = 'Its run ended before this change was sent; run ' || :id || ' plans anew.'
            FROM runs
            WHERE runs.id = changes.run_id AND runs.entity = :entity AND runs.dag_id = :dag_id AND runs.id <> :id
              AND changes.entity = :entity AND changes.outcome = 'planned' AND changes.attempt = 0
            """
        ),
        who,
    )


def _unknown(run_id: str) -> ProtocolFault:
    return ProtocolFault(
        f"The ledger knows no run {run_id!r}.",
        system=SYSTEM,
        remedy="Clear the whole DAG run in Airflow, so that its first task opens the run again.",
    )


def _run(row: Row[Any]) -> Run:
    return Run(**row._mapping)
