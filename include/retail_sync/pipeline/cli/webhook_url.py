"""Show the address that a push subscription or an event subscription is to deliver to:
`python -m retail_sync.pipeline.cli.webhook_url`.

It may hold a secret: it is shown to the person who asks, and written nowhere. Nobody needs to know the addresses of
Lightspeed's webhooks: `subscribe` registers them.
"""

from __future__ import annotations

import sys
from typing import Any

from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.pipeline.runtime.connectors import parsed_connection
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.settings.loader import load_settings
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import PubSubDestination, SqsDestination
from retail_sync.transport.derived import address_secret


def address_of(settings: SyncSettings, event_secret: str | None) -> str:
    """The address of the receiver for `realtime.commercetools.destination`. Raises ConfigurationFault where there is
    none."""
    given = settings.realtime
    if given.commercetools is None or isinstance(given.commercetools.destination, SqsDestination):
        raise ConfigurationFault(
            "Nothing is pushed to the receiver: realtime.commercetools has no destination that pushes.",
            remedy="Nothing for a queue, which `listen` empties; else set a destination (docs/realtime.md).",
        )
    destination = given.commercetools.destination
    sender = "pubsub" if isinstance(destination, PubSubDestination) else "eventgrid"
    purpose = f"{sender}/{given.tenant}"
    if isinstance(destination, PubSubDestination) and destination.audience is not None:
        return f"{given.receiver_url}/{purpose}"
    if event_secret is None:
        raise ConfigurationFault(
            "The address holds a secret, and the connection has none to make it from.",
            system="commercetools",
            remedy="Put any long random text into `event_secret` of the connection, then ask again.",
        )
    return f"{given.receiver_url}/{purpose}/{address_secret(event_secret, purpose)}"


def main() -> int:
    """Print the address."""
    try:
        settings = load_settings()
        connection = parsed_connection("commercetools", _connection(settings.connections.commercetools))
        assert isinstance(connection, CommercetoolsConnection)
        secret = connection.event_secret.get_secret_value() if connection.event_secret else None
        print(address_of(settings, secret))
    except SyncError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


def _connection(connection_id: str) -> Any:
    """A connection outside of any task: from the secrets backends, then from Airflow's metadata."""
    from airflow.models.connection import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get_connection_from_secrets(connection_id)
    except AirflowNotFoundException:
        raise ConfigurationFault(
            f"Airflow has no connection {connection_id!r}.", remedy="Create it in Admin, Connections."
        ) from None


if __name__ == "__main__":
    raise SystemExit(main())
