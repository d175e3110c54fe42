"""How webhooks of each series look as they arrive: known here without any client of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from retail_sync.lightspeed.versions import Series
from retail_sync.lightspeed.x_series.events.notifications import TOPICS, Signature, hint_of
from retail_sync.records.events import Hint


@dataclass(frozen=True)
class WebhookFormat:
    """`topics`: webhook type -> entities that have to look. `signature`: whether a body is signed by who knows a
    secret, found out while it comes. `hint_of`: topic and body -> what changed. Raises UnreadableEvent."""

    topics: Mapping[str, tuple[str, ...]]
    signature: type[Signature]
    hint_of: Callable[[str, bytes], Hint]


WEBHOOKS = MappingProxyType[Series, WebhookFormat]({"x": WebhookFormat(TOPICS, Signature, hint_of)})
"""By series; one that is not here sends none."""
