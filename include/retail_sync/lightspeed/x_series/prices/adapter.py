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
from retail_sync.lightspeed.x_series.api.bodies import Details, ProductUpdate, body_of
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.references import read_facts
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.lightspeed.x_series.api.wire import NamedId, PriceBook
from retail_sync.lightspeed.x_series.prices import preflight as price_preflight
from retail_sync.lightspeed.x_series.prices.bodies import BookLineBody, BookLinesBody, EntryIds, EntryIdsBody
from retail_sync.lightspeed.x_series.prices.feeds import (
    PRODUCTS,
    ArticleStream,
    EntryStream,
    articles_table,
    entries_table,
)
from retail_sync.lightspeed.x_series.prices.price_books import (
    Books,
    create_missing,
    read_books,
    require_books,
)
from retail_sync.lightspeed.x_series.prices.taxes import tax_lines
from retail_sync.records.currencies import iso_code
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.errors import ConfigurationFault, RecordRejected
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.prices import BasePriceWrite, BookLine, BookWrite, TaxLine
from retail_sync.records.ports.products import RawPage, SystemName
from retail_sync.records.prices import TillTerms
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class _Ready:
    facts: StoreFacts
    books: Books
    terms: TillTerms


@dataclass(frozen=True)
class _Reference:
    facts: StoreFacts
    books: Sequence[PriceBook]
    groups: Sequence[NamedId]


class XSeriesPrices:
    """Prices of one store. `prepare` comes first; the client is opened and closed by whoever made it."""

    system: SystemName = "lightspeed"

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        self._client = client
        self._settings = settings
        self.articles = ArticleStream(client, settings)
        self.entries = EntryStream(client, settings)
        self._prepared: _Ready | None = None

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
        self._know(facts, books)

    def reference(self) -> Any:
        ready = self._ready
        return to_document(_Reference(ready.facts, ready.books.books, ready.books.groups))

    def use(self, reference: Any) -> None:
        found = from_document(_Reference, reference)
        self._know(found.facts, Books(found.books, found.groups, found.facts, self._settings))

    def _know(self, facts: StoreFacts, books: Books) -> None:
        terms = terms_of(facts, books, self._settings)
        self.entries.books = frozenset(book.id for book in terms.books.values() if book.id)
        self._prepared = _Ready(facts, books, terms)

    @property
    def _ready(self) -> _Ready:
        if self._prepared is None:
            raise RuntimeError("`prepare` has to be awaited before prices are read or written.")
        return self._prepared

    @property
    def terms(self) -> TillTerms:
        return self._ready.terms

    def to_articles(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return articles_table(rows, self._ready.facts)

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
        exclusive = self._ready.facts.retailer.tax_exclusive
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
        books = self._ready.terms.books
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
        return tax_lines(self._ready.facts, self._settings)

    async def check(self) -> list[CheckResult]:
        """Preflight of everything prices need at the till."""
        return await price_preflight.check(self._client, self._settings)


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
