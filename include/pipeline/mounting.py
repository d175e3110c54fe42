"""Apps that Airflow's API server mounts, opened when they are first asked for something.

The plugin is loaded by every process of Airflow, its apps serve in one kind of them only: so nothing is imported or
opened before.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

KEPT_SECONDS = 30.0
"""How long settings and secrets are believed before they are read again."""
Scope = MutableMapping[str, Any]
Receive = Callable[..., Awaitable[Any]]
Send = Callable[..., Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Lazy:
    """An ASGI app that becomes what `open_app` gives when it is first asked for something. What fails to open is told
    in the log, answered 503 (which senders of events take as a reason to come again), and tried again."""

    name: str
    open_app: Callable[[], App]
    _app: App | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            app = await asyncio.to_thread(self._opened) if self._app is None else self._app
        except Exception as problem:
            log.error(
                "The %s can't start: %s. What to do: run the DAG `preflight`.", self.name, said(problem)
            )
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
                self._app = self.open_app()
            return self._app


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


def said(problem: Exception) -> str:
    """What a log may say of a problem: the text of an error nobody here wrote may hold anything."""
    from include.records.errors import SyncError

    return str(problem) if isinstance(problem, SyncError) else type(problem).__name__
