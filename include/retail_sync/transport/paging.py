"""Walks that must come to an end."""

from __future__ import annotations

from typing import Any

from retail_sync.records.errors import ProtocolFault


class LoopGuard:
    """Raises ProtocolFault when a walk does not advance: a cursor seen before, or, with `ascending`, one that is not
    greater than the last. Cursors must be hashable; with `ascending` also comparable."""

    def __init__(self, system: str, walk: str, *, ascending: bool = False) -> None:
        self._system = system
        self._walk = walk
        self._ascending = ascending
        self._seen: set[Any] = set()
        self._last: Any = None

    def step(self, cursor: Any) -> None:
        """Call once a page, with the cursor of the next one."""
        stuck = cursor in self._seen or (
            self._ascending and self._last is not None and not cursor > self._last
        )
        if stuck:
            raise ProtocolFault(
                f"{self._walk}: the cursor does not advance.",
                system=self._system,
                remedy="The run stopped rather than read the same page for ever. Run it again; if it happens again, "
                "the system's paging changed and the adapter has to follow.",
            )
        self._seen.add(cursor)
        self._last = cursor
