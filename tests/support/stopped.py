"""A worker process that is stopped by the operating system (SIGSTOP) in the middle of its one write, and says how it
ended. Run by `test_stopped_process`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import httpx

from retail_sync.ledger import leases
from retail_sync.ledger.ledger import Ledger
from retail_sync.records.errors import SyncError
from retail_sync.transport.budget import Unlimited
from retail_sync.transport.client import HttpClient
from tests.support.sinks import MemorySink

SECONDS, TIMEOUT = 2.0, 0.5
"""The lease is over soon after the process was stopped."""
leases.MARGIN_SECONDS = 0.1


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


class StoppedBefore(Unlimited):
    async def acquire(self) -> None:
        stop()


class StoppedInside(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        stop()
        return await super().handle_async_request(request)


async def write(server: str, change: str, where: str) -> str:
    async with HttpClient(
        "lightspeed",
        server,
        auth=None,
        sink=MemorySink(),
        budget=StoppedBefore() if where == "waited" else Unlimited(),
        transport=StoppedInside() if where == "asked" else None,
        classify=lambda answer: None,
        timeout=TIMEOUT,
        retries=2,
        body_cap=0,
    ) as http:
        try:
            await http.request("POST", "/customers", json={}, context={"change": change})
        except SyncError as problem:
            return type(problem).__name__
    return "sent"


def main(ledger_url: str, server: str, change: str, where: str) -> None:
    with Ledger.open(ledger_url) as ledger, ledger.leases.taken("customers", "the stopped", seconds=SECONDS):
        ledger.changes.begin([change])
        print(asyncio.run(write(server, change, where)))


if __name__ == "__main__":
    main(*sys.argv[1:])
