"""Every DAG file loads, and every DAG keeps the house rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import tests.support.airflow_home as airflow_home

pytestmark = pytest.mark.airflow

DAGS = airflow_home.PROJECT / "dags"
ENTITIES = ("products", "prices", "inventory", "customers", "orders", "sales")
EXPECTED = {*ENTITIES, "preflight", "reconcile", "housekeeping", "backfill", "forget", "subscribe", "listen"}
ENTITY_TASKS = {
    "extract_commercetools": {"transform", "plan", "load", "audit"},
    "extract_lightspeed": {"transform", "plan", "load", "audit"},
    "transform": {"plan"},
    "plan": {"load"},
    "load": {"audit"},
    "audit": set(),
}
LOOK_TASKS = {
    "extract_commercetools": {"transform", "plan", "audit"},
    "extract_lightspeed": {"transform", "plan", "audit"},
    "transform": {"plan"},
    "plan": {"audit"},
    "audit": {"drift"},
    "drift": {"repair_wanted"},
    "repair_wanted": {"mend"},
    "mend": set(),
}


def entries_first(tasks: dict[str, set[str]]) -> dict[str, set[str]]:
    """Whatever is reserved in an entry, its order has to be read afterwards, and the level after that."""
    return {**tasks, "extract_commercetools": tasks["extract_commercetools"] | {"extract_lightspeed"}}


def in_group(name: str, tasks: dict[str, set[str]]) -> dict[str, set[str]]:
    return {f"{name}.{task}": {f"{name}.{after}" for after in then} for task, then in tasks.items()}


AT_ONCE = {"at_once": {"extract_commercetools", "extract_lightspeed"}}
TASKS = {
    "products": AT_ONCE | ENTITY_TASKS,
    "prices": AT_ONCE | ENTITY_TASKS,
    "inventory": AT_ONCE | entries_first(ENTITY_TASKS),
    "customers": AT_ONCE | ENTITY_TASKS,
    "orders": AT_ONCE | ENTITY_TASKS,
    "sales": AT_ONCE | ENTITY_TASKS,
    "preflight": {
        "migrate_ledger": {"check_house", "check_commercetools", "check_lightspeed"},
        "check_house": {"report"},
        "check_commercetools": {"check_taxes", "report"},
        "check_lightspeed": {"check_taxes", "report"},
        "check_taxes": {"report"},
        "report": set(),
    },
    "reconcile": {
        **in_group("products", LOOK_TASKS),
        **in_group("prices", LOOK_TASKS),
        **in_group("inventory", entries_first(LOOK_TASKS)),
        **in_group("customers", LOOK_TASKS),
        **in_group("orders", LOOK_TASKS),
        **in_group("sales", LOOK_TASKS),
    },
    "housekeeping": {"ledger": set(), "staging": set()},
    "backfill": {
        "products": {"prices"},
        "prices": {"inventory"},
        "inventory": {"customers"},
        "customers": {"orders"},
        "orders": {"sales"},
        "sales": set(),
    },
    "forget": {"forget": set()},
    "subscribe": {"commercetools": {"report"}, "lightspeed": {"report"}, "report": set()},
    "listen": {"drain": set()},
}
FORMS = {
    "products": {"mode", "dry_run", "since", "keys", "plan", "direction"},
    "prices": {"mode", "dry_run", "since", "keys", "plan", "direction", "approve", "reject"},
    "inventory": {"mode", "dry_run", "since", "keys", "plan"},
    "customers": {"mode", "dry_run", "since", "keys", "plan", "direction", "approve", "reject"},
    "orders": {"mode", "dry_run", "since", "keys", "plan"},
    "sales": {"mode", "dry_run", "since", "keys", "plan"},
    "forget": {"keys", "keep_out"},
    "subscribe": {"dry_run"},
}
WITH_QUEUE = """
realtime:
  commercetools:
    destination: {type: SQS, queue_url: "https://sqs.eu-central-1.amazonaws.com/1/q", region: eu-central-1}
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every DAG there can be: of a configuration with a queue."""
    from airflow.dag_processing.dagbag import DagBag

    config = tmp_path_factory.mktemp("config") / "sync.yaml"
    config.write_text(WITH_QUEUE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAIL_SYNC_CONFIG", str(config))
        return DagBag(str(DAGS))


def test_every_file_gives_its_dag_and_no_other(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == EXPECTED
    assert {Path(dag.fileloc).stem for dag in bag.dags.values()} == {file.stem for file in DAGS.glob("*.py")}


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "RETAIL_SYNC_CONFIG is not set"), ("schedules: {products: every hour}", "every hour")],
)
def test_a10_without_a_configuration_that_can_be_read_preflight_loads_and_the_others_say_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, says: str
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.delenv("RETAIL_SYNC_CONFIG")
    if text is not None:
        (tmp_path / "sync.yaml").write_text(text)
        monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "sync.yaml"))
    for dag_id in ("preflight", "products"):
        shutil.copy(DAGS / f"{dag_id}.py", tmp_path)
    found = DagBag(str(tmp_path))
    assert set(found.dags) == {"preflight"}
    (error,) = found.import_errors.values()
    assert says in error and "What to do" in error


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_the_tasks_and_their_order(bag: Any, dag_id: str) -> None:
    found = {task.task_id: set(task.downstream_task_ids) for task in bag.dags[dag_id].tasks}
    assert found == TASKS[dag_id]


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_dag_says_what_it_is_and_runs_once_at_a_time(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert "retail-sync" in dag.tags
    assert dag.description
    assert dag.doc_md.lstrip().startswith("###")


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_task_has_retries_that_see_the_error_and_an_end(bag: Any, dag_id: str) -> None:
    for task in bag.dags[dag_id].tasks:
        assert task.execution_timeout is not None and task.execution_timeout <= timedelta(hours=24)
        if type(task).__name__ != "TriggerDagRunOperator":
            assert task.retries >= 3, task.task_id
            assert task.retry_policy is not None, task.task_id
        assert task.doc or task.doc_md or task.python_callable.__doc__, task.task_id


@pytest.mark.parametrize(
    ("dag_id", "group"),
    [*((each, "") for each in ENTITIES), *(("reconcile", f"{each}.") for each in ENTITIES)],
)
def test_tasks_that_call_a_system_take_a_slot_of_its_pool(bag: Any, dag_id: str, group: str) -> None:
    pools = {task.task_id: task.pool for task in bag.dags[dag_id].tasks}
    assert pools[f"{group}extract_commercetools"] == "commercetools_api"
    assert pools[f"{group}extract_lightspeed"] == "lightspeed_api"
    if not group:
        assert pools["load"] == "lightspeed_api"


@pytest.mark.parametrize("dag_id", ENTITIES)
def test_audit_runs_whatever_happened_before(bag: Any, dag_id: str) -> None:
    assert bag.dags[dag_id].get_task("audit").trigger_rule == "all_done"
    assert bag.dags["reconcile"].get_task(f"{dag_id}.audit").trigger_rule == "all_done"


@pytest.mark.parametrize("dag_id", FORMS)
def test_a_form_is_typed_and_explains_itself(bag: Any, dag_id: str) -> None:
    params = bag.dags[dag_id].params
    assert set(params) == FORMS[dag_id]
    for name in params:
        schema = params.get_param(name).schema
        assert schema["title"] and schema["section"] and schema["type"], name
        assert params.get_param(name).description, name


@pytest.mark.parametrize("dag_id", ENTITIES)
def test_an_entity_runs_by_the_clock_and_when_its_doorbell_rings(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert type(dag.timetable).__name__ == "AssetOrTimeSchedule"
    assert [asset.name for asset in dag.timetable.asset_condition.objects] == [f"{dag_id}_doorbell"]
    assert [asset.name for asset in dag.get_task("audit").outlets] == [f"{dag_id}_synced"]


def test_a_queue_is_listened_to_by_watch_and_by_the_clock_and_only_where_there_is_one(bag: Any) -> None:
    from airflow.dag_processing.dagbag import DagBag

    (waits,) = bag.dags["listen"].timetable.asset_condition.objects
    (watch,) = waits.watchers
    assert watch.trigger.serialize() == (
        "retail_sync.pipeline.runtime.sqs_trigger.QueueWatch",
        {
            "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q",
            "region": "eu-central-1",
            "aws_conn_id": "aws_default",
        },
    )
    none = DagBag(str(DAGS / "listen.py"))
    assert (none.import_errors, none.dags) == ({}, {})


def test_nobody_is_forgotten_by_the_clock(bag: Any) -> None:
    assert type(bag.dags["forget"].timetable).__name__ == "NullTimetable"


@pytest.mark.parametrize("dag_id", ENTITIES)
def test_a_repair_and_a_backfill_run_the_entitys_own_dag(bag: Any, dag_id: str) -> None:
    mend, whole = bag.dags["reconcile"].get_task(f"{dag_id}.mend"), bag.dags["backfill"].get_task(dag_id)
    assert mend.trigger_dag_id == whole.trigger_dag_id == dag_id
    assert mend.conf == {"mode": "full", "dry_run": False}
    assert whole.conf == {"mode": "full", "dry_run": "{{ params.dry_run }}"}


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_dag_survives_serialisation(bag: Any, dag_id: str) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    packed = DagSerialization.serialize_dag(bag.dags[dag_id])
    assert set(DagSerialization.deserialize_dag(packed).task_dict) == set(TASKS[dag_id])
    json.dumps(packed)


CLOCKS_CHANGE = """
import json, sys
from datetime import timedelta
import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
from airflow.timetables.simple import NullTimetable

gaps = {}
for dag_id, dag in DagBag(sys.argv[1]).dags.items():
    timetable = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).timetable
    if isinstance(timetable, NullTimetable):
        continue
    gaps[dag_id] = []
    for first in (pendulum.datetime(2026, 3, 28), pendulum.datetime(2026, 10, 24)):
        runs, last = [], None
        while not runs or runs[-1] < first + timedelta(days=3):
            earliest = TimeRestriction(earliest=first, latest=None, catchup=True)
            info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=earliest)
            runs.append(info.run_after)
            last = info.data_interval
        gaps[dag_id].append(sorted({(b - a).total_seconds() for a, b in zip(runs, runs[1:])}))
print(json.dumps(gaps))
"""


def test_no_run_is_left_out_or_doubled_on_the_days_when_clocks_change(tmp_path: Path) -> None:
    """Wherever this Airflow thinks it is: a schedule is meant in UTC, and its runs keep their distance."""
    place = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Europe/Berlin",
        "TZ": "Europe/Berlin",
    }
    gaps = json.loads(
        subprocess.run(
            [sys.executable, "-c", CLOCKS_CHANGE, str(DAGS)],
            env={**os.environ, **place, "PYTHONPATH": str(airflow_home.PROJECT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()[-1]
    )
    assert {*ENTITIES, "reconcile", "housekeeping"} <= set(gaps)
    for dag_id, (spring, autumn) in gaps.items():
        assert len(spring) == 1 and spring == autumn, dag_id


LOOK = """
import json, sys, time, runpy
import airflow.sdk
before, seconds = set(sys.modules), {}
for path in sys.argv[1:]:
    began = time.perf_counter()
    runpy.run_path(path)
    seconds[path] = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "modules": sorted(set(sys.modules) - before)}))
"""
HEAVY = (
    "pandas", "pyarrow", "numpy", "ruamel", "retail_sync.ledger", "retail_sync.sync", "retail_sync.transport",
    "retail_sync.commercetools", "retail_sync.lightspeed", "retail_sync.pipeline.tasks.entity",
    "retail_sync.pipeline.runtime.context", "boto", "airflow.providers.amazon",
)  # fmt: skip


def test_parsing_dag_files_imports_nothing_heavy(record_property: Any, tmp_path: Path) -> None:
    """One process for all: an import of Airflow takes seconds. The times are reported, not judged."""
    (tmp_path / "sync.yaml").write_text(WITH_QUEUE)
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *(str(DAGS / f"{dag_id}.py") for dag_id in sorted(EXPECTED))],
        cwd=airflow_home.PROJECT,
        env={**os.environ, "RETAIL_SYNC_CONFIG": str(tmp_path / "sync.yaml")},
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    for path, seconds in seen["seconds"].items():
        record_property(Path(path).name, seconds)
        print(f"{Path(path).name} parsed in {seconds:.3f} s")
    assert [name for name in seen["modules"] if name.startswith(HEAVY)] == []
