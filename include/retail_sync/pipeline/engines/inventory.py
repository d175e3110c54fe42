"""The steps of inventory: entries, then orders, then levels, because that order keeps figures safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from retail_sync.pipeline.engines.base import Feeds, PlannedRun, read_feed, seen_until
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.identifiers import matching_key
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.records.ports.products import SYSTEMS, Askable, SystemName
from retail_sync.settings.stockchecks import require_reserved
from retail_sync.sync.engine import settle as auditing
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.skus import spellings
from retail_sync.sync.inventory import apply as applying
from retail_sync.sync.inventory import prepare as preparing
from retail_sync.sync.inventory.bench import Bench as WritingBench
from retail_sync.sync.inventory.catalogue import PRODUCTS, products_of_skus
from retail_sync.sync.inventory.change_rows import ALONG
from retail_sync.sync.inventory.explanation import explain
from retail_sync.sync.inventory.feeds import (
    ENTITY,
    ENTRIES,
    LEVELS,
    ORDERS,
    Transformed,
    stage_beside,
    transform,
)
from retail_sync.sync.inventory.layout import Layout, layout_of
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.scope import CATALOGUE
from retail_sync.sync.inventory.unmet import StockKept, kept
from retail_sync.sync.queries.drift import place_name

EXPLAINED = 20
"""SKUs of a run of `keys` whose figures are explained in its log."""


class StockEngine:
    """See `retail_sync.pipeline.engines.base.Engine`."""

    def extract(self, bench: Bench, system: SystemName) -> list[dict[str, Any]]:
        access = bench.access(system)
        read = _read_online if system == "commercetools" else _read_till
        return [one.as_dict() for one in asyncio.run(read(bench, access))]

    def transform(self, bench: Bench, feeds: Feeds) -> list[dict[str, Any]]:
        access = bench.access(*SYSTEMS)

        async def mapped() -> list[Transformed]:
            async with _open(bench, access) as (online, till):
                pages = {name: int(feeds[name]["pages"]) for name in (ENTRIES, ORDERS, LEVELS)}
                return await asyncio.to_thread(transform, bench.staging, online, till, pages)

        return [
            {"feed": one.feed, "rows read": one.raw_rows, "records": one.rows, "came twice": one.repeated}
            for one in asyncio.run(mapped())
        ]

    def plan(self, bench: Bench, feeds: Feeds) -> PlannedRun:
        if bench.ledger.baseline(PRODUCTS) is None and not bench.order.dry_run:
            raise ConfigurationFault(
                "Products have had no first alignment, so no SKU is linked to anything that could have stock.",
                remedy="Run the DAG `products` with mode=full first.",
            )
        layout, now = _layout(bench), datetime.now(UTC)
        found = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            bench.settings,
            layout,
            now=now,
            dry_run=bench.order.dry_run,
            keys=bench.order.keys,
            full=bench.order.full,
        )
        summary = found.as_dict()
        holds, shows = summary.pop("first_holds"), summary.pop("shows")
        lines = [f"Every article was looked at: {found.why_all}."] if found.why_all else []
        lines += telling.first_changes(
            ["SKU", "channel", "shows", "will show"], shows, sum(found.changes.values())
        )
        return PlannedRun(summary, holds, [*lines, *_explained(bench, layout, now)])

    def load(self, bench: Bench, batch: int, feeds: Feeds) -> dict[str, int]:
        access = bench.access(*SYSTEMS)
        document, layout = bench.staging.read_document("plan"), _layout(bench)
        offers = bench.staging.read_table(f"{ENTRIES}/offers")

        async def applied() -> dict[str, int]:
            async with _open(bench, access, writing=True) as (online, till):
                done = await applying.apply_batch(
                    WritingBench(
                        bench.ledger,
                        online,
                        till,
                        bench.settings,
                        layout,
                        bench.run_id,
                        offers,
                        serves_along=not bench.order.limited,
                    ),
                    batch,
                    seen={feed: seen_until(bench, ENTITY, feeds, feed) for feed in (ORDERS, LEVELS)},
                    planned_at=datetime.fromisoformat(document["taken_in"]),
                )
                return done.outcomes

        return asyncio.run(applied())

    def audit(self, bench: Bench, feeds: Feeds) -> None:
        document = bench.staging.read_document("plan")
        cursors = {feed: feeds[feed]["cursor"] for feed in (ENTRIES, ORDERS, LEVELS)}
        names = outlet_names(bench)
        auditing.audit(
            bench.ledger,
            bench.staging,
            bench.settings,
            cursors={**cursors, CATALOGUE: document["began"]},
            dry_run=bench.order.dry_run,
            full=bench.order.full,
            limited=bench.order.limited,
            entity=ENTITY,
            along=bench.ledger.changes.keyed(bench.run_id, ALONG),
            place_of=lambda change: place_name(change, names),
        )


def outlet_names(bench: Bench) -> dict[str, str]:
    """Names of this run's locations by the ids of their outlets."""
    return {outlet: name for name, outlet in bench.staging.read_document("outlets").items()}


def _explained(bench: Bench, layout: Layout, now: datetime) -> list[str]:
    """For a run of a few SKUs: why each channel shows what it shows, with the entry and what was written last."""
    skus = _keys(bench)[:EXPLAINED]
    if not skus:
        return []
    offers = bench.staging.read_table(f"{ENTRIES}/offers")
    given = load_given(bench.ledger, bench.settings, layout, now, skus=skus, offers=offers)
    found = explain(bench.ledger, bench.settings, layout, skus, given=given, now=now)
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


async def _read_online(bench: Bench, access: Access) -> list[Extracted]:
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_online_stock(sink) as online:
            await online.prepare()
            keys = _keys(bench) or None
            # The order counts: a reservation that an entry shows has its order in what is read next.
            entries = await _feed(bench, online.entries, kept(ENTRIES), keys)
            orders = await _feed(bench, online.orders, kept(ORDERS), keys)
            offered = await online.assortments()
            await asyncio.to_thread(stage_beside, bench.staging, assortments=offered)
            found = {"reserved": await online.reserved()}
            await asyncio.to_thread(bench.staging.write_document, "project", found)
            return [entries, orders]


async def _read_till(bench: Bench, access: Access) -> list[Extracted]:
    inventory = bench.settings.inventory
    keys = bench.order.keys
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_till_stock(sink) as till:
            await till.prepare()
            await asyncio.to_thread(bench.staging.write_document, "outlets", dict(till.outlets))
            products = sorted(products_of_skus(bench.ledger, bench.settings, set(keys))) if keys else None
            levels = await _feed(bench, till.levels, kept(LEVELS, till.outlets.values()), products)
            found = await till.buckets(inventory.held_by_open_sales, bool(inventory.count_incoming))
            await asyncio.to_thread(stage_beside, bench.staging, buckets=found)
            return [levels]


def _keys(bench: Bench) -> list[str]:
    """The SKUs this run was asked for, as either system spells them too."""
    return spellings(bench.ledger, bench.settings.products, bench.order.keys)


async def _feed(bench: Bench, feed: Askable, rows: StockKept, keys: Sequence[str] | None) -> Extracted:
    return await read_feed(bench, ENTITY, feed, rows.feed, keys, Asking(feed, rows))


@asynccontextmanager
async def _open(
    bench: Bench, access: Access, *, writing: bool = False
) -> AsyncIterator[tuple[OnlineStock, TillStock]]:
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_online_stock(sink) as online, access.open_till_stock(sink) as till:
            await online.prepare(writing=writing)
            await till.prepare()
            yield online, till


def _layout(bench: Bench) -> Layout:
    """The layout of this run: with the outlets and the reservations it found, as of now."""
    reserved = require_reserved(bench.settings, bench.staging.read_document("project")["reserved"])
    outlets = bench.staging.read_document("outlets")
    return layout_of(bench.settings, outlets, datetime.now(UTC), reserved=reserved)
