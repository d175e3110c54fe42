"""What the receiver needs from whoever serves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from retail_sync.lightspeed.versions import DEFAULT_SERIES, Series
from retail_sync.records.events import Hint
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class ReceiverSecrets:
    """What senders are known by. None or empty = nobody of that kind is believed.

    `lightspeed_series`: of the store whose webhooks are meant. `lightspeed_signing`: secrets a webhook
    may be signed with. `lightspeed_webhook_secret`, `event_secret`: what the
    secret part of an address is made from (Lightspeed's without a signature, commercetools' destinations).
    `commercetools_project`: the project whose notifications are meant.
    """

    lightspeed_signing: tuple[str, ...] = field(default=(), repr=False)
    lightspeed_webhook_secret: str | None = field(default=None, repr=False)
    event_secret: str | None = field(default=None, repr=False)
    commercetools_project: str = ""
    lightspeed_series: Series = DEFAULT_SERIES


@dataclass(frozen=True)
class Kept:
    """`anew`: entities that were told something new. `ring`: those of them whose runs would see it now."""

    anew: frozenset[str] = frozenset()
    ring: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ports:
    """`settings`, `secrets`, `keep`: called in threads, may block and may fail; a failure is answered 503.

    `keep` returns when the hints are safe. `ring` is called with the entities to ring for, in the same thread; it never
    blocks.
    """

    settings: Callable[[], SyncSettings]
    secrets: Callable[[], ReceiverSecrets]
    keep: Callable[[Sequence[Hint]], Kept]
    ring: Callable[[frozenset[str]], None]
