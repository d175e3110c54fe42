"""Prices as the store sends them: articles with their own price, and the lines of price books.

A line of a price book says its price without tax, whatever the store keeps; an article says both, of which the side
that the store keeps counts (description of price book products; guide "price books").
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from include.lightspeed.connection import SYSTEM
from include.lightspeed.x_series.client import XSeriesClient
from include.lightspeed.x_series.facts import StoreFacts
from include.lightspeed.x_series.numbers import number, whole
from include.lightspeed.x_series.paging import Row, rows_of, walk_versions
from include.lightspeed.x_series.privacy import excluded_paths, without_private
from include.lightspeed.x_series.reading import PRICE_FIELDS
from include.lightspeed.x_series.references import single_of
from include.lightspeed.x_series.row_shapes import ARTICLE, BOOK_LINE
from include.lightspeed.x_series.version_feed import VersionFeed
from include.records.errors import TargetMissing
from include.records.face import Asked, RawPage, Shown
from include.records.prices import ARTICLE_COLUMNS, ENTRY_COLUMNS, price_table
from include.records.rows import gated, is_stub, read_rows
from include.settings.models import SyncSettings

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
    """Articles by version, deleted ones included, with nothing but what prices need."""

    entity = "prices"
    feed_name = "product"

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(settings.limits.lightspeed.concurrency)
        self._client = client
        self._page_size = settings.limits.lightspeed.page_size
        self._private = excluded_paths(settings)
        self.most_asked = settings.limits.lightspeed.most_asked

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [
            Shown(str(row["id"]), whole(row.get("version")), deleted=bool(row.get("deleted_at")))
            for row in rows
        ]

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        """One request for each article."""
        return await self._each_of(ids, self._row)

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """These articles now, a page for each. One that is gone gives an empty page."""
        async for page in self._pages_of(keys, self._one):
            yield page

    async def _feed(self, after: int) -> AsyncIterator[tuple[list[Row], int]]:
        pages = walk_versions(
            self._client,
            PRODUCTS,
            after=after,
            page_size=self._page_size,
            deleted=True,
            params={"include_images": "false"},
        )
        async for page in pages:
            assert page.cursor is not None  # only lists that may come whole have none
            yield gated(page.rows, ARTICLE, self._kept), page.cursor

    async def _one(self, product_id: str) -> list[Row]:
        row = await self._row(product_id)
        return [] if row is None else [row]

    async def _row(self, product_id: str) -> Row | None:
        try:
            row = single_of((await self._client.get(f"{PRODUCTS}/{product_id}")).value, PRODUCTS)
        except TargetMissing:
            return None
        return gated([row], ARTICLE, self._kept)[0]

    def _kept(self, row: Mapping[str, Any]) -> Row:
        kept = {name: row[name] for name in _OF_AN_ARTICLE if name in row}
        return without_private(kept, self._private) if self._private else kept


class EntryStream(VersionFeed):
    """Lines of all price books by version. Deleted lines are asked for: that the feed shows them is not documented, so
    only a full read proves what is gone. `books`: ids of the books that count; lines of others stay behind."""

    entity = "prices"
    feed_name = "price book"

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(settings.limits.lightspeed.concurrency)
        self._client = client
        self._page_size = settings.limits.lightspeed.page_size
        self.books: Collection[str] = frozenset()
        self.most_asked = settings.limits.lightspeed.most_asked

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [
            Shown(
                id=str(row["id"]),
                version=whole(row.get("version")),
                deleted=bool(row.get("deleted_at")),
                parent=str(row.get("product_id") or ""),
            )
            for row in rows
        ]

    async def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[Row]]:
        """The lines of these articles: a line has no address of its own."""
        async for page in self.search(ids):
            yield page.rows

    async def ask_each(self, ids: Sequence[str]) -> Asked:
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
            return self._kept(rows_of((await self._client.get(path)).value, path), None)
        except TargetMissing:
            return []

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """All lines of these articles in the books that count."""
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), MOST_PRODUCTS):
            part = wanted[start : start + MOST_PRODUCTS]
            for book in sorted(self.books):
                path = f"/price_books/{book}/products"
                answer = await self._client.get(path, {"product_ids": ",".join(part)})
                asked = set(part)
                # Whether the store narrows the list down as asked does not matter then.
                rows = [row for row in rows_of(answer.value, path) if row.get("product_id") in asked]
                yield RawPage(self._kept(rows, book), position="", cursor=None, last=False)
        yield RawPage([], position="", cursor=None, last=True)

    async def _feed(self, after: int) -> AsyncIterator[tuple[list[Row], int]]:
        if not self.books:
            return
        pages = walk_versions(self._client, ENTRIES, after=after, page_size=self._page_size, deleted=True)
        async for page in pages:
            assert page.cursor is not None  # only lists that may come whole have none
            yield self._kept(page.rows, None), page.cursor

    def _kept(self, rows: Sequence[Mapping[str, Any]], book: str | None) -> list[Row]:
        def kept(row: Mapping[str, Any]) -> Row:
            return {
                **({"price_book_id": book} if book else {}),
                **{n: row[n] for n in _OF_AN_ENTRY if n in row},
            }

        lines = gated(rows, BOOK_LINE, kept)
        return [row for row in lines if is_stub(row) or row.get("price_book_id") in self.books]


def articles_table(rows: Sequence[Mapping[str, Any]], facts: StoreFacts) -> pd.DataFrame:
    """ARTICLE_COLUMNS of product rows. Raises UnreadableRows."""
    field = PRICE_FIELDS["excluded" if facts.retailer.tax_exclusive else "included"]
    return read_rows(
        rows,
        lambda sound: price_table(ARTICLE_COLUMNS, (_article(row, field, facts) for row in sound)),
        system=SYSTEM,
        what="products with their prices",
        shape=ARTICLE,
    )


def _article(row: Mapping[str, Any], field: str, facts: StoreFacts) -> tuple[Any, ...]:
    return (
        str(row["id"]),
        row.get("sku") or None,
        whole(row.get("version")),
        row.get("updated_at") or None,
        row.get("deleted_at") or None,
        number(row.get(field)),
        number(row.get("supply_price")),
        facts.overrides_of(row),
    )


def entries_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """ENTRY_COLUMNS of price book lines. Raises UnreadableRows."""
    return read_rows(
        rows,
        lambda sound: price_table(ENTRY_COLUMNS, (_entry(row) for row in sound)),
        system=SYSTEM,
        what="price book lines",
        shape=BOOK_LINE,
    )


def _entry(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        str(row["id"]),
        str(row["product_id"]),
        str(row.get("price_book_id") or ""),
        number(row.get("price")),
        row.get("tax_id") or None,
        number(row.get("min_units")),
        number(row.get("max_units")),
        whole(row.get("version")),
        row.get("updated_at") or None,
        row.get("deleted_at") or None,
    )
