"""Staged files go when they are old, and only ours."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retail_sync.pipeline.dags.retention import clean_staging
from retail_sync.pipeline.runtime.context import STAGING_FOLDER, staging_root
from retail_sync.sync.engine.staging import Staging
from tests.sync.kept import Kept

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETAIL_SYNC_STAGING", str(tmp_path / "store"))
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "sync.yaml"))
    (tmp_path / "sync.yaml").write_text("version: 1\nretention: {staging_days: 3}\n")
    return tmp_path / "store"


def staged(run_id: str, *ages: timedelta) -> Path:
    """A staged run with a file of each age."""
    staging = Staging(staging_root(), run_id, Kept())
    folder = Path(staging_root().path) / staging.folder
    for number, age in enumerate(ages):
        staging.write_page("lightspeed", number, [{"id": number}])
        file = folder / f"lightspeed/page-{number:05d}.jsonl.gz"
        stamp = (NOW - age).timestamp()
        os.utime(file, (stamp, stamp))
    return folder


def test_a_run_goes_when_its_newest_file_is_old(store: Path) -> None:
    old = staged("products/scheduled__2026-11-01T00:00:00+00:00", timedelta(days=9), timedelta(days=4))
    resumed = staged("products/manual__2026-11-01T00:00:00+00:00", timedelta(days=9), timedelta(hours=1))
    foreign = store / "somebody-elses"
    foreign.mkdir(parents=True)
    os.utime(foreign, (0, 0))
    assert clean_staging(NOW) == {"removed": 1, "kept": 1}
    assert not old.exists()
    assert resumed.exists() and foreign.exists()
    assert old.parent.name == STAGING_FOLDER


def test_an_empty_store_is_nothing_to_clean(store: Path) -> None:
    assert clean_staging(NOW) == {"removed": 0, "kept": 0}
