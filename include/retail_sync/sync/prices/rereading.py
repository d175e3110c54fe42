"""Take in what moves at the till while a run writes, read single articles again, and plan them anew from what the
ledger holds then. Online prices need no watching: every write names the version it was planned on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from retail_sync.ledger.rows import ChangeRow, MirrorRow
from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.records.ports.products import Asked
from retail_sync.records.rows import read_apart, readable
from retail_sync.sync.engine.apply import planned_again
from retail_sync.sync.engine.context import WriteContext
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.frames import cells
from retail_sync.sync.prices import mirror as mirroring
from retail_sync.sync.prices.cases import Case, cases_of
from retail_sync.sync.prices.feeds import ARTICLES, ENTITY, ENTRIES, Terms
from retail_sync.sync.prices.loading import load_given
from retail_sync.sync.prices.mirror import ARTICLE, ENTRY, PLACES, VARIANT
from retail_sync.sync.prices.planner import change_row, plan_prices

LOOKED = "looked"
"""Checkpoint of where the last look ended; kept for the whole run: no batch reads what another one has read."""

PriceContext = WriteContext[OnlinePrices, TillPrices]


def terms_of(context: PriceContext) -> Terms:
    """What both systems say of themselves now."""
    return Terms(context.online.terms, context.till.terms)


async def take_in(context: PriceContext) -> set[str]:
    """Take in what moved since the last look; till ids of the articles concerned."""
    ledger = context.ledger
    kept = await asyncio.to_thread(ledger.checkpoints.get, context.run_id, LOOKED) or {}
    moved: set[str] = set()
    reached: dict[str, str | None] = {}
    for feed, kind, read, mapped, name in (
        (ARTICLES, ARTICLE, context.till.articles_since, context.till.to_articles, "id"),
        (ENTRIES, ENTRY, context.till.entries_since, context.till.to_entries, "product_id"),
    ):
        cursor = kept.get(feed) or context.read_until.get(feed)
        if cursor is not None:
            page = await read(cursor)
            if page.rows:
                table = mapped(page.rows)
                counts = await asyncio.to_thread(mirroring.see, ledger, context.run_id, kind, table)
                # What only shows our own writes of before is no news.
                if counts.new or counts.changed:
                    moved |= set(cells(table[name]))
            cursor = page.cursor or cursor
        reached[feed] = cursor
    await asyncio.to_thread(ledger.checkpoints.set, context.run_id, LOOKED, reached)
    return moved


async def read_products(context: PriceContext, product_ids: Collection[str]) -> None:
    """Online products as they are now. What the answer does not show of them is asked for under its own address."""
    wanted = sorted(set(product_ids))
    rows: list[Any] = []
    async for page in context.online.fetch(wanted):
        rows.extend(page.rows)
    known = await asyncio.to_thread(
        context.ledger.mirror.live_ids, ENTITY, VARIANT, PLACES[VARIANT], parents=wanted
    )
    feed = context.online.products
    missing = known - {one.id for one in feed.records_in(readable(rows))}
    asked = await feed.ask_each(sorted(missing)) if missing else Asked([], [])

    def taken() -> None:
        table, _ = read_apart([*rows, *asked.rows], context.online.to_variants)
        mirroring.see(context.ledger, context.run_id, VARIANT, table)
        lost = mirroring.read(context.ledger, VARIANT, ids=asked.gone)
        mirroring.bury(context.ledger, context.run_id, VARIANT, lost, context.ledger.now())

    await asyncio.to_thread(taken)


def take_products(context: PriceContext, rows: Sequence[Mapping[str, Any]]) -> None:
    """Online products as a write answered them, whole."""
    table, _ = read_apart(rows, context.online.to_variants)
    mirroring.see(context.ledger, context.run_id, VARIANT, table)
    lost = mirroring.absent_variants(context.ledger, table)
    mirroring.bury(context.ledger, context.run_id, VARIANT, lost, context.ledger.now())


async def read_articles(context: PriceContext, article_ids: Collection[str]) -> None:
    """Articles at the till as they are now. One that is gone is told of by the feed, not by its absence."""
    rows: list[Any] = []
    async for page in context.till.articles.search(sorted(set(article_ids))):
        rows.extend(page.rows)
    table, _ = read_apart(rows, context.till.to_articles)
    await asyncio.to_thread(mirroring.see, context.ledger, context.run_id, ARTICLE, table)


async def read_entries(context: PriceContext, article_ids: Collection[str]) -> list[MirrorRow]:
    """The lines of these articles in all books of lists, as they are now. Where a known line is not among them, its
    article is asked for alone; a line that is not there either is gone."""
    wanted = sorted(set(article_ids))
    rows: list[Any] = []
    async for page in context.till.entries_of(wanted):
        rows.extend(page.rows)
    known = await asyncio.to_thread(mirroring.read, context.ledger, ENTRY, parents=wanted)
    missing = mirroring.unread_entries(known, [str(row.get("id")) for row in rows], wanted)
    if missing:
        rows += (await context.till.entries.ask_each(sorted({str(row.parent_id) for row in missing}))).rows

    def taken() -> list[MirrorRow]:
        table, bad = read_apart(rows, context.till.to_entries)
        table = table[~table["id"].duplicated(keep="last")].reset_index(drop=True)
        found = mirroring.to_rows(ENTRY, table)
        mirroring.see(context.ledger, context.run_id, ENTRY, table)
        # What can't be read is there. Where a row does not even say which line it is, none is known to be gone.
        shown = {*(row.id for row in found), *(one.id for one in bad)}
        lost = mirroring.unread_entries(known, shown, wanted) if "" not in shown else []
        mirroring.bury(context.ledger, context.run_id, ENTRY, lost, context.ledger.now())
        return found

    return await asyncio.to_thread(taken)


def replanned(context: PriceContext, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
    """What is left to do of these changes, as today's ledger wants them (see `planned_again`)."""
    articles = {article_of(change) for change in changes}
    if not articles:
        return []
    given = load_given(context.ledger, context.settings, terms_of(context), context.run.now(), articles)
    plan = plan_prices(given)
    made = {one.unit: change_row(one, context.run_id) for one in plan.changes}
    held: dict[tuple[str, str], Finding] = {(finding.id, finding.field): finding for finding in plan.holds}
    return planned_again(
        context.ledger,
        changes,
        lambda change: made.get(change.unit),
        lambda change: held.get((article_of(change), list_of(change))),
    )


def cases_now(context: PriceContext, changes: Sequence[ChangeRow]) -> dict[str, Case]:
    """What stands on both sides of these changes now, by their units; without those of which a side is gone."""
    articles = {article_of(change) for change in changes}
    given = load_given(context.ledger, context.settings, terms_of(context), context.run.now(), articles)
    found = {(case.one.name, case.article.id): case for case in cases_of(given)}
    return {
        change.unit: case
        for change in changes
        if (case := found.get((list_of(change), article_of(change)))) is not None
    }


def article_of(change: ChangeRow) -> str:
    """The till's id of the article that a change is of."""
    return change.ref.id


def list_of(change: ChangeRow) -> str:
    """The list that a change is of."""
    return str(change.after["list"])
