"""Prices as the store sends them: articles with their own price, and the lines of price books.

A line of a price book says its price without tax, whatever the store keeps; an article says both, of which the side
that the store keeps counts (description of price book products; guide "price books").
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from retail_sync.lightspeed.x_series.api.paging import Row, VersionPage, rows_of
from retail_sync.lightspeed.x_series.api.privacy import without_private
from retail_sync.lightspeed.x_series.api.row_shapes import ARTICLE, BOOK_LINE
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.records.errors import TargetMissing
from retail_sync.records.ports.products import Asked, RawPage, Shown
from retail_sync.records.rows import is_stub

PRODUCTS = "/products"
ENTRIES = "/price_book_products"
_OF_AN_ARTICLE = (
    "id", "sku", "version", "updated_at", "deleted_at", "price_including_tax", "price_excluding_tax", "supply_price",
    "outlet_taxes",
)  # fmt: skip
_OF_AN_ENTRY = (
    "id", "product_id", "price_book_id", "price", "tax_id", "min_units", "max_units", "version", "updated_at",
    "deleted_at",
)  # fmt: skip
MOST_PRODUCTS = 50
"""Articles whose lines are asked for at once: their ids go in the address, 37 characters each (how many it takes is not
documented)."""


class ArticleStream(VersionFeed):
    """Articles by version, with nothing but what prices need."""

    entity = "prices"
    feed_name = "product"
    path = PRODUCTS
    shape = ARTICLE
    list_params = {"include_images": "false"}

    def kept(self, row: Row) -> Row:
        return without_private({name: row[name] for name in _OF_AN_ARTICLE if name in row}, self._private)


class EntryStream(VersionFeed):
    """Lines of all price books by version. Deleted lines are asked for: that the feed shows them is not documented, so
    only a full read proves what is gone. Keys and ids are those of articles: a line has no address of its own. `books`:
    ids of the books that count; lines of others stay behind."""

    entity = "prices"
    feed_name = "price book"
    path = ENTRIES
    shape = BOOK_LINE
    books: Collection[str] = frozenset()

    def kept(self, row: Row) -> Row:
        return {name: row[name] for name in _OF_AN_ENTRY if name in row}

    def gated(self, rows: Sequence[Any]) -> list[Row]:
        lines = super().gated(rows)
        return [row for row in lines if is_stub(row) or row.get("price_book_id") in self.books]

    def shown(self, row: Mapping[str, Any]) -> Shown:
        return super().shown(row)._replace(parent=str(row.get("product_id") or ""))

    async def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[list[Row]]:
        """The lines of these articles: a line has no address of its own."""
        async for page in self.search(ids):
            yield page.rows

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """The lines of these articles, each article asked for alone: by each book, and by its own list of lines. A line
        has no address, so two lists have to agree before it is gone."""
        rows: list[Row] = []
        for one in ids:
            shown = [row async for page in self.search([one]) for row in page.rows]
            there = {row.get("id") for row in shown}
            rows += [*shown, *(row for row in await self._of_article(one) if row.get("id") not in there)]
        return Asked(rows, [])

    async def _of_article(self, article: str) -> list[Row]:
        path = f"/products/{article}{ENTRIES}"
        try:
            return self.gated(rows_of((await self._client.get(path)).value, path))
        except TargetMissing:
            return []

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """All lines of these articles in the books that count."""
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), MOST_PRODUCTS):
            part = wanted[start : start + MOST_PRODUCTS]
            for book in sorted(self.books):
                path = f"/price_books/{book}/products"
                answer = await self._client.get(path, {"product_ids": ",".join(part)})
                asked = set(part)
                # Whether the store narrows the list down as asked does not matter then.
                rows = [
                    {"price_book_id": book, **row}
                    for row in rows_of(answer.value, path)
                    if row.get("product_id") in asked
                ]
                yield RawPage(self.gated(rows), position="", cursor=None, last=False)
        yield RawPage([], position="", cursor=None, last=True)

    async def _pages(self, after: int) -> AsyncIterator[VersionPage]:
        if self.books:
            async for page in super()._pages(after):
                yield page
