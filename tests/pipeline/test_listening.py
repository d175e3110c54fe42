"""The queue is emptied into the inbox: nothing is lost, nothing is done twice, and nothing of a message is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from sqlalchemy import create_engine

from retail_sync.ledger import Ledger
from retail_sync.ledger.inbox import Inbox
from retail_sync.pipeline.runtime import sqs_trigger as watching
from retail_sync.pipeline.runtime.sqs_trigger import Patience, QueueWatch
from retail_sync.pipeline.tasks.consume_queue import Heard, SqsQueue, take, to_ring
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import SqsDestination
from tests.pipeline.test_ringing import align
from tests.support.sqs import REGION, client, connection, new_queue, sqs_server

PROJECT = "shop"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = SyncSettings.model_validate(
    {
        "locations": [{"name": "Berlin", "outlet": "Berlin"}],
        "limits": {"commercetools": {"trail_seconds": 0}},
    }
)
"""Of the six entities, products and inventory sync."""


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with sqs_server() as url:
        yield url


@pytest.fixture
def sqs(aws: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection(aws))
    return client(aws)


@pytest.fixture
def queue(sqs: Any) -> SqsQueue:
    return SqsQueue(sqs, new_queue(sqs))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        align(opened, "inventory", "products")
        yield opened


def changed(number: int, kind: str = "inventory-entry", **more: Any) -> str:
    return json.dumps(
        {
            "notificationType": "ResourceUpdated",
            "projectKey": PROJECT,
            "resource": {"typeId": kind, "id": f"entry-{number}"},
            "version": 7,
            "modifiedAt": NOW.isoformat(),
            **more,
        }
    )


def send(queue: SqsQueue, *bodies: str) -> None:
    for body in bodies:
        queue.client.send_message(QueueUrl=queue.url, MessageBody=body)


def left(queue: SqsQueue) -> int:
    """Messages in the queue, hidden ones too."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def show_again(queue: SqsQueue, received: list[str]) -> None:
    """What SQS does by itself when the time of hiding is over."""
    for receipt in received:
        queue.client.change_message_visibility(QueueUrl=queue.url, ReceiptHandle=receipt, VisibilityTimeout=0)


def heard_of(queue: SqsQueue, ledger: Ledger, **more: Any) -> Heard:
    return take(queue, ledger.inbox, SETTINGS, PROJECT, now=NOW, **more)


def test_the_queue_is_emptied_into_the_inbox(queue: SqsQueue, ledger: Ledger) -> None:
    send(queue, *(changed(n) for n in range(23)), changed(1, "product"))
    heard = heard_of(queue, ledger)
    assert heard.counts() == {
        "received": 24, "kept": 24, "nobody's": 0, "old": 0, "unreadable": 0, "not deleted": 0,
    }  # fmt: skip
    assert left(queue) == 0
    assert to_ring(ledger.inbox, SETTINGS) == ["inventory", "products"]
    assert len(ledger.inbox.claim("inventory", "run")) == 23


def test_an_entity_without_a_first_alignment_is_not_rung_for(queue: SqsQueue, ledger_url: str) -> None:
    send(queue, changed(1))
    with Ledger.open(ledger_url) as ledger:
        assert heard_of(queue, ledger).kept == 1
        assert to_ring(ledger.inbox, SETTINGS) == []
        align(ledger, "inventory")
        assert to_ring(ledger.inbox, SETTINGS) == ["inventory"]


def test_an_entity_that_took_what_it_was_told_is_not_rung_for(queue: SqsQueue, ledger: Ledger) -> None:
    send(queue, changed(1), changed(1, "product"))
    heard_of(queue, ledger)
    ledger.inbox.claim("products", "run")
    assert to_ring(ledger.inbox, SETTINGS) == ["inventory"]


class DiesBeforeDeleting(SqsQueue):
    """A process that is killed after it kept what it received."""

    def delete(self, messages: Any) -> int:
        receipts.extend(one.receipt for one in messages)
        raise KeyboardInterrupt


receipts: list[str] = []


def test_a_crash_between_keeping_and_deleting_loses_nothing_and_does_nothing_twice(
    queue: SqsQueue, ledger: Ledger
) -> None:
    receipts.clear()
    send(queue, changed(1), changed(2))
    with pytest.raises(KeyboardInterrupt):
        heard_of(DiesBeforeDeleting(queue.client, queue.url), ledger)
    assert left(queue) == 2
    assert to_ring(ledger.inbox, SETTINGS) == ["inventory"], "it had not come to ringing"
    assert len(ledger.inbox.claim("inventory", "first")) == 2
    ledger.inbox.done("first")
    show_again(queue, receipts)
    assert heard_of(queue, ledger).received == 2
    assert left(queue) == 0
    assert to_ring(ledger.inbox, SETTINGS) == []
    assert ledger.inbox.claim("inventory", "second") == []


def test_nothing_is_deleted_that_could_not_be_kept(
    queue: SqsQueue, ledger: Ledger, empty_database_url: str
) -> None:
    send(queue, changed(1))
    nowhere = create_engine(empty_database_url)
    with pytest.raises(ConfigurationFault, match="UndefinedTable"):
        take(queue, Inbox(nowhere), SETTINGS, PROJECT, now=NOW)
    nowhere.dispose()
    assert left(queue) == 1


def test_what_can_not_be_read_is_counted_by_kind_and_deleted(queue: SqsQueue, ledger: Ledger) -> None:
    secret = "rosa@example.com"
    foreign = changed(1, projectKey=secret)
    send(queue, f"hello {secret}", "[" * 5000, json.dumps([secret]), foreign, foreign, changed(2))
    heard = heard_of(queue, ledger)
    assert (heard.kept, heard.unreadable.total()) == (1, 5)
    assert heard.unreadable["It is not JSON."] == 2
    assert 2 in [count for kind, count in heard.unreadable.items() if "project" in kind]
    assert secret not in str(heard)
    assert left(queue) == 0


def test_what_nobody_follows_and_what_is_too_old_is_deleted_and_not_kept(
    queue: SqsQueue, ledger: Ledger
) -> None:
    test = changed(1, "subscription", notificationType="ResourceCreated")
    old = changed(1, modifiedAt=(NOW - timedelta(hours=169)).isoformat())
    send(queue, test, changed(1, "customer"), old)
    heard = heard_of(queue, ledger)
    assert (heard.kept, heard.nobodys, heard.old, heard.unreadable.total()) == (0, 2, 1, 0)
    assert left(queue) == 0
    assert ledger.inbox.told() == []


def test_a_run_ends_while_messages_keep_coming_and_says_that_there_may_be_more(
    queue: SqsQueue, ledger: Ledger
) -> None:
    send(queue, *(changed(n) for n in range(12)))
    heard = heard_of(queue, ledger, seconds=0)
    assert heard.more
    assert 0 < heard.received < 12
    assert left(queue) == 12 - heard.received
    rest = heard_of(queue, ledger)
    assert not rest.more
    assert rest.received + heard.received == 12


def test_a_queue_that_is_not_there_names_what_to_correct(sqs: Any, aws: str) -> None:
    nowhere = f"{aws}/123456789012/nowhere"
    queue = SqsQueue.of(SqsDestination(type="SQS", queue_url=nowhere, region=REGION, aws_conn_id="aws_test"))
    with pytest.raises(ConfigurationFault, match="(?s)nowhere.*NonExistentQueue|QueueDoesNotExist") as caught:
        queue.receive(wait_seconds=0)
    assert "sqs:DeleteMessage" in caught.value.remedy


def test_an_aws_that_does_not_answer_may_come_back() -> None:
    from botocore.config import Config

    dead = boto3.client(
        "sqs", region_name=REGION, endpoint_url="http://127.0.0.1:9", aws_access_key_id="a",
        aws_secret_access_key="b", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    with pytest.raises(SystemUnavailable, match="EndpointConnectionError"):
        SqsQueue(dead, "http://127.0.0.1:9/1/q").receive(wait_seconds=0)


def test_the_watch_tells_that_something_waits_and_never_what(
    queue: SqsQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "WAIT_SECONDS", 1)
    send(queue, changed(1))
    _, given = QueueWatch(queue.url, REGION, "aws_test").serialize()

    async def first() -> Any:
        return (await anext(aiter(QueueWatch(**given).run()))).payload

    assert asyncio.run(asyncio.wait_for(first(), 20)) == {"messages": "waiting"}
    assert len(queue.receive(wait_seconds=0)) == 1, "what was looked at stays visible"


def test_an_empty_queue_rings_for_nobody(queue: SqsQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WAIT_SECONDS", 0)
    assert QueueWatch(queue.url, REGION, "aws_test").look() == []


def test_what_nobody_comes_for_is_rung_for_less_and_less_often() -> None:
    patience = Patience()
    assert [patience.after([5, 9]) for _ in range(5)] == [1, 2, 4, 8, 16]
    assert [patience.after([9]) for _ in range(10)][-1] == watching.SELDOM_SECONDS
    assert patience.after([10, 11]) == 1, "all of this is new"
    assert patience.after([11, 12]) == 2
