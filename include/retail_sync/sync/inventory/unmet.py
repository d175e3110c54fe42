"""How the ledger keeps what the feeds of stock show, for asking after what a complete read did not show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from retail_sync.ledger.inventory import StockTable, product_of_level
from retail_sync.ledger.ledger import Ledger
from retail_sync.sync.engine.absence import Asking, Kept, Met
from retail_sync.sync.inventory.feeds import ENTITY, ENTRIES, LEVELS, ORDERS


@dataclass(frozen=True)
class StockKept(Kept):
    """Rows of a table of its own. Only what a complete read did not show is asked for: orders that hold nothing any
    more are in none. `outlets`: of levels, those that count; None = no matter. A location that is given up takes a
    level of every product along, and nobody asks a store product by product for what no figure needs."""

    table: StockTable = "stock_entries"
    feed: str = ENTRIES
    outlets: frozenset[str] | None = None

    def unmet(self, ledger: Ledger, asking: Asking, met: Met, began: datetime) -> set[str]:
        if not asking.complete:
            return set()
        found = ledger.stock.unmet(self.table, met.ids, began, outlets=self.outlets)
        addresses = self.addresses(ledger, found)
        return {one for one in found if not {one, addresses[one]} & met.unread}

    def revived(self, ledger: Ledger, met: Met) -> set[str]:
        return set()

    def addresses(self, ledger: Ledger, ids: Iterable[str]) -> dict[str, str]:
        return {one: product_of_level(one) if self.by_parent else one for one in ids}


_KEPT = {
    ENTRIES: StockKept(ENTITY, "entry", ENTRIES, may_be_empty=True),
    ORDERS: StockKept(ENTITY, "order", ENTRIES, may_be_empty=True, table="stock_orders", feed=ORDERS),
    LEVELS: StockKept(ENTITY, "level", LEVELS, by_parent=True, table="stock_levels", feed=LEVELS),
}
"""By feed."""


def kept(name: str, outlets: Iterable[str] = ()) -> StockKept:
    """How the rows of a feed are kept. `outlets`: ids of those that the configuration names, for levels."""
    found = _KEPT[name]
    return replace(found, outlets=frozenset(outlets)) if name == LEVELS else found
