"""The receiver as Airflow's API server mounts it: settings, secrets, inbox and doorbells behind its ports."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from retail_sync.pipeline.web.doorbells import Ringer, ring_doorbells
from retail_sync.pipeline.web.lazy_app import App, Remembered, said

log = logging.getLogger(__name__)


def open_receiver() -> App:
    """The receiver with this Airflow's connections, ledger and doorbells. Raises ConfigurationFault."""
    from retail_sync.ledger.ledger import Ledger
    from retail_sync.ledger.limits import SERVING
    from retail_sync.pipeline.runtime import inbox as hearing
    from retail_sync.records.events import Hint
    from retail_sync.settings.loader import load_settings
    from retail_sync.webhooks.app import receiver_app
    from retail_sync.webhooks.ports import Kept, Ports

    ledger = Ledger.open(limits=SERVING)
    settings = Remembered(load_settings)
    ringer = Ringer(ring_doorbells, ledger.inbox.waiting)

    def kept(hints: Sequence[Hint]) -> Kept:
        return hearing.keep(ledger.inbox, settings(), hints)

    ringer.start()
    app: App = receiver_app(
        Ports(
            settings=settings, secrets=Remembered(lambda: _secrets(settings())), keep=kept, ring=ringer.ring
        )
    )
    return app


def _secrets(settings: Any) -> Any:
    """What authenticates senders, from Airflow's connections. A connection that is missing or can't be right gives no
    secret, so that nothing of its system is believed; the other system's is."""
    from retail_sync.commercetools.api.connection import CommercetoolsConnection
    from retail_sync.lightspeed.connection import LightspeedConnection
    from retail_sync.lightspeed.versions import DEFAULT_SERIES
    from retail_sync.pipeline.runtime.connectors import parsed_connection
    from retail_sync.webhooks.ports import ReceiverSecrets

    found: dict[str, Any] = {}
    for system in ("commercetools", "lightspeed"):
        try:
            connection = _connection(getattr(settings.connections, system))
            found[system] = parsed_connection(system, connection)
        except Exception as problem:
            log.warning("Events of %s are refused: %s", system, said(problem))
    online, till = found.get("commercetools"), found.get("lightspeed")
    assert online is None or isinstance(online, CommercetoolsConnection)
    assert till is None or isinstance(till, LightspeedConnection)
    return ReceiverSecrets(
        # A store that is not known is answered as one whose secret is not: its address is right.
        lightspeed_series=till.series if till else DEFAULT_SERIES,
        lightspeed_signing=till.signing_secrets if till else (),
        lightspeed_webhook_secret=till.webhook_secret if till else None,
        event_secret=online.event_secret.get_secret_value() if online and online.event_secret else None,
        commercetools_project=online.project_key if online else "",
    )


def _connection(connection_id: str) -> Any:
    """A connection as the API server finds it: from the secrets backends, then from the metadata."""
    from airflow.models.connection import Connection

    return Connection.get_connection_from_secrets(connection_id)
