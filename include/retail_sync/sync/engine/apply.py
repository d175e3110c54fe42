"""The one loop that carries out a stored plan: only what it says, only where the target still is what the plan saw,
and exactly once in effect.

A batch is written a portion at a time:

1. what moved in either system since the plan was read is taken in, and the changes it concerns are planned again;
2. ownership is checked, and the attempt is stored, before the first request;
3. what is written together is one unit, and units are written side by side. Where a target moved, it is read again and
   what is left to do is planned again; where no answer came, the target is asked before anything else is sent; where
   the target refuses a record, only that record fails;
4. what came of units that end at the same moment is recorded in one transaction. What could not be recorded stays open
   with its attempt counted, so that the target is asked before anything is sent again.

An entity fills the hooks of `BatchWriter`; the loop knows no entity and no system.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    TransientError,
    UnknownOutcome,
)
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.batcher import Grouped
from retail_sync.sync.engine.context import RunContext, WriteContext
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import PlannedChange

T = TypeVar("T")
Answer = TypeVar("Answer")

MAX_ATTEMPTS = 5
"""commercetools recommends a handful of re-reads on 409; more means that a target moves all the time."""
UNANSWERED_AT_MOST = 5
"""Writes of a batch without an answer, even after a look, before the rest is left to a retry: the system is ill then,
not the record."""


class PlanOutdated(Exception):
    """What the ledger shows by now is not what the plan saw: nothing was sent, and the unit is planned again."""


@dataclass(frozen=True)
class Result(Generic[Answer]):
    """What came of changes that were sent together. `exchange_ids`: of all API calls it took. `already_there`: the
    target showed what was wanted before anything was sent, or by an earlier attempt's doing."""

    changes: Sequence[ChangeRow]
    answer: Answer
    exchange_ids: Sequence[str] = ()
    already_there: bool = False

    def outcome(
        self,
        change: ChangeRow,
        result_id: str | None,
        version: int | None = None,
        dropped: Sequence[tuple[str, str]] = (),
    ) -> ChangeOutcome:
        """How the audit shows one of the changes."""
        return ChangeOutcome(
            change_id=change.id,
            outcome="already_there" if self.already_there else "applied",
            exchange_ids=list(self.exchange_ids),
            result_id=result_id,
            result_version=version,
            dropped=list(dropped),
        )


@dataclass
class Unit:
    """Changes to one system that are brought to an end together.

    `may_be_written`: an earlier attempt may have taken effect. `outdated`: the target has moved for sure, so that it is
    read again before anything is sent. `exchange_ids`: of attempts that came to nothing.
    """

    changes: Sequence[ChangeRow]
    may_be_written: bool = False
    outdated: bool = False
    exchange_ids: list[str] = field(default_factory=list)
    problem: SyncError | None = None
    """What the last attempt came to."""
    unanswered: UnknownOutcome | None = None
    system: str = field(init=False)

    def __post_init__(self) -> None:
        self.system = self.changes[0].system

    def met(self, problem: SyncError) -> None:
        """Take note, once, of an attempt that came to nothing."""
        if problem is self.problem:
            return
        self.problem = problem
        self.exchange_ids += problem.exchange_ids
        if isinstance(problem, UnknownOutcome):
            self.unanswered, self.may_be_written = problem, True

    def result(
        self, answer: Answer, exchange_ids: Iterable[str] = (), *, already_there: bool = False
    ) -> Result[Answer]:
        """`exchange_ids`: besides those of attempts that came to nothing."""
        return Result(self.changes, answer, [*self.exchange_ids, *exchange_ids], already_there)


@dataclass
class Applied:
    """The transient error that stopped a batch, if any; and the writes that got no answer, and of which a look could
    not tell what became of them. They don't stop the others."""

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

    def problem(self) -> TransientError | None:
        return self.interrupted or (self.unanswered[0] if self.unanswered else None)


class BatchWriter(ABC, Generic[Answer]):
    """How one entity's changes are written. `Answer`: what a write comes back with."""

    portion_size: ClassVar[int]
    """Weight of the units between two looks at what moved."""
    target: ClassVar[str] = "target"
    """What is written to, for errors."""
    reread_on: ClassVar[tuple[type[SyncError], ...]] = (StaleTarget, UnknownOutcome)
    """After these the target is read again, and what is left to do is planned again; any other refusal is final. An
    entity that leaves out UnknownOutcome leaves what got no answer to a retry of the task, which asks first."""
    systems_apart: ClassVar[bool] = False
    """Whether a portion is of one system only."""

    def __init__(self, context: WriteContext[Any, Any]) -> None:
        self.ledger: Ledger = context.ledger
        self.settings = context.settings
        self._results: Grouped[Result[Answer]] = Grouped(self.record)
        self._outdated: Grouped[Unit] = Grouped(self._plan_again)

    # ---------------------------------------------------------------- hooks: what is written

    def writes(self, change: ChangeRow) -> bool:
        """Whether a change of the batch is this writer's."""
        return True

    def units(self, changes: Sequence[ChangeRow]) -> list[Unit]:
        """What is written together, in a fixed order."""
        return [Unit([change]) for change in changes]

    def weight(self, unit: Unit) -> int:
        """How much of a portion a unit is."""
        return 1

    @abstractmethod
    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        """The last look before a write leaves the engine: raises ConfigurationFault for one that today's settings do
        not allow, whoever planned it and when."""

    # ---------------------------------------------------------------- hooks: freshness

    async def refresh(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """The changes of a portion as they are to be sent now."""
        stale = await self.stale(changes)
        if not stale:
            return list(changes)
        left = {change.id for change in stale}
        again = await asyncio.to_thread(self.replan, stale)
        return [*(change for change in changes if change.id not in left), *again]

    async def stale(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """Take in what moved since the plan was read. The changes to be planned again for it."""
        return []

    async def begun(self, changes: Sequence[ChangeRow]) -> None:
        """The attempt of these changes is stored, and they are about to be sent: what sending needs can be read for all
        of them at once."""

    async def reread(self, unit: Unit) -> None:
        """Read what a unit writes to again, and what it is made from, into the ledger."""

    def replan(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """What is left to do of these changes, as today's ledger wants them (see `planned_again`)."""
        return list(changes)

    # ---------------------------------------------------------------- hooks: one write

    @abstractmethod
    async def send(self, unit: Unit) -> Result[Answer] | None:
        """Send a unit once. None: nothing is left to record. Raises PlanOutdated where the ledger shows that the plan
        doesn't hold any more."""

    async def own_write(self, unit: Unit, problem: SyncError | None) -> Result[Answer] | None:
        """What an earlier attempt at this unit made, where the target shows it. `problem`: what this attempt came to;
        None before anything is sent."""
        return None

    async def refused(self, unit: Unit, problem: RecordRejected) -> Sequence[Unit]:
        """The target refuses a unit: all of it fails, unless the entity knows how to find the record that is meant.
        What is to be tried alone then, one after the other."""
        await self.fail(unit.changes, problem, unit)
        return ()

    async def gave_up(self, unit: Unit, problem: SyncError) -> None:
        """`MAX_ATTEMPTS` came to nothing."""
        await self.fail(unit.changes, problem, unit)

    @abstractmethod
    def record(self, results: list[Result[Answer]]) -> None:
        """Store what came of writes: links, agreed values, the mirror and the outcomes, all or nothing."""

    # ---------------------------------------------------------------- the loop

    async def write(self, changes: Sequence[ChangeRow], applied: Applied) -> None:
        """Bring these changes of a batch to an end."""
        for portion in self._portions(changes):
            await self.write_portion(portion, applied)
            if applied.interrupted:
                return

    async def write_portion(self, changes: Sequence[ChangeRow], applied: Applied) -> None:
        todo = await self.refresh(changes)
        if not todo:
            return
        self.require_ownership(todo)
        begun = await asyncio.to_thread(self.ledger.changes.begin, [change.id for change in todo])
        todo = [change for change in todo if change.id in begun]
        await self.begun(todo)
        units = self.units(todo)
        for unit in units:
            unit.may_be_written = any(change.attempt > 0 for change in unit.changes)
        for system in SYSTEMS:
            gate = asyncio.Semaphore(getattr(self.settings.limits, system).concurrency)
            mine = [unit for unit in units if unit.system == system]
            await side_by_side(mine, partial(self._bring_to_an_end, gate), gate, applied)

    async def fail(self, changes: Sequence[ChangeRow], problem: SyncError, unit: Unit) -> None:
        """These changes of a unit have failed, and become holds."""
        failed = [outcomes.failed(change, problem, unit.exchange_ids) for change in changes]
        await asyncio.to_thread(self.ledger.changes.settle, failed)

    def _portions(self, changes: Sequence[ChangeRow]) -> Iterator[list[ChangeRow]]:
        """The changes a few at a time, without tearing apart what is written together."""
        units = self.units(changes)
        groups = (
            [[unit for unit in units if unit.system == system] for system in SYSTEMS]
            if self.systems_apart
            else [units]
        )
        for group in groups:
            portion: list[ChangeRow] = []
            weight = 0
            for unit in group:
                portion += unit.changes
                weight += self.weight(unit)
                if weight >= self.portion_size:
                    yield portion
                    portion, weight = [], 0
            if portion:
                yield portion

    async def _bring_to_an_end(self, gate: asyncio.Semaphore, unit: Unit) -> None:
        """Every change of a unit is settled, or a TransientError says why not."""
        for _ in range(MAX_ATTEMPTS):
            try:
                await self._up_to_date(gate, unit)
                if unit.changes:
                    await self._record(gate, await self._attempt(unit))
                return
            except PlanOutdated:
                await self._replanned(gate, unit)
            except self.reread_on as problem:
                unit.met(problem)
                unit.outdated = True
            except RecordRejected as problem:
                for part in await self.refused(unit, problem):
                    await self._bring_to_an_end(gate, part)
                return
        if unit.unanswered is not None:
            raise unit.unanswered
        await self.gave_up(unit, self._moved(unit))

    async def _up_to_date(self, gate: asyncio.Semaphore, unit: Unit) -> None:
        if unit.outdated:
            unit.outdated = False
            await self.reread(unit)
            await self._replanned(gate, unit)

    async def _record(self, gate: asyncio.Semaphore, result: Result[Answer] | None) -> None:
        if result is not None:
            async with making_room(gate):
                await self._results.do(result)

    async def _attempt(self, unit: Unit) -> Result[Answer] | None:
        """Send a unit, after a look at the target where an earlier attempt may have taken effect."""
        if unit.may_be_written:
            if (result := await self.own_write(unit, None)) is not None:
                return result
            unit.may_be_written = False
        try:
            return await self.send(unit)
        except (UnknownOutcome, DuplicateInTarget) as problem:
            # A record that is taken is most likely our own, of a run that died before it could store the link.
            unit.met(problem)
            result = await self.own_write(unit, problem)
            if result is None:
                raise
            return result

    async def _replanned(self, gate: asyncio.Semaphore, unit: Unit) -> None:
        async with making_room(gate):
            await self._outdated.do(unit)

    def _plan_again(self, units: list[Unit]) -> None:
        left = {c.id: c for c in self.replan([change for unit in units for change in unit.changes])}
        self.require_ownership(list(left.values()))
        for unit in units:
            unit.changes = [left[change.id] for change in unit.changes if change.id in left]

    def _moved(self, unit: Unit) -> SyncError:
        if isinstance(unit.problem, TargetMissing):
            return unit.problem
        return StaleTarget(
            f"The {self.target} moved {MAX_ATTEMPTS} times while it was being written.",
            system=unit.system,
            remedy="It is tried again by itself.",
        )


async def apply_batch(run: RunContext, batch: int, *writers: BatchWriter[Any]) -> dict[str, int]:
    """Apply one batch of a run's plan; its changes by outcome. Raises TransientError after everything else of the batch
    was tried, so that a retry has only the rest to do; ConfigurationFault and ProtocolFault at once."""
    changes = await asyncio.to_thread(run.ledger.changes.read, run.run_id, batch=batch, outcome="planned")
    applied = Applied()
    for writer in writers:
        if not applied.interrupted:
            await writer.write([change for change in changes if writer.writes(change)], applied)
    counts = await asyncio.to_thread(run.ledger.changes.counts, run.run_id, batch)
    if problem := applied.problem():
        raise problem
    return {outcome: count for outcome, count in counts.items() if count}


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
