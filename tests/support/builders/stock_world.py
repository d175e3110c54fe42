"""Stock in both stand-ins over HTTP, a ledger, and whole inventory runs without Airflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from retail_sync.ledger.rows import Hold
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.explanation import Explanation, explain
from retail_sync.sync.inventory.feeds import ENTITY
from retail_sync.sync.inventory.layout import Layout, layout_of
from sandbox.commercetools import CommercetoolsStore
from sandbox.shop import Shop
from tests.support.runs import Doors, Meanwhiles, Ran, play, request_of
from tests.support.worlds import World, world_of


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
    ) -> Ran:
        """One whole run of inventory."""
        return play(
            self.world,
            ENTITY,
            request_of(mode, dry_run=dry_run, keys=keys),
            settings=self.settings,
            run_id=run_id,
            clock_ahead=self.clock_ahead,
            meanwhile=meanwhile or Meanwhiles(),
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    @asynccontextmanager
    async def adapters(self, *, writing: bool = True) -> AsyncIterator[tuple[OnlineStock, TillStock]]:
        doors = Doors(self.world, self.settings)
        async with doors.storefront() as storefront, doors.point_of_sale() as point_of_sale:
            await storefront.inventory.prepare(writing=writing)
            await point_of_sale.inventory.prepare()
            yield storefront.inventory, point_of_sale.inventory

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
