"""The steps of inventory: entries, then orders, then levels, because that order keeps figures safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from retail_sync.records.identifiers import matching_key
from retail_sync.records.ports.connector import require
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.records.ports.products import SYSTEMS, Askable, SystemName
from retail_sync.settings.validation.inventory import require_reserved
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.apply import apply_batch
from retail_sync.sync.engine.context import Access, RunContext
from retail_sync.sync.engine.entity import EntitySpec, Feeds, Settling, read_feed, seen_until
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import EntityPlan
from retail_sync.sync.engine.skus import spellings
from retail_sync.sync.engine.transform import Transformed
from retail_sync.sync.inventory import prepare as preparing
from retail_sync.sync.inventory.adjustments import LevelWriter
from retail_sync.sync.inventory.apply import EntryWriter, StockContext
from retail_sync.sync.inventory.catalogue import PRODUCTS, products_of_skus
from retail_sync.sync.inventory.explanation import explain
from retail_sync.sync.inventory.feeds import (
    ENTITY,
    ENTRIES,
    LEVELS,
    ORDERS,
    stage_beside,
    transform,
)
from retail_sync.sync.inventory.layout import Layout, layout_of
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.planner import place_name
from retail_sync.sync.inventory.scope import CATALOGUE
from retail_sync.sync.inventory.unmet import StockKept, kept

EXPLAINED = 20
"""SKUs of a run of `keys` whose figures are explained in its log."""


class Inventory:
    """See `retail_sync.sync.engine.entity.Entity`."""

    spec = EntitySpec(ENTITY, feeds=(ENTRIES, ORDERS, LEVELS), needs_baseline_of=PRODUCTS)

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        access = run.access(system)
        read = _read_online if system == "commercetools" else _read_till
        return asyncio.run(read(run, access))

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        access = run.access(*SYSTEMS)

        storefront, point_of_sale = access.closed_storefront(), access.closed_point_of_sale()
        online = run.ready("commercetools", require(storefront.inventory, "inventory", "commercetools"))
        till = run.ready("lightspeed", require(point_of_sale.inventory, "inventory", "lightspeed"))
        pages = {name: int(feeds[name]["pages"]) for name in (ENTRIES, ORDERS, LEVELS)}
        return transform(run.staging, online, till, pages)

    def plan(self, run: RunContext) -> EntityPlan:
        layout, now = _layout(run), run.now()
        plan = preparing.prepare(run, layout)
        return replace(plan, remarks=_explained(run, layout, now))

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        access = run.access(*SYSTEMS)
        document, layout = run.staging.read_document("plan"), _layout(run)
        offers = run.staging.read_table(f"{ENTRIES}/offers")

        async def applied() -> dict[str, int]:
            async with _open(access, writing=True) as (online, till):
                context = StockContext(
                    run,
                    online,
                    till,
                    {feed: seen_until(run, ENTITY, feeds, feed) for feed in (ORDERS, LEVELS)},
                    layout=layout,
                    offers=offers,
                    planned_at=datetime.fromisoformat(document["taken_in"]),
                    serves_along=not run.request.limited,
                )
                return await apply_batch(run, batch, EntryWriter(context, batch), LevelWriter(context))

        return asyncio.run(applied())

    def settling(self, run: RunContext) -> Settling:
        document, names = run.staging.read_document("plan"), outlet_names(run)
        return Settling(
            {CATALOGUE: document["began"]},
            place_of=lambda change: place_name(change, names),
        )


def outlet_names(run: RunContext) -> dict[str, str]:
    """Names of this run's locations by the ids of their outlets."""
    return {outlet: name for name, outlet in run.staging.read_document("outlets").items()}


def _explained(run: RunContext, layout: Layout, now: datetime) -> list[str]:
    """For a run of a few SKUs: why each channel shows what it shows, with the entry and what was written last."""
    skus = _keys(run)[:EXPLAINED]
    if not skus:
        return []
    offers = run.staging.read_table(f"{ENTRIES}/offers")
    given = load_given(run.ledger, run.settings, layout, now, skus=skus, offers=offers)
    found = explain(run.ledger, run.settings, layout, skus, given=given, now=now)
    known = {matching_key(one.sku) for one in found}
    return [
        *(line for one in found for line in one.lines()),
        *(
            f"{sku}: no article of the till is linked to this SKU."
            for sku in skus
            if matching_key(sku) not in known
        ),
    ]


# ---------------------------------------------------------------- reading


async def _read_online(run: RunContext, access: Access) -> list[Extracted]:
    async with access.storefront() as storefront:
        online = require(storefront.inventory, "inventory", "commercetools")
        await online.prepare()
        await asyncio.to_thread(run.keep_reference, "commercetools", online)
        keys = _keys(run) or None
        # The order counts: a reservation that an entry shows has its order in what is read next.
        entries = await _feed(run, online.entries, kept(ENTRIES), keys)
        orders = await _feed(run, online.orders, kept(ORDERS), keys)
        offered = await online.assortments()
        await asyncio.to_thread(stage_beside, run.staging, assortments=offered)
        found = {"reserved": await online.reserved()}
        await asyncio.to_thread(run.staging.write_document, "project", found)
        return [entries, orders]


async def _read_till(run: RunContext, access: Access) -> list[Extracted]:
    inventory = run.settings.inventory
    keys = run.request.keys
    async with access.point_of_sale() as point_of_sale:
        till = require(point_of_sale.inventory, "inventory", "lightspeed")
        await till.prepare()
        await asyncio.to_thread(run.keep_reference, "lightspeed", till)
        await asyncio.to_thread(run.staging.write_document, "outlets", dict(till.outlets))
        products = sorted(products_of_skus(run.ledger, run.settings, set(keys))) if keys else None
        levels = await _feed(run, till.levels, kept(LEVELS, till.outlets.values()), products)
        found = await till.buckets(inventory.held_by_open_sales, bool(inventory.count_incoming))
        await asyncio.to_thread(stage_beside, run.staging, buckets=found)
        return [levels]


def _keys(run: RunContext) -> list[str]:
    """The SKUs this run was asked for, as either system spells them too."""
    return spellings(run.ledger, run.settings.products, run.request.keys)


async def _feed(run: RunContext, feed: Askable, rows: StockKept, keys: Sequence[str] | None) -> Extracted:
    return await read_feed(run, ENTITY, feed, rows.feed, keys, Asking(feed, rows))


@asynccontextmanager
async def _open(access: Access, *, writing: bool = False) -> AsyncIterator[tuple[OnlineStock, TillStock]]:
    async with access.storefront() as storefront, access.point_of_sale() as point_of_sale:
        online = require(storefront.inventory, "inventory", "commercetools")
        till = require(point_of_sale.inventory, "inventory", "lightspeed")
        await online.prepare(writing=writing)
        await till.prepare()
        yield online, till


def _layout(run: RunContext) -> Layout:
    """The layout of this run: with the outlets and the reservations it found, as of now."""
    reserved = require_reserved(run.settings, run.staging.read_document("project")["reserved"])
    outlets = run.staging.read_document("outlets")
    return layout_of(run.settings, outlets, run.now(), reserved=reserved)
