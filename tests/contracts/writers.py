"""One kind of write of one adapter, as the suite of writes sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.faults import Faults


@dataclass
class Writer:
    """`write`: sends what was planned. `path`, `method`: of its request. `move`: somebody edits the target, for systems
    that lock by version. `lose`: the target is deleted. `found`: ids of what a creation made, looked up by its key or
    id; empty where it made nothing."""

    write: Callable[[], Awaitable[Any]]
    faults: Faults
    path: str
    method: str = "POST"
    move: Callable[[], Any] | None = None
    lose: Callable[[], Any] | None = None
    found: Callable[[], Awaitable[list[str]]] | None = None

    def sent(self) -> int:
        """How many requests were made of it."""
        part = self.path.rstrip("$")
        return sum(1 for one in self.faults.requests if one.method == self.method and part in one.path)
