"""The receiver as Airflow's API server mounts it: settings, secrets, inbox and doorbells behind its ports.

The plugin is loaded by every process of Airflow, the receiver only serves in one kind of them: so nothing is imported
or opened before the first request.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.pipeline.ringing import Ringer, ring_doorbells

log = logging.getLogger(__name__)

KEPT_SECONDS = 30.0
"""How long settings and secrets are believed before they are read again."""
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]]


@dataclass
class Kept:
    """A value that is read again when it has got old. What can't be read is an error each time, not an old value."""

    read: Callable[[], Any]
    seconds: float = KEPT_SECONDS
    _value: Any = None
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Any:
        with self._lock:
            if time.monotonic() >= self._until:
                self._value = self.read()
                self._until = time.monotonic() + self.seconds
            return self._value


@dataclass
class LazyReceiver:
    """An ASGI app that becomes the receiver when it is first asked for something. A failure to do so is answered 503,
    which senders take as a reason to come again."""

    _app: App | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(
        self, scope: Scope, receive: Callable[..., Awaitable[Any]], send: Callable[..., Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        import asyncio

        try:
            app = self._app or await asyncio.to_thread(self._opened)
        except Exception as problem:
            log.error("The receiver can't start: %s. What to do: run the DAG `preflight`.", _said(problem))
            await send(
                {
                    "type": "http.response.start",
                    "status": 503,
                    "headers": [(b"retry-after", b"30"), (b"content-length", b"0")],
                }
            )
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    def _opened(self) -> App:
        with self._lock:
            if self._app is None:
                self._app = open_receiver()
            return self._app


def open_receiver() -> App:
    """The receiver with this Airflow's connections, ledger and doorbells. Raises ConfigurationFault."""
    from include.ledger.ledger import Ledger
    from include.pipeline import hearing
    from include.receiver.app import receiver_app
    from include.receiver.ports import Ports
    from include.records.hints import Hint
    from include.settings.loader import load_settings

    ledger = Ledger.open()
    settings = Kept(load_settings)
    ringer = Ringer(ring_doorbells, ledger.inbox.waiting)

    def kept(hints: Sequence[Hint]) -> frozenset[str]:
        return hearing.keep(ledger.inbox, settings(), hints)

    ringer.start()
    return receiver_app(
        Ports(settings=settings, secrets=Kept(lambda: _secrets(settings())), keep=kept, ring=ringer.ring)
    )


def _secrets(settings: Any) -> Any:
    """What authenticates senders, from Airflow's connections. A connection that is missing or can't be right gives no
    secret, so that nothing of its system is believed; the other system's is."""
    from include.commercetools.connection import CommercetoolsConnection
    from include.lightspeed.connection import LightspeedConnection
    from include.pipeline.systems import parsed_connection
    from include.receiver.ports import ReceiverSecrets

    found: dict[str, Any] = {}
    for system in ("commercetools", "lightspeed"):
        try:
            connection = _connection(getattr(settings.connections, system))
            found[system] = parsed_connection(system, connection)
        except Exception as problem:
            log.warning("Events of %s are refused: %s", system, _said(problem))
    online, till = found.get("commercetools"), found.get("lightspeed")
    assert online is None or isinstance(online, CommercetoolsConnection)
    assert till is None or isinstance(till, LightspeedConnection)
    return ReceiverSecrets(
        lightspeed_signing=till.signing_secrets if till else (),
        lightspeed_webhook_secret=till.webhook_secret if till else None,
        event_secret=online.event_secret.get_secret_value() if online and online.event_secret else None,
        commercetools_project=online.project_key if online else "",
    )


def _connection(connection_id: str) -> Any:
    """A connection as the API server finds it: from the secrets backends, then from the metadata."""
    from airflow.models.connection import Connection

    return Connection.get_connection_from_secrets(connection_id)


def _said(problem: Exception) -> str:
    from include.records.errors import SyncError

    return str(problem) if isinstance(problem, SyncError) else type(problem).__name__
