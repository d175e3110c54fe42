"""What the sync adds to Airflow itself: the note of a DAG run says what came of it, tasks start warm, and the API
server receives events.

Tasks can't set a run's note; the scheduler can, when the run ends. `audit` (or another last task) leaves the text in
XCom.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from retail_sync.pipeline.runtime import prefork_imports as warming
from retail_sync.pipeline.web.console import open_console
from retail_sync.pipeline.web.lazy_app import PATIENT_SECONDS, Lazy
from retail_sync.pipeline.web.public import base_path
from retail_sync.pipeline.web.webhooks import open_receiver

log = logging.getLogger(__name__)

RUN_NOTE, PROBLEM = "run_note", "problem"
"""Keys of XCom under which tasks leave what the note is to say, and why they failed."""
LONGEST_NOTE = 1000
NOT_NOW = (
    "The console can't be shown now: it is still opening, or its ledger does not answer. Load this page again in half "
    "a minute; if it stays, run the DAG preflight.\n"
)


class Warmth:
    """Listens for the process that tasks are forked from."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        if warming.forks_tasks():
            warming.warm()


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
    from retail_sync.pipeline.runtime.entities import TAG

    return any(tag.name == TAG for tag in getattr(dag_run.dag_model, "tags", ()))


PREFIX = base_path()
"""Airflow mounts apps under its own path by itself, and leaves the addresses of views as they are."""


class RetailSyncPlugin(AirflowPlugin):
    name = "retail_sync"
    listeners = [RunNotes(), Warmth()]
    fastapi_apps = [
        {
            "app": Lazy("receiver of events", open_receiver),
            "url_prefix": "/retail-sync/hooks",
            "name": "Retail sync: receiver of events",
        },
        {
            "app": Lazy("console", open_console, PATIENT_SECONDS, NOT_NOW),
            "url_prefix": "/retail-sync/console",
            "name": "Retail sync: console",
        },
    ]
    external_views = [
        {
            "name": "Retail sync",
            "href": f"{PREFIX}/retail-sync/console/",
            "destination": "nav",
            "url_route": "retail-sync",
            "icon": f"{PREFIX}/retail-sync/console/static/icon.svg",
            "icon_dark_mode": f"{PREFIX}/retail-sync/console/static/icon-dark.svg",
            "nav_top_level": True,
        },
        {
            "name": "Account and plan",
            "href": f"{PREFIX}/retail-sync/console/runs/of/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "retail-sync-run",
        },
    ]
