"""Deliveries of Azure Event Grid: CloudEvents (one, a batch, or with its members as headers) and events of Event Grid's
own schema, and the two handshakes by which a topic asks whether it may deliver here.

Known by a secret in their address. Event Grid sends again after 5xx and gives up on 400, 401 and 413. Source: Event
Grid docs "Endpoint validation with CloudEvents schema", "... with Event Grid event schema"; CloudEvents "HTTP 1.1 Web
Hooks for Event Delivery" and "HTTP Protocol Binding".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from retail_sync.records.events import UnreadableEvent
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import EventGridDestination
from retail_sync.transport.bodies import parse
from retail_sync.webhooks.addresses import check_address_secret, check_tenant, no_such_address
from retail_sync.webhooks.answers import KNOWN, MALFORMED, Refused, answer
from retail_sync.webhooks.bodies import body_of
from retail_sync.webhooks.deliveries import Delivery, delivery_of
from retail_sync.webhooks.ports import ReceiverSecrets

NAME = "eventgrid"
KIND = "aeg-event-type"
VALIDATION, NOTIFICATION = "SubscriptionValidation", "Notification"
VALIDATION_EVENT = "Microsoft.EventGrid.SubscriptionValidationEvent"

_ORIGIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){0,4}eventgrid\.azure\.net", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


async def take(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery | Response:
    _check(request, settings, secrets)
    return (
        _may_deliver(request, settings)
        if request.method == "OPTIONS"
        else await _taken(request, settings, secrets)
    )


def _may_deliver(request: Request, settings: SyncSettings) -> Response:
    """The handshake of CloudEvents: somebody asks whether a sender may deliver. Only Event Grid may."""
    origin = request.headers.get("webhook-request-origin", "").lower()
    if not _ORIGIN.fullmatch(origin):
        raise Refused(MALFORMED, "another sender than Event Grid asked to deliver")
    return answer(
        KNOWN,
        {
            "Allow": "OPTIONS, POST",
            "WebHook-Allowed-Origin": origin,
            "WebHook-Allowed-Rate": str(settings.realtime.events_per_minute),
        },
    )


async def _taken(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery | Response:
    raw = await body_of(request, settings.realtime.most_body_kilobytes)
    kind = request.headers.get(KIND, NOTIFICATION)
    if kind == VALIDATION:
        return _validated(raw)
    if kind != NOTIFICATION:
        # The end of a subscription, or what Azure may invent: nothing that we look at.
        return Delivery(NAME, [], ignored=1)
    events, is_batch = _events_in(raw, request)
    delivery = delivery_of(NAME, events, secrets.commercetools_project)
    if delivery.unreadable and not is_batch:
        raise UnreadableEvent("The event is no notification.")
    return delivery


def _check(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> None:
    tenant = check_tenant(request, settings)
    subscription = settings.realtime.commercetools
    if subscription is None or not isinstance(subscription.destination, EventGridDestination):
        raise no_such_address()
    check_address_secret(request, secrets.event_secret, f"{NAME}/{tenant}")


def _validated(raw: bytes) -> Response:
    """The handshake of Event Grid's own schema: who can repeat the code has read it. Nothing but a code is repeated."""
    events = _parsed(raw)
    one = events[0] if isinstance(events, list) and len(events) == 1 else None
    data = one.get("data") if isinstance(one, Mapping) and one.get("eventType") == VALIDATION_EVENT else None
    code = data.get("validationCode") if isinstance(data, Mapping) else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise UnreadableEvent("The handshake has no code.")
    return answer(
        KNOWN, body=json.dumps({"validationResponse": code}).encode(), media_type="application/json"
    )


def _events_in(raw: bytes, request: Request) -> tuple[list[Any], bool]:
    """The events of a delivery, and whether it is a batch."""
    told = _parsed(raw)
    if "ce-specversion" in request.headers:
        return [{"data": told, "time": request.headers.get("ce-time")}], False
    if isinstance(told, list):
        return [_as_cloud_event(one) for one in told], True
    return [_as_cloud_event(told)], False


def _as_cloud_event(event: Any) -> Any:
    """Event Grid's own schema calls the time of an event `eventTime`."""
    if isinstance(event, Mapping) and "eventType" in event:
        return {"data": event.get("data"), "time": event.get("eventTime")}
    return event


def _parsed(raw: bytes) -> Any:
    try:
        return parse(raw)
    except ValueError:
        raise UnreadableEvent("The body is not JSON.") from None
