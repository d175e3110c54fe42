"""How web orders are written: each order once, in the order of its steps, and only as it is now.

Every order is read again before anything of it is written, and planned again with what the ledger knows by then; what
is no longer wanted is not sent. A refused step ends its order: what should follow it waits until it goes through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import RecordRejected, StaleTarget, SyncError
from retail_sync.records.orders import Order
from retail_sync.records.ports.orders import OrderUpdate
from retail_sync.records.rows import read_apart
from retail_sync.records.sales import Sale
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import BatchWriter, Result, Unit
from retail_sync.sync.orders.forgetting import orders_without_forgotten
from retail_sync.sync.orders.knowing import known_of, links_of
from retail_sync.sync.orders.loading import load_world
from retail_sync.sync.orders.plan import OrderPlan, Step
from retail_sync.sync.orders.planner import plan_order
from retail_sync.sync.orders.prepare import kept_sales
from retail_sync.sync.orders.settle import OrderContext, settle_sale
from retail_sync.sync.orders.writing import write_sale


class OrderWriter(BatchWriter[Sale]):
    """Writes all steps of an order one after the other, and settles each by itself."""

    portion_size = 50
    target = "order"
    reread_on = (StaleTarget,)

    def __init__(self, context: OrderContext) -> None:
        super().__init__(context)
        self.context = context
        self.orders: dict[str, Order] = {}
        """The orders of the portion as they are now. One that is gone is not among them."""

    def units(self, changes: Sequence[ChangeRow]) -> list[Unit]:
        units: dict[str, list[ChangeRow]] = {}
        for change in changes:
            units.setdefault(change.unit, []).append(change)
        return [Unit(rows) for rows in units.values()]

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        """Every order is planned again, with the settings of now, right before it is written."""

    async def begun(self, changes: Sequence[ChangeRow]) -> None:
        self.orders = await self._read({change.unit for change in changes})

    async def reread(self, unit: Unit) -> None:
        order_id = unit.changes[0].unit
        self.orders.pop(order_id, None)
        self.orders |= await self._read([order_id])

    async def _read(self, orders: Collection[str]) -> dict[str, Order]:
        found: dict[str, Order] = {}
        async for page in self.context.online.fetch(sorted(orders)):
            found |= {one.id: one for one in read_apart(page.rows, self.context.online.to_orders)[0]}
        return await asyncio.to_thread(orders_without_forgotten, self.ledger, found)

    async def send(self, unit: Unit) -> None:
        order_id = unit.changes[0].unit
        if order_id not in self.orders:
            await self._drop(unit.changes, "The order is not there any more.")
            return
        plan = await asyncio.to_thread(self._planned, self.orders[order_id])
        todo = await self._still_wanted(unit, plan)
        for change, step in todo:
            await self._carry_out(unit, change, step)
            unit.changes = [one for one in unit.changes if one.id != change.id]

    def _planned(self, order: Order) -> OrderPlan:
        context, links = self.context, self.ledger.links
        found = links_of(links, self.settings, [order.id]).get(order.id, [])
        shown = kept_sales(self.ledger, {link.lightspeed_id for link in found})
        world = load_world(self.ledger, self.settings, context.till.terms, [order], context.run.now())
        return plan_order(order, known_of(found, shown), world)

    async def _still_wanted(self, unit: Unit, plan: OrderPlan) -> list[tuple[ChangeRow, Step]]:
        """The writes that are wanted still, as they are wanted now, in the order of the plan. Others are settled: done
        by an earlier attempt, held by what is known now, or out of date."""
        steps = {(step.action, step.key): step for step in plan.steps}
        changes = {(change.action, str(change.idempotency_key)): change for change in unit.changes}
        settled = [_not_wanted(change, plan) for key, change in changes.items() if key not in steps]
        await asyncio.to_thread(self.ledger.changes.settle, settled)
        wanted = [(changes[key], step) for key, step in steps.items() if key in changes]
        unit.changes = [change for change, _ in wanted]
        return wanted

    async def _carry_out(self, unit: Unit, change: ChangeRow, step: Step) -> None:
        order = self.orders[change.unit]
        if step.sale is None:
            await self._update(change, step, order)
            return
        shown, exchanges, already = await write_sale(self.context.till, change, step)
        result = Result([change], shown, [*unit.exchange_ids, *exchanges], already)
        await asyncio.to_thread(settle_sale, self.context, change, order, step, result)

    async def _update(self, change: ChangeRow, step: Step, order: Order) -> None:
        """Tell the order what it became. Saying it twice does no harm, so an answer that never came is asked again."""
        update = OrderUpdate(
            change_id=change.id,
            order_id=order.id,
            seen_version=order.version,
            external_id=step.external_id,
            marked_at=datetime.now(UTC) if step.external_id else None,
            state=step.state,
            shipment_state=step.shipment_state,
        )
        written = await self.context.online.update(update)
        if written.version is not None:
            self.orders[order.id] = order.model_copy(update={"version": written.version})
        result = Result([change], written, written.exchange_ids)
        outcome = result.outcome(change, change.target_id, written.version)
        await asyncio.to_thread(self.ledger.changes.settle, [outcome])

    async def refused(self, unit: Unit, problem: RecordRejected) -> Sequence[Unit]:
        await self.fail(unit.changes[:1], problem, unit)
        await self._drop(unit.changes[1:], "What comes before it was refused.")
        return ()

    async def gave_up(self, unit: Unit, problem: SyncError) -> None:
        await self._drop(unit.changes, problem.message)

    async def _drop(self, changes: Sequence[ChangeRow], why: str) -> None:
        """Not sent, and not lost: the order is planned again by the run that reads it, or tries its hold, next."""
        dropped = [
            outcomes.superseded(change, why, "Nothing: it is planned again by itself.") for change in changes
        ]
        await asyncio.to_thread(self.ledger.changes.settle, dropped)

    def record(self, results: list[Result[Sale]]) -> None:
        """Each step was settled as soon as it was written."""


def _not_wanted(change: ChangeRow, plan: OrderPlan) -> ChangeOutcome:
    finding = next((one for one in plan.findings if one.holds), None)
    if finding is not None:
        return outcomes.held(change, finding)
    return outcomes.no_longer_needed(change)
