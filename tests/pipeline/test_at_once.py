"""A small delta that nobody asked for is one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retail_sync.ledger.runs import Runs
from retail_sync.sync.engine.run import EntityRun
from tests.pipeline.tasks import Tasks

pytestmark = pytest.mark.airflow
OURS = "shop: {locales: [de-DE], till_locale: de-DE}\n"


@pytest.mark.parametrize(
    ("run_type", "mode", "tried"),
    [
        ("asset_triggered", "delta", True),
        ("scheduled", "delta", True),
        ("scheduled", "full", False),
        ("manual", "delta", False),
    ],
)
def test_what_an_event_or_the_schedule_started_is_tried_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger_url: str, run_type: str, mode: Any, tried: bool
) -> None:
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "sync.yaml"))
    monkeypatch.setenv("RETAIL_SYNC_LEDGER", ledger_url)
    monkeypatch.setenv("RETAIL_SYNC_STAGING", str(tmp_path / "staging"))
    (tmp_path / "sync.yaml").write_text(OURS)
    monkeypatch.setattr(Runs, "baseline", lambda runs, entity: "an earlier run")
    asked: list[int | None] = []

    def run_all(self: EntityRun, most_rows: int | None = None, reached: Any = None) -> None:
        asked.append(most_rows)

    monkeypatch.setattr(EntityRun, "run_all", run_all)
    assert Tasks("products", mode=mode, run_type=run_type).at_once() is True, "more rows than one task does"
    assert asked == ([2000] if tried else [])
