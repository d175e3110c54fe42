"""Staged files that are damaged between two tasks: noticed by name, and read again by the task that is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from airflow.sdk import RetryAction

import tests.support.airflow_home as airflow_home
from retail_sync.pipeline.dags.retry_policy import SyncRetries
from retail_sync.records.errors import StagedDataDamaged
from retail_sync.sync.engine.run import PlanDamaged
from tests.pipeline.aligned import ALL, ORDER, aligned
from tests.pipeline.tasks import Tasks
from tests.support.builders.orders import Ordered

pytestmark = pytest.mark.airflow
HOME = airflow_home.HOME


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def shop(module_ledger_url: str, staged: Path) -> Iterator[Ordered]:
    with aligned(module_ledger_url, staged) as made:
        yield made


def align(entity: str, done: set[str]) -> None:
    """An entity, and what it needs: one test alone does not wait for all six."""
    for needed in ORDER[: ORDER.index(entity) + 1]:
        if needed not in done:
            assert Tasks(needed).all()["accounts_add_up"], needed
            done.add(needed)


@pytest.fixture(scope="module")
def done() -> set[str]:
    return set()


def damage(folder: Path, run: Tasks, pattern: str, how: Callable[[Path], object]) -> int:
    mark = run.ledger_id.replace("/", "-").replace(":", "-").replace("+", "-")
    files = [file for file in folder.rglob(pattern) if file.is_file() and mark in str(file)]
    for file in files:
        how(file)
    return len(files)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def garbage(file: Path) -> None:
    file.write_bytes(b"\x1f\x8b garbage")


def removed(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("entity", ALL)
def test_a2_what_a_step_finds_damaged_is_read_again_by_the_step_that_is_tried_again(
    shop: Ordered, staged: Path, entity: str, done: set[str]
) -> None:
    """Pages under `transform`, tables and documents under `plan`, the plan itself under `audit`."""
    align(entity, done)
    shop.world.forget_requests()
    run = Tasks(entity)
    run.extract()
    for how in (emptied, garbage, removed):
        if damage(staged, run, "page-*.gz", how):
            with pytest.raises(StagedDataDamaged, match="staged file") as noticed:
                run.transform()
            assert SyncRetries().evaluate(noticed.value, 1, 5).action is RetryAction.RETRY
        run.transform()
    for pattern in ("*.parquet", "*.json.gz"):
        if damage(staged, run, pattern, emptied):
            with pytest.raises(StagedDataDamaged, match="staged file"):
                run.plan()
        run.plan()
    assert damage(staged, run, "plan.json.gz", emptied) == 1
    with pytest.raises(PlanDamaged, match="Clear the task `plan`") as stopped:
        run.audit()
    assert SyncRetries().evaluate(stopped.value, 1, 5).action is RetryAction.FAIL
    assert shop.world.ledger.runs.get(run.ledger_id).state == "failed"
    run.plan()
    run.load()
    found = run.audit()
    assert found["accounts_add_up"] is True
    assert (found["accounts"]["changes"], found["accounts"]["failed"]) == (0, 0), found
    assert shop.world.writes() == [], "nothing was switched off, nothing made twice"
    assert shop.world.ledger.runs.get(run.ledger_id).state == "succeeded"
