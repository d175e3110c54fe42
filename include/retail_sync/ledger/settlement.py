"""The end of a run in one transaction: its holds are written, and only with them its cursors move.

That is what keeps a cursor from hiding a failure: whatever the next window will not read again is due by itself, or
nothing of both is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from retail_sync.ledger.cursors import is_later, require_order
from retail_sync.ledger.engine import SYSTEM, transaction
from retail_sync.ledger.holds import record_holds, release_settled
from retail_sync.ledger.rows import HoldDraft, Settled
from retail_sync.records.errors import ProtocolFault

Subject = tuple[str, str]
"""(kind, subject)"""


def settle(
    engine: Engine,
    run_id: str,
    entity: str,
    *,
    cursors: Mapping[str, str],
    holds: Sequence[HoldDraft],
    released: Sequence[Subject],
    considered: Sequence[Subject],
    baseline: bool,
    first_retry: timedelta,
    longest: timedelta,
    now: datetime | None,
) -> Settled:
    with transaction(engine) as connection:
        moment = now or connection.execute(text("SELECT now()")).scalar_one()
        _require_run(connection, run_id, entity)
        new, again = record_holds(
            connection, run_id, entity, holds, now=moment, first_retry=first_retry, longest=longest
        )
        freed = release_settled(
            connection, run_id, entity, {*released, *considered}, held_again=holds, now=moment
        )
        places = {
            system: _move(connection, run_id, entity, system, cursor, moment)
            for system, cursor in sorted(cursors.items())
        }
        if baseline:
            connection.execute(
                text(
                    "INSERT INTO baselines (entity, run_id, at) VALUES (:entity, :run_id, :at) "
                    "ON CONFLICT (entity) DO UPDATE SET run_id = excluded.run_id, at = excluded.at"
                ),
                {"entity": entity, "run_id": run_id, "at": moment},
            )
    return Settled(held_new=new, held_again=again, released=freed, cursors=places)


def _require_run(connection: Connection, run_id: str, entity: str) -> None:
    # The row lock lets two settlements of one run (a task and its retry) follow each other.
    state = connection.execute(
        text("SELECT state FROM runs WHERE id = :id AND entity = :entity FOR UPDATE"),
        {"id": run_id, "entity": entity},
    ).scalar_one_or_none()
    if state is None:
        raise ProtocolFault(
            f"Run {run_id!r} of {entity!r} is not in the ledger, so it may not settle anything.",
            system=SYSTEM,
            remedy="Clear the whole DAG run in Airflow, so that its first task opens the run again.",
        )


def _move(connection: Connection, run_id: str, entity: str, system: str, cursor: str, now: datetime) -> str:
    """Move a cursor forwards. A run that read an older window (a backfill beside a delta) leaves it where it is."""
    place = {"entity": entity, "system": system, "cursor": cursor, "run_id": run_id, "now": now}
    require_order(cursor)
    inserted = connection.execute(
        text(
            "INSERT INTO cursors (entity, system, cursor, run_id, moved_at) "
            "VALUES (:entity, :system, :cursor, :run_id, :now) ON CONFLICT (entity, system) DO NOTHING"
        ),
        place,
    )
    if inserted.rowcount:
        return cursor
    stored: str = connection.execute(
        text("SELECT cursor FROM cursors WHERE entity = :entity AND system = :system FOR UPDATE"), place
    ).scalar_one()
    if not is_later(cursor, stored):
        return stored
    connection.execute(
        text(
            "UPDATE cursors SET previous = cursor, cursor = :cursor, run_id = :run_id, moved_at = :now "
            "WHERE entity = :entity AND system = :system"
        ),
        place,
    )
    return cursor
