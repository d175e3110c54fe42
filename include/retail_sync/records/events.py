"""What a webhook or a notification comes to: that something changed, never to what.

Both systems deliver at least once, in any order and some time or other, and a stranger may try. So an event is a
hint: it names who speaks, what about, and which entities should look. The values it carries are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retail_sync.records.ports.products import SystemName


@dataclass(frozen=True)
class Hint:
    """One thing that is said to have changed.

    `source`: the system that speaks. `topic`: its own word for what happened (`inventory.update`, `OrderCreated`).
    `event_id`: the same for each delivery of the same event, another one for each other event of this source; it holds
    no personal data. `entities`: ids of the entities that this may concern; none = nobody needs to look.
    `resource_id`, `version`: which record in the system's own terms, for people who read the inbox; None = not said.
    `sent_at`: when the sender says it happened (UTC); None = not said.
    """

    source: SystemName
    topic: str
    event_id: str
    entities: tuple[str, ...]
    resource_id: str | None = None
    version: int | None = None
    sent_at: datetime | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """What the inbox keeps of it."""
        given = {
            "id": self.resource_id,
            "version": self.version,
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
        }
        return {name: value for name, value in given.items() if value is not None}


class UnreadableEvent(ValueError):
    """What came is not what this sender sends. The message says why, and repeats nothing of what came."""
