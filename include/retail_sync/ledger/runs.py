"""Runs, the cursors they move, and the baseline of an entity."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from retail_sync.ledger.bulk import jsonb
from retail_sync.ledger.engine import SYSTEM, transaction
from retail_sync.ledger.holds import record_holds, release_settled
from retail_sync.ledger.rows import HoldDraft, Mode, Purpose, Run, RunState, Settled
from retail_sync.ledger.statements import columns, execute, fetch_as, fetch_one, fetch_value
from retail_sync.records.errors import ProtocolFault

_COLUMNS = columns(Run)
FIRST_RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(hours=24)
Subject = tuple[str, str]
"""(kind, subject)"""


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
        purpose: Purpose = "sync",
    ) -> Run:
        """Start a run, or take it up again: a retried task finds its run as it left it, set back to running.

        An earlier run of the same entity and DAG that is still `running` can only be dead (a DAG has one active
        run): it is marked failed. What earlier runs of the DAG planned and never began is superseded, so that
        clearing one of their tasks later sends no stale plan; what they began and never settled stays, to be
        looked up (`Changes.unsettled`).
        """
        with transaction(self.engine) as connection:
            # One opener an entity at a time: two at once would each take the other for dead.
            execute(
                connection,
                "SELECT pg_advisory_xact_lock(hashtextextended('ledger run ' || :entity, 0))",
                entity=entity,
            )
            row = fetch_one(
                connection,
                f"""
                INSERT INTO runs (id, entity, purpose, dag_id, airflow_run_id, mode, params, state)
                VALUES (:id, :entity, :purpose, :dag_id, :airflow_run_id, :mode, CAST(:params AS jsonb), 'running')
                ON CONFLICT (id) DO UPDATE SET state = 'running', error = NULL, remedy = NULL, finished_at = NULL
                WHERE runs.entity = excluded.entity
                RETURNING {_COLUMNS}
                """,
                id=run_id,
                entity=entity,
                purpose=purpose,
                dag_id=dag_id,
                airflow_run_id=airflow_run_id,
                mode=mode,
                params=jsonb(params),
            )
            if row is None:
                raise ProtocolFault(
                    f"Run {run_id!r} exists already for another entity than {entity!r}.",
                    system=SYSTEM,
                    remedy="Give every entity of a DAG run a run id of its own.",
                )
            run = Run(**row._mapping)
            _bury_earlier(connection, run)
        return run

    def begin_anew(self, run_id: str) -> None:
        """For the first task of a run, before it is opened: one of that name that has succeeded is over. Somebody
        cleared it, or deleted the DAG with its runs, and Airflow named a new one the same: what the old one had read is
        not taken for what is there now. One that failed is taken up where it stood."""
        execute(
            self.engine,
            "DELETE FROM checkpoints WHERE run_id = :id "
            "AND EXISTS (SELECT FROM runs WHERE id = :id AND state = 'succeeded')",
            id=run_id,
        )

    def get(self, run_id: str) -> Run:
        """The run. Raises ProtocolFault where the ledger has none of that id."""
        row = fetch_one(self.engine, f"SELECT {_COLUMNS} FROM runs WHERE id = :id", id=run_id)
        if row is None:
            raise _unknown(run_id)
        return Run(**row._mapping)

    def set_windows(self, run_id: str, windows: Mapping[str, Any]) -> None:
        self._update(run_id, "windows = CAST(:windows AS jsonb)", {"windows": jsonb(windows)})

    def finish(
        self,
        run_id: str,
        state: RunState,
        accounts: Mapping[str, Any],
        summary: str | None = None,
        error: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """End a run. `error` and `remedy`: why it failed, and what to do about it."""
        self._update(
            run_id,
            "state = :state, accounts = CAST(:accounts AS jsonb), summary = :summary, error = :error, "
            "remedy = :remedy, finished_at = now()",
            {
                "state": state,
                "accounts": jsonb(accounts),
                "summary": summary,
                "error": error,
                "remedy": remedy,
            },
        )

    def settle(
        self,
        run_id: str,
        entity: str,
        *,
        cursors: Mapping[str, str],
        holds: Sequence[HoldDraft],
        considered: Sequence[Subject] = (),
        baseline: bool = False,
        first_retry: timedelta = FIRST_RETRY,
        longest: timedelta = LONGEST_RETRY,
        now: datetime | None = None,
    ) -> Settled:
        """End a run's work in one transaction: store `holds`, release the open holds of `considered` subjects that are
        not among them, move `cursors` forwards (never backwards), and set the baseline. `now` defaults to the
        database's clock.

        Either all of it is stored or nothing: that is what keeps a cursor from hiding a failure. Whatever the next
        window will not read again is due by itself."""
        with transaction(self.engine) as connection:
            moment = now or fetch_value(connection, "SELECT now()")
            _require_run(connection, run_id, entity)
            new, again = record_holds(
                connection, run_id, entity, holds, now=moment, first_retry=first_retry, longest=longest
            )
            freed = release_settled(connection, run_id, entity, set(considered), held_again=holds, now=moment)
            places = {
                system: _move(connection, run_id, entity, system, cursor, moment)
                for system, cursor in sorted(cursors.items())
            }
            if baseline:
                execute(
                    connection,
                    "INSERT INTO baselines (entity, run_id, at) VALUES (:entity, :run_id, :at) "
                    "ON CONFLICT (entity) DO UPDATE SET run_id = excluded.run_id, at = excluded.at",
                    entity=entity,
                    run_id=run_id,
                    at=moment,
                )
        return Settled(held_new=new, held_again=again, released=freed, cursors=places)

    def last(self, entity: str, n: int = 20) -> list[Run]:
        """The latest runs of an entity, newest first."""
        return fetch_as(
            Run,
            self.engine,
            f"SELECT {_COLUMNS} FROM runs WHERE entity = :entity ORDER BY started_at DESC, id DESC LIMIT :n",
            entity=entity,
            n=n,
        )

    def cursor(self, entity: str, system: str) -> str | None:
        """Where the next window of `system` starts; None = never settled."""
        value: str | None = fetch_value(
            self.engine,
            "SELECT cursor FROM cursors WHERE entity = :entity AND system = :system",
            entity=entity,
            system=system,
        )
        return value

    def baseline(self, entity: str) -> datetime | None:
        """When both sides were first aligned in full; None = not yet."""
        value: datetime | None = fetch_value(
            self.engine, "SELECT at FROM baselines WHERE entity = :entity", entity=entity
        )
        return value

    def _update(self, run_id: str, assignments: str, values: Mapping[str, Any]) -> None:
        if not execute(self.engine, f"UPDATE runs SET {assignments} WHERE id = :id", id=run_id, **values):
            raise _unknown(run_id)


def _bury_earlier(connection: Connection, run: Run) -> None:
    who = {"id": run.id, "entity": run.entity, "dag_id": run.dag_id}
    execute(
        connection,
        """
        UPDATE runs SET state = 'failed', finished_at = now(),
            error = 'The run ended without saying so: the next run (' || :id || ') found it still running. '
                    || 'Its cursors did not move; that run reads the same window again.'
        WHERE entity = :entity AND dag_id = :dag_id AND state = 'running' AND id <> :id
        """,
        **who,
    )
    execute(
        connection,
        """
        UPDATE changes SET outcome = 'superseded', settled_at = now(),
            error = 'Its run ended before this change was sent; run ' || :id || ' plans anew.'
        FROM runs
        WHERE runs.id = changes.run_id AND runs.entity = :entity AND runs.dag_id = :dag_id AND runs.id <> :id
          AND changes.entity = :entity AND changes.outcome = 'planned' AND changes.attempt = 0
        """,
        **who,
    )


def _require_run(connection: Connection, run_id: str, entity: str) -> None:
    # The row lock lets two settlements of one run (a task and its retry) follow each other.
    state = fetch_value(
        connection,
        "SELECT state FROM runs WHERE id = :id AND entity = :entity FOR UPDATE",
        id=run_id,
        entity=entity,
    )
    if state is None:
        raise ProtocolFault(
            f"Run {run_id!r} of {entity!r} is not in the ledger, so it may not settle anything.",
            system=SYSTEM,
            remedy="Clear the whole DAG run in Airflow, so that its first task opens the run again.",
        )


def _move(connection: Connection, run_id: str, entity: str, system: str, cursor: str, now: datetime) -> str:
    """Move a cursor forwards. A run that read an older window (a backfill beside a delta) leaves it where it is."""
    place = {"entity": entity, "system": system, "cursor": cursor, "run_id": run_id, "now": now}
    _require_order(cursor)
    if execute(
        connection,
        "INSERT INTO cursors (entity, system, cursor, run_id, moved_at) "
        "VALUES (:entity, :system, :cursor, :run_id, :now) ON CONFLICT (entity, system) DO NOTHING",
        **place,
    ):
        return cursor
    stored: str = fetch_value(
        connection,
        "SELECT cursor FROM cursors WHERE entity = :entity AND system = :system FOR UPDATE",
        **place,
    )
    if not _is_later(cursor, stored):
        return stored
    execute(
        connection,
        "UPDATE cursors SET previous = cursor, cursor = :cursor, run_id = :run_id, moved_at = :now "
        "WHERE entity = :entity AND system = :system",
        **place,
    )
    return cursor


def _unknown(run_id: str) -> ProtocolFault:
    return ProtocolFault(
        f"The ledger knows no run {run_id!r}.",
        system=SYSTEM,
        remedy="Clear the whole DAG run in Airflow, so that its first task opens the run again.",
    )


def _is_later(candidate: str, stored: str) -> bool:
    """Whether `candidate` is further along than `stored`. Raises ProtocolFault where they can't be compared.

    A cursor is a text in its system's own terms: a version number or a timestamp. The ledger needs their order only,
    to never move one backwards.
    """
    ours, theirs = _place(candidate), _place(stored)
    if isinstance(ours, int) and isinstance(theirs, int):
        return ours > theirs
    if isinstance(ours, datetime) and isinstance(theirs, datetime):
        return ours > theirs
    raise _no_order(f"Cursor {candidate!r} cannot be compared with the stored {stored!r}.")


def _require_order(cursor: str) -> None:
    """Raise ProtocolFault for a first cursor that no later one could be compared with."""
    if _place(cursor) is None:
        raise _no_order(f"Cursor {cursor!r} has no place in an order.")


def _no_order(problem: str) -> ProtocolFault:
    return ProtocolFault(
        problem,
        system=SYSTEM,
        remedy="A cursor is a version number or a time with its zone. If the system changed from one to the other, "
        "remove the entity's row from the table `cursors` and run it once in full mode.",
    )


def _place(cursor: str) -> int | datetime | None:
    if cursor.isascii() and cursor.isdigit():
        return int(cursor)
    try:
        moment = datetime.fromisoformat(cursor)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
