"""The two feeds of prices: products, which hold embedded ones, and prices that are resources of their own.

Both give rows of products. A standalone price moves without its product (deltas of products do not show it), so its
own feed says which SKUs moved, and their products are read again with all their prices. A full read of products shows
all standalone prices besides; only there a deleted one is noticed, because nothing announces it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from retail_sync.commercetools.api.adapters import reached
from retail_sync.commercetools.api.projections import STANDALONE_PRICES, ProductFeed
from retail_sync.commercetools.api.queries import Query, Rows
from retail_sync.commercetools.api.shapes import STANDALONE_PRICE
from retail_sync.commercetools.prices.read import trimmed
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.records.rows import gated, readable


class ProductPriceStream(ProductFeed):
    """Products with their prices, embedded or standalone, and without everything else."""

    def _kept(self, rows: Rows) -> Rows:
        return gated(rows, trimmed=trimmed)


class StandalonePriceStream(ProductPriceStream):
    """Products whose standalone prices changed. A full walk has nothing to add: it only gives its cursor."""

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        if window.lower is None:
            yield RawPage([], position="", cursor=window.upper, last=True)
            return
        prices = Query(self._client, STANDALONE_PRICES, self._limits.page_size)
        async for part in prices.in_window(window, position):
            moved = readable(gated(part.rows, STANDALONE_PRICE))
            skus = list(dict.fromkeys(str(row["sku"]) for row in moved))
            rows = [row async for page in super().search(skus) for row in page.rows]
            yield RawPage(rows, part.position, reached(part, window), part.last)

    def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """Nothing: products are searched with all their prices."""
        return self._pages([])
