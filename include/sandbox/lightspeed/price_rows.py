"""The table of price book entries, which can be asked for those of one product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.lightspeed.models import PriceBookProduct
from sandbox.lightspeed.numerals import plain
from sandbox.lightspeed.prices import money
from sandbox.lightspeed.rows import Table, Ticker

if TYPE_CHECKING:
    from decimal import Decimal

    from sandbox.lightspeed.store import LightspeedStore


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


def price_row_wire(store: LightspeedStore, row: PriceBookProduct) -> dict[str, Any]:
    """An entry as the API prints it: always without tax."""
    return {
        "id": row.id,
        "product_id": row.product_id,
        "price_book_id": row.price_book_id,
        "price": money(store, row.price),
        "loyalty_value": _plain(row.loyalty_value),
        "tax_id": row.tax_id,
        "min_units": _plain(row.min_units),
        "max_units": _plain(row.max_units),
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }


def _plain(figure: Decimal | None) -> int | Decimal | None:
    return None if figure is None else plain(figure)
