"""What this package adds to Airflow itself: notes of DAG runs, tasks that start warm, the receiver of events and the
console in the API server.

Found through the entry point `airflow.plugins` of the installed package, or, where it is not installed, through the
file in `plugins/`. Every process of Airflow loads this module, so it imports nothing that only one of them needs.
"""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from retail_sync.pipeline.runtime import prefork_imports as warming
from retail_sync.pipeline.web.console import open_console
from retail_sync.pipeline.web.lazy_app import PATIENT_SECONDS, Lazy
from retail_sync.pipeline.web.public import base_path
from retail_sync.pipeline.web.run_notes import RunNotes
from retail_sync.pipeline.web.webhooks import open_receiver

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
