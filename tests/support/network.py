"""The real network, where a test may do something before or after a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from retail_sync.transport.leasing import READS


def writes(request: httpx.Request) -> bool:
    return not (request.method in ("GET", "HEAD") or request.extensions.get(READS))


class Network(httpx.AsyncBaseTransport):
    """Serves clients of any event loop: each step of a run has a loop of its own, which ends with its connections."""

    def __init__(self) -> None:
        self._of_loops: dict[asyncio.AbstractEventLoop, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        inner = self._of_loops.setdefault(asyncio.get_running_loop(), httpx.AsyncHTTPTransport())
        return await inner.handle_async_request(request)

    async def aclose(self) -> None:
        # The pool belongs to two clients of one loop; each run of a worker ends with its thread.
        return


class Meddled(Network):
    """Somebody does something right after the first write to this path was answered."""

    def __init__(self, path: str, happens: Callable[[], None]) -> None:
        super().__init__()
        self._path = path
        self._happens: Callable[[], None] | None = happens

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if self._happens and writes(request) and request.url.path.endswith(self._path):
            await response.aread()
            happens, self._happens = self._happens, None
            happens()
        return response
