"""What writes of customers work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.feeds import Door
from retail_sync.sync.customers.world import Terms


@dataclass(frozen=True)
class Bench:
    """The ledger, both doors, and the run that writes."""

    ledger: Ledger
    doors: Mapping[SystemName, Door]
    settings: SyncSettings
    run_id: str

    @property
    def terms(self) -> Mapping[SystemName, Terms]:
        """What both systems can hold."""
        return terms_of(self.doors)


def terms_of(doors: Mapping[SystemName, Door]) -> dict[SystemName, Terms]:
    """What each system can hold, and what of it can be written."""
    return {system: Terms(door.adapter.holds, door.adapter.writes) for system, door in doors.items()}
