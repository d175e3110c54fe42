"""Customers as the store sends them: the version feed, single ones, and those that bear an identity.

Everything here is personal: of each request only its shape is kept, and of each row only what the configuration reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.paging import Row, pages_by_version, rows_of
from retail_sync.lightspeed.x_series.api.privacy import excluded_paths, without_private
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.api.row_shapes import CUSTOMER
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.lightspeed.x_series.customers.fields import Places
from retail_sync.records.errors import TargetMissing
from retail_sync.records.identifiers import folded_key, is_uuid
from retail_sync.records.ports.products import Asked, RawPage
from retail_sync.records.rows import gated
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.client import Value
from retail_sync.transport.withholding import Withhold

PATH = "/customers"
SEARCH = "/search"
SHAPE: Withhold = "shape"
"""What is kept of a request that speaks of people."""
SEARCH_PAGE_SIZE = 100
"""Customers that bear one identity; more than a few of them are a mistake of the shop."""
BOTH_SPELLINGS_ASKED = True
"""Whether an e-mail address is searched as it is and in small letters. Whether capitals count in the index is not
documented."""
Query = dict[str, Value | Sequence[Value]]


class CustomerStream(VersionFeed):
    """Customers by version, deleted ones included."""

    entity = "customers"
    feed_name = "customer"

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(settings.limits.lightspeed.concurrency)
        self._client = client
        self._page_size = settings.limits.lightspeed.page_size
        self.most_asked = settings.limits.lightspeed.most_asked
        self._private = excluded_paths(settings)
        self.places = Places.of_settings(settings)

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """These customers now, by id or customer code, a page for each. One that is gone gives an empty page."""
        async for page in self._pages_of(keys, self._by_key):
            yield page

    async def fetch(self, ids: Collection[str], /) -> AsyncIterator[RawPage]:
        """These customers now, a page for each. Whether a deleted one is shown with its `deleted_at` or answered with
        404 is not documented: either proves that it is gone."""
        async for page in self._pages_of(list(ids), self._one):
            yield page

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """One request for each customer."""
        return await self._each_of(ids, self._one_row)

    async def lookup(self, email: str, number: str, key: str) -> AsyncIterator[RawPage]:
        """Living customers that bear the address, the number or the key. The search runs on an index of which nobody
        says how far it lags behind: who was written a moment ago is found by `changed_since` only."""
        met: set[str] = set()
        for field, value in _questions(email, number, key):
            rows = [row for row in await self._bearers(field, value) if str(row.get("id")) not in met]
            met |= {str(row.get("id")) for row in rows}
            yield RawPage(self._gated(rows), position="", cursor=None, last=False)
        yield RawPage([], position="", cursor=None, last=True)

    def kept(self, row: Mapping[str, Any]) -> Row:
        """Of a row what the configuration reads."""
        return without_private(
            {name: value for name, value in row.items() if name in self.places.kept}, self._private
        )

    def _gated(self, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        return gated(rows, CUSTOMER, self.kept)

    async def read_one(self, customer_id: str) -> Row:
        """A customer as it is sent, whole. Raises TargetMissing."""
        answer = await self._client.get(f"{PATH}/{customer_id}", withhold=SHAPE)
        return dict(single_of(answer.value, PATH))

    async def _feed(self, after: int) -> AsyncIterator[tuple[list[Row], int]]:
        async for page in pages_by_version(self._listed, PATH, after=after):
            assert page.cursor is not None  # only lists that may come whole have none
            yield self._gated(page.rows), page.cursor

    async def _listed(self, after: int) -> Body:
        query: Query = {"page_size": self._page_size, "deleted": "true", "after": after}
        return await self._client.get(PATH, query, withhold=SHAPE)

    async def _by_key(self, key: str) -> list[Row]:
        if is_uuid(key):
            return await self._one(key)
        return self._gated(await self._bearers("customer_code", key))

    async def _one(self, customer_id: str) -> list[Row]:
        row = await self._one_row(customer_id)
        return [] if row is None else [row]

    async def _one_row(self, customer_id: str) -> Row | None:
        try:
            return self._gated([await self.read_one(customer_id)])[0]
        except TargetMissing:
            return None

    async def _bearers(self, field: str, value: str) -> list[Row]:
        """Living customers whose field has this value. The index may know an older one, or look for words only, so
        what it finds is compared."""
        found: list[Row] = []
        while True:
            query: Query = {
                "type": "customers",
                field: value,
                "page_size": SEARCH_PAGE_SIZE,
                "offset": len(found),
            }
            rows = rows_of((await self._client.get(SEARCH, query, withhold=SHAPE)).value, SEARCH)
            found += rows
            if len(rows) < SEARCH_PAGE_SIZE:
                break
        return [row for row in found if not row.get("deleted_at") and _bears(row, field, value)]


def _questions(email: str, number: str, key: str) -> list[tuple[str, str]]:
    spellings = (email, email.lower()) if BOTH_SPELLINGS_ASKED else (email,)
    return [
        *(("email", text) for text in dict.fromkeys(spellings) if text),
        *(("customer_code", text) for text in dict.fromkeys((number, key)) if text),
    ]


def _bears(row: Mapping[str, Any], field: str, value: str) -> bool:
    return folded_key(str(row.get(field) or "")) == folded_key(value)
