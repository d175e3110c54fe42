"""Write a batch of a plan for orders: each order once, in the order of its steps, and only as it is now.

Every order is read again before anything of it is written, and planned again with what the ledger knows by then; what
is no longer wanted is not sent. A refused step ends its order: what should follow it waits until it goes through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import RecordRejected, StaleTarget, SyncError
from retail_sync.records.orders import Order
from retail_sync.records.ports.orders import OrderUpdate
from retail_sync.records.rows import read_apart
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import Applied, concluded, side_by_side
from retail_sync.sync.orders.bench import Bench
from retail_sync.sync.orders.forgetting import orders_without_forgotten
from retail_sync.sync.orders.knowing import known_of, links_of
from retail_sync.sync.orders.loading import load_world
from retail_sync.sync.orders.plan import OrderPlan, Step
from retail_sync.sync.orders.planner import plan_order
from retail_sync.sync.orders.prepare import kept_sales
from retail_sync.sync.orders.settle import settle_order, settle_sale
from retail_sync.sync.orders.writing import NotOpen, write_sale

PORTION = 50
"""Orders read again at once."""
TRIES = 4


async def apply_batch(bench: Bench, batch: int) -> Applied:
    """Apply one batch. Raises TransientError after everything else of the batch was tried; ConfigurationFault and
    ProtocolFault at once."""
    changes = await asyncio.to_thread(bench.ledger.changes.read, bench.run_id, batch=batch, outcome="planned")
    units: dict[str, list[ChangeRow]] = {}
    for change in changes:
        units.setdefault(change.unit, []).append(change)
    applied = Applied()
    gate = asyncio.Semaphore(bench.settings.limits.lightspeed.concurrency)
    orders = list(units)
    for start in range(0, len(orders), PORTION):
        portion = orders[start : start + PORTION]
        living = await _living(bench, portion)
        writers = [_Writer(bench, order, units[order], living.get(order)) for order in portion]
        await side_by_side(writers, _Writer.apply, gate, applied)
        if applied.interrupted:
            break
    return await concluded(bench.ledger, bench.run_id, batch, applied)


async def _living(bench: Bench, orders: Sequence[str]) -> dict[str, Order]:
    found: dict[str, Order] = {}
    async for page in bench.online.fetch(orders):
        found |= {one.id: one for one in read_apart(page.rows, bench.online.to_orders)[0]}
    return await asyncio.to_thread(orders_without_forgotten, bench.ledger, found)


@dataclass
class _Writer:
    """Brings the writes of one order to their ends."""

    bench: Bench
    order_id: str
    changes: list[ChangeRow]
    order: Order | None
    ended: set[str] = field(default_factory=set)

    async def apply(self) -> None:
        for _ in range(TRIES):
            if self.order is None:
                await self._drop(self.changes, "The order is not there any more.")
                return
            plan = await asyncio.to_thread(self._planned, self.order)
            todo = await self._matched(plan)
            try:
                for change, step in todo:
                    await self._carry_out(change, step, self.order)
            except StaleTarget:
                self.order = (await _living(self.bench, [self.order_id])).get(self.order_id)
                continue
            except RecordRejected:
                await self._drop(self._open(), "What comes before it was refused.")
            return
        await self._drop(self._open(), f"The order moved {TRIES} times while it was being written.")

    def _planned(self, order: Order) -> OrderPlan:
        bench = self.bench
        links = links_of(bench.ledger.links, bench.settings, [order.id]).get(order.id, [])
        shown = kept_sales(bench.ledger, {link.lightspeed_id for link in links})
        world = load_world(bench.ledger, bench.settings, bench.till.terms, [order], bench.now())
        return plan_order(order, known_of(links, shown), world)

    def _open(self) -> list[ChangeRow]:
        return [change for change in self.changes if change.id not in self.ended]

    async def _matched(self, plan: OrderPlan) -> list[tuple[ChangeRow, Step]]:
        """The writes that are wanted still, as they are wanted now, in the order of the plan. Others are settled: done
        by an earlier attempt, held by what is known now, or out of date."""
        steps = {(step.action, step.key): step for step in plan.steps}
        open_changes = {(change.action, str(change.idempotency_key)): change for change in self._open()}
        settled: list[ChangeOutcome] = []
        for key, change in open_changes.items():
            if key not in steps:
                settled.append(_not_wanted(change, plan))
                self.ended.add(change.id)
        await asyncio.to_thread(self.bench.ledger.changes.settle, settled)
        return [(open_changes[key], step) for key, step in steps.items() if key in open_changes]

    async def _carry_out(self, change: ChangeRow, step: Step, order: Order) -> None:
        try:
            if step.sale is not None:
                shown, exchanges, already = await write_sale(self.bench, change, step)
                await asyncio.to_thread(
                    settle_sale, self.bench, change, order, step, shown, exchanges, already=already
                )
            else:
                await self._update(change, step, order)
        except NotOpen:
            pass
        except StaleTarget:
            raise
        except RecordRejected as problem:
            await self._fail(change, problem)
            raise
        self.ended.add(change.id)

    async def _update(self, change: ChangeRow, step: Step, order: Order) -> None:
        """Tell the order what it became. Saying it twice does no harm, so an answer that never came is asked again."""
        if change.id not in await asyncio.to_thread(self.bench.ledger.changes.begin, [change.id]):
            raise NotOpen
        update = OrderUpdate(
            change_id=change.id,
            order_id=order.id,
            seen_version=order.version,
            external_id=step.external_id,
            marked_at=datetime.now(UTC) if step.external_id else None,
            state=step.state,
            shipment_state=step.shipment_state,
        )
        written = await self.bench.online.update(update)
        if written.version is not None:
            self.order = order.model_copy(update={"version": written.version})
        await asyncio.to_thread(
            settle_order, self.bench.ledger, change, written.version, written.exchange_ids
        )

    async def _fail(self, change: ChangeRow, problem: SyncError) -> None:
        self.ended.add(change.id)
        await asyncio.to_thread(self.bench.ledger.changes.settle, [outcomes.failed(change, problem)])

    async def _drop(self, changes: Sequence[ChangeRow], why: str) -> None:
        """Not sent, and not lost: the order is planned again by the run that reads it, or tries its hold, next."""
        self.ended |= {change.id for change in changes}
        await asyncio.to_thread(
            self.bench.ledger.changes.settle,
            [
                ChangeOutcome(
                    change_id=change.id,
                    outcome="superseded",
                    error=why,
                    remedy="Nothing: it is planned again by itself.",
                )
                for change in changes
            ],
        )


def _not_wanted(change: ChangeRow, plan: OrderPlan) -> ChangeOutcome:
    finding = next((one for one in plan.findings if one.severity in ("hold", "block")), None)
    if finding is not None:
        return outcomes.held(change, finding)
    return outcomes.no_longer_needed(change)
