"""Rotating OAuth tokens: sealed at rest, refreshed by one worker at a time, seen by all."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from cryptography.fernet import InvalidToken
from sqlalchemy import Engine

from retail_sync.ledger.engine import SYSTEM
from retail_sync.ledger.leases import HeldLease, Leases
from retail_sync.ledger.secret import fernet_of
from retail_sync.ledger.statements import fetch_one, fetch_value
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable
from retail_sync.records.leases import Lease
from retail_sync.transport.faces import Tokens

LEASE_SECONDS = 75.0
"""How long a refresh may take: more than the longest time-out of a request to Lightspeed (60 s)."""
LOCK_SECONDS = 120.0
"""How long a worker waits for another one's refresh before it gives up (a refresh takes a second or two; the lease of a
worker that died in it has run out by then)."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5


class PostgresTokenStore:
    """`TokenStore` over the ledger. `key`: as in `fernet_of`."""

    def __init__(
        self,
        engine: Engine,
        key: str,
        *,
        lock_seconds: float = LOCK_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._engine = engine
        self._lock_seconds = lock_seconds
        self._lease_seconds = lease_seconds
        self._fernet = fernet_of(key, "stored tokens")

    async def load(self, name: str) -> Tokens | None:
        """The stored tokens. Raises ConfigurationFault where they were sealed with a key not given here."""
        return await asyncio.to_thread(self._load, name)

    async def save(self, name: str, tokens: Tokens, *, instead_of: int) -> Tokens | None:
        """See `TokenStore`. What a worker received late goes only where the tokens it replaces are still stored."""
        return await asyncio.to_thread(self._save, name, tokens, instead_of)

    def lock(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Held by the one worker that refreshes. A waiter that gets it loads again before it refreshes itself. A lease,
        not a lock of the database: that would be free as soon as its holder's connection is gone, though the holder may
        only be paused. Raises SystemUnavailable after `lock_seconds`."""
        return self._lock(name)

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncIterator[Lease]:
        lease = await self._taken(f"token {name}")
        try:
            yield lease
        finally:
            # Also after an error: each token request has its answer, or has run into its time-out, by then.
            await asyncio.to_thread(lease.release)

    async def _taken(self, name: str) -> HeldLease:
        """Trying again and again, rather than waiting in a thread, lets a cancelled task stop waiting."""
        leases, pause = Leases(self._engine), _FIRST_PAUSE
        give_up_at = time.monotonic() + self._lock_seconds
        while True:
            found = await asyncio.to_thread(leases.try_to_take, name, "a token refresh", self._lease_seconds)
            if isinstance(found, HeldLease):
                return found
            if time.monotonic() > give_up_at:
                raise SystemUnavailable(
                    f"Another worker has been refreshing the {name} for {self._lock_seconds:.0f} seconds.",
                    system=SYSTEM,
                )
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _load(self, name: str) -> Tokens | None:
        row = fetch_one(
            self._engine, "SELECT sealed, expires_at, version FROM tokens WHERE name = :name", name=name
        )
        if row is None:
            return None
        try:
            content = json.loads(self._fernet.decrypt(row[0]))
        except InvalidToken:
            raise ConfigurationFault(
                f"The stored token {name!r} was sealed with another key.",
                system=SYSTEM,
                remedy="Give the old key too (new,old in AIRFLOW__CORE__FERNET_KEY), or delete the row of the "
                "table `tokens` and authorise the application again.",
            ) from None
        return Tokens(content["access_token"], row[1], content["refresh_token"], row[2])

    def _save(self, name: str, tokens: Tokens, instead_of: int) -> Tokens | None:
        content = json.dumps({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token})
        version = fetch_value(
            self._engine,
            "INSERT INTO tokens (name, sealed, expires_at) VALUES (:name, :sealed, :expires_at) "
            "ON CONFLICT (name) DO NOTHING RETURNING version"
            if instead_of == 0
            else "UPDATE tokens SET sealed = :sealed, expires_at = :expires_at, version = version + 1, "
            "updated_at = now() WHERE name = :name AND version = :instead_of RETURNING version",
            name=name,
            sealed=self._fernet.encrypt(content.encode()).decode(),
            expires_at=tokens.expires_at,
            instead_of=instead_of,
        )
        return None if version is None else replace(tokens, version=version)
