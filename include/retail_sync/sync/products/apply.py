"""Apply a stored plan: only what it says, only where the target still is what the plan saw, exactly once in effect.

For every unit (one target product) of a batch:

1. what is settled stays settled (a retried task goes on where it was);
2. a unit begun before is looked up in the target before anything is sent again;
3. a target that changed since the plan is read and merged again, ownership checked again;
4. the attempt is stored, the write is sent, and binding, base and mirror are stored as soon as they are known;
5. a record the target refuses fails alone: its sisters are sent without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.products import ProductSystem, ProductWrite, Written
from retail_sync.records.products import Kind
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import Applied, concluded, making_room, planned_again, side_by_side
from retail_sync.sync.engine.batcher import Grouped
from retail_sync.sync.engine.decisions import decided_of
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import PlannedChange
from retail_sync.sync.products.mirror import ENTITY, load_side, see
from retail_sync.sync.products.plan import PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.products.scope import links_between
from retail_sync.sync.products.settle import Done, settle
from retail_sync.sync.products.writes import Targets, target_product, write_of

TRIES = 5  # commercetools recommends a handful of re-reads on 409; more means somebody edits in a loop.
FRESHNESS_CHUNK = (
    100  # units written between two looks at what changed in a system without optimistic locking.
)


async def apply_batch(
    ledger: Ledger,
    adapters: Mapping[str, ProductSystem],
    settings: SyncSettings,
    run_id: str,
    batch: int,
    *,
    seen_cursors: Mapping[str, str | None],
) -> Applied:
    """Apply one batch of a run's plan. `seen_cursors`: per system, where the read the plan was made from ended.

    Raises TransientError after everything else of the batch was tried, so that a retry has only the rest to do;
    ConfigurationFault and ProtocolFault at once.
    """
    changes = await asyncio.to_thread(ledger.changes.read, run_id, batch=batch, outcome="planned")
    units: dict[str, list[ChangeRow]] = {}
    for change in changes:
        units.setdefault(change.unit, []).append(change)
    applied = Applied()
    for system, adapter in adapters.items():
        own = [rows for rows in units.values() if rows[0].system == system]
        limit = getattr(settings.limits, system).concurrency
        for start in range(0, len(own), FRESHNESS_CHUNK):
            chunk = own[start : start + FRESHNESS_CHUNK]
            standing = [target for unit in chunk if (target := target_product(unit[0])) is not None]
            if standing:  # what is yet to be created can't have changed
                await _look_for_changes(ledger, adapter, run_id, seen_cursors.get(system))
            targets = Targets(ledger, system)
            await asyncio.to_thread(targets.read_ahead, standing)
            gate = asyncio.Semaphore(limit)
            settling = Grouped(partial(settle, ledger, run_id, system))
            applier = _Applier(ledger, adapter, settings, run_id, targets, gate, settling)
            await side_by_side(chunk, applier.apply_apart, gate, applied)
            if applied.interrupted:
                break
    return await concluded(ledger, run_id, batch, applied)


async def _look_for_changes(
    ledger: Ledger, adapter: ProductSystem, run_id: str, read_until: str | None
) -> None:
    """Mirror what changed in the target since the plan was read; stale plans show in the mirror then.

    How far was looked is kept for the whole run: what is in the mirror already is not read again by the next batch or
    by a retry, which would read all that this run has written so far.
    """
    step = f"looked_{adapter.system}"
    kept = await asyncio.to_thread(ledger.checkpoints.get, run_id, step)
    cursor = kept["cursor"] if kept else read_until
    page = await adapter.changed_since(cursor) if cursor is not None else None
    if page is None:
        return
    if page.rows:
        tables = await asyncio.to_thread(adapter.to_records, page.rows)
        await asyncio.to_thread(see, ledger, run_id, adapter.system, tables)
    if page.cursor:
        await asyncio.to_thread(ledger.checkpoints.set, run_id, step, {"cursor": page.cursor})


@dataclass
class _Applier:
    ledger: Ledger
    adapter: ProductSystem
    settings: SyncSettings
    run_id: str
    targets: Targets
    gate: asyncio.Semaphore
    """Held by every unit that is being written."""
    settling: Grouped[Done]
    unanswered: UnknownOutcome | None = None
    """The last write of this unit to which no trustworthy answer came."""

    async def apply_apart(self, unit: list[ChangeRow]) -> None:
        """Bring one of several units to an end; each has its own last write to remember."""
        await replace(self).apply(unit)

    async def apply(self, unit: list[ChangeRow]) -> None:
        """Bring one unit to an end: every change of it is settled, or a TransientError says why not."""
        changes = unit
        lookup = any(change.attempt > 0 for change in changes)
        for _ in range(TRIES):
            write = await asyncio.to_thread(write_of, changes, self.targets, self.settings.products)
            if write is None:
                changes = await asyncio.to_thread(self._replan, changes)
            else:
                begun = await asyncio.to_thread(self.ledger.changes.begin, [c.id for c in changes])
                changes = [change for change in changes if change.id in begun]
                lookup = lookup or any(attempt > 1 for attempt in begun.values())
                changes = await self._attempt(changes, write, lookup=lookup) if changes else []
                lookup = False
            if not changes:
                return
        if self.unanswered is not None:
            raise self.unanswered
        await self._fail(
            changes,
            StaleTarget(
                f"The target changed {TRIES} times while it was being written.",
                system=self.adapter.system,
                remedy="Somebody edits it all the time; it is tried again by itself.",
            ),
        )

    async def _attempt(
        self, changes: list[ChangeRow], write: ProductWrite, *, lookup: bool
    ) -> list[ChangeRow]:
        """Send the write once (after a look at the target where an earlier attempt may have worked). What is still
        to be done afterwards, planned anew; empty when the unit is settled."""
        if lookup and await self._found(changes, write):
            return []
        try:
            written = await self.adapter.write(write)
        except UnknownOutcome as problem:
            self.unanswered = problem
            if await self._found(changes, write, problem):
                return []
            return await self._read_again(changes)
        except StaleTarget:
            return await self._read_again(changes)
        except TargetMissing as problem:
            # Gone without a word so far: the next read brings the proof of it, and the policy for deletions then.
            await self._fail(changes, problem)
            return []
        except RecordRejected as problem:
            # A duplicate is most likely our own creation of a run that died before it could store the binding.
            ours = isinstance(problem, DuplicateInTarget) and write.action == "create"
            if not (ours and await self._found(changes, write, problem)):
                await self._isolate(changes, write, problem)
            return []
        await self._settle(changes, write, written)
        return []

    async def _found(
        self, changes: list[ChangeRow], write: ProductWrite, problem: SyncError | None = None
    ) -> bool:
        """Whether the target already shows what this write wants; then it is settled as an earlier attempt's doing."""
        found = await self.adapter.find(write)
        if found is None:
            return False
        earlier = problem.exchange_ids if problem else list(found.exchange_ids)
        already = not isinstance(problem, UnknownOutcome)
        await self._settle(changes, write, replace(found, exchange_ids=earlier, already_there=already))
        return True

    # --- reading and merging again ---

    async def _read_again(self, changes: list[ChangeRow]) -> list[ChangeRow]:
        """Read the target product anew into the mirror, then plan these changes again."""
        target = target_product(changes[0])
        if target is not None:
            rows: list[dict[str, Any]] = []
            async for page in self.adapter.fetch([target]):
                rows.extend(page.rows)
            tables = await asyncio.to_thread(self.adapter.to_records, rows)
            await asyncio.to_thread(see, self.ledger, self.run_id, self.adapter.system, tables)
        return await asyncio.to_thread(self._replan, changes)

    def _replan(self, changes: list[ChangeRow]) -> list[ChangeRow]:
        """The same unit planned from today's mirror."""
        given = self._given(changes)
        plan = plan_products(given)
        wanted: dict[tuple[str, str], PlannedChange] = {
            (c.kind, c.subject): c for c in plan.changes if c.system == self.adapter.system
        }
        held: dict[tuple[str, str], Finding] = {}
        for hold in plan.holds:
            held[hold.kind, hold.subject] = hold
            # A conflict is told of the record online; the change it stops may come from its partner.
            if "partner" in hold.evidence:
                held.setdefault((hold.kind, str(hold.evidence["partner"])), hold)
        return planned_again(
            self.ledger,
            changes,
            lambda change: wanted.get((change.kind, change.subject)),
            lambda change: held.get((change.kind, change.subject)),
        )

    def _given(self, changes: list[ChangeRow]) -> PlanInput:
        source = "lightspeed" if self.adapter.system == "commercetools" else "commercetools"
        target = target_product(changes[0])
        source_products = {c.source_id for c in changes if c.kind == "product" and c.source_id}
        variants = [c.source_id for c in changes if c.kind == "variant" and c.source_id]
        for row in self.ledger.mirror.read(ENTITY, "variant", source, ids=variants):
            source_products.add(str(row.parent_id))
        targets = [target] if target else []
        sides = {
            source: load_side(self.ledger, source, source_products),
            self.adapter.system: load_side(self.ledger, self.adapter.system, targets),
        }
        affected: dict[str, dict[Kind, set[str]]] = {s: {"product": set(), "variant": set()} for s in sides}
        for change in changes:
            affected[source][change.kind].add(str(change.source_id))  # type: ignore[index]
        return PlanInput(
            sides=sides,
            links=links_between(self.ledger, sides),
            affected=affected,
            settings=self.settings.products,
            till_locale=self.settings.shop.till_locale,
            decided=decided_of(self.ledger, ENTITY),
            guarded=False,
            capabilities={self.adapter.system: self.adapter.capabilities},
        )

    # --- settling ---

    async def _settle(self, changes: list[ChangeRow], write: ProductWrite, written: Written) -> None:
        """Store what came of the write, together with whatever else has to be stored at this moment."""
        async with making_room(self.gate):
            await self.settling.do(Done(changes, write, written))

    async def _fail(self, changes: list[ChangeRow], problem: SyncError) -> None:
        settled = [outcomes.failed(change, problem) for change in changes]
        await asyncio.to_thread(self.ledger.changes.settle, settled)

    # --- one bad record never blocks the others ---

    async def _isolate(self, changes: list[ChangeRow], write: ProductWrite, problem: RecordRejected) -> None:
        """Send the records of a refused unit one by one, so that only the bad one fails."""
        if len(changes) == 1 or (write.action == "create" and len(write.variants) < 2):
            await self._fail(changes, problem)
            return
        if write.action == "update":
            for change in changes:
                await self.apply([change])
            return
        await self._create_piecemeal(changes, problem)

    async def _create_piecemeal(self, changes: list[ChangeRow], problem: RecordRejected) -> None:
        """Create the product with the first variant the target takes, then add the others one by one."""
        product = [change for change in changes if change.kind == "product"]
        rest = [change for change in changes if change.kind == "variant"]
        refused: list[ChangeRow] = []
        while rest:
            first, rest = rest[0], rest[1:]
            try:
                write = write_of([*product, first], self.targets, self.settings.products)
                assert write is not None  # a creation has no target that could be outdated
                written = await self.adapter.write(write)
            except RecordRejected as again:
                refused.append(first)
                await self._fail([first], again)
                continue
            await self._settle([*product, first], write, written)
            joined = [replace(change, unit=f"{change.system}:{written.product_id}") for change in rest]
            await asyncio.to_thread(self.ledger.changes.revise, joined)
            for change in joined:
                await self.apply([change])
            return
        await self._fail(product, problem)
