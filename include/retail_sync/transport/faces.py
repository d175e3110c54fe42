"""What the HTTP layer needs from outside, as small faces that the ledger implements and tests can stand in for."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from retail_sync.records.leases import Lease


@dataclass(frozen=True)
class Exchange:
    """One HTTP request and its response, already redacted and capped. Times are UTC, `elapsed` in seconds.
    `status` None = no answer came; `error` then says why."""

    id: str
    system: str
    method: str
    url: str
    status: int | None
    started_at: datetime
    elapsed: float
    attempt: int
    request_headers: dict[str, str]
    request_body: str | None
    response_headers: dict[str, str]
    response_body: str | None
    correlation_id: str | None
    error: str | None
    context: dict[str, str]


class ExchangeSink(Protocol):
    """Where exchanges go. Must not block the event loop for long and must not raise."""

    def record(self, exchange: Exchange) -> None: ...


class Budget(Protocol):
    """Requests all tasks and workers may still make to one system."""

    async def acquire(self) -> None:
        """Wait until one more request is allowed; RateLimited where that is too long to sit out in a worker."""

    async def observe(self, *, limit: int | None, remaining: int | None, retry_after: float | None) -> None:
        """Learn from an answer: the system's own count, or an order to pause everybody for `retry_after` seconds."""


@dataclass(frozen=True)
class Tokens:
    """An access token and, where the system rotates them, its refresh token. `expires_at` is UTC. `version`: which of
    the tokens stored under one name this is; 0 = not stored."""

    access_token: str
    expires_at: datetime | None
    refresh_token: str | None = None
    version: int = field(default=0, compare=False)


class TokenStore(Protocol):
    """Where rotating tokens are kept so that only one worker refreshes and everybody sees the result."""

    async def load(self, name: str) -> Tokens | None: ...

    async def save(self, name: str, tokens: Tokens, *, instead_of: int) -> Tokens | None:
        """Store tokens in place of those of this version (0 = none are stored yet); as they are stored now. None, and
        nothing is stored, where others are there meanwhile."""

    def lock(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Held by the one worker that refreshes; a waiter loads again after getting it. What refreshes is sent only
        under the lease it gives."""
