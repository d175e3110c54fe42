"""Read one system's window into staging, page by page, resumable after every page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from include.ledger.ledger import Ledger
from include.records.errors import ConfigurationFault
from include.records.face import ProductSystem, RawPage, Stream, Window
from include.sync.mirroring import ENTITY
from include.sync.staging import Staging


@dataclass(frozen=True)
class Extracted:
    """What was read: `pages` staged pages with `rows` rows. `cursor`: where the next window starts once this run is
    safe; None = this run may not move it (a `keys` run). `began`: when the first attempt at this read began, by the
    ledger's clock (ISO, UTC)."""

    system: str
    pages: int
    rows: int
    window: dict[str, str | None]
    cursor: str | None
    resumed_from: int
    began: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def extract(
    ledger: Ledger,
    staging: Staging,
    adapter: ProductSystem,
    *,
    full: bool,
    since: datetime | None = None,
    keys: Sequence[str] = (),
) -> Extracted:
    """Read the run's window of one system's products into staging. With `keys` only the products that hold one of
    these SKUs are read."""
    return await extract_feed(
        ledger,
        staging,
        adapter,
        entity=ENTITY,
        name=adapter.system,
        full=full,
        since=since,
        keys=keys or None,
    )


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
) -> Extracted:
    """Read the run's window of one feed into staging, under `name`, which is also that of its cursor.

    A retried task goes on after the last page it had finished: pages are counted in a checkpoint that is stored only
    after the page itself. `keys`: only what belongs to them, however few they are.
    """
    step = f"extract_{name}"
    run_id = staging.run_id
    state = ledger.checkpoints.get(run_id, step)
    if state is None:
        began = ledger.now()
        window = await _window(ledger, feed, entity, name, full=full, since=since, keys=keys)
        state = {
            "window": {"lower": window.lower, "upper": window.upper},
            "pages": 0,
            "rows": 0,
            "position": None,
            "cursor": None,
            "done": False,
            "began": began.isoformat(),
        }
        ledger.checkpoints.set(run_id, step, state)
    window = Window(**state["window"])
    resumed_from = int(state["pages"])
    if not state["done"]:
        async for page in _pages(feed, window, state["position"], keys):
            if page.rows:
                staging.write_page(name, state["pages"], page.rows)
                state["pages"] += 1
                state["rows"] += len(page.rows)
            state["position"] = page.position
            state["cursor"] = page.cursor or state["cursor"]
            ledger.checkpoints.set(run_id, step, state)
        state["done"] = True
        ledger.checkpoints.set(run_id, step, state)
    return Extracted(
        system=name,
        pages=state["pages"],
        rows=state["rows"],
        window=state["window"],
        cursor=None if keys is not None else state["cursor"],
        resumed_from=resumed_from,
        began=state["began"],
    )


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
    cursor = ledger.cursor(entity, name)
    if cursor is None or ledger.baseline(entity) is None:
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


def sweep_began(extracted: Iterable[Mapping[str, Any]]) -> datetime:
    """Since when a complete read of both systems has been under way: records seen after that are spared by the sweep.

    Takes `Extracted.as_dict()` of each feed.
    """
    return min(datetime.fromisoformat(each["began"]) for each in extracted)
