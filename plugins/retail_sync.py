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

from include.pipeline import warming
from include.pipeline.console import open_console
from include.pipeline.mounting import Lazy
from include.pipeline.receiving import open_receiver

log = logging.getLogger(__name__)

RUN_NOTE = "run_note"
LONGEST_NOTE = 1000


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
    """Copy what tasks left for this run (one for each entity) into its note, unless a person wrote one."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    left = session.execute(
        select(XComModel)
        .where(
            XComModel.dag_id == dag_run.dag_id, XComModel.run_id == dag_run.run_id, XComModel.key == RUN_NOTE
        )
        .order_by(XComModel.timestamp)
    ).scalars()
    text = "\n".join(str(XComModel.deserialize_value(each)) for each in left)[:LONGEST_NOTE]
    if not text:
        return
    standing = dag_run.dag_run_note
    if standing is None:
        dag_run.note = text
    elif standing.user_id is None:
        standing.content = text


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
            "app": Lazy("console", open_console),
            "url_prefix": "/retail-sync/console",
            "name": "Retail sync: console",
        },
    ]
    external_views = [
        {
            "name": "Retail sync",
            "href": "/retail-sync/console/",
            "destination": "nav",
            "url_route": "retail-sync",
            "icon": "/retail-sync/console/static/icon.svg",
            "icon_dark_mode": "/retail-sync/console/static/icon-dark.svg",
            "nav_top_level": True,
        },
        {
            "name": "Account and plan",
            "href": "/retail-sync/console/runs/of/{DAG_ID}/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "retail-sync-run",
        },
    ]
