"""The one place where bytes leave: spends the budget, bounds the time, and records every request, also the token
requests and repeats that an auth flow makes on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from retail_sync.transport.bodies import Unreadable, parse
from retail_sync.transport.bounds import MOST_COUNT_DIGITS
from retail_sync.transport.budget import AdaptiveConcurrency, Slot
from retail_sync.transport.exchanges import Attempt, record
from retail_sync.transport.faces import Budget, ExchangeSink
from retail_sync.transport.leasing import require_lease
from retail_sync.transport.redaction import Redactor
from retail_sync.transport.retry_after import retry_after_seconds
from retail_sync.transport.unpacking import read_within
from retail_sync.transport.withholding import Withhold

PURPOSE = "purpose"
TOKEN = "token"  # noqa: S105 (the name of a purpose)
"""`request.extensions[PURPOSE] == TOKEN` marks a token request: outside the API's budget, both bodies withheld."""
WITHHOLD = "withhold"
"""`request.extensions[WITHHOLD]` marks a request whose bodies hold personal data: nothing of them is kept or told
(True), or only their shape, and that of the query, is kept ("shape")."""

CONGESTED = frozenset({429, 502, 503, 504})

Counts = Callable[[Mapping[str, str]], tuple[int | None, int | None]]
"""Reads (limit, remaining) out of answer headers; None where they don't say."""


def rate_limit_headers(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The common `X-RateLimit-Limit` and `X-RateLimit-Remaining`."""
    return _count(headers.get("x-ratelimit-limit")), _count(headers.get("x-ratelimit-remaining"))


def _count(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isdecimal() and len(digits) <= MOST_COUNT_DIGITS else None


def is_token_request(request: httpx.Request) -> bool:
    return request.extensions.get(PURPOSE) == TOKEN


def withheld(request: httpx.Request) -> Withhold:
    """Whether nothing of either body may be shown, or only its shape."""
    if is_token_request(request):
        return True
    return "shape" if request.extensions.get(WITHHOLD) == "shape" else bool(request.extensions.get(WITHHOLD))


class ObservedTransport(httpx.AsyncBaseTransport):
    """Wraps a real transport. Puts `exchange_id` into the extensions of request and response, and the parsed JSON
    body, where it has one, as `parsed` into those of the response; where it can't be read, why, as `unreadable`.
    `most_bytes`: of an answer, unpacked."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        system: str,
        sink: ExchangeSink,
        budget: Budget,
        concurrency: AdaptiveConcurrency | None,
        redactor: Redactor,
        timeout: float,
        most_bytes: int,
        counts: Counts,
    ) -> None:
        self._inner = inner
        self._system = system
        self._sink = sink
        self._budget = budget
        self._concurrency = concurrency
        self._redactor = redactor
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._counts = counts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._learn_secret(request)
        if is_token_request(request):
            return await self._observed(request, Slot())
        async with self._slot() as slot:
            await self._budget.acquire()
            response = await self._observed(request, slot)
        limit, remaining = self._counts(response.headers)
        wait = _ordered_wait(response)
        if limit is not None or remaining is not None or wait is not None:
            await self._budget.observe(limit=limit, remaining=remaining, retry_after=wait)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _observed(self, request: httpx.Request, slot: Slot) -> httpx.Response:
        exchange_id = uuid4().hex
        request.extensions["exchange_id"] = exchange_id
        started_at, start = datetime.now(UTC), time.monotonic()
        response: httpx.Response | None = None
        error: str | None = "cancelled before an answer came"
        try:
            response = await self._answered(request)
            error = None
            response.extensions["exchange_id"] = exchange_id
            if response.status_code in CONGESTED:
                slot.congested()
            return response
        except httpx.TimeoutException as problem:
            slot.congested()
            error = f"{type(problem).__name__}: {problem}"
            raise
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
            raise
        finally:
            elapsed = time.monotonic() - start
            attempt = Attempt(exchange_id, self._system, started_at, elapsed, error, withheld(request))
            record(self._sink, attempt, request, response, self._redactor)

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        """The whole answer within the limits of time and size: httpx bounds only the gaps between two bytes."""
        await require_lease(request, self._timeout)
        try:
            async with asyncio.timeout(self._timeout):
                arriving = await self._inner.handle_async_request(request)
                try:
                    response = await read_within(arriving, self._most_bytes)
                finally:
                    await arriving.aclose()
        except TimeoutError:
            raise httpx.ReadTimeout(
                f"no complete answer within {self._timeout:g} s", request=request
            ) from None
        if response.content:
            try:
                response.extensions["parsed"] = parse(response.content)
            except Unreadable as why:
                response.extensions["unreadable"] = str(why)
        return response

    def _slot(self) -> AbstractAsyncContextManager[Slot]:
        return self._concurrency.slot() if self._concurrency else nullcontext(Slot())

    def _learn_secret(self, request: httpx.Request) -> None:
        _, _, credential = request.headers.get("authorization", "").partition(" ")
        self._redactor.learn(credential)


def _ordered_wait(response: httpx.Response) -> float | None:
    if response.status_code not in (429, 503):
        return None
    body: Any = response.extensions.get("parsed")
    return retry_after_seconds(response.headers, body)
