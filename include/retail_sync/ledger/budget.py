"""How many requests all tasks and workers together may still make to one system.

One row a system. A worker takes a few requests at a time (a lease) so that a request costs a fraction of a query, and
brings with the next lease what the system's own count said meanwhile. All times are the database's: clocks of
workers may differ.

The count goes by windows: a share of the system's limit may be used in each. Where the system reports what remains,
that is the truth, less the part of the limit that belongs to others (the tills); when that runs out, single requests
probe whether the system's window has begun anew, because it does not say when it will.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.statements import execute, fetch_one

log = logging.getLogger(__name__)

LEASE = 10
"""Requests taken at a time at most; near the end of a budget fewer."""
LEASE_SECONDS = 2.0
"""An unused lease is void after this long, so that a pause ordered by one worker reaches the others."""
PROBE_SHARE = 1 / 60
"""Time between two probes as a share of the window: 5 seconds of 5 minutes."""
_LONGEST_SLEEP = 30.0
_SAID_AFTER = 5.0


@dataclass(frozen=True)
class _Seen:
    limit: int | None
    remaining: int | None


def lift_pause(engine: Engine, system: str) -> bool:
    """Let all workers ask this system again, although it told them to wait; whether they were waiting. What they hear
    from it then counts as ever."""
    lifted = fetch_one(
        engine,
        "UPDATE budgets SET paused_until = NULL WHERE system = :system AND paused_until > clock_timestamp() "
        "RETURNING system",
        system=system,
    )
    return lifted is not None


class PostgresBudget:
    """`Budget` over the ledger. `share` (0..1] is the part of the system's limit this package may use in each
    `window`. While the system never told a limit, only its orders to pause count. One per event loop."""

    def __init__(
        self,
        engine: Engine,
        system: str,
        share: float = 1.0,
        *,
        window: timedelta = timedelta(minutes=5),
        lease: int = LEASE,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share is {share}, but must be above 0 and at most 1")
        self._engine = engine
        self._system = system
        self._share = share
        self._window = window
        self._lease = lease
        self._left = 0
        self._lease_ends = 0.0
        self._seen: _Seen | None = None
        self._turn = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait until one more request is allowed."""
        async with self._turn:
            waited = 0.0
            while not self._take_from_lease():
                unspent, self._left = self._left, 0
                granted, wait = await asyncio.to_thread(self._ask, self._news(), unspent)
                self._left, self._lease_ends = granted, time.monotonic() + LEASE_SECONDS
                if granted:
                    continue
                if waited < _SAID_AFTER <= waited + wait:
                    log.info("%s: waiting for the request budget.", self._system)
                # Not all workers at the same instant, and not so long that a lifted pause goes unnoticed.
                pause = min(wait, _LONGEST_SLEEP) + random.uniform(0, min(1.0, wait / 10))  # noqa: S311
                await asyncio.sleep(pause)
                waited += pause

    async def observe(self, *, limit: int | None, remaining: int | None, retry_after: float | None) -> None:
        """Learn from an answer. A `retry_after` (seconds) pauses every worker at once; counts travel with the
        next lease."""
        if limit is not None or remaining is not None:
            self._seen = _Seen(limit, remaining)
        if retry_after is not None and retry_after > 0:
            self._lease_ends = 0.0
            await asyncio.to_thread(self._pause, retry_after)

    def _take_from_lease(self) -> bool:
        if self._left <= 0 or time.monotonic() >= self._lease_ends:
            return False
        self._left -= 1
        return True

    def _news(self) -> _Seen | None:
        seen, self._seen = self._seen, None
        return seen

    def _pause(self, seconds: float) -> None:
        execute(
            self._engine,
            """
            INSERT INTO budgets AS held (system, paused_until)
            VALUES (:system, clock_timestamp() + CAST(:pause AS interval))
            ON CONFLICT (system) DO UPDATE
            SET paused_until = GREATEST(held.paused_until, excluded.paused_until)
            """,
            system=self._system,
            pause=timedelta(seconds=seconds),
        )

    def _ask(self, news: _Seen | None, unspent: int) -> tuple[int, float]:
        """(requests granted, seconds to wait if none): one short transaction on the system's row.
        `unspent` requests of the last lease go back."""
        with transaction(self._engine) as connection:
            execute(
                connection,
                "INSERT INTO budgets (system) VALUES (:system) ON CONFLICT (system) DO NOTHING",
                system=self._system,
            )
            row = connection.execute(
                text(
                    """
                    SELECT "limit", remaining, observed_remaining,
                           EXTRACT(EPOCH FROM clock_timestamp() - window_started_at)::float8 AS age,
                           EXTRACT(EPOCH FROM clock_timestamp() - probed_at)::float8 AS probe_age,
                           EXTRACT(EPOCH FROM paused_until - clock_timestamp())::float8 AS pause
                    FROM budgets WHERE system = :system FOR UPDATE
                    """
                ),
                {"system": self._system},
            ).one()
            state = _State(
                limit=row.limit,
                remaining=row.remaining,
                observed=row.observed_remaining,
                age=row.age,
                probe_age=row.probe_age,
                pause=row.pause or 0.0,
            )
            after = state.decide(news, unspent, self._share, self._window.total_seconds(), self._lease)
            execute(
                connection,
                """
                UPDATE budgets SET
                    "limit" = :limit, remaining = :remaining, observed_remaining = :observed,
                    observed_at = CASE WHEN :news THEN clock_timestamp() ELSE observed_at END,
                    window_started_at = CASE WHEN :anew THEN clock_timestamp() ELSE window_started_at END,
                    probed_at = CASE WHEN :probe THEN clock_timestamp() ELSE probed_at END,
                    granted = granted + :granted - :unspent
                WHERE system = :system
                """,
                system=self._system,
                limit=after.limit,
                remaining=after.remaining,
                observed=after.observed,
                news=news is not None,
                anew=after.anew,
                probe=after.probe,
                granted=after.granted,
                unspent=unspent,
            )
        return after.granted, after.wait


@dataclass(frozen=True)
class _Decision:
    limit: int | None
    remaining: int | None
    observed: int | None
    anew: bool = False
    probe: bool = False
    granted: int = 0
    wait: float = 0.0


@dataclass(frozen=True)
class _State:
    """The row as found. `age`, `probe_age`, `pause` in seconds."""

    limit: int | None
    remaining: int | None
    observed: int | None
    age: float
    probe_age: float | None
    pause: float

    def decide(self, news: _Seen | None, unspent: int, share: float, window: float, lease: int) -> _Decision:
        limit, remaining, observed, anew = self._learned(news, unspent, share, window)
        kept: dict[str, Any] = {"limit": limit, "observed": observed, "anew": anew}
        if self.pause > 0:
            return _Decision(**kept, remaining=remaining, wait=self.pause)
        if limit is None or remaining is None:
            return _Decision(**kept, remaining=None, granted=lease)
        if remaining > 0:
            # Leases shrink as the budget does: the rest is shared among workers instead of parked with one.
            granted = max(1, min(lease, remaining // 4))
            return _Decision(**kept, remaining=remaining - granted, granted=granted)
        to_next_window = max(0.05, window - self.age)
        if observed is None:
            return _Decision(**kept, remaining=0, wait=to_next_window)
        probe_every = window * PROBE_SHARE
        if self.probe_age is None or self.probe_age >= probe_every:
            return _Decision(**kept, remaining=0, probe=True, granted=1)
        return _Decision(**kept, remaining=0, wait=min(probe_every - self.probe_age, to_next_window) + 0.01)

    def _learned(
        self, news: _Seen | None, unspent: int, share: float, window: float
    ) -> tuple[int | None, int | None, int | None, bool]:
        limit, observed = self.limit, self.observed
        remaining = None if self.remaining is None else self.remaining + unspent
        if news is not None and news.limit is not None and news.limit > 0 and news.limit != limit:
            allowed = math.floor(news.limit * share)
            used = 0 if limit is None or remaining is None else math.floor(limit * share) - remaining
            limit, remaining = news.limit, max(0, allowed - used)
        anew = limit is not None and self.age >= window
        if anew and limit is not None:
            # An own window that began anew says nothing about the system's: its last count no longer binds either.
            remaining, observed = math.floor(limit * share), None
        if news is not None and news.remaining is not None and limit is not None and remaining is not None:
            theirs = news.remaining - (limit - math.floor(limit * share))
            gave_back = self.observed is not None and news.remaining > self.observed
            remaining = max(0, theirs if gave_back else min(remaining, theirs))
            observed = news.remaining
        return limit, remaining, observed, anew
