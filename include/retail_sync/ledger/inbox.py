"""Webhook and queue events as they came in: one row for each entity an event concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from retail_sync.ledger.bulk import jsonb
from retail_sync.ledger.rows import Event
from retail_sync.ledger.statements import execute, fetch, fetch_as, fetch_column
from retail_sync.records.events import Hint

MOST_WAITING = 20_000
"""Events of an entity that wait for a run. A run looks at all that changed, however many told of it: what comes on top
of these (to a DAG that is paused, for days) says nothing new, and is not kept."""

Delay = Callable[[str, str], float]
"""Entity and source -> seconds."""


def no_delay(entity: str, source: str) -> float:
    """Runs see at once what they are told of."""
    return 0.0


@dataclass(frozen=True)
class Waiting:
    """What waits for one entity and has been seen by no run: how many events, since when the oldest is due (UTC), and
    whether the entity has had its first alignment. Before that its runs read everything anyway, and none may be a
    delta."""

    entity: str
    events: int
    since: datetime
    aligned: bool = True


@dataclass(frozen=True)
class Inbox:
    engine: Engine

    def keep(
        self, hints: Iterable[Hint], entities: Collection[str], delay: Delay = no_delay
    ) -> frozenset[str]:
        """Keep hints for those of `entities` they concern, all or none. Gives the entities that were told something
        new: senders repeat themselves, and beyond `MOST_WAITING` nothing is new. `delay`: seconds before a run can see
        what an entity is told by a source."""
        rows = [
            {
                "entity": entity,
                "source": hint.source,
                "topic": hint.topic,
                "event_id": hint.event_id,
                "body": jsonb(hint.body),
                "delay": delay(entity, hint.source),
            }
            for hint in hints
            for entity in hint.entities
            if entity in entities
        ]
        if not rows:
            return frozenset()
        # Two deliveries of the same events at once must lock their rows in the same order.
        rows.sort(key=lambda row: (row["entity"], row["source"], row["event_id"]))
        columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in rows[0]}
        told = fetch_column(
            self.engine,
            """
            INSERT INTO inbox (entity, source, topic, event_id, body, due_at)
            SELECT entity, source, topic, event_id, CAST(body AS jsonb), now() + delay * INTERVAL '1 second'
            FROM unnest(CAST(:entity AS text[]), CAST(:source AS text[]), CAST(:topic AS text[]),
                        CAST(:event_id AS text[]), CAST(:body AS text[]), CAST(:delay AS float8[]))
                 AS given(entity, source, topic, event_id, body, delay)
            WHERE entity NOT IN (
                SELECT full_one FROM unnest(CAST(:entities AS text[])) AS full_one
                WHERE EXISTS (SELECT FROM inbox WHERE inbox.entity = full_one AND done_at IS NULL
                              AND claimed_by IS NULL OFFSET :most)
            )
            ON CONFLICT (entity, source, event_id) DO NOTHING
            RETURNING entity
            """,
            **columns,
            entities=sorted(set(columns["entity"])),
            most=MOST_WAITING - 1,
        )
        return frozenset(told)

    def waiting(self) -> list[Waiting]:
        """What is due and no run has seen yet, an entity a row."""
        return fetch_as(
            Waiting,
            self.engine,
            "SELECT entity, count(*) AS events, min(due_at) AS since, "
            "EXISTS (SELECT FROM baselines WHERE baselines.entity = inbox.entity) AS aligned FROM inbox "
            "WHERE done_at IS NULL AND claimed_by IS NULL AND due_at <= now() GROUP BY entity ORDER BY entity",
        )

    def aligned(self, entities: Collection[str]) -> frozenset[str]:
        """Those of `entities` that have had their first alignment."""
        if not entities:
            return frozenset()
        found = fetch_column(
            self.engine,
            "SELECT entity FROM baselines WHERE entity = ANY(:entities)",
            entities=list(entities),
        )
        return frozenset(found)

    def claim(self, entity: str, run_id: str) -> list[Event]:
        """All that is due for an entity is this run's from now on, oldest first. Runs of an entity never overlap, so
        what another run claimed and did not settle is taken over."""
        return fetch_as(
            Event,
            self.engine,
            """
            WITH taken AS (
                UPDATE inbox SET claimed_at = now(), claimed_by = :run_id
                WHERE entity = :entity AND done_at IS NULL AND due_at <= now()
                RETURNING id, entity, source, topic, event_id, body, received_at
            )
            SELECT * FROM taken ORDER BY id
            """,
            entity=entity,
            run_id=run_id,
        )

    def done(self, run_id: str) -> int:
        """What this run claimed has had its effect; how many events that were."""
        settled = "UPDATE inbox SET done_at = now() WHERE claimed_by = :run_id AND done_at IS NULL"
        return execute(self.engine, settled, run_id=run_id)

    def told(self, since: timedelta = timedelta(hours=1)) -> list[Mapping[str, Any]]:
        """Events of late by entity, source and topic: how many, how many of them open, and the last one's time."""
        rows = fetch(
            self.engine,
            """
            SELECT entity, source, topic, count(*) AS events,
                   count(*) FILTER (WHERE done_at IS NULL) AS open, max(received_at) AS last
            FROM inbox WHERE received_at > now() - CAST(:since AS interval)
            GROUP BY entity, source, topic ORDER BY entity, source, topic
            """,
            since=since,
        )
        return [dict(row._mapping) for row in rows]
