"""The receiver under a steady stream of webhooks: how long a sender waits for its answer."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from retail_sync.ledger import Ledger
from tests.benchmarks.reporting import tell
from tests.webhooks.served import Receiver, form, served, signature

pytestmark = pytest.mark.benchmark

A_SECOND = 50
SECONDS = 20
PATH = "/lightspeed/main/sale.update"
LIMIT_SECONDS = 0.5
"""Far above what is measured, far below the 5 s that Lightspeed waits."""


@pytest.fixture
def receiver(ledger_url: str) -> Iterator[Receiver]:
    with Ledger.open(ledger_url) as ledger, served(ledger) as one:
        yield one


def test_senders_are_answered_at_once_while_events_stream_in(receiver: Receiver) -> None:
    """Requests start on time, whether or not those before them were answered."""
    answered = asyncio.run(_streamed(receiver.url, A_SECOND * SECONDS))
    waited = sorted(seconds for seconds, _ in answered)
    statuses = Counter(status for _, status in answered)
    p50, p99 = statistics.median(waited), waited[int(len(waited) * 0.99)]
    tell(
        [
            f"Receiver, {A_SECOND} webhooks/s for {SECONDS} s: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, "
            f"longest {waited[-1] * 1000:.1f} ms"
        ]
    )
    assert statuses == {202: A_SECOND * SECONDS}
    assert len(receiver.kept("sales")) == A_SECOND * SECONDS, "what was thanked for is kept"
    assert p99 < LIMIT_SECONDS


async def _streamed(url: str, count: int) -> list[tuple[float, int]]:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client, asyncio.TaskGroup() as group:
        began = time.monotonic()
        tasks = []
        for number in range(count):
            await asyncio.sleep(began + number / A_SECOND - time.monotonic())
            tasks.append(group.create_task(_sent(client, number)))
    return [task.result() for task in tasks]


async def _sent(client: httpx.AsyncClient, number: int) -> tuple[float, int]:
    lines = [
        {"id": f"li{line}", "product_id": f"p{line}", "quantity": 1, "price": 26.08696} for line in range(20)
    ]
    raw = form(
        {"id": f"sale-{number}", "version": number, "status": "CLOSED", "register_sale_products": lines}
    )
    began = time.perf_counter()
    answer = await client.post(PATH, content=raw, headers={"X-Signature": signature(raw)})
    return time.perf_counter() - began, answer.status_code
