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
import heapq
import hmac
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from sandbox.clock import to_millis
from sandbox.lightspeed.consignment_rows import Consignment
from sandbox.lightspeed.models import Stock
from sandbox.lightspeed.rows import Record, Row
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.webhook_payloads import form_of, payload_of

TRIES = 20
LOGGED = 20_000
SHUFFLE_SECONDS = 0.05
CLOSING_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 2.0
"""Shorter than servers usually have it, so that a connection is not closed just when it is used again."""
TYPE_OF_TABLE = {
    "sales": "sale.update",
    "products": "product.update",
    "customers": "customer.update",
    "stock": "inventory.update",
}

State = Literal[
    "waiting",  # not yet, or not again
    "delivered",
    "refused",  # the receiver does not want it, or there is no such address
    "given up",  # every try was in vain
    "dropped",  # never sent, as `webhook_drop` wants it
    "lost",  # the webhook is not active any more, or is not there any more
]
STATES: tuple[State, ...] = ("waiting", "delivered", "refused", "given up", "dropped", "lost")

_SHOWN = (
    *("n", "type", "webhook_id", "resource_id", "duplicate", "state"),
    *("attempts", "status", "error", "at", "millis"),
)


@dataclass
class Delivery:
    """One event for one webhook, and what became of it. `status`: of the last answer; None = none came. `millis`: from
    the change to the end of the last try. `due` and `started`: monotonic seconds."""

    n: int
    type: str
    webhook_id: str
    resource_id: str
    body: bytes
    at: str
    started: float
    due: float
    duplicate: bool = False
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    millis: float | None = None
    state: State = "waiting"

    def shown(self) -> dict[str, Any]:
        """Without the body, which holds customers; the address, which may hold a secret, isn't in here at all."""
        return {name: getattr(self, name) for name in _SHOWN}


@dataclass
class _Line:
    """What waits for one webhook. `queue`: a heap. `under_way`: what its thread has in its hands."""

    webhook_id: str
    queue: list[tuple[float, int, Delivery]] = field(default_factory=list)
    under_way: Delivery | None = None
    thread: threading.Thread | None = None

    def push(self, one: Delivery) -> None:
        heapq.heappush(self.queue, (one.due, one.n, one))

    def everything(self) -> list[Delivery]:
        """In the order in which it will be delivered."""
        waiting = [one for _, _, one in sorted(self.queue)]
        return [self.under_way, *waiting] if self.under_way is not None else waiting

    def hurry(self) -> None:
        """All of it is due, in the same order."""
        self.queue = [(0.0, place, entry[2]) for place, entry in enumerate(sorted(self.queue))]


class Webhooks:
    """The deliveries of a store. `told` and `tell` are called under the store's lock, everything else without it."""

    def __init__(self, store: StoreState, seed: int = 0) -> None:
        self._store = store
        self._random = random.Random(seed)
        self._wanted: dict[str, list[Record]] = {}
        self._noted: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {}
        self._changed = threading.Condition()
        self._lines: dict[str, _Line] = {}
        self._http: httpx.Client | None = None
        self._count = 0
        self._closed = False
        self.log: deque[Delivery] = deque(maxlen=LOGGED)

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

    # What people and programs that run the stand-in do.

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until everything that was to be delivered is, or was given up; False if it takes longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(e.everything() for e in self._lines.values()), timeout
            )

    def flush(self, timeout: float = 30.0) -> bool:
        """An attempt now for all that waits, whatever it waits for, in the order in which it would have been; False if
        that takes longer. What fails again goes on waiting."""
        with self._changed:
            tried = [(one, one.attempts) for line in self._lines.values() for one in line.everything()]
            for line in self._lines.values():
                line.hurry()
                self._run(line)
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: all(one.attempts > before or one.state != "waiting" for one, before in tried), timeout
            )

    def counts(self) -> dict[State, int]:
        """How many deliveries of the log are in which state."""
        with self._changed:
            return {state: sum(one.state == state for one in self.log) for state in STATES}

    def open(self) -> None:
        """Deliver again, after `close`: also what waits since then. A new one is open."""
        with self._changed:
            self._closed = False
            for line in self._lines.values():
                self._run(line)

    def close(self) -> None:
        """Deliver nothing more, and end the threads and connections. A try that is under way ends by itself."""
        with self._changed:
            self._closed = True
            threads = [line.thread for line in self._lines.values() if line.thread is not None]
            client, self._http = self._http, None
            self._changed.notify_all()
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if client is not None:
            client.close()

    # Lines, and who delivers them.

    def _send(self, kind: str, webhook_id: str, row_id: str, body: bytes) -> None:
        """Puts an event into the webhook's line, or whatever the switches make of that."""
        options, now = self._store.options, time.monotonic()
        with self._changed:
            is_dropped = self._chance(options.webhook_drop)
            copies = 2 if not is_dropped and self._chance(options.webhook_duplicates) else 1
            line = self._lines.setdefault(webhook_id, _Line(webhook_id))
            for copy in range(copies):
                self._count += 1
                at = to_millis(self._store.clock.now())
                one = Delivery(self._count, kind, webhook_id, row_id, body, at, now, now, copy > 0)
                self.log.append(one)
                if is_dropped:
                    one.state = "dropped"
                    continue
                one.due += self._random.random() * options.webhook_late_seconds
                if self._chance(options.webhook_shuffle):
                    one.due += self._random.random() * SHUFFLE_SECONDS
                line.push(one)
            self._run(line)
            self._changed.notify_all()

    def _chance(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _run(self, line: _Line) -> None:
        if line.thread is None and line.queue and not self._closed:
            name = f"webhook-{line.webhook_id[:8]}"
            line.thread = threading.Thread(target=self._work, args=(line,), name=name, daemon=True)
            line.thread.start()

    def _work(self, line: _Line) -> None:
        """What a line's thread does until nothing is left to deliver."""
        while (found := self._next(line)) is not None:
            self._deliver(line, *found)

    def _next(self, line: _Line) -> tuple[httpx.Client, Record, Delivery] | None:
        """What is due, once it is, and the webhook as it is then; None when the thread may end."""
        with self._changed:
            while line.queue and not self._closed:
                hook = self._store.webhooks.find(line.webhook_id)
                if hook is None or not hook.fields["active"]:
                    for _, _, one in line.queue:
                        one.state = "lost"
                    line.queue.clear()
                    continue
                pause = line.queue[0][0] - time.monotonic()
                if pause <= 0:
                    if self._http is None:
                        limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS)
                        self._http = httpx.Client(trust_env=False, limits=limits)
                    line.under_way = heapq.heappop(line.queue)[2]
                    return self._http, hook, line.under_way
                self._changed.wait(pause)
            line.thread = None
            self._changed.notify_all()
            return None

    def _deliver(self, line: _Line, client: httpx.Client, hook: Record, one: Delivery) -> None:
        """One try, and what follows from it."""
        options = self._store.options
        status, error, may_help = None, None, False
        try:
            secret = self._store.tokens.secret_of(hook.fields["application"])
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            signature = signed(one.body, secret, options.webhook_signature)
            if signature is not None:
                headers["X-Signature"] = signature
            status = client.post(
                hook.fields["url"],
                content=one.body,
                headers=headers,
                timeout=options.webhook_timeout_seconds,
            ).status_code
            may_help = status >= 500
        except httpx.TransportError as problem:
            error, may_help = type(problem).__name__, True
        except Exception as problem:  # whatever it is: the thread goes on, and the log says it
            error = type(problem).__name__
        with self._changed:
            line.under_way = None
            one.attempts += 1
            one.status, one.error = status, error
            one.millis = round((time.monotonic() - one.started) * 1000, 3)
            if not may_help:
                one.state = "delivered" if status is not None and status < 300 else "refused"
            elif one.attempts >= TRIES:
                one.state = "given up"
            else:
                one.due = time.monotonic() + options.webhook_retry_seconds * 2 ** (one.attempts - 1)
                line.push(one)
            self._changed.notify_all()


def signed(body: bytes, secret: str | None, encoding: str = "hex") -> str | None:
    """The header's value; None where there is no application whose secret could sign. Hexadecimal is inferred from a
    client in the field, the official sample does not settle it."""
    if secret is None:
        return None
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    code = digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode()
    return f"signature={code},algorithm=HMAC-SHA256"
