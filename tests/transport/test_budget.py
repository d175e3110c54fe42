"""Budgets: a window is never overspent, others' requests count, and overload halves what is under way."""

from __future__ import annotations

import asyncio

import pytest

from retail_sync.records.errors import RateLimited
from retail_sync.transport.budget import AdaptiveConcurrency, LocalBudget, Unlimited

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def budget(limit: int, window: float, share: float = 1.0, **options: float) -> tuple[LocalBudget, Clock]:
    clock = Clock()
    return LocalBudget(limit, window, share, clock=clock, sleep=clock.sleep, **options), clock


async def spend(one: LocalBudget, clock: Clock, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        await one.acquire()
        moments.append(clock.now)
    return moments


async def test_no_window_holds_more_requests_than_its_share() -> None:
    one, clock = budget(10, 60, 0.5)
    moments = await spend(one, clock, 23)
    for start in moments:
        assert sum(start <= moment < start + 60 for moment in moments) <= 5


async def test_a_limit_the_system_tells_replaces_the_configured_one() -> None:
    one, clock = budget(2, 60)
    await one.observe(limit=350, remaining=350, retry_after=None)
    await spend(one, clock, 300)
    assert clock.now == 1000.0


async def test_requests_of_others_leave_less_for_us() -> None:
    one, clock = budget(10, 60)
    await one.acquire()
    await one.observe(limit=10, remaining=2, retry_after=None)  # eight are gone, one of them ours
    await spend(one, clock, 2)
    assert clock.now == 1000.0
    await one.acquire()
    assert clock.now >= 1060.0


async def test_a_used_up_budget_still_lets_one_request_a_window_through() -> None:
    one, clock = budget(10, 60)
    await one.observe(limit=10, remaining=0, retry_after=None)
    await spend(one, clock, 1)
    assert clock.now == 1000.0


async def test_an_order_to_pause_holds_everybody() -> None:
    one, clock = budget(100, 60)
    await one.observe(limit=None, remaining=None, retry_after=30)
    await asyncio.gather(*(one.acquire() for _ in range(5)))
    assert 1030 <= clock.now < 1035


async def test_a_wait_beyond_the_bound_is_left_to_the_scheduler() -> None:
    one, clock = budget(100, 60, longest_wait=300)
    await one.observe(limit=None, remaining=None, retry_after=1000)
    with pytest.raises(RateLimited) as caught:
        await one.acquire()
    assert caught.value.retry_after == 1000
    assert clock.now == 1000.0


async def test_a_system_without_a_count_can_still_order_a_pause() -> None:
    clock = Clock()
    one = Unlimited(clock=clock, sleep=clock.sleep)
    await one.observe(limit=None, remaining=None, retry_after=12)
    await one.acquire()
    assert clock.now == 1012.0


async def test_no_more_are_under_way_than_allowed_and_success_allows_more() -> None:
    crowd = AdaptiveConcurrency(2, 4)
    under_way = most = 0

    async def one() -> None:
        nonlocal under_way, most
        async with crowd.slot():
            under_way += 1
            most = max(most, under_way)
            assert under_way <= 4
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(one() for _ in range(60)))
    assert most == 4 == crowd.allowed


async def test_overload_halves_once_for_all_that_were_under_way_and_one_always_remains() -> None:
    crowd = AdaptiveConcurrency(8, 8)
    together = asyncio.Barrier(8)

    async def overloaded() -> None:
        async with crowd.slot() as slot:
            await together.wait()
            slot.congested()

    await asyncio.gather(*(overloaded() for _ in range(8)))
    assert crowd.allowed == 4
    for _ in range(5):
        async with crowd.slot() as slot:
            slot.congested()
    assert crowd.allowed == 1
    async with crowd.slot():
        pass
    assert crowd.allowed == 2


async def test_a_request_that_fails_or_is_cancelled_frees_its_place() -> None:
    crowd = AdaptiveConcurrency(1, 1)
    with pytest.raises(ZeroDivisionError):
        async with crowd.slot():
            raise ZeroDivisionError
    entered = asyncio.Event()

    async def hanging() -> None:
        async with crowd.slot():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hanging())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(1), crowd.slot():
        pass
