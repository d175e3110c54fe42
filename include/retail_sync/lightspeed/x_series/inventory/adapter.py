"""`XSeriesStock`: the stock of an X-Series store behind `retail_sync.records.ports.inventory.TillStock`.

Costs in requests: a walk takes its pages and one empty page; `search` one a product; a batch of adjustments one;
buckets one and one empty page for each kind of open sale, three lists of consignments, and one for each of those.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.adapter import EntityAdapter
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.outlets import outlets_of, read_outlets
from retail_sync.lightspeed.x_series.api.wire import Outlet
from retail_sync.lightspeed.x_series.inventory import preflight as stock_preflight
from retail_sync.lightspeed.x_series.inventory.adjustments import Adjustments
from retail_sync.lightspeed.x_series.inventory.consignments import read_incoming
from retail_sync.lightspeed.x_series.inventory.feeds import LevelStream
from retail_sync.lightspeed.x_series.inventory.open_sales import read_held
from retail_sync.lightspeed.x_series.inventory.read import levels_table
from retail_sync.records.errors import RecordRejected
from retail_sync.records.inventory import BUCKET_COLUMNS, parts, stock_table
from retail_sync.records.ports.inventory import Adjusted, Adjustment, Buckets
from retail_sync.records.ports.products import RawPage
from retail_sync.settings.models import SyncSettings

HELD_COLUMNS = tuple(c for c in BUCKET_COLUMNS if c.name in ("product_id", "outlet_id", "quantity"))
INCOMING_COLUMNS = tuple(c for c in BUCKET_COLUMNS if c.name != "bucket")


@dataclass(frozen=True)
class StockReference:
    """What levels refer to: the live outlets of the store."""

    outlets: Sequence[Outlet]


class XSeriesStock(EntityAdapter[StockReference]):
    """Levels of one store."""

    records = "stock"
    reference_type = StockReference
    preflight = stock_preflight.check

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self.levels = LevelStream(client, settings)
        self._adjustments = Adjustments(
            client, settings.inventory.adjusting, settings.limits.lightspeed.page_size
        )

    async def prepare(self) -> None:
        """Read the outlets."""
        self.know(StockReference(await read_outlets(self._client)))

    @property
    def outlets(self) -> Mapping[str, str]:
        """Outlet ids by location name."""
        return outlets_of(self._settings, self.known.outlets)

    def to_levels(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return levels_table(rows)

    async def changed_since(self, cursor: str) -> RawPage:
        return await self.levels.changed_since(cursor)

    async def buckets(self, attributes: Collection[str], incoming: bool) -> Buckets:
        """What is on its way counts at the locations of `inventory.count_incoming` only."""
        held = await read_held(self._client, attributes)
        named = self._settings.inventory.count_incoming if incoming else ()
        outlets = self.outlets if named else {}
        wanted = {outlets[name] for name in named}
        return Buckets(
            held=stock_table(
                HELD_COLUMNS, [(*place, parts(quantity)) for place, quantity in sorted(held.items())]
            ),
            incoming=stock_table(INCOMING_COLUMNS, await read_incoming(self._client, wanted)),
        )

    async def adjust(self, adjustments: Sequence[Adjustment]) -> Adjusted:
        """Only levels of locations that somebody else counts are written: whoever planned it."""
        outlets = self.outlets
        ours = {outlets[place.name] for place in self._settings.locations if place.owner != "lightspeed"}
        ours -= {outlets[place.name] for place in self._settings.locations if place.owner == "lightspeed"}
        for adjustment in adjustments:
            if adjustment.outlet_id not in ours:
                raise RecordRejected(
                    f"Levels of outlet {adjustment.outlet_id} are counted by Lightspeed and not written.",
                    code="not_owned",
                    system=SYSTEM,
                    remedy="Nothing, if the till counts that stock; otherwise set the location's `owner`.",
                )
        return await self._adjustments.send(adjustments)

    async def adjusted_since(self, version: int) -> pd.DataFrame:
        return await self._adjustments.since(version)
