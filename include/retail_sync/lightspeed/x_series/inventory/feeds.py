"""Levels as the store sends them: the version feed, and single products.

Date versions since 2026-04 list levels with a POST whose paging is in the body, newest first unless told otherwise, as
a bare array; older ones have the usual GET. Both count versions the same way, so a cursor outlives the change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import whole
from retail_sync.lightspeed.x_series.api.paging import Row, VersionPage, pages_by_version, rows_of
from retail_sync.lightspeed.x_series.api.row_shapes import LEVEL
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.lightspeed.x_series.inventory.read import LEVELS
from retail_sync.records.errors import TargetMissing
from retail_sync.records.ports.products import Asked, Shown
from retail_sync.settings.models import SyncSettings

PATH = "/inventory"
LISTED_BY_POST_SINCE = "2026-04"
"""The first API version whose description lists levels with a POST."""
_KEPT = ("id", "product_id", "outlet_id", "version", "deleted_at", *LEVELS)


class LevelStream(VersionFeed):
    """Levels by version. Costs of goods and reorder points stay behind. A level has no address of its own: keys and ids
    are those of products, whose levels at all outlets are asked for."""

    entity = "inventory"
    feed_name = "inventory"
    path = PATH
    shape = LEVEL

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self._by_post = client.connection.api_version >= LISTED_BY_POST_SINCE

    def kept(self, row: Row) -> Row:
        return {name: row[name] for name in _KEPT if name in row}

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

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """The levels of these products, one request for each."""
        rows = [row async for page in self.search(ids) for row in page.rows]
        return Asked(rows, [])

    def _pages(self, after: int) -> AsyncIterator[VersionPage]:
        return pages_by_version(self._listed, PATH, after=after) if self._by_post else super()._pages(after)

    async def _listed(self, after: int) -> Body:
        body = {"after": after, "size": self._page_size, "sort_direction": "asc", "include_deleted": True}
        return await self._client.ask(PATH, body)

    async def _by_key(self, key: str) -> list[Row]:
        path = f"{PATH}/{key}" if self._by_post else f"/products/{key}{PATH}"
        try:
            return self.gated(rows_of((await self._client.get(path)).value, path))
        except TargetMissing:
            return []
