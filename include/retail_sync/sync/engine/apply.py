"""One batch of a plan, written side by side: what every entity's `apply_batch` does the same way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import TransientError, UnknownOutcome
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import PlannedChange

T = TypeVar("T")


UNANSWERED_AT_MOST = 5
"""Writes of a batch without an answer, even after a look, before the rest is left to a retry: the system is ill then,
not the record."""


@dataclass
class Applied:
    """What a batch came to, counted by outcome; the transient error that stopped it, if any; and the writes that got no
    answer, and of which a look could not tell what became of them. They don't stop the others."""

    outcomes: dict[str, int] = field(default_factory=dict)
    interrupted: TransientError | None = None
    unanswered: list[UnknownOutcome] = field(default_factory=list)

    def meet(self, problem: TransientError) -> bool:
        """Take note of an error; whether the rest has to stop."""
        if isinstance(problem, UnknownOutcome):
            self.unanswered.append(problem)
            if len(self.unanswered) < UNANSWERED_AT_MOST:
                return False
        self.interrupted = problem
        return True


async def side_by_side(
    things: Iterable[T], write: Callable[[T], Awaitable[None]], gate: asyncio.Semaphore, applied: Applied
) -> None:
    """Write all things, as many at once as the gate lets in. A transient error (kept in `applied`) lets those under way
    end and stops the rest, unless it is one thing alone that got no answer; any other error is raised once all have
    ended."""
    stopped = asyncio.Event()

    async def one(thing: T) -> None:
        async with gate:
            if stopped.is_set():
                return
            try:
                await write(thing)
            except TransientError as problem:
                if applied.meet(problem):
                    stopped.set()

    results = await asyncio.gather(*(one(thing) for thing in things), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


@asynccontextmanager
async def making_room(gate: asyncio.Semaphore) -> AsyncIterator[None]:
    """Who waits for the ledger in here lets the next write in meanwhile."""
    gate.release()
    try:
        yield
    finally:
        await gate.acquire()


async def concluded(ledger: Ledger, run_id: str, batch: int, applied: Applied) -> Applied:
    """The batch with its outcomes counted. Raises the transient error that stopped it or left something open, so that a
    retry has only the rest to do."""
    counts = await asyncio.to_thread(ledger.changes.counts, run_id, batch)
    applied.outcomes = {outcome: count for outcome, count in counts.items() if count}
    if applied.interrupted:
        raise applied.interrupted
    if applied.unanswered:
        raise applied.unanswered[0]
    return applied


def planned_again(
    ledger: Ledger,
    changes: Iterable[ChangeRow],
    wanted: Callable[[ChangeRow], PlannedChange | ChangeRow | None],
    held: Callable[[ChangeRow], Finding | None],
) -> list[ChangeRow]:
    """What is left to do of these changes, stored as it is `wanted` now. What is no longer needed is settled as already
    there; what a rule or a conflict now forbids is settled as failed and so becomes a hold."""
    again: list[ChangeRow] = []
    settled: list[ChangeOutcome] = []
    for change in changes:
        now, finding = wanted(change), held(change)
        if now is not None:
            again.append(_as_wanted(change, now))
        elif finding is not None:
            settled.append(outcomes.held(change, finding))
        else:
            settled.append(outcomes.no_longer_needed(change))
    ledger.changes.settle(settled)
    ledger.changes.revise(again)
    return again


def _as_wanted(change: ChangeRow, now: PlannedChange | ChangeRow) -> ChangeRow:
    return replace(
        change,
        before=now.before,
        after=now.after,
        reasons=now.reasons,
        target_version=now.target_version,
        source_version=now.source_version,
        action=now.action,
        unit=now.unit,
        target_id=now.target_id,
    )
