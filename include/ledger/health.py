"""How the sync is: per entity, per system, and over time. Everything that could be large is bounded by time or kept by
partial indexes; counts of links are by their unique indexes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, text

from include.ledger.engine import transaction

Step = Literal["hour", "day"]


@dataclass(frozen=True)
class Settled:
    """The latest run of an entity that ended well and was no dry run."""

    run_id: str
    finished_at: datetime
    asked_by: str


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
        """The last success of each entity, looked for among its latest hundred runs."""
        rows = self._rows(
            """
            SELECT DISTINCT ON (r.entity) r.entity, r.id, r.finished_at, COALESCE(r.params ->> 'asked_by', '') AS by
            FROM unnest(CAST(:entities AS text[])) AS e(entity)
            CROSS JOIN LATERAL (
                SELECT * FROM runs WHERE runs.entity = e.entity ORDER BY started_at DESC LIMIT 100) AS r
            WHERE r.state = 'succeeded' AND NOT COALESCE((r.params ->> 'dry_run')::boolean, false)
            ORDER BY r.entity, r.started_at DESC
            """,
            entities=list(entities),
        )
        return {row.entity: Settled(row.id, row.finished_at, row.by) for row in rows}

    def cursors(self, entity: str) -> list[CursorAt]:
        """How far each feed has been read."""
        rows = self._rows(
            "SELECT system, cursor, moved_at FROM cursors WHERE entity = :entity ORDER BY system",
            entity=entity,
        )
        return [CursorAt(*row) for row in rows]

    def linked(self, entity: str) -> dict[str, int]:
        """Linked pairs by kind."""
        rows = self._rows(
            "SELECT kind, count(*) FROM links WHERE entity = :entity AND retired_at IS NULL "
            "GROUP BY kind ORDER BY kind",
            entity=entity,
        )
        return dict(map(tuple, rows))

    def outcomes(self, since: datetime) -> dict[tuple[str, str], dict[str, int]]:
        """Changes planned since then, by entity and target, counted by outcome (`ix_changes_planned_at`)."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for row in self._rows(
            "SELECT entity, system, outcome, count(*) AS n FROM changes WHERE planned_at >= :since "
            "GROUP BY entity, system, outcome",
            since=since,
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

    def answered_in(self, since: datetime) -> float | None:
        """Half of the events of late had their effect within so many seconds; None = there was none."""
        (row,) = self._rows(
            """
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - received_at)) AS median
            FROM inbox WHERE done_at >= :since
            """,
            since=since,
        )
        return None if row.median is None else float(row.median)

    def writes(self, since: datetime, step: Step) -> list[Point]:
        """Changes that were written, by entity."""
        return self._points(
            "SELECT date_trunc(:step, planned_at, 'UTC') AS at, entity AS name, count(*) AS n FROM changes "
            "WHERE planned_at >= :since AND outcome = 'applied' GROUP BY 1, 2 ORDER BY 1",
            since,
            step,
        )

    def requests(self, since: datetime, step: Step) -> list[Point]:
        """Requests by system, and those without a good answer as `errors`."""
        return self._points(
            """
            SELECT at, name, sum(n)::bigint AS n FROM (
                SELECT date_trunc(:step, started_at, 'UTC') AS at,
                       unnest(CASE WHEN status IS NULL OR status >= 400 THEN ARRAY[system, 'errors']
                              ELSE ARRAY[system] END) AS name, 1 AS n
                FROM exchanges WHERE started_at >= :since) AS one
            GROUP BY at, name ORDER BY at
            """,
            since,
            step,
        )

    def held(self, since: datetime, step: Step) -> list[Point]:
        """Holds that were opened and released."""
        return self._points(
            """
            SELECT at, name, count(*) AS n FROM (
                SELECT date_trunc(:step, first_seen_at, 'UTC') AS at, 'opened' AS name FROM holds
                WHERE first_seen_at >= :since
                UNION ALL
                SELECT date_trunc(:step, released_at, 'UTC'), 'released' FROM holds WHERE released_at >= :since) AS one
            GROUP BY at, name ORDER BY at
            """,
            since,
            step,
        )

    def _points(self, query: str, since: datetime, step: Step) -> list[Point]:
        found: dict[datetime, dict[str, int]] = {}
        for row in self._rows(query, since=since, step=step):
            found.setdefault(row.at, {})[row.name] = int(row.n)
        return [Point(at, values) for at, values in sorted(found.items())]

    def _rows(self, query: str, **values: Any) -> Any:
        with transaction(self.engine) as connection:
            return connection.execute(text(query), values).all()
