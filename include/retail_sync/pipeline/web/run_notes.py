"""The note of a DAG run says what came of it.

Tasks can't set a run's note; the scheduler can, when the run ends. `audit` (or another last task) leaves the text in
XCom.
"""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl

from retail_sync.pipeline.runtime.entities import TAG
from retail_sync.pipeline.runtime.notifications import PROBLEM, RUN_NOTE

LONGEST_NOTE = 1000


class RunNotes:
    """Listens in the scheduler; a failure here is logged and changes nothing."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        note_run(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        note_run(dag_run)


def note_run(dag_run: Any) -> None:
    """Copy what tasks left for this run (one for each entity) into its note, unless a person wrote one. Of a run that
    ended before any task could sum it up, the note says why, or at least where."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    left: dict[str, list[str]] = {RUN_NOTE: [], PROBLEM: []}
    for each in session.execute(
        select(XComModel)
        .where(
            XComModel.dag_id == dag_run.dag_id, XComModel.run_id == dag_run.run_id, XComModel.key.in_(left)
        )
        .order_by(XComModel.timestamp)
    ).scalars():
        left[each.key].append(str(XComModel.deserialize_value(each)))
    text = "\n".join(left[RUN_NOTE] or left[PROBLEM] or _failed(dag_run, session))[:LONGEST_NOTE]
    if not text:
        return
    standing = dag_run.dag_run_note
    if standing is None:
        dag_run.note = text
    elif standing.user_id is None:
        standing.content = text


def _failed(dag_run: Any, session: Any) -> list[str]:
    """Names of tasks that failed and left no word: those of other packages (a trigger that waited for a run), or whose
    worker died."""
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    names = session.scalars(
        select(TaskInstance.task_id)
        .where(
            TaskInstance.dag_id == dag_run.dag_id,
            TaskInstance.run_id == dag_run.run_id,
            TaskInstance.state == "failed",
        )
        .distinct()
        .order_by(TaskInstance.task_id)
    ).all()
    return [f"Failed: {', '.join(names)}. Why is in the log."] if names and _is_ours(dag_run) else []


def _is_ours(dag_run: Any) -> bool:
    """Whether a run is of a DAG of this package; others' notes are theirs."""
    return any(tag.name == TAG for tag in getattr(dag_run.dag_model, "tags", ()))
