"""The `reconcile` DAG: both sides in full, what differs, and, only if asked, the entities' own DAGs to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TaskGroup, get_current_context, task

from retail_sync.pipeline.dags.backfill import full_run
from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.dags.entity import PLANNING, audit_task, planning_tasks
from retail_sync.pipeline.dags.params import HOW
from retail_sync.pipeline.runtime.entities import ENTITIES, Entity
from retail_sync.pipeline.runtime.schedules import schedule_of

if TYPE_CHECKING:
    from retail_sync.sync.engine.request import RunRequest


def look() -> RunRequest:
    """What is asked of each entity's run: to see everything and write nothing."""
    from retail_sync.sync.engine.request import RunRequest

    return RunRequest(mode="full", dry_run=True, purpose="reconcile")


def reconcile_dag(doc: str) -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    dag = new_dag(
        "reconcile",
        "Reconcile",
        "Both sides in full, what differs; writes nothing unless asked",
        tag="care",
        doc=doc,
        schedule=schedule_of("reconcile"),
        render_template_as_native_obj=True,
        params={
            "repair": Param(
                False,
                type="boolean",
                title="Repair",
                description="Afterwards run each entity in full that differs, which writes by the same rules as ever.",
                section=HOW,
            ),
        },
    )
    with dag:
        for one in ENTITIES:
            _look_at(one)
    return dag


def _look_at(one: Entity) -> None:
    """The tasks of one entity, in a group of their own: a failure of one entity does not stop the others."""
    with TaskGroup(one.id, tooltip=one.title):
        planned = planning_tasks(one.id, look)
        audited = audit_task(one.id, planned, PLANNING, look)
        planned.plan >> audited

        @task(multiple_outputs=False)
        def drift() -> dict[str, Any]:
            """What differs, with both values and whose counts."""
            from retail_sync.pipeline.tasks import reconcile as report

            return report.report(one.id, look())

        @task.short_circuit
        def repair_wanted(found: dict[str, Any]) -> bool:
            """Whether repair was asked for and there is something to mend."""
            return bool(get_current_context()["params"]["repair"]) and bool(found["changes"])

        # Only the entity's own DAG writes, one run at a time: two writers would each create what is missing.
        found = drift()
        audited >> found
        repair_wanted(found) >> full_run(one, dry_run=False, task_id="mend")
