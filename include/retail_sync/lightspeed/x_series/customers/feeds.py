"""Customers as the store sends them: the version feed, single ones, and those that bear an identity.

Everything here is personal: of each request only its shape is kept, and of each row only what the configuration reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.paging import Row, search
from retail_sync.lightspeed.x_series.api.privacy import without_private
from retail_sync.lightspeed.x_series.api.row_shapes import CUSTOMER
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.lightspeed.x_series.customers.fields import Places
from retail_sync.records.identifiers import folded_key, is_uuid
from retail_sync.records.ports.products import RawPage
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.withholding import Withhold

PATH = "/customers"
SHAPE: Withhold = "shape"
"""What is kept of a request that speaks of people."""
BOTH_SPELLINGS_ASKED = True
"""Whether an e-mail address is searched as it is and in small letters. Whether capitals count in the index is not
documented."""


class CustomerStream(VersionFeed):
    """Customers by version. Keys are ids or customer codes."""

    entity = "customers"
    feed_name = "customer"
    path = PATH
    shape = CUSTOMER
    withhold = SHAPE

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self.places = Places.of_settings(settings)

    def kept(self, row: Mapping[str, Any]) -> Row:
        """Of a row what the configuration reads."""
        return without_private(
            {name: value for name, value in row.items() if name in self.places.kept}, self._private
        )

    async def fetch(self, ids: Collection[str], /) -> AsyncIterator[RawPage]:
        """These customers now, a page for each. Whether a deleted one is shown with its `deleted_at` or answered with
        404 is not documented: either proves that it is gone."""
        async for page in self._pages_of(list(ids), super()._by_key):
            yield page

    async def lookup(self, email: str, number: str, key: str) -> AsyncIterator[RawPage]:
        """Living customers that bear the address, the number or the key. The search runs on an index of which nobody
        says how far it lags behind: who was written a moment ago is found by `changed_since` only."""
        met: set[str] = set()
        for field, value in _questions(email, number, key):
            rows = [row for row in await self._bearers(field, value) if str(row.get("id")) not in met]
            met |= {str(row.get("id")) for row in rows}
            yield RawPage(self.gated(rows), position="", cursor=None, last=False)
        yield RawPage([], position="", cursor=None, last=True)

    async def _by_key(self, key: str) -> list[Row]:
        if is_uuid(key):
            return await super()._by_key(key)
        return self.gated(await self._bearers("customer_code", key))

    async def _bearers(self, field: str, value: str) -> list[Row]:
        """Living customers whose field has this value; what the index finds is compared."""
        found = await search(self._client, "customers", field, value, withhold=SHAPE)
        return [row for row in found if not row.get("deleted_at") and _bears(row, field, value)]


def _questions(email: str, number: str, key: str) -> list[tuple[str, str]]:
    spellings = (email, email.lower()) if BOTH_SPELLINGS_ASKED else (email,)
    return [
        *(("email", text) for text in dict.fromkeys(spellings) if text),
        *(("customer_code", text) for text in dict.fromkeys((number, key)) if text),
    ]


def _bears(row: Mapping[str, Any], field: str, value: str) -> bool:
    return folded_key(str(row.get(field) or "")) == folded_key(value)
