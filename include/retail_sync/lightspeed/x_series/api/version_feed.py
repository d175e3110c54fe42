"""What is read by versions: windows, walks and looks back of a feed that counts versions per store, and the present
state of single records beside it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import whole
from retail_sync.lightspeed.x_series.api.paging import Row, VersionPage, walk_versions
from retail_sync.lightspeed.x_series.api.privacy import excluded_paths
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.records.checks import Shape
from retail_sync.records.errors import ConfigurationFault, TargetMissing
from retail_sync.records.ports.products import Asked, RawPage, Shown, Window
from retail_sync.records.rows import gated
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.withholding import Withhold


class VersionFeed(ABC):
    """The records of one list, deleted ones included. A feed says where its list is and what of a row may leave it."""

    entity: ClassVar[str]
    """The DAG that reads it."""
    feed_name: ClassVar[str]
    path: ClassVar[str]
    shape: ClassVar[Shape]
    """What a row has to look like; one that does not stands for itself."""
    withhold: ClassVar[Withhold] = False
    """What of its exchanges is not kept, because it speaks of people."""
    list_params: Mapping[str, str] = {}
    """What a walk of the list asks for besides."""
    record_params: Mapping[str, str] = {}
    """What the request of a single record asks for besides."""

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        limits = settings.limits.lightspeed
        self._client = client
        self._settings = settings
        self._at_once = limits.concurrency
        self._page_size = limits.page_size
        self.most_asked = limits.most_asked
        self._private = excluded_paths(settings)

    @abstractmethod
    def kept(self, row: Row) -> Row:
        """What of a row may leave the feed."""

    def gated(self, rows: Sequence[Any]) -> list[Row]:
        """Rows as they may leave the feed; one that has not their shape stands for itself."""
        return gated(rows, self.shape, self.kept)

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [self.shown(row) for row in rows if row.get("id")]

    def shown(self, row: Mapping[str, Any]) -> Shown:
        return Shown(str(row["id"]), whole(row.get("version")), deleted=bool(row.get("deleted_at")))

    # ------------------------------------------------------------ by version

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
        async for page in self._pages(reached):
            reached = _cursor_after(page)
            yield RawPage(self.gated(page.rows), position=str(reached), cursor=str(reached), last=False)
        yield RawPage([], position=str(reached), cursor=str(reached), last=True)

    async def changed_since(self, cursor: str) -> RawPage:
        """Everything that moved after `cursor`, in one page, with the cursor to ask from next time."""
        reached = self._version(cursor)
        rows: list[Row] = []
        async for page in self._pages(reached):
            rows += self.gated(page.rows)
            reached = _cursor_after(page)
        return RawPage(rows, position=str(reached), cursor=str(reached), last=True)

    def _pages(self, after: int) -> AsyncIterator[VersionPage]:
        """Pages after this version, ascending."""
        return walk_versions(
            self._client,
            self.path,
            after=after,
            page_size=self._page_size,
            deleted=True,
            params=self.list_params,
            withhold=self.withhold,
        )

    # ------------------------------------------------------------ one by one

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """These records now, a page for each. One that is gone gives an empty page: its deletion is proven by the
        feed, not by its absence."""
        async for page in self._pages_of(keys, self._by_key):
            yield page

    async def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[list[Row]]:
        """Nothing: lists take no ids, and deleted rows stay in the feed, so that another walk would show the same."""
        return
        yield []

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """Single records, some at a time. A row that says when it was deleted is a row."""
        rows: list[Row] = []
        gone: list[str] = []
        for start in range(0, len(ids), self._at_once):
            batch = ids[start : start + self._at_once]
            for one, row in zip(batch, await asyncio.gather(*map(self._one, batch)), strict=True):
                if row is None:
                    gone.append(one)
                else:
                    rows.append(row)
        return Asked(rows, gone)

    async def read_one(self, record_id: str) -> Row:
        """A record as it is sent, whole. Raises TargetMissing."""
        path = f"{self.path}/{record_id}"
        answer = await self._client.get(path, self.record_params or None, withhold=self.withhold)
        return dict(single_of(answer.value, self.path))

    async def _one(self, record_id: str) -> Row | None:
        """What is kept of a record; None where the store has none of that id."""
        try:
            return self.gated([await self.read_one(record_id)])[0]
        except TargetMissing:
            return None

    async def _by_key(self, key: str) -> list[Row]:
        row = await self._one(key)
        return [] if row is None else [row]

    async def _pages_of(
        self, keys: Sequence[str], read: Callable[[str], Awaitable[list[Row]]]
    ) -> AsyncIterator[RawPage]:
        """A page for each key, some at a time; the last one is marked."""
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


def _cursor_after(page: VersionPage) -> int:
    assert page.cursor is not None  # only lists that may come whole have none
    return page.cursor
