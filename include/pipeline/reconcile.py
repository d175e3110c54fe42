"""The `reconcile` DAG: both sides in full, what differs, and, only if asked, the entity's own DAG to mend it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from include.pipeline.backfill import full_run
from include.pipeline.entities import TAG, entity
from include.pipeline.factory import PLANNING, START, audit_task, planning_tasks, task_defaults
from include.pipeline.params import HOW
from include.pipeline.runs import Order
from include.pipeline.schedules import schedule_of

LOOK = Order(mode="full", dry_run=True)


def reconcile_dag(doc: str, entity_id: str = "products") -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    one = entity(entity_id)
    dag = DAG(
        dag_id="reconcile",
        dag_display_name="Reconcile",
        description=f"{one.title}: both sides in full, what differs; writes nothing unless asked",
        doc_md=doc,
        schedule=schedule_of("reconcile"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        tags={TAG, "care"},
        default_args=task_defaults(),
        render_template_as_native_obj=True,
        params={
            "repair": Param(
                False,
                type="boolean",
                title="Repair",
                description=f"Afterwards run `{one.id}` in full, which writes what differs by the same rules as ever.",
                section=HOW,
            ),
        },
    )
    with dag:
        planned = planning_tasks(one.id, LOOK)
        audited = audit_task(one.id, planned, PLANNING, LOOK)
        planned.plan >> audited

        @task(multiple_outputs=False)
        def drift() -> dict[str, Any]:
            """What differs, by field, with both values and whose counts."""
            from include.pipeline import drift as report

            return report.report(one.id, LOOK)

        @task.short_circuit
        def repair_wanted(found: dict[str, Any]) -> bool:
            """Whether repair was asked for and there is something to mend."""
            return bool(get_current_context()["params"]["repair"]) and bool(found["changes"])

        # Only the entity's own DAG writes, one run at a time: two writers would each create what is missing.
        found = drift()
        audited >> found
        repair_wanted(found) >> full_run(one, dry_run=False)
    return dag
