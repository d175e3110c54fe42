"""The `housekeeping` DAG: let go of what retention no longer keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, task

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.runtime.notifications import tell_of_failure
from retail_sync.pipeline.runtime.schedules import schedule_of


def housekeeping_dag(doc: str) -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    dag = new_dag(
        "housekeeping",
        "Housekeeping",
        "Deletes old exchanges, changes, events and staged files",
        tag="care",
        doc=doc,
        schedule=schedule_of("housekeeping"),
        defaults={"on_failure_callback": tell_of_failure},
    )
    with dag:

        @task(multiple_outputs=False)
        def ledger() -> dict[str, int]:
            """Delete rows older than their retention; how many a table."""
            from retail_sync.pipeline.tasks.entity import gathered

            return gathered(clean_ledger)(datetime.now(UTC))

        @task(multiple_outputs=False)
        def staging() -> dict[str, Any]:
            """Delete the staged files of runs older than their retention."""
            from retail_sync.pipeline.tasks.entity import gathered

            return gathered(clean_staging)(datetime.now(UTC))

        ledger()
        staging()
    return dag


def clean_ledger(now: datetime) -> dict[str, int]:
    from retail_sync.ledger.ledger import Ledger
    from retail_sync.ledger.retention import housekeep
    from retail_sync.pipeline.runtime import task_log as telling
    from retail_sync.settings.loader import load_settings
    from retail_sync.sync.engine import text_tables

    settings = load_settings()
    with Ledger.open() as ledger:
        deleted = housekeep(ledger.engine, now, settings.retention)
    telling.say(*text_tables.counts("deleted rows of", deleted))
    return deleted


def clean_staging(now: datetime) -> dict[str, int]:
    """Folders of runs whose newest file is older than `retention.staging_days`; only below our own folder's name."""
    from retail_sync.pipeline.runtime import task_log as telling
    from retail_sync.pipeline.runtime.context import staging_root
    from retail_sync.settings.loader import load_settings
    from retail_sync.sync.engine.stores import store_of

    store = store_of(staging_root())
    oldest = now - timedelta(days=load_settings().retention.staging_days)
    kept, removed = 0, 0
    for folder, written in store.runs().items():
        if written < oldest:
            store.remove(folder)
            removed += 1
        else:
            kept += 1
    telling.say(f"{removed} staged runs older than {oldest:%Y-%m-%d %H:%M} UTC removed, {kept} kept.")
    return {"removed": removed, "kept": kept}
