"""The `listen` DAG: take what commercetools put into a queue, and ring for it. There only where a queue is set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetAlias,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronTriggerTimetable,
    result,
    task,
)

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.runtime.entities import entity
from retail_sync.pipeline.runtime.notifications import tell_of_failure
from retail_sync.pipeline.runtime.schedules import listened_queue
from retail_sync.pipeline.runtime.sqs_trigger import QueueWatch

SWEEP = "*/10 * * * *"
"""UTC. Whatever is lost on the way to a run, the queue is emptied this often."""
WAITS = "commercetools_queue"
"""The asset that is updated when messages wait in the queue."""


def listen_dag(doc: str) -> DAG | None:
    """`doc`: the DAG file's docstring, shown in the UI. None where no queue is set (`realtime.commercetools`)."""
    queue = listened_queue()
    if queue is None:
        return None
    watch = AssetWatcher(WAITS, trigger=QueueWatch(queue.queue_url, queue.region, queue.aws_conn_id))
    dag = new_dag(
        "listen",
        "Listen",
        "Takes the notifications of commercetools out of their queue, and rings for what they concern",
        tag="realtime",
        doc=doc,
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(SWEEP, timezone="UTC"), assets=[Asset(WAITS, watchers=[watch])]
        ),
        defaults={
            "execution_timeout": timedelta(minutes=10),
            "on_failure_callback": tell_of_failure,
        },
    )
    with dag:
        _drain()
    return dag


def _drain() -> None:
    bells = AssetAlias("doorbells_of_listen")

    @result
    @task(multiple_outputs=False, outlets=[bells])
    def drain(outlet_events: Any = None) -> dict[str, Any]:
        """Keep what the queue holds in the inbox, then delete it there, then ring for what waits. How many of what."""
        from retail_sync.pipeline.tasks import consume_queue as listening

        told, rings, more = listening.drain()
        for each in rings:
            outlet_events[bells].add(Asset(entity(each).doorbell))
        if more:
            outlet_events[bells].add(Asset(WAITS))
        return told

    drain()
