"""The series of Lightspeed Retail, and the one door to each: nothing outside this package names one.

A series is a package with a `connector` module of the same face. What has to be known of a store before it is open is
here, as data.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Protocol

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.versions import Series
from retail_sync.lightspeed.x_series import connector as x_series
from retail_sync.lightspeed.x_series.api.client import WINDOW_SECONDS
from retail_sync.records.ports.connector import PointOfSale
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.faces import Budget, ExchangeSink, TokenStore


class OpenConnector(Protocol):
    def __call__(
        self,
        connection: LightspeedConnection,
        settings: SyncSettings,
        *,
        sink: ExchangeSink,
        budget: Budget,
        token_store: TokenStore | None = None,
    ) -> AbstractAsyncContextManager[PointOfSale]: ...


class StoreName(Protocol):
    async def __call__(
        self,
        connection: LightspeedConnection,
        settings: SyncSettings,
        *,
        sink: ExchangeSink,
        budget: Budget,
    ) -> str | None: ...


@dataclass(frozen=True)
class SeriesOfStores:
    """`budget_window`: the time over which the store counts requests. `open_connector`: the connector of a store, with
    an open client; `closed_connector`: one without a way to the store, for mapping. `store_name`: what a store calls
    itself, for trying out a connection."""

    budget_window: timedelta
    open_connector: OpenConnector
    closed_connector: Callable[[LightspeedConnection, SyncSettings], PointOfSale]
    store_name: StoreName


SERIES = MappingProxyType[Series, SeriesOfStores](
    {
        "x": SeriesOfStores(
            timedelta(seconds=WINDOW_SECONDS),
            x_series.open_connector,
            x_series.closed_connector,
            x_series.store_name,
        )
    }
)


def series_of(connection: LightspeedConnection) -> SeriesOfStores:
    """The series of a store; a connection of one that is not there can't be made."""
    return SERIES[connection.series]
