"""Everything one X-Series store offers, behind one open client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

import httpx

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.capabilities import CAPABILITIES
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.customers.adapter import XSeriesCustomers
from retail_sync.lightspeed.x_series.events.adapter import XSeriesWebhooks
from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.lightspeed.x_series.prices.adapter import XSeriesPrices
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from retail_sync.transport.exchanges import NullSink
from retail_sync.transport.faces import Budget, ExchangeSink, TokenStore


@dataclass(frozen=True)
class XSeriesConnector:
    """See `retail_sync.records.ports.connector.PointOfSale`."""

    client: XSeriesClient
    settings: SyncSettings
    connection: LightspeedConnection

    @property
    def system(self) -> SystemName:
        return "lightspeed"

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @cached_property
    def products(self) -> XSeriesProducts:
        return XSeriesProducts(self.client, self.settings)

    @cached_property
    def prices(self) -> XSeriesPrices:
        return XSeriesPrices(self.client, self.settings)

    @cached_property
    def inventory(self) -> XSeriesStock:
        return XSeriesStock(self.client, self.settings)

    @cached_property
    def customers(self) -> XSeriesCustomers:
        return XSeriesCustomers(self.client, self.settings)

    @cached_property
    def sales(self) -> XSeriesSales:
        return XSeriesSales(self.client, self.settings)

    @cached_property
    def events(self) -> XSeriesWebhooks:
        return XSeriesWebhooks(self.client, self.settings, self.connection)


@asynccontextmanager
async def open_connector(
    connection: LightspeedConnection,
    settings: SyncSettings,
    *,
    sink: ExchangeSink,
    budget: Budget,
    token_store: TokenStore | None = None,
) -> AsyncIterator[XSeriesConnector]:
    """The connector of a store, with an open client. `token_store`: where the tokens of an OAuth application are."""
    client = XSeriesClient(connection, settings, sink=sink, budget=budget, token_store=token_store)
    async with client:
        yield XSeriesConnector(client, settings, connection)


def closed_connector(connection: LightspeedConnection, settings: SyncSettings) -> XSeriesConnector:
    """The connector of a store without a way to it, for mapping: nothing can be asked, and no token is needed."""
    client = XSeriesClient(connection, settings, sink=NullSink(), budget=Unlimited(), auth=httpx.Auth())
    return XSeriesConnector(client, settings, connection)


async def store_name(
    connection: LightspeedConnection, settings: SyncSettings, *, sink: ExchangeSink, budget: Budget
) -> str | None:
    """What the store calls itself; None where it does not say. For trying out a connection."""
    async with XSeriesClient(connection, settings, sink=sink, budget=budget) as client:
        retailer = (await client.get("/retailer")).value
    data = retailer.get("data") if isinstance(retailer, dict) else None
    return data.get("retailer_name") or data.get("name") if isinstance(data, dict) else None
