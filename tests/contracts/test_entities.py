"""Rules that hold for every entity alike: each is tried on all six, in a shop in which things happen all the time.

An entity joins with a `Play` (`tests.support.plays`). What guards the other rules is in `tests.contracts.rules`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest
import sqlalchemy as sa

from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.changes import Changes
from retail_sync.records.errors import ProtocolFault
from retail_sync.sync.registry import entity_of
from tests.support.leases import let_leases_run_out
from tests.support.plays import STAGES, Play, settle
from tests.support.waking import written

WRITES = {
    "commercetools": [("POST", "^(?!.*/(token|custom-objects))"), ("DELETE", "")],
    # Levels are listed with a POST.
    "lightspeed": [("POST", "^(?!.*/(token|inventory)$)"), ("PUT", ""), ("PATCH", ""), ("DELETE", "")],
}
REFUSED: dict[str, Any] = {
    "commercetools": {
        "status": 400,
        "body": {
            "statusCode": 400,
            "message": "No.",
            "errors": [{"code": "InvalidInput", "message": "No."}],
        },
    },
    "lightspeed": {"status": 422, "body": {"error": "no"}},
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=STAGES)
def stage(
    request: pytest.FixtureRequest,
    postgres: EmbeddedPostgres,
    ledger_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Play]:
    """One shop an entity, aligned. Nothing is left to do in it at the end, whatever was tried."""
    name = f"entity_{next(_numbers)}"
    postgres.create_database(name, template=ledger_template)
    with STAGES[request.param](postgres.url(name), tmp_path_factory.mktemp(name)) as play:
        play.run(play.world, mode="full")
        play.world.set("limits", failed_share=1.0, failed_least=1000)
        yield play
        settle(play)
    postgres.drop_database(name)


@pytest.fixture
def play(stage: Play) -> Iterator[Play]:
    """The shop, in which something of each kind has happened since the last run."""
    stage.happen()
    stage.world.forget_requests()
    yield stage
    for faults in stage.world.faults.values():
        faults.clear()
    assert stage.doubles() == []


def refuse(play: Play, times: int | None) -> None:
    """The systems refuse so many writes, or all of them."""
    for system, writes in WRITES.items():
        for method, match in writes:
            rule = {"match": match, "method": method, "kind": "status", "times": times, **REFUSED[system]}
            play.world.faults[system].add(rule)


def cursors(play: Play) -> dict[str, str | None]:
    ledger = play.world.ledger
    return {feed: ledger.runs.cursor(play.entity, feed) for feed in entity_of(play.entity).spec.feeds}


def links(play: Play) -> int:
    """How many records are taken for one another."""
    with play.world.ledger.engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM links")).scalar_one())


def test_rule_1_no_failure_is_forgotten_because_its_window_has_passed(play: Play) -> None:
    refuse(play, times=None)
    ran = play.run(play.world)
    assert (ran.accounts.failed > 0, ran.writes) == (True, 0)
    failed = {(one.system, one.label) for one in play.world.ledger.changes.read(ran.run_id, outcome="failed")}
    assert failed and play.world.ledger.holds.open_holds(play.entity)
    for faults in play.world.faults.values():
        faults.clear()
    play.world.clock_ahead += timedelta(days=1)
    again = play.run(play.world)
    assert again.accounts.failed == 0
    done = {
        (one.system, one.label) for one in play.world.ledger.changes.read(again.run_id, outcome="applied")
    }
    assert failed <= done


def test_rule_2_a_run_that_lost_a_change_fails_and_keeps_its_cursors(play: Play) -> None:
    before = cursors(play)

    def lose_a_change() -> None:
        with play.world.ledger.engine.begin() as connection:
            last = (
                "SELECT id FROM changes WHERE outcome IN ('planned', 'not_applied') ORDER BY id DESC LIMIT 1"
            )
            assert connection.execute(sa.text(f"DELETE FROM changes WHERE id = ({last})")).rowcount == 1

    with pytest.raises(ProtocolFault, match="do not add up"):
        play.run(play.world, dry_run=True, before_load=lose_a_change)
    assert cursors(play) == before


def test_rule_3_a_second_full_run_writes_nothing(play: Play) -> None:
    assert play.run(play.world).writes >= play.least - 1
    play.run(play.world, mode="full")
    play.world.forget_requests()
    again = play.run(play.world, mode="full")
    assert (again.accounts.changes, written(play.world)) == (0, [])


@pytest.mark.parametrize("moment", [1, 2])
@pytest.mark.parametrize("where", ["begin", "settle"])
def test_rule_7_a_worker_that_dies_leaves_nothing_twice(
    play: Play, where: str, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after an attempt is stored, before its request; or after the request, before its outcome is stored."""
    real, passed = getattr(Changes, where), itertools.count(1)

    @wraps(real)
    def dies(self: Changes, *given: Any, **named: Any) -> Any:
        if next(passed) == moment:
            if where == "begin":
                real(self, *given, **named)
            raise KeyboardInterrupt
        return real(self, *given, **named)

    run_id = f"{play.entity}/{where}-{moment}"
    monkeypatch.setattr(Changes, where, dies)
    try:
        play.run(play.world, run_id=run_id)
    except KeyboardInterrupt:
        let_leases_run_out(play.world.ledger)
    monkeypatch.undo()
    assert play.run(play.world, run_id=run_id).accounts.failed == 0  # the task, tried again


def test_rule_10_one_refused_write_stops_no_other(play: Play) -> None:
    refuse(play, times=1)
    ran = play.run(play.world)
    assert ran.accounts.add_up and ran.accounts.failed > 0
    assert ran.writes > 0 or play.least - 1 <= ran.accounts.failed


def test_rule_12_what_happens_between_plan_and_write_is_not_undone(play: Play) -> None:
    ran = play.run(play.world, before_load=play.happen)
    assert ran.accounts.add_up and ran.accounts.failed == 0


def test_a_dry_run_plans_and_neither_writes_nor_moves_a_cursor(play: Play) -> None:
    kept, linked = cursors(play), links(play)
    look = play.run(play.world, dry_run=True)
    assert look.accounts.changes >= play.least - 1 and look.writes == 0 and look.accounts.add_up
    assert (written(play.world), cursors(play), links(play)) == ([], kept, linked)


def test_a_run_that_is_started_again_under_its_name_does_nothing_twice(play: Play) -> None:
    run_id = f"{play.entity}/again-{next(_numbers)}"
    assert play.run(play.world, run_id=run_id).writes > 0
    play.world.forget_requests()
    assert play.run(play.world, run_id=run_id).accounts.failed == 0
    assert written(play.world) == []
