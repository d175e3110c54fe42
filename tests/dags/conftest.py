"""Airflow for tests of DAG files, without its processes: `DagBag`, serialization and `dag.test()`.

The environment is set before anything imports Airflow, so nothing in this folder imports it at module level:
tests ask for the fixture `airflow_ready` (or one that builds on it) and import Airflow inside.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from include.local.airflow_env import AirflowSecrets, airflow_environment
from include.local.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def airflow_ready(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This process is an Airflow on a fresh metadata database; the value is its home folder.

    Plugins are left out (they are tested with the live api-server). `dag.test()` works: it runs tasks one after
    the other in this process, really waits for retry delays, and a failed task does not raise: look at the state.
    """
    already = sorted(name for name in sys.modules if name.partition(".")[0] == "airflow")
    if already:
        raise RuntimeError(f"Airflow was imported before its environment was set, first {already[0]}")
    home = tmp_path_factory.mktemp("airflow-home")
    postgres.create_database("airflow_dags")
    environment = airflow_environment(
        project=PROJECT,
        home=home,
        database_url=postgres.url("airflow_dags", "psycopg2"),
        port=1,  # no server: nothing may call one
        keys=AirflowSecrets.of_home(home),
        extra={
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        },
    )
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        from airflow import settings
        from airflow.utils.db import initdb

        initdb()
        yield home
        settings.dispose_orm()  # before the server stops
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def dagbag(airflow_ready: Path) -> DagBag:
    """Every DAG file of the project, loaded; `import_errors` is not checked here."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(PROJECT / "dags")
