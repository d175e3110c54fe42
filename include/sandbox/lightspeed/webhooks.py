"""Webhooks on their way: what changed is told to whoever registered, at least once and in no order that is promised.

What changes while the store's lock is held (a request, or one of the hands of `StoreState`) is noted, and told as
one change when the lock is let go, each row as it is in the end. A thread of the webhook delivers it, without the lock,
and ends when nothing is left to deliver. Nothing happens where nobody registered. Delays are real seconds, whatever the
store's clock says.

Sources: the public pages on webhooks (form-encoded body with a field `payload`, signature over the raw body with the
application's secret, answer within five seconds, up to twenty tries over two days; levels of tracked products only).
That refusals (3xx, 4xx) are not tried again, and that a level that vanishes with its product is not told on its own, is
inferred. `register_closure.create` can be registered and is never told: what it looks like is not documented.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.clock import to_millis
from sandbox.deliveries import LOST, WAITING, Delivery, Gone, Line, Lines
from sandbox.lightspeed.consignment_rows import Consignment
from sandbox.lightspeed.models import Stock
from sandbox.lightspeed.rows import Record, Row
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.webhook_payloads import form_of, payload_of

TRIES = 20
LOGGED = 20_000
SHUFFLE_SECONDS = 0.05
KEEP_ALIVE_SECONDS = 2.0
"""Shorter than servers usually have it, so that a connection is not closed just when it is used again."""
TYPE_OF_TABLE = {
    "sales": "sale.update",
    "products": "product.update",
    "customers": "customer.update",
    "stock": "inventory.update",
}

DELIVERED = "delivered"
REFUSED = "refused"
"""The receiver does not want it, or there is no such address."""
GIVEN_UP = "given up"
"""Every try was in vain."""
DROPPED = "dropped"
"""Never sent, as `webhook_drop` wants it."""


@dataclass(kw_only=True)
class WebhookDelivery(Delivery):
    """One event for one webhook. `millis`: from the change to the end of the last try. `started`: monotonic seconds.
    It is shown without the body, which holds customers; the address, which may hold a secret, isn't in here at all."""

    SHOWN = (
        *("n", "type", "webhook_id", "resource_id", "duplicate", "state"),
        *("attempts", "status", "error", "at", "millis"),
    )

    type: str
    webhook_id: str
    resource_id: str
    body: bytes
    started: float
    millis: float | None = None


class Webhooks(Lines[WebhookDelivery, Record]):
    """The deliveries of a store. `told` and `tell` are called under the store's lock, everything else without it."""

    STATES = (WAITING, DELIVERED, REFUSED, GIVEN_UP, DROPPED, LOST)
    NAME = "webhook"

    def __init__(self, store: StoreState, seed: int = 0) -> None:
        super().__init__(LOGGED, seed)
        self._store = store
        self._wanted: dict[str, list[Record]] = {}
        self._noted: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {}
        self._http: httpx.Client | None = None

    # What the store says.

    def watch(self) -> None:
        """Listen to the tables whose changes are told, and to who wants to be told."""
        for table, kind in TYPE_OF_TABLE.items():
            getattr(self._store, table).on_touch = lambda row, kind=kind: self.told(kind, row)
        self._store.webhooks.on_touch = self._registered
        self._store.on_event = self.told
        self._store.lock.before_release = self.tell

    def told(self, kind: str, row: Row) -> None:
        """Something of a type changed. It is told as it is when the lock is let go; a consignment as it is now, for it
        may be received before anybody is told that it was sent."""
        if kind not in self._wanted or (isinstance(row, Stock) and not self._is_tracked(row)):
            return
        self._noted.pop((kind, row.id), None)
        if isinstance(row, Consignment):
            payload = payload_of(self._store, row)
            self._noted[kind, row.id] = lambda: payload
        else:
            self._noted[kind, row.id] = lambda: payload_of(self._store, row)
        if not self._store.lock.is_held:
            self.tell()

    def tell(self) -> None:
        """The lock is about to be let go: what was noted is put into the lines, in the order of the latest versions."""
        if not self._noted:
            return
        noted, self._noted = self._noted, {}
        for (kind, row_id), payload in noted.items():
            hooks = self._wanted.get(kind, ())
            if hooks:
                body = form_of(self._store, kind, payload())
                for hook in hooks:
                    self._send(kind, hook.id, row_id, body)

    def _is_tracked(self, row: Stock) -> bool:
        product = self._store.products.rows[row.product_id]
        return row.deleted_at is None and product.family.tracked and not product.components

    def _registered(self, _: Record) -> None:
        """A webhook is new, other than before, or gone."""
        self._wanted = {}
        for hook in self._store.webhooks.live():
            if hook.fields["active"]:
                self._wanted.setdefault(hook.fields["type"], []).append(hook)
        with self._changed:
            self._changed.notify_all()

    def flush(self, timeout: float = 30.0) -> bool:
        """An attempt now for all that waits, whatever it waits for, in the order in which it would have been; False if
        that takes longer. What fails again goes on waiting."""
        return self._hurry(list(self._lines.values()), timeout)

    # Lines, and how they are delivered.

    def _send(self, kind: str, webhook_id: str, row_id: str, body: bytes) -> None:
        """Puts an event into the webhook's line, or whatever the switches make of that."""
        options, now = self._store.options, time.monotonic()
        with self._changed:
            is_dropped = self._happens(options.webhook_drop)
            copies = 2 if not is_dropped and self._happens(options.webhook_duplicates) else 1
            for copy in range(copies):
                one = self._logged(
                    lambda n, copy=copy: WebhookDelivery(  # type: ignore[misc]
                        n=n,
                        at=to_millis(self._store.clock.now()),
                        duplicate=copy > 0,
                        state=DROPPED if is_dropped else WAITING,
                        due=now,
                        type=kind,
                        webhook_id=webhook_id,
                        resource_id=row_id,
                        body=body,
                        started=now,
                    )
                )
                if is_dropped:
                    continue
                one.due += self._random.random() * options.webhook_late_seconds
                if self._happens(options.webhook_shuffle):
                    one.due += self._random.random() * SHUFFLE_SECONDS
                self._enqueue(webhook_id, one)

    def _receiver_of(self, delivery: WebhookDelivery) -> Record:
        hook = self._store.webhooks.find(delivery.webhook_id)
        if hook is None or not hook.fields["active"]:
            raise Gone
        return hook

    def _client(self) -> httpx.Client:
        with self._changed:
            if self._http is None:
                limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS)
                self._http = httpx.Client(trust_env=False, limits=limits)
            return self._http

    def _disconnect(self) -> None:
        with self._changed:
            client, self._http = self._http, None
        if client is not None:
            client.close()

    def _attempt(self, line: Line[WebhookDelivery], receiver: Record, batch: list[WebhookDelivery]) -> None:
        options, (one,) = self._store.options, batch
        status, error, may_help = None, None, False
        try:
            secret = self._store.tokens.secret_of(receiver.fields["application"])
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            signature = signed(one.body, secret, options.webhook_signature)
            if signature is not None:
                headers["X-Signature"] = signature
            status = (
                self._client()
                .post(
                    receiver.fields["url"],
                    content=one.body,
                    headers=headers,
                    timeout=options.webhook_timeout_seconds,
                )
                .status_code
            )
            may_help = status >= 500
        except httpx.TransportError as problem:
            error, may_help = type(problem).__name__, True
        except Exception as problem:  # whatever it is: the thread goes on, and the log says it
            error = type(problem).__name__
        one.millis = round((time.monotonic() - one.started) * 1000, 3)

        def became(one: WebhookDelivery) -> str:
            if not may_help:
                return DELIVERED if status is not None and status < 300 else REFUSED
            return GIVEN_UP if one.attempts >= TRIES else WAITING

        self._conclude(
            line, status, error, became, lambda one: options.webhook_retry_seconds * 2 ** (one.attempts - 1)
        )


def signed(body: bytes, secret: str | None, encoding: str = "hex") -> str | None:
    """The header's value; None where there is no application whose secret could sign. Hexadecimal is inferred from a
    client in the field, the official sample does not settle it."""
    if secret is None:
        return None
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    code = digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode()
    return f"signature={code},algorithm=HMAC-SHA256"
