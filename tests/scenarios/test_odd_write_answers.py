"""Fault C: whatever a system answers to a write that it carried out, nothing but an error of ours comes of it; and once
the answers make sense again, both systems are as they should be, with nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retail_sync.records.errors import SyncError
from tests.support.plays import STAGES, settle

ANSWERS: dict[str, Any] = {
    "list": [],
    "data as text": {"data": "Geheim"},
    "other kinds": {"id": 1, "version": "Geheim", "customer": "Geheim", "data": {"id": ["Geheim"]}},
}
WRITES = {
    "commercetools": [("POST", "^(?!.*/(token|custom-objects))"), ("DELETE", "")],
    # Levels are listed with a POST.
    "lightspeed": [("POST", "^(?!.*/(token|inventory)$)"), ("PUT", ""), ("DELETE", "")],
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("entity", STAGES)
def test_an_answer_to_a_write_that_makes_no_sense_costs_no_double_and_no_raw_error(
    entity: str, answer: str, ledger_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with STAGES[entity](ledger_url, tmp_path) as play:
        play.run(play.world, mode="full")
        play.stir(1)
        for system, writes in WRITES.items():
            for method, match in writes:
                play.world.faults[system].add(
                    {
                        "match": match,
                        "method": method,
                        "kind": "status_after",
                        "status": 200,
                        "body": ANSWERS[answer],
                        "times": None,
                    }
                )
        run_id = f"{entity}/odd"
        for _ in range(2):  # the task, and its retry
            try:
                play.run(play.world, run_id=run_id)
            except SyncError as problem:
                assert "Geheim" not in str(problem)
        assert "Geheim" not in caplog.text
        for faults in play.world.faults.values():
            faults.clear()
        if play.world.ledger.runs.get(run_id).state == "running":
            play.world.ledger.runs.finish(run_id, "failed", {})
        settle(play)
        assert play.doubles() == []
