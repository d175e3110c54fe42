"""Runs an ASGI app with uvicorn in a thread, on 127.0.0.1 and a free port, and lets its faults close connections."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.faults import CUT

HOST = "127.0.0.1"
START_SECONDS = 20.0
STOP_SECONDS = 5.0


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol that also hands the app a way to close the connection before any answer has left."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[CUT] = self.transport.close


class SandboxServer:
    """One app on one port. Use it as a context manager, or `start()` and `stop()`; `.url` is its address."""

    def __init__(self, app: ASGIApp, port: int = 0, host: str = HOST) -> None:
        self._socket = _bound(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=CuttableProtocol,
                ws="none",
                lifespan="auto",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=30,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name=f"sandbox-{self.port}",
            daemon=True,
        )

    def start(self) -> Self:
        """Serves from a thread of its own; returns when the port answers. Raises `RuntimeError` if it never does."""
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(
                    f"The sandbox server on {self.url} did not start; see the log above for the reason."
                )
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stops serving and frees the port. Requests still under way get a second to end."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise RuntimeError(
            f"Port {port} on {host} is taken ({error}); choose another, or 0 for a free one."
        ) from error
    return bound
