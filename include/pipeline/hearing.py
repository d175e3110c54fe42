"""What is heard of changes goes into the inbox, for the entities that follow at once."""

from __future__ import annotations

from collections.abc import Sequence

from include.ledger.inbox import Delay, Inbox
from include.pipeline.entities import ENTITIES
from include.records.hints import Hint
from include.settings.models import SyncSettings

TRAILING = frozenset(one.id for one in ENTITIES if one.trails)


def keep(inbox: Inbox, settings: SyncSettings, hints: Sequence[Hint]) -> frozenset[str]:
    """Keep hints until runs have seen to them. Gives the entities whose doorbell is to ring now: those with something
    new that a run would see. What becomes visible later rings later (see `include.pipeline.ringing`)."""
    delay = _delay(settings)
    told = inbox.keep(hints, settings.followed_entities, delay)
    sources = {hint.source for hint in hints}
    return frozenset(entity for entity in told if any(not delay(entity, source) for source in sources))


def _delay(settings: SyncSettings) -> Delay:
    trail = float(settings.limits.commercetools.trail_seconds)

    def seconds(entity: str, source: str) -> float:
        return trail if source == "commercetools" and entity in TRAILING else 0.0

    return seconds
