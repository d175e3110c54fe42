"""What happens to stock in a shop: a sale, a count, and the first count of a till that is new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from demo.shops import Row, Shops, answered

MOST_LEVELS = 10_000
SOLD = 2


class Shown(NamedTuple):
    """An article that lies in an outlet and is offered online from there."""

    product: Row
    outlet: str
    level: int


class StockEdits:
    """`channels`: by outlet, the key of the supply channel that shows its stock (None: the entries without channel).
    Each edit is made through the API of the till, and returns a sentence for a person."""

    def __init__(self, shops: Shops, channels: Mapping[str, str | None]) -> None:
        self._shops = shops
        self._channels = channels
        self._outlets = {row["name"]: row for row in shops.at_the_till("outlets")}

    def opening_count(self) -> list[str]:
        """Where no article has any stock at the till yet: count what commercetools shows."""
        if any(self._levels().values()):
            return []
        products = {row["sku"]: row for row in self._products()}
        shown = self._shown_online()
        done = []
        for channel in dict.fromkeys(self._channels.values()):
            outlet = next(name for name, key in self._channels.items() if key == channel)
            lines = {
                products[sku]["id"]: available
                for (sku, key), available in shown.items()
                if key == channel and available > 0 and sku in products
            }
            if lines:
                self._count(outlet, lines)
                done.append(
                    f"Lightspeed: a first count in {outlet} found {len(lines)} articles, {sum(lines.values())} pieces"
                )
        return done

    def at_the_till(self) -> list[str]:
        """Sell two pieces of an article, and count one piece more of another one, in another outlet if there is one."""
        offered = list(self.on_offer())
        if not offered:
            return []
        sold = offered[0]
        self.sell(sold, SOLD)
        done = [
            f"Lightspeed: {SOLD} of {sold.product['sku']} were sold in {sold.outlet}, {sold.level - SOLD} are left"
        ]
        others = [one for one in offered if one.product["id"] != sold.product["id"]]
        if others:
            counted = next((one for one in others if one.outlet != sold.outlet), others[0])
            self._count(counted.outlet, {counted.product["id"]: counted.level + 1})
            done.append(
                f"Lightspeed: a count in {counted.outlet} found {counted.level + 1} of {counted.product['sku']} "
                f"instead of {counted.level}"
            )
        return done

    def on_offer(self) -> Iterator[Shown]:
        """Articles that the till has and the storefront shows, an outlet each time."""
        levels, shown = self._levels(), self._shown_online()
        for product in self._products():
            for outlet, channel in self._channels.items():
                level = levels.get((product["id"], self._outlets[outlet]["id"]), 0)
                if level > SOLD and shown.get((product["sku"], channel), 0) > SOLD:
                    yield Shown(product, outlet, level)

    def _products(self) -> Iterator[Row]:
        for row in self._shops.at_the_till("products"):
            if row.get("sku") and row.get("active", True) and row.get("has_inventory", True):
                yield row

    def _levels(self) -> dict[tuple[str, str], int]:
        rows = answered(self._shops.till.post("/inventory_levels", json={"size": MOST_LEVELS}))
        return {
            (row["product_id"], row["location_id"]): int(row["current_inventory_level"] or 0) for row in rows
        }

    def _shown_online(self) -> dict[tuple[str, str | None], int]:
        keys = {row["id"]: row["key"] for row in self._shops.all_online("channels")}
        return {
            (row["sku"], keys.get(row.get("supplyChannel", {}).get("id"))): row["availableQuantity"]
            for row in self._shops.all_online("inventory")
        }

    def sell(self, one: Shown, quantity: int) -> None:
        """Somebody buys at the till, and pays."""
        outlet = self._outlets[one.outlet]
        register = next(
            row
            for row in self._shops.at_the_till("registers")
            if row["outlet_id"] == outlet["id"] and row["is_open"]
        )
        taxes: Any = one.product.get("outlet_taxes") or ()
        tax_id = next((row["tax_id"] for row in taxes if row["outlet_id"] == outlet["id"]), None)
        price, paid = one.product["price_excluding_tax"], one.product["price_including_tax"]
        sale = {
            "source": {
                "register_id": register["id"],
                "author_id": next(self._shops.at_the_till("users"))["id"],
            },
            "state": "closed",
            "line_items": [
                {
                    "product": {"id": one.product["id"]},
                    "quantity": quantity,
                    "pricing": {"price": price},
                    "tax": {"id": tax_id or outlet["default_tax_id"], "amount": paid - price},
                }
            ],
            "payments": [
                {
                    "type": {"config_id": next(self._shops.at_the_till("payment_types"))["id"]},
                    "amount": paid * quantity,
                }
            ],
        }
        answered(self._shops.till.post("/sales", json=sale))

    def _count(self, outlet: str, levels: Mapping[str, int]) -> None:
        """A stocktake, completed. `levels`: pieces found, by product id."""
        started = {"type": "STOCKTAKE", "name": f"Count {outlet}", "outlet_id": self._outlets[outlet]["id"]}
        count = answered(self._shops.till.post("/consignments", json=started))["data"]
        lines = [{"product_id": product, "count": 0, "received": level} for product, level in levels.items()]
        answered(self._shops.till.post(f"/consignments/{count['id']}/bulk", json=lines))
        closed = {**started, "status": "STOCKTAKE_COMPLETE"}
        answered(self._shops.till.put(f"/consignments/{count['id']}", json=closed))
