"""The steps of orders: web orders, and what became of the sales they are at the till."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from retail_sync.records.orders import ENTITY
from retail_sync.records.ports.connector import require
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.sync.customers.entity import seal_of
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.apply import apply_batch
from retail_sync.sync.engine.context import Access, RunContext, WriteContext
from retail_sync.sync.engine.entity import EntitySpec, Feeds, Settling, read_feed, unread
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import EntityPlan
from retail_sync.sync.engine.transform import Transformed
from retail_sync.sync.orders import prepare as preparing
from retail_sync.sync.orders.apply import OrderWriter
from retail_sync.sync.orders.feeds import ORDERS, SALES, stage_terms, transform


class Orders:
    """See `retail_sync.sync.engine.entity.Entity`."""

    spec = EntitySpec(ENTITY, feeds=(ORDERS, SALES))

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        if not run.settings.orders.exported:
            return [unread(run, system)]
        access = run.access(system)
        token = _email_token(run)

        async def read() -> Extracted:
            keys = run.request.keys or None
            if system == "commercetools":
                async with access.storefront(token) as storefront:
                    online = require(storefront.orders, "orders", system)
                    await online.prepare()
                    await asyncio.to_thread(run.keep_reference, system, online)
                    kept = await asyncio.to_thread(
                        preparing.kept_orders, run.ledger, run.settings, full=run.request.full
                    )
                    asking = Asking(online.orders, kept)
                    return await read_feed(run, ENTITY, online.orders, ORDERS, keys, asking)
            async with access.point_of_sale() as point_of_sale:
                till = require(point_of_sale.sales, "sales", system)
                await till.prepare(writing=True)
                await asyncio.to_thread(run.keep_reference, system, till)
                await asyncio.to_thread(stage_terms, run.staging, till.terms)
                return await read_feed(run, ENTITY, till.sales, SALES, keys)

        return [asyncio.run(read())]

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        if not run.settings.orders.exported:
            return [Transformed(name) for name in (ORDERS, SALES)]
        access = run.access(*SYSTEMS)

        storefront, point_of_sale = access.closed_storefront(), access.closed_point_of_sale()
        online = run.ready("commercetools", require(storefront.orders, "orders", "commercetools"))
        till = run.ready("lightspeed", require(point_of_sale.sales, "sales", "lightspeed"))
        pages = {name: int(feeds[name]["pages"]) for name in (ORDERS, SALES)}
        return transform(run.staging, online, till, pages)

    def plan(self, run: RunContext) -> EntityPlan:
        if not run.settings.orders.exported:
            return EntityPlan(lines=["`orders.since` is empty, so no order is exported."])
        return preparing.prepare(run)

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        access = run.access(*SYSTEMS)

        async def applied() -> dict[str, int]:
            async with _open(run, access, writing=True) as (online, till):
                return await apply_batch(run, batch, OrderWriter(WriteContext(run, online, till)))

        return asyncio.run(applied())

    def settling(self, run: RunContext) -> Settling:
        return Settling()


@asynccontextmanager
async def _open(
    run: RunContext, access: Access, *, writing: bool = False
) -> AsyncIterator[tuple[OnlineOrders, TillSales]]:
    token = await asyncio.to_thread(_email_token, run)
    async with access.storefront(token) as storefront, access.point_of_sale() as point_of_sale:
        online = require(storefront.orders, "orders", "commercetools")
        till = require(point_of_sale.sales, "sales", "lightspeed")
        await online.prepare(writing=writing)
        await till.prepare(writing=writing)
        yield online, till


def _email_token(run: RunContext) -> Callable[[str], Sequence[str]] | None:
    """What an e-mail address is recognised by; None where the settings do not look for guests by theirs."""
    if not run.settings.orders.customers.by_email:
        return None
    seal = seal_of(run.ledger, run.settings, run.secret_key())
    return lambda email: list(seal.tokens({"email": email}).get("email", ()))
