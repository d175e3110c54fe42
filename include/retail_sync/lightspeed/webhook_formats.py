"""How webhooks of a store look as they arrive: known here without any client of a store. Only X-Series sends any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from retail_sync.lightspeed.x_series.events.notifications import TOPICS, Signature, hint_of
from retail_sync.records.events import Hint


@dataclass(frozen=True)
class WebhookFormat:
    """`topics`: webhook type -> entities that have to look. `signature`: whether a body is signed by who knows a
    secret, found out while it comes. `hint_of`: topic and body -> what changed. Raises UnreadableEvent."""

    topics: Mapping[str, tuple[str, ...]]
    signature: type[Signature]
    hint_of: Callable[[str, bytes], Hint]


STORE_WEBHOOKS = WebhookFormat(TOPICS, Signature, hint_of)
