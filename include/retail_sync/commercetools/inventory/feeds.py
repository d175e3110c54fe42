"""The two feeds of stock: inventory entries, and the orders that hold goods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.adapters import CollectionFeed
from retail_sync.commercetools.api.channels import Channels
from retail_sync.commercetools.api.client import CommercetoolsClient, PageTooLarge
from retail_sync.commercetools.api.queries import Slice, moment, one_of, quoted
from retail_sync.commercetools.api.shapes import ENTRY, ORDER_OF_STOCK
from retail_sync.commercetools.inventory.read import trimmed_entry, trimmed_order
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.settings.models import SyncSettings

ORDER_STATES = ("Open", "Confirmed", "Complete", "Cancelled")
"""All states of an order (API reference, type OrderState)."""


class EntryStream(CollectionFeed):
    """Inventory entries: all by id, or what changed by time."""

    path = "/inventory"
    shape = ENTRY

    def _trimmed(self, row: dict[str, Any]) -> dict[str, Any]:
        return trimmed_entry(row)

    def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """The entries of these SKUs as they are now. What was written to an entry directly shows at once; what orders
        do to it, up to ten seconds later."""
        return self._pages([self._rows.by_id(one_of("sku", batch)) for batch in _batches(keys)])


class OrderStream(CollectionFeed):
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

    Rows are cut down before they leave (`read`), and exchanges keep nothing of them: orders name people.
    """

    path = "/orders"
    shape = ORDER_OF_STOCK
    withhold = True

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, channels: Callable[[], Channels]
    ) -> None:
        super().__init__(client, settings)
        self._channels = channels

    def _trimmed(self, row: dict[str, Any]) -> dict[str, Any]:
        return trimmed_order(row)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        if window.lower is None:
            walk = self._open(self._recent(window.upper), position)
        else:
            walk = self._rows.by_time(window.lower, None, *self._placed_since, position=position)
        async for part in walk:
            yield self._page(part, window)

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """The orders that may hold goods of one of these SKUs now; the conditions are those of a full read."""
        batches = _batches(keys)
        recent = self._recent(moment(await self.server_time())) if batches else None
        walks = [self._open(recent, None, f"lineItems(variant({one_of('sku', batch)}))") for batch in batches]
        async for page in self._pages(walks):
            yield page

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
        exported = self._channels().id_of(self._settings.inventory.export_channel)
        if exported is not None and holding:
            unmarked = f"({holding[0]} and not(syncInfo(channel(id = {quoted(exported)}))))"
            try:
                async for part in self._rows.by_id(*plain, _any_of([unmarked, *lately]), position=position):
                    yield part
                    position = part.position or position
            except PageTooLarge:
                pass
            else:
                return
        async for part in self._rows.by_id(*plain, _any_of([*holding, *lately]), position=position):
            yield part

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
