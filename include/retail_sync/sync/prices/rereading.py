"""Read single articles again, and plan them anew from what the ledger holds then."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from retail_sync.ledger.rows import ChangeRow, MirrorRow
from retail_sync.records.ports.products import Asked
from retail_sync.records.rows import read_apart, readable
from retail_sync.sync.engine.apply import planned_again
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.prices import mirror as mirroring
from retail_sync.sync.prices.bench import Bench
from retail_sync.sync.prices.cases import Case, cases_of
from retail_sync.sync.prices.feeds import ENTITY
from retail_sync.sync.prices.loading import load_given
from retail_sync.sync.prices.mirror import ARTICLE, ENTRY, PLACES, VARIANT
from retail_sync.sync.prices.planner import change_row, plan_prices


async def read_products(bench: Bench, product_ids: Collection[str]) -> None:
    """Online products as they are now. What the answer does not show of them is asked for under its own address."""
    wanted = sorted(set(product_ids))
    rows: list[Any] = []
    async for page in bench.online.fetch(wanted):
        rows.extend(page.rows)
    known = await asyncio.to_thread(
        bench.ledger.mirror.live_ids, ENTITY, VARIANT, PLACES[VARIANT], parents=wanted
    )
    feed = bench.online.products
    missing = known - {one.id for one in feed.records_in(readable(rows))}
    asked = await feed.ask_each(sorted(missing)) if missing else Asked([], [])

    def taken() -> None:
        table, _ = read_apart([*rows, *asked.rows], bench.online.to_variants)
        mirroring.see(bench.ledger, bench.run_id, VARIANT, table)
        lost = mirroring.read(bench.ledger, VARIANT, ids=asked.gone)
        mirroring.bury(bench.ledger, bench.run_id, VARIANT, lost, bench.ledger.now())

    await asyncio.to_thread(taken)


def take_products(bench: Bench, rows: Sequence[Mapping[str, Any]]) -> None:
    """Online products as a write answered them, whole."""
    table, _ = read_apart(rows, bench.online.to_variants)
    mirroring.see(bench.ledger, bench.run_id, VARIANT, table)
    lost = mirroring.absent_variants(bench.ledger, table)
    mirroring.bury(bench.ledger, bench.run_id, VARIANT, lost, bench.ledger.now())


async def read_articles(bench: Bench, article_ids: Collection[str]) -> None:
    """Articles at the till as they are now. One that is gone is told of by the feed, not by its absence."""
    rows: list[Any] = []
    async for page in bench.till.articles.search(sorted(set(article_ids))):
        rows.extend(page.rows)
    table, _ = read_apart(rows, bench.till.to_articles)
    await asyncio.to_thread(mirroring.see, bench.ledger, bench.run_id, ARTICLE, table)


async def read_entries(bench: Bench, article_ids: Collection[str]) -> list[MirrorRow]:
    """The lines of these articles in all books of lists, as they are now. Where a known line is not among them, its
    article is asked for alone; a line that is not there either is gone."""
    wanted = sorted(set(article_ids))
    rows: list[Any] = []
    async for page in bench.till.entries_of(wanted):
        rows.extend(page.rows)
    known = await asyncio.to_thread(mirroring.read, bench.ledger, ENTRY, parents=wanted)
    missing = mirroring.unread_entries(known, [str(row.get("id")) for row in rows], wanted)
    if missing:
        rows += (await bench.till.entries.ask_each(sorted({str(row.parent_id) for row in missing}))).rows

    def taken() -> list[MirrorRow]:
        table, bad = read_apart(rows, bench.till.to_entries)
        table = table[~table["id"].duplicated(keep="last")].reset_index(drop=True)
        found = mirroring.to_rows(ENTRY, table)
        mirroring.see(bench.ledger, bench.run_id, ENTRY, table)
        # What can't be read is there. Where a row does not even say which line it is, none is known to be gone.
        shown = {*(row.id for row in found), *(one.id for one in bad)}
        lost = mirroring.unread_entries(known, shown, wanted) if "" not in shown else []
        mirroring.bury(bench.ledger, bench.run_id, ENTRY, lost, bench.ledger.now())
        return found

    return await asyncio.to_thread(taken)


def replanned(bench: Bench, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
    """What is left to do of these changes, as today's ledger wants them (see `planned_again`)."""
    articles = {article_of(change) for change in changes}
    if not articles:
        return []
    given = load_given(bench.ledger, bench.settings, bench.terms, datetime.now(UTC), articles)
    plan = plan_prices(given)
    made = {one.unit: change_row(one, bench.run_id, "planned", 0) for one in plan.changes}
    held: dict[tuple[str, str], Finding] = {(finding.id, finding.field): finding for finding in plan.holds}
    return planned_again(
        bench.ledger,
        changes,
        lambda change: made.get(change.unit),
        lambda change: held.get((article_of(change), list_of(change))),
    )


def cases_now(bench: Bench, changes: Sequence[ChangeRow]) -> dict[str, Case]:
    """What stands on both sides of these changes now, by their units; without those of which a side is gone."""
    articles = {article_of(change) for change in changes}
    given = load_given(bench.ledger, bench.settings, bench.terms, datetime.now(UTC), articles)
    found = {(case.one.name, case.article.id): case for case in cases_of(given)}
    return {
        change.unit: case
        for change in changes
        if (case := found.get((list_of(change), article_of(change)))) is not None
    }


def article_of(change: ChangeRow) -> str:
    """The till's id of the article that a change is of."""
    return change.subject.split(":", 1)[1]


def list_of(change: ChangeRow) -> str:
    """The list that a change is of."""
    return str(change.after["list"])
