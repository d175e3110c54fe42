"""A simulated till that sells, and a stopwatch on the storefront: how long until it shows what was sold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from demo.shops import Row, Shops, answered
from demo.stock_edits import Shown, StockEdits

LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Followed:
    """One piece sold, and what the storefront showed before and `seconds` later; None = it never followed."""

    sku: str
    outlet: str
    before: int
    after: int
    seconds: float | None


class Storefront:
    """Entries as a shopper's page would read them."""

    def __init__(self, shops: Shops, channels: Mapping[str, str | None]) -> None:
        """`channels`: by outlet, the key of the supply channel that shows its stock (None: the entries without
        channel)."""
        self._shops = shops
        self._channels = channels
        self._ids = {row["key"]: row["id"] for row in shops.all_online("channels")}

    def shows(self, sku: str, outlet: str) -> int:
        """What the entry of this SKU shows as available where the stock of an outlet is shown."""
        channel = self._channels[outlet]
        query = {"where": "sku = :sku and supplyChannel is not defined", "var.sku": sku}
        if channel is not None:
            query = {
                "where": "sku = :sku and supplyChannel(id = :channel)",
                "var.sku": sku,
                "var.channel": self._ids[channel],
            }
        rows: list[Row] = answered(self._shops.online.get("/inventory", params=query))["results"]
        return int(rows[0]["availableQuantity"])

    def wait_for(self, sku: str, outlet: str, quantity: int, *, patience: float) -> float | None:
        """Seconds until it shows `quantity`; None if it does not within `patience` seconds."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < patience:
            if self.shows(sku, outlet) == quantity:
                return waited
            time.sleep(LOOK_SECONDS)
        return None


def sell_and_watch(
    edits: StockEdits, front: Storefront, times: int, *, patience: float = 60.0, apart: float = 0.0
) -> Iterator[Followed]:
    """Sell a piece, wait for the storefront, and again; another article each time, as long as there are. `apart`:
    seconds of rest between a storefront that followed and the next sale."""
    for one in _different(edits.on_offer())[:times]:
        sku = str(one.product["sku"])
        before = front.shows(sku, one.outlet)
        edits.sell(one, 1)
        seconds = front.wait_for(sku, one.outlet, before - 1, patience=patience)
        yield Followed(sku, one.outlet, before, front.shows(sku, one.outlet), seconds)
        time.sleep(apart)


def _different(offered: Iterator[Shown]) -> Sequence[Shown]:
    return list({str(one.product["sku"]): one for one in offered}.values())
