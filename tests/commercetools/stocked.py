"""The little shop with stock: two locations, their channels, and the adapter for stock in front of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pandas as pd

from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.records.ports.inventory import EntryWrite, EntryWritten
from retail_sync.records.ports.products import RawPage, Stream
from retail_sync.settings.models import SyncSettings
from tests.commercetools.world import Json, World, rows_in, rows_of
from tests.commercetools.world import settings as shop_settings

T = TypeVar("T")
LOCATIONS: list[Json] = [
    {"name": "Berlin", "outlet": "Berlin", "channel": "berlin"},
    {"name": "Depot", "outlet": "Depot", "channel": "depot", "owner": "external"},
]
PAST = "2020-01-01T00:00:00.000Z"


def stock_settings(
    locations: Sequence[Json] = LOCATIONS, page_size: int = 500, **inventory: Any
) -> SyncSettings:
    plain = shop_settings(limits={"page_size": page_size}).model_dump(mode="json")
    return SyncSettings.model_validate({**plain, "locations": list(locations), "inventory": inventory})


def fill(world: World) -> None:
    for key in ("berlin", "depot"):
        world.store.create("channels", {"key": key, "roles": ["InventorySupply"]})
    world.store.create("channels", {"key": "lightspeed", "roles": ["OrderExport"]})


def stock(world: World, sku: str, channel: str | None, units: int, **more: Any) -> Json:
    draft: Json = {"sku": sku, "quantityOnStock": units, **more}
    if channel:
        draft["supplyChannel"] = {"typeId": "channel", "key": channel}
    return world.store.create("inventory", draft)


def run(
    world: World,
    use: Callable[[CommercetoolsStock], Awaitable[T]],
    config: SyncSettings | None = None,
    *,
    writing: bool = False,
) -> T:
    chosen, make = config or stock_settings(), CommercetoolsStock
    return world.using(make, use, chosen, writing=writing)


async def walked(stream: Stream, cursor: str | None = None, position: str | None = None) -> list[RawPage]:
    window = await stream.open_window(cursor, full=cursor is None)
    return [page async for page in stream.walk(window, position=position)]


async def found(stream: Stream, *keys: str) -> list[Json]:
    return await rows_in(stream.search(keys))


def entries(world: World, config: SyncSettings | None = None) -> pd.DataFrame:
    async def use(adapter: CommercetoolsStock) -> pd.DataFrame:
        return adapter.to_entries(rows_of(await walked(adapter.entries)))

    return run(world, use, config)


def orders(world: World, config: SyncSettings | None = None, cursor: str | None = None) -> pd.DataFrame:
    async def use(adapter: CommercetoolsStock) -> pd.DataFrame:
        return adapter.to_orders(rows_of(await walked(adapter.orders, cursor)))

    return run(world, use, config)


def write(world: World, change: EntryWrite, config: SyncSettings | None = None) -> EntryWritten:
    return run(world, lambda adapter: adapter.write(change), config)
