"""What happens to web orders: somebody orders once more, and somebody thinks better of it.

Sentences name orders by their numbers: nobody's name belongs on a screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from demo.shops import Row, Shops, answered

PIECES = 2


class OrderEdits:
    """Each edit is made over HTTP, and returns a sentence for a person."""

    def __init__(self, shops: Shops) -> None:
        self._shops = shops

    def online(self) -> list[str]:
        """Somebody orders what somebody ordered before; an order that is at the till already is cancelled."""
        orders = list(self._shops.all_online("orders"))
        exported = [
            one for one in orders if one.get("syncInfo") and one["orderState"] in ("Open", "Confirmed")
        ]
        return [*self._order(exported), *self._cancel(exported)]

    def _order(self, exported: list[Row]) -> Iterator[str]:
        line = next((line for one in exported for line in one["lineItems"] if _plain(line)), None)
        if line is None:
            return
        sku = line["variant"]["sku"]
        basket: dict[str, Any] = {"items": [{"sku": sku, "quantity": PIECES}], "number": "DEMO-1"}
        address = str(self._shops.online.base_url.join("/_admin/check-out"))
        answered(self._shops.online.post(address, json=basket))
        yield f"commercetools: order DEMO-1, {PIECES} of {sku}, paid by card"

    def _cancel(self, exported: list[Row]) -> Iterator[str]:
        found = next((one for one in exported if not one.get("returnInfo")), None)
        if found is None:
            return
        cancelled = {"action": "changeOrderState", "orderState": "Cancelled"}
        self._shops.update_online("orders", found, cancelled)
        number = found.get("orderNumber", found["id"])
        yield f"commercetools: order {number} is cancelled (expect its sale to be voided)"


def _plain(line: Row) -> bool:
    return bool(line["variant"].get("sku")) and line["quantity"] > 0 and "productId" in line
