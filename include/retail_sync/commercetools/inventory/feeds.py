"""The two feeds of stock: inventory entries, and the orders that hold goods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from retail_sync.commercetools.api import queries, windows
from retail_sync.commercetools.api.client import CommercetoolsClient, PageTooLarge
from retail_sync.commercetools.api.queries import Slice, moment, one_of, quoted
from retail_sync.commercetools.api.shapes import ENTRY, ORDER_OF_STOCK
from retail_sync.commercetools.inventory.read import trimmed_entry, trimmed_order
from retail_sync.records.checks import Shape
from retail_sync.records.ports.products import Asked, RawPage, Shown, Window
from retail_sync.records.rows import gated
from retail_sync.settings.models import SyncSettings

ENTRIES = "/inventory"
ORDERS = "/orders"
ORDER_STATES = ("Open", "Confirmed", "Complete", "Cancelled")
"""All states of an order (API reference, type OrderState)."""

ServerTime = Callable[[], Awaitable[datetime]]
Trimmed = Callable[[dict[str, Any]], dict[str, Any]]


class _ByTime:
    """What both feeds share: cursors are times of the server, windows end `trail_seconds` behind its clock."""

    def __init__(self, client: CommercetoolsClient, settings: SyncSettings, server_time: ServerTime) -> None:
        self._client = client
        self._settings = settings
        self._limits = settings.limits.commercetools
        self._server_time = server_time

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return windows.cursor_at(since, cursor)

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """Its upper end is the next cursor."""
        return windows.window_behind(await self._server_time(), self._limits, cursor, full=full)

    @property
    def most_asked(self) -> int:
        return self._limits.most_asked

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [Shown(str(row["id"]), row.get("version")) for row in rows]

    async def _together(
        self, path: str, ids: Sequence[str], trimmed: Trimmed, *, withhold: bool
    ) -> AsyncIterator[list[dict[str, Any]]]:
        for batch in queries.in_batches(ids):
            walk = queries.by_id(
                self._client,
                path,
                page_size=self._limits.page_size,
                where=[one_of("id", batch)],
                withhold=withhold,
            )
            async for part in walk:
                yield gated(part.rows, _SHAPES[trimmed], trimmed)

    async def _each(self, path: str, ids: Sequence[str], trimmed: Trimmed, *, withhold: bool) -> Asked:
        """One request for each; 404 says that there is none."""
        asked = await queries.asked(self._client, path, ids, withhold=withhold)
        return Asked(gated(asked.rows, _SHAPES[trimmed], trimmed), asked.gone)

    async def _searched(
        self, walks: Sequence[AsyncIterator[Slice]], trimmed: Trimmed
    ) -> AsyncIterator[RawPage]:
        """The pages of all walks; one empty page where there is nothing to walk."""
        async for part in queries.one_after_the_other(walks):
            yield _page(part, None, trimmed)
        if not walks:
            yield RawPage([], position="", cursor=None, last=True)


class EntryStream(_ByTime):
    """Inventory entries: all by id, or what changed by time."""

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """A full walk has its cursor at the end; a delta is in order of time."""
        walk = queries.in_window(
            self._client, ENTRIES, window, page_size=self._limits.page_size, position=position
        )
        async for part in walk:
            yield _page(part, _reached(part, window), trimmed_entry)

    def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """The entries of these SKUs as they are now. What was written to an entry directly shows at once; what orders
        do to it, up to ten seconds later."""
        size = self._limits.page_size
        return self._searched(
            [
                queries.by_id(self._client, ENTRIES, page_size=size, where=[one_of("sku", batch)])
                for batch in _batches(keys)
            ],
            trimmed_entry,
        )

    def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        return self._together(ENTRIES, ids, trimmed_entry, withhold=False)

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        return await self._each(ENTRIES, ids, trimmed_entry, withhold=False)


class OrderStream(_ByTime):
    """Orders, as far as stock is concerned.

    A reservation that shows in an entry has to find its order. So nothing is left out at the upper end: a walk reads
    whatever is there by now, and only its *cursor* stays behind the clock, so that the next delta looks again for
    orders that became visible late.

    * A delta takes every order that changed, in whatever state: that is how a cancellation is learned of.
    * A full read takes the orders that may hold goods: those in a state that holds them and not marked as exported, and
      all that changed so lately that a mark, or their end, may not have settled yet. Whatever of those that
      are known to hold goods it does not meet is asked for by its id.
      "Not marked" is a negation, which the API evaluates slowly. Where it gives up on it, the rest is read without that
      condition: more orders come, none is missed.
    * `inventory.orders_since`: orders placed before that day are in neither.

    Rows are cut down before they leave (`stock_rows`), and exchanges keep nothing of them: orders name people.
    """

    export_channel_id: str | None = None
    """Id of the channel of export marks, once it is known; None: the project has no such channel, nothing is marked."""

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        if window.lower is None:
            async for part in self._open(self._recent(window.upper), position):
                yield _page(part, _reached(part, window), trimmed_order)
            return
        delta = queries.by_time(
            self._client,
            ORDERS,
            lower=window.lower,
            upper=None,
            page_size=self._limits.page_size,
            where=self._placed_since,
            position=position,
            withhold=True,
        )
        async for part in delta:
            yield _page(part, _reached(part, window), trimmed_order)

    async def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """The orders that may hold goods of one of these SKUs now; the conditions are those of a full read."""
        batches = _batches(keys)
        recent = self._recent(moment(await self._server_time())) if batches else None
        walks = [self._open(recent, None, f"lineItems(variant({one_of('sku', batch)}))") for batch in batches]
        async for page in self._searched(walks, trimmed_order):
            yield page

    def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        """In whatever state: an order that a full read does not meet may have ended."""
        return self._together(ORDERS, ids, trimmed_order, withhold=True)

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        return await self._each(ORDERS, ids, trimmed_order, withhold=True)

    async def _open(self, recent: str | None, position: str | None, *tests: str) -> AsyncIterator[Slice]:
        """Orders that hold goods and are not marked as exported, and whatever changed lately: an order that was closed
        a moment ago may still be reserved in its entries."""
        closed = self._settings.inventory.order_states_closed
        states = [state for state in ORDER_STATES if state not in closed]
        lately = [f"lastModifiedAt >= {quoted(recent)}"] if recent else []
        holding = [one_of("orderState", states)] if states else []
        if not holding and not lately:
            yield Slice([], position or "", True)
            return
        plain = [*tests, *self._placed_since]
        if self.export_channel_id is not None and holding:
            unmarked = f"({holding[0]} and not(syncInfo(channel(id = {quoted(self.export_channel_id)}))))"
            try:
                async for part in self._by_id([*plain, _any_of([unmarked, *lately])], position):
                    yield part
                    position = part.position or position
            except PageTooLarge:
                pass
            else:
                return
        async for part in self._by_id([*plain, _any_of([*holding, *lately])], position):
            yield part

    def _by_id(self, where: Sequence[str], position: str | None) -> AsyncIterator[Slice]:
        return queries.by_id(
            self._client,
            ORDERS,
            page_size=self._limits.page_size,
            where=where,
            position=position,
            withhold=True,
        )

    def _recent(self, upper: str | None) -> str | None:
        """Since when an export mark, or the end of an order, may not have settled; generously: both may show late."""
        settles = self._settings.inventory.order_settles_seconds + self._limits.overlap_seconds
        return queries.shifted(upper, -settles) if upper else None

    @property
    def _placed_since(self) -> list[str]:
        since = self._settings.inventory.orders_since
        return [] if since is None else [f'createdAt >= "{since.isoformat()}T00:00:00.000Z"']


def _batches(keys: Sequence[str]) -> list[list[str]]:
    return queries.in_batches(key for key in keys if key)


def _any_of(tests: Sequence[str]) -> str:
    return f"({' or '.join(tests)})"


def _reached(part: Slice, window: Window) -> str | None:
    """The cursor after this page, never later than the window's upper end. None in a full walk until it ends."""
    if part.last:
        return window.upper
    if window.lower is None or not part.position or window.upper is None:
        return None
    return min(part.position.partition("|")[0], window.upper)


def _page(part: Slice, cursor: str | None, trimmed: Trimmed) -> RawPage:
    return RawPage(gated(part.rows, _SHAPES[trimmed], trimmed), part.position, cursor, part.last)


_SHAPES: Mapping[Trimmed, Shape] = {trimmed_entry: ENTRY, trimmed_order: ORDER_OF_STOCK}
