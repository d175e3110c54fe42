"""A till with stock at two outlets, and the adapter for stock in front of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pandas as pd

from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.records.ports.products import RawPage
from retail_sync.settings.models import SyncSettings
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
    work: Callable[[XSeriesStock], Awaitable[T]],
    config: SyncSettings | None = None,
    **how: Any,
) -> T:
    till.more.setdefault("backoff", 0.01)
    return till.use(XSeriesStock, config or stock_settings(), work, **how)


async def walked(adapter: XSeriesStock, cursor: str | None = None) -> list[RawPage]:
    window = await adapter.levels.open_window(cursor, full=cursor is None)
    return [page async for page in adapter.levels.walk(window)]


async def levels(adapter: XSeriesStock, cursor: str | None = None) -> pd.DataFrame:
    return adapter.to_levels([row for page in await walked(adapter, cursor) for row in page.rows])


def product(till: Till, sku: str = "TEE", **fields: Any) -> str:
    (product_id,) = till.store.add_product_family(f"Product {sku}", sku=sku, **fields)
    return str(product_id)
