"""Notifications of a subscription as they arrive, and what they hint at.

Two formats: Platform (the notification itself) and CloudEvents (an envelope, with the notification in `data` or, as
text of base64, in `data_base64`). Three kinds: messages, changes of resources, and events of other services, which
nobody here follows. Delivered at least once, in any order. Source: API reference "Subscriptions", Delivery.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from retail_sync.records.events import Hint, UnreadableEvent
from retail_sync.transport.bodies import parse

RESOURCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "product": ("products", "prices"),
        "standalone-price": ("prices",),
        "inventory-entry": ("inventory",),
        "customer": ("customers",),
        "order": ("orders", "inventory"),
        "payment": ("orders",),
    }
)
"""Resource type -> entities that have to look."""

MESSAGE = "Message"
CHANGES = frozenset({"ResourceCreated", "ResourceUpdated", "ResourceDeleted"})
LARGEST_NUMBER = 2**63 - 1

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,99}", re.ASCII)


def hint_of(notification: Mapping[str, Any], project_key: str) -> Hint | None:
    """What a notification hints at; None = there is nothing to look at: the test notification of a new subscription, a
    resource or a kind nobody follows.

    The same event has the same id in either format: of a message resource and sequence number, of a change resource,
    version and kind. Raises UnreadableEvent for what is no notification, or one of another project.
    """
    told, sent = _opened(notification)
    kind = told.get("notificationType")
    if not isinstance(kind, str):
        raise UnreadableEvent("It has no `notificationType`.")
    if kind != MESSAGE and kind not in CHANGES:
        return None
    if told.get("projectKey") != project_key:
        raise UnreadableEvent("Its `projectKey` is not that of the connection.")
    resource_type, resource_id = _resource(told)
    if resource_type not in RESOURCES:
        return None
    where = f"{resource_type}:{resource_id}"
    if kind == MESSAGE:
        topic, event_id = _message_type(told), f"message:{where}:{_number(told, 'sequenceNumber')}"
        version, happened = _number_or_none(told, "resourceVersion"), told.get("createdAt")
    else:
        version, happened = _number(told, "version"), told.get("modifiedAt")
        topic, event_id = f"{resource_type}.{kind}", f"{kind}:{where}:{version}"
    return Hint(
        source="commercetools",
        topic=topic,
        event_id=event_id,
        entities=RESOURCES[resource_type],
        resource_id=resource_id,
        version=version,
        sent_at=_time(happened) or _time(sent),
    )


def _opened(given: Any) -> tuple[Mapping[str, Any], Any]:
    """The notification, out of its envelope where it has one, and the envelope's time.

    `type` and `source` of an envelope repeat what the notification says of itself, so they are not looked at.
    """
    if not isinstance(given, Mapping):
        raise UnreadableEvent("It is not a JSON object.")
    if "notificationType" in given or not {"data", "data_base64"} & given.keys():
        return given, None
    data = _unpacked(given)
    if not isinstance(data, Mapping):
        raise UnreadableEvent("The data of the CloudEvent are not a JSON object.")
    return data, given.get("time")


def _unpacked(envelope: Mapping[str, Any]) -> Any:
    data, encoded = envelope.get("data"), envelope.get("data_base64")
    try:
        if isinstance(data, str):
            return parse(data.encode())
        if data is None and isinstance(encoded, str):
            return parse(base64.b64decode(encoded, validate=True))
    except ValueError:
        raise UnreadableEvent("The data of the CloudEvent can't be read.") from None
    return data


def _resource(told: Mapping[str, Any]) -> tuple[str, str]:
    resource = told.get("resource")
    reference = resource if isinstance(resource, Mapping) else {}
    type_id, resource_id = reference.get("typeId"), reference.get("id")
    if not isinstance(type_id, str) or not isinstance(resource_id, str) or not _ID.fullmatch(resource_id):
        raise UnreadableEvent("It has no `resource` with `typeId` and `id`.")
    return type_id, resource_id


def _message_type(told: Mapping[str, Any]) -> str:
    """What the message says happened. One that was too long for the queue comes without its own members, and names its
    type in `payloadNotIncluded`."""
    left_out = told.get("payloadNotIncluded")
    named = left_out.get("payloadType") if isinstance(left_out, Mapping) else None
    for candidate in (told.get("type"), named):
        if isinstance(candidate, str) and _TYPE.fullmatch(candidate):
            return candidate
    return MESSAGE


def _number(told: Mapping[str, Any], name: str) -> int:
    number = _number_or_none(told, name)
    if number is None:
        raise UnreadableEvent(f"Its `{name}` is not a whole number.")
    return number


def _number_or_none(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        return None
    return value


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
