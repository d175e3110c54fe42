"""Pushes of Google Cloud Pub/Sub: an envelope with one notification, as text of base64.

Google signs a token for each push of a subscription with authentication; without, the push is known by a secret in its
address. Pub/Sub sends again after anything but 2xx, for days, and slows down the whole subscription: what sending again
would not mend is thanked for. Source: Pub/Sub docs, "Push subscriptions", "Authentication for push subscriptions".
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from retail_sync.records.events import UnreadableEvent
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import PubSubDestination
from retail_sync.transport.bodies import parse
from retail_sync.webhooks.addresses import check_address_secret, check_tenant, no_such_address
from retail_sync.webhooks.answers import UNKNOWN_SENDER, Refused
from retail_sync.webhooks.bodies import body_of
from retail_sync.webhooks.deliveries import Delivery, delivery_of
from retail_sync.webhooks.ports import ReceiverSecrets
from retail_sync.webhooks.tokens import GoogleTokens

NAME = "pubsub"


@dataclass(frozen=True)
class PubSub:
    tokens: GoogleTokens = field(default_factory=GoogleTokens)

    async def push(self, request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery:
        await self._check(request, settings, secrets)
        raw = await body_of(request, settings.realtime.most_body_kilobytes)
        return delivery_of(NAME, [_notification_in(raw)], secrets.commercetools_project)

    async def _check(self, request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> None:
        tenant = check_tenant(request, settings)
        subscription = settings.realtime.commercetools
        if subscription is None or not isinstance(subscription.destination, PubSubDestination):
            raise no_such_address()
        if subscription.destination.audience is None:
            check_address_secret(request, secrets.event_secret, f"{NAME}/{tenant}")
        elif "secret" in request.path_params:
            raise Refused(UNKNOWN_SENDER, "pushes are known by their token, not by their address")
        else:
            await self.tokens.check(request.headers.get("authorization"), subscription.destination)


def _notification_in(raw: bytes) -> Any:
    """The notification in the envelope; nothing readable in a right envelope is None. Raises UnreadableEvent."""
    try:
        envelope = parse(raw)
        message = envelope["message"]
        data = message.get("data", "")
        if not isinstance(data, str):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UnreadableEvent("The body is not a push of Pub/Sub.") from None
    try:
        return parse(base64.b64decode(data, validate=True))
    except ValueError:
        return None
