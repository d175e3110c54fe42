"""What a DAG file reads of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_sync.pipeline.runtime.schedules import (
    ScheduleError,
    minutes_until_old,
    schedule_if_any,
    schedule_of,
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sync.yaml"
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(path))
    return path


def test_a_schedule_is_what_the_file_says(config: Path) -> None:
    config.write_text(
        "schedules: {products: '*/10 * * * *', reconcile: null}\nnotify: {data_older_than_minutes: 30}\n"
    )
    assert schedule_of("products") == "*/10 * * * *"
    assert schedule_of("reconcile") is None
    assert minutes_until_old() == 30


def test_what_the_file_leaves_out_has_its_default(config: Path) -> None:
    config.write_text("version: 1\n")
    assert schedule_of("products") == "0 * * * *"
    assert schedule_of("preflight") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schedules: {products: 7}", "sync.yaml:1: schedules.products: .*Found: 7"),
        ("schedules: {products: every hour}", "schedules.products: 'every hour' is not a schedule"),
        ("schedules: {products: 99 * * * *}", "schedules.products: '99"),
        ("schedules: [", "can't be read"),
        ("schedules: hourly", "not a section"),
    ],
)
def test_a_file_that_makes_no_sense_says_what_to_do(config: Path, text: str, says: str) -> None:
    config.write_text(text)
    with pytest.raises(ScheduleError, match=f"(?s){says}.*What to do"):
        schedule_of("products")


def test_a_named_file_that_is_missing_is_an_error_and_not_the_default(config: Path) -> None:
    with pytest.raises(ScheduleError, match="does not exist"):
        schedule_of("products")


def test_a10_without_a_configuration_no_schedule_is_taken_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RETAIL_SYNC_CONFIG", raising=False)
    with pytest.raises(ScheduleError, match="RETAIL_SYNC_CONFIG is not set"):
        schedule_of("products")
    assert schedule_if_any("preflight") is None, "the DAG that says what is wrong still loads"


def test_a_name_nobody_knows_is_a_defect_of_the_caller() -> None:
    with pytest.raises(ScheduleError, match="no schedule 'coffee'"):
        schedule_of("coffee")
