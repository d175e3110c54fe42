"""Both connectors from Airflow's connections, and the only place that knows which adapters there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError, ErrorType
from airflow.sdk.log import mask_secret

from retail_sync.commercetools import connector as commercetools
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.ledger.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection, from_airflow_fields
from retail_sync.lightspeed.series import series_of
from retail_sync.pipeline.runtime.secrets import token_key
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.connector import Connector, PointOfSale, Storefront
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.prices.mirror import known_standalone
from retail_sync.transport.redaction import tell_secrets_to


@dataclass(frozen=True)
class Access:
    """What a task needs to open systems: read from Airflow before any event loop runs, opened inside one. `run_id`,
    `task`: under which API calls are logged."""

    connections: Mapping[SystemName, CommercetoolsConnection | LightspeedConnection]
    settings: SyncSettings
    ledger: Ledger
    run_id: str | None
    task: str

    @classmethod
    def of(
        cls, settings: SyncSettings, ledger: Ledger, *systems: SystemName, run_id: str | None, task: str
    ) -> Access:
        """Access to these systems. Raises ConfigurationFault where a connection is missing or can't be right."""
        tell_secrets_to(mask_secret)
        connections = {system: connection_of(system, settings) for system in systems}
        return cls(connections, settings, ledger, run_id, task)

    @property
    def systems(self) -> tuple[SystemName, ...]:
        return tuple(self.connections)

    def connector(self, system: SystemName) -> AbstractAsyncContextManager[Connector]:
        """What one system offers, open."""
        return self.storefront() if system == "commercetools" else self.point_of_sale()

    @asynccontextmanager
    async def storefront(
        self, email_token: Callable[[str], Sequence[str]] | None = None
    ) -> AsyncIterator[Storefront]:
        """What the system that sells online offers, open. `email_token`: what an e-mail address is recognised by, where
        orders need it at all."""
        connection = self.connections["commercetools"]
        assert isinstance(connection, CommercetoolsConnection)
        with self.ledger.exchange_sink(self.run_id, self.task) as sink:
            opened = commercetools.open_connector(
                connection,
                self.settings,
                sink=sink,
                # commercetools publishes no count of requests; the shared row only carries its orders to pause.
                budget=self.ledger.budget("commercetools"),
                known_prices=partial(known_standalone, self.ledger),
                email_token=email_token,
            )
            async with opened as connector:
                yield connector

    def closed_storefront(self) -> Storefront:
        """What the system that sells online offers without a way to it, for mapping."""
        connection = self.connections["commercetools"]
        assert isinstance(connection, CommercetoolsConnection)
        return commercetools.closed_connector(connection, self.settings)

    def closed_point_of_sale(self) -> PointOfSale:
        """What the system that sells in stores offers without a way to it, for mapping."""
        connection = self.connections["lightspeed"]
        assert isinstance(connection, LightspeedConnection)
        return series_of(connection).closed_connector(connection, self.settings)

    @asynccontextmanager
    async def point_of_sale(self) -> AsyncIterator[PointOfSale]:
        """What the system that sells in stores offers, open."""
        connection = self.connections["lightspeed"]
        assert isinstance(connection, LightspeedConnection)
        series = series_of(connection)
        with self.ledger.exchange_sink(self.run_id, self.task) as sink:
            opened = series.open_connector(
                connection,
                self.settings,
                sink=sink,
                budget=self.ledger.budget(
                    "lightspeed",
                    share=self.settings.limits.lightspeed.budget_share,
                    window=series.budget_window,
                ),
                token_store=None if connection.personal_token else self.ledger.token_store(token_key()),
            )
            async with opened as connector:
                yield connector


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
