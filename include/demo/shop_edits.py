"""A few edits to a shop, made over HTTP on both sides as people would: what a delta then has to carry across."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.shops import Pair, Row, Shops, answered


class ShopEdits:
    """Edits of products; each returns a sentence for a person."""

    def __init__(self, shops: Shops, *, locale: str) -> None:
        self._shops = shops
        self._locale = locale

    def on_both_sides(self) -> list[str]:
        """Rename one product online and one at the till, and change what a third one costs the shop.

        Only products that both sides have are touched, a different one each time. An edit the shop has no product
        for (no suppliers) is left out.
        """
        left = list(self._shops.shared_products())
        done = []
        for edit, possible in (
            (self._rename_online, lambda pair: True),
            (self._rename_at_the_till, lambda pair: True),
            (self._change_cost_at_the_till, lambda pair: bool(pair.till.get("product_suppliers"))),
        ):
            chosen = next(filter(possible, left), None)
            if chosen is not None:
                left.remove(chosen)
                done.append(edit(chosen))
        return done

    def _rename_online(self, pair: Pair) -> str:
        product = pair.online
        name = product["name"].get(self._locale) or next(iter(product["name"].values()))
        new = f"{name} (new edition)"
        names = {**product["name"], self._locale: new}
        self._shops.update_online(
            "products", product, {"action": "changeName", "name": names, "staged": False}
        )
        return f"commercetools: {name!r} is now {new!r}"

    def _rename_at_the_till(self, pair: Pair) -> str:
        product = pair.till
        new = f"{product['name']} (till)"
        self._update_at_the_till(product, {"common": {"name": new}})
        return (
            f"Lightspeed: {product['name']!r} is now {new!r} (names belong to commercetools: expect it back)"
        )

    def _change_cost_at_the_till(self, pair: Pair) -> str:
        product = pair.till
        suppliers = [
            {key: entry[key] for key in ("supplier_id", "code", "price") if entry.get(key) is not None}
            for entry in product["product_suppliers"]
        ]
        suppliers[0]["price"] = 12
        self._update_at_the_till(product, {"details": {"product_suppliers": suppliers}})
        return f"Lightspeed: {product['sku']} is bought for 12.00 now"

    def _update_at_the_till(self, product: Row, body: Mapping[str, Any]) -> None:
        answered(self._shops.till.put(f"/products/{product['id']}", json=body), empty_allowed=True)
