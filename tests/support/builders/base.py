"""What every builder has: the world it is a view of, its settings and clock, and runs of its entity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Hold
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.support.runs import Ran
from tests.support.worlds import READING, World


class Builder:
    """A shop as one entity's runs see it. Builders of the same world see the same shop."""

    entity: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def settings(self) -> SyncSettings:
        return self.world.settings

    @settings.setter
    def settings(self, settings: SyncSettings) -> None:
        self.world.settings = settings

    @property
    def clock_ahead(self) -> timedelta:
        return self.world.clock_ahead

    @clock_ahead.setter
    def clock_ahead(self, ahead: timedelta) -> None:
        self.world.clock_ahead = ahead

    @property
    def online(self) -> CommercetoolsStore:
        return self.world.online  # type: ignore[return-value]

    @property
    def till(self) -> LightspeedStore:
        return self.world.till

    @property
    def ledger(self) -> Ledger:
        return self.world.ledger

    def run(self, mode: str = "delta", **asked: Any) -> Ran:
        """One whole run of the entity; see `World.run`."""
        return self.world.run(self.entity, mode, **asked)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    def set(self, section: str = "", **changes: Any) -> None:
        """Somebody edits the file: these settings of a section (of the entity's own), the others stay."""
        self.world.set(section or self.entity, **changes)

    def holds(self) -> list[Hold]:
        return self.ledger.holds.open_holds(self.entity)

    def held(self) -> dict[str, str]:
        """Code of the hold of each record, by its label."""
        return {str(hold.label): hold.code for hold in self.holds()}

    def written(self, *parts: str, but: Sequence[str] = ()) -> list[str]:
        """Requests that wrote since `forget_requests`, with one of these parts in their path and none of `but`."""
        return [
            f"{request.method} {request.path}"
            for system in SYSTEMS
            for request in self.world.requests(system)
            if request.method not in READING
            and not request.path.endswith("/token")
            and (not parts or any(part in request.path for part in parts))
            and not any(part in request.path for part in but)
        ]


def aligned(ledger: Ledger, *entities: str, **cursors: str) -> None:
    """The ledger as the first alignments of these entities leave it, without what they linked. `cursors`: by feed."""
    for entity in entities:
        ledger.runs.open(entity, entity, dag_id=entity, airflow_run_id="1", mode="full", params={})
        ledger.runs.settle(entity, entity, cursors=cursors, holds=[], baseline=True)
