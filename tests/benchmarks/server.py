"""Both stand-ins with a large shop, in a process of their own: their memory and their CPU are not those of a task.

`python -m tests.benchmarks.server 5000`. The first line on stdout is a JSON object with addresses, credentials and
settings; then every line on stdin is one order (`{"do": ...}`) and gets one line in answer. The end of stdin ends it.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from demo.sandbox import settings_of_shop
from sandbox.clock import Clock
from sandbox.commercetools import create_app as online_app
from sandbox.faults import Faults
from sandbox.lightspeed import create_app as till_app
from sandbox.server import SandboxServer
from sandbox.shop.config import default_config
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store
from tests.benchmarks.shop import large_shop

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Shops:
    """The two stores and what one may order of them."""

    def __init__(self, products: int) -> None:
        self.shop = large_shop(products)
        # Made an hour ago, so that the look back of a delta does not find the whole shop new.
        clock = Clock()
        clock.advance(hours=-1)
        self.online = new_commercetools_store(self.shop, clock=clock)
        clock.run()
        self.till = new_lightspeed_store(self.shop)
        self.till.options.rate_limit = False
        self.faults = {"commercetools": Faults(0), "lightspeed": Faults(0)}
        self.token = self.till.tokens.add_personal()

    def tally(self) -> dict[str, dict[str, int]]:
        return tallied(self.faults)

    def honour_tracking(self, on: bool) -> None:
        """Whether a creation takes `track_inventory`, so that no update has to follow it."""
        self.till.options.create_honours_track_inventory = on

    def edit(self, count: int) -> int:
        """Somebody gives one variant of each of `count` products, spread over the catalogue, another price."""
        every = max(1, len(self.shop.products) // count)
        edited = 0
        for product in self.shop.products[::every][:count]:
            found = self.online.get("products", key=product["key"])
            assert found is not None
            price = found["masterData"]["current"]["masterVariant"]["prices"][0]
            value = {**price["value"], "centAmount": price["value"]["centAmount"] + 100}
            draft = {"value": {k: value[k] for k in ("currencyCode", "centAmount")}, "country": "DE"}
            self.online.update(
                "products",
                [{"action": "changePrice", "priceId": price["id"], "price": draft, "staged": False}],
                key=product["key"],
            )
            edited += 1
        return edited

    def counts(self) -> dict[str, int]:
        return {"online": len(self.shop.products), "till": len(self.till.all_products())}


def tallied(all_faults: Mapping[str, Faults]) -> dict[str, dict[str, int]]:
    """Requests since the last tally, counted by method, path and status."""
    counted: dict[str, dict[str, int]] = {}
    for system, faults in all_faults.items():
        requests = faults.requests
        faults.clear_requests()
        kinds = Counter(f"{r.method} {_ID.sub('{id}', r.path)} {r.status}" for r in requests)
        counted[system] = dict(sorted(kinds.items()))
    return counted


def serve(places: Mapping[str, Any], orders: Mapping[str, Callable[..., Any]]) -> None:
    """Say where everything is, then do what is ordered until stdin ends."""
    print(json.dumps(places), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(orders[order.pop("do")](**order)), flush=True)


def main() -> None:
    shops = Shops(int(sys.argv[1]))
    online = SandboxServer(online_app(shops.online, shops.faults["commercetools"]))
    till = SandboxServer(till_app(shops.till, shops.faults["lightspeed"]))
    with online, till:
        places = {
            "commercetools": {"url": online.url, **shops.online.credentials()},
            "lightspeed": {"url": till.url, "token": shops.token},
            "settings": settings_of_shop(default_config(shops.shop), with_price_lists=False),
        }
        serve(places, {name: getattr(shops, name) for name in ("tally", "honour_tracking", "edit", "counts")})


if __name__ == "__main__":
    main()
