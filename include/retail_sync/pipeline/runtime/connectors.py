"""Both adapters from Airflow's connections, and the only place that knows which adapters there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, assert_never

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError, ErrorType
from airflow.sdk.log import mask_secret

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.customers.adapter import CommercetoolsCustomers
from retail_sync.commercetools.events.adapter import CommercetoolsSubscriptions
from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.commercetools.prices.adapter import CommercetoolsPrices
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.ledger.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection, from_airflow_fields
from retail_sync.lightspeed.x_series.api.client import WINDOW_SECONDS, XSeriesClient
from retail_sync.lightspeed.x_series.customers.adapter import XSeriesCustomers
from retail_sync.lightspeed.x_series.events.adapter import XSeriesWebhooks
from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.lightspeed.x_series.prices.adapter import XSeriesPrices
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.pipeline.runtime.secrets import token_key
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.customers import CustomerSystem
from retail_sync.records.ports.events import HookSystem
from retail_sync.records.ports.inventory import OnlineStock, TillStock
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.records.ports.products import ProductSystem, SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.prices.mirror import known_standalone
from retail_sync.transport.faces import ExchangeSink
from retail_sync.transport.redaction import tell_secrets_to


@dataclass(frozen=True)
class Access:
    """What a task needs to open a system: read from Airflow before any event loop runs, opened inside one."""

    connections: Mapping[SystemName, CommercetoolsConnection | LightspeedConnection]
    settings: SyncSettings
    ledger: Ledger

    @classmethod
    def of(cls, settings: SyncSettings, ledger: Ledger, *systems: SystemName) -> Access:
        """Access to these systems. Raises ConfigurationFault where a connection is missing or can't be right."""
        tell_secrets_to(mask_secret)
        return cls({system: connection_of(system, settings) for system in systems}, settings, ledger)

    @asynccontextmanager
    async def open(self, system: SystemName, sink: ExchangeSink) -> AsyncIterator[ProductSystem]:
        """The adapter for products of one system, with an open client."""
        connection = self.connections[system]
        if isinstance(connection, CommercetoolsConnection):
            async with self._commercetools(connection, sink) as client:
                yield CommercetoolsProducts(client, self.settings)
        elif isinstance(connection, LightspeedConnection):
            async with self._x_series(connection, sink) as x_series:
                yield XSeriesProducts(x_series, self.settings)
        else:
            assert_never(connection)

    @asynccontextmanager
    async def open_online_stock(self, sink: ExchangeSink) -> AsyncIterator[OnlineStock]:
        """The adapter for the stock of the system that sells online, with an open client."""
        connection = self.connections["commercetools"]
        assert isinstance(connection, CommercetoolsConnection)
        async with self._commercetools(connection, sink) as client:
            yield CommercetoolsStock(client, self.settings)

    @asynccontextmanager
    async def open_till_stock(self, sink: ExchangeSink) -> AsyncIterator[TillStock]:
        """The adapter for the stock of the system that counts it, with an open client."""
        connection = self.connections["lightspeed"]
        assert isinstance(connection, LightspeedConnection)
        async with self._x_series(connection, sink) as x_series:
            yield XSeriesStock(x_series, self.settings)

    @asynccontextmanager
    async def open_online_prices(self, sink: ExchangeSink) -> AsyncIterator[OnlinePrices]:
        """The adapter for the prices of the system that sells online, with an open client."""
        connection = self.connections["commercetools"]
        assert isinstance(connection, CommercetoolsConnection)
        async with self._commercetools(connection, sink) as client:
            known = partial(known_standalone, self.ledger)
            yield CommercetoolsPrices(client, self.settings, known_prices=known)

    @asynccontextmanager
    async def open_till_prices(self, sink: ExchangeSink) -> AsyncIterator[TillPrices]:
        """The adapter for the prices of the tills, with an open client."""
        connection = self.connections["lightspeed"]
        assert isinstance(connection, LightspeedConnection)
        async with self._x_series(connection, sink) as x_series:
            yield XSeriesPrices(x_series, self.settings)

    @asynccontextmanager
    async def open_customers(self, system: SystemName, sink: ExchangeSink) -> AsyncIterator[CustomerSystem]:
        """The adapter for the customers of one system, with an open client."""
        connection = self.connections[system]
        if isinstance(connection, CommercetoolsConnection):
            async with self._commercetools(connection, sink) as client:
                yield CommercetoolsCustomers(client, self.settings)
        elif isinstance(connection, LightspeedConnection):
            async with self._x_series(connection, sink) as x_series:
                yield XSeriesCustomers(x_series, self.settings)
        else:
            assert_never(connection)

    @asynccontextmanager
    async def open_online_orders(
        self, sink: ExchangeSink, email_token: Callable[[str], Sequence[str]] | None = None
    ) -> AsyncIterator[OnlineOrders]:
        """The adapter for orders of the system that sells online, with an open client. `email_token`: what an e-mail
        address is recognised by, where it is needed at all."""
        connection = self.connections["commercetools"]
        assert isinstance(connection, CommercetoolsConnection)
        async with self._commercetools(connection, sink) as client:
            yield CommercetoolsOrders(client, self.settings, email_token=email_token)

    @asynccontextmanager
    async def open_till_sales(self, sink: ExchangeSink) -> AsyncIterator[TillSales]:
        """The adapter for sales of the tills, with an open client."""
        connection = self.connections["lightspeed"]
        assert isinstance(connection, LightspeedConnection)
        async with self._x_series(connection, sink) as x_series:
            yield XSeriesSales(x_series, self.settings)

    @asynccontextmanager
    async def open_hooks(self, system: SystemName, sink: ExchangeSink) -> AsyncIterator[HookSystem]:
        """What one system tells of changes through, with an open client."""
        connection = self.connections[system]
        if isinstance(connection, CommercetoolsConnection):
            async with self._commercetools(connection, sink) as client:
                yield CommercetoolsSubscriptions(client, self.settings, connection)
        elif isinstance(connection, LightspeedConnection):
            async with self._x_series(connection, sink) as x_series:
                yield XSeriesWebhooks(x_series, self.settings, connection)
        else:
            assert_never(connection)

    def _commercetools(self, connection: CommercetoolsConnection, sink: ExchangeSink) -> CommercetoolsClient:
        # commercetools publishes no count of requests; the shared row only carries its orders to pause.
        return CommercetoolsClient(
            connection,
            self.settings.limits.commercetools,
            sink=sink,
            budget=self.ledger.budget("commercetools"),
            body_cap=self.settings.limits.body_bytes,
            private=self.settings.privacy.exclude.get("commercetools", ()),
        )

    def _x_series(self, connection: LightspeedConnection, sink: ExchangeSink) -> XSeriesClient:
        store = None if connection.personal_token else self.ledger.token_store(token_key())
        return XSeriesClient(
            connection,
            self.settings,
            sink=sink,
            budget=self.ledger.budget(
                "lightspeed",
                share=self.settings.limits.lightspeed.budget_share,
                window=timedelta(seconds=WINDOW_SECONDS),
            ),
            token_store=store,
        )


def connection_of(
    system: SystemName, settings: SyncSettings
) -> CommercetoolsConnection | LightspeedConnection:
    """What the Airflow connection of a system says, validated. Raises ConfigurationFault."""
    return parsed_connection(system, airflow_connection(getattr(settings.connections, system), system))


def parsed_connection(system: SystemName, found: Any) -> CommercetoolsConnection | LightspeedConnection:
    """An Airflow connection as the adapter's own, validated. Raises ConfigurationFault."""
    if system == "commercetools":
        return CommercetoolsConnection.from_airflow_fields(
            found.host, found.login, found.password, found.schema, _extra(found, system)
        )
    return from_airflow_fields(found.host, found.login, found.password, _extra(found, system))


def find_connection(connection_id: str) -> Any | None:
    """Airflow's connection of that id; None = there is none."""
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowRuntimeError as problem:
        if problem.error.error is not ErrorType.CONNECTION_NOT_FOUND:
            raise
    except AirflowNotFoundException:
        pass
    return None


def airflow_connection(connection_id: str, system: SystemName) -> Any:
    """Airflow's connection of that id. Raises ConfigurationFault where there is none."""
    found = find_connection(connection_id)
    if found is not None:
        return found
    raise ConfigurationFault(
        f"Airflow has no connection {connection_id!r}.",
        system=system,
        remedy=f"Create it in Admin, Connections (type {system}), or set AIRFLOW_CONN_{connection_id.upper()}; "
        "another id can be set in `connections` of the configuration file.",
    )


def _extra(found: Any, system: SystemName) -> dict[str, Any]:
    if not found.extra:
        return {}
    try:
        extra = found.extra_dejson
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationFault(
            f"The extra of the connection {found.conn_id!r} is not a JSON object.",
            system=system,
            remedy="Correct it in Admin, Connections.",
        )
    return extra
