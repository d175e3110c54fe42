"""What is read by versions: windows, walks and looks back of a feed that counts versions per store, and the present
state of single records beside it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import ClassVar

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.numbers import whole
from retail_sync.lightspeed.x_series.api.paging import Row
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.products import Asked, RawPage, Window


class VersionFeed(ABC):
    """`at_once`: how many single records are asked for at the same time."""

    entity: ClassVar[str]
    """The DAG that reads it."""
    feed_name: ClassVar[str]

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    @abstractmethod
    def _feed(self, after: int) -> AsyncIterator[tuple[list[Row], int]]:
        """Pages after this version, ascending, each with the version it reaches."""

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        """None: versions are counted per store and can't be derived from a time."""
        return None

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """From the version behind `cursor`, or from the beginning, without an upper end: versions ascend, so a walk
        ends where it has caught up. No overlap: a row that changes while it is read moves to the end of the feed."""
        return Window(lower="0" if full or cursor is None else str(self._version(cursor)), upper=None)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """The version feed, deleted rows included; then an empty last page with the final cursor."""
        reached = self._version(position or window.lower or "0")
        async for rows, cursor in self._feed(reached):
            reached = cursor
            yield RawPage(rows, position=str(cursor), cursor=str(cursor), last=False)
        yield RawPage([], position=str(reached), cursor=str(reached), last=True)

    async def changed_since(self, cursor: str) -> RawPage:
        """Everything that moved after `cursor`, in one page, with the cursor to ask from next time."""
        reached = self._version(cursor)
        rows: list[Row] = []
        async for page, after_page in self._feed(reached):
            rows += page
            reached = after_page
        return RawPage(rows, position=str(reached), cursor=str(reached), last=True)

    async def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[Row]]:
        """Nothing: lists take no ids, and deleted rows stay in the feed, so that another walk would show the same."""
        return
        yield []

    async def _each_of(self, ids: Sequence[str], read: Callable[[str], Awaitable[Row | None]]) -> Asked:
        """Single records, `at_once` at a time. `read` gives None where the store has no such record."""
        rows: list[Row] = []
        gone: list[str] = []
        for start in range(0, len(ids), self._at_once):
            batch = ids[start : start + self._at_once]
            for one, row in zip(batch, await asyncio.gather(*map(read, batch)), strict=True):
                if row is None:
                    gone.append(one)
                else:
                    rows.append(row)
        return Asked(rows, gone)

    async def _pages_of(
        self, keys: Sequence[str], read: Callable[[str], Awaitable[list[Row]]]
    ) -> AsyncIterator[RawPage]:
        """A page for each key, `at_once` at a time; the last one is marked."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            yield RawPage([], position="", cursor=None, last=True)
        for start in range(0, len(wanted), self._at_once):
            batch = wanted[start : start + self._at_once]
            for key, rows in zip(batch, await asyncio.gather(*map(read, batch)), strict=True):
                yield RawPage(rows, position=key, cursor=None, last=key == wanted[-1])

    def _version(self, cursor: str) -> int:
        version = whole(cursor)
        if version is None:
            raise ConfigurationFault(
                f"The cursor is not a version of the {self.feed_name} feed.",
                system=SYSTEM,
                remedy=f"Run {self.entity} with mode=full: it starts the cursor anew.",
            )
        return version
