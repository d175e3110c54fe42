"""The request budget: 300 a register plus 50, every five minutes, counted per application."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.lightspeed.numerals import encode
from sandbox.lightspeed.state import StoreState

REQUESTS_PER_REGISTER = 300
REQUESTS_BESIDE = 50
AUTHORIZATION_PATH = "/api/1.0/token"
AUTHORIZATION = "authorization"


@dataclass
class _Window:
    ends: float
    used: int = 0


class RateLimit:
    """Pure ASGI: counts requests below `/api`, writes `X-RateLimit-*` on every answer, and answers 429 over budget."""

    def __init__(self, app: ASGIApp, store: StoreState) -> None:
        self.app = app
        self._store = store
        self._windows: dict[str, _Window] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._store.options
        if scope["type"] != "http" or not scope["path"].startswith("/api") or not options.rate_limit:
            await self.app(scope, receive, send)
            return
        bucket = self._bucket(scope)
        limit = self._limit(bucket)
        now = self._store.clock.now().timestamp()
        window = self._windows.get(bucket)
        if window is None or now >= window.ends:
            window = self._windows[bucket] = _Window(now + options.rate_window_seconds)
        window.used += 1
        headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(0, limit - window.used))}
        if bucket == AUTHORIZATION:
            headers["X-RateLimit-Reset"] = str(math.ceil(window.ends))
        if window.used > limit:
            await _refuse(send, headers | {"Retry-After": self._retry_after(window.ends, now)})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, with_headers)

    def _bucket(self, scope: Scope) -> str:
        if scope["path"] == AUTHORIZATION_PATH:
            return AUTHORIZATION
        return self._store.tokens.application_of(Headers(scope=scope).get("authorization"))

    def _limit(self, bucket: str) -> int:
        options = self._store.options
        if bucket == AUTHORIZATION:
            return options.token_rate_limit
        if options.rate_limit_override is not None:
            return options.rate_limit_override
        with self._store.lock:
            return REQUESTS_PER_REGISTER * len(self._store.registers.live()) + REQUESTS_BESIDE

    def _retry_after(self, ends: float, now: float) -> str:
        if self._store.options.retry_after_seconds:
            return str(math.ceil(ends - now))
        return format_datetime(datetime.fromtimestamp(math.ceil(ends), UTC), usegmt=True)


async def _refuse(send: Send, headers: dict[str, str]) -> None:
    body = encode({"error": "Too Many Requests", "message": "Rate limiting enforced"})
    start: Message = {"type": "http.response.start", "status": 429, "headers": []}
    MutableHeaders(scope=start).update(
        headers | {"Content-Type": "application/json", "Content-Length": str(len(body))}
    )
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
