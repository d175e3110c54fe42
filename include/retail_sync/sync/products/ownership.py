"""No write outside ownership: the last look before a write leaves the engine."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.products import ProductSettings


def require_ownership(changes: Iterable[ChangeRow], settings: ProductSettings) -> None:
    """Refuse a write that today's settings do not allow, whoever planned it and when.

    An update may carry no field that the target itself owns, nor one that is not synced. A creation may carry
    everything (nobody's value is overwritten) but only into a system where creating is allowed. A deactivation may
    carry `active` alone. Raises ConfigurationFault.
    """
    for change in changes:
        if change.action == "create":
            if change.system not in settings.create:
                raise _refused(change, f"products.create does not name {change.system}")
            continue
        if change.action == "deactivate":
            if set(change.after) != {"active"}:
                raise _refused(change, "a deactivation may only change `active`")
            continue
        for field in change.after:
            owner = settings.owner_of(field)
            if owner in (change.system, "none"):
                raise _refused(change, f"{field} is owned by {owner}")


def _refused(change: ChangeRow, why: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"A {change.action} of {change.label or change.subject} in {change.system} is outside ownership: {why}.",
        remedy="The settings changed after the plan was made, or the plan is wrong. Plan again.",
    )
