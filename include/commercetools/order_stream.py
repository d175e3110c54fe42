"""The feed of whole orders: what changed, by time, and single orders by number or id.

What was just placed is to be at the till soon, and what a window misses at its upper end is read by the next one: so
a walk reads whatever is there by now, and only its cursor stays behind the clock. Nothing of what is read is kept
with the exchanges, and rows are cut down before they leave (`order_trimming`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from include.commercetools import queries, windows
from include.commercetools.client import CommercetoolsClient
from include.commercetools.order_trimming import EmailToken, trimmed
from include.commercetools.privacy import PrivateFields
from include.commercetools.queries import Slice, in_batches, one_of
from include.commercetools.shapes import ORDER, PAYMENT
from include.records.face import Asked, RawPage, Shown, Window
from include.records.identifiers import is_uuid
from include.records.rows import gated, is_stub
from include.settings.models import SyncSettings

PATH = "/orders"
PAYMENTS = "/payments"
EXPANDED = [
    ("expand", "paymentInfo.payments[*]"),
    ("expand", "shippingInfo.shippingMethod"),
    ("expand", "shipping[*].shippingInfo.shippingMethod"),
]
"""References that come along whole: how it was paid, and the keys of the shipping methods (several where the
`shippingMode` is Multiple)."""


class OrderDocuments:
    """See `include.records.face.Stream`. Keys are order numbers and ids."""

    def __init__(
        self,
        client: CommercetoolsClient,
        settings: SyncSettings,
        server_time: Callable[[], Awaitable[datetime]],
        email_token: EmailToken | None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._limits = settings.limits.commercetools
        self._server_time = server_time
        self._email_token = email_token
        self._private = PrivateFields(settings.privacy.exclude.get("commercetools", ()))

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return windows.cursor_at(since, cursor)

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """Its upper end is the next cursor."""
        return windows.window_behind(await self._server_time(), self._limits, cursor, full=full)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """Orders placed since `orders.since`: all by id, or by time what changed since the window's lower end, and
        then those whose payments did."""
        since = self._settings.orders.since
        if since is None:
            yield RawPage([], position="", cursor=window.upper, last=True)
            return
        where = [f'createdAt >= "{since.isoformat()}T00:00:00.000Z"']
        size = self._limits.page_size
        if window.lower is None:
            walk = queries.by_id(
                self._client,
                PATH,
                page_size=size,
                where=where,
                params=EXPANDED,
                position=position,
                withhold=True,
            )
        else:
            walk = queries.by_time(
                self._client,
                PATH,
                lower=window.lower,
                upper=None,
                page_size=size,
                where=where,
                params=EXPANDED,
                position=position,
                withhold=True,
            )
        reached = position or ""
        async for part in walk:
            reached = part.position or reached
            yield self._page(part)
        if window.lower is not None:
            for batch in await self._paid_since(window.lower):
                async for part in self._found(*where, f"paymentInfo(payments({one_of('id', batch)}))"):
                    yield self._page(replace(part, position=reached))
        yield RawPage([], position=reached, cursor=window.upper, last=True)

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """These orders as they are now, by number or id, whenever they were placed."""
        ids = [key for key in keys if is_uuid(key)]
        walks = [
            self._found(one_of(field, batch))
            for field, named in (("id", ids), ("orderNumber", list(keys)))
            for batch in in_batches(named)
        ]
        async for part in queries.one_after_the_other(walks):
            yield self._page(part)
        yield RawPage([], position="", cursor=None, last=True)

    def fetch(self, ids: Collection[str]) -> AsyncIterator[RawPage]:
        """These orders as they are now, by id."""
        return queries.none_overlooked(ids, self.ask_together(list(ids)), self.ask_each)

    @property
    def most_asked(self) -> int:
        return self._limits.most_asked

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [Shown(str(row["id"]), row.get("version")) for row in rows]

    async def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        for batch in in_batches(ids):
            async for part in self._found(one_of("id", batch)):
                yield self._page(part).rows

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        """One request for each order; 404 says that there is none."""
        asked = await queries.asked(self._client, PATH, ids, EXPANDED, withhold=True)
        return Asked(self._page(Slice(asked.rows, "", last=True)).rows, asked.gone)

    async def _paid_since(self, lower: str) -> list[list[str]]:
        """Payments that changed, in batches: a payment is a resource of its own, and what is charged or refunded
        moves it alone, not the order it belongs to."""
        walk = queries.by_time(
            self._client,
            PAYMENTS,
            lower=lower,
            upper=None,
            page_size=self._limits.page_size,
            withhold=True,
        )
        return in_batches(
            [row["id"] async for part in walk for row in gated(part.rows, PAYMENT) if not is_stub(row)]
        )

    def _found(self, *where: str) -> AsyncIterator[Slice]:
        return queries.by_id(
            self._client,
            PATH,
            page_size=self._limits.page_size,
            where=where,
            params=EXPANDED,
            withhold=True,
        )

    def _page(self, part: Slice) -> RawPage:
        return RawPage(
            gated(part.rows, ORDER, self._trimmed), position=part.position, cursor=None, last=False
        )

    def _trimmed(self, row: dict[str, Any]) -> dict[str, Any]:
        # Before anything is made of it: an address that is private has no token either.
        self._private.remove([row])
        return trimmed(row, self._email_token)
