"""What several wait for at the same moment, done in one go.

A transaction of its own for every record would cost more than the record. Nobody waits for company: whoever comes
while one group is at work makes the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from retail_sync.records.errors import TransientError

T = TypeVar("T")
MOST = 100
"""Things done in one go at most."""


class Grouped(Generic[T]):
    """`work` runs in a thread, one group after the other. It does all it is given or, where it raises, nothing."""

    def __init__(self, work: Callable[[list[T]], None]) -> None:
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def do(self, thing: T) -> None:
        """Returns when the thing is done; raises what became of it alone, not what became of its group."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            problem = await self._tried(group)
            if problem is None or isinstance(problem, TransientError) or len(group) == 1:
                _tell(group, problem)
                continue
            for one in group:
                _tell([one], await self._tried([one]))

    async def _tried(self, group: list[tuple[T, asyncio.Future[None]]]) -> Exception | None:
        try:
            await asyncio.to_thread(self._work, [thing for thing, _ in group])
        except Exception as problem:
            return problem
        return None


def _tell(group: list[tuple[T, asyncio.Future[None]]], problem: Exception | None) -> None:
    for _, done in group:
        if done.done():  # whoever waited was cancelled
            continue
        if problem is None:
            done.set_result(None)
        else:
            done.set_exception(problem)
