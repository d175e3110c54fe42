"""A client over a handler function instead of the network, and a server that says exactly the bytes it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from retail_sync.records.errors import SyncError
from retail_sync.records.leases import Lease
from retail_sync.transport.answer import Answer
from retail_sync.transport.budget import Unlimited
from retail_sync.transport.client import HttpClient
from retail_sync.transport.faces import Budget, Tokens
from tests.support.leases import StandingLease
from tests.support.sinks import MemorySink

Handler = Callable[[httpx.Request], httpx.Response]
BASE = "https://api.shop.example/my-project"
TOKEN_URL = "https://auth.shop.example/oauth/token"


def no_opinion(answer: Answer) -> SyncError | None:
    return None


def client(
    handler: Handler | None,
    *,
    sink: MemorySink | None = None,
    budget: Budget | None = None,
    base: str = BASE,
    inner: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> HttpClient:
    """A client with quick retries. Without a handler or an `inner` transport it uses the real network."""
    given: dict[str, Any] = {
        "auth": None,
        "classify": no_opinion,
        "timeout": 5.0,
        "retries": 2,
        "body_cap": 4096,
        "backoff": 0.001,
        **options,
    }
    return HttpClient(
        "commercetools",
        base,
        sink=sink or MemorySink(),
        budget=budget or Unlimited(),
        transport=httpx.MockTransport(handler) if handler else inner,
        **given,
    )


def script(*steps: httpx.Response | Exception | int) -> tuple[Handler, list[httpx.Request]]:
    """A handler that gives one step after the other (a number is a status) and from then on 200, and what it saw."""
    seen: list[httpx.Request] = []
    left: Iterator[httpx.Response | Exception | int] = iter(steps)

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        step = next(left, 200)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step, json={"ok": True}) if isinstance(step, int) else step

    return handler, seen


@dataclass
class MemoryTokens:
    """A token store inside one process; `broken` makes the next saves fail."""

    kept: dict[str, Tokens] = field(default_factory=dict)
    broken: int = 0
    loads: int = 0
    guard: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self, name: str) -> Tokens | None:
        self.loads += 1
        return self.kept.get(name)

    async def save(self, name: str, tokens: Tokens, *, instead_of: int) -> Tokens | None:
        await asyncio.sleep(0)
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the ledger is away")
        there = self.kept.get(name)
        if (there.version if there else 0) != instead_of:
            return None
        self.kept[name] = replace(tokens, version=instead_of + 1)
        return self.kept[name]

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncIterator[Lease]:
        async with self.guard:
            yield StandingLease(name)


@asynccontextmanager
async def talking_server(*replies: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server on this machine: the n-th request gets the n-th reply as it is, then the connection is cut; None hangs.
    Gives its address and the requests it read."""
    heard: list[bytes] = []
    left = iter(replies)
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            reply = next(left, b"")
            if reply is None:
                await done.wait()
            else:
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", heard
    finally:
        done.set()
        server.close()
        await server.wait_closed()
