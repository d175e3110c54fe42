"""The steps of customers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.engines.base import Feeds, PlannedRun, read_feed, seen_until, settle_run, unread
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.pipeline.runtime.secrets import token_key
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers import apply as applying
from retail_sync.sync.customers import feeds as reading
from retail_sync.sync.customers import prepare as preparing
from retail_sync.sync.customers.bench import Bench as WritingBench
from retail_sync.sync.customers.bench import terms_of
from retail_sync.sync.customers.feeds import Door
from retail_sync.sync.customers.ruling import decide_by_hand, forgotten_of, keys_of
from retail_sync.sync.customers.world import Terms
from retail_sync.sync.engine.absence import Asking, Kept
from retail_sync.sync.engine.extract import Extracted

DIGESTS = "customers"
"""The name of the key in the ledger that private fields are digested with."""


def seal_of(ledger: Ledger, settings: SyncSettings) -> Seal:
    """What private fields are sealed with."""
    return Seal(ledger.secret(token_key(), DIGESTS), settings.customers.hash)


class CustomerEngine:
    """See `retail_sync.pipeline.engines.base.Engine`."""

    def extract(self, bench: Bench, system: SystemName) -> list[dict[str, Any]]:
        if not bench.settings.customers.synced:
            preparing.stage_terms(bench.staging, system, Terms(frozenset(), frozenset()))
            return [unread(bench, system).as_dict()]
        access = bench.access(system)

        async def read() -> Extracted:
            async with doors(bench, access) as opened:
                door = opened[system]
                await asyncio.to_thread(
                    preparing.stage_terms, bench.staging, system, terms_of(opened)[system]
                )
                keys = _keys(bench, system) if bench.order.keys else None
                asking = Asking(door, Kept(ENTITY, KIND, system, named=True))
                return await read_feed(bench, ENTITY, door, system, keys, asking)

        return [asyncio.run(read()).as_dict()]

    def transform(self, bench: Bench, feeds: Feeds) -> list[dict[str, Any]]:
        found = [reading.transform(bench.staging, system, int(feeds[system]["pages"])) for system in SYSTEMS]
        return [
            {
                "system": one.system,
                "rows read": one.raw_rows,
                "customers": one.rows,
                "came twice": one.repeated,
            }
            for one in found
        ]

    def plan(self, bench: Bench, feeds: Feeds) -> PlannedRun:
        synced = bench.settings.customers.synced
        decided = decide_by_hand(
            bench.ledger,
            bench.staging,
            approved=bench.order.approve,
            rejected=bench.order.reject,
            by=bench.asked_by,
        )
        found = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            bench.settings,
            now=datetime.now(UTC),
            dry_run=bench.order.dry_run,
            direction=bench.order.direction,
            limited=bench.order.limited,
            seal=seal_of(bench.ledger, bench.settings) if synced else None,
            full=bench.order.full and synced,
        )
        summary = found.as_dict()
        holds, shows = summary.pop("first_holds"), summary.pop("shows")
        lines = [f"Everybody was looked at: {found.why_all}."] if found.why_all else []
        if not synced:
            lines = ["No field in `customers.fields` has an owner, so there is nothing to do."]
        if decided:
            lines.append(f"Decided by hand: {len(decided)} questions of who is who.")
        lines += telling.first_changes(
            ["customer", "in", "what", "fields", "because"], shows, sum(found.changes.values())
        )
        return PlannedRun(summary, holds, lines)

    def load(self, bench: Bench, batch: int, feeds: Feeds) -> dict[str, int]:
        access = bench.access(*SYSTEMS)

        async def applied() -> dict[str, int]:
            async with doors(bench, access, writing=True) as opened:
                done = await applying.apply_batch(
                    WritingBench(bench.ledger, opened, bench.settings, bench.run_id),
                    batch,
                    seen={system: seen_until(bench, ENTITY, feeds, system) for system in SYSTEMS},
                )
                return done.outcomes

        return asyncio.run(applied())

    def audit(self, bench: Bench, feeds: Feeds) -> None:
        settle_run(bench, ENTITY, feeds, SYSTEMS)


@asynccontextmanager
async def doors(
    bench: Bench, access: Access, *, writing: bool = False
) -> AsyncIterator[dict[SystemName, Door]]:
    """The doors to all systems in `access`; what they read is sealed, what they exchange is logged under this task."""
    seal = await asyncio.to_thread(seal_of, bench.ledger, bench.settings)
    decisions = await asyncio.to_thread(bench.ledger.decisions.latest, ENTITY)
    forgotten = forgotten_of(decisions) - {
        f"{s}:{key}" for s in SYSTEMS for key in keys_of(bench.order.approve)
    }
    async with AsyncExitStack() as stack:
        sink = stack.enter_context(bench.ledger.exchange_sink(bench.run_id, bench.task))
        opened: dict[SystemName, Door] = {}
        for system in access.connections:
            adapter = await stack.enter_async_context(access.open_customers(system, sink))
            await adapter.prepare(writing=writing)
            opened[system] = Door(adapter, seal, bench.settings.customers.default_country, forgotten)
        yield opened


def _keys(bench: Bench, system: SystemName) -> Sequence[str]:
    """The run's keys, and the partners of whom they name."""
    keys = keys_of(bench.order.keys)
    found = set(keys)
    for side in SYSTEMS:
        known = bench.ledger.mirror.cells(ENTITY, KIND, side, labels=keys)
        ids = {*known["id"], *keys}
        links = (
            bench.ledger.links.read(ENTITY, KIND, commercetools_ids=ids)
            if side == "commercetools"
            else bench.ledger.links.read(ENTITY, KIND, lightspeed_ids=ids)
        )
        found |= {
            link.commercetools_id if system == "commercetools" else link.lightspeed_id for link in links
        }
    return sorted(found)
