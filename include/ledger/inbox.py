"""Webhook and queue events as they came in, handed out once each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from include.ledger.bulk import jsonb, storable_text
from include.ledger.engine import transaction
from include.ledger.rows import Event


@dataclass(frozen=True)
class Inbox:
    engine: Engine

    def put(self, source: str, topic: str, event_id: str, body: Mapping[str, Any]) -> bool:
        """Keep an event; False where it was here before (senders repeat themselves)."""
        with transaction(self.engine) as connection:
            stored = connection.execute(
                text(
                    "INSERT INTO inbox (source, topic, event_id, body) "
                    "VALUES (:source, :topic, :event_id, CAST(:body AS jsonb)) "
                    "ON CONFLICT (source, event_id) DO NOTHING"
                ),
                {
                    "source": source,
                    "topic": topic,
                    "event_id": storable_text(event_id),
                    "body": jsonb(body),
                },
            )
        return bool(stored.rowcount)

    def claim(
        self, source: str, limit: int = 1000, *, stale_after: timedelta = timedelta(hours=1)
    ) -> list[Event]:
        """Take open events, oldest first; no other worker gets them unless they are not `done` after
        `stale_after` (the worker died)."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    """
                    WITH free AS (
                        SELECT id FROM inbox
                        WHERE source = :source AND done_at IS NULL
                          AND (claimed_at IS NULL OR claimed_at < now() - CAST(:stale AS interval))
                        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
                    ), taken AS (
                        UPDATE inbox SET claimed_at = now() FROM free WHERE inbox.id = free.id
                        RETURNING inbox.id, source, topic, event_id, body, received_at
                    )
                    SELECT * FROM taken ORDER BY id
                    """
                ),
                {"source": source, "stale": stale_after, "limit": limit},
            ).all()
        return [Event(**row._mapping) for row in rows]

    def done(self, event_ids: Collection[int]) -> None:
        """These events (by `Event.id`) have had their effect."""
        with transaction(self.engine) as connection:
            connection.execute(
                text("UPDATE inbox SET done_at = now() WHERE id = ANY(:ids) AND done_at IS NULL"),
                {"ids": sorted(event_ids)},
            )
