"""The steps of products."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from retail_sync.pipeline.engines.base import Feeds, PlannedRun, seen_until
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.sync.engine import apply as batches
from retail_sync.sync.engine import extract as extracting
from retail_sync.sync.engine import settle as auditing
from retail_sync.sync.engine.skus import spellings
from retail_sync.sync.products import apply as applying
from retail_sync.sync.products import prepare as preparing
from retail_sync.sync.products.feeds import extract
from retail_sync.sync.products.mirror import ENTITY


class ProductEngine:
    """See `retail_sync.pipeline.engines.base.Engine`."""

    def extract(self, bench: Bench, system: SystemName) -> list[dict[str, Any]]:
        access = bench.access(system)

        async def read() -> extracting.Extracted:
            async with bench.systems(access) as systems:
                return await extract(
                    bench.ledger,
                    bench.staging,
                    systems[system],
                    full=bench.order.full,
                    since=bench.order.since,
                    keys=spellings(bench.ledger, bench.settings.products, bench.order.keys),
                )

        return [asyncio.run(read()).as_dict()]

    def transform(self, bench: Bench, feeds: Feeds) -> list[dict[str, Any]]:
        access = bench.access(*SYSTEMS)

        async def mapped() -> list[preparing.Transformed]:
            async with bench.systems(access) as systems:
                return [
                    await asyncio.to_thread(
                        preparing.transform, bench.staging, systems[system], feeds[system]["pages"]
                    )
                    for system in SYSTEMS
                ]

        return [
            {
                "system": one.system,
                "rows read": one.raw_rows,
                "products": one.products,
                "variants": one.variants,
                "came twice": one.repeated,
            }
            for one in asyncio.run(mapped())
        ]

    def plan(self, bench: Bench, feeds: Feeds) -> PlannedRun:
        summary = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            bench.settings,
            now=datetime.now(UTC),
            dry_run=bench.order.dry_run,
            direction=bench.order.direction,
            limited=bench.order.limited,
        ).as_dict()
        return PlannedRun(summary, summary.pop("first_holds"))

    def load(self, bench: Bench, batch: int, feeds: Feeds) -> dict[str, int]:
        open_changes = bench.ledger.changes.read(bench.run_id, batch=batch, outcome="planned")
        targets = {change.system for change in open_changes}
        access = bench.access(*(system for system in SYSTEMS if system in targets))

        async def applied() -> batches.Applied:
            async with bench.systems(access) as systems:
                return await applying.apply_batch(
                    bench.ledger,
                    systems,
                    bench.settings,
                    bench.run_id,
                    batch,
                    seen_cursors={system: seen_until(bench, ENTITY, feeds, system) for system in targets},
                )

        return asyncio.run(applied()).outcomes

    def audit(self, bench: Bench, feeds: Feeds) -> None:
        auditing.audit(
            bench.ledger,
            bench.staging,
            bench.settings,
            cursors={system: feeds[system]["cursor"] for system in SYSTEMS},
            dry_run=bench.order.dry_run,
            full=bench.order.full,
            limited=bench.order.limited,
            entity=ENTITY,
        )
