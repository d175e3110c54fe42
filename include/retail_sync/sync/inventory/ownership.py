"""Which writes of stock today's settings allow."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.channels import channel_name
from retail_sync.records.refs import EntryKey, LevelKey
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.ownership import require_allowed


def require_ownership(changes: Iterable[ChangeRow], settings: SyncSettings) -> None:
    """An entry may be written only in a channel that is fed, and fed only by locations the till counts; a level only
    at a location that it does not count. Raises ConfigurationFault."""
    owners = {location.name: location.owner for location in settings.locations}
    written = {
        one.channel
        for one in settings.shown_channels
        if all(owners.get(name) == "lightspeed" for name in one.locations)
    }
    adjusts = any(owner != "lightspeed" for owner in owners.values())

    def objection(change: ChangeRow) -> str | None:
        channel = EntryKey.parse(change.unit).channel
        if change.system == "commercetools" and channel not in written:
            return f"nothing that Lightspeed counts feeds the channel {channel_name(channel)}"
        if change.system == "lightspeed" and not adjusts:
            return "Lightspeed counts the stock of every location itself"
        return None

    require_allowed(changes, objection)


def require_foreign_outlets(changes: Iterable[ChangeRow], outlets: Iterable[str]) -> None:
    """Refuse to adjust a level at an outlet that the till counts. `outlets`: those it does not count."""
    allowed = set(outlets)

    def objection(change: ChangeRow) -> str | None:
        counted = LevelKey.parse(change.unit).outlet_id not in allowed
        return "Lightspeed counts the stock of this location itself" if counted else None

    require_allowed(changes, objection)
