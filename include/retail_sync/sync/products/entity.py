"""The steps of products."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from retail_sync.records.ports.connector import Connector, require
from retail_sync.records.ports.products import SYSTEMS, ProductSystem, SystemName
from retail_sync.sync.engine.apply import apply_batch
from retail_sync.sync.engine.context import Access, RunContext, WriteContext
from retail_sync.sync.engine.entity import EntitySpec, Feeds, Settling, seen_until
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import EntityPlan
from retail_sync.sync.engine.skus import spellings
from retail_sync.sync.engine.transform import Transformed
from retail_sync.sync.products import prepare as preparing
from retail_sync.sync.products.apply import ProductWriter
from retail_sync.sync.products.feeds import extract, transform
from retail_sync.sync.products.mirror import ENTITY


class Products:
    """See `retail_sync.sync.engine.entity.Entity`."""

    spec = EntitySpec(ENTITY, feeds=SYSTEMS)

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        access = run.access(system)

        async def read() -> Extracted:
            async with _products(access) as systems:
                await asyncio.to_thread(run.keep_reference, system, systems[system])
                return await extract(
                    run.ledger,
                    run.staging,
                    systems[system],
                    full=run.request.full,
                    since=run.request.since,
                    keys=spellings(run.ledger, run.settings.products, run.request.keys),
                )

        return [asyncio.run(read())]

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        access = run.access(*SYSTEMS)
        closed: dict[SystemName, Connector] = {
            "commercetools": access.closed_storefront(),
            "lightspeed": access.closed_point_of_sale(),
        }
        found: list[Transformed] = []
        for system, connector in closed.items():
            preparing.keep_capabilities(run.staging, system, connector.capabilities)
            mapper = run.ready(system, require(connector.products, "products", system))
            found += transform(run.staging, mapper, feeds[system]["pages"])
        return found

    def plan(self, run: RunContext) -> EntityPlan:
        return preparing.prepare(run)

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        open_changes = run.ledger.changes.read(run.run_id, batch=batch, outcome="planned")
        targets = {change.system for change in open_changes}
        access = run.access(*(system for system in SYSTEMS if system in targets))

        async def applied() -> dict[str, int]:
            async with _products(access) as systems:
                read_until = {system: seen_until(run, ENTITY, feeds, system) for system in targets}
                online, till = systems.get("commercetools"), systems.get("lightspeed")
                return await apply_batch(
                    run, batch, ProductWriter(WriteContext(run, online, till, read_until))
                )

        return asyncio.run(applied())

    def settling(self, run: RunContext) -> Settling:
        return Settling()


@asynccontextmanager
async def _products(access: Access) -> AsyncIterator[Mapping[str, ProductSystem]]:
    """The products of all systems in `access`, open and ready."""
    async with AsyncExitStack() as stack:
        opened: dict[str, ProductSystem] = {}
        for system in access.systems:
            connector = await stack.enter_async_context(access.connector(system))
            opened[system] = require(connector.products, "products", system)
            await opened[system].prepare()
        yield opened
