"""The whole shop: its state, what people do in it, the webhooks that tell of it, and ways to look at it."""

from __future__ import annotations

from typing import Any

from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.shop_actions.customers import CustomerActions
from sandbox.lightspeed.shop_actions.products import ProductActions
from sandbox.lightspeed.shop_actions.sales import SaleActions
from sandbox.lightspeed.shop_actions.setup import SetUpActions
from sandbox.lightspeed.shop_actions.stock import StockActions
from sandbox.lightspeed.webhooks import Webhooks
from sandbox.lightspeed.wire import price_row_wire, product_wire
from sandbox.locks import locked


class LightspeedStore(SetUpActions, ProductActions, CustomerActions, SaleActions, StockActions):
    """One retailer. Hold `lock` for anything that spans several calls; every method takes it by itself."""

    def __init__(self, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(seed=seed, **settings)
        self.hooks = Webhooks(self, seed)
        self.hooks.watch()
        self.make_what_every_store_has()

    @locked
    def product(self, product_id: str) -> dict[str, Any]:
        """A product as the API prints it, deleted or not."""
        return product_wire(self, self.products.rows[product_id])

    @locked
    def all_products(self, deleted: bool = False) -> list[dict[str, Any]]:
        """All products as the API prints them, in the order of their versions."""
        return [product_wire(self, row) for row in self.products.all(deleted)]

    @locked
    def customer(self, customer_id: str) -> dict[str, Any]:
        """A customer as the API prints it, deleted or not."""
        return self.customers.rows[customer_id].wire()

    @locked
    def all_customers(self, deleted: bool = False) -> list[dict[str, Any]]:
        """All customers as the API prints them, in the order of their versions."""
        return [row.wire() for row in self.customers.all(deleted)]

    @locked
    def sale(self, sale_id: str) -> dict[str, Any]:
        """A sale as the API prints it, deleted or not."""
        return sale_wire(self, self.sales.rows[sale_id])

    @locked
    def all_sales(self, deleted: bool = False) -> list[dict[str, Any]]:
        """All sales as the API prints them, in the order of their versions."""
        return [sale_wire(self, row) for row in self.sales.all(deleted)]

    @locked
    def book_prices(self, book_id: str) -> list[dict[str, Any]]:
        """The entries of a price book as the API prints them, without tax, in the order of their versions."""
        return [price_row_wire(self, row) for row in self.price_book_products.of_book(book_id)]
