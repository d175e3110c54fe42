"""Work that may block, away from the event loop: in a few threads, with few waiting, and not for long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from retail_sync.webhooks.answers import ComeAgain

Given = TypeVar("Given")


class Workers:
    def __init__(self, threads: int, most: int, seconds: float, what: str) -> None:
        """`most`: pieces of work under way and waiting. `seconds`: how long one is waited for. `what`: for the log."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="receiver")
        self._room = threading.BoundedSemaphore(most)
        self._seconds = seconds
        self._what = what

    async def do(self, work: Callable[[], Given]) -> Given:
        """What `work` gives, or its error. ComeAgain where there is too much to do, or it takes too long: what has
        begun then goes on by itself, what has not never begins."""
        if not self._room.acquire(blocking=False):
            raise ComeAgain(f"{self._what}: too many requests at once")
        future: Future[Given] = self._pool.submit(work)
        future.add_done_callback(self._leave)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError:
            raise ComeAgain(f"{self._what}: no answer in {self._seconds:g} s") from None

    def _leave(self, _: Future[Any]) -> None:
        self._room.release()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
