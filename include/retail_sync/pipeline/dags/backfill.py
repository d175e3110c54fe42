"""The `backfill` DAG: every entity in full, in the order in which they depend on each other."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, chain

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.dags.params import HOW
from retail_sync.pipeline.runtime.entities import ENTITIES, Entity
from retail_sync.pipeline.runtime.notifications import tell_of_failure

POLL_SECONDS = 5


def backfill_dag(doc: str) -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    dag = new_dag(
        "backfill",
        "Backfill",
        "All entities in full, in dependency order",
        tag="sync",
        doc=doc,
        schedule=None,
        defaults={"retries": 0, "on_failure_callback": tell_of_failure},
        render_template_as_native_obj=True,
        params={
            "dry_run": Param(
                True,
                type="boolean",
                title="Dry run",
                description="On by default: look at the plans first, then run again without it.",
                section=HOW,
            ),
        },
    )
    with dag:
        chain(*(full_run(entity, dry_run="{{ params.dry_run }}") for entity in ENTITIES))
    return dag


def full_run(entity: Entity, dry_run: bool | str, task_id: str | None = None) -> TriggerDagRunOperator:
    """A task that starts the entity's DAG in full and waits for its end. Its run is the entity's own: only that DAG
    writes, one run at a time."""
    return TriggerDagRunOperator(
        task_id=task_id or entity.id,
        trigger_dag_id=entity.id,
        conf={"mode": "full", "dry_run": dry_run},
        wait_for_completion=True,
        poke_interval=POLL_SECONDS,
        deferrable=True,
        fail_when_dag_is_paused=True,
        execution_timeout=timedelta(hours=24),
        doc=f"Triggers `{entity.id}` with mode=full and waits for it.",
    )
