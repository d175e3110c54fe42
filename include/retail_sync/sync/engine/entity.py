"""What the engine asks of an entity, and what entities build their steps from.

An entity is a folder of `sync` with one object of this face. It says what is read, how rows become records, what is
planned and how a batch is written; when, in which order and what is kept of it is the engine's (`EntityRun`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from retail_sync.records.ports.products import Stream, SystemName
from retail_sync.sync.engine.absence import Asking
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.extract import Extracted, extract_feed
from retail_sync.sync.engine.plan import EntityPlan
from retail_sync.sync.engine.settle import PlaceOf, nowhere
from retail_sync.sync.engine.transform import Transformed

Feeds = Mapping[str, Mapping[str, Any]]
"""What was read, by feed: pages, window, cursor (see `retail_sync.sync.engine.extract.Extracted`)."""


@dataclass(frozen=True)
class EntitySpec:
    """`name`: the ledger's name of the entity. `feeds`: what is read, each with a cursor of its own.
    `needs_baseline_of`: the entity whose first alignment makes the links that this one follows."""

    name: str
    feeds: tuple[str, ...]
    needs_baseline_of: str | None = None


@dataclass(frozen=True)
class Settling:
    """What settling a run needs besides what was read and planned. `cursors`: of what is no feed. `place_of`: where a
    failed change was to go, if a record is written to several places, each of which may refuse it."""

    cursors: Mapping[str, str | None] = field(default_factory=dict)
    place_of: PlaceOf = nowhere


class Entity(Protocol):
    """One entity's steps. Each opens what it needs of both systems and closes it again."""

    @property
    def spec(self) -> EntitySpec: ...

    def extract(self, run: RunContext, system: SystemName) -> list[Extracted]:
        """Read the run's window of every feed of one system into staging."""

    def transform(self, run: RunContext, feeds: Feeds) -> list[Transformed]:
        """Map what was read."""

    def plan(self, run: RunContext) -> EntityPlan:
        """Take in what was read, and plan it together with what is due again. Nothing is written but mirrors."""

    def load(self, run: RunContext, batch: int, feeds: Feeds) -> dict[str, int]:
        """Write one batch; counts of outcomes."""

    def settling(self, run: RunContext) -> Settling: ...


def seen_until(run: RunContext, entity: str, feeds: Feeds, feed: str) -> str | None:
    """From where on a feed may have moved unseen: the end of this run's read, or, where a run of `keys` read no window,
    the end of the last one."""
    found: str | None = feeds[feed]["cursor"] or run.ledger.runs.cursor(entity, feed)
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
