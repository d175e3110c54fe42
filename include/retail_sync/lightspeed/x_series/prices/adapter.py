"""`XSeriesPrices`: the prices of an X-Series store behind `retail_sync.records.ports.prices.TillPrices`.

Costs in requests: a walk takes its pages and one empty page; an article's own price one; a price book at most three (to
take away, to add, to change) for a hundred lines; to read lines again one a book for fifty articles.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.adapter import EntityAdapter
from retail_sync.lightspeed.x_series.api.bodies import Details, ProductUpdate, body_of
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.references import read_facts
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.lightspeed.x_series.prices import preflight as price_preflight
from retail_sync.lightspeed.x_series.prices.bodies import BookLineBody, BookLinesBody, EntryIds, EntryIdsBody
from retail_sync.lightspeed.x_series.prices.feeds import PRODUCTS, ArticleStream, EntryStream
from retail_sync.lightspeed.x_series.prices.price_books import (
    Books,
    create_missing,
    read_books,
    require_books,
)
from retail_sync.lightspeed.x_series.prices.read import articles_table, entries_table, tax_lines
from retail_sync.records.currencies import iso_code
from retail_sync.records.errors import ConfigurationFault, RecordRejected
from retail_sync.records.ports.prices import BasePriceWrite, BookLine, BookWrite, TaxLine
from retail_sync.records.ports.products import RawPage
from retail_sync.records.prices import TillTerms
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class PriceReference:
    """What prices refer to: the facts of the store, and what follows from them and its price books."""

    facts: StoreFacts
    terms: TillTerms


class XSeriesPrices(EntityAdapter[PriceReference]):
    """Prices of one store."""

    records = "prices"
    reference_type = PriceReference
    preflight = price_preflight.check

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self.articles = ArticleStream(client, settings)
        self.entries = EntryStream(client, settings)

    async def prepare(self, *, writing: bool = False) -> None:
        """Read the store's facts and price books."""
        facts = await read_facts(self._client, self._settings)
        wanted = self._settings.products.price.currency
        if facts.currency and facts.currency != iso_code(wanted):
            raise ConfigurationFault(
                f"The store sells in {facts.currency}, the configuration says {wanted}.",
                system=SYSTEM,
                remedy="Set products.price.currency to the store's currency.",
            )
        books = await read_books(self._client, facts, self._settings)
        if writing and await create_missing(self._client, books, self._settings.prices.synced):
            books = await read_books(self._client, facts, self._settings)
        require_books(books, self._settings)
        self.know(PriceReference(facts, terms_of(facts, books, self._settings)))

    def know(self, reference: PriceReference) -> None:
        super().know(reference)
        self.entries.books = frozenset(book.id for book in reference.terms.books.values() if book.id)

    @property
    def terms(self) -> TillTerms:
        return self.known.terms

    def to_articles(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return articles_table(rows, self.known.facts)

    def to_entries(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return entries_table(rows)

    async def articles_since(self, cursor: str) -> RawPage:
        return await self.articles.changed_since(cursor)

    async def entries_since(self, cursor: str) -> RawPage:
        return await self.entries.changed_since(cursor)

    def entries_of(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        return self.entries.search(product_ids)

    async def write_base(self, write: BasePriceWrite) -> str:
        """Refuses where no list lets the till's own prices be written: whoever planned it."""
        self._require(any(one.lightspeed.base for one in self._written), "The prices of articles themselves")
        exclusive = self.known.facts.retailer.tax_exclusive
        details = Details(
            price_excluding_tax=write.amount if exclusive else None,
            price_including_tax=None if exclusive else write.amount,
        )
        answer = await self._client.put(
            f"{PRODUCTS}/{write.product_id}",
            body_of(ProductUpdate(details=details)),
            context={"change": write.change_id},
        )
        return answer.exchange_id

    async def write_book(self, write: BookWrite) -> Sequence[str]:
        """Refuses where no list lets this price book be written. Takes away, adds, then changes: no two lines of an
        article are ever for the same quantity."""
        books = self.terms.books
        allowed = {books[one.name].id for one in self._written if one.name in books}
        self._require(write.book_id in allowed, f"The price book {write.book_id}")
        path = f"/price_books/{write.book_id}/products"
        context = {"change": write.change_ids[0]} if write.change_ids else {}
        exchanges: list[str] = []
        if write.removed:
            gone = EntryIdsBody(data=EntryIds(price_book_product_ids=list(write.removed)))
            exchanges.append((await self._client.delete(path, body_of(gone), context=context)).exchange_id)
        new = [_line(line) for line in write.lines if line.entry_id is None]
        if new:
            body = body_of(BookLinesBody(data=new))
            exchanges.append((await self._client.post(path, body, context=context)).exchange_id)
        changed = [_line(line) for line in write.lines if line.entry_id is not None]
        if changed:
            # PATCH and PUT are described with the same words; one that replaced the whole book would be called PUT.
            body = body_of(BookLinesBody(data=changed))
            exchanges.append((await self._client.patch(path, body, context=context)).exchange_id)
        return exchanges

    @property
    def _written(self) -> list[Any]:
        return [one for one in self._settings.prices.synced if one.may_write(SYSTEM)]

    def _require(self, allowed: bool, what: str) -> None:
        if not allowed:
            raise RecordRejected(
                f"{what} may not be written by this configuration.",
                code="not_owned",
                system=SYSTEM,
                remedy="Nothing, if Lightspeed owns these prices; otherwise correct owner or direction of the list.",
            )

    def tax_lines(self) -> list[TaxLine]:
        return tax_lines(self.known.facts, self._settings)


def terms_of(facts: StoreFacts, books: Books, settings: SyncSettings) -> TillTerms:
    """What has to be known of the store to read and compare its prices. A book that the next write makes counts with
    the days it will have."""
    found = {one.name: books.of(one) if one.in_book else None for one in settings.prices.synced}
    coming = {
        one.name: books.new_book(one)
        for one in settings.prices.synced
        if one.in_book and found[one.name] is None and one.create_price_book and one.may_write(SYSTEM)
    }
    return TillTerms(
        tax_included=not facts.retailer.tax_exclusive,
        currency=facts.currency,
        rates={id: tax.rate for id, tax in facts.taxes.items()},
        defaults={outlet.id: tax for outlet in facts.all_outlets if (tax := facts.default_tax_of(outlet))},
        outlets={one.name: books.outlets_of(one, found[one.name]) for one in settings.prices.synced},
        books={name: books.dates_of(book) for name, book in (found | coming).items() if book is not None},
        tax_names={id: tax.name for id, tax in facts.taxes.items()},
    )


def _line(line: BookLine) -> BookLineBody:
    return BookLineBody(
        id=line.entry_id,
        product_id=line.product_id,
        price=line.amount,
        tax_id=line.tax_id,
        min_units=line.min_units,
        max_units=line.max_units,
    )
