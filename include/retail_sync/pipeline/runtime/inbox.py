"""What is heard of changes goes into the inbox, for the entities that follow at once."""

from __future__ import annotations

from collections.abc import Sequence

from retail_sync.ledger.inbox import Delay, Inbox
from retail_sync.pipeline.runtime.entities import ENTITIES
from retail_sync.records.events import Hint
from retail_sync.settings.models import SyncSettings
from retail_sync.webhooks.ports import Kept

TRAILING = frozenset(one.id for one in ENTITIES if one.trails)


def keep(inbox: Inbox, settings: SyncSettings, hints: Sequence[Hint]) -> Kept:
    """Keep hints until runs have seen to them. Doorbells ring now for the entities with something new that a run would
    see: what becomes visible later rings later (see `retail_sync.pipeline.web.doorbells`), and what was never aligned
    is not run by events."""
    delay = _delay(settings)
    anew = inbox.keep(hints, settings.followed_entities, delay)
    sources = {hint.source for hint in hints}
    seen = frozenset(entity for entity in anew if any(not delay(entity, source) for source in sources))
    return Kept(anew, inbox.aligned(seen))


def _delay(settings: SyncSettings) -> Delay:
    trail = float(settings.limits.commercetools.trail_seconds)

    def seconds(entity: str, source: str) -> float:
        return trail if source == "commercetools" and entity in TRAILING else 0.0

    return seconds
