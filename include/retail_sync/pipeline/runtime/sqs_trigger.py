"""Looking into a queue from Airflow's triggerer: that something waits there, never what.

The trigger of Airflow's Amazon provider puts what it receives into its event, so that messages would be kept in
Airflow's metadata, in its log and in its UI, where `privacy` and `retention` do not reach; and it fires about once a
second for as long as nobody empties the queue. This one tells nothing but that there is something, and less and less
often while nobody comes. Messages stay in the queue: a task takes them (see
`retail_sync.pipeline.tasks.consume_queue`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

log = logging.getLogger(__name__)

WAIT_SECONDS = 5
"""How long one look waits for a message. A request each time; Airflow's triggerer can't stop while one is under way."""
SAMPLE = 10
"""Messages seen at a look, the most SQS gives."""
SOON_SECONDS = 1.0
"""After a ring: how long until the next look."""
SELDOM_SECONDS = 300.0


class QueueWatch(BaseEventTrigger):
    """Fires when messages wait in an SQS queue."""

    def __init__(self, queue_url: str, region: str, aws_conn_id: str) -> None:
        super().__init__()
        self.queue_url = queue_url
        self.region = region
        self.aws_conn_id = aws_conn_id
        self._client: Any = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        given = {"queue_url": self.queue_url, "region": self.region, "aws_conn_id": self.aws_conn_id}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        patience = Patience()
        while True:
            try:
                sent = await asyncio.to_thread(self.look)
            except Exception as problem:  # AWS, the connection, the network: all of it may pass
                self._client = None
                wait = patience.longer()
                log.warning(
                    "The queue can't be looked at (%s); again in %.0f s. What to do: run the DAG `listen`, whose log "
                    "says more.",
                    type(problem).__name__,
                    wait,
                )
                await asyncio.sleep(wait)
                continue
            if not sent:
                patience = Patience()
                continue
            wait = patience.after(sent)
            yield TriggerEvent({"messages": "waiting"})
            await asyncio.sleep(wait)

    def look(self) -> list[int]:
        """When the messages that wait were sent (milliseconds of SQS's clock), a few of them at most. They stay visible
        for everybody; SQS counts that they were received."""
        if self._client is None:
            from airflow.providers.amazon.aws.hooks.sqs import SqsHook

            self._client = SqsHook(aws_conn_id=self.aws_conn_id, region_name=self.region).conn
        answer = self._client.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=SAMPLE,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=0,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return [int(one.get("Attributes", {}).get("SentTimestamp", 0)) for one in answer.get("Messages", ())]


class Patience:
    """How long to wait after a ring: a moment where everything seen is new, longer and longer where messages that were
    rung for are still there."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.newest = -1

    def after(self, sent: list[int]) -> float:
        """Seconds to wait, having rung for messages of these times."""
        unanswered = min(sent) <= self.newest
        self.newest = max(self.newest, *sent)
        if not unanswered:
            self.seconds = 0.0
        return self.longer()

    def longer(self) -> float:
        self.seconds = min(max(SOON_SECONDS, self.seconds * 2), SELDOM_SECONDS)
        return self.seconds
