"""What staff do in the stockroom: counts, orders, deliveries and transfers, each but a plain count a consignment."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import consignments, stock
from sandbox.lightspeed.consignment_rows import Consignment
from sandbox.lightspeed.numerals import Number
from sandbox.lightspeed.state import StoreState
from sandbox.locks import locked


class StockActions(StoreState):
    """Those that make a consignment answer its id."""

    @locked
    def set_stock(self, product_id: str, outlet_id: str, level: Number) -> None:
        """A count at an outlet."""
        line = {"outlet_id": outlet_id, "current_amount": Decimal(level)}
        stock.set_levels(self, self.products.rows[product_id], [line])

    @locked
    def transfer(self, product_id: str, from_outlet: str, to_outlet: str, quantity: Number) -> str:
        """Units go from one outlet to another, sent and received at once."""
        lines = [(product_id, quantity)]
        made = self._consignment("OUTLET", "Transfer", to_outlet, lines, source_outlet_id=from_outlet)
        for status in ("SENT", "RECEIVED"):
            consignments.update(self, made, {"status": status})
        return made.id

    @locked
    def order_from_supplier(
        self, outlet_id: str, lines: Iterable[tuple[str, Number]], due_at: str | None = None
    ) -> str:
        """Products and quantities are ordered, and the order is sent."""
        made = self._consignment("SUPPLIER", "Order", outlet_id, lines, due_at=due_at)
        consignments.update(self, made, {"status": "SENT"})
        return made.id

    @locked
    def receive_consignment(self, consignment_id: str) -> None:
        """What an order or a transfer announced arrives: all of it, unless it is said already how much did."""
        consignment = self.consignments.rows[consignment_id]
        for line in list(consignment.lines.values()):
            if line.received is None:
                arrived = {"product_id": line.product_id, "received": line.sent}
                consignments.put_line(self, consignment, arrived)
        consignments.update(self, consignment, {"status": "RECEIVED"})

    @locked
    def receive(self, product_id: str, outlet_id: str, quantity: Number) -> str:
        """A delivery, ordered and received."""
        ordered = self.order_from_supplier(outlet_id, [(product_id, quantity)])
        self.receive_consignment(ordered)
        return ordered

    @locked
    def count(self, product_id: str, outlet_id: str, level: Number) -> str:
        """A stocktake of one product sets its level, and is completed."""
        made = self._consignment("STOCKTAKE", "Count", outlet_id, [])
        expected = self.stock_level(product_id, outlet_id) or Decimal(0)
        line = {"product_id": product_id, "count": max(expected, Decimal(0)), "received": Decimal(level)}
        consignments.put_line(self, made, line)
        consignments.update(self, made, {"status": "STOCKTAKE_COMPLETE"})
        return made.id

    def _consignment(
        self, kind: str, name: str, outlet_id: str, lines: Iterable[tuple[str, Number]], **fields: Any
    ) -> Consignment:
        given = {"type": kind, "name": name, "outlet_id": outlet_id, **fields}
        made = consignments.create(self, given)
        for product_id, quantity in lines:
            line = {"product_id": product_id, "count": Decimal(quantity)}
            consignments.put_line(self, made, line, accumulate=True)
        return made
