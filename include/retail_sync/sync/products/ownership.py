"""Which writes of products today's settings allow."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.ownership import require_allowed


def require_ownership(changes: Iterable[ChangeRow], settings: ProductSettings) -> None:
    """An update may carry no field that the target itself owns, nor one that is not synced. A creation may carry
    everything (nobody's value is overwritten) but only into a system where creating is allowed. A deactivation may
    carry `active` alone. Raises ConfigurationFault."""

    def objection(change: ChangeRow) -> str | None:
        if change.action == "create":
            allowed = change.system in settings.create
            return None if allowed else f"products.create does not name {change.system}"
        if change.action == "deactivate":
            return None if set(change.after) == {"active"} else "a deactivation may only change `active`"
        for field in change.after:
            owner = settings.owner_of(field)
            if owner in (change.system, "none"):
                return f"{field} is owned by {owner}"
        return None

    require_allowed(changes, objection)
