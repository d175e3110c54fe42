"""What the steps of a run ask of an entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from retail_sync.records.ports.products import Stream, SystemName
from retail_sync.sync.engine import settle as auditing
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.extract import Extracted, extract_feed

Feeds = Mapping[str, Mapping[str, Any]]
"""What was read, by feed: pages, window, cursor (see `retail_sync.sync.engine.extract.Extracted`)."""


@dataclass(frozen=True)
class PlannedRun:
    """A plan in numbers (`summary`, which may leave the task), and what is told of it in the log only."""

    summary: dict[str, Any]
    first_holds: Sequence[Mapping[str, Any]] = ()
    lines: Sequence[str] = field(default_factory=tuple)


def seen_until(run: RunContext, entity: str, feeds: Feeds, feed: str) -> str | None:
    """From where on a feed may have moved unseen: the end of this run's read, or, where a run of `keys` read no window,
    the end of the last one."""
    found: str | None = feeds[feed]["cursor"] or run.ledger.cursor(entity, feed)
    return found


async def read_feed(
    run: RunContext,
    entity: str,
    feed: Stream,
    name: str,
    keys: Sequence[str] | None,
    asking: Asking | None = None,
) -> Extracted:
    """The run's window of one feed into staging; with `keys` only what belongs to them. `asking`: see
    `retail_sync.sync.engine.absence`."""
    return await extract_feed(
        run.ledger,
        run.staging,
        feed,
        entity=entity,
        name=name,
        full=run.request.full,
        since=run.request.since,
        keys=keys,
        asking=asking,
    )


def unread(run: RunContext, name: str) -> Extracted:
    """A feed that this run does not read: no cursor moves."""
    window: dict[str, str | None] = {"lower": None, "upper": None}
    return Extracted(name, 0, 0, window, None, 0, run.ledger.now().isoformat(), read=False)


def settle_run(run: RunContext, entity: str, feeds: Feeds, names: Iterable[str]) -> None:
    """Settle the run of an entity whose cursors are those of these feeds."""
    auditing.audit(
        run.ledger,
        run.staging,
        run.settings,
        cursors={name: feeds[name]["cursor"] for name in names},
        dry_run=run.request.dry_run,
        full=run.request.full,
        limited=run.request.limited,
        entity=entity,
    )


class Engine(Protocol):
    """One entity's steps. Each opens what it needs of both systems and closes it again."""

    def extract(self, run: RunContext, system: SystemName) -> list[dict[str, Any]]:
        """Read the run's window of every feed of one system into staging."""

    def transform(self, run: RunContext, feeds: Feeds) -> list[dict[str, Any]]:
        """Map what was read; a row of counts for each table."""

    def plan(self, run: RunContext, feeds: Feeds) -> PlannedRun: ...

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        """Write one batch; counts of outcomes."""

    def audit(self, run: RunContext, feeds: Feeds) -> None:
        """Settle the run (see `retail_sync.sync.engine.settle.audit`)."""
