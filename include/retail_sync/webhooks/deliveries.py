"""What a sender's module gives: the hints of one request, and what comes of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from retail_sync.commercetools.events.notifications import hint_of
from retail_sync.records.events import Hint, UnreadableEvent
from retail_sync.settings.models import SyncSettings
from retail_sync.webhooks.ports import ReceiverSecrets

AHEAD = timedelta(minutes=5)
"""Clocks differ by less; who is further ahead has a wrong one."""


@dataclass(frozen=True)
class Delivery:
    """`name`: the sender and, where the address says it, the topic. `ignored`: events nobody needs to look at.
    `unreadable`: events of a batch that are none; sending them again would not mend them."""

    name: str
    hints: Sequence[Hint]
    ignored: int = 0
    unreadable: int = 0


Sender = Callable[[Request, SyncSettings, ReceiverSecrets], Awaitable[Delivery | Response]]
"""Authenticates a request, then reads it. Gives the answer itself where more is asked for than to be taken (a
handshake). Raises Refused, ComeAgain, UnreadableEvent."""


def in_time(hints: Sequence[Hint], oldest_hours: int, now: datetime | None = None) -> list[Hint]:
    """Hints that are not too old to be of use. One that claims to come from the future comes from now. `now`: UTC."""
    now = now or datetime.now(UTC)
    oldest, newest = now - timedelta(hours=oldest_hours), now + AHEAD
    fresh = []
    for hint in hints:
        if hint.sent_at is None or oldest <= hint.sent_at <= newest:
            fresh.append(hint)
        elif hint.sent_at > newest:
            fresh.append(replace(hint, sent_at=now))
    return fresh


def delivery_of(name: str, notifications: Sequence[Any], project_key: str) -> Delivery:
    """A batch of commercetools notifications, however it came. One that is unreadable does not keep the others out."""
    hints, ignored, unreadable = [], 0, 0
    for one in notifications:
        try:
            hint = hint_of(one, project_key)
        except UnreadableEvent:
            unreadable += 1
            continue
        if hint is None:
            ignored += 1
        else:
            hints.append(hint)
    return Delivery(name, hints, ignored, unreadable)
