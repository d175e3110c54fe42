"""A few edits to a shop, made over HTTP on both sides as people would: what a delta then has to carry across."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from include.local.sandbox import Places

Product = dict[str, Any]


class Pair(NamedTuple):
    """The same product on both sides, as each API shows it."""

    online: Product
    till: Product


class ShopEdits:
    """Signs in to both stand-ins; each edit returns a sentence for a person."""

    def __init__(self, places: Places, *, locale: str, api_version: str = "2026-07") -> None:
        online, till = places.commercetools, places.lightspeed
        self._locale = locale
        self._online = httpx.Client(
            base_url=f"{online['url']}/{online['project_key']}", timeout=30, trust_env=False
        )
        self._till = httpx.Client(base_url=f"{till['url']}/api/{api_version}", timeout=30, trust_env=False)
        token = httpx.post(
            f"{online['auth_url']}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(online["client_id"], online["client_secret"]),
            timeout=30,
            trust_env=False,
        )
        self._online.headers["Authorization"] = f"Bearer {_answered(token)['access_token']}"
        self._till.headers["Authorization"] = f"Bearer {till['token']}"

    def close(self) -> None:
        self._online.close()
        self._till.close()

    def on_both_sides(self) -> list[str]:
        """Rename one product and raise a price online; rename another and change what it costs at the till.

        Only products that both sides have are touched, a different one each time. An edit the shop has no product
        for (no prices, no suppliers) is left out.
        """
        left = list(self._shared_products())
        done = []
        for edit, possible in (
            (self._rename_online, lambda pair: True),
            (self._raise_price_online, lambda pair: bool(pair.online["masterVariant"].get("prices"))),
            (self._rename_at_the_till, lambda pair: True),
            (self._change_cost_at_the_till, lambda pair: bool(pair.till.get("product_suppliers"))),
        ):
            chosen = next(filter(possible, left), None)
            if chosen is not None:
                left.remove(chosen)
                done.append(edit(chosen))
        return done

    def _shared_products(self) -> Iterator[Pair]:
        at_the_till = {
            row["sku"]: row for row in self._all_at_the_till() if row.get("sku") and row.get("active", True)
        }
        for product in self._all_online():
            partner = at_the_till.get(product["masterVariant"].get("sku"))
            if partner is not None:
                yield Pair(product, partner)

    def _all_online(self) -> list[Product]:
        query: dict[str, str | int] = {"limit": 200, "sort": "id asc", "staged": "false"}
        return list(_answered(self._online.get("/product-projections", params=query))["results"])

    def _all_at_the_till(self) -> Iterator[Product]:
        after = 0
        while rows := _answered(self._till.get("/products", params={"after": after, "page_size": 500}))[
            "data"
        ]:
            yield from rows
            after = max(row["version"] for row in rows)

    def _rename_online(self, pair: Pair) -> str:
        product = pair.online
        name = product["name"].get(self._locale) or next(iter(product["name"].values()))
        new = f"{name} (new edition)"
        self._update_online(product, {"action": "changeName", "name": {**product["name"], self._locale: new}})
        return f"commercetools: {name!r} is now {new!r}"

    def _raise_price_online(self, pair: Pair) -> str:
        product = pair.online
        price = product["masterVariant"]["prices"][0]
        value = {
            "currencyCode": price["value"]["currencyCode"],
            "centAmount": price["value"]["centAmount"] + 100,
        }
        draft = {key: price[key] for key in ("country", "customerGroup", "channel") if key in price}
        self._update_online(
            product, {"action": "changePrice", "priceId": price["id"], "price": {**draft, "value": value}}
        )
        return f"commercetools: {product['masterVariant']['sku']} costs {value['centAmount']} cents now (100 more)"

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

    def _update_online(self, product: Product, action: Mapping[str, Any]) -> None:
        body = {"version": product["version"], "actions": [{**action, "staged": False}]}
        _answered(self._online.post(f"/products/{product['id']}", json=body))

    def _update_at_the_till(self, product: Product, body: Mapping[str, Any]) -> None:
        _answered(self._till.put(f"/products/{product['id']}", json=body), empty_allowed=True)


def _answered(answer: httpx.Response, *, empty_allowed: bool = False) -> Any:
    if answer.is_error:
        raise RuntimeError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}"
        )
    return None if empty_allowed and not answer.content else answer.json()
