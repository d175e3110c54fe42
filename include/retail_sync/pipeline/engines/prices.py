"""The steps of prices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import ChangeRow
from retail_sync.pipeline.engines.base import Feeds, PlannedRun, read_feed, seen_until, unread
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.records.ports.products import SYSTEMS, Askable, SystemName
from retail_sync.sync.engine import settle as auditing
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.extract import Extracted
from retail_sync.sync.engine.skus import spellings
from retail_sync.sync.prices import apply as applying
from retail_sync.sync.prices import prepare as preparing
from retail_sync.sync.prices.bench import Bench as WritingBench
from retail_sync.sync.prices.decisions import decide_by_hand
from retail_sync.sync.prices.feeds import (
    ARTICLES,
    ENTITY,
    ENTRIES,
    FEEDS,
    ONLINE,
    STANDALONE,
    Transformed,
    stage_nothing,
    stage_terms,
    staged_terms,
    transform,
)
from retail_sync.sync.prices.loading import PRODUCTS
from retail_sync.sync.prices.mirror import KEPT
from retail_sync.sync.prices.rereading import list_of
from retail_sync.sync.prices.scope import CATALOGUE


class PriceEngine:
    """See `retail_sync.pipeline.engines.base.Engine`."""

    def extract(self, bench: Bench, system: SystemName) -> list[dict[str, Any]]:
        if not bench.settings.prices.synced:
            return _unread(bench, system)
        access = bench.access(system)
        read = _read_online if system == "commercetools" else _read_till
        return [one.as_dict() for one in asyncio.run(read(bench, access))]

    def transform(self, bench: Bench, feeds: Feeds) -> list[dict[str, Any]]:
        if not bench.settings.prices.synced:
            stage_nothing(bench.staging)
            return [{"table": "none, because no list has an owner", "rows read": 0, "records": 0}]
        access = bench.access(*SYSTEMS)

        async def mapped() -> list[Transformed]:
            async with _open(bench, access) as (online, till):
                pages = {name: int(feeds[name]["pages"]) for name in FEEDS}
                return await asyncio.to_thread(transform, bench.staging, online, till, pages)

        return [
            {"table": one.table, "rows read": one.raw_rows, "records": one.rows, "came twice": one.repeated}
            for one in asyncio.run(mapped())
        ]

    def plan(self, bench: Bench, feeds: Feeds) -> PlannedRun:
        if bench.ledger.baseline(PRODUCTS) is None and not bench.order.dry_run:
            raise ConfigurationFault(
                "Products have had no first alignment, so no article is linked to anything that could have a price.",
                remedy="Run the DAG `products` with mode=full first.",
            )
        decided = decide_by_hand(
            bench.ledger,
            approved=bench.order.approve,
            rejected=bench.order.reject,
            by=bench.asked_by,
            run_id=bench.run_id,
        )
        found = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            bench.settings,
            staged_terms(bench.staging),
            now=datetime.now(UTC),
            dry_run=bench.order.dry_run,
            direction=bench.order.direction,
            keys=bench.order.keys,
            full=bench.order.full,
        )
        summary = found.as_dict()
        holds, shows = summary.pop("first_holds"), summary.pop("shows")
        lines = [f"Every article was looked at: {found.why_all}."] if found.why_all else []
        if not bench.settings.prices.synced:
            lines = ["No list in `prices.lists` has an owner, so there is nothing to do."]
        lines += [
            f"List {name}: the online price of {count} articles was never read for it. Run with mode=full."
            for name, count in found.unread.items()
        ]
        lines += found.rates_differ
        lines += _decisions(decided)
        lines += telling.first_changes(
            ["SKU", "list", "in", "shows", "will show", "because"], shows, sum(found.changes.values())
        )
        return PlannedRun(summary, holds, lines)

    def load(self, bench: Bench, batch: int, feeds: Feeds) -> dict[str, int]:
        access = bench.access(*SYSTEMS)

        async def applied() -> dict[str, int]:
            async with _open(bench, access, writing=True) as (online, till):
                done = await applying.apply_batch(
                    WritingBench(bench.ledger, online, till, bench.settings, bench.run_id),
                    batch,
                    seen={feed: seen_until(bench, ENTITY, feeds, feed) for feed in (ARTICLES, ENTRIES)},
                )
                return done.outcomes

        return asyncio.run(applied())

    def audit(self, bench: Bench, feeds: Feeds) -> None:
        document = bench.staging.read_document("plan")
        cursors = {feed: feeds[feed]["cursor"] for feed in FEEDS}
        auditing.audit(
            bench.ledger,
            bench.staging,
            bench.settings,
            cursors={**cursors, CATALOGUE: document["now"]},
            dry_run=bench.order.dry_run,
            full=bench.order.full,
            limited=bench.order.limited,
            entity=ENTITY,
            place_of=_list_of,
        )


def _list_of(change: ChangeRow) -> str | None:
    return list_of(change)


def _decisions(decided: Sequence[Decision]) -> list[str]:
    """What a person decided with this run, without names of articles or people."""
    if not decided:
        return []
    approved = sum(one.verdict == "approve" for one in decided)
    return [f"Decided by hand: {approved} prices approved, {len(decided) - approved} rejected."]


# ---------------------------------------------------------------- reading


def _unread(bench: Bench, system: SystemName) -> list[dict[str, Any]]:
    """Nothing is read where no list has an owner; the cursors stay where they are."""
    names = (ONLINE, STANDALONE) if system == "commercetools" else (ARTICLES, ENTRIES)
    return [unread(bench, name).as_dict() for name in names]


async def _read_online(bench: Bench, access: Access) -> list[Extracted]:
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_online_prices(sink) as online:
            await online.prepare()
            await asyncio.to_thread(stage_terms, bench.staging, ONLINE, online.terms)
            keys = spellings(bench.ledger, bench.settings.products, bench.order.keys) or None
            products = await _feed(bench, online.products, ONLINE, keys)
            # Without standalone prices their feed is not walked; its cursor stays where it is.
            reads = bench.settings.prices.standalone
            standalone = await read_feed(bench, ENTITY, online.standalone, STANDALONE, keys if reads else ())
            return [products, standalone]


async def _read_till(bench: Bench, access: Access) -> list[Extracted]:
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_till_prices(sink) as till:
            await till.prepare()
            await asyncio.to_thread(stage_terms, bench.staging, ARTICLES, till.terms)
            keys = bench.order.keys
            articles = _articles_of(bench, keys) if keys else None
            found = await _feed(bench, till.articles, ARTICLES, articles)
            lines = await _feed(bench, till.entries, ENTRIES, articles)
            return [found, lines]


def _articles_of(bench: Bench, skus: Sequence[str]) -> list[str]:
    """Till ids of the articles that bear these SKUs, at the till or online."""
    mirror = bench.ledger.mirror
    skus = spellings(bench.ledger, bench.settings.products, skus)
    till = mirror.cells(PRODUCTS, "variant", "lightspeed", labels=skus)
    online = mirror.cells(PRODUCTS, "variant", "commercetools", labels=skus)
    linked = bench.ledger.links.pairs(PRODUCTS, "variant", commercetools_ids=set(online["id"]))
    return sorted(set(till.loc[till["deleted_at"].isna(), "id"]) | set(linked["lightspeed_id"]))


async def _feed(bench: Bench, feed: Askable, name: str, keys: Sequence[str] | None) -> Extracted:
    return await read_feed(bench, ENTITY, feed, name, keys, Asking(feed, KEPT[name]))


@asynccontextmanager
async def _open(
    bench: Bench, access: Access, *, writing: bool = False
) -> AsyncIterator[tuple[OnlinePrices, TillPrices]]:
    with bench.ledger.exchange_sink(bench.run_id, bench.task) as sink:
        async with access.open_online_prices(sink) as online, access.open_till_prices(sink) as till:
            await online.prepare(writing=writing)
            await till.prepare(writing=writing)
            yield online, till
