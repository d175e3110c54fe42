"""Tables that can do more than any: customers with the index they are searched in, which may lag behind what was
written, and entries of price books, which can be asked for those of one product."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sandbox.lightspeed.models import PriceBookProduct
from sandbox.lightspeed.rows import Record, Table, Ticker

FILTERS = ("customer_code", "email", "first_name", "last_name", "company_name", "mobile", "phone")
"""What customers can be searched by."""

Lag = tuple[int, float]
"""Writes, and seconds, by which the index is behind."""


class CustomerTable(Table[Record]):
    """As any table, and `search`, which sees the customers as the index last heard of them."""

    def __init__(self, ticker: Ticker, lag: Callable[[], Lag]) -> None:
        super().__init__(ticker)
        self._lag = lag
        self._unseen: deque[tuple[datetime, Record]] = deque()
        self._indexed: dict[str, Record] = {}
        self._holders: dict[tuple[str, str], set[str]] = {}
        self._clock = ticker.clock

    def touch(self, row: Record) -> None:
        """The row changed: it moves in the feed at once, in the index when the lag is over."""
        super().touch(row)
        self._unseen.append((self._clock.now(), replace(row, fields=dict(row.fields))))
        self._catch_up()

    def search(self, filters: Mapping[str, Iterable[str]], deleted: bool) -> list[Record]:
        """Customers that have one of the values of each filter, in the order of their versions. The case of an e-mail
        does not matter, everything else must be equal."""
        self._catch_up()
        found: set[str] | None = None
        for name, values in filters.items():
            holders: set[str] = set().union(
                *(self._holders.get(_entry(name, each), set()) for each in values)
            )
            found = holders if found is None else found & holders
        rows = self._indexed.values() if found is None else [self._indexed[id] for id in found]
        return sorted((row for row in rows if deleted or not row.deleted_at), key=lambda row: row.version)

    def _catch_up(self) -> None:
        writes, seconds = self._lag()
        settled = self._clock.now() - timedelta(seconds=seconds)
        while len(self._unseen) > writes and (not seconds or self._unseen[0][0] <= settled):
            self._index(self._unseen.popleft()[1])

    def _index(self, row: Record) -> None:
        before = self._indexed.get(row.id)
        for entry in _entries(before) if before is not None else ():
            self._holders[entry].discard(row.id)
        for entry in _entries(row):
            self._holders.setdefault(entry, set()).add(row.id)
        self._indexed[row.id] = row


def _entries(row: Record) -> list[tuple[str, str]]:
    return [_entry(name, row.fields[name]) for name in FILTERS if row.fields.get(name)]


def _entry(name: str, value: str) -> tuple[str, str]:
    return name, value.casefold() if name == "email" else value


class PriceRows(Table[PriceBookProduct]):
    """Entries of all books. A product is in few of them, so its entries are a short list."""

    def __init__(self, ticker: Ticker) -> None:
        super().__init__(ticker)
        self._of_products: dict[str, list[PriceBookProduct]] = {}

    def add(self, row: PriceBookProduct) -> PriceBookProduct:
        self._of_products.setdefault(row.product_id, []).append(row)
        return super().add(row)

    def delete(self, row: PriceBookProduct) -> None:
        self._of_products[row.product_id].remove(row)
        super().delete(row)

    def of_product(self, product_id: str, book_id: str | None = None) -> list[PriceBookProduct]:
        """Entries of a product that are not deleted, oldest first; of one book, or of all."""
        rows = self._of_products.get(product_id, [])
        return [row for row in rows if book_id in (None, row.price_book_id)]

    def of_book(self, book_id: str) -> list[PriceBookProduct]:
        """Entries of a book that are not deleted, oldest version first."""
        return [row for row in self.live() if row.price_book_id == book_id]
