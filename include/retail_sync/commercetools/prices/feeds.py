"""The two feeds of prices: products, which hold embedded ones, and prices that are resources of their own.

Both give rows of products. A standalone price moves without its product (deltas of products do not show it), so its
own feed says which SKUs moved, and their products are read again with all their prices. A full read of products shows
all standalone prices besides; only there a deleted one is noticed, because nothing announces it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from retail_sync.commercetools.api import queries, windows
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.projections import STANDALONE_PRICES, Projections
from retail_sync.commercetools.api.queries import Slice
from retail_sync.commercetools.api.shapes import STANDALONE_PRICE
from retail_sync.commercetools.prices.read import trimmed
from retail_sync.records.ports.products import Asked, RawPage, Shown, Window
from retail_sync.records.rows import gated, readable
from retail_sync.settings.models import SyncSettings

ServerTime = Callable[[], Awaitable[datetime]]


class _ByTime:
    def __init__(
        self,
        client: CommercetoolsClient,
        settings: SyncSettings,
        projections: Projections,
        currencies: Collection[str],
        server_time: ServerTime,
    ) -> None:
        self._client = client
        self._limits = settings.limits.commercetools
        self._projections = projections
        self._currencies = currencies
        self._server_time = server_time

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return windows.cursor_at(since, cursor)

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """Its upper end is the next cursor."""
        return windows.window_behind(await self._server_time(), self._limits, cursor, full=full)


class ProductPriceStream(_ByTime):
    """Products with their prices, embedded or standalone: all by id, or what changed by time."""

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        delta = window.lower is not None
        async for part in self._projections.walk(window, position, self._currencies):
            seen = part.position.partition("|")[0] if delta and part.position else None
            yield _page(part, window.upper if part.last else seen)

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """The products of these SKUs now."""
        if not keys:
            yield RawPage([], position="", cursor=None, last=True)
        async for part in self._projections.by_skus(keys, self._currencies):
            yield _page(part, None)

    async def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        """These products now."""
        async for part in self._projections.by_ids(product_ids, self._currencies):
            yield _page(part, None)

    @property
    def most_asked(self) -> int:
        return self._limits.most_asked

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return self._projections.variants_in(rows)

    async def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        async for part in self._projections.with_variants(ids, self._currencies):
            yield gated(part.rows, trimmed=trimmed)

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        asked = await self._projections.ask_each(ids, self._currencies)
        return Asked(gated(asked.rows, trimmed=trimmed), asked.gone)


class StandalonePriceStream(_ByTime):
    """Products whose standalone prices changed. A full walk has nothing to add: it only gives its cursor."""

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        if window.lower is None:
            yield RawPage([], position="", cursor=window.upper, last=True)
            return
        walk = queries.in_window(
            self._client, STANDALONE_PRICES, window, page_size=self._limits.page_size, position=position
        )
        async for part in walk:
            moved = readable(gated(part.rows, STANDALONE_PRICE))
            skus = list(dict.fromkeys(str(row["sku"]) for row in moved))
            rows = [
                row async for found in self._projections.by_skus(skus, self._currencies) for row in found.rows
            ]
            seen = part.position.partition("|")[0] if part.position else None
            yield _page(Slice(rows, part.position, part.last), window.upper if part.last else seen)

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """Nothing: products are searched with all their prices."""
        yield RawPage([], position="", cursor=None, last=True)


def _page(part: Slice, cursor: str | None) -> RawPage:
    return RawPage(gated(part.rows, trimmed=trimmed), part.position, cursor, part.last)
