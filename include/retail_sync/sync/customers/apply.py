"""Write a batch of a plan for customers: from the living, once, and only what the plan saw.

A portion at a time: both customers of every change are read again. That gives the values to send, which the ledger
does not hold, and shows whether either side moved since the plan; whoever moved is planned anew. Before somebody is
created, the target is asked for the same e-mail address, number and key, and, where it searches an index that may
lag, for all that changed since the plan was read. The attempt is stored before the first request; an answer that
never came is looked for before anything is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.customers import CustomerWrite, CustomerWritten
from retail_sync.records.ports.products import SYSTEMS, SystemName, other, system_named
from retail_sync.sync.customers.bench import Bench
from retail_sync.sync.customers.live import Living, living_of, look_for_twins, newcomers
from retail_sync.sync.customers.ownership import require_ownership
from retail_sync.sync.customers.replanning import replanned
from retail_sync.sync.customers.settle import Done, settle
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import Applied, concluded, making_room, side_by_side
from retail_sync.sync.engine.batcher import Grouped

PORTION = 50
"""Changes between two looks at both systems."""
TRIES = 4


async def apply_batch(bench: Bench, batch: int, *, seen: Mapping[str, str | None]) -> Applied:
    """Apply one batch. `seen`: per system, where the read the plan was made from ended.

    Raises TransientError after everything else of the batch was tried; ConfigurationFault and ProtocolFault at once.
    """
    changes = await asyncio.to_thread(bench.ledger.changes.read, bench.run_id, batch=batch, outcome="planned")
    applied = Applied()
    for start in range(0, len(changes), PORTION):
        await _apply_portion(bench, changes[start : start + PORTION], seen, applied)
        if applied.interrupted:
            break
    return await concluded(bench.ledger, bench.run_id, batch, applied)


async def _apply_portion(
    bench: Bench, changes: Sequence[ChangeRow], seen: Mapping[str, str | None], applied: Applied
) -> None:
    require_ownership(changes, bench.settings.customers)
    new = await newcomers(bench, changes, seen)
    living = await living_of(bench, changes)
    todo = await fresh(bench, changes, living, new)
    limits = bench.settings.limits
    books = _Books(bench)
    for system in SYSTEMS:
        gate = asyncio.Semaphore(getattr(limits, system).concurrency)
        mine = [_Writer(bench, change, living, books, gate) for change in todo if change.system == system]
        await side_by_side(mine, _Writer.apply, gate, applied)


async def fresh(
    bench: Bench, changes: Sequence[ChangeRow], living: Living, new: bool = False
) -> list[ChangeRow]:
    """The changes as they are to be sent now. `new`: somebody turned up who may be one of those to be created."""
    stale = [
        change
        for change in changes
        if change.attempt > 0 or living.moved(change) or (new and change.action == "create")
    ]
    if not stale:
        return list(changes)
    left = {change.id for change in stale}
    again = await asyncio.to_thread(replanned, bench, stale)
    await living.add(bench, again)
    return [*(change for change in changes if change.id not in left), *again]


class _Books:
    """What writers tell the ledger: those that wait at the same moment share a transaction."""

    def __init__(self, bench: Bench) -> None:
        self._ledger = bench.ledger
        self._begun: set[str] = set()
        self._beginning: Grouped[str] = Grouped(self._begin)
        self._settling: Grouped[Done] = Grouped(lambda done: settle(bench, done))

    async def begin(self, change: ChangeRow) -> bool:
        """Store that a change is about to be sent; whether it still may be."""
        self._begun.discard(change.id)
        await self._beginning.do(change.id)
        return change.id in self._begun

    async def settle(self, done: Done) -> None:
        await self._settling.do(done)

    def _begin(self, ids: list[str]) -> None:
        self._begun.update(self._ledger.changes.begin(ids))


@dataclass
class _Writer:
    """Brings one change to an end: written, or settled otherwise; a TransientError says why not."""

    bench: Bench
    change: ChangeRow
    living: Living
    books: _Books
    gate: asyncio.Semaphore
    exchanges: list[str] = field(default_factory=list)

    @property
    def target(self) -> SystemName:
        return system_named(self.change.system)

    async def apply(self) -> None:
        for _ in range(TRIES):
            if self.change.action == "create" and await self._is_there_already():
                return
            write = self.living.write_of(self.change)
            if write is None:
                if not await self._again():
                    return
                continue
            if not await self.books.begin(self.change):
                return
            try:
                written = await self.bench.doors[self.target].adapter.write(write)
            except UnknownOutcome as problem:
                self.exchanges += problem.exchange_ids
                # Where it shows at once, all is well; else the task is retried, and asks before it sends again.
                if self.change.action == "create" and await self._is_there_already():
                    return
                raise
            except RecordRejected as problem:
                if not await self._goes_on(problem, write):
                    return
                continue
            await self._done(written, write)
            return
        await self._fail(
            StaleTarget(
                f"The customer moved {TRIES} times while it was being written.",
                system=self.target,
                remedy="It is tried again by itself.",
            )
        )

    async def _goes_on(self, problem: RecordRejected, write: CustomerWrite) -> bool:
        """Whether there is something to send after a refusal; where not, the change is settled."""
        if isinstance(problem, StaleTarget):
            self.exchanges += problem.exchange_ids
            return await self._again()
        if isinstance(problem, DuplicateInTarget) and self.change.action == "create":
            # The identity is taken. Whoever has it is looked for; where nobody shows, it fails.
            if await self._is_there_already():
                return False
            if self.change.action != "create":
                return True
        if isinstance(problem, TargetMissing) and self.change.action in ("delete", "anonymise"):
            gone = CustomerWritten(str(self.change.target_id), None, problem.exchange_ids)
            await self._done(gone, write)
            return False
        await self._fail(problem)
        return False

    async def _done(self, written: CustomerWritten, write: CustomerWrite, *, already: bool = False) -> None:
        done = Done(self.change, write, written, [*self.exchanges, *written.exchange_ids], already)
        async with making_room(self.gate):
            await self.books.settle(done)

    async def _is_there_already(self) -> bool:
        """Look for the twin before it is made: settle what an earlier attempt did; whoever else is found there makes
        the change one to be planned anew, which finds the pair, or holds it."""
        write = self.living.write_of(self.change)
        source = self.living.of(other(self.target), self.change.source_id)
        if write is None or source is None:
            return False
        twin, others = await look_for_twins(self.bench, self.change, write, source)
        if twin is not None:
            await self._done(CustomerWritten(str(twin["id"]), twin), write, already=True)
            return True
        if not others:
            return False
        return not await self._again()

    async def _again(self) -> bool:
        """Read both sides again and plan the change anew; whether there is still something to send."""
        await self.living.refresh(self.bench, [self.change])
        left = await asyncio.to_thread(replanned, self.bench, [self.change])
        if not left:
            return False
        (self.change,) = left
        await self.living.add(self.bench, left)
        return True

    async def _fail(self, problem: SyncError) -> None:
        found = outcomes.failed(self.change, problem, self.exchanges)
        await asyncio.to_thread(self.bench.ledger.changes.settle, [found])
