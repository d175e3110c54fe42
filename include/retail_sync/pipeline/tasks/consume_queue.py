"""What the task of `listen` does: empty the queue into the inbox, then say whose doorbells are to ring.

Kept first, deleted afterwards: a process that dies in between finds its messages in the queue again, and the inbox
knows them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from retail_sync.commercetools.events.notifications import hint_of
from retail_sync.ledger.inbox import Inbox
from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.runtime import inbox as hearing
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.connectors import connection_of
from retail_sync.pipeline.runtime.notifications import RUN_NOTE
from retail_sync.pipeline.tasks.entity import gathered
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable
from retail_sync.records.events import Hint, UnreadableEvent
from retail_sync.settings.loader import load_settings
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import SqsDestination
from retail_sync.sync.engine import text_tables
from retail_sync.transport.bodies import parse

PORTION = 10
"""Messages at a time, the most SQS gives."""
HIDDEN_SECONDS = 120
"""How long what was received is hidden from others: until it must be kept and deleted."""
LONGEST_SECONDS = 30.0
"""A run rings when it ends. So it ends even while messages keep coming, and asks for the next one."""
_OURS = (
    "AccessDenied", "AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity", "NotAuthorized",
    "SignatureDoesNotMatch", "UnrecognizedClient", "KmsAccessDenied", "QueueDoesNotExist", "NonExistentQueue",
    "InvalidAddress", "ExpiredToken", "OptInRequired",
)  # fmt: skip
"""Beginnings of error codes of AWS that no waiting mends (SQS API reference, "Common Errors"), after their namespace
`AWS.SimpleQueueService.`, which some have."""


@dataclass(frozen=True)
class Message:
    """`receipt`: what deletes it. `body`: as it was sent."""

    receipt: str
    body: str


@dataclass(frozen=True)
class SqsQueue:
    """A queue behind a boto3 client. Raises ConfigurationFault where a person must do something, SystemUnavailable for
    everything that may pass."""

    client: Any
    url: str

    @classmethod
    def of(cls, queue: SqsDestination) -> SqsQueue:
        from airflow.providers.amazon.aws.hooks.sqs import SqsHook

        with _said_by_aws(queue.aws_conn_id):
            return cls(SqsHook(aws_conn_id=queue.aws_conn_id, region_name=queue.region).conn, queue.queue_url)

    def receive(self, wait_seconds: int) -> list[Message]:
        """Some of what waits; it is hidden from now on. None: nothing was found in `wait_seconds`."""
        with _said_by_aws(self.url):
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=PORTION,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=HIDDEN_SECONDS,
            )
        return [Message(one["ReceiptHandle"], one["Body"]) for one in answer.get("Messages", ())]

    def delete(self, messages: Sequence[Message]) -> int:
        """Delete what was received; how many could not be. Those come again, and the inbox knows them."""
        entries = [{"Id": str(n), "ReceiptHandle": one.receipt} for n, one in enumerate(messages)]
        with _said_by_aws(self.url):
            answer = self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)
        return len(answer.get("Failed", ()))


@contextmanager
def _said_by_aws(where: str) -> Iterator[None]:
    try:
        yield
    except ClientError as problem:
        code = str(problem.response.get("Error", {}).get("Code", "")).removeprefix("AWS.SimpleQueueService.")
        if code.startswith(_OURS):
            raise ConfigurationFault(
                f"AWS refuses the queue {where}: {code}.",
                remedy="Check `queue_url` and `region` of realtime.commercetools.destination, and whether the Airflow "
                "connection of `aws_conn_id` may do sqs:ReceiveMessage and sqs:DeleteMessage there.",
            ) from None
        raise SystemUnavailable(f"AWS could not answer for the queue {where}: {code}.") from None
    except (NoCredentialsError, ParamValidationError) as problem:
        raise ConfigurationFault(
            f"AWS can't be asked for {where}: {type(problem).__name__}.",
            remedy="Correct the Airflow connection of `aws_conn_id` (type aws), then run listen again.",
        ) from None
    except BotoCoreError as problem:
        raise SystemUnavailable(f"AWS can't be reached for {where}: {type(problem).__name__}.") from None


@dataclass
class Heard:
    """What came of the messages: how many were received, and how many of them what. `unreadable`: why, and how many."""

    received: int = 0
    kept: int = 0
    nobodys: int = 0
    old: int = 0
    undeleted: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    more: bool = False

    def counts(self) -> dict[str, int]:
        return {
            "received": self.received,
            "kept": self.kept,
            "nobody's": self.nobodys,
            "old": self.old,
            "unreadable": self.unreadable.total(),
            "not deleted": self.undeleted,
        }


@gathered
def drain() -> tuple[dict[str, Any], list[str], bool]:
    """Empty the queue. Gives counts, the entities to ring for, and whether the queue may hold more."""
    settings = load_settings()
    with Ledger.open() as ledger:
        queue = SqsQueue.of(_configured(settings))
        connection = connection_of("commercetools", settings)
        heard = take(queue, ledger.inbox, settings, getattr(connection, "project_key", ""), now=ledger.now())
        rings = to_ring(ledger.inbox, settings)
    _tell(heard, rings)
    return {**heard.counts(), "rang": rings}, rings, heard.more


def take(
    queue: SqsQueue,
    inbox: Inbox,
    settings: SyncSettings,
    project_key: str,
    *,
    now: datetime,
    seconds: float = LONGEST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Heard:
    """Everything that waits in the queue goes into the inbox, and out of the queue; at most for `seconds`. `now`: UTC.

    A hint that says it is older than `realtime.oldest_hours` is thanked for and not kept.
    """
    heard, ends = Heard(), clock() + seconds
    oldest = now - timedelta(hours=settings.realtime.oldest_hours)
    # The first request asks all of SQS's servers and waits for them; an empty answer to a later one may be wrong, and
    # then the watch sees what is left.
    messages = queue.receive(wait_seconds=1)
    while messages:
        heard.received += len(messages)
        hints = [
            hint for hint in _hints(messages, project_key, oldest, heard) if _follows(hint, settings, heard)
        ]
        hearing.keep(inbox, settings, hints)
        heard.undeleted += queue.delete(messages)
        if clock() >= ends:
            heard.more = True
            break
        messages = queue.receive(wait_seconds=0)
    return heard


def to_ring(inbox: Inbox, settings: SyncSettings) -> list[str]:
    """The entities for which something is due that no run has taken: what was just heard, and what a run that died
    before it rang has left. Not those that were never aligned: events run deltas."""
    followed = settings.followed_entities
    return [one.entity for one in inbox.waiting() if one.aligned and one.entity in followed]


def _hints(messages: Sequence[Message], project_key: str, oldest: datetime, heard: Heard) -> Iterator[Hint]:
    for message in messages:
        try:
            hint = _hint(message, project_key)
        except UnreadableEvent as problem:
            heard.unreadable[str(problem)] += 1
            continue
        if hint is None:
            heard.nobodys += 1
        elif hint.sent_at is not None and hint.sent_at < oldest:
            heard.old += 1
        else:
            yield hint


def _follows(hint: Hint, settings: SyncSettings, heard: Heard) -> bool:
    if not set(hint.entities) & set(settings.followed_entities):
        heard.nobodys += 1
        return False
    heard.kept += 1
    heard.kinds[hint.topic] += 1
    return True


def _hint(message: Message, project_key: str) -> Hint | None:
    try:
        notification = parse(message.body.encode())
    except ValueError:
        raise UnreadableEvent("It is not JSON.") from None
    return hint_of(notification, project_key)


def _configured(settings: SyncSettings) -> SqsDestination:
    subscription = settings.realtime.commercetools
    if subscription is None or not isinstance(subscription.destination, SqsDestination):
        raise ConfigurationFault(
            "realtime.commercetools.destination is no SQS queue any more, so there is nothing to listen to.",
            remedy="Nothing: this DAG disappears when its file is parsed again.",
        )
    return subscription.destination


def _tell(heard: Heard, rings: Sequence[str]) -> None:
    from airflow.sdk import get_current_context

    lines = [
        *text_tables.counts("messages", heard.counts()),
        *text_tables.counts("kept", dict(heard.kinds.most_common())),
        *(text_tables.counts("unreadable, deleted", dict(heard.unreadable)) if heard.unreadable else []),
        f"Rung for: {', '.join(rings) or 'nobody'}." + (" There may be more." if heard.more else ""),
    ]
    telling.say(*lines)
    if heard.received:
        summary = ", ".join(f"{count} {name}" for name, count in heard.counts().items() if count)
        get_current_context()["ti"].xcom_push(
            key=RUN_NOTE, value=f"{summary}; rang: {', '.join(rings) or 'nobody'}"
        )
