"""What is dear to count is counted at most once in some seconds, in each process."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

T = TypeVar("T")
MOST = 200
"""Answers kept for one ledger."""


class Remembered:
    """Answers by ledger and question. A question must name all that its answer depends on, such as the entities that
    somebody may see. Several threads may ask at once: at worst, they count the same twice."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: WeakKeyDictionary[Engine, dict[Hashable, tuple[float, Any]]] = WeakKeyDictionary()

    def get(self, engine: Engine, question: Hashable, seconds: float, count: Callable[[], T]) -> T:
        """The answer, not older than so many seconds."""
        kept = self._kept.setdefault(engine, {})
        at, answer = kept.get(question, (0.0, None))
        if question in kept and self._clock() - at < seconds:
            return answer  # type: ignore[no-any-return]
        if len(kept) >= MOST:
            kept.clear()
        answer = count()
        kept[question] = (self._clock(), answer)
        return answer
