"""The right to write: who has it, for how long, and how every layer below the engine knows of it.

One worker at a time writes an entity. It holds the entity's lease while it does: the ledger grants leases
(`retail_sync.ledger.leases`), attempts begin and are settled under one, and the HTTP layer asks for it right before
each request that may change something. A worker that was paused and comes back finds that its lease went to somebody
else, and neither sends nor settles anything any more.

The lease travels as a context variable, because what lies between the task that takes it and the socket that needs it
(engine, adapters, authentication, repeats) has nothing to decide about it, and must not be able to forget it: tasks and
threads that asyncio starts inherit it, and a request that writes without one is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Lease(Protocol):
    """The right to write one thing (`name`: an entity, a token), until it runs out. `fence`: which lease of that name
    this is; each new one has a higher number."""

    @property
    def name(self) -> str: ...

    @property
    def fence(self) -> int: ...

    async def require(self, seconds: float) -> None:
        """Return only where the lease lasts `seconds` longer, renewed if need be. Raises LeaseLost where somebody
        else has taken it."""

    def began(self, change_ids: Collection[str]) -> None:
        """Attempts of these changes are stored under this lease."""

    def has_begun(self, change_id: str) -> bool:
        """Whether an attempt of this change is stored under this lease."""


_held: ContextVar[Lease | None] = ContextVar("lease", default=None)


def held() -> Lease | None:
    """The lease under which the caller works; None = it may not write."""
    return _held.get()


@contextmanager
def holding(lease: Lease) -> Iterator[None]:
    """Work under this lease: here, and in the tasks and threads of asyncio started from here."""
    token = _held.set(lease)
    try:
        yield
    finally:
        _held.reset(token)
