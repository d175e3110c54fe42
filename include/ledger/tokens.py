"""Rotating OAuth tokens: sealed at rest, refreshed by one worker at a time, seen by all."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, Engine, text

from include.ledger.engine import SYSTEM, transaction
from include.ledger.failures import translated
from include.records.errors import ConfigurationFault, SystemUnavailable
from include.transport.faces import Tokens

LOCK_SECONDS = 120.0
"""How long a worker waits for another one's refresh before it gives up (a refresh takes a second or two)."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5


class PostgresTokenStore:
    """`TokenStore` over the ledger. `key` is a Fernet key, or several with commas between them, newest first
    (the same form as Airflow's `fernet_key`): all open, the first seals."""

    def __init__(self, engine: Engine, key: str, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self._engine = engine
        self._lock_seconds = lock_seconds
        try:
            self._fernet = MultiFernet([Fernet(part.strip()) for part in key.split(",")])
        except ValueError:
            raise ConfigurationFault(
                "The key that seals stored tokens is not a Fernet key.",
                system=SYSTEM,
                remedy="Set Airflow's [core] fernet_key (AIRFLOW__CORE__FERNET_KEY).",
            ) from None

    async def load(self, name: str) -> Tokens | None:
        """The stored tokens. Raises ConfigurationFault where they were sealed with a key not given here."""
        return await asyncio.to_thread(self._load, name)

    async def save(self, name: str, tokens: Tokens) -> None:
        await asyncio.to_thread(self._save, name, tokens)

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """Held by the one worker that refreshes. A waiter that gets it loads again before it refreshes itself.
        Freed by the database when its holder dies. Raises SystemUnavailable after `lock_seconds`."""
        return self._lock(name)

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncIterator[None]:
        # Trying again and again, rather than one blocking call in a thread, lets a cancelled task stop waiting.
        connection = await asyncio.to_thread(_connected, self._engine)
        try:
            async with asyncio.timeout(self._lock_seconds):
                pause = _FIRST_PAUSE
                while not await asyncio.to_thread(_try_lock, connection, name):
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except TimeoutError:
            await asyncio.to_thread(connection.close)
            raise SystemUnavailable(
                f"Another worker has been refreshing the token {name!r} for {self._lock_seconds:.0f} seconds.",
                system=SYSTEM,
            ) from None
        except BaseException:
            await asyncio.to_thread(connection.close)
            raise
        try:
            yield
        finally:
            await asyncio.to_thread(connection.close)

    def _load(self, name: str) -> Tokens | None:
        with transaction(self._engine) as connection:
            row = connection.execute(
                text("SELECT sealed, expires_at FROM tokens WHERE name = :name"), {"name": name}
            ).one_or_none()
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
        return Tokens(content["access_token"], row[1], content["refresh_token"])

    def _save(self, name: str, tokens: Tokens) -> None:
        content = json.dumps({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token})
        with transaction(self._engine) as connection:
            connection.execute(
                text(
                    "INSERT INTO tokens (name, sealed, expires_at) VALUES (:name, :sealed, :expires_at) "
                    "ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at, "
                    "updated_at = now()"
                ),
                {
                    "name": name,
                    "sealed": self._fernet.encrypt(content.encode()).decode(),
                    "expires_at": tokens.expires_at,
                },
            )


def _connected(engine: Engine) -> Connection:
    with translated():
        return engine.connect()


def _try_lock(connection: Connection, name: str) -> bool:
    # A lock of the transaction, so that it also holds behind a pooler and ends with the connection.
    with translated():
        return bool(
            connection.execute(
                text("SELECT pg_try_advisory_xact_lock(hashtextextended('ledger token ' || :name, 0))"),
                {"name": name},
            ).scalar_one()
        )
