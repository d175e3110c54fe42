"""Apply a stored plan of prices.

For every portion of a batch:

1. what moved at the till since the plan was read is taken in; changes of articles that moved are planned anew, and so
   is what an earlier attempt began, after its target was read again;
2. the attempt is stored, and the writes are sent: all prices of an online product in one request at the version that
   was seen, an article's own price alone, lines of a price book up to a hundred at once;
3. where a target moved on, is taken, or gave no answer, it is read again and its changes are planned anew; where the
   target refuses several at once, each is tried alone;
4. what the target shows afterwards is mirrored, and agreed on in the transaction that settles the changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retail_sync.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.products import SystemName
from retail_sync.records.prices import quote_of
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import Applied, concluded, making_room, side_by_side
from retail_sync.sync.engine.batcher import Grouped
from retail_sync.sync.prices.bench import Bench
from retail_sync.sync.prices.cases import Agreed, Case
from retail_sync.sync.prices.freshness import fresh
from retail_sync.sync.prices.ownership import require_ownership
from retail_sync.sync.prices.planner import link_of
from retail_sync.sync.prices.rereading import cases_now, replanned
from retail_sync.sync.prices.writing import Group, Sent, groups_of, show

TRIES = 5
"""commercetools recommends a handful of re-reads on 409; more means that a target moves all the time."""
PORTION = 500
"""Prices between two looks at what moved."""


async def apply_batch(bench: Bench, batch: int, *, seen: Mapping[str, str | None]) -> Applied:
    """Apply one batch. `seen`: per feed of the till, where the read the plan was made from ended.

    Raises TransientError after everything else of the batch was tried; ConfigurationFault and ProtocolFault at once.
    """
    ledger = bench.ledger
    changes = await asyncio.to_thread(ledger.changes.read, bench.run_id, batch=batch, outcome="planned")
    applied = Applied()
    for portion in _portions(changes):
        todo = await fresh(bench, portion, seen)
        await _write_all(bench, todo, applied)
        if applied.interrupted:
            break
    return await concluded(ledger, bench.run_id, batch, applied)


def _portions(changes: Sequence[ChangeRow]) -> Iterable[list[ChangeRow]]:
    """The changes a few hundred at a time, without tearing apart what is written in one request."""
    portion: list[ChangeRow] = []
    for group in groups_of(changes):
        portion += group.changes
        if len(portion) >= PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


async def _write_all(bench: Bench, changes: Sequence[ChangeRow], applied: Applied) -> None:
    """Send these changes side by side, and settle what came of each."""
    require_ownership(changes, bench.settings)
    if not changes:
        return
    begun = await asyncio.to_thread(bench.ledger.changes.begin, [change.id for change in changes])
    open_changes = [change for change in changes if change.id in begun]
    cases = await asyncio.to_thread(cases_now, bench, open_changes)
    settling: Grouped[Done] = Grouped(lambda done: settle(bench, done))
    limits = bench.settings.limits
    gates = {
        "commercetools": asyncio.Semaphore(limits.commercetools.concurrency),
        "lightspeed": asyncio.Semaphore(limits.lightspeed.concurrency),
    }
    groups = groups_of(open_changes)
    for system, gate in gates.items():
        mine = [_Writer(bench, group, cases, settling, gate) for group in groups if group.system == system]
        await side_by_side(mine, _Writer.apply, gate, applied)


@dataclass(frozen=True)
class Done:
    """Changes that were sent, what came back, and all exchanges it took."""

    changes: Sequence[ChangeRow]
    sent: Sent
    exchange_ids: Sequence[str]


@dataclass
class _Writer:
    """Brings the changes of one group to an end: written, or settled otherwise; a TransientError says why not.
    `cases`: what stands on both sides, for the first try."""

    bench: Bench
    group: Group
    cases: Mapping[str, Case]
    settling: Grouped[Done]
    gate: asyncio.Semaphore
    exchanges: list[str] = field(default_factory=list)

    async def apply(self) -> None:
        todo: Sequence[ChangeRow] = self.group.changes
        unsettled: SyncError | None = None
        for _ in range(TRIES):
            if not todo:
                return
            try:
                sent = await self.group.send(self.bench, self.cases, todo)
            except (StaleTarget, DuplicateInTarget, TargetMissing, UnknownOutcome) as problem:
                unsettled = problem
                self.exchanges += problem.exchange_ids
                todo = await self._again(todo)
                continue
            except RecordRejected as problem:
                self.exchanges += problem.exchange_ids
                await self._refused(todo, problem)
                return
            async with making_room(self.gate):
                await self.settling.do(Done(todo, sent, [*self.exchanges, *sent.exchange_ids]))
            return
        await self._given_up(todo, unsettled)

    async def _again(self, todo: Sequence[ChangeRow]) -> list[ChangeRow]:
        """Read the targets again, and plan their changes anew."""
        await self.group.look(self.bench, todo)
        left = await asyncio.to_thread(replanned, self.bench, todo)
        self.cases = await asyncio.to_thread(cases_now, self.bench, left)
        return left

    async def _refused(self, todo: Sequence[ChangeRow], problem: RecordRejected) -> None:
        """One alone fails; of several, each is tried alone, because the refusal does not say which is meant."""
        if len(todo) == 1:
            await self._fail(todo, problem)
            return
        for change in await self._again(todo):
            # Each write moves the target on, and so each is looked at anew.
            await self.group.look(self.bench, [change])
            for left in await asyncio.to_thread(replanned, self.bench, [change]):
                cases = await asyncio.to_thread(cases_now, self.bench, [left])
                alone = _Writer(self.bench, self.group.of([left]), cases, self.settling, self.gate)
                await alone.apply()

    async def _given_up(self, todo: Sequence[ChangeRow], problem: SyncError | None) -> None:
        if isinstance(problem, UnknownOutcome):
            raise problem
        if isinstance(problem, TargetMissing):
            await self._fail(todo, problem)
            return
        await self._fail(
            todo,
            StaleTarget(
                f"The target moved {TRIES} times while it was being written.",
                system=self.group.system,
                remedy="It is tried again by itself.",
            ),
        )

    async def _fail(self, todo: Sequence[ChangeRow], problem: RecordRejected) -> None:
        found = [outcomes.failed(change, problem, self.exchanges) for change in todo]
        await asyncio.to_thread(self.bench.ledger.changes.settle, found)


# ---------------------------------------------------------------- settling


def settle(bench: Bench, done: Sequence[Done]) -> None:
    """Store what came of changes that were sent, and what both sides agree on now: what the target shows. A target that
    shows another price has not kept it: that is a hold, and is not sent again."""
    show(bench, (one.sent for one in done))
    cases = cases_now(bench, [change for one in done for change in one.changes])
    found: list[ChangeOutcome] = []
    new: list[Link] = []
    known: list[Agreement] = []
    for change, exchanges in ((change, one.exchange_ids) for one in done for change in one.changes):
        case = cases.get(change.unit)
        if case is None:
            found.append(_outcome(change, exchanges, kept=True))
            continue
        agreed = agreed_after(case, change)
        found.append(_outcome(change, exchanges, kept=agreed.kept))
        if case.link is None or case.link.commercetools_id != case.variant.id:
            new.append(link_of(case, agreed, bench.run_id))
        else:
            known.append(Agreement(case.link.id, agreed.plain, {}))
    with bench.ledger.together() as books:
        books.links.add(new)
        books.links.agree(known)
        books.changes.settle(found)


def agreed_after(case: Case, change: ChangeRow) -> Agreed:
    """What both sides show after a change was sent, and whether its target kept it."""
    wanted = quote_of(change.after["price"])
    target: SystemName = "commercetools" if change.system == "commercetools" else "lightspeed"
    standing = case.standing(target)
    kept = case.shows(target, wanted) if wanted is not None else standing.quote is None
    return Agreed(case.online.quote, case.till.quote, wanted, kept).after(case.agreed)


def _outcome(change: ChangeRow, exchanges: Sequence[str], *, kept: bool) -> ChangeOutcome:
    if kept:
        return ChangeOutcome(
            change_id=change.id, outcome="applied", exchange_ids=list(exchanges), result_id=change.target_id
        )
    return ChangeOutcome(
        change_id=change.id,
        outcome="failed",
        error_code="value_not_kept",
        error="The target took the price and shows another one.",
        remedy="Look at the exchange: the target alters this price. Change it, or set the list's owner to `none`.",
        exchange_ids=list(exchanges),
    )
