"""No write outside ownership: the last look before a write leaves the engine, whoever planned it and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import ConfigurationFault

Objection = Callable[[ChangeRow], str | None]
"""Why today's settings do not allow a change; None where they do."""


def require_allowed(changes: Iterable[ChangeRow], objection: Objection) -> None:
    """Raises ConfigurationFault for a change that today's settings do not allow."""
    for change in changes:
        why = objection(change)
        if why is not None:
            raise ConfigurationFault(
                f"The {change.action} of {change.kind} {change.label or change.subject} in {change.system} is outside "
                f"ownership: {why}.",
                system=change.system,
                remedy="The settings changed after the plan was made, or the plan is wrong. Trigger the run again.",
            )
