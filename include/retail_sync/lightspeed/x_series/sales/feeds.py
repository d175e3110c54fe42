"""Sales as the store sends them: the version feed, and single ones by id or invoice number.

What was bought is bought by somebody, so nothing of an answer is kept with its exchange, and each row is cut down as
soon as it was read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from retail_sync.lightspeed.x_series.api.client import Body
from retail_sync.lightspeed.x_series.api.paging import Row, VersionPage, pages_by_version, rows_of, search
from retail_sync.lightspeed.x_series.api.row_shapes import SALE
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.lightspeed.x_series.sales.redact import trimmed
from retail_sync.records.identifiers import is_uuid
from retail_sync.records.rows import gated
from retail_sync.transport.client import Value

PATH = "/sales"


class SaleStream(VersionFeed):
    """Sales by version. Keys are ids or invoice numbers. Dates in a query are ignored by the API, so they are not
    sent."""

    entity = "sales"
    feed_name = "sale"
    path = PATH
    shape = SALE
    withhold = True

    def kept(self, row: Row) -> Row:
        return trimmed(row, self._private)

    def noted(self, row: Row) -> Row:
        """Of a row what is needed to write it anew: not to be kept anywhere."""
        return gated([row], SALE, lambda sound: trimmed(sound, self._private, noted=True))[0]

    def _pages(self, after: int) -> AsyncIterator[VersionPage]:
        return pages_by_version(self._listed, PATH, after=after)

    async def _listed(self, after: int) -> Body:
        """A page whose rows are cut down, each with its version where the walk looks for it."""
        query: dict[str, Value] = {"page_size": self._page_size, "deleted": "true", "after": after}
        answer = await self._client.get(PATH, query, withhold=True)
        envelope = answer.value.get("version") if isinstance(answer.value, dict) else None
        return replace(answer, value={"data": self.gated(rows_of(answer.value, PATH)), "version": envelope})

    async def _by_key(self, key: str) -> list[Row]:
        if is_uuid(key):
            return await super()._by_key(key)
        found = await search(self._client, "sales", "invoice_number", key, withhold=True)
        return self.gated([row for row in found if str(row.get("invoice_number") or "") == key])
