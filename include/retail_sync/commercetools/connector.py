"""Everything one commercetools project offers, behind one open client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from retail_sync.commercetools.api.capabilities import CAPABILITIES
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.api.projections import KnownPrices
from retail_sync.commercetools.customers.adapter import CommercetoolsCustomers
from retail_sync.commercetools.events.adapter import CommercetoolsSubscriptions
from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.commercetools.orders.redact import EmailToken
from retail_sync.commercetools.prices.adapter import CommercetoolsPrices
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from retail_sync.transport.exchanges import NullSink
from retail_sync.transport.faces import Budget, ExchangeSink


@dataclass(frozen=True)
class CommercetoolsConnector:
    """See `retail_sync.records.ports.connector.Storefront`.

    `known_prices`: standalone prices that are known of SKUs. `email_token`: what an e-mail address is recognised by,
    where orders need it at all.
    """

    client: CommercetoolsClient
    settings: SyncSettings
    connection: CommercetoolsConnection
    known_prices: KnownPrices | None = None
    email_token: EmailToken | None = None

    @property
    def system(self) -> SystemName:
        return "commercetools"

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @cached_property
    def products(self) -> CommercetoolsProducts:
        return CommercetoolsProducts(self.client, self.settings)

    @cached_property
    def prices(self) -> CommercetoolsPrices:
        return CommercetoolsPrices(self.client, self.settings, known_prices=self.known_prices)

    @cached_property
    def inventory(self) -> CommercetoolsStock:
        return CommercetoolsStock(self.client, self.settings)

    @cached_property
    def customers(self) -> CommercetoolsCustomers:
        return CommercetoolsCustomers(self.client, self.settings)

    @cached_property
    def orders(self) -> CommercetoolsOrders:
        return CommercetoolsOrders(self.client, self.settings, email_token=self.email_token)

    @cached_property
    def events(self) -> CommercetoolsSubscriptions:
        return CommercetoolsSubscriptions(self.client, self.settings, self.connection)


@asynccontextmanager
async def open_connector(
    connection: CommercetoolsConnection,
    settings: SyncSettings,
    *,
    sink: ExchangeSink,
    budget: Budget,
    known_prices: KnownPrices | None = None,
    email_token: EmailToken | None = None,
) -> AsyncIterator[CommercetoolsConnector]:
    """The connector of a project, with an open client."""
    async with _client(connection, settings, sink, budget) as client:
        yield CommercetoolsConnector(client, settings, connection, known_prices, email_token)


def closed_connector(connection: CommercetoolsConnection, settings: SyncSettings) -> CommercetoolsConnector:
    """The connector of a project without a way to it, for mapping: nothing can be asked."""
    client = _client(connection, settings, NullSink(), Unlimited())
    return CommercetoolsConnector(client, settings, connection)


def _client(
    connection: CommercetoolsConnection, settings: SyncSettings, sink: ExchangeSink, budget: Budget
) -> CommercetoolsClient:
    return CommercetoolsClient(
        connection,
        settings.limits.commercetools,
        sink=sink,
        budget=budget,
        body_cap=settings.limits.body_bytes,
        private=settings.privacy.exclude.get("commercetools", ()),
    )
