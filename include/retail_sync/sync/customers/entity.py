"""The steps of customers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.ports.connector import require
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers import feeds as reading
from retail_sync.sync.customers import prepare as preparing
from retail_sync.sync.customers.apply import CustomerWriter
from retail_sync.sync.customers.feeds import Door
from retail_sync.sync.customers.ruling import decide_by_hand, forgotten_of, keys_of
from retail_sync.sync.customers.world import Terms
from retail_sync.sync.engine.absence import Asking, Kept
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
from retail_sync.sync.engine.transform import Transformed

DIGESTS = "customers"
"""The name of the key in the ledger that private fields are digested with."""


def seal_of(ledger: Ledger, settings: SyncSettings, secret_key: str) -> Seal:
    """What private fields are sealed with. `secret_key`: what the ledger keeps secrets under."""
    return Seal(ledger.secret(secret_key, DIGESTS), settings.customers.hash)


class Customers:
    """See `retail_sync.sync.engine.entity.Entity`."""

    spec = EntitySpec(ENTITY, feeds=SYSTEMS)

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        if not run.settings.customers.synced:
            preparing.stage_terms(run.staging, system, Terms(frozenset(), frozenset()))
            return [unread(run, system)]
        access = run.access(system)

        async def read() -> Extracted:
            async with doors(run, access) as opened:
                door = opened[system]
                await asyncio.to_thread(preparing.stage_terms, run.staging, system, Terms.of(door.adapter))
                keys = _keys(run, system) if run.request.keys else None
                asking = Asking(door, Kept(ENTITY, KIND, system, named=True))
                return await read_feed(run, ENTITY, door, system, keys, asking)

        return [asyncio.run(read())]

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        return [reading.transform(run.staging, system, int(feeds[system]["pages"])) for system in SYSTEMS]

    def plan(self, run: RunContext) -> EntityPlan:
        decided = decide_by_hand(
            run.ledger,
            run.staging,
            approved=run.request.approve,
            rejected=run.request.reject,
            by=run.triggered_by,
        )
        seal = seal_of(run.ledger, run.settings, run.secret_key()) if run.settings.customers.synced else None
        return preparing.prepare(run, seal, decided)

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        access = run.access(*SYSTEMS)

        async def applied() -> dict[str, int]:
            async with doors(run, access, writing=True) as opened:
                read_until: dict[str, str | None] = {
                    system: seen_until(run, ENTITY, feeds, system) for system in SYSTEMS
                }
                online, till = opened["commercetools"], opened["lightspeed"]
                return await apply_batch(
                    run, batch, CustomerWriter(WriteContext(run, online, till, read_until))
                )

        return asyncio.run(applied())

    def settling(self, run: RunContext) -> Settling:
        return Settling()


@asynccontextmanager
async def doors(
    run: RunContext, access: Access, *, writing: bool = False
) -> AsyncIterator[dict[SystemName, Door]]:
    """The doors to all systems in `access`; what they read is sealed, what they exchange is logged under this task."""
    seal = await asyncio.to_thread(seal_of, run.ledger, run.settings, run.secret_key())
    decisions = await asyncio.to_thread(run.ledger.decisions.latest, ENTITY)
    forgotten = forgotten_of(decisions) - {
        f"{s}:{key}" for s in SYSTEMS for key in keys_of(run.request.approve)
    }
    async with AsyncExitStack() as stack:
        opened: dict[SystemName, Door] = {}
        for system in access.systems:
            connector = await stack.enter_async_context(access.connector(system))
            adapter = require(connector.customers, "customers", system)
            await adapter.prepare(writing=writing)
            opened[system] = Door(adapter, seal, run.settings.customers.default_country, forgotten)
        yield opened


def _keys(run: RunContext, system: SystemName) -> Sequence[str]:
    """The run's keys, and the partners of whom they name."""
    keys = keys_of(run.request.keys)
    found = set(keys)
    for side in SYSTEMS:
        known = run.ledger.mirror.cells(ENTITY, KIND, side, labels=keys)
        ids = {*known["id"], *keys}
        links = (
            run.ledger.links.read(ENTITY, KIND, commercetools_ids=ids)
            if side == "commercetools"
            else run.ledger.links.read(ENTITY, KIND, lightspeed_ids=ids)
        )
        found |= {
            link.commercetools_id if system == "commercetools" else link.lightspeed_id for link in links
        }
    return sorted(found)
