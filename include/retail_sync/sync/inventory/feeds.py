"""What an inventory run reads, by feed: from staged pages to staged tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retail_sync.records.inventory import BUCKET_COLUMNS, stock_table
from retail_sync.records.ports.inventory import Assortments, Buckets, OnlineStock, TillStock
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.transform import Transformed, map_feeds
from retail_sync.sync.inventory.channel_assortment import offers_table

ENTITY = "inventory"
ENTRIES, ORDERS, LEVELS = "commercetools", "commercetools_orders", "lightspeed"
"""Names of the feeds: of their staged pages and of their cursors."""


def transform(
    staging: Staging, online: OnlineStock, till: TillStock, pages: Mapping[str, int]
) -> list[Transformed]:
    """Map all staged pages to canonical tables and stage them as Parquet."""
    return [
        map_feeds(staging, f"{feed}/rows", mapped, {feed: pages[feed]}, key)
        for feed, mapped, key in (
            (ENTRIES, online.to_entries, ["id"]),
            (ORDERS, online.to_orders, ["id"]),
            (LEVELS, till.to_levels, ["product_id", "outlet_id"]),
        )
    ]


def stage_beside(
    staging: Staging, assortments: Assortments | None = None, buckets: Buckets | None = None
) -> None:
    """Stage what is read whole each time: members of selections and stores, goods held and on their way."""
    if assortments is not None:
        staging.write_table(f"{ENTRIES}/offers", offers_table(assortments))
    if buckets is not None:
        staging.write_table(f"{LEVELS}/buckets", _bucket_table(buckets))


def _bucket_table(found: Buckets) -> pd.DataFrame:
    amounts: dict[tuple[str, str, str], tuple[int, Any]] = {}
    for bucket, table in (("held", found.held), ("incoming", found.incoming)):
        for row in rows(table):
            key = (row["product_id"], row["outlet_id"], bucket)
            quantity, due = amounts.get(key, (0, None))
            dates = [date for date in (due, row.get("due_at")) if date is not None]
            amounts[key] = quantity + row["quantity"], min(dates, default=None)
    return stock_table(BUCKET_COLUMNS, [(*key, *amount) for key, amount in amounts.items()])


@dataclass(frozen=True)
class Read:
    """Everything one run read, mapped."""

    entries: pd.DataFrame
    orders: pd.DataFrame
    levels: pd.DataFrame
    buckets: pd.DataFrame
    offers: pd.DataFrame

    @classmethod
    def of(cls, staging: Staging) -> Read:
        return cls(
            staging.read_table(f"{ENTRIES}/rows"),
            staging.read_table(f"{ORDERS}/rows"),
            staging.read_table(f"{LEVELS}/rows"),
            staging.read_table(f"{LEVELS}/buckets"),
            staging.read_table(f"{ENTRIES}/offers"),
        )
