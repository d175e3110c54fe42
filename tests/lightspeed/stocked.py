"""A till with stock at two outlets, and the adapter for stock in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pandas as pd

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.records.ports.products import RawPage
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from tests.lightspeed.till import Till

T = TypeVar("T")
Json = dict[str, Any]
LOCATIONS: list[Json] = [
    {"name": "Shop", "outlet": " berlin"},
    {"name": "Depot", "outlet": "Hamburg", "owner": "external", "channel": "depot"},
]


def stock_settings(
    locations: Sequence[Json] = LOCATIONS, page_size: int = 1000, **inventory: Any
) -> SyncSettings:
    limits = {"lightspeed": {"page_size": page_size, "retries": 2}}
    return SyncSettings.model_validate(
        {"locations": list(locations), "inventory": inventory, "limits": limits}
    )


def run(
    till: Till,
    use: Callable[[XSeriesStock], Awaitable[T]],
    config: SyncSettings | None = None,
    *,
    version: str = "2026-07",
    prepared: bool = True,
) -> T:
    chosen = config or stock_settings()

    async def main() -> T:
        connection = till.connection or LightspeedConnection(
            store_url=till.url, personal_token=till.token, api_version=version
        )
        options = {"budget": Unlimited(), "sink": till.exchanges, "backoff": 0.01}
        async with XSeriesClient(connection, chosen, **options) as client:
            adapter = XSeriesStock(client, chosen)
            if prepared:
                await adapter.prepare()
            till.exchanges.kept.clear()
            return await use(adapter)

    return asyncio.run(main())


async def walked(adapter: XSeriesStock, cursor: str | None = None) -> list[RawPage]:
    window = await adapter.levels.open_window(cursor, full=cursor is None)
    return [page async for page in adapter.levels.walk(window)]


async def levels(adapter: XSeriesStock, cursor: str | None = None) -> pd.DataFrame:
    return adapter.to_levels([row for page in await walked(adapter, cursor) for row in page.rows])


def product(till: Till, sku: str = "TEE", **fields: Any) -> str:
    (product_id,) = till.store.add_product_family(f"Product {sku}", sku=sku, **fields)
    return str(product_id)
