"""No write outside ownership: the last look before a price leaves the engine."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models import SyncSettings


def require_ownership(changes: Iterable[ChangeRow], settings: SyncSettings) -> None:
    """Refuse a write that today's settings do not allow, whoever planned it and when. Raises ConfigurationFault."""
    allowed = {
        (one.name, system)
        for one in settings.prices.synced
        for system in ("commercetools", "lightspeed")
        if one.may_write(system)
    }
    for change in changes:
        name = str(change.after.get("list"))
        if (name, change.system) not in allowed:
            raise ConfigurationFault(
                f"The price of {change.label} in the list {name!r} may not be written to {change.system}: that system "
                "owns it, nobody does, or its direction forbids it.",
                remedy="The settings changed after the plan was made, or the plan is wrong. Plan again.",
            )
