"""What moves while a run writes: taken in, planned anew, served along."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.rows import read_apart
from retail_sync.sync.inventory.bench import Bench
from retail_sync.sync.inventory.catalogue import products_of_skus
from retail_sync.sync.inventory.change_rows import ALONG
from retail_sync.sync.inventory.feeds import LEVELS, ORDERS
from retail_sync.sync.inventory.ordered import skus_today
from retail_sync.sync.inventory.replanning import planned_now, replanned


class Watch:
    """Keeps the ledger up to date while a run writes, and the run's changes up to date with the ledger."""

    def __init__(
        self, bench: Bench, seen: Mapping[str, str | None], planned_at: datetime, batch: int
    ) -> None:
        self._bench = bench
        self._seen = seen
        self._planned_at = planned_at
        self._batch = batch

    async def fresh(self, changes: list[ChangeRow]) -> list[ChangeRow]:
        """The changes as they are to be sent now, together with those of articles that moved since the last look."""
        moved = await self._look()
        return await asyncio.to_thread(self._up_to_date, changes, moved)

    def _up_to_date(self, changes: list[ChangeRow], moved: set[str]) -> list[ChangeRow]:
        bench, ledger = self._bench, self._bench.ledger
        since_plan = self._concerned(
            ledger.stock.levels_changed(self._planned_at),
            ledger.stock.orders_changed(self._planned_at),
        )
        stale = [c for c in changes if c.attempt > 0 or c.source_id in since_plan]
        again = replanned(bench, stale)
        left = {c.id for c in stale}
        return [*(c for c in changes if c.id not in left), *again, *self._along(moved)]

    def _along(self, moved: set[str]) -> list[ChangeRow]:
        """What is to do now for articles that moved and that no change of this run waits for, stored as its changes."""
        bench, ledger = self._bench, self._bench.ledger
        if not moved or not bench.serves_along:
            return []
        wanted = [change for change in planned_now(bench, moved)[0] if change.system == "commercetools"]
        waiting = ledger.changes.waiting(bench.run_id, [change.unit for change in wanted])
        along = [
            replace(change, batch=self._batch, idempotency_key=ALONG)
            for change in wanted
            if change.unit not in waiting
        ]
        if along:
            ledger.changes.store(along)
        return along

    async def _look(self) -> set[str]:
        """Take in what moved at the till and in orders since the last look; till ids of the articles concerned."""
        bench, ledger = self._bench, self._bench.ledger
        step = "looked"  # kept for the whole run: no batch reads what another one has read
        kept = await asyncio.to_thread(ledger.checkpoints.get, bench.run_id, step) or {}
        lines: list[str] = []
        orders = kept.get(ORDERS) or self._seen.get(ORDERS)
        if orders is not None:
            window = await bench.online.orders.open_window(orders, full=False)
            async for page in bench.online.orders.walk(window):
                if page.rows:
                    table, _ = read_apart(page.rows, bench.online.to_orders)
                    before = await asyncio.to_thread(ledger.now)
                    await asyncio.to_thread(ledger.stock.see_orders, bench.run_id, table)
                    lines += await asyncio.to_thread(ledger.stock.orders_changed, before)
                orders = page.cursor or orders
        products: set[str] = set()
        levels = kept.get(LEVELS) or self._seen.get(LEVELS)
        if levels is not None:
            page = await bench.till.changed_since(levels)
            if page.rows:
                table, _ = read_apart(page.rows, bench.till.to_levels)
                await asyncio.to_thread(ledger.stock.see_levels, bench.run_id, table)
                products |= set(table["product_id"])
            levels = page.cursor or levels
        await asyncio.to_thread(ledger.checkpoints.set, bench.run_id, step, {ORDERS: orders, LEVELS: levels})
        return await asyncio.to_thread(self._concerned, products, lines)

    def _concerned(self, products: Collection[str], lines: Sequence[str]) -> set[str]:
        """Till ids of the articles that a move of these levels and order lines concerns."""
        skus = skus_today(self._bench.ledger, lines)
        found = set(products) | products_of_skus(self._bench.ledger, self._bench.settings, skus)
        return self._bench.kinship.touched(found) if found else found
