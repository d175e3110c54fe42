"""A receiver served by uvicorn in front of a real inbox, and senders that speak to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import httpx

from retail_sync.ledger import Ledger
from retail_sync.ledger.inbox import Inbox
from retail_sync.records.events import Hint
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.derived import address_secret
from retail_sync.webhooks.app import receiver_app
from retail_sync.webhooks.ports import Kept, Ports, ReceiverSecrets
from sandbox.server import SandboxServer

ENTITIES = ("products", "prices", "inventory", "customers", "orders", "sales")
SIGNING, WEBHOOK, EVENTS = "application-secret", "webhook-secret", "event-secret"
PROJECT = "goodstore"
EVENT_GRID = {"type": "EventGrid", "uri": "https://topic.westeurope-1.eventgrid.azure.net/api/events"}
PUBSUB = {"type": "GoogleCloudPubSub", "project_id": "shop", "topic": "changes"}

Row = Mapping[str, Any]


def settings_of(
    destination: Row | None = None, *, allow_unsigned: bool = False, **realtime: Any
) -> SyncSettings:
    """Settings that differ from the default in what they say of near real time."""
    told: dict[str, Any] = {"lightspeed": {"allow_unsigned": allow_unsigned}, **realtime}
    if destination:
        format_ = "CloudEvents" if destination["type"] == "EventGrid" else "Platform"
        told["commercetools"] = {"destination": destination, "format": format_}
    return SyncSettings.model_validate({"version": 1, "realtime": told})


@dataclass
class Receiver:
    """`keep` stores hints in the inbox: a test may put another one in its place. `rung`: every ring, in order."""

    url: str
    ledger: Ledger
    client: httpx.Client
    settings: SyncSettings = field(default_factory=settings_of)
    secrets: ReceiverSecrets = field(
        default_factory=lambda: ReceiverSecrets((SIGNING,), WEBHOOK, EVENTS, PROJECT)
    )
    rung: list[frozenset[str]] = field(default_factory=list)

    def keep(self, hints: Sequence[Hint]) -> Kept:
        return kept_in(self.ledger.inbox, hints)

    def kept(self, entity: str) -> list[str]:
        """Ids of the events in the inbox, which are taken out of it."""
        return [event.event_id for event in self.ledger.inbox.claim(entity, "test")]

    def post(self, path: str, body: Any = b"", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{self.url}{path}", content=body, headers=named)

    def webhook(self, topic: str, record: Row, secret: str = SIGNING) -> httpx.Response:
        """A signed webhook as X-Series sends it."""
        raw = form(record)
        return self.post(f"/lightspeed/main/{topic}", raw, x_signature=signature(raw, secret))

    def push(self, notification: Row, path: str | None = None, **headers: str) -> httpx.Response:
        path = path or f"/pubsub/main/{address_secret(EVENTS, 'pubsub/main')}"
        return self.post(path, pushed(json.dumps(notification).encode()), **headers)

    @property
    def grid(self) -> str:
        return f"/eventgrid/main/{address_secret(EVENTS, 'eventgrid/main')}"


@contextmanager
def served(ledger: Ledger) -> Iterator[Receiver]:
    receiver = Receiver("", ledger, httpx.Client(timeout=20))
    ports = Ports(
        settings=lambda: receiver.settings,
        secrets=lambda: receiver.secrets,
        keep=lambda hints: receiver.keep(hints),
        ring=receiver.rung.append,
    )
    with SandboxServer(receiver_app(ports)) as server, receiver.client:
        receiver.url = server.url
        yield receiver


def kept_in(inbox: Inbox, hints: Sequence[Hint]) -> Kept:
    """Every entity has been aligned, and sees everything at once."""
    anew = inbox.keep(hints, ENTITIES)
    return Kept(anew, anew)


def stock(number: int, product: str = "p1") -> dict[str, Any]:
    """The payload of an `inventory.update`."""
    return {
        "id": f"stock-{product}",
        "product_id": product,
        "outlet_id": "o1",
        "count": "9",
        "version": number,
    }


def form(record: Row) -> bytes:
    return f"payload={quote_plus(json.dumps(record))}&type=x&retailer_id=r1".encode()


def digest(raw: bytes, secret: str = SIGNING) -> bytes:
    return hmac.digest(secret.encode(), raw, hashlib.sha256)


def signature(raw: bytes, secret: str = SIGNING, algorithm: str = "HMAC-SHA256") -> str:
    return f"signature={digest(raw, secret).hex()},algorithm={algorithm}"


def changed(version: int, resource: str = "inventory-entry", **more: Any) -> dict[str, Any]:
    """A notification in the format Platform."""
    return {
        "notificationType": "ResourceUpdated",
        "projectKey": PROJECT,
        "resource": {"typeId": resource, "id": "r-1"},
        "version": version,
        **more,
    }


def cloud_event(version: int, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e-{version}",
        "type": "com.commercetools.inventory-entry.change.ResourceUpdated",
        "source": f"/{PROJECT}/inventory-entry/changes",
        "data": changed(version),
        **more,
    }


def pushed(data: bytes) -> bytes:
    """The envelope of Pub/Sub."""
    message = {"data": base64.b64encode(data).decode(), "messageId": "1", "attributes": {}}
    return json.dumps({"message": message, "subscription": "projects/shop/subscriptions/s"}).encode()
