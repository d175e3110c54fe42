"""Both stand-ins with a large shop, in a process of their own: their memory and their CPU are not those of a task.

`python -m tests.benchmarks.server 5000`. The first line on stdout is a JSON object with addresses, credentials and
settings; then every line on stdin is one order (`{"do": ...}`) and gets one line in answer. The end of stdin ends it.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from demo.sandbox import settings_of_shop
from sandbox.clock import Clock
from sandbox.commercetools import CommercetoolsStore
from sandbox.commercetools import create_app as online_app
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed import create_app as till_app
from sandbox.server import SandboxServer
from sandbox.shop.config import default_config
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store
from tests.benchmarks.shop import large_shop

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class StandIns:
    """Two stores, and what one may order of them: the methods that `orders` names."""

    orders: ClassVar[tuple[str, ...]] = ()

    def __init__(self, online: CommercetoolsStore, till: LightspeedStore) -> None:
        self.online, self.till = online, till
        till.options.rate_limit = False
        self.faults = {"commercetools": Faults(0), "lightspeed": Faults(0)}
        self.token = till.tokens.add_personal()

    def tally(self) -> dict[str, dict[str, int]]:
        """Requests since the last tally, counted by method, path and status."""
        counted: dict[str, dict[str, int]] = {}
        for system, faults in self.faults.items():
            requests = faults.requests
            faults.clear_requests()
            kinds = Counter(f"{r.method} {_ID.sub('{id}', r.path)} {r.status}" for r in requests)
            counted[system] = dict(sorted(kinds.items()))
        return counted

    def serve(self, settings: Mapping[str, Any]) -> None:
        """Say where everything is, then do what is ordered until stdin ends."""
        orders = {name: getattr(self, name) for name in ("tally", *self.orders)}
        online = SandboxServer(online_app(self.online, self.faults["commercetools"]))
        till = SandboxServer(till_app(self.till, self.faults["lightspeed"]))
        with online, till:
            places = {
                "commercetools": {"url": online.url, **self.online.credentials()},
                "lightspeed": {"url": till.url, "token": self.token},
                "settings": settings,
            }
            print(json.dumps(places), flush=True)
            for line in sys.stdin:
                order = json.loads(line)
                print(json.dumps(orders[order.pop("do")](**order)), flush=True)


def an_hour_ago() -> Clock:
    """What is made by it is not new to the look back of a delta; `run` lets it go on."""
    clock = Clock()
    clock.advance(hours=-1)
    return clock


class Shops(StandIns):
    orders = ("honour_tracking", "edit", "counts")

    def __init__(self, products: int) -> None:
        self.shop = large_shop(products)
        clock = an_hour_ago()
        online = new_commercetools_store(self.shop, clock=clock)
        clock.run()
        super().__init__(online, new_lightspeed_store(self.shop))

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


def main() -> None:
    shops = Shops(int(sys.argv[1]))
    shops.serve(settings_of_shop(default_config(shops.shop), with_price_lists=False))


if __name__ == "__main__":
    main()
