"""The table of price book entries, which can be asked for those of one product."""

from __future__ import annotations

from sandbox.lightspeed.models import PriceBookProduct
from sandbox.lightspeed.rows import Table, Ticker


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
