"""What waits at the same moment is done in one go, and nobody pays for what became of another."""

from __future__ import annotations

import asyncio
import threading

import pytest

from retail_sync.records.errors import SystemUnavailable
from retail_sync.sync.engine.batcher import Grouped


class Store:
    """Stores numbers a group at a time; refuses some, and can be made to wait or to be away."""

    def __init__(self, refuses: frozenset[int] = frozenset()) -> None:
        self.refuses = refuses
        self.groups: list[list[int]] = []
        self.stored: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.away = False

    def store(self, numbers: list[int]) -> None:
        self.groups.append(numbers)
        assert self.open.wait(10)
        if self.away:
            raise SystemUnavailable("The database is away.", system="ledger")
        if self.refuses & set(numbers):
            raise ValueError("refused")
        self.stored.extend(numbers)


async def _all(grouped: Grouped[int], numbers: range) -> list[BaseException | None]:
    return await asyncio.gather(*(grouped.do(number) for number in numbers), return_exceptions=True)


def test_whoever_comes_while_a_group_is_at_work_makes_the_next_one() -> None:
    async def play() -> None:
        store.open.clear()
        first = asyncio.create_task(grouped.do(0))
        while not store.groups:
            await asyncio.sleep(0)
        others = [asyncio.create_task(grouped.do(number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        store.open.set()
        await asyncio.gather(first, *others)

    store = Store()
    grouped = Grouped(store.store)
    asyncio.run(play())
    assert store.groups == [[0], [1, 2, 3, 4, 5]]


def test_one_that_is_refused_does_not_take_its_group_along() -> None:
    store = Store(refuses=frozenset({2}))
    told = asyncio.run(_all(Grouped(store.store), range(5)))
    assert [type(problem) for problem in told] == [type(None)] * 2 + [ValueError] + [type(None)] * 2
    assert sorted(store.stored) == [0, 1, 3, 4]


def test_a_database_that_is_away_is_asked_once_and_all_are_told() -> None:
    store = Store()
    store.away = True
    told = asyncio.run(_all(Grouped(store.store), range(5)))
    assert all(isinstance(problem, SystemUnavailable) for problem in told)
    assert len(store.groups) == 1


def test_it_goes_on_after_a_failure() -> None:
    async def play() -> None:
        with pytest.raises(ValueError, match="refused"):
            await grouped.do(7)
        await grouped.do(8)

    store = Store(refuses=frozenset({7}))
    grouped = Grouped(store.store)
    asyncio.run(play())
    assert store.stored == [8]
