"""What all DAGs of this package have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from retail_sync.pipeline.dags.retry_policy import FIRST_DELAY, RETRIES, SyncRetries
from retail_sync.pipeline.runtime.entities import TAG

START = datetime(2026, 1, 1, tzinfo=UTC)


def new_dag(
    dag_id: str,
    title: str,
    description: str,
    *,
    doc: str,
    schedule: Any,
    tag: str,
    defaults: Mapping[str, Any] | None = None,
    **more: Any,
) -> DAG:
    """A DAG without tasks, which runs once at a time and makes up for no slot it missed.

    `doc`: shown in the UI. `defaults`: what holds for its tasks beside what holds for every task of this package.
    `more`: as DAG takes it.
    """
    return DAG(
        dag_id=dag_id,
        dag_display_name=title,
        description=description,
        doc_md=doc,
        schedule=schedule,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        tags={TAG, tag},
        default_args={**task_defaults(), **(defaults or {})},
        **more,
    )


def task_defaults() -> dict[str, Any]:
    """What holds for every task of this package."""
    return {
        "owner": TAG,
        "retries": RETRIES,
        "retry_delay": FIRST_DELAY,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": SyncRetries(),
        "execution_timeout": timedelta(hours=1),
    }
