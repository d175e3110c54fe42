"""A batch of commercetools notifications, however it came: what can be read of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retail_sync.commercetools.events.notifications import hint_of
from retail_sync.records.events import UnreadableEvent
from retail_sync.webhooks.deliveries import Delivery


def delivery_of(name: str, notifications: Sequence[Any], project_key: str) -> Delivery:
    """One unreadable notification does not keep the others out."""
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
