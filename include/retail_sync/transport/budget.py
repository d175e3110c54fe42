"""How fast one process may speak to one system: a count per window, and a number of requests under way at once.

`LocalBudget` implements the `Budget` face inside one process; a budget shared by all workers implements the same
face elsewhere. `AdaptiveConcurrency` suits systems without a published limit: it probes upwards and backs off.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from retail_sync.records.errors import RateLimited

_LONGEST_NAP = 2.0
"""Waiting looks up this often, in seconds: an answer to another request may have brought better news."""


class Unlimited:
    """A budget for a system without a count; it still obeys an order to pause."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._paused_until = 0.0

    async def acquire(self) -> None:
        while (wait := self._paused_until - self._clock()) > 0:
            await self._sleep(wait)

    async def observe(self, *, limit: int | None, remaining: int | None, retry_after: float | None) -> None:
        if retry_after:
            self._paused_until = max(self._paused_until, self._clock() + retry_after)


class LocalBudget:
    """At most `share` of `limit_per_window` requests in any `window_seconds`; the rest is left to others (the tills).

    Follows the system: a limit or a remaining count in an answer corrects what was configured, and requests that
    others made count too. At least one request a window is always allowed, so a walk never stands still for good.
    `acquire` raises RateLimited where the wait would be longer than `longest_wait` seconds.
    """

    def __init__(
        self,
        limit_per_window: int,
        window_seconds: float,
        share: float = 1.0,
        *,
        system: str | None = None,
        longest_wait: float = 900.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limit = limit_per_window
        self._window = window_seconds
        self._share = share
        self._system = system
        self._longest_wait = longest_wait
        self._clock = clock
        self._sleep = sleep
        self._made: deque[float] = deque()
        self._others = 0
        self._others_until = 0.0
        self._paused_until = 0.0
        self._turn = asyncio.Lock()

    async def acquire(self) -> None:
        async with self._turn:  # first come, first served
            while (wait := self._wait()) > 0:
                if wait > self._longest_wait:
                    raise RateLimited(
                        f"The request budget is used up for {wait:.0f} seconds.",
                        retry_after=wait,
                        system=self._system,
                    )
                await self._sleep(min(wait, _LONGEST_NAP))
            self._made.append(self._clock())

    async def observe(self, *, limit: int | None, remaining: int | None, retry_after: float | None) -> None:
        now = self._clock()
        if limit is not None and limit > 0:
            self._limit = limit
        if remaining is not None:
            self._forget_old(now)
            self._others = max(0, self._limit - remaining - len(self._made))
            self._others_until = now + self._window
        if retry_after:
            self._paused_until = max(self._paused_until, now + retry_after)

    def _wait(self) -> float:
        now = self._clock()
        self._forget_old(now)
        others = self._others if now < self._others_until else 0
        allowed = max(1, int(self._limit * self._share) - others)
        full_until = self._made[-allowed] + self._window if len(self._made) >= allowed else now
        return max(self._paused_until, full_until) - now

    def _forget_old(self, now: float) -> None:
        while self._made and self._made[0] <= now - self._window:
            self._made.popleft()


class Slot:
    """One request under way. `congested` tells that the system showed signs of overload."""

    def __init__(self) -> None:
        self.was_congested = False

    def congested(self) -> None:
        self.was_congested = True


class AdaptiveConcurrency:
    """How many requests may be under way at once: grows by one per round of successes up to `ceiling`, halves on
    overload (TCP's additive increase, multiplicative decrease). Overload met by requests that were already under way
    when the number was halved counts once."""

    def __init__(self, start: int, ceiling: int) -> None:
        self._ceiling = float(max(1, ceiling))
        self._allowed = float(min(max(1, start), self._ceiling))
        self._in_use = 0
        self._halvings = 0
        self._freed = asyncio.Condition()

    @property
    def allowed(self) -> int:
        """Requests that may be under way now."""
        return int(self._allowed)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Wait for a free place, keep it for one request, and learn from how it went."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._in_use < self.allowed)
            self._in_use += 1
        slot, halvings_before = Slot(), self._halvings
        try:
            yield slot
        except BaseException:
            self._leave(slot, halvings_before, succeeded=False)
            raise
        else:
            self._leave(slot, halvings_before, succeeded=True)
        finally:
            async with self._freed:
                self._freed.notify_all()

    def _leave(self, slot: Slot, halvings_before: int, *, succeeded: bool) -> None:
        self._in_use -= 1
        if slot.was_congested:
            if halvings_before == self._halvings:
                self._allowed = max(1.0, self._allowed / 2)
                self._halvings += 1
        elif succeeded:
            self._allowed = min(self._ceiling, self._allowed + 1 / self._allowed)
