"""How stock is written online: every figure is worked out again where anything moved since it was planned.

The feeds of orders and levels are looked at before every portion, in this order. Articles that are not part of the
portion, but moved, are planned now and served along: a full run of hours serves what happens meanwhile. Where an entry
moved on, entry, orders and levels are read again, in this order, and the figure is worked out again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import DuplicateInTarget, StaleTarget, TargetMissing, UnknownOutcome
from retail_sync.records.ports.inventory import EntryWrite, EntryWritten, OnlineStock, TillStock
from retail_sync.records.refs import EntryKey, WriteUnit
from retail_sync.records.rows import read_apart
from retail_sync.sync.engine.apply import BatchWriter, Result, Unit, planned_again
from retail_sync.sync.engine.context import WriteContext
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.engine.plan import ALONG
from retail_sync.sync.inventory.availability import work_out
from retail_sync.sync.inventory.catalogue import products_of_skus, read_articles
from retail_sync.sync.inventory.change_rows import change_rows
from retail_sync.sync.inventory.composites import Kinship, read_kinship
from retail_sync.sync.inventory.feeds import LEVELS, ORDERS
from retail_sync.sync.inventory.layout import Layout
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.ordered import skus_today
from retail_sync.sync.inventory.ownership import require_ownership
from retail_sync.sync.inventory.planner import plan_stock

LOOKED = "looked"
"""Checkpoint of where the last look ended; kept for the whole run: no batch reads what another one has read."""


@dataclass(frozen=True)
class StockContext(WriteContext[OnlineStock, TillStock]):
    """`offers`: members of selections and stores (see `offering`). `planned_at`: since when, by the ledger's clock,
    what changes is not in the plan. `serves_along`: whether articles that move meanwhile are served, too (not in a run
    that was told to look at a few SKUs only)."""

    layout: Layout = field(kw_only=True)
    offers: pd.DataFrame = field(kw_only=True)
    planned_at: datetime = field(kw_only=True)
    serves_along: bool = field(kw_only=True, default=True)

    @cached_property
    def kinship(self) -> Kinship:
        """Which composites and parts follow each other."""
        return read_kinship(self.ledger, self.settings)


class EntryWriter(BatchWriter[EntryWritten]):
    """Writes inventory entries, each at the version that was seen."""

    portion_size = 200
    target = "entry"
    reread_on = (StaleTarget, DuplicateInTarget, TargetMissing, UnknownOutcome)

    def __init__(self, context: StockContext, batch: int) -> None:
        super().__init__(context)
        self.context = context
        self.batch = batch

    def writes(self, change: ChangeRow) -> bool:
        return change.system == "commercetools"

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        require_ownership(changes, self.settings)

    # ---------------------------------------------------------------- what moves while a run writes

    async def refresh(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """The changes as they are to be sent now, together with those of articles that moved since the last look."""
        moved = await self._look()
        fresh = await super().refresh(changes)
        return [*fresh, *await asyncio.to_thread(self._along, moved)]

    async def stale(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        stock, planned_at = self.ledger.stock, self.context.planned_at

        def since_plan() -> set[str]:
            return self._concerned(stock.levels_changed(planned_at), stock.orders_changed(planned_at))

        concerned = await asyncio.to_thread(since_plan)
        return [change for change in changes if change.attempt > 0 or change.source_id in concerned]

    async def _look(self) -> set[str]:
        """Take in what moved at the till and in orders since the last look; till ids of the articles concerned."""
        context, ledger, run_id = self.context, self.ledger, self.context.run_id
        kept = await asyncio.to_thread(ledger.checkpoints.get, run_id, LOOKED) or {}
        lines: list[str] = []
        orders = kept.get(ORDERS) or context.read_until.get(ORDERS)
        if orders is not None:
            window = await context.online.orders.open_window(orders, full=False)
            async for page in context.online.orders.walk(window):
                if page.rows:
                    table, _ = read_apart(page.rows, context.online.to_orders)
                    before = await asyncio.to_thread(ledger.now)
                    await asyncio.to_thread(ledger.stock.see_orders, run_id, table)
                    lines += await asyncio.to_thread(ledger.stock.orders_changed, before)
                orders = page.cursor or orders
        products: set[str] = set()
        levels = kept.get(LEVELS) or context.read_until.get(LEVELS)
        if levels is not None:
            page = await context.till.changed_since(levels)
            if page.rows:
                table, _ = read_apart(page.rows, context.till.to_levels)
                await asyncio.to_thread(ledger.stock.see_levels, run_id, table)
                products |= set(table["product_id"])
            levels = page.cursor or levels
        await asyncio.to_thread(ledger.checkpoints.set, run_id, LOOKED, {ORDERS: orders, LEVELS: levels})
        return await asyncio.to_thread(self._concerned, products, lines)

    def _concerned(self, products: Collection[str], lines: Sequence[str]) -> set[str]:
        """Till ids of the articles that a move of these levels and order lines concerns."""
        found = set(products) | products_of_skus(self.ledger, self.settings, skus_today(self.ledger, lines))
        return self.context.kinship.touched(found) if found else found

    def _along(self, moved: set[str]) -> list[ChangeRow]:
        """What is to do now for articles that moved and that no change of this run waits for, stored as its changes."""
        if not moved or not self.context.serves_along:
            return []
        wanted = [change for change in self._planned_now(moved)[0] if change.system == "commercetools"]
        waiting = self.ledger.changes.waiting(self.context.run_id, [change.unit for change in wanted])
        along = [
            replace(change, batch=self.batch, idempotency_key=ALONG)
            for change in wanted
            if change.unit not in waiting
        ]
        if along:
            self.ledger.changes.store(along)
        return along

    # ---------------------------------------------------------------- reading and planning again

    async def reread(self, unit: Unit) -> None:
        """The present state of one article, in the order that keeps figures safe: entry, orders, levels. For what is a
        part or has some, orders and levels of all that share them."""
        (change,) = unit.changes
        context, stock, run_id = self.context, self.ledger.stock, self.context.run_id
        if isinstance(unit.problem, TargetMissing) and change.target_id is not None:
            await asyncio.to_thread(stock.mark_entries_gone, [change.target_id])
        skus, products = await asyncio.to_thread(self._kin, str(change.label), str(change.source_id))
        for feed, keys, read, see in (
            (context.online.entries, [str(change.label)], context.online.to_entries, stock.see_entries),
            (context.online.orders, skus, context.online.to_orders, stock.see_orders),
            (context.till.levels, products, context.till.to_levels, stock.see_levels),
        ):
            found: list[Any] = []
            async for page in feed.search(keys):
                found.extend(page.rows)
            await asyncio.to_thread(see, run_id, read_apart(found, read)[0])

    def _kin(self, sku: str, product_id: str) -> tuple[list[str], list[str]]:
        """Whose orders and levels count for the figure of an article: SKUs and till ids."""
        kinship = self.context.kinship
        family = kinship.family(product_id)
        if family == {product_id}:
            return [sku], [product_id]
        articles = read_articles(self.ledger, self.settings, family)
        return sorted({sku, *articles["sku"].dropna()}), sorted(family - kinship.parts.keys())

    def replan(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        made, held = self._planned_now({str(change.source_id) for change in changes})
        wanted = {change.unit: change for change in made}
        return planned_again(
            self.ledger,
            changes,
            lambda change: wanted.get(change.unit),
            lambda change: held.get(str(change.source_id)),
        )

    def _planned_now(self, products: Collection[str]) -> tuple[list[ChangeRow], Mapping[str, Finding]]:
        """What the ledger says is to do for these articles now, and which of them are held."""
        if not products:
            return [], {}
        context, ledger, settings = self.context, self.ledger, self.settings
        given = load_given(
            ledger, settings, context.layout, context.run.now(), products=products, offers=context.offers
        )
        skus = set(given.articles["sku"].dropna())
        plan = plan_stock(work_out(given), ledger.stock.entries(skus), settings)
        made = list(change_rows(plan, context.run_id))
        return made, {finding.id: finding for finding in plan.holds}

    # ---------------------------------------------------------------- one write

    async def send(self, unit: Unit) -> Result[EntryWritten]:
        (change,) = unit.changes
        entry = EntryKey.parse(WriteUnit.parse(change.unit).key)
        written = await self.context.online.write(
            EntryWrite(
                change_id=change.id,
                sku=entry.sku,
                channel=entry.channel,
                on_stock=int(change.after["on_stock"]),
                entry_id=change.target_id,
                seen_version=change.target_version,
                seen_on_stock=change.before.get("on_stock"),
            )
        )
        return unit.result(written, [written.exchange_id])

    def record(self, results: list[Result[EntryWritten]]) -> None:
        """Entries as they answered, and the outcomes, all or nothing."""
        table = self.context.online.to_entries([result.answer.row for result in results])
        with self.ledger.together() as books:
            books.stock.see_entries(self.context.run_id, table)
            books.changes.settle(
                [
                    result.outcome(result.changes[0], entry["id"], entry["version"])
                    for result, entry in zip(results, rows(table), strict=True)
                ]
            )
