"""Open a store: the one door to this room for those who do not care which series it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from include.lightspeed.connection import LightspeedConnection
from include.lightspeed.x_series.client import XSeriesClient
from include.lightspeed.x_series.products import XSeriesProducts
from include.settings.models import SyncSettings
from include.transport.faces import Budget, ExchangeSink, TokenStore


@asynccontextmanager
async def open_products(
    connection: LightspeedConnection,
    settings: SyncSettings,
    *,
    budget: Budget,
    sink: ExchangeSink,
    token_store: TokenStore | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[XSeriesProducts]:
    """The products of the store, with one HTTP client for as long as it is open. `token_store` is needed for OAuth."""
    client = XSeriesClient(
        connection, settings, budget=budget, sink=sink, token_store=token_store, transport=transport
    )
    async with client:
        yield XSeriesProducts(client, settings)
