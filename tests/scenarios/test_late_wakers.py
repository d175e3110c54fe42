"""Rule 17 (fault A4): whoever wakes late does not write. For every entity and each of its writes a worker is paused,
overtaken, and wakes: nothing is doubled, nothing overwritten, and what a person edited meanwhile stays.

See `tests.support.waking` for what a paused worker is, and where it stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_sync.records.errors import LeaseLost
from tests.support.plays import STAGES, Play, settle
from tests.support.waking import BOUNDARIES, Boundary, Pause, Worker, sending_is_known, shown, written


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with sending_is_known():
        yield


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("entity", STAGES)
def test_rule_17_a_worker_that_wakes_after_its_work_was_taken_over_changes_nothing(
    entity: str, boundary: Boundary, ledger_url: str, tmp_path: Path
) -> None:
    with STAGES[entity](ledger_url, tmp_path) as play:
        play.run(play.world, mode="full")
        turn = 0
        while _overtaken(play, boundary, turn := turn + 1):
            assert turn < 60, "a run has no end"
        settle(play)
        assert turn > play.least if boundary != "begun" else turn > 1
        assert play.doubles() == []


def _overtaken(play: Play, boundary: Boundary, turn: int) -> bool:
    """One turn: a worker stands still at the n-th boundary, and everything happens as the module says. False once a run
    has fewer boundaries than that."""
    world, run_id = play.world, f"{play.entity}/{boundary}-{turn}"
    play.stir(turn)
    late = Worker(world, Pause(boundary, turn))
    stands = late.start(lambda: play.run(late.world, run_id=run_id))
    if not stands:
        assert late.end() is None
        return False
    late.hours_pass()
    if turn % 2:
        play.run(world, run_id=run_id)  # Airflow tries the task again
    else:
        world.ledger.runs.finish(run_id, "failed", {})
        play.run(world)  # the next run plans anew
    play.edit(turn)
    world.forget_requests()
    before = shown(world)
    problem = late.wake()
    assert isinstance(problem, LeaseLost), f"turn {turn} ended with {problem!r}"
    assert written(world) == [], f"turn {turn}"
    assert shown(world) == before, f"turn {turn}"
    assert play.doubles() == [], f"turn {turn}"
    return True
