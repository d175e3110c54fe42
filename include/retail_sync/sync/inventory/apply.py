"""Apply a stored plan of stock: every figure is worked out again where anything moved since it was planned.

For every portion of a batch:

1. the feeds of orders and levels are looked at, in this order, and what moved since the plan is taken in. Articles that
   are not part of the portion, but moved, are planned now and served along: a full run of hours serves what happens
   meanwhile;
2. what moved, and what an earlier attempt began, is planned anew from the ledger; where nothing is left to do, it is
   settled as already there;
3. the attempt is stored, the write is sent at the version that was seen;
4. where the entry moved on, entry, orders and levels are read again, in this order, and the figure is worked out again;
5. the entry as it answered and the outcome are stored in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
from retail_sync.records.ports.inventory import EntryWrite, EntryWritten
from retail_sync.records.rows import read_apart
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import Applied, concluded, making_room, side_by_side
from retail_sync.sync.engine.batcher import Grouped
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.inventory.adjustments import apply_adjustments
from retail_sync.sync.inventory.bench import Bench
from retail_sync.sync.inventory.catalogue import read_articles
from retail_sync.sync.inventory.freshness import Watch
from retail_sync.sync.inventory.ownership import require_ownership
from retail_sync.sync.inventory.replanning import replanned

TRIES = 5
"""commercetools recommends a handful of re-reads on 409; more means that an entry moves all the time."""
CHUNK = 200
"""Writes between two looks at what moved."""


async def apply_batch(
    bench: Bench, batch: int, *, seen: Mapping[str, str | None], planned_at: datetime
) -> Applied:
    """Apply one batch. `seen`: per feed, where the read the plan was made from ended; `planned_at`: since
    when, by the ledger's clock, what changes is not in the plan.

    Raises TransientError after everything else of the batch was tried; ConfigurationFault and ProtocolFault at once.
    """
    ledger = bench.ledger
    changes = await asyncio.to_thread(ledger.changes.read, bench.run_id, batch=batch, outcome="planned")
    applied = Applied()
    watch = Watch(bench, seen, planned_at, batch)
    entries = [change for change in changes if change.system == "commercetools"]
    levels = [change for change in changes if change.system == "lightspeed"]
    for start in range(0, len(entries), CHUNK):
        portion = await watch.fresh(entries[start : start + CHUNK])
        await _write_all(bench, portion, applied)
        if applied.interrupted:
            break
    if levels and not applied.interrupted:
        try:
            await apply_adjustments(bench, levels)
        except TransientError as problem:
            applied.interrupted = problem
    return await concluded(ledger, bench.run_id, batch, applied)


# ---------------------------------------------------------------- writing entries


@dataclass(frozen=True)
class _Done:
    change: ChangeRow
    written: EntryWritten


@dataclass
class _Anew:
    """A change to be planned anew, and what is left to do of it."""

    change: ChangeRow
    rest: ChangeRow | None = None


async def _write_all(bench: Bench, changes: Sequence[ChangeRow], applied: Applied) -> None:
    """Send these changes side by side, and settle what came of each."""
    require_ownership(changes, bench.settings)
    if not changes:
        return
    begun = await asyncio.to_thread(bench.ledger.changes.begin, [change.id for change in changes])
    gate = asyncio.Semaphore(bench.settings.limits.commercetools.concurrency)
    settling: Grouped[_Done] = Grouped(lambda done: _settle(bench, done))
    planning: Grouped[_Anew] = Grouped(lambda anew: _plan_anew(bench, anew))

    async def write(change: ChangeRow) -> None:
        done = await _Writer(bench, planning).apply(change)
        if done is not None:
            async with making_room(gate):
                await settling.do(done)

    await side_by_side([change for change in changes if change.id in begun], write, gate, applied)


@dataclass
class _Writer:
    """Brings one change of an entry to an end: it is written or settled otherwise, or a TransientError says why not."""

    bench: Bench
    planning: Grouped[_Anew]
    exchanges: list[str] = field(default_factory=list)
    unanswered: UnknownOutcome | None = None

    async def apply(self, change: ChangeRow) -> _Done | None:
        """The write, which is yet to be settled; None = nothing was written, and that is settled."""
        todo = change
        for _ in range(TRIES):
            rest = await self._attempt(todo)
            if rest is None or isinstance(rest, _Done):
                return rest
            todo = rest
        if self.unanswered is not None:
            raise self.unanswered
        await self._fail(
            todo,
            StaleTarget(
                f"The entry moved {TRIES} times while it was being written.",
                system="commercetools",
                remedy="It is tried again by itself.",
            ),
        )
        return None

    async def _attempt(self, change: ChangeRow) -> _Done | ChangeRow | None:
        """Send it once; what came of it, or what is still to be done afterwards."""
        try:
            written = await self.bench.online.write(_write_of(change))
        except UnknownOutcome as problem:
            self.unanswered = problem
            return await self._again(change, problem)
        except (StaleTarget, DuplicateInTarget) as problem:
            return await self._again(change, problem)
        except TargetMissing as problem:
            if change.target_id is not None:
                await asyncio.to_thread(self.bench.ledger.stock.mark_entries_gone, [change.target_id])
            return await self._again(change, problem)
        except RecordRejected as problem:
            await self._fail(change, problem)
            return None
        return _Done(change, written)

    async def _again(self, change: ChangeRow, problem: SyncError) -> ChangeRow | None:
        """Read entry, orders and levels of this article again, in this order, and plan it anew."""
        self.exchanges += problem.exchange_ids
        await read_again(self.bench, str(change.label), str(change.source_id))
        anew = _Anew(change)
        await self.planning.do(anew)
        return anew.rest

    async def _fail(self, change: ChangeRow, problem: SyncError) -> None:
        outcome = outcomes.failed(change, problem, self.exchanges)
        await asyncio.to_thread(self.bench.ledger.changes.settle, [outcome])


async def read_again(bench: Bench, sku: str, product_id: str) -> None:
    """The present state of one article, in the order that keeps figures safe: entry, orders, levels. For what is a part
    or has some, orders and levels of all that share them."""
    ledger, run_id = bench.ledger, bench.run_id
    skus, products = await asyncio.to_thread(_kin, bench, sku, product_id)
    found: list[Any] = []
    async for page in bench.online.entries.search([sku]):
        found.extend(page.rows)
    await asyncio.to_thread(ledger.stock.see_entries, run_id, read_apart(found, bench.online.to_entries)[0])
    orders: list[Any] = []
    async for page in bench.online.orders.search(skus):
        orders.extend(page.rows)
    await asyncio.to_thread(ledger.stock.see_orders, run_id, read_apart(orders, bench.online.to_orders)[0])
    levels: list[Any] = []
    async for page in bench.till.levels.search(products):
        levels.extend(page.rows)
    await asyncio.to_thread(ledger.stock.see_levels, run_id, read_apart(levels, bench.till.to_levels)[0])


def _kin(bench: Bench, sku: str, product_id: str) -> tuple[list[str], list[str]]:
    """Whose orders and levels count for the figure of an article: SKUs and till ids."""
    family = bench.kinship.family(product_id)
    if family == {product_id}:
        return [sku], [product_id]
    articles = read_articles(bench.ledger, bench.settings, family)
    counted = family - bench.kinship.parts.keys()
    return sorted({sku, *articles["sku"].dropna()}), sorted(counted)


def _plan_anew(bench: Bench, anew: Sequence[_Anew]) -> None:
    """What is left to do of changes whose articles were read again."""
    left = {change.id: change for change in replanned(bench, [one.change for one in anew])}
    for one in anew:
        one.rest = left.get(one.change.id)


def _write_of(change: ChangeRow) -> EntryWrite:
    sku, channel = change.unit.split(":", 1)[1].rsplit("@", 1)
    return EntryWrite(
        change_id=change.id,
        sku=sku,
        channel=channel,
        on_stock=int(change.after["on_stock"]),
        entry_id=change.target_id,
        seen_version=change.target_version,
        seen_on_stock=change.before.get("on_stock"),
    )


def _settle(bench: Bench, done: Sequence[_Done]) -> None:
    """Entries as they answered, and the outcomes, all or nothing."""
    table = bench.online.to_entries([one.written.row for one in done])
    with bench.ledger.together() as books:
        books.stock.see_entries(bench.run_id, table)
        books.changes.settle(
            [
                ChangeOutcome(
                    change_id=one.change.id,
                    outcome="applied",
                    exchange_ids=[one.written.exchange_id],
                    result_id=entry["id"],
                    result_version=entry["version"],
                )
                for one, entry in zip(done, rows(table), strict=True)
            ]
        )
