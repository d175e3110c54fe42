"""What moves at the till while a run writes: taken in, so that nothing is written over it unseen. Online prices need no
watching: every write names the version it was planned on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from retail_sync.ledger.rows import ChangeRow
from retail_sync.sync.engine.frames import cells
from retail_sync.sync.prices import mirror as mirroring
from retail_sync.sync.prices.bench import Bench
from retail_sync.sync.prices.feeds import ARTICLES, ENTRIES
from retail_sync.sync.prices.mirror import ARTICLE, ENTRY
from retail_sync.sync.prices.rereading import article_of, replanned
from retail_sync.sync.prices.writing import groups_of

LOOKED = "looked"
"""Checkpoint of where the last look ended; kept for the whole run: no batch reads what another one has read."""


async def fresh(
    bench: Bench, changes: Sequence[ChangeRow], seen: Mapping[str, str | None]
) -> list[ChangeRow]:
    """The changes as they are to be sent now."""
    moved = await _look(bench, seen)
    begun = [change for change in changes if change.attempt > 0]
    for group in groups_of(begun):
        await group.look(bench, group.changes)
    stale = [change for change in changes if change.attempt > 0 or article_of(change) in moved]
    if not stale:
        return list(changes)
    left = {change.id for change in stale}
    again = await asyncio.to_thread(replanned, bench, stale)
    return [*(change for change in changes if change.id not in left), *again]


async def _look(bench: Bench, seen: Mapping[str, str | None]) -> set[str]:
    """Take in what moved since the last look; till ids of the articles concerned."""
    ledger = bench.ledger
    kept = await asyncio.to_thread(ledger.checkpoints.get, bench.run_id, LOOKED) or {}
    moved: set[str] = set()
    reached: dict[str, str | None] = {}
    for feed, kind, read, mapped, name in (
        (ARTICLES, ARTICLE, bench.till.articles_since, bench.till.to_articles, "id"),
        (ENTRIES, ENTRY, bench.till.entries_since, bench.till.to_entries, "product_id"),
    ):
        cursor = kept.get(feed) or seen.get(feed)
        if cursor is not None:
            page = await read(cursor)
            if page.rows:
                table = mapped(page.rows)
                counts = await asyncio.to_thread(mirroring.see, ledger, bench.run_id, kind, table)
                # What only shows our own writes of before is no news.
                if counts.new or counts.changed:
                    moved |= set(cells(table[name]))
            cursor = page.cursor or cursor
        reached[feed] = cursor
    await asyncio.to_thread(ledger.checkpoints.set, bench.run_id, LOOKED, reached)
    return moved
