"""Which writes of prices today's settings allow."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.ownership import require_allowed


def require_ownership(changes: Iterable[ChangeRow], settings: SyncSettings) -> None:
    """A price may be written to a system that does not own its list. Raises ConfigurationFault."""
    allowed = {
        (one.name, system) for one in settings.prices.synced for system in SYSTEMS if one.may_write(system)
    }

    def objection(change: ChangeRow) -> str | None:
        name = str(change.after.get("list"))
        if (name, change.system) in allowed:
            return None
        return f"in the list {name!r}, that system owns the price, nobody does, or the list's direction forbids it"

    require_allowed(changes, objection)
