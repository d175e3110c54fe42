"""What the adapter of every entity has, and every feed: a client, what `prepare` has read, windows by time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.queries import Query, Slice, moment, one_of, parse_moment, shifted
from retail_sync.records.checks import Shape
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.ports.products import Asked, RawPage, Shown, SystemName, Window
from retail_sync.records.rows import gated, readable, unread_ids
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.withholding import Withhold

R = TypeVar("R")


class ProjectPart:
    """What reads or writes one project. The client is opened and closed by the caller."""

    system: SystemName = "commercetools"

    def __init__(self, client: CommercetoolsClient, settings: SyncSettings) -> None:
        self._client = client
        self._settings = settings
        self._limits = settings.limits.commercetools


class EntityAdapter(ProjectPart, Generic[R]):
    """The adapter of one entity. `prepare` comes first, which reads what its records refer to."""

    _read: R | None = None

    @property
    def _prepared(self) -> R:
        if self._read is None:
            raise RuntimeError(f"`prepare` has to be awaited before {type(self).__name__} reads or writes.")
        return self._read

    @_prepared.setter
    def _prepared(self, read: R) -> None:
        self._read = read


class StagedAdapter(EntityAdapter[R]):
    """An adapter that may be given what another one's `prepare` has read. `kind`: what that is."""

    kind: type[R]

    def reference(self) -> Any:
        return to_document(self._prepared)

    def use(self, reference: Any) -> None:
        self._prepared = from_document(self.kind, reference)


class TimeFeed(ProjectPart):
    """What is read by time. Cursors are times of the server, never of this machine; windows end a little behind its
    clock, because rows become visible late, and a delta looks back over the overlap."""

    async def server_time(self) -> datetime:
        return await queries.server_clock(self._client)

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        """The earlier of the two."""
        return moment(min(since, parse_moment(cursor)))

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """Its upper end is the next cursor."""
        upper = moment(await self.server_time() - timedelta(seconds=self._limits.trail_seconds))
        if full or cursor is None:
            return Window(lower=None, upper=upper)
        return Window(lower=min(shifted(cursor, -self._limits.overlap_seconds), upper), upper=upper)

    @property
    def most_asked(self) -> int:
        return self._limits.most_asked

    def _kept(self, rows: queries.Rows) -> queries.Rows:
        """Rows as they may leave: checked, and cut down to what is mapped."""
        return rows

    def _page(self, part: Slice, window: Window | None = None) -> RawPage:
        """A page of what was found; of a walk through a window, with its cursor."""
        cursor = reached(part, window) if window else None
        return RawPage(self._kept(part.rows), part.position, cursor, part.last)

    async def _pages(self, walks: Sequence[AsyncIterator[Slice]]) -> AsyncIterator[RawPage]:
        """The pages of all walks; one empty page where there is nothing to walk."""
        async for part in queries.one_after_the_other(walks):
            yield self._page(part)
        if not walks:
            yield RawPage([], position="", cursor=None, last=True)


def reached(part: Slice, window: Window) -> str | None:
    """The cursor after this part of a walk, never later than the window's upper end. None in a full walk until it
    ends."""
    if part.last:
        return window.upper
    if window.lower is None or not part.position or window.upper is None:
        return None
    return min(part.position.partition("|")[0], window.upper)


class CollectionFeed(TimeFeed):
    """A feed whose records are the rows of one collection: at `path`, asked for with `params`, of this `shape`."""

    path: ClassVar[str]
    shape: ClassVar[Shape]
    params: ClassVar[Sequence[tuple[str, str]]] = ()
    withhold: ClassVar[Withhold] = False

    def __init__(self, client: CommercetoolsClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self._rows = Query(client, self.path, self._limits.page_size, self.params, self.withhold)

    def _trimmed(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row without what is not mapped."""
        raise NotImplementedError

    def _kept(self, rows: queries.Rows) -> queries.Rows:
        return gated(rows, self.shape, self._trimmed)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """All by id, with the cursor at the end, or what changed in order of time."""
        async for part in self._rows.in_window(window, position):
            yield self._page(part, window)

    async def fetch(self, ids: Collection[str]) -> AsyncIterator[RawPage]:
        """These records as they are now; of what is gone, nothing. That an answer to many ids lacks a record is no
        proof, so what it does not show is asked for by its own id."""
        missing = {id for id in ids if id}
        async for rows in self.ask_together(sorted(missing)):
            missing -= {str(row["id"]) for row in readable(rows)} | unread_ids(rows)
            yield RawPage(rows, position="", cursor=None, last=False)
        rows = (await self.ask_each(sorted(missing))).rows if missing else []
        yield RawPage(rows, position="", cursor=None, last=True)

    async def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[queries.Rows]:
        batches = queries.in_batches(id for id in ids if id)
        async for page in self._pages([self._rows.by_id(one_of("id", batch)) for batch in batches]):
            yield page.rows

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """One request for each record; 404 says that there is none."""
        asked = await self._rows.asked(ids)
        return Asked(self._kept(asked.rows), asked.gone)

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return [Shown(str(row["id"]), row.get("version")) for row in rows]
