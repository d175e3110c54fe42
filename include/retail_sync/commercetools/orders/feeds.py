"""The feed of whole orders: what changed, by time, and single orders by number or id.

What was just placed is to be at the till soon, and what a window misses at its upper end is read by the next one: so
a walk reads whatever is there by now, and only its cursor stays behind the clock. Nothing of what is read is kept
with the exchanges, and rows are cut down before they leave (`redact`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from retail_sync.commercetools.api.adapters import CollectionFeed
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.privacy import PrivateFields
from retail_sync.commercetools.api.queries import Query, in_batches, one_of
from retail_sync.commercetools.api.shapes import ORDER, PAYMENT
from retail_sync.commercetools.orders.redact import EmailToken, trimmed
from retail_sync.records.identifiers import is_uuid
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.records.rows import gated, is_stub
from retail_sync.settings.models import SyncSettings

PATH = "/orders"
EXPANDED = (
    ("expand", "paymentInfo.payments[*]"),
    ("expand", "shippingInfo.shippingMethod"),
    ("expand", "shipping[*].shippingInfo.shippingMethod"),
)
"""References that come along whole: how it was paid, and the keys of the shipping methods (several where the
`shippingMode` is Multiple)."""


class OrderDocuments(CollectionFeed):
    """See `retail_sync.records.ports.products.Stream`. Keys are order numbers and ids. `email_token`: what an e-mail
    address is recognised by; None: it is not looked at."""

    path = PATH
    shape = ORDER
    params = EXPANDED
    withhold = True

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, email_token: EmailToken | None
    ) -> None:
        super().__init__(client, settings)
        self._email_token = email_token
        self._private = PrivateFields(settings.privacy.exclude.get("commercetools", ()))

    def _trimmed(self, row: dict[str, Any]) -> dict[str, Any]:
        # Before anything is made of it: an address that is private has no token either.
        self._private.remove([row])
        return trimmed(row, self._email_token)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """Orders placed since `orders.since`: all by id, or by time what changed since the window's lower end, and
        then those whose payments did. The cursor comes at the very end."""
        since = self._settings.orders.since
        if since is None:
            yield RawPage([], position="", cursor=window.upper, last=True)
            return
        where = [f'createdAt >= "{since.isoformat()}T00:00:00.000Z"']
        if window.lower is None:
            walk = self._rows.by_id(*where, position=position)
        else:
            walk = self._rows.by_time(window.lower, None, *where, position=position)
        reached = position or ""
        async for part in walk:
            reached = part.position or reached
            yield self._page(replace(part, last=False))
        if window.lower is not None:
            for batch in await self._paid_since(window.lower):
                async for part in self._rows.by_id(*where, f"paymentInfo(payments({one_of('id', batch)}))"):
                    yield self._page(replace(part, position=reached, last=False))
        yield RawPage([], position=reached, cursor=window.upper, last=True)

    def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """These orders as they are now, by number or id, whenever they were placed."""
        ids = [key for key in keys if is_uuid(key)]
        return self._pages(
            [
                self._rows.by_id(one_of(field, batch))
                for field, named in (("id", ids), ("orderNumber", list(keys)))
                for batch in in_batches(named)
            ]
        )

    async def _paid_since(self, lower: str) -> list[list[str]]:
        """Payments that changed, in batches: a payment is a resource of its own, and what is charged or refunded
        moves it alone, not the order it belongs to."""
        payments = Query(self._client, "/payments", self._limits.page_size, withhold=True)
        walk = payments.by_time(lower, None)
        return in_batches(
            [row["id"] async for part in walk for row in gated(part.rows, PAYMENT) if not is_stub(row)]
        )
