"""Rotating tokens are refreshed once, sealed at rest, and never lost between workers."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable
from retail_sync.transport.faces import Tokens, TokenStore
from tests.support.leases import let_leases_run_out

KEY = Fernet.generate_key().decode()
TOKENS = Tokens("access-1", datetime(2026, 11, 23, 12, tzinfo=UTC), "refresh-1")


def test_tokens_come_back_as_saved_and_each_save_replaces_what_it_names(ledger: Ledger) -> None:
    async def scenario() -> None:
        store: TokenStore = ledger.token_store(KEY)
        assert await store.load("shop") is None
        first = await store.save("shop", TOKENS, instead_of=0)
        assert first == TOKENS == await store.load("shop")
        second = await store.save("shop", Tokens("access-2", None), instead_of=first.version)
        assert second == await store.load("shop") == Tokens("access-2", None, None)
        assert second.version > first.version

    asyncio.run(scenario())


@pytest.mark.parametrize("instead_of", [0, 1, 3])
def test_rule_17_tokens_that_come_late_overwrite_no_newer_ones(ledger: Ledger, instead_of: int) -> None:
    async def scenario() -> None:
        store: TokenStore = ledger.token_store(KEY)
        await store.save("shop", TOKENS, instead_of=0)
        await store.save("shop", Tokens("access-2", None, "refresh-2"), instead_of=1)
        assert await store.save("shop", Tokens("late", None, "late"), instead_of=instead_of) is None
        assert await store.load("shop") == Tokens("access-2", None, "refresh-2")

    asyncio.run(scenario())


def test_no_token_is_readable_in_the_database(ledger: Ledger) -> None:
    asyncio.run(ledger.token_store(KEY).save("shop", TOKENS, instead_of=0))
    with ledger.engine.connect() as connection:
        row = str(connection.execute(text("SELECT * FROM tokens")).one())
    assert "access-1" not in row and "refresh-1" not in row


def test_another_key_is_a_setting_to_correct_and_a_rotated_key_works(ledger: Ledger) -> None:
    asyncio.run(ledger.token_store(KEY).save("shop", TOKENS, instead_of=0))
    newer = Fernet.generate_key().decode()
    with pytest.raises(ConfigurationFault, match="sealed with another key"):
        asyncio.run(ledger.token_store(newer).load("shop"))
    assert asyncio.run(ledger.token_store(f"{newer},{KEY}").load("shop")) == TOKENS
    with pytest.raises(ConfigurationFault, match="not a Fernet key"):
        ledger.token_store("short")


async def _refresh_if_old(store: TokenStore, refreshed: list[str]) -> Tokens:
    async with store.lock("shop"):
        held = await store.load("shop")
        assert held is not None
        if held.access_token != "access-1":
            return held
        refreshed.append(held.refresh_token or "")
        fresh = Tokens("access-2", None, "refresh-2")
        await asyncio.sleep(0.05)
        assert await store.save("shop", fresh, instead_of=held.version) == fresh
        return fresh


def test_of_many_workers_one_refreshes_and_all_see_it(ledger: Ledger) -> None:
    async def scenario() -> None:
        store = ledger.token_store(KEY)
        await store.save("shop", TOKENS, instead_of=0)
        refreshed: list[str] = []
        results = await asyncio.gather(*(_refresh_if_old(store, refreshed) for _ in range(5)))
        assert refreshed == ["refresh-1"]
        assert {tokens.access_token for tokens in results} == {"access-2"}

    asyncio.run(scenario())


def _hold_lock_and_die(url: str, flag: str) -> None:
    async def hold() -> None:
        async with Ledger.open(url).token_store(KEY).lock("shop"):
            await asyncio.to_thread(Path(flag).touch)
            await asyncio.sleep(60)

    asyncio.run(hold())


def test_the_lock_of_a_killed_worker_is_free_when_its_lease_is_over(
    ledger: Ledger, ledger_url: str, tmp_path: Path
) -> None:
    flag = tmp_path / "held"
    worker = multiprocessing.get_context("spawn").Process(
        target=_hold_lock_and_die, args=(ledger_url, str(flag))
    )
    worker.start()

    async def take(seconds: float) -> None:
        store = ledger.token_store(KEY)
        store._lock_seconds = seconds
        async with store.lock("shop"):
            pass

    async def scenario() -> None:
        with pytest.raises(SystemUnavailable, match="refreshing the token"):
            await take(0.3)
        async with ledger.token_store(KEY).lock("another name"):
            pass
        worker.kill()
        with pytest.raises(SystemUnavailable, match="refreshing the token"):
            await take(0.3)
        let_leases_run_out(ledger)
        await take(20)

    try:
        until = time.monotonic() + 30
        while not flag.exists():
            assert time.monotonic() < until, "the worker did not get the lock"
            time.sleep(0.05)
        asyncio.run(scenario())
    finally:
        worker.kill()
        worker.join()


def test_a_waiter_that_is_cancelled_leaves_nothing_behind(ledger: Ledger) -> None:
    async def scenario() -> None:
        store = ledger.token_store(KEY)

        async def wait() -> None:
            async with store.lock("shop"):
                raise AssertionError("not free")

        async with store.lock("shop"):
            waiter = asyncio.create_task(wait())
            await asyncio.sleep(0.2)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        async with asyncio.timeout(5), store.lock("shop"):
            pass

    asyncio.run(scenario())
    assert ledger.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_an_error_inside_the_lock_frees_it(ledger: Ledger) -> None:
    async def scenario() -> None:
        store = ledger.token_store(KEY)
        with pytest.raises(ZeroDivisionError):
            async with store.lock("shop"):
                _ = 1 / 0
        async with asyncio.timeout(5), store.lock("shop"):
            pass

    asyncio.run(scenario())
