"""HTTP requests and responses as they were made, redacted: what the audit of a change points to."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, text

from retail_sync.ledger.bulk import jsonb
from retail_sync.ledger.engine import transaction
from retail_sync.records.errors import SyncError, TransientError
from retail_sync.transport.faces import Exchange

log = logging.getLogger(__name__)

BATCH = 100
FLUSH_SECONDS = 1.0
MOST_WAITING = 5_000
"""Exchanges kept in memory while the database is slow; with bodies capped at 16 KiB at most some 160 MB."""
CLOSE_SECONDS = 15.0
_ATTEMPTS = 3
CHANGE_OF_EXCHANGE = {"change": "context ->> 'change'"}
"""The field of an exchange that is no column."""
_INSERT = text(
    """
    INSERT INTO exchanges (
        id, run_id, task, system, method, url, status, started_at, elapsed_ms, attempt, request_headers, request_body,
        response_headers, response_body, correlation_id, error, context
    ) VALUES (
        :id, :run_id, :task, :system, :method, :url, :status, :started_at, :elapsed_ms, :attempt,
        CAST(:request_headers AS jsonb), :request_body, CAST(:response_headers AS jsonb), :response_body,
        :correlation_id, :error, CAST(:context AS jsonb)
    ) ON CONFLICT DO NOTHING
    """
)


class PostgresExchangeSink:
    """`ExchangeSink` that writes in the background, every second or hundred exchanges.

    `record` neither waits nor raises: the audit must not stop the sync. What could not be stored is counted in
    `dropped` and logged. `close` (or the end of a `with`) stores what is left. One per task, not across a fork.
    """

    def __init__(self, engine: Engine, run_id: str | None, task: str | None) -> None:
        self._engine = engine
        self._run_id = run_id
        self._task = task
        self._waiting: queue.Queue[Exchange] = queue.Queue(MOST_WAITING)
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._dropped = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="exchange-sink", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Exchanges that are not in the ledger and never will be."""
        return self._dropped

    def record(self, exchange: Exchange) -> None:
        if self._closing.is_set():
            self._drop(1, "the sink is closed")
            return
        try:
            self._waiting.put_nowait(exchange)
        except queue.Full:
            self._drop(1, "the database does not keep up")
            return
        if self._waiting.qsize() >= BATCH:
            self._wake.set()

    def close(self) -> None:
        """Store what is left, for at most 15 seconds; a second call does nothing."""
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            log.warning(
                "Exchanges of %s may be missing: the database did not take them in time.", self._run_id
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            last_round = self._closing.is_set()
            while batch := self._take():
                self._store(batch)
            if last_round:
                return

    def _take(self) -> list[Exchange]:
        batch: list[Exchange] = []
        while len(batch) < BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def _store(self, batch: Sequence[Exchange]) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._insert([self._values(exchange) for exchange in batch])
                return
            except TransientError as problem:
                if attempt == _ATTEMPTS:
                    self._drop(len(batch), str(problem))
                else:
                    time.sleep(attempt * 0.2)
            except (SyncError, TypeError, ValueError) as problem:
                # One exchange that can't be stored must not take ninety-nine others with it.
                if len(batch) == 1:
                    self._drop(1, f"{type(problem).__name__}")
                else:
                    for exchange in batch:
                        self._store([exchange])
                return
            except Exception as problem:
                self._drop(len(batch), f"{type(problem).__name__}")
                return

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        with transaction(self._engine) as connection:
            connection.execute(_INSERT, rows)

    def _values(self, exchange: Exchange) -> dict[str, Any]:
        return {
            "id": exchange.id,
            "run_id": self._run_id,
            "task": self._task,
            "system": exchange.system,
            "method": exchange.method,
            "url": exchange.url,
            "status": exchange.status,
            "started_at": exchange.started_at,
            "elapsed_ms": round(exchange.elapsed * 1000),
            "attempt": exchange.attempt,
            "request_headers": jsonb(dict(exchange.request_headers)),
            "request_body": exchange.request_body,
            "response_headers": jsonb(dict(exchange.response_headers)),
            "response_body": exchange.response_body,
            "correlation_id": exchange.correlation_id,
            "error": exchange.error,
            "context": jsonb(dict(exchange.context)),
        }

    def _drop(self, count: int, reason: str) -> None:
        with self._counting:
            first = self._dropped == 0
            self._dropped += count
        if first:
            log.warning("Exchanges of run %s are missing from the audit trail: %s.", self._run_id, reason)
