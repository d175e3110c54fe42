"""All workers together stay within one budget, and a pause stops them all."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from retail_sync.ledger import Ledger
from retail_sync.ledger.budget import LEASE_SECONDS, PostgresBudget, _Seen, _State
from retail_sync.transport.faces import Budget


async def take(budget: Budget, count: int, within: float = 2.0) -> int:
    """How many of `count` requests are allowed before `within` seconds pass."""
    taken = 0
    try:
        async with asyncio.timeout(within):
            while taken < count:
                await budget.acquire()
                taken += 1
    except TimeoutError:
        pass
    return taken


def put(ledger: Ledger, **columns: Any) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with ledger.engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO budgets (system, {names}) VALUES ('lightspeed', {', '.join(f':{n}' for n in columns)})"
            ),
            columns,
        )


def row(ledger: Ledger) -> Any:
    with ledger.engine.connect() as connection:
        return connection.execute(text("SELECT * FROM budgets WHERE system = 'lightspeed'")).one()


def test_a_system_that_never_told_a_limit_is_not_held_back(ledger: Ledger) -> None:
    assert asyncio.run(take(ledger.budget("commercetools"), 300, within=10)) == 300


def test_a_request_costs_a_fraction_of_a_query(ledger: Ledger) -> None:
    statements = []
    event.listen(ledger.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    put(ledger, limit=10_000, remaining=10_000)
    assert asyncio.run(take(ledger.budget("lightspeed"), 100, within=10)) == 100
    assert len(statements) <= 45


def test_workers_share_one_budget_to_the_last_request(ledger: Ledger) -> None:
    put(ledger, limit=100, remaining=80)
    taken: list[int] = []

    async def work(number: int) -> None:
        budget = ledger.budget("lightspeed", share=0.8)
        while True:
            await budget.acquire()
            taken.append(number)

    async def scenario() -> None:
        workers = [asyncio.create_task(work(number)) for number in range(4)]
        until = time.monotonic() + 30
        while len(taken) < 80 and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)  # room for one too many
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    asyncio.run(scenario())
    assert len(taken) == 80
    assert len(set(taken)) > 1


def test_a_pause_ordered_by_one_worker_stops_all_until_it_ends(ledger: Ledger) -> None:
    async def scenario() -> None:
        one, two = ledger.budget("lightspeed"), ledger.budget("lightspeed")
        await one.acquire()
        await two.acquire()
        await one.observe(limit=None, remaining=None, retry_after=120.0)
        assert await take(one, 1, within=0.5) == 0
        await asyncio.sleep(LEASE_SECONDS)
        assert await take(two, 1, within=0.5) == 0
        with ledger.engine.begin() as connection:
            connection.execute(
                text("UPDATE budgets SET paused_until = clock_timestamp() + interval '1 second'")
            )
        assert await take(two, 1, within=30) == 1

    asyncio.run(scenario())


def test_a_shorter_pause_does_not_end_a_longer_one(ledger: Ledger) -> None:
    async def scenario() -> None:
        budget = ledger.budget("lightspeed")
        await budget.observe(limit=None, remaining=None, retry_after=60)
        await budget.observe(limit=None, remaining=None, retry_after=1)

    asyncio.run(scenario())
    assert (row(ledger).paused_until - row(ledger).window_started_at).total_seconds() > 50


def test_a_cancelled_waiter_costs_nothing(ledger: Ledger) -> None:
    put(ledger, limit=10, remaining=0)

    async def scenario() -> None:
        assert await take(ledger.budget("lightspeed"), 1, within=0.3) == 0

    asyncio.run(scenario())
    assert (row(ledger).remaining, row(ledger).granted) == (0, 0)


def test_leases_that_are_not_used_up_go_back(ledger: Ledger) -> None:
    put(ledger, limit=100, remaining=100)

    async def scenario() -> None:
        budget = ledger.budget("lightspeed")
        for _ in range(4):
            await budget.acquire()
            budget._lease_ends = 0.0  # as if the next request came much later
        assert budget._left == 9

    asyncio.run(scenario())
    assert row(ledger).granted == 13, "three spent, and ten on lease"
    assert row(ledger).remaining == 87


def test_a_share_outside_its_range_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="share"):
        PostgresBudget(ledger.engine, "lightspeed", 0.0)


def state(**more: Any) -> _State:
    values: dict[str, Any] = {
        "limit": 100, "remaining": 50, "observed": None, "age": 10.0, "probe_age": None, "pause": 0.0
    }  # fmt: skip
    return _State(**(values | more))


def decide(found: _State, news: _Seen | None = None, unspent: int = 0, share: float = 0.8) -> Any:
    return found.decide(news, unspent, share, 300.0, 10)


def test_the_part_of_others_is_left_to_them() -> None:
    after = decide(state(remaining=80), _Seen(100, 30))
    assert after.remaining + after.granted == 10


def test_a_count_higher_than_ours_does_not_raise_it_unless_the_system_gave_back() -> None:
    assert decide(state(remaining=5, observed=60), _Seen(100, 60)).remaining == 4
    assert decide(state(remaining=5, observed=25), _Seen(100, 99)).remaining == 69


def test_a_spent_budget_probes_now_and_then_for_a_new_window() -> None:
    assert decide(state(remaining=0, observed=20)).granted == 1
    waiting = decide(state(remaining=0, observed=20, probe_age=1.0))
    assert (waiting.granted, round(waiting.wait)) == (0, 4)
    assert decide(state(remaining=0, observed=20, probe_age=5.0)).granted == 1


def test_without_a_count_from_the_system_the_own_window_decides() -> None:
    assert decide(state(remaining=0, age=290.0)).wait == pytest.approx(10)
    after = decide(state(remaining=0, age=301.0))
    assert (after.anew, after.granted, after.remaining) == (True, 10, 70)


def test_a_limit_that_grows_or_shrinks_counts_at_once() -> None:
    assert decide(state(remaining=10), _Seen(200, None)).remaining == 80
    assert decide(state(remaining=10), _Seen(50, None)).remaining == 0


@settings(max_examples=200)
@given(
    limit=st.integers(20, 400),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=120),
    foreign=st.integers(0, 30),
)
def test_a_window_of_the_system_is_never_overdrawn(
    limit: int, steps: list[tuple[bool, int]], foreign: int
) -> None:
    """Workers that lease, spend part of it and report now and then never ask for more than the system has, as long
    as the others (tills) use no more than their part of the limit."""
    share = 0.8
    served = min(foreign, limit - int(limit * share))
    found = state(limit=limit, remaining=int(limit * share), observed=None, probe_age=0.0)
    unspent = 0
    for report, spend in steps:
        news = _Seen(limit, limit - served) if report else None
        after = decide(found, news, unspent, share)
        spent = min(spend, after.granted)
        served += spent
        unspent = after.granted - spent
        assert served <= limit
        assert after.remaining >= 0
        found = state(limit=after.limit, remaining=after.remaining, observed=after.observed, probe_age=0.0)
