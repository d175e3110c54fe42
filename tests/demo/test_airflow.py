"""A live Airflow: it starts from nothing, runs a DAG, answers through the REST client and leaves no process."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo.airflow import AirflowError, LocalAirflow
from demo.airflow_api import AirflowApi, AirflowApiError
from demo.airflow_env import AirflowSecrets, airflow_environment
from demo.airflow_settings import load, read
from demo.postgres import EmbeddedPostgres

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def airflow(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    postgres.create_database("airflow_live")
    with LocalAirflow(
        project=PROJECT,
        home=tmp_path_factory.mktemp("airflow"),
        database_url=postgres.url("airflow_live", "psycopg2"),
        dags_folder=Path(__file__).parent / "dags",
        parallelism=2,
        say=print,
    ) as running:
        family = psutil.Process().children(recursive=True)
        assert set(running.pids().values()) <= {process.pid for process in family}
        yield running
        mine = [p for pid in running.pids().values() for p in psutil.Process(pid).children(recursive=True)]
    left = [p for p in mine if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert left == [], "processes outlived the stop"
    postgres.drop_database("airflow_live")


@pytest.fixture
def api(airflow: LocalAirflow) -> Iterator[AirflowApi]:
    with airflow.api() as client:
        yield client


def test_a_dag_runs_and_its_tasks_report(api: AirflowApi) -> None:
    api.wait_for_dags("example")
    api.unpause("example")
    run_id = api.trigger("example", {"name": "Ada"})
    states: list[tuple[str, str | None]] = []
    run = api.wait(
        "example", run_id, timeout=120, on_change=lambda task: states.append((task.label, task.state))
    )
    assert run.state == "success"
    assert {("greet", "success"), ("count", "success")} <= set(states)
    assert api.xcom("example", run_id, "greet") == {"greeted": "Ada"}
    assert api.xcom("example", run_id, "count") == 3
    assert api.xcom("example", run_id, "count", key="absent") is None
    assert any("hello Ada" in line for line in api.task_log("example", run_id, "greet"))


def test_a_conf_that_does_not_fit_the_params_is_refused(api: AirflowApi) -> None:
    api.wait_for_dags("example")
    with pytest.raises(AirflowApiError, match="400"):
        api.trigger("example", {"name": 7})


def test_pools_and_connections_can_be_put_twice(api: AirflowApi) -> None:
    for slots in (3, 4):
        api.put_pool("tills", slots, "calls at once")
        api.put_connection(
            {"connection_id": "shop", "conn_type": "generic", "host": f"h{slots}", "extra": '{"a": 1}'}
        )
    assert api.pools()["tills"] == 4
    assert api.get("/connections/shop")["host"] == "h4"


def test_the_shipped_settings_replace_what_is_there(airflow: LocalAirflow, api: AirflowApi) -> None:
    api.put_connection({"connection_id": "lightspeed_default", "conn_type": "generic", "host": "old"})
    api.put_pool("lightspeed_api", 1)
    load(read(PROJECT / "airflow_settings.yaml"), airflow.command)
    assert {"commercetools_default", "lightspeed_default"} <= api.connection_ids()
    loaded = api.get("/connections/lightspeed_default")
    assert loaded["conn_type"] == "lightspeed"
    assert json.loads(loaded["extra"])["api_version"] == "2026-07"
    assert {"commercetools_api": 8, "lightspeed_api": 4}.items() <= api.pools().items()


def test_the_viewer_may_look_and_not_touch(airflow: LocalAirflow) -> None:
    with airflow.api("viewer") as viewer:
        assert "example" in viewer.dag_ids()
        with pytest.raises(AirflowApiError, match="403"):
            viewer.trigger("example")


def test_a_wrong_password_is_refused(airflow: LocalAirflow) -> None:
    with pytest.raises(AirflowApiError, match="401"):
        AirflowApi(airflow.url, "admin", "guess")


def test_a_failing_command_says_why(airflow: LocalAirflow) -> None:
    with pytest.raises(AirflowError, match="dags"):
        airflow.command("dags", "no-such-command")


def test_secrets_are_kept_and_private(tmp_path: Path) -> None:
    first = AirflowSecrets.of_home(tmp_path, {"admin": "preset"})
    assert AirflowSecrets.of_home(tmp_path) == first
    assert first.passwords["admin"] == "preset"
    assert {
        stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("secrets.json", "passwords.json")
    } == {0o600}


def test_another_airflow_of_the_caller_does_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "http://elsewhere")
    monkeypatch.setenv("NO_PROXY", "intranet")
    environment = airflow_environment(
        project=PROJECT, home=tmp_path, database_url="x", port=1, keys=AirflowSecrets.of_home(tmp_path)
    )
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_OTHER" not in environment
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"
