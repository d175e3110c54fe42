"""Let go of what is old, a batch at a time, so that no deletion locks or bloats much at once."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine, text

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.limits import CARE

BATCH = 5_000
DAY = timedelta(days=1)
_SPENT = (
    "decided_at < :before AND code <> 'identity' AND NOT EXISTS (SELECT FROM holds "
    "WHERE holds.entity = decisions.entity AND holds.subject = decisions.subject AND holds.released_at IS NULL)"
)
"""Decisions that decide nothing any more."""


class Ages(Protocol):
    """How many days each kind of row is kept (the configuration's `retention` has this shape)."""

    @property
    def exchanges_days(self) -> int: ...

    @property
    def changes_days(self) -> int: ...

    @property
    def inbox_days(self) -> int: ...

    @property
    def staging_days(self) -> int: ...


def housekeep(engine: Engine, now: datetime, retention: Ages) -> dict[str, int]:
    """Delete what is older than its age at `now`; rows deleted, a table.

    Never deleted, however old: open holds, events nobody has handled, changes whose outcome is still unknown, runs
    under way, and everything that says how things are now (mirror, stock, links, cursors, baselines, tokens, and who a
    person said is who, and decisions on records that are still held).
    Holds, decisions, runs and checkpoints follow the age of changes, whose story they tell; digests of staged files go
    with the files.
    """
    audit = now - retention.changes_days * DAY
    staged = now - retention.staging_days * DAY
    return {
        "exchanges": _delete(
            engine, "exchanges", "started_at < :before", now - retention.exchanges_days * DAY
        ),
        "inbox": _delete(engine, "inbox", "done_at < :before", now - retention.inbox_days * DAY),
        "changes": _delete(
            engine, "changes", "planned_at < :before AND NOT (outcome = 'planned' AND attempt > 0)", audit
        ),
        "holds": _delete(engine, "holds", "released_at < :before", audit),
        "decisions": _delete(engine, "decisions", _SPENT, audit),
        "checkpoints": _delete(engine, "checkpoints", "at < :before", audit, key="ctid")
        + _delete(engine, "checkpoints", "at < :before AND starts_with(step, 'staged ')", staged, key="ctid"),
        "stock_orders": _delete(
            engine, "stock_orders", "(NOT holds OR exported_at < :before) AND seen_at < :before", audit
        ),
        "runs": _delete(
            engine,
            "runs",
            "finished_at < :before AND NOT EXISTS (SELECT FROM changes WHERE changes.run_id = runs.id)",
            audit,
        ),
    }


def _delete(engine: Engine, table: str, condition: str, before: datetime, *, key: str = "id") -> int:
    statement = text(
        f"DELETE FROM {table} WHERE {key} = ANY(ARRAY("
        f"SELECT {key} FROM {table} WHERE {condition} LIMIT :batch FOR UPDATE SKIP LOCKED))"
    )
    total = 0
    while True:
        with transaction(engine, CARE) as connection:
            deleted = connection.execute(statement, {"before": before, "batch": BATCH}).rowcount
        total += deleted
        if deleted < BATCH:
            return total
