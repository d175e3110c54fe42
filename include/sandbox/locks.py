"""Methods of a store that take its lock by themselves, and a lock that says when its holder lets go of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar, cast

A = TypeVar("A", bound=Callable[..., Any])


def locked(action: A) -> A:
    """The method of a store, under its lock."""

    @wraps(action)
    def under_lock(store: Any, *args: Any, **kwargs: Any) -> Any:
        with store.lock:
            return action(store, *args, **kwargs)

    return cast(A, under_lock)


class TellingLock:
    """Re-entrant. `before_release` is called, with the lock still held, whenever the outermost `with` ends, whether
    well or with an exception; what it does under the lock itself does not call it again."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.before_release: Callable[[], None] = lambda: None
        self._depth = 0

    @property
    def is_held(self) -> bool:
        """Whether anybody holds it; whoever asks without holding it may have an outdated answer."""
        return self._depth > 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._depth == 1:
                self.before_release()
        finally:
            self._depth -= 1
            self._lock.release()
