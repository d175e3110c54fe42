"""Two shops, a ledger and Airflow's database for DAGs that really run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import tests.support.airflow_home as airflow_home
from demo.postgres import EmbeddedPostgres
from sandbox.shop import Shop
from tests.support.settings_files import dump_settings
from tests.support.worlds import World, world_of


@pytest.fixture(scope="session", autouse=True)
def _leave_nothing() -> Iterator[None]:
    yield
    shutil.rmtree(airflow_home.HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Airflow's metadata in the embedded PostgreSQL, for `dag.test()` in this process."""
    import os

    postgres.create_database("airflow_in_process")
    url = postgres.url("airflow_in_process", "psycopg2")
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url
    from airflow import settings
    from airflow.utils import db

    settings.configure_vars()
    settings.configure_orm()
    db.initdb()
    yield url
    settings.dispose_orm(do_log=False)
    del os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]


@pytest.fixture
def world(
    sample_shop: Shop, ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Both stand-ins with the sample shop, and the environment that leads Airflow's tasks to them."""
    with world_of(sample_shop, ledger_url, tmp_path / "scenario") as opened:
        for name, value in environment(opened, ledger_url, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield opened


def environment(world: World, ledger_url: str, folder: Path) -> dict[str, str]:
    """Connections, configuration, ledger and staging of a world, as Airflow's processes get them."""
    dump_settings(world.settings, folder / "sync.yaml")
    online = world.online.credentials()
    return {
        "RETAIL_SYNC_LEDGER": ledger_url,
        "RETAIL_SYNC_CONFIG": str(folder / "sync.yaml"),
        "RETAIL_SYNC_STAGING": str(folder / "staging"),
        "AIRFLOW_CONN_COMMERCETOOLS_DEFAULT": json.dumps(
            {
                "conn_type": "commercetools",
                "host": world.online_url,
                "login": online["client_id"],
                "password": online["client_secret"],
                "extra": {"auth_url": world.online_url, "project_key": online["project_key"]},
            }
        ),
        "AIRFLOW_CONN_LIGHTSPEED_DEFAULT": json.dumps(
            {
                "conn_type": "lightspeed",
                "host": world.till_url,
                "password": world.till_token,
                "extra": {"series": "x"},
            }
        ),
    }


@dataclass
class Finished:
    """A finished run: its state, the state of each task, and what tasks left in XCom."""

    run_id: str
    state: str
    tasks: dict[str, str]
    xcom: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def audit(self) -> Mapping[str, Any]:
        return self.xcom[("audit", "return_value")]

    @property
    def accounts(self) -> Mapping[str, int]:
        return self.audit["accounts"]


Run = Callable[..., Finished]


@pytest.fixture
def run(airflow_database: str, world: World) -> Run:
    """Run one of the project's DAGs in this process, as `run("products", mode="full")`."""
    from airflow.dag_processing.dagbag import DagBag

    from retail_sync.pipeline.dags.retry_policy import SyncRetries

    def play(dag_id: str, **conf: Any) -> Finished:
        # Loaded anew each time: `DAG.test` writes the run's params into the DAG.
        dag = DagBag(str(airflow_home.PROJECT / "dags" / f"{dag_id}.py")).dags[dag_id]
        # `DAG.test` of Airflow 3.3.2 can't look up deadlines of a DAG that was not loaded from its database.
        dag.deadline = None
        for task in dag.tasks:
            task.retry_delay = timedelta(milliseconds=10)
            task.retry_policy = SyncRetries(first=timedelta(milliseconds=10))
        return _finished(dag.test(run_conf=conf))

    return play


def _finished(dag_run: Any) -> Finished:
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        tasks = session.scalars(select(TaskInstance).where(TaskInstance.run_id == dag_run.run_id)).all()
        left = session.scalars(select(XComModel).where(XComModel.run_id == dag_run.run_id)).all()
        return Finished(
            dag_run.run_id,
            str(dag_run.state),
            {task.task_id: str(task.state) for task in tasks},
            {(one.task_id, one.key): XComModel.deserialize_value(one) for one in left},
        )
