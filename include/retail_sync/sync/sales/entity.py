"""The steps of in-store sales: read at the till, shown online. Of commercetools nothing is read."""

from __future__ import annotations

import asyncio

from retail_sync.records.ports.connector import require
from retail_sync.records.ports.products import SystemName
from retail_sync.records.sales import ENTITY
from retail_sync.sync.engine.apply import apply_batch
from retail_sync.sync.engine.context import RunContext, WriteContext
from retail_sync.sync.engine.entity import EntitySpec, Feeds, Settling, read_feed, unread
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import EntityPlan
from retail_sync.sync.engine.transform import Transformed
from retail_sync.sync.sales import prepare as preparing
from retail_sync.sync.sales.apply import SaleWriter
from retail_sync.sync.sales.feeds import SALES, stage_terms, transform


class Sales:
    """See `retail_sync.sync.engine.entity.Entity`."""

    spec = EntitySpec(ENTITY, feeds=(SALES,))

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        if system == "commercetools" or run.settings.sales.target == "none":
            return [unread(run, system)]
        access = run.access(system)

        async def read() -> Extracted:
            async with access.point_of_sale() as point_of_sale:
                till = require(point_of_sale.sales, "sales", system)
                await till.prepare()
                await asyncio.to_thread(run.keep_reference, system, till)
                await asyncio.to_thread(stage_terms, run.staging, till.terms)
                return await read_feed(run, ENTITY, till.sales, SALES, run.request.keys or None)

        return [asyncio.run(read())]

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        if run.settings.sales.target == "none":
            return [Transformed(SALES)]
        point_of_sale = run.access("lightspeed").closed_point_of_sale()
        till = run.ready("lightspeed", require(point_of_sale.sales, "sales", "lightspeed"))
        return [transform(run.staging, till, int(feeds[SALES]["pages"]))]

    def plan(self, run: RunContext) -> EntityPlan:
        if run.settings.sales.target == "none":
            return EntityPlan(lines=["`sales.target` is none, so no sale leaves the till."])
        return preparing.prepare(run)

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        access = run.access("commercetools")

        async def applied() -> dict[str, int]:
            async with access.storefront() as storefront:
                online = require(storefront.orders, "orders", "commercetools")
                await online.prepare(writing=True)
                return await apply_batch(run, batch, SaleWriter(WriteContext(run, online, None)))

        return asyncio.run(applied())

    def settling(self, run: RunContext) -> Settling:
        return Settling()
