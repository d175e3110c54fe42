"""Which writes of customers today's settings allow."""

from __future__ import annotations

from collections.abc import Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.customers import CONSENTS, EXTERNAL_ID
from retail_sync.records.ports.products import SystemName, system_named
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.sync.customers.creations import ALWAYS_GIVEN
from retail_sync.sync.engine.ownership import require_allowed


def require_ownership(changes: Iterable[ChangeRow], settings: CustomerSettings) -> None:
    """Raises ConfigurationFault for a change that the settings do not allow."""

    def objection(change: ChangeRow) -> str | None:
        target = system_named(change.system)
        wrong = [name for name in change.after if not _may(change, name, target, settings)]
        if change.action == "create" and target not in settings.create:
            wrong.append("(creation)")
        if change.action in ("delete", "anonymise") and not _may_remove(change, target, settings):
            wrong.append("(deletion)")
        return f"{', '.join(wrong)} may not be written there" if wrong else None

    require_allowed(changes, objection)


def _may(change: ChangeRow, name: str, target: SystemName, settings: CustomerSettings) -> bool:
    if name == EXTERNAL_ID:
        return settings.mark
    if name in CONSENTS:
        return name.removeprefix("consent_") in settings.consents
    if not settings.may_write(name, target):
        return False
    if change.action == "create" and name in ALWAYS_GIVEN:
        return True
    owner = settings.owner_of(name)
    return owner in ("newest", "review") or (
        owner != "none" and (change.action == "create" or owner != target)
    )


def _may_remove(change: ChangeRow, target: SystemName, settings: CustomerSettings) -> bool:
    if target == "lightspeed":
        return settings.deletions.in_commercetools == change.action
    return settings.deletions.in_lightspeed in ("delete", "erase")
