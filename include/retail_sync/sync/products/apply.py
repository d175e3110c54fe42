"""How products are written: all changes of one target product in one write, at the version the mirror shows.

A product the target refuses is sent variant by variant, so that only the bad one fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.products import SYSTEMS, ProductSystem, ProductWrite, other, system_named
from retail_sync.records.products import Kind
from retail_sync.records.refs import WriteUnit
from retail_sync.sync.engine.apply import BatchWriter, PlanOutdated, Result, Unit, planned_again
from retail_sync.sync.engine.context import WriteContext
from retail_sync.sync.engine.decisions import decided_of
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import PlannedChange
from retail_sync.sync.products.mirror import ENTITY, load_side, see
from retail_sync.sync.products.ownership import require_ownership
from retail_sync.sync.products.plan import PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.products.scope import links_between
from retail_sync.sync.products.settle import Sent, settle
from retail_sync.sync.products.writes import Targets, target_product, write_of

ProductContext = WriteContext[ProductSystem | None, ProductSystem | None]
"""A system that no change of the batch goes to is not open."""


class ProductWriter(BatchWriter[Sent]):
    portion_size = 100
    target = "product"
    systems_apart = True

    def __init__(self, context: ProductContext) -> None:
        super().__init__(context)
        self.context = context
        self.targets = {system: Targets(context.ledger, system) for system in SYSTEMS}

    def adapter(self, system: str) -> ProductSystem:
        found = self.context.of(system_named(system))
        assert found is not None, f"{system} is open where changes go to it"
        return found

    def units(self, changes: Sequence[ChangeRow]) -> list[Unit]:
        units: dict[str, list[ChangeRow]] = {}
        for change in changes:
            units.setdefault(change.unit, []).append(change)
        return [Unit(rows) for rows in units.values()]

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        require_ownership(changes, self.settings.products)

    # ---------------------------------------------------------------- freshness

    async def stale(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """Mirror what changed in the targets since the plan was read; a stale plan shows when its unit is sent."""
        for system in sorted({change.system for change in changes if target_product(change) is not None}):
            await self._look_for_changes(system)
        return []

    async def _look_for_changes(self, system: str) -> None:
        """How far was looked is kept for the whole run: what is in the mirror already is not read again by the next
        batch or by a retry, which would read all that this run has written so far."""
        run_id, step = self.context.run_id, f"looked_{system}"
        kept = await asyncio.to_thread(self.ledger.checkpoints.get, run_id, step)
        cursor = kept["cursor"] if kept else self.context.read_until.get(system)
        page = await self.adapter(system).changed_since(cursor) if cursor is not None else None
        if page is None:
            return
        if page.rows:
            await self._see(system, page.rows)
        if page.cursor:
            await asyncio.to_thread(self.ledger.checkpoints.set, run_id, step, {"cursor": page.cursor})

    async def _see(self, system: str, rows: Sequence[Any]) -> None:
        tables = await asyncio.to_thread(self.adapter(system).to_records, rows)
        await asyncio.to_thread(see, self.ledger, self.context.run_id, system, tables)

    async def begun(self, changes: Sequence[ChangeRow]) -> None:
        for system, targets in self.targets.items():
            standing = {
                target: None
                for change in changes
                if change.system == system and (target := target_product(change)) is not None
            }
            await asyncio.to_thread(targets.read_ahead, list(standing))

    async def reread(self, unit: Unit) -> None:
        target = target_product(unit.changes[0])
        if target is None:
            return
        rows: list[Any] = []
        async for page in self.adapter(unit.system).fetch([target]):
            rows.extend(page.rows)
        await self._see(unit.system, rows)

    def replan(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """The changes planned from today's mirror."""
        left: list[ChangeRow] = []
        for system in SYSTEMS:
            mine = [change for change in changes if change.system == system]
            if mine:
                left += self._planned_from_mirror(system, mine)
        return left

    def _planned_from_mirror(self, system: str, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        plan = plan_products(self._given(system, changes))
        wanted: dict[tuple[str, str], PlannedChange] = {
            (c.kind, c.subject): c for c in plan.changes if c.system == system
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

    def _given(self, system: str, changes: Sequence[ChangeRow]) -> PlanInput:
        source = other(system_named(system))
        targets = {target for change in changes if (target := target_product(change)) is not None}
        source_products = {c.source_id for c in changes if c.kind == "product" and c.source_id}
        variants = [c.source_id for c in changes if c.kind == "variant" and c.source_id]
        for row in self.ledger.mirror.read(ENTITY, "variant", source, ids=variants):
            source_products.add(str(row.parent_id))
        sides = {
            source: load_side(self.ledger, source, source_products),
            system: load_side(self.ledger, system, targets),
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
            capabilities={system: self.adapter(system).capabilities},
        )

    # ---------------------------------------------------------------- one write

    async def send(self, unit: Unit) -> Result[Sent]:
        write = await asyncio.to_thread(self._write_of, unit.changes)
        written = await self.adapter(unit.system).write(write)
        sent = Sent(write, written)
        return unit.result(sent, written.exchange_ids, already_there=written.already_there)

    def _write_of(self, changes: Sequence[ChangeRow]) -> ProductWrite:
        write = write_of(changes, self.targets[system_named(changes[0].system)])
        if write is None:
            raise PlanOutdated
        return write

    async def own_write(self, unit: Unit, problem: SyncError | None) -> Result[Sent] | None:
        write = await asyncio.to_thread(self._write_of, unit.changes)
        if isinstance(problem, DuplicateInTarget) and write.action != "create":
            return None
        found = await self.adapter(unit.system).find(write)
        if found is None:
            return None
        exchanges = found.exchange_ids if problem is None else ()
        already_there = not isinstance(problem, UnknownOutcome)
        return unit.result(Sent(write, found), exchanges, already_there=already_there)

    def record(self, results: list[Result[Sent]]) -> None:
        for system in SYSTEMS:
            mine = [one for one in results if one.changes[0].system == system]
            if mine:
                settle(self.ledger, self.context.run_id, system, mine)

    # ---------------------------------------------------------------- one bad record never blocks the others

    async def refused(self, unit: Unit, problem: RecordRejected) -> Sequence[Unit]:
        """Send the records of a refused unit one by one, so that only the bad one fails."""
        if isinstance(problem, TargetMissing):
            # Gone without a word so far: the next read brings the proof of it, and the policy for deletions then.
            return await super().refused(unit, problem)
        creates = target_product(unit.changes[0]) is None
        variants = sum(change.kind == "variant" for change in unit.changes)
        if len(unit.changes) == 1 or (creates and variants < 2):
            return await super().refused(unit, problem)
        if creates:
            return await self._created_piecemeal(unit, problem)
        return [Unit([change], exchange_ids=list(unit.exchange_ids)) for change in unit.changes]

    async def _created_piecemeal(self, unit: Unit, problem: RecordRejected) -> Sequence[Unit]:
        """Create the product with the first variant the target takes; the others are to be added one by one."""
        product = [change for change in unit.changes if change.kind == "product"]
        rest = [change for change in unit.changes if change.kind == "variant"]
        while rest:
            first, rest = rest[0], rest[1:]
            try:
                result = await self.send(Unit([*product, first]))
            except RecordRejected as again:
                await self.fail([first], again, unit)
                continue
            await asyncio.to_thread(self.record, [result])
            made = result.answer.written.product_id
            joined = [replace(change, unit=str(WriteUnit(change.system, made))) for change in rest]
            await asyncio.to_thread(self.ledger.changes.revise, joined)
            return [Unit([change]) for change in joined]
        await self.fail(product, problem, unit)
        return ()
