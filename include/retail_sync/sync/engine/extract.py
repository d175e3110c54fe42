"""Read one system's window into staging, page by page, resumable after every page."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.records.ports.products import RawPage, Stream, Window
from retail_sync.sync.engine.absence import Asking, Met, ask_for_unmet
from retail_sync.sync.engine.staging import STEP as STAGED
from retail_sync.sync.engine.staging import Staging

STEP = "extract_"
"""Checkpoints of feeds that are read begin with this, followed by the feed's name."""


class ReadElsewhere(SyncError):
    """Another try of the same task has taken this read over."""

    default_remedy = "Nothing: the other try goes on with it."


@dataclass(frozen=True)
class Extracted:
    """What was read: `pages` staged pages with `rows` rows. `cursor`: where the next window starts once this run is
    safe; None = this run may not move it (a `keys` run). `began`: when the first attempt at this read began, by the
    ledger's clock (ISO, UTC). `read`: whether the run reads this feed at all. `unmet`: records that were
    known and not shown, and were asked for by their ids; `gone`: how many of them are proven to be gone."""

    system: str
    pages: int
    rows: int
    window: dict[str, str | None]
    cursor: str | None
    resumed_from: int
    began: str
    read: bool = True
    unmet: int = 0
    gone: int = 0

    @classmethod
    def of(cls, name: str, state: Mapping[str, Any], resumed_from: int = 0) -> Extracted:
        """What a feed's checkpoint says of it."""
        absence = state.get("absence") or {}
        return cls(
            system=name,
            pages=state["pages"],
            rows=state["rows"],
            window=state["window"],
            cursor=None if state.get("limited") else state["cursor"],
            resumed_from=resumed_from,
            began=state["began"],
            unmet=int(absence.get("unmet", 0)),
            gone=len(absence.get("gone", ())),
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def extract_feed(
    ledger: Ledger,
    staging: Staging,
    feed: Stream,
    *,
    entity: str,
    name: str,
    full: bool,
    since: datetime | None = None,
    keys: Sequence[str] | None = None,
    asking: Asking | None = None,
) -> Extracted:
    """Read the run's window of one feed into staging, under `name`, which is also that of its cursor.

    A retried task goes on after the last page it had finished: pages are counted in a checkpoint that is stored only
    after the page itself. `keys`: only what belongs to them, however few they are. `asking`: what is known and not
    shown is asked for by its id (see `absence`). Raises ReadElsewhere where another try has taken the read over
    meanwhile: pages of two walks do not fit together.
    """
    read = _Read(ledger, staging, name, await asyncio.to_thread(_state, ledger, staging.run_id, name))
    if not read.state:
        began = await asyncio.to_thread(ledger.now)
        window = await _window(ledger, feed, entity, name, full=full, since=since, keys=keys)
        read.begin(window, began, limited=keys is not None)
    resumed_from = int(read.state["pages"])
    if read.state["done"]:
        return Extracted.of(name, read.state, resumed_from)
    await asyncio.to_thread(read.take_over)
    met = await asyncio.to_thread(read.met, asking)
    if not read.state["walked"]:
        async for page in _pages(feed, Window(**read.state["window"]), read.state["position"], keys):
            await asyncio.to_thread(read.take, page)
            if met is not None:
                met.take(page.rows)
        read.state["walked"] = True
    if asking is not None and met is not None:
        complete = full and keys is None and since is None
        await ask_for_unmet(ledger, replace(asking, complete=complete, keys=keys or ()), met, read)
    read.state["done"] = True
    await asyncio.to_thread(read.store)
    return Extracted.of(name, read.state, resumed_from)


def _state(ledger: Ledger, run_id: str, name: str) -> dict[str, Any]:
    return ledger.checkpoints.get(run_id, f"{STEP}{name}") or {}


@dataclass
class _Read:
    """One feed's pages in staging, and how far the read has come: `state` is its checkpoint, empty before it began.

    A page is believed together with the count that holds it: of whoever reads no more, neither is kept. What such a
    one left in the place of a page is then found damaged, and read again."""

    ledger: Ledger
    staging: Staging
    name: str
    state: dict[str, Any]
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What makes pages believed that the kept checkpoint does not count yet."""

    def begin(self, window: Window, began: datetime, *, limited: bool) -> None:
        self.state |= {
            "window": {"lower": window.lower, "upper": window.upper},
            "pages": 0,
            "rows": 0,
            "position": None,
            "cursor": None,
            "walked": False,
            "done": False,
            "began": began.isoformat(),
            "limited": limited,
        }

    def take_over(self) -> None:
        """From here on any other try of this read stops."""
        self.state["reader"] = uuid.uuid4().hex
        self.ledger.checkpoints.set(self.staging.run_id, f"{STEP}{self.name}", self.state)

    def store(self) -> None:
        run_id, step = self.staging.run_id, f"{STEP}{self.name}"
        advance = self.ledger.checkpoints.advance
        if not advance(run_id, step, self.state, owner="reader", beside=self.written):
            raise ReadElsewhere(f"Another try reads {self.name} for {run_id}.")
        self.written = {}

    def met(self, asking: Asking | None) -> Met | None:
        """What the pages of earlier tries showed, where that counts."""
        if asking is None:
            return None
        met = Met(asking.feed)
        for rows in self.staging.pages(self.name, self.state["pages"]):
            met.take(rows)
        return met

    def keep(self, rows: list[dict[str, Any]]) -> None:
        """Stage rows as one more page; none make no page."""
        if rows:
            self.written |= self.staging.put_page(self.name, self.state["pages"], rows)
            self.state["pages"] += 1
            self.state["rows"] += len(rows)

    def take(self, page: RawPage) -> None:
        self.keep(page.rows)
        self.state["position"] = page.position
        self.state["cursor"] = page.cursor or self.state["cursor"]
        self.store()


def read_so_far(ledger: Ledger, run_id: str) -> dict[str, Extracted]:
    """The feeds that this run has read to their end, by name."""
    states = ledger.checkpoints.below(run_id, STEP)
    return {
        name: Extracted.of(name, state)
        for name, state in ((step.removeprefix(STEP), state) for step, state in states.items())
        if state["done"]
    }


def forget_reading(ledger: Ledger, run_id: str) -> None:
    """Forget what a run has read and staged, of every feed: some feeds are safe only in the order they are read in."""
    for beginning in (STEP, STAGED):
        ledger.checkpoints.clear_below(run_id, beginning)


async def _window(
    ledger: Ledger,
    feed: Stream,
    entity: str,
    name: str,
    *,
    full: bool,
    since: datetime | None,
    keys: Sequence[str] | None,
) -> Window:
    if keys is not None:
        return Window(lower=None, upper=None)
    if full:
        window = await feed.open_window(None, full=True)
        if since is None or window.upper is None:
            return window
        return replace(window, lower=feed.cursor_at(since, window.upper))
    cursor = ledger.runs.cursor(entity, name)
    if cursor is None or ledger.runs.baseline(entity) is None:
        raise ConfigurationFault(
            "There is no first alignment yet, so there is nothing a delta could start from.",
            system=name,
            remedy=f"Trigger the DAG `{entity}` with mode=full: first with dry_run to see the plan, then without.",
        )
    if since is not None:
        return await feed.open_window(feed.cursor_at(since, cursor), full=False)
    return await feed.open_window(cursor, full=False)


def _pages(
    feed: Stream, window: Window, position: str | None, keys: Sequence[str] | None
) -> AsyncIterator[RawPage]:
    if keys is not None:
        return feed.search(keys)
    return feed.walk(window, position=position)
