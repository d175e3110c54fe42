"""Notifications on their way: to whom, in which order, how often, and what became of each.

Nothing happens where nobody subscribed. Otherwise a change is written down under the store's lock, and a thread of the
subscription delivers it without the lock; the thread ends when there is nothing left to deliver. At least once, in no
order that is promised: the switches say how bad it gets, from a seed. Delays are real seconds, whatever the store's
clock says.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from sandbox.commercetools.destinations import Carrier, NotPushed, Parcel, Undeliverable, in_words
from sandbox.commercetools.errors import Json, invalid_input
from sandbox.commercetools.notifications import (
    as_cloud_event,
    change_of,
    first_contact,
    happenings,
    message_of,
    shortened,
)
from sandbox.commercetools.shapes import words
from sandbox.commercetools.state import Deed, Kind, Platform, Project
from sandbox.commercetools.subscriptions import (
    BROKEN,
    DISTURBED,
    HEALTHY,
    PATH,
    STATES,
    STOPPED,
    SUSPENDED,
)

LOGGED_DELIVERIES = 10_000
CLOSING_SECONDS = 5.0
NEXT = 1e-9
"""Seconds: enough to be told apart from the one before."""

State = Literal[
    "waiting",  # not yet, or not again
    "delivered",
    "dropped",  # never sent, as `drop_share` wants it
    "failed",  # every attempt was in vain
    "lost",  # the subscription does not deliver any more, or is not there any more
]

Share = Field(default=0.0, ge=0, le=1)
Seconds = Field(default=0.0, ge=0)


class DeliveryOptions(BaseModel):
    """Switches of the deliveries, to be turned at any time with `Deliveries.configure`."""

    model_config = ConfigDict(extra="forbid")

    seed: int = 0
    """What chance starts from; setting it starts again."""
    duplicate_share: float = Share
    """This share is delivered twice."""
    drop_share: float = Share
    """This share is never delivered."""
    late_share: float = Share
    """This share is delivered `late_seconds` later."""
    late_seconds: float = Seconds
    shuffle_seconds: float = Seconds
    """Each waits a random time up to this, so that they overtake one another."""
    hold: bool = False
    """Nothing is delivered but by `flush`, in the order in which it would have been."""
    retry_seconds: float = Field(default=1.0, ge=0)
    """How long after a failed attempt the next one is made; each further pause is twice as long."""
    retry_most_seconds: float = Field(default=60.0, ge=0)
    """No pause is longer."""
    attempts: int = Field(default=10, ge=1)
    """After so many in vain it is given up."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long a receiver or queue may take to answer."""
    payload_limit: int = Field(default=262_144, ge=0)
    """Bytes; a larger message comes without its own fields (`payloadNotIncluded`)."""
    event_grid_batch: int = Field(default=1, ge=1)
    """How many events Event Grid pushes at once; from 2 on it pushes arrays, of one event, too."""
    activation_seconds: float = Seconds
    """How long after its creation, on the store's clock, a subscription is not told of anything yet; up to a minute is
    documented."""


_SHOWN = words("n project subscription key destination duplicate state attempts status error at document")


@dataclass
class Delivery:
    """One notification to one subscription, and what became of it. `document`: what is sent. `status`: the HTTP status
    of the receiver's last answer, None of a queue. `due`: monotonic seconds."""

    n: int
    project: str
    subscription: str
    key: str | None
    destination: str
    document: Json
    at: str
    duplicate: bool = False
    state: State = "waiting"
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    due: float = 0.0
    urgent: bool = False

    def shown(self) -> Json:
        return {name: getattr(self, name) for name in _SHOWN}


@dataclass
class _Line:
    """What waits for one subscription. `queue`: a heap. `under_way`: what the thread has in its hands."""

    project: str
    id: str
    queue: list[tuple[float, int, Delivery]] = field(default_factory=list)
    under_way: list[Delivery] = field(default_factory=list)
    thread: threading.Thread | None = None

    def push(self, delivery: Delivery) -> None:
        heapq.heappush(self.queue, (delivery.due, delivery.n, delivery))

    def hurry(self, now: float) -> None:
        """All is due, in the order in which it would have been."""
        waiting = [delivery for _, _, delivery in sorted(self.queue)]
        for position, delivery in enumerate(waiting):
            delivery.due, delivery.urgent = now + position * NEXT, True
        self.queue = [(delivery.due, delivery.n, delivery) for delivery in waiting]

    def everything(self) -> list[Delivery]:
        return [*self.under_way, *(delivery for _, _, delivery in self.queue)]


class Deliveries:
    """The deliveries of a store. `note` is called under the store's lock, everything else without it."""

    def __init__(self, platform: Platform) -> None:
        self.options = DeliveryOptions()
        self.carrier = Carrier()
        self._platform = platform
        self._changed = threading.Condition()
        self._random = random.Random(self.options.seed)
        self._lines: dict[str, _Line] = {}
        self._log: deque[Delivery] = deque(maxlen=LOGGED_DELIVERIES)
        self._count = 0
        self._sequences: dict[tuple[str, str], int] = {}
        self._set_by_hand: set[str] = set()
        self._closed = False

    # --- what people and programs that run the stand-in do ---

    def configure(self, **changes: Any) -> DeliveryOptions:
        """Turns switches. Raises `pydantic.ValidationError` for one that is not there, or a value it does not take."""
        options = DeliveryOptions.model_validate({**self.options.model_dump(), **changes})
        with self._changed:
            self.options = options
            if "seed" in changes:
                self._random = random.Random(options.seed)
            self._wake()
        return options

    @property
    def log(self) -> list[Delivery]:
        """Deliveries so far, oldest first."""
        with self._changed:
            return list(self._log)

    def clear_log(self) -> None:
        with self._changed:
            self._log.clear()

    def flush(self, timeout: float = 30.0) -> dict[State, int]:
        """Makes an attempt at once for all that waits, whatever it waits for, except where a status set by hand keeps
        it back; returns when each attempt was made, with how many deliveries of the log are in which state. Raises
        `TimeoutError`."""
        with self._changed:
            now = time.monotonic()
            wanted: list[tuple[Delivery, int]] = []
            for line in self._lines.values():
                if line.id not in self._set_by_hand:
                    wanted += [(delivery, delivery.attempts + 1) for delivery in line.everything()]
                    line.hurry(now)
            self._wake()
            if not self._changed.wait_for(
                lambda: all(each.attempts >= n or each.state != "waiting" for each, n in wanted), timeout
            ):
                raise TimeoutError(f"Not every notification was tried within {timeout:g} seconds.")
            return self.counts()

    def wait_until_idle(self, timeout: float = 30.0) -> None:
        """Returns when nothing waits any more. Raises `TimeoutError`."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: not any(line.everything() for line in self._lines.values()), timeout
            ):
                raise TimeoutError(f"Notifications still wait after {timeout:g} seconds.")

    def counts(self) -> dict[State, int]:
        """How many deliveries of the log are in which state."""
        with self._changed:
            counts: dict[State, int] = dict.fromkeys(("waiting", "delivered", "dropped", "failed", "lost"), 0)
            for delivery in self._log:
                counts[delivery.state] += 1
            return counts

    def set_status(self, key: str, status: str, project_key: str) -> Json:
        """Makes a subscription healthy or not, and keeps it so until somebody changes its destination or sets another
        status. Meanwhile notifications wait, or are lost where the API says so. Raises `ApiError`."""
        if status not in STATES:
            raise invalid_input(f"There is no status {status!r}; there are {', '.join(STATES)}.")
        with self._platform.lock:
            collection = self._platform.projects[project_key].collection(PATH)
            id = collection.get(key=key)["id"]
            collection.restate(id, status=status)
            found = collection.get(id=id)
        with self._changed:
            self._set_by_hand.discard(id)
            if status != HEALTHY:
                self._set_by_hand.add(id)
            self._wake()
        return found

    def open(self) -> None:
        """Delivers (again): also the state of a new one."""
        with self._changed:
            self._closed = False
            self._wake()

    def close(self) -> None:
        """Ends the threads and connections. What waits goes on waiting."""
        with self._changed:
            self._closed = True
            threads = [line.thread for line in self._lines.values() if line.thread is not None]
            self._changed.notify_all()
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.carrier.close()

    # --- what the store says ---

    def note(self, project: Project, kind: Kind, before: Json | None, after: Json | None, deed: Deed) -> None:
        """Something was created, updated or deleted: whoever wants to know is told."""
        if project.collection(PATH).rows:
            self._tell(project, kind, before, after, deed)
        if kind.path == PATH:
            self._subscription_changed(after)

    def _tell(
        self, project: Project, kind: Kind, before: Json | None, after: Json | None, deed: Deed
    ) -> None:
        resource = after if after is not None else before
        assert resource is not None
        listeners = [each for each in project.collection(PATH) if self._listens(each, resource)]
        if not listeners:
            return
        now = self._platform.now()
        change: Json | None = None
        for subscription in listeners:
            if kind.type_id in [wanted["resourceTypeId"] for wanted in subscription["changes"]]:
                change = change or change_of(project.key, kind.type_id, before, after, now, deed)
                self._send(project, subscription, change, kind.path)
        self._note_messages(project, kind, before, after, deed, listeners, now)

    def _note_messages(
        self,
        project: Project,
        kind: Kind,
        before: Json | None,
        after: Json | None,
        deed: Deed,
        listeners: list[Json],
        now: str,
    ) -> None:
        if not any(_types_wanted(subscription, kind.type_id) for subscription in listeners):
            return
        for happening in happenings(project, kind, before, after, deed):
            assert after is not None
            place = (project.key, after["id"])
            self._sequences[place] = self._sequences.get(place, 0) + 1
            told: Json | None = None
            for subscription in listeners:
                if not any(
                    not types or happening.type in types
                    for types in _types_wanted(subscription, kind.type_id)
                ):
                    continue
                told = told or message_of(
                    project.key,
                    kind.type_id,
                    after,
                    happening,
                    id=self._platform.new_id(),
                    number=self._sequences[place],
                    now=now,
                )
                is_large = len(msgspec.json.encode(told)) > self.options.payload_limit
                self._send(project, subscription, shortened(told) if is_large else told, kind.path)

    def _listens(self, subscription: Json, resource: Json) -> bool:
        """Whether it is told of anything: it is not stopped, and known to all of the platform by now."""
        if subscription["status"] in (STOPPED, SUSPENDED) or subscription["id"] == resource["id"]:
            return False
        if not self.options.activation_seconds:
            return True
        age = self._platform.clock.now() - datetime.fromisoformat(subscription["createdAt"])
        return age.total_seconds() >= self.options.activation_seconds

    def _subscription_changed(self, after: Json | None) -> None:
        """A subscription was created, updated or deleted: what waits may go now, or has nowhere to go."""
        with self._changed:
            if after is not None and after["status"] == HEALTHY:
                self._set_by_hand.discard(after["id"])
            self._wake()

    # --- trying a destination out ---

    def try_out(self, project_key: str, subscription: Json) -> None:
        """The test notification of a new destination. Raises `ApiError` where it can't be delivered.

        A topic takes it if it is there; that its receiver gets it, too, is left to `greet`.
        """
        destination = subscription["destination"]
        try:
            self.carrier.find(destination)
            if destination["type"] == "SQS":
                document = self._greeting(project_key, subscription)
                parcel = Parcel(document, 0, 1, self._platform.now())
                self.carrier.send(destination, [parcel], self.options.timeout_seconds)
        except Undeliverable:
            message = f"A test message could not be delivered to this destination: {in_words(destination)}. "
            raise invalid_input(
                f"{message}Please make sure your destination is correctly configured."
            ) from None
        if destination["type"] == "SQS":
            delivery = self._logged(project_key, subscription, document)
            delivery.state, delivery.attempts = "delivered", 1

    def greet(self, project_key: str, subscription: Json) -> None:
        """Lets the receiver behind a topic have the test notification; a queue has it already."""
        if subscription["destination"]["type"] != "SQS":
            document = self._greeting(project_key, subscription)
            with self._changed:
                self._enqueue(self._logged(project_key, subscription, document))

    def _greeting(self, project_key: str, subscription: Json) -> Json:
        told = first_contact(project_key, subscription, self._platform.now())
        return as_cloud_event(told, PATH) if subscription["format"]["type"] == "CloudEvents" else told

    # --- lines ---

    def _send(self, project: Project, subscription: Json, notification: Json, path: str) -> None:
        """Puts a notification into the subscription's line, or whatever the switches make of that."""
        is_event = subscription["format"]["type"] == "CloudEvents"
        document = as_cloud_event(notification, path) if is_event else notification
        with self._changed:
            delivery = self._logged(project.key, subscription, document)
            options = self.options
            if self._happens(options.drop_share):
                delivery.state = "dropped"
                return
            twice = self._happens(options.duplicate_share)
            self._enqueue(delivery)
            if twice:
                again = self._logged(project.key, subscription, document)
                again.duplicate = True
                self._enqueue(again)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _logged(self, project_key: str, subscription: Json, document: Json) -> Delivery:
        with self._changed:
            self._count += 1
            delivery = Delivery(
                n=self._count,
                project=project_key,
                subscription=subscription["id"],
                key=subscription.get("key"),
                destination=subscription["destination"]["type"],
                document=document,
                at=self._platform.now(),
            )
            self._log.append(delivery)
            return delivery

    def _enqueue(self, delivery: Delivery) -> None:
        options = self.options
        delivery.due = time.monotonic()
        if self._happens(options.late_share):
            delivery.due += options.late_seconds
        if options.shuffle_seconds:
            delivery.due += self._random.random() * options.shuffle_seconds
        line = self._lines.setdefault(delivery.subscription, _Line(delivery.project, delivery.subscription))
        line.push(delivery)
        self._run(line)
        self._changed.notify_all()

    def _wake(self) -> None:
        """Something has changed that may let waiting ones go."""
        for line in self._lines.values():
            self._run(line)
        self._changed.notify_all()

    def _run(self, line: _Line) -> None:
        if line.thread is None and line.queue and not self._closed:
            line.thread = threading.Thread(
                target=self._deliver, args=(line,), name=f"subscription-{line.id[:8]}", daemon=True
            )
            line.thread.start()

    def _deliver(self, line: _Line) -> None:
        """What a line's thread does until there is nothing left that it may deliver."""
        while True:
            found = self._next(line)
            if found is None:
                return
            self._attempt(line, *found)

    def _next(self, line: _Line) -> tuple[Json, list[Delivery]] | None:
        """The subscription as it is, and what is due, once it is; None when the thread may end."""
        with self._changed:
            while line.queue and not self._closed:
                subscription = self._current(line)
                if subscription is None or subscription["status"] in (STOPPED, SUSPENDED):
                    self._lose(line, subscription)
                    continue
                pause = self._pause(line)
                if pause is None:
                    break
                if pause == 0:
                    line.under_way = list(self._taken(line))
                    return subscription, line.under_way
                self._changed.wait(pause)
            line.thread = None
            self._changed.notify_all()
            return None

    def _pause(self, line: _Line) -> float | None:
        """Seconds until the first one is due; None: until something changes."""
        first = line.queue[0][2]
        if line.id in self._set_by_hand or (self.options.hold and not first.urgent):
            return None
        return max(0.0, first.due - time.monotonic())

    def _taken(self, line: _Line) -> Iterator[Delivery]:
        """The first of the line, and as many more as may go with it."""
        first = heapq.heappop(line.queue)[2]
        yield first
        if first.destination != "EventGrid":
            return
        for _ in range(self.options.event_grid_batch - 1):
            if not line.queue or self._pause(line) != 0:
                return
            yield heapq.heappop(line.queue)[2]

    def _current(self, line: _Line) -> Json | None:
        """The subscription as it is now. Reading needs no lock: what is stored is replaced, never changed."""
        return self._platform.projects[line.project].collection(PATH).find(id=line.id)

    def _attempt(self, line: _Line, subscription: Json, batch: list[Delivery]) -> None:
        options = self.options
        parcels = [Parcel(each.document, each.n, each.attempts + 1, each.at) for each in batch]
        status, problem, lasting = None, None, None
        try:
            status = self.carrier.send(
                subscription["destination"],
                parcels,
                options.timeout_seconds,
                batched=options.event_grid_batch > 1,
            )
        except NotPushed as error:
            status, problem = error.status, str(error)
        except Undeliverable as error:
            problem, lasting = str(error), error.lasting
        except Exception as error:  # whatever it is: the thread goes on, and the log says it
            problem = f"{type(error).__name__}: {error}"
        # The health first: whoever waits for the attempt finds it as it is then.
        given_up = any(each.attempts + 1 >= options.attempts for each in batch)
        self._judge(line, problem, lasting, given_up=given_up)
        self._settle(line, batch, status, problem)

    def _settle(self, line: _Line, batch: list[Delivery], status: int | None, problem: str | None) -> None:
        """Writes down what became of it, and puts it back into the line if it is to come again."""
        options = self.options
        with self._changed:
            for delivery in batch:
                delivery.attempts += 1
                delivery.status, delivery.error, delivery.urgent = status, problem, False
                if problem is None:
                    delivery.state = "delivered"
                elif delivery.attempts >= options.attempts:
                    delivery.state = "failed"
                else:
                    pause = options.retry_seconds * 2 ** (delivery.attempts - 1)
                    delivery.due = time.monotonic() + min(pause, options.retry_most_seconds)
                    line.push(delivery)
            line.under_way = []
            self._changed.notify_all()

    def _judge(self, line: _Line, problem: str | None, lasting: bool | None, *, given_up: bool) -> None:
        """The health of the subscription after an attempt. A receiver behind a topic has no part in it."""
        if problem is None:
            status = HEALTHY
        elif lasting is None:
            return
        elif lasting:
            status = STOPPED if given_up else BROKEN
        else:
            status = DISTURBED
        subscription = self._current(line)
        if subscription is None or subscription["status"] == status:
            return
        with self._platform.lock, self._changed:
            # Looked at again: somebody may have set it meanwhile.
            subscription = self._current(line)
            stays = subscription is None or subscription["status"] in (STOPPED, SUSPENDED)
            if not stays and line.id not in self._set_by_hand:
                self._platform.projects[line.project].collection(PATH).restate(line.id, status=status)

    def _lose(self, line: _Line, subscription: Json | None) -> None:
        status = subscription["status"] if subscription is not None else "deleted"
        for _, _, delivery in line.queue:
            delivery.state, delivery.error = "lost", f"The subscription is {status}."
        line.queue.clear()
        self._changed.notify_all()


def _types_wanted(subscription: Json, type_id: str) -> list[list[str]]:
    """The types of messages it wants of such resources, a list for each entry; an empty one means all."""
    return [
        wanted.get("types") or []
        for wanted in subscription["messages"]
        if wanted["resourceTypeId"] == type_id
    ]
