"""No write outside ownership: the last look before a write of stock leaves the engine."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.channels import channel_name
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import SyncSettings


def require_ownership(changes: Iterable[ChangeRow], settings: SyncSettings) -> None:
    """Refuse a write that today's settings do not allow, whoever planned it and when.

    An entry may be written only in a channel that is fed, and fed only by locations the till counts; a level only at a
    location that it does not count. Raises ConfigurationFault.
    """
    owners = {location.name: location.owner for location in settings.locations}
    written = {
        one.channel
        for one in settings.shown_channels
        if all(owners.get(name) == "lightspeed" for name in one.locations)
    }
    adjusts = any(owner != "lightspeed" for owner in owners.values())
    for change in changes:
        channel = change.unit.rsplit("@", 1)[1]
        if change.system == "commercetools" and channel not in written:
            raise _refused(
                change, f"nothing that Lightspeed counts feeds the channel {channel_name(channel)}"
            )
        if change.system == "lightspeed" and not adjusts:
            raise _refused(change, "Lightspeed counts the stock of every location itself")


def require_foreign_outlets(changes: Iterable[ChangeRow], outlets: Iterable[str]) -> None:
    """Refuse to adjust a level at an outlet that the till counts. `outlets`: those it does not count."""
    allowed = set(outlets)
    for change in changes:
        if change.unit.rsplit("@", 1)[1] not in allowed:
            raise _refused(change, "Lightspeed counts the stock of this location itself")


def _refused(change: ChangeRow, why: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"A write of stock of {change.label} in {change.system} is outside ownership: {why}.",
        remedy="The settings changed after the plan was made, or the plan is wrong. Plan again.",
    )
