"""A run has one configuration: a worker with another one stops, and says both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk import RetryAction

import tests.support.airflow_home as airflow_home
from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.dags.retry_policy import SyncRetries
from retail_sync.pipeline.runtime.configured import OtherConfiguration
from retail_sync.records.errors import SyncError
from tests.pipeline.aligned import ALL
from tests.pipeline.tasks import Tasks

pytestmark = pytest.mark.airflow
HOME = airflow_home.HOME
OURS = "shop: {locales: [de-DE], till_locale: de-DE}\n"
STEPS = ("at_once", "transform", "plan", "load", "audit")


@pytest.fixture
def files(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    found = {name: tmp_path / name / "sync.yaml" for name in ("ours", "same", "theirs")}
    for file in found.values():
        file.parent.mkdir()
    found["ours"].write_text(OURS)
    found["same"].write_text(f"# the same, laid out anew\nversion: 1\n{OURS}")
    found["theirs"].write_text(OURS.replace("de-DE", "en-GB"))
    monkeypatch.setenv("RETAIL_SYNC_LEDGER", ledger_url)
    monkeypatch.setenv("RETAIL_SYNC_STAGING", str(tmp_path / "staging"))
    yield found


def begun(entity: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    """A run whose first task ran on a worker with this file."""
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(file))
    run = Tasks(entity, mode="delta")
    assert run.at_once() is True
    run.extracts, run.batches = {"commercetools": None, "lightspeed": None}, [0]
    return run


@pytest.mark.parametrize("entity", ALL)
@pytest.mark.parametrize("step", STEPS)
def test_a10_a_worker_with_another_file_stops_and_says_both(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, entity: str, step: str
) -> None:
    run = begun(entity, files["ours"], monkeypatch)
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(files["theirs"]))
    with pytest.raises(OtherConfiguration) as told:
        getattr(run, step)()
    assert str(files["ours"]) in told.value.message and str(files["theirs"]) in told.value.message
    assert "same file" in told.value.remedy and "new run" in told.value.remedy
    assert SyncRetries().evaluate(told.value, 1, 5).action is RetryAction.FAIL


def test_the_same_settings_in_another_file_are_the_same_configuration(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun("products", files["ours"], monkeypatch)
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(files["same"]))
    with pytest.raises(SyncError, match="left no result"):
        run.transform()


def test_a_new_run_takes_the_new_file(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    begun("products", files["ours"], monkeypatch)
    begun("products", files["theirs"], monkeypatch)


def test_a_run_that_succeeded_and_is_begun_anew_has_the_file_of_then_and_keeps_to_it(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, ledger_url: str
) -> None:
    run = begun("products", files["ours"], monkeypatch)
    with Ledger.open(ledger_url) as ledger:
        ledger.runs.finish(run.ledger_id, "succeeded", {})
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(files["theirs"]))
    assert run.at_once() is True
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(files["ours"]))
    with pytest.raises(OtherConfiguration):
        run.transform()


def test_a10_a_task_on_a_worker_without_a_file_begins_nothing(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, ledger_url: str
) -> None:
    monkeypatch.delenv("RETAIL_SYNC_CONFIG")
    with pytest.raises(SyncError, match="RETAIL_SYNC_CONFIG is not set"):
        Tasks("products").at_once()
    with Ledger.open(ledger_url) as ledger:
        assert ledger.runs.last("products", 1) == []
