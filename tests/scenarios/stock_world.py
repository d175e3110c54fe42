"""Stock in both stand-ins over HTTP, a ledger, and whole inventory runs without Airflow."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.ledger.rows import Hold
from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.records.channels import channel_name
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.stockchecks import require_reserved
from retail_sync.sync.engine import settle as auditing
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.extract import Extracted, extract_feed
from retail_sync.sync.engine.settle import Audited
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.inventory import apply as applying
from retail_sync.sync.inventory import prepare as preparing
from retail_sync.sync.inventory.bench import Bench
from retail_sync.sync.inventory.catalogue import products_of_skus
from retail_sync.sync.inventory.change_rows import ALONG
from retail_sync.sync.inventory.explanation import Explanation, explain
from retail_sync.sync.inventory.feeds import ENTITY, ENTRIES, LEVELS, ORDERS, stage_beside, transform
from retail_sync.sync.inventory.layout import Layout, layout_of
from retail_sync.sync.inventory.prepare import StockSummary
from retail_sync.sync.inventory.scope import CATALOGUE
from retail_sync.sync.inventory.unmet import kept
from sandbox.commercetools import CommercetoolsStore
from sandbox.shop import Shop
from tests.leases import writing
from tests.scenarios.world import World, world_of

_numbers = itertools.count(1)
Meanwhile = Callable[[], None]


@dataclass
class StockRun:
    """What an inventory run came to."""

    run_id: str
    plan: StockSummary
    audited: Audited

    @property
    def accounts(self) -> Any:
        return self.audited.accounts


@dataclass
class Meanwhiles:
    """What people do between the steps of a run."""

    after_entries: Meanwhile | None = None
    after_orders: Meanwhile | None = None
    after_levels: Meanwhile | None = None
    after_plan: Meanwhile | None = None


@dataclass
class StockWorld:
    """`world` holds both stand-ins. `settings` may be exchanged between runs, as a person edits the file."""

    world: World
    settings: SyncSettings
    clock_ahead: timedelta = timedelta(0)

    @property
    def online(self) -> CommercetoolsStore:
        return self.world.online  # type: ignore[return-value]

    @property
    def till(self) -> Any:
        return self.world.till

    @property
    def ledger(self) -> Any:
        return self.world.ledger

    # --- runs ---

    def align_products(self) -> None:
        """Products are linked before stock can follow."""
        self.world.run("full")
        self.world.forget_requests()

    def run(
        self,
        mode: str = "delta",
        *,
        dry_run: bool = False,
        keys: Sequence[str] = (),
        meanwhile: Meanwhiles | None = None,
        run_id: str | None = None,
    ) -> StockRun:
        """One whole run: extract in order, transform, plan, load, audit."""
        run_id = run_id or f"inventory/{next(_numbers):05d}"
        return asyncio.run(
            self._run(mode, dry_run=dry_run, keys=keys, meanwhile=meanwhile or Meanwhiles(), run_id=run_id)
        )

    async def _run(
        self, mode: str, *, dry_run: bool, keys: Sequence[str], meanwhile: Meanwhiles, run_id: str
    ) -> StockRun:
        full = mode == "full" and not keys
        ledger = self.ledger
        ledger.open_run(
            run_id,
            ENTITY,
            dag_id=ENTITY,
            airflow_run_id=run_id,
            mode="full" if full else "delta",
            params={"dry_run": dry_run, "keys": list(keys)},
        )
        staging = Staging(self.world.staging, run_id, self.world.ledger.checkpoints)
        async with self.adapters(writing=False) as (online, till):

            async def read(feed: Any, name: str, wanted: Sequence[str] | None) -> Extracted:
                return await extract_feed(
                    ledger,
                    staging,
                    feed,
                    entity=ENTITY,
                    name=name,
                    full=full,
                    keys=wanted,
                    asking=Asking(feed, kept(name, till.outlets.values())),
                )

            found = {ENTRIES: await read(online.entries, ENTRIES, keys or None)}
            _do(meanwhile.after_entries)
            found[ORDERS] = await read(online.orders, ORDERS, keys or None)
            _do(meanwhile.after_orders)
            products = sorted(products_of_skus(ledger, self.settings, set(keys))) if keys else None
            found[LEVELS] = await read(till.levels, LEVELS, products)
            _do(meanwhile.after_levels)
            inventory = self.settings.inventory
            stage_beside(
                staging,
                await online.assortments(),
                await till.buckets(inventory.held_by_open_sales, bool(inventory.count_incoming)),
            )
            transform(staging, online, till, {name: one.pages for name, one in found.items()})
            reserved = require_reserved(self.settings, await online.reserved())
            layout = layout_of(self.settings, till.outlets, self.now(), reserved=reserved)
            plan = preparing.prepare_plan(
                ledger,
                staging,
                self.settings,
                layout,
                now=self.now(),
                dry_run=dry_run,
                keys=keys,
                full=full,
            )
            _do(meanwhile.after_plan)
        document = staging.read_document("plan")
        batches = sorted(ledger.changes.open_batches(run_id))
        if batches:
            with writing(ledger, ENTITY, run_id):
                async with self.adapters() as (online, till):
                    bench = Bench(
                        ledger,
                        online,
                        till,
                        self.settings,
                        layout,
                        run_id,
                        staging.read_table(f"{ENTRIES}/offers"),
                        serves_along=not keys,
                    )
                    for batch in batches:
                        await applying.apply_batch(
                            bench,
                            batch,
                            seen={
                                name: found[name].cursor or ledger.cursor(ENTITY, name)
                                for name in (ORDERS, LEVELS)
                            },
                            planned_at=datetime.fromisoformat(document["taken_in"]),
                        )
        audited = auditing.audit(
            ledger,
            staging,
            self.settings,
            cursors={**{name: one.cursor for name, one in found.items()}, CATALOGUE: document["began"]},
            dry_run=dry_run,
            full=full,
            limited=bool(keys),
            entity=ENTITY,
            along=ledger.changes.keyed(run_id, ALONG),
            place_of=lambda change: channel_name(change.unit.rpartition("@")[2]),
        )
        return StockRun(run_id, plan, audited)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    @asynccontextmanager
    async def adapters(self, *, writing: bool = True) -> AsyncIterator[tuple[OnlineStock, TillStock]]:
        async with self.world.adapters() as products:
            online = CommercetoolsStock(products["commercetools"]._client, self.settings)  # type: ignore[attr-defined]
            till = XSeriesStock(products["lightspeed"]._client, self.settings)  # type: ignore[attr-defined]
            await online.prepare(writing=writing)
            await till.prepare()
            yield online, till

    # --- looking ---

    def entry(self, sku: str, channel: str | None) -> dict[str, Any] | None:
        """The entry of a SKU in a channel (None = without channel), as commercetools holds it."""
        wanted = None if channel is None else self.online.get("channels", key=channel)
        for row in self.online.all("inventory"):
            has = (row.get("supplyChannel") or {}).get("id")
            if row["sku"] == sku and has == (wanted["id"] if wanted else None):
                return row
        return None

    def available(self, sku: str, channel: str | None) -> int | None:
        found = self.entry(sku, channel)
        return None if found is None else int(found["availableQuantity"])

    def explain(self, sku: str, channel: str | None = None) -> list[Explanation]:
        async def found() -> Layout:
            async with self.adapters(writing=False) as (online, till):
                return layout_of(self.settings, till.outlets, self.now(), reserved=await online.reserved())

        layout = asyncio.run(found())
        return explain(self.ledger, self.settings, layout, [sku], channel, now=self.now())

    def holds(self) -> list[Hold]:
        return list(self.ledger.holds.open_holds(ENTITY))

    def stock_writes(self, system: str | None = None) -> list[Any]:
        """Requests that wrote stock since `forget_requests`."""
        named = [system] if system else ["commercetools", "lightspeed"]
        return [
            request
            for name in named
            for request in self.world.requests(name)
            if request.method == "POST"
            and (
                "/inventory" in request.path
                if name == "commercetools"
                else request.path.endswith("/stock_adjustments")
            )
        ]

    def level(self, product_id: str, outlet: str) -> Decimal | None:
        found: Decimal | None = self.till.stock_level(product_id, self.outlet(outlet))
        return found

    def outlet(self, name: str) -> str:
        return next(row.id for row in self.till.outlets.rows.values() if row.fields["name"] == name)

    def product_id(self, sku: str) -> str:
        return str(self.world.till_product(sku)["id"])


def _do(meanwhile: Meanwhile | None) -> None:
    if meanwhile is not None:
        meanwhile()


@contextmanager
def stock_world_of(
    shop: Shop, ledger_url: str, staging: Path, inventory: Mapping[str, Any], **more: Any
) -> Iterator[StockWorld]:
    """A world whose products are aligned and whose settings hold this `inventory` section (`locations` in `more`)."""
    settings = {"inventory": dict(inventory), **more}
    with world_of(shop, ledger_url, staging, settings) as world:
        found = StockWorld(world, world.settings)
        found.align_products()
        yield found


def with_inventory(settings: SyncSettings, **changes: Any) -> SyncSettings:
    """The settings with another `inventory` section (deeply merged at its first level)."""
    data = settings.model_dump(mode="json")
    data["inventory"] = {**data["inventory"], **changes}
    return SyncSettings.model_validate(data)
