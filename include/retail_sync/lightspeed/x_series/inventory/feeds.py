"""Levels as the store sends them: the version feed, and single products.

Date versions since 2026-04 list levels with a POST whose paging is in the body, newest first unless told otherwise, as
a bare array; older ones have the usual GET. Both count versions the same way, so a cursor outlives the change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.lightspeed.x_series.api.paging import Row, pages_by_version, rows_of, walk_versions
from retail_sync.lightspeed.x_series.api.row_shapes import LEVEL
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.records.errors import TargetMissing
from retail_sync.records.inventory import LEVEL_COLUMNS, parts, stock_table
from retail_sync.records.ports.products import Asked, RawPage, Shown
from retail_sync.records.rows import gated, read_rows
from retail_sync.settings.models import SyncSettings

PATH = "/inventory"
LISTED_BY_POST_SINCE = "2026-04"
"""The first API version whose description lists levels with a POST."""
LEVELS = ("current_inventory_level", "inventory_level", "current_amount")
"""What the level is called: in date versions, in 2.0, and in 2.0 for a single product."""

_KEPT = ("id", "product_id", "outlet_id", "version", "deleted_at", *LEVELS)


class LevelStream(VersionFeed):
    """Levels by version, deleted ones included. Costs of goods and reorder points stay behind."""

    entity = "inventory"
    feed_name = "inventory"

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(settings.limits.lightspeed.concurrency)
        self._client = client
        self._page_size = settings.limits.lightspeed.page_size
        self.most_asked = settings.limits.lightspeed.most_asked
        self._by_post = client.connection.api_version >= LISTED_BY_POST_SINCE

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """The levels of these products at all outlets now, a page for each. A product that is gone gives an empty page:
        its deletion is proven by the feed, not by its absence."""
        async for page in self._pages_of(keys, self._one):
            yield page

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [
            Shown(
                id=f"{row['product_id']}|{row['outlet_id']}",
                version=whole(row.get("version")),
                deleted=bool(row.get("deleted_at")),
                parent=str(row["product_id"]),
            )
            for row in rows
            if row.get("product_id") and row.get("outlet_id")
        ]

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        """The levels of these products, one request for each: a level has no address of its own."""
        rows = [row async for page in self.search(ids) for row in page.rows]
        return Asked(rows, [])

    async def _feed(self, after: int) -> AsyncIterator[tuple[list[Row], int]]:
        if self._by_post:
            pages = pages_by_version(self._listed, PATH, after=after)
        else:
            pages = walk_versions(self._client, PATH, after=after, page_size=self._page_size, deleted=True)
        async for page in pages:
            assert page.cursor is not None  # only lists that may come whole have none
            yield _kept(page.rows), page.cursor

    async def _listed(self, after: int) -> Body:
        body = {"after": after, "size": self._page_size, "sort_direction": "asc", "include_deleted": True}
        return await self._client.ask(PATH, body)

    async def _one(self, product_id: str) -> list[dict[str, Any]]:
        path = f"{PATH}/{product_id}" if self._by_post else f"/products/{product_id}{PATH}"
        try:
            return _kept(rows_of((await self._client.get(path)).value, path))
        except TargetMissing:
            return []


def levels_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """LEVEL_COLUMNS of level rows of any version. A level that a row does not show, or shows as null, is unknown.
    Raises UnreadableRows."""
    return read_rows(
        rows,
        lambda sound: stock_table(LEVEL_COLUMNS, (_level(row) for row in sound)),
        system=SYSTEM,
        what="levels",
        shape=LEVEL,
        key=_key_of_level,
    )


def _key_of_level(row: Mapping[str, Any]) -> str | None:
    """A level is known by its product and outlet."""
    product_id, outlet_id = row.get("product_id"), row.get("outlet_id")
    return f"{product_id}:{outlet_id}" if isinstance(product_id, str) and isinstance(outlet_id, str) else None


def _level(row: Mapping[str, Any]) -> tuple[Any, ...]:
    product_id, outlet_id = row.get("product_id"), row.get("outlet_id")
    on_hand = next((value for name in LEVELS if (value := number(row.get(name))) is not None), None)
    return (
        str(product_id),
        str(outlet_id),
        None if on_hand is None else parts(on_hand),
        whole(row.get("version")),
        row.get("deleted_at") or None,
    )


def _kept(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return gated(rows, LEVEL, lambda row: {name: row[name] for name in _KEPT if name in row})
