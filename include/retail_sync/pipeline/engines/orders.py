"""The steps of orders: web orders, and what became of the sales they are at the till."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from retail_sync.pipeline.engines.base import Feeds, PlannedRun, read_feed, settle_run, unread
from retail_sync.pipeline.engines.customers import seal_of
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.records.orders import ENTITY
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import prepare_nothing
from retail_sync.sync.orders import apply as applying
from retail_sync.sync.orders import prepare as preparing
from retail_sync.sync.orders.bench import Bench as WritingBench
from retail_sync.sync.orders.feeds import ORDERS, SALES, stage_terms, transform


class OrderEngine:
    """See `retail_sync.pipeline.engines.base.Engine`."""

    def extract(self, bench: Bench, system: SystemName) -> list[dict[str, Any]]:
        if not bench.settings.orders.exported:
            return [unread(bench, system).as_dict()]
        access = bench.access(system)
        token = _email_token(bench)

        async def read() -> Extracted:
            keys = bench.order.keys or None
            with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
                if system == "commercetools":
                    async with access.open_online_orders(sink, token) as online:
                        await online.prepare()
                        kept = await asyncio.to_thread(preparing.kept_orders, bench.ledger, bench.settings)
                        asking = Asking(online.orders, kept)
                        return await read_feed(bench, ENTITY, online.orders, ORDERS, keys, asking)
                async with access.open_till_sales(sink) as till:
                    await till.prepare(writing=True)
                    await asyncio.to_thread(stage_terms, bench.staging, till.terms)
                    return await read_feed(bench, ENTITY, till.sales, SALES, keys)

        return [asyncio.run(read()).as_dict()]

    def transform(self, bench: Bench, feeds: Feeds) -> list[dict[str, Any]]:
        if not bench.settings.orders.exported:
            return [{"feed": name, "rows read": 0} for name in (ORDERS, SALES)]
        access = bench.access(*SYSTEMS)

        async def mapped() -> list[dict[str, Any]]:
            async with _open(bench, access) as (online, till):
                pages = {name: int(feeds[name]["pages"]) for name in (ORDERS, SALES)}
                return [
                    {
                        "feed": one.feed,
                        "rows read": one.raw_rows,
                        "documents": one.documents,
                        "came twice": one.repeated,
                        "other sales": one.others,
                    }
                    for one in await asyncio.to_thread(transform, bench.staging, online, till, pages)
                ]

        return asyncio.run(mapped())

    def plan(self, bench: Bench, feeds: Feeds) -> PlannedRun:
        if not bench.settings.orders.exported:
            nothing = prepare_nothing(bench.ledger, bench.staging, ENTITY).as_dict()
            return PlannedRun(nothing, (), ["`orders.since` is empty, so no order is exported."])
        found = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            bench.settings,
            now=datetime.now(UTC),
            dry_run=bench.order.dry_run,
            limited=bench.order.limited,
            full=bench.order.full and bench.order.since is None,
        )
        summary = found.as_dict()
        holds, shows = summary.pop("first_holds"), summary.pop("shows")
        lines = telling.first_changes(
            ["order", "in", "what", "amount", "location", "because"], shows, sum(found.changes.values())
        )
        return PlannedRun(summary, holds, lines)

    def load(self, bench: Bench, batch: int, feeds: Feeds) -> dict[str, int]:
        access = bench.access(*SYSTEMS)

        async def applied() -> dict[str, int]:
            async with _open(bench, access, writing=True) as (online, till):
                written = await applying.apply_batch(
                    WritingBench(bench.ledger, online, till, bench.settings, bench.run_id), batch
                )
                return written.outcomes

        return asyncio.run(applied())

    def audit(self, bench: Bench, feeds: Feeds) -> None:
        settle_run(bench, ENTITY, feeds, (ORDERS, SALES))


@asynccontextmanager
async def _open(
    bench: Bench, access: Access, *, writing: bool = False
) -> AsyncIterator[tuple[OnlineOrders, TillSales]]:
    token = await asyncio.to_thread(_email_token, bench)
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_online_orders(sink, token) as online, access.open_till_sales(sink) as till:
            await online.prepare(writing=writing)
            await till.prepare(writing=writing)
            yield online, till


def _email_token(bench: Bench) -> Callable[[str], Sequence[str]] | None:
    """What an e-mail address is recognised by; None where the settings do not look for guests by theirs."""
    if not bench.settings.orders.customers.by_email:
        return None
    seal = seal_of(bench.ledger, bench.settings)
    return lambda email: list(seal.tokens({"email": email}).get("email", ()))
