"""Both stand-ins with the stock of a large shop, first alignment done, in a process of their own (see `server`).

`python -m tests.benchmarks.stockserver 50000`. Every channel's entry shows what it has to, written straight into the
store: through the API that would be three requests an article.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.benchmarks.server import StandIns, an_hour_ago
from tests.benchmarks.stockshop import OUTLETS, figures, first_levels, settings_of, sku_of


class StockShops(StandIns):
    orders = ("articles", "sell", "pause", "apart")

    def __init__(self, articles: int) -> None:
        clock = an_hour_ago()
        super().__init__(CommercetoolsStore(clock=clock), LightspeedStore())
        self.levels = first_levels(articles)
        self._stock_the_till(articles)
        self._fill_channels()
        clock.run()

    def _stock_the_till(self, articles: int) -> None:
        till = self.till
        self.outlets = [till.add_outlet(name) for name in OUTLETS]
        for name, outlet in zip(OUTLETS, self.outlets, strict=True):
            till.add_register(f"Till of {name}", outlet)
        self.products = []
        for number in range(articles):
            levels = [
                {"outlet_id": outlet, "current_amount": int(level)}
                for outlet, level in zip(self.outlets, self.levels[number], strict=True)
            ]
            (product,) = till.add_product_family(
                f"Jacke Hochmoor {number}", sku=sku_of(number), price="49.00", inventory=levels
            )
            self.products.append(product)

    def _fill_channels(self) -> None:
        self.online.create("channels", {"key": "lightspeed", "roles": ["OrderExport"]})
        for channel, shown in figures(self.levels).items():
            made = self.online.create("channels", {"key": channel, "roles": ["InventorySupply"]})
            place = {"typeId": "channel", "id": made["id"]}
            for number, units in enumerate(shown.tolist()):
                self.online.insert(
                    "inventory",
                    {
                        "sku": sku_of(number),
                        "key": f"{sku_of(number)}_{channel}",
                        "supplyChannel": place,
                        "quantityOnStock": units,
                        "availableQuantity": units,
                    },
                )

    # --- orders ---

    def articles(self) -> list[str]:
        """Ids of all articles at the till, by number."""
        return self.products

    def sell(self, count: int) -> dict[str, int]:
        """One unit each of `count` articles, spread over the catalogue, at one outlet each where there is one left; how
        many figures each channel has to change."""
        before = figures(self.levels)
        chance = random.Random(count)
        sold = 0
        for number in chance.sample(range(len(self.products)), len(self.products)):
            outlet = chance.randrange(len(OUTLETS))
            if sold == count:
                break
            if self.levels[number, outlet] > 0:
                self.till.sell(self.outlets[outlet], [(self.products[number], 1)])
                self.levels[number, outlet] -= 1
                sold += 1
        after = figures(self.levels)
        return {channel: int((before[channel] != after[channel]).sum()) for channel in before}

    def pause(self) -> None:
        """A minute goes by, so that what was written is within reach of the next window."""
        self.online.clock.advance(minutes=1)

    def apart(self) -> int:
        """How many entries do not show what they have to."""
        ids = {row["id"]: row["key"] for row in self.online.all("channels")}
        shown = figures(self.levels)
        return sum(
            int(entry["availableQuantity"]) != int(shown[ids[entry["supplyChannel"]["id"]]][_number(entry)])
            for entry in self.online.all("inventory")
        )


def _number(entry: dict[str, Any]) -> int:
    return int(entry["sku"].partition("-")[2])


def main() -> None:
    size = int(sys.argv[1])
    StockShops(size).serve(settings_of(size))


if __name__ == "__main__":
    main()
