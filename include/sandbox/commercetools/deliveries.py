"""Notifications on their way: to whom, in which order, how often, and what became of each.

Nothing happens where nobody subscribed. Otherwise a change is written down under the lock of the store, and delivered
without it. The switches say how bad it gets, from a seed.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from sandbox.deliveries import LOST, WAITING, Delivery, Gone, Line, Lines

LOGGED_DELIVERIES = 10_000

DELIVERED = "delivered"
DROPPED = "dropped"
"""Never sent, as `drop_share` wants it."""
FAILED = "failed"
"""Every attempt was in vain."""

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


@dataclass(kw_only=True)
class Notification(Delivery):
    """One notification to one subscription. `document`: what is sent."""

    SHOWN = words("n project subscription key destination duplicate state attempts status error at document")

    project: str
    subscription: str
    key: str | None
    destination: str
    document: Json


class Deliveries(Lines[Notification, Json]):
    """The deliveries of a store. `note` is called under the store's lock, everything else without it."""

    STATES = (WAITING, DELIVERED, DROPPED, FAILED, LOST)
    NAME = "subscription"

    def __init__(self, platform: Platform) -> None:
        self.options = DeliveryOptions()
        super().__init__(LOGGED_DELIVERIES, self.options.seed)
        self.carrier = Carrier()
        self._platform = platform
        self._sequences: dict[tuple[str, str], int] = {}
        self._set_by_hand: set[str] = set()

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

    def flush(self, timeout: float = 30.0) -> dict[str, int]:
        """Makes an attempt at once for all that waits, whatever it waits for, except where a status set by hand keeps
        it back; returns when each attempt was made, with how many deliveries of the log are in which state. Raises
        `TimeoutError`."""
        with self._changed:
            free = [line for line in self._lines.values() if line.id not in self._set_by_hand]
            if not self._hurry(free, timeout):
                raise TimeoutError(f"Not every notification was tried within {timeout:g} seconds.")
            return self.counts()

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
            self._new(project_key, subscription, document, state=DELIVERED, attempts=1)

    def greet(self, project_key: str, subscription: Json) -> None:
        """Lets the receiver behind a topic have the test notification; a queue has it already."""
        if subscription["destination"]["type"] != "SQS":
            document = self._greeting(project_key, subscription)
            with self._changed:
                self._delay(self._new(project_key, subscription, document))

    def _greeting(self, project_key: str, subscription: Json) -> Json:
        told = first_contact(project_key, subscription, self._platform.now())
        return as_cloud_event(told, PATH) if subscription["format"]["type"] == "CloudEvents" else told

    # --- lines ---

    def _send(self, project: Project, subscription: Json, notification: Json, path: str) -> None:
        """Puts a notification into the subscription's line, or whatever the switches make of that."""
        is_event = subscription["format"]["type"] == "CloudEvents"
        document = as_cloud_event(notification, path) if is_event else notification
        with self._changed:
            delivery = self._new(project.key, subscription, document)
            if self._happens(self.options.drop_share):
                delivery.state = DROPPED
                return
            twice = self._happens(self.options.duplicate_share)
            self._delay(delivery)
            if twice:
                self._delay(self._new(project.key, subscription, document, duplicate=True))

    def _new(self, project_key: str, subscription: Json, document: Json, **more: Any) -> Notification:
        return self._logged(
            lambda n: Notification(
                n=n,
                at=self._platform.now(),
                project=project_key,
                subscription=subscription["id"],
                key=subscription.get("key"),
                destination=subscription["destination"]["type"],
                document=document,
                **more,
            )
        )

    def _delay(self, delivery: Notification) -> None:
        """Into the line, as late as the switches want it."""
        options = self.options
        delivery.due = time.monotonic()
        if self._happens(options.late_share):
            delivery.due += options.late_seconds
        if options.shuffle_seconds:
            delivery.due += self._random.random() * options.shuffle_seconds
        self._enqueue(delivery.subscription, delivery)

    def _pause(self, line: Line[Notification]) -> float | None:
        first = line.queue[0][2]
        if line.id in self._set_by_hand or (self.options.hold and not first.urgent):
            return None
        return super()._pause(line)

    def _taken(self, line: Line[Notification]) -> list[Notification]:
        batch = super()._taken(line)
        most = self.options.event_grid_batch if batch[0].destination == "EventGrid" else 1
        while len(batch) < most and line.queue and self._pause(line) == 0:
            batch.append(line.pop())
        return batch

    def _receiver_of(self, delivery: Notification) -> Json:
        subscription = self._current(delivery)
        if subscription is None or subscription["status"] in (STOPPED, SUSPENDED):
            status = subscription["status"] if subscription is not None else "deleted"
            raise Gone(f"The subscription is {status}.")
        return subscription

    def _disconnect(self) -> None:
        self.carrier.close()

    def _current(self, delivery: Notification) -> Json | None:
        """The subscription as it is now. Reading needs no lock: what is stored is replaced, never changed."""
        return self._platform.projects[delivery.project].collection(PATH).find(id=delivery.subscription)

    def _attempt(self, line: Line[Notification], receiver: Json, batch: list[Notification]) -> None:
        options = self.options
        parcels = [Parcel(each.document, each.n, each.attempts + 1, each.at) for each in batch]
        status, problem, lasting = None, None, None
        try:
            status = self.carrier.send(
                receiver["destination"],
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
        self._judge(batch[0], problem, lasting, given_up=given_up)

        def became(one: Notification) -> str:
            if problem is None:
                return DELIVERED
            return FAILED if one.attempts >= options.attempts else WAITING

        self._conclude(
            line,
            status,
            problem,
            became,
            lambda one: min(options.retry_seconds * 2 ** (one.attempts - 1), options.retry_most_seconds),
        )

    def _judge(self, one: Notification, problem: str | None, lasting: bool | None, *, given_up: bool) -> None:
        """The health of the subscription after an attempt. A receiver behind a topic has no part in it."""
        if problem is None:
            status = HEALTHY
        elif lasting is None:
            return
        elif lasting:
            status = STOPPED if given_up else BROKEN
        else:
            status = DISTURBED
        subscription = self._current(one)
        if subscription is None or subscription["status"] == status:
            return
        with self._platform.lock, self._changed:
            # Looked at again: somebody may have set it meanwhile.
            subscription = self._current(one)
            stays = subscription is None or subscription["status"] in (STOPPED, SUSPENDED)
            if not stays and one.subscription not in self._set_by_hand:
                self._platform.projects[one.project].collection(PATH).restate(one.subscription, status=status)


def _types_wanted(subscription: Json, type_id: str) -> list[list[str]]:
    """The types of messages it wants of such resources, a list for each entry; an empty one means all."""
    return [
        wanted.get("types") or []
        for wanted in subscription["messages"]
        if wanted["resourceTypeId"] == type_id
    ]
