"""Write stock to the till, at locations it does not count: signed differences from a level read a moment ago.

Never an absolute figure: a sale between reading and writing would be undone. The difference, and the version of the
level it was computed from, are stored before it is sent; after an answer that never came the till is asked for the
adjustments since that version, and only what it does not show is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import RecordRejected, SyncError, UnknownOutcome
from retail_sync.records.ports.inventory import Adjustment
from retail_sync.records.rows import read_apart
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.inventory.bench import Bench
from retail_sync.sync.inventory.ownership import require_foreign_outlets, require_ownership

MOST = 500
"""Adjustments in one request; the API takes a thousand."""


async def apply_adjustments(bench: Bench, changes: Sequence[ChangeRow]) -> None:
    """Bring these changes of levels to an end. Raises UnknownOutcome where an answer did not come and the till does
    not show what became of it yet."""
    require_ownership(changes, bench.settings)
    require_foreign_outlets(changes, [place.outlet_id for place in bench.layout.foreign])
    await _look_up(bench, [change for change in changes if change.attempt > 0 and "adjust" in change.after])
    for start in range(0, len(changes), MOST):
        await _send(bench, changes[start : start + MOST])


async def _look_up(bench: Bench, begun: Sequence[ChangeRow]) -> None:
    """Differences that were sent before: those that the till shows are settled."""
    if not begun:
        return
    since = min(int(change.after.get("seen_version") or 0) for change in begun)
    shown = await bench.till.adjusted_since(since)
    free = {
        (row["product_id"], row["outlet_id"], row["quantity"], row["version"]): str(row["id"])
        for row in rows(shown)
    }
    settled: list[ChangeOutcome] = []
    for change in begun:
        product, outlet = str(change.target_id).rsplit("@", 1)
        wanted = int(change.after["adjust"])
        seen = int(change.after.get("seen_version") or 0)
        found = next((key for key in free if key[:3] == (product, outlet, wanted) and key[3] > seen), None)
        if found is not None:
            settled.append(
                ChangeOutcome(change_id=change.id, outcome="already_there", result_id=free.pop(found))
            )
    await asyncio.to_thread(bench.ledger.changes.settle, settled)


async def _send(bench: Bench, changes: Sequence[ChangeRow]) -> None:
    """One request: fresh levels, differences from them, intent, request, outcome."""
    levels = await _fresh_levels(bench, [str(change.source_id) for change in changes])
    intended: list[ChangeRow] = []
    settled: list[ChangeOutcome] = []
    for change in changes:
        found = levels.get(str(change.target_id))
        if found is None:
            settled.append(_unknown(change))
            continue
        level, version = found
        difference = int(change.after["level"]) - level
        if difference == 0:
            settled.append(
                ChangeOutcome(change_id=change.id, outcome="already_there", result_version=version)
            )
            continue
        after = {"level": int(change.after["level"]), "adjust": difference, "seen_version": version}
        intended.append(replace(change, before={"level": level}, after=after, target_version=version))
    ledger = bench.ledger
    await asyncio.to_thread(ledger.changes.settle, settled)
    await asyncio.to_thread(ledger.changes.revise, intended)
    begun = await asyncio.to_thread(ledger.changes.begin, [change.id for change in intended])
    todo = [change for change in intended if change.id in begun]
    if todo:
        await _sent(bench, todo)


async def _sent(bench: Bench, todo: Sequence[ChangeRow]) -> None:
    adjustments = [_adjustment(change) for change in todo]
    try:
        done = await bench.till.adjust(adjustments)
    except UnknownOutcome as problem:
        await _look_up(bench, [replace(change, attempt=1) for change in todo])
        missing = [
            change
            for change in await asyncio.to_thread(bench.ledger.changes.get, [one.id for one in todo])
            if change.outcome == "planned"
        ]
        if missing:
            raise problem
        return
    except RecordRejected as problem:
        await _isolated(bench, todo, problem)
        return
    await asyncio.to_thread(
        bench.ledger.changes.settle,
        [
            ChangeOutcome(
                change_id=change.id,
                outcome="applied",
                exchange_ids=[done.exchange_id],
                result_id=done.ids.get(change.id),
            )
            for change in todo
        ],
    )


def _adjustment(change: ChangeRow) -> Adjustment:
    product, outlet = str(change.target_id).rsplit("@", 1)
    return Adjustment(change.id, product, outlet, int(change.after["adjust"]))


async def _isolated(bench: Bench, todo: Sequence[ChangeRow], problem: SyncError) -> None:
    """A request is taken as a whole or not at all: halves find the one that is refused."""
    if len(todo) == 1:
        await asyncio.to_thread(bench.ledger.changes.settle, [outcomes.failed(todo[0], problem)])
        return
    middle = len(todo) // 2
    await _send(bench, todo[:middle])
    await _send(bench, todo[middle:])


async def _fresh_levels(bench: Bench, products: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Level and version by `product@outlet`, read now and taken in."""
    found: list[Any] = []
    async for page in bench.till.levels.search(list(dict.fromkeys(products))):
        found.extend(page.rows)
    table, _ = read_apart(found, bench.till.to_levels)
    await asyncio.to_thread(bench.ledger.stock.see_levels, bench.run_id, table)
    live = table[table["level"].notna() & table["deleted_at"].isna()]
    return {
        f"{product}@{outlet}": (int(level), 0 if pd.isna(version) else int(version))
        for product, outlet, level, version in zip(
            live["product_id"], live["outlet_id"], live["level"], live["version"], strict=True
        )
    }


def _unknown(change: ChangeRow) -> ChangeOutcome:
    return ChangeOutcome(
        change_id=change.id,
        outcome="failed",
        error_code="level_unknown",
        error="The till shows no level to adjust.",
        remedy="Look at the article at the till; it is tried again by itself.",
    )
