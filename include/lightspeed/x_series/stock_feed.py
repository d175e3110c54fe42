"""Levels as the store sends them: the version feed, and single products.

Date versions since 2026-04 list levels with a POST whose paging is in the body, newest first unless told otherwise, as
a bare array; older ones have the usual GET. Both count versions the same way, so a cursor outlives the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from include.lightspeed.connection import SYSTEM
from include.lightspeed.x_series.client import Body, XSeriesClient
from include.lightspeed.x_series.numbers import number, whole
from include.lightspeed.x_series.paging import VersionPage, pages_by_version, rows_of, walk_versions
from include.records.errors import ConfigurationFault, ProtocolFault, TargetMissing
from include.records.face import RawPage, Window
from include.records.stock import LEVEL_COLUMNS, parts, stock_table
from include.settings.models import SyncSettings

PATH = "/inventory"
LISTED_BY_POST_SINCE = "2026-04"
"""The first API version whose description lists levels with a POST."""
LEVELS = ("current_inventory_level", "inventory_level", "current_amount")
"""What the level is called: in date versions, in 2.0, and in 2.0 for a single product."""

_KEPT = ("id", "product_id", "outlet_id", "version", "deleted_at", *LEVELS)


class LevelStream:
    """Levels by version, deleted ones included. Costs of goods and reorder points stay behind."""

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        self._client = client
        self._page_size = settings.limits.lightspeed.page_size
        self._at_once = settings.limits.lightspeed.concurrency
        self._by_post = client.connection.api_version >= LISTED_BY_POST_SINCE

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        """None: versions are counted per store and can't be derived from a time."""
        return None

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """From the version behind `cursor`, or from the beginning, without an upper end: versions ascend, so a walk
        ends where it has caught up."""
        return Window(lower="0" if full or cursor is None else str(_version(cursor)), upper=None)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """The version feed; then an empty last page with the final cursor."""
        reached = _version(position or window.lower or "0")
        async for page in self._feed(reached):
            reached = page.cursor or reached
            yield RawPage(_kept(page.rows), position=str(reached), cursor=str(reached), last=False)
        yield RawPage([], position=str(reached), cursor=str(reached), last=True)

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """The levels of these products at all outlets now, a page for each. A product that is gone gives an empty page:
        its deletion is proven by the feed, not by its absence."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            yield RawPage([], position="", cursor=None, last=True)
        for start in range(0, len(wanted), self._at_once):
            batch = wanted[start : start + self._at_once]
            for key, rows in zip(batch, await asyncio.gather(*map(self._one, batch)), strict=True):
                yield RawPage(rows, position=key, cursor=None, last=key == wanted[-1])

    async def changed_since(self, cursor: str) -> RawPage:
        """Everything that moved after `cursor`, in one page."""
        reached = _version(cursor)
        rows: list[dict[str, Any]] = []
        async for page in self._feed(reached):
            rows += _kept(page.rows)
            reached = page.cursor or reached
        return RawPage(rows, position=str(reached), cursor=str(reached), last=True)

    def _feed(self, after: int) -> AsyncIterator[VersionPage]:
        if self._by_post:
            return pages_by_version(self._listed, PATH, after=after)
        return walk_versions(self._client, PATH, after=after, page_size=self._page_size, deleted=True)

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
    """LEVEL_COLUMNS of level rows of any version. A level that a row does not show, or shows as null, is unknown."""
    return stock_table(LEVEL_COLUMNS, (_level(row) for row in rows))


def _level(row: Mapping[str, Any]) -> tuple[Any, ...]:
    product_id, outlet_id = row.get("product_id"), row.get("outlet_id")
    if not product_id or not outlet_id:
        raise ProtocolFault(f"{PATH}: a level names no product or no outlet.", system=SYSTEM)
    on_hand = next((value for name in LEVELS if (value := number(row.get(name))) is not None), None)
    return (
        str(product_id),
        str(outlet_id),
        None if on_hand is None else parts(on_hand),
        whole(row.get("version")),
        row.get("deleted_at") or None,
    )


def _kept(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in _KEPT if name in row} for row in rows]


def _version(cursor: str) -> int:
    try:
        return int(cursor)
    except ValueError:
        raise ConfigurationFault(
            f"{cursor!r} is not a version of the inventory feed.",
            system=SYSTEM,
            remedy="Run inventory with mode=full: it starts the cursor anew.",
        ) from None
