"""Staged files that are damaged between two tasks: noticed by name, and read again by the task that is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from airflow.sdk import RetryAction

import tests.airflow_home as airflow_home
from include.local.postgres import EmbeddedPostgres
from include.pipeline.retrying import SyncRetries
from include.pipeline.steps import PlanDamaged
from include.records.errors import StagedDataDamaged
from tests.pipeline.aligned import ALL, ORDER, aligned
from tests.pipeline.tasks import Tasks
from tests.scenarios.ordered import Ordered

pytestmark = pytest.mark.airflow
HOME = airflow_home.HOME


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def shop(postgres: EmbeddedPostgres, ledger_template: str, staged: Path) -> Iterator[Ordered]:
    postgres.create_database("staged_damage", template=ledger_template)
    with aligned(postgres.url("staged_damage"), staged, ORDER) as made:
        yield made
    postgres.drop_database("staged_damage")


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


def quiet(run: Tasks, shop: Ordered) -> None:
    """The run ends as without damage: nothing to write, nothing written."""
    run.load()
    found = run.audit()
    assert found["accounts_add_up"] is True
    assert (found["accounts"]["changes"], found["accounts"]["failed"]) == (0, 0), found
    assert shop.world.writes() == []


@pytest.mark.parametrize("how", [emptied, garbage, removed])
@pytest.mark.parametrize("entity", ALL)
def test_a2_what_transform_finds_damaged_is_read_again_by_its_own_retry(
    shop: Ordered, staged: Path, entity: str, how: Callable[[Path], object]
) -> None:
    shop.world.forget_requests()
    run = Tasks(entity)
    run.extract()
    if not damage(staged, run, "page-*.gz", how):
        pytest.skip(f"{entity} has no pages in the sample shop")
    with pytest.raises(StagedDataDamaged, match="staged file") as noticed:
        run.transform()
    assert SyncRetries().evaluate(noticed.value, 1, 5).action is RetryAction.RETRY
    run.transform()
    run.plan()
    quiet(run, shop)


@pytest.mark.parametrize("pattern", ["*.parquet", "*.json.gz"])
@pytest.mark.parametrize("entity", ALL)
def test_a2_what_plan_finds_damaged_is_read_again_by_its_own_retry(
    shop: Ordered, staged: Path, entity: str, pattern: str
) -> None:
    shop.world.forget_requests()
    run = Tasks(entity)
    run.extract()
    run.transform()
    if not damage(staged, run, pattern, emptied):
        pytest.skip(f"{entity} stages no {pattern} before its plan")
    with pytest.raises(StagedDataDamaged, match="staged file"):
        run.plan()
    run.plan()
    quiet(run, shop)


@pytest.mark.parametrize("entity", ALL)
def test_a2_a_plan_damaged_before_it_is_settled_says_what_to_clear_and_clearing_that_works(
    shop: Ordered, staged: Path, entity: str
) -> None:
    shop.world.forget_requests()
    run = Tasks(entity)
    run.extract()
    run.transform()
    run.plan()
    assert damage(staged, run, "plan.json.gz", emptied) == 1
    with pytest.raises(PlanDamaged, match="Clear the task `plan`") as noticed:
        run.audit()
    assert SyncRetries().evaluate(noticed.value, 1, 5).action is RetryAction.FAIL
    assert shop.world.ledger.run(run.ledger_id).state == "failed"
    run.plan()
    quiet(run, shop)
    assert shop.world.ledger.run(run.ledger_id).state == "succeeded"
