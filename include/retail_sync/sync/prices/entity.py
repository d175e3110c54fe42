"""The steps of prices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.ports.connector import require
from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.records.ports.products import SYSTEMS, Askable, SystemName
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.apply import apply_batch
from retail_sync.sync.engine.context import Access, RunContext, WriteContext
from retail_sync.sync.engine.entity import (
    EntitySpec,
    Feeds,
    Settling,
    read_feed,
    seen_until,
    unread,
)
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.plan import EntityPlan
from retail_sync.sync.engine.skus import spellings
from retail_sync.sync.engine.transform import Transformed
from retail_sync.sync.prices import prepare as preparing
from retail_sync.sync.prices.apply import PriceWriter
from retail_sync.sync.prices.decisions import decide_by_hand
from retail_sync.sync.prices.feeds import (
    ARTICLES,
    ENTITY,
    ENTRIES,
    FEEDS,
    ONLINE,
    STANDALONE,
    stage_nothing,
    stage_terms,
    transform,
)
from retail_sync.sync.prices.loading import PRODUCTS
from retail_sync.sync.prices.mirror import KEPT
from retail_sync.sync.prices.rereading import list_of
from retail_sync.sync.prices.scope import CATALOGUE


class Prices:
    """See `retail_sync.sync.engine.entity.Entity`."""

    spec = EntitySpec(ENTITY, feeds=FEEDS, needs_baseline_of=PRODUCTS)

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        if not run.settings.prices.synced:
            return _unread(run, system)
        access = run.access(system)
        read = _read_online if system == "commercetools" else _read_till
        return asyncio.run(read(run, access))

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        if not run.settings.prices.synced:
            stage_nothing(run.staging)
            return [Transformed("none, because no list has an owner")]
        access = run.access(*SYSTEMS)

        online = run.ready(
            "commercetools", require(access.closed_storefront().prices, "prices", "commercetools")
        )
        till = run.ready("lightspeed", require(access.closed_point_of_sale().prices, "prices", "lightspeed"))
        return transform(run.staging, online, till, {name: int(feeds[name]["pages"]) for name in FEEDS})

    def plan(self, run: RunContext) -> EntityPlan:
        decided = decide_by_hand(
            run.ledger,
            approved=run.request.approve,
            rejected=run.request.reject,
            by=run.triggered_by,
            run_id=run.run_id,
        )
        return preparing.prepare(run, decided)

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        access = run.access(*SYSTEMS)

        async def applied() -> dict[str, int]:
            async with _open(access, writing=True) as (online, till):
                read_until = {feed: seen_until(run, ENTITY, feeds, feed) for feed in (ARTICLES, ENTRIES)}
                writer = PriceWriter(WriteContext(run, online, till, read_until))
                return await apply_batch(run, batch, writer)

        return asyncio.run(applied())

    def settling(self, run: RunContext) -> Settling:
        document = run.staging.read_document("plan")
        return Settling({CATALOGUE: document["now"]}, place_of=_list_of)


def _list_of(change: ChangeRow) -> str | None:
    return list_of(change)


# ---------------------------------------------------------------- reading


def _unread(run: RunContext, system: SystemName) -> list[Extracted]:
    """Nothing is read where no list has an owner; the cursors stay where they are."""
    names = (ONLINE, STANDALONE) if system == "commercetools" else (ARTICLES, ENTRIES)
    return [unread(run, name) for name in names]


async def _read_online(run: RunContext, access: Access) -> list[Extracted]:
    async with access.storefront() as storefront:
        online = require(storefront.prices, "prices", "commercetools")
        await online.prepare()
        await asyncio.to_thread(run.keep_reference, "commercetools", online)
        await asyncio.to_thread(stage_terms, run.staging, ONLINE, online.terms)
        keys = spellings(run.ledger, run.settings.products, run.request.keys) or None
        products = await _feed(run, online.products, ONLINE, keys)
        # Without standalone prices their feed is not walked; its cursor stays where it is.
        reads = run.settings.prices.standalone
        standalone = await read_feed(run, ENTITY, online.standalone, STANDALONE, keys if reads else ())
        return [products, standalone]


async def _read_till(run: RunContext, access: Access) -> list[Extracted]:
    async with access.point_of_sale() as point_of_sale:
        till = require(point_of_sale.prices, "prices", "lightspeed")
        await till.prepare()
        await asyncio.to_thread(run.keep_reference, "lightspeed", till)
        await asyncio.to_thread(stage_terms, run.staging, ARTICLES, till.terms)
        keys = run.request.keys
        articles = _articles_of(run, keys) if keys else None
        found = await _feed(run, till.articles, ARTICLES, articles)
        lines = await _feed(run, till.entries, ENTRIES, articles)
        return [found, lines]


def _articles_of(run: RunContext, skus: Sequence[str]) -> list[str]:
    """Till ids of the articles that bear these SKUs, at the till or online."""
    mirror = run.ledger.mirror
    skus = spellings(run.ledger, run.settings.products, skus)
    till = mirror.cells(PRODUCTS, "variant", "lightspeed", labels=skus)
    online = mirror.cells(PRODUCTS, "variant", "commercetools", labels=skus)
    linked = run.ledger.links.pairs(PRODUCTS, "variant", commercetools_ids=set(online["id"]))
    return sorted(set(till.loc[till["deleted_at"].isna(), "id"]) | set(linked["lightspeed_id"]))


async def _feed(run: RunContext, feed: Askable, name: str, keys: Sequence[str] | None) -> Extracted:
    return await read_feed(run, ENTITY, feed, name, keys, Asking(feed, KEPT[name]))


@asynccontextmanager
async def _open(access: Access, *, writing: bool = False) -> AsyncIterator[tuple[OnlinePrices, TillPrices]]:
    async with access.storefront() as storefront, access.point_of_sale() as point_of_sale:
        online = require(storefront.prices, "prices", "commercetools")
        till = require(point_of_sale.prices, "prices", "lightspeed")
        await online.prepare(writing=writing)
        await till.prepare(writing=writing)
        yield online, till
