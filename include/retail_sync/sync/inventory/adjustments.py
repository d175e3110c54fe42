"""How stock is written to the till, at locations it does not count: signed differences from a level read a moment ago.

Never an absolute figure: a sale between reading and writing would be undone. The difference, and the version of the
level it was computed from, are stored before it is sent; after an answer that never came the till is asked for the
adjustments since that version, and only what it does not show is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import RecordRejected, SyncError
from retail_sync.records.ports.inventory import Adjustment
from retail_sync.records.refs import LevelKey
from retail_sync.records.rows import read_apart
from retail_sync.sync.engine.apply import BatchWriter, Result, Unit
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.inventory.apply import StockContext
from retail_sync.sync.inventory.ownership import require_foreign_outlets, require_ownership

MOST = 500
"""Adjustments in one request; the API takes a thousand."""

Adjustments = Mapping[str, str | None]
"""Ids of adjustments at the till, by change."""


class LevelWriter(BatchWriter[Adjustments]):
    """Writes inventory levels. A request is taken as a whole or not at all."""

    portion_size = 1
    target = "level"
    reread_on = ()

    def __init__(self, context: StockContext) -> None:
        super().__init__(context)
        self.context = context

    def writes(self, change: ChangeRow) -> bool:
        return change.system == "lightspeed"

    def units(self, changes: Sequence[ChangeRow]) -> list[Unit]:
        return [Unit(changes[start : start + MOST]) for start in range(0, len(changes), MOST)]

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        require_ownership(changes, self.settings)
        require_foreign_outlets(changes, [place.outlet_id for place in self.context.layout.foreign])

    async def own_write(self, unit: Unit, problem: SyncError | None) -> Result[Adjustments] | None:
        sent = [c for c in unit.changes if "adjust" in c.after and (problem is not None or c.attempt > 0)]
        shown = await self._shown(sent)
        if len(shown) == len(unit.changes):
            return unit.result(shown, already_there=True)
        found = [change for change in unit.changes if change.id in shown]
        unit.changes = [change for change in unit.changes if change.id not in shown]
        await asyncio.to_thread(self.record, [Result(found, shown, unit.exchange_ids, already_there=True)])
        return None

    async def _shown(self, sent: Sequence[ChangeRow]) -> dict[str, str | None]:
        """The adjustments that the till shows of differences that were sent before, by change."""
        if not sent:
            return {}
        since = min(int(change.after.get("seen_version") or 0) for change in sent)
        free = {
            (row["product_id"], row["outlet_id"], row["quantity"], row["version"]): str(row["id"])
            for row in rows(await self.context.till.adjusted_since(since))
        }
        shown: dict[str, str | None] = {}
        for change in sent:
            wanted = (*_level_of(change), int(change.after["adjust"]))
            seen = int(change.after.get("seen_version") or 0)
            found = next((key for key in free if key[:3] == wanted and key[3] > seen), None)
            if found is not None:
                shown[change.id] = free.pop(found)
        return shown

    async def send(self, unit: Unit) -> Result[Adjustments] | None:
        """Fresh levels, differences from them, intent, request."""
        unit.changes = await self._intended(unit.changes)
        if not unit.changes:
            return None
        adjustments = [
            Adjustment(change.id, *_level_of(change), int(change.after["adjust"])) for change in unit.changes
        ]
        done = await self.context.till.adjust(adjustments)
        return unit.result(done.ids, [done.exchange_id])

    async def _intended(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """The changes with the differences that are to be sent, stored; those with nothing to send are settled."""
        levels = await self._fresh_levels([str(change.source_id) for change in changes])
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
        await asyncio.to_thread(self.ledger.changes.settle, settled)
        await asyncio.to_thread(self.ledger.changes.revise, intended)
        return intended

    async def _fresh_levels(self, products: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Level and version by `product@outlet`, read now and taken in."""
        found: list[Any] = []
        async for page in self.context.till.levels.search(list(dict.fromkeys(products))):
            found.extend(page.rows)
        table, _ = read_apart(found, self.context.till.to_levels)
        await asyncio.to_thread(self.ledger.stock.see_levels, self.context.run_id, table)
        live = table[table["level"].notna() & table["deleted_at"].isna()]
        return {
            str(LevelKey(product, outlet)): (int(level), 0 if pd.isna(version) else int(version))
            for product, outlet, level, version in zip(
                live["product_id"], live["outlet_id"], live["level"], live["version"], strict=True
            )
        }

    async def refused(self, unit: Unit, problem: RecordRejected) -> Sequence[Unit]:
        """Halves find the one that is refused."""
        if len(unit.changes) == 1:
            return await super().refused(unit, problem)
        middle = len(unit.changes) // 2
        return [Unit(unit.changes[:middle]), Unit(unit.changes[middle:])]

    def record(self, results: list[Result[Adjustments]]) -> None:
        self.ledger.changes.settle(
            [
                result.outcome(change, result.answer.get(change.id))
                for result in results
                for change in result.changes
            ]
        )


def _level_of(change: ChangeRow) -> tuple[str, str]:
    """Product and outlet of the level a change adjusts."""
    level = LevelKey.parse(str(change.target_id))
    return level.product_id, level.outlet_id


def _unknown(change: ChangeRow) -> ChangeOutcome:
    return ChangeOutcome(
        change_id=change.id,
        outcome="failed",
        error_code="level_unknown",
        error="The till shows no level to adjust.",
        remedy="Look at the article at the till; it is tried again by itself.",
    )
