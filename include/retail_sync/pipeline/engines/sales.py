"""The steps of in-store sales: read at the till, shown online. Of commercetools nothing is read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from retail_sync.pipeline.engines.base import Feeds, PlannedRun, read_feed, settle_run, unread
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.records.ports.products import SystemName
from retail_sync.records.sales import ENTITY
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import prepare_nothing
from retail_sync.sync.sales import apply as applying
from retail_sync.sync.sales import prepare as preparing
from retail_sync.sync.sales.bench import Bench as WritingBench
from retail_sync.sync.sales.feeds import SALES, stage_terms, transform


class SaleEngine:
    """See `retail_sync.pipeline.engines.base.Engine`."""

    def extract(self, bench: Bench, system: SystemName) -> list[dict[str, Any]]:
        if system == "commercetools" or bench.settings.sales.target == "none":
            return [unread(bench, system).as_dict()]
        access = bench.access(system)

        async def read() -> Extracted:
            with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
                async with access.open_till_sales(sink) as till:
                    await till.prepare()
                    await asyncio.to_thread(stage_terms, bench.staging, till.terms)
                    return await read_feed(bench, ENTITY, till.sales, SALES, bench.order.keys or None)

        return [asyncio.run(read()).as_dict()]

    def transform(self, bench: Bench, feeds: Feeds) -> list[dict[str, Any]]:
        if bench.settings.sales.target == "none":
            return [{"feed": SALES, "rows read": 0}]
        access = bench.access("lightspeed")

        async def mapped() -> dict[str, Any]:
            with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
                async with access.open_till_sales(sink) as till:
                    await till.prepare()
                    one = await asyncio.to_thread(transform, bench.staging, till, int(feeds[SALES]["pages"]))
                    return {
                        "feed": one.feed,
                        "rows read": one.raw_rows,
                        "sales": one.rows,
                        "came twice": one.repeated,
                    }

        return [asyncio.run(mapped())]

    def plan(self, bench: Bench, feeds: Feeds) -> PlannedRun:
        if bench.settings.sales.target == "none":
            return _nothing(bench)
        found = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            bench.settings,
            now=datetime.now(UTC),
            dry_run=bench.order.dry_run,
            limited=bench.order.limited,
            full=bench.order.full,
        )
        summary = found.as_dict()
        holds, shows = summary.pop("first_holds"), summary.pop("shows")
        lines = [f"{found.late} sales waited for customers who are linked now."] if found.late else []
        lines += telling.first_changes(
            ["sale", "what", "as", "amount", "because"], shows, sum(found.changes.values())
        )
        return PlannedRun(summary, holds, lines)

    def load(self, bench: Bench, batch: int, feeds: Feeds) -> dict[str, int]:
        access = bench.access("commercetools")

        async def applied() -> dict[str, int]:
            with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
                async with access.open_online_orders(sink) as online:
                    await online.prepare(writing=True)
                    written = await applying.apply_batch(
                        WritingBench(bench.ledger, online, bench.settings, bench.run_id), batch
                    )
                    return written.outcomes

        return asyncio.run(applied())

    def audit(self, bench: Bench, feeds: Feeds) -> None:
        settle_run(bench, ENTITY, feeds, (SALES,))


def _nothing(bench: Bench) -> PlannedRun:
    summary = prepare_nothing(bench.ledger, bench.staging, ENTITY).as_dict()
    return PlannedRun(summary, (), ["`sales.target` is none, so no sale leaves the till."])
