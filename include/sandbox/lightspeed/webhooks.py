"""Webhooks on their way: what changed is told to whoever registered, by a thread, at least once and in no order.

Sources: the public pages on webhooks (form-encoded body with a field `payload`, signature over the raw body with the
application's secret, answer within five seconds, up to twenty tries over two days). That refusals (3xx, 4xx) are not
tried again is inferred. Nothing happens, and no thread runs, where nobody registered.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import json
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from include.sandbox.lightspeed.rows import Record, Row
from include.sandbox.lightspeed.webhook_payloads import payload_of

if TYPE_CHECKING:
    from include.sandbox.lightspeed.store import LightspeedStore

TIMEOUT_SECONDS = 5.0
TRIES = 20
LOGGED = 20_000
TYPE_OF_TABLE = {
    "sales": "sale.update",
    "products": "product.update",
    "customers": "customer.update",
    "stock": "inventory.update",
}


@dataclass
class Delivery:
    """One event for one webhook, and what became of it. `status`: of the last answer; None = none came. `due`:
    monotonic seconds."""

    n: int
    type: str
    webhook_id: str
    url: str
    body: bytes
    signature: str | None
    due: float
    attempts: int = 0
    status: int | None = None
    state: str = "waiting"

    def shown(self) -> dict[str, Any]:
        """Without the body, which holds customers, and without the address' secrets."""
        return {
            "n": self.n,
            "type": self.type,
            "webhook_id": self.webhook_id,
            "attempts": self.attempts,
            "status": self.status,
            "state": self.state,
        }


class Webhooks:
    """The deliveries of a store. `told` is called under the store's lock, everything else without it."""

    def __init__(self, store: LightspeedStore) -> None:
        self._store = store
        self._random = random.Random(0)
        self._changed = threading.Condition()
        self._events: deque[tuple[str, str]] = deque()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._under_way = 0
        self._count = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self.log: deque[Delivery] = deque(maxlen=LOGGED)

    def watch(self) -> None:
        """Listen to the tables whose changes are told."""
        for table, kind in TYPE_OF_TABLE.items():
            getattr(self._store, table).on_touch = lambda row, kind=kind: self.told(kind, row)

    def told(self, kind: str, row: Row) -> None:
        """Something of a type changed: each state is told, as the row is now."""
        if not any(hook.fields["active"] and hook.fields["type"] == kind for hook in self._hooks()):
            return
        payload = json.dumps(payload_of(self._store, row), ensure_ascii=False, default=str)
        with self._changed:
            self._events.append((kind, payload))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until everything that was to be delivered is, or was given up; False if it takes longer."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._events or self._queue or self._under_way:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.2))
        return True

    def open(self) -> None:
        """Deliver again, after `close`."""
        self._closed = False

    def close(self) -> None:
        """Deliver nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(TIMEOUT_SECONDS + 1)
            self._thread = None

    def _hooks(self) -> list[Record]:
        return self._store.webhooks.live()

    def _work(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._closed:
                with self._changed:
                    event = self._events.popleft() if self._events else None
                    delivery = None if event else self._next()
                    if event is None and delivery is None:
                        self._changed.wait(self._pause())
                        continue
                    self._under_way += 1
                try:
                    if event is not None:
                        self._compose(*event)
                    elif delivery is not None:
                        self._deliver(client, delivery)
                finally:
                    with self._changed:
                        self._under_way -= 1
                        self._changed.notify_all()

    def _next(self) -> Delivery | None:
        if self._queue and self._queue[0][0] <= time.monotonic():
            return heapq.heappop(self._queue)[2]
        return None

    def _pause(self) -> float:
        return min(1.0, max(0.001, self._queue[0][0] - time.monotonic())) if self._queue else 1.0

    def _compose(self, kind: str, payload: str) -> None:
        store, options = self._store, self._store.options
        fields = {
            "payload": payload,
            "domain_prefix": store.domain_prefix,
            "environment": "prod",
            "retailer_id": store.retailer_id,
            "type": kind,
        }
        with store.lock:
            hooks = [(hook.id, dict(hook.fields)) for hook in self._hooks()]
            secrets = {name: store.tokens.secret_of(name) for name in {h["application"] for _, h in hooks}}
        body = urlencode(fields).encode()
        for hook_id, hook in hooks:
            if not hook["active"] or hook["type"] != kind or self._chance(options.webhook_drop):
                continue
            signature = signed(body, secrets[hook["application"]], options.webhook_signature)
            for _ in range(2 if self._chance(options.webhook_duplicates) else 1):
                late = self._random.random() * options.webhook_late_seconds
                self._push(Delivery(0, kind, hook_id, hook["url"], body, signature, time.monotonic() + late))

    def _push(self, delivery: Delivery) -> None:
        with self._changed:
            self._count += 1
            delivery.n = self._count
            self.log.append(delivery)
            heapq.heappush(self._queue, (delivery.due, delivery.n, delivery))

    def _chance(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _deliver(self, client: httpx.Client, one: Delivery) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if one.signature is not None:
            headers["X-Signature"] = one.signature
        one.attempts += 1
        try:
            one.status = client.post(one.url, content=one.body, headers=headers).status_code
        except httpx.HTTPError:
            one.status = None
        if one.status is not None and one.status < 500:
            one.state = "delivered" if one.status < 300 else "refused"
        elif one.attempts >= TRIES:
            one.state = "given up"
        else:
            first = self._store.options.webhook_retry_seconds
            one.due = time.monotonic() + first * 2 ** (one.attempts - 1)
            with self._changed:
                heapq.heappush(self._queue, (one.due, one.n, one))


def signed(body: bytes, secret: str | None, encoding: str = "hex") -> str | None:
    """The header's value; None where there is no application whose secret could sign. Hexadecimal is inferred from a
    client in the field, the official sample does not settle it."""
    if secret is None:
        return None
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    code = digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode()
    return f"signature={code},algorithm=HMAC-SHA256"
