"""Methods of a store that take its lock by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

A = TypeVar("A", bound=Callable[..., Any])


def locked(action: A) -> A:
    """The method of a store, under its lock."""

    @wraps(action)
    def under_lock(store: Any, *args: Any, **kwargs: Any) -> Any:
        with store.lock:
            return action(store, *args, **kwargs)

    return cast(A, under_lock)
