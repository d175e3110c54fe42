"""Sales as the store sends them: the version feed, and single ones by id or invoice number.

What was bought is bought by somebody, so nothing of an answer is kept with its exchange, and each row is cut down as
soon as it was read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.paging import Row, pages_by_version, rows_of
from retail_sync.lightspeed.x_series.api.privacy import excluded_paths
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.api.row_shapes import SALE
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.lightspeed.x_series.sales.redact import trimmed
from retail_sync.records.errors import TargetMissing
from retail_sync.records.identifiers import is_uuid
from retail_sync.records.ports.products import RawPage
from retail_sync.records.rows import gated
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.client import Value

PATH = "/sales"
SEARCH = "/search"
SEARCH_PAGE_SIZE = 100
"""Sales with one invoice number: several registers may have given it, no more than a few."""


class SaleStream(VersionFeed):
    """Sales by version, deleted ones included. Dates in a query are ignored by the API, so they are not sent."""

    entity = "sales"
    feed_name = "sale"

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(settings.limits.lightspeed.concurrency)
        self._client = client
        self._page_size = settings.limits.lightspeed.page_size
        self._private = excluded_paths(settings)

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """These sales now, by id or invoice number, a page for each. An id that names none gives an empty page."""
        async for page in self._pages_of(keys, self._by_key):
            yield page

    async def one(self, sale_id: str) -> Row:
        """The sale of that id, whatever its state, with its notes if it is one of ours. Raises TargetMissing."""
        answer = await self._client.get(f"{PATH}/{sale_id}", withhold=True)
        return self.noted(dict(single_of(answer.value, PATH)))

    def kept(self, row: Row) -> Row:
        """Of a row what is needed; of one that is no sale, which one it is."""
        return gated([row], SALE, lambda sound: trimmed(sound, self._private))[0]

    def noted(self, row: Row) -> Row:
        """Of a row what is needed to write it anew: not to be kept anywhere."""
        return gated([row], SALE, lambda sound: trimmed(sound, self._private, noted=True))[0]

    async def _feed(self, after: int) -> AsyncIterator[tuple[list[Row], int]]:
        async for page in pages_by_version(self._listed, PATH, after=after):
            assert page.cursor is not None  # only lists that may come whole have none
            yield page.rows, page.cursor

    async def _listed(self, after: int) -> Body:
        """A page whose rows are cut down, each with its version where the walk looks for it."""
        query: dict[str, Value | Sequence[Value]] = {
            "page_size": self._page_size,
            "deleted": "true",
            "after": after,
        }
        answer = await self._client.get(PATH, query, withhold=True)
        rows = [self.kept(row) for row in rows_of(answer.value, PATH)]
        envelope = answer.value.get("version") if isinstance(answer.value, dict) else None
        return replace(answer, value={"data": rows, "version": envelope})

    async def _by_key(self, key: str) -> list[Row]:
        if not is_uuid(key):
            return await self._numbered(key)
        try:
            return [self.kept(await self.one(key))]
        except TargetMissing:
            return []

    async def _numbered(self, number: str) -> list[Row]:
        """Sales with this invoice number; what the index finds is compared."""
        found: list[Row] = []
        while True:
            query: dict[str, Value | Sequence[Value]] = {
                "type": "sales",
                "invoice_number": number,
                "page_size": SEARCH_PAGE_SIZE,
                "offset": len(found),
            }
            rows = rows_of((await self._client.get(SEARCH, query, withhold=True)).value, SEARCH)
            found += rows
            if len(rows) < SEARCH_PAGE_SIZE:
                break
        return [self.kept(row) for row in found if str(row.get("invoice_number") or "") == number]
