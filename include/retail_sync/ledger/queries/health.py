"""How the sync is: per entity, per system, and over time. Everything that could be large is bounded by time or kept by
partial indexes; counts of links are by their unique indexes.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine

from retail_sync.ledger.statements import fetch, fetch_pairs
from retail_sync.records.ports.products import SYSTEMS

Step = Literal["hour", "day"]


@dataclass(frozen=True)
class Settled:
    """The latest run of an entity that brought all of it up to date. The data is as of when it began."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    asked_by: str


@dataclass(frozen=True)
class Reconciled:
    """A comparison of both sides in full, and how many changes would have brought them together."""

    run_id: str
    started_at: datetime
    changes: int


@dataclass(frozen=True)
class CursorAt:
    """How far a feed of an entity has been read. `cursor`: in the system's own terms; `moved_at`: by the ledger's
    clock."""

    feed: str
    cursor: str
    moved_at: datetime


@dataclass(frozen=True)
class SystemLoad:
    """Requests to one system in a span: how many, how many without an answer or with a refusal (status 400 and above),
    and the 95th percentile of their time in milliseconds."""

    system: str
    requests: int
    errors: int
    p95_ms: float | None


@dataclass(frozen=True)
class Budget:
    """What is left of a system's request budget in its present window; None = it publishes none."""

    system: str
    limit: int | None
    remaining: int | None
    paused_until: datetime | None


@dataclass(frozen=True)
class Point:
    """What happened in one hour or day that began `at` (UTC), by name."""

    at: datetime
    values: Mapping[str, int]


@dataclass(frozen=True)
class Health:
    engine: Engine

    def settled(self, entities: Collection[str]) -> dict[str, Settled]:
        """The last run of each entity that brought all of it up to date: made to sync, not of some keys only, not in
        one direction only, no dry run (`ix_runs_entity_started_at`, backwards until the first that fits:
        the inner limit keeps the planner from reading all runs and sorting them)."""
        rows = self._latest(
            entities,
            "id, started_at, finished_at, COALESCE(params ->> 'asked_by', '') AS by",
            "state = 'succeeded' AND purpose = 'sync' "
            "AND COALESCE(params ->> 'dry_run', 'false') = 'false' "
            "AND COALESCE(params ->> 'direction', 'both') = 'both' "
            "AND COALESCE(params -> 'keys', '[]'::jsonb) = '[]'::jsonb",
        )
        return {row.entity: Settled(row.id, row.started_at, row.finished_at, row.by) for row in rows}

    def reconciled(self, entities: Collection[str]) -> dict[str, Reconciled]:
        """The last reconciliation of each entity among its latest 5000 runs (same index)."""
        rows = self._latest(
            entities,
            "id, started_at, COALESCE((accounts ->> 'changes')::bigint, 0) AS changes",
            "purpose = 'reconcile' AND state = 'succeeded'",
        )
        return {row.entity: Reconciled(row.id, row.started_at, row.changes) for row in rows}

    def _latest(self, entities: Collection[str], select: str, condition: str) -> Any:
        """Of each entity the latest run that meets a condition, among its latest 5000."""
        return self._rows(
            f"""
            SELECT e.entity, r.* FROM unnest(CAST(:entities AS text[])) AS e(entity)
            CROSS JOIN LATERAL (
                SELECT {select}
                FROM (SELECT * FROM runs WHERE runs.entity = e.entity ORDER BY started_at DESC LIMIT 5000) AS late
                WHERE {condition} ORDER BY started_at DESC LIMIT 1) AS r
            """,
            entities=list(entities),
        )

    def cursors(self, entity: str) -> list[CursorAt]:
        """How far each feed has been read."""
        rows = self._rows(
            "SELECT system, cursor, moved_at FROM cursors WHERE entity = :entity ORDER BY system",
            entity=entity,
        )
        return [CursorAt(*row) for row in rows]

    def linked(self, entity: str) -> dict[str, int]:
        """Linked pairs by kind."""
        return fetch_pairs(
            self.engine,
            "SELECT kind, count(*) FROM links WHERE entity = :entity AND retired_at IS NULL "
            "GROUP BY kind ORDER BY kind",
            entity=entity,
        )

    def outcomes(self, entities: Collection[str], since: datetime) -> dict[tuple[str, str], dict[str, int]]:
        """Changes of these entities planned since then, by entity and target, counted by outcome
        (`ix_changes_planned_at`)."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for row in self._rows(
            "SELECT entity, system, outcome, count(*) AS n FROM changes "
            "WHERE planned_at >= :since AND entity = ANY(:entities) GROUP BY entity, system, outcome",
            since=since,
            entities=list(entities),
        ):
            found.setdefault((row.entity, row.system), {})[row.outcome] = row.n
        return found

    def load(self, since: datetime) -> list[SystemLoad]:
        """Requests since then (`ix_exchanges_feed`)."""
        rows = self._rows(
            """
            SELECT system, count(*) AS requests, count(*) FILTER (WHERE status IS NULL OR status >= 400) AS errors,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY elapsed_ms) AS p95
            FROM exchanges WHERE started_at >= :since GROUP BY system ORDER BY system
            """,
            since=since,
        )
        return [SystemLoad(row.system, row.requests, row.errors, row.p95) for row in rows]

    def budgets(self) -> dict[str, Budget]:
        rows = self._rows('SELECT system, "limit", remaining, paused_until FROM budgets')
        return {row.system: Budget(*row) for row in rows}

    def answered_in(self, entities: Collection[str], since: datetime) -> float | None:
        """Half of the events of late had their effect within so many seconds; None = there was none
        (`ix_inbox_done_at`)."""
        (row,) = self._rows(
            """
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - received_at)) AS median
            FROM inbox WHERE done_at >= :since AND entity = ANY(:entities)
            """,
            since=since,
            entities=list(entities),
        )
        return None if row.median is None else float(row.median)

    def writes(self, entities: Collection[str], since: datetime, step: Step) -> list[Point]:
        """Changes that were written, by entity: `ix_changes_feed` alone answers it, a short range of it for each
        entity and system."""
        return self._points(
            "SELECT date_trunc(:step, planned_at, 'UTC') AS at, entity AS name, count(*) AS n FROM changes "
            "WHERE entity = ANY(:entities) AND system = ANY(:systems) AND outcome = 'applied' "
            "AND planned_at >= :since GROUP BY 1, 2 ORDER BY 1",
            since,
            step,
            entities=list(entities),
            systems=list(SYSTEMS),
        )

    def requests(self, since: datetime, step: Step) -> list[Point]:
        """Requests by system; those without a good answer apart, as `system: errors`. No request is in two of them, so
        that they may be added up."""
        return self._points(
            """
            SELECT date_trunc(:step, started_at, 'UTC') AS at,
                   CASE WHEN status IS NULL OR status >= 400 THEN system || ': errors' ELSE system END AS name,
                   count(*) AS n
            FROM exchanges WHERE started_at >= :since GROUP BY 1, 2 ORDER BY 1
            """,
            since,
            step,
        )

    def held(self, entities: Collection[str], since: datetime, step: Step) -> list[Point]:
        """Holds of these entities that were opened (`ix_holds_feed`) and released (`ix_holds_released_at`)."""
        return self._points(
            """
            SELECT at, name, count(*) AS n FROM (
                SELECT date_trunc(:step, first_seen_at, 'UTC') AS at, 'opened' AS name FROM holds
                WHERE entity = ANY(:entities) AND first_seen_at >= :since
                UNION ALL
                SELECT date_trunc(:step, released_at, 'UTC'), 'released' FROM holds
                WHERE entity = ANY(:entities) AND released_at >= :since) AS one
            GROUP BY at, name ORDER BY at
            """,
            since,
            step,
            entities=list(entities),
        )

    def _points(self, query: str, since: datetime, step: Step, **values: Any) -> list[Point]:
        found: dict[datetime, dict[str, int]] = {}
        for row in self._rows(query, since=since, step=step, **values):
            found.setdefault(row.at, {})[row.name] = int(row.n)
        return [Point(at, values) for at, values in sorted(found.items())]

    def _rows(self, query: str, **values: Any) -> Any:
        return fetch(self.engine, query, **values)
