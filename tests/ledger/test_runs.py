"""Runs are opened once, taken up by retries, and buried by the next one when they died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import Run
from retail_sync.records.errors import ProtocolFault


def open_run(ledger: Ledger, run_id: str, dag_id: str = "products", entity: str = "products") -> Run:
    return ledger.runs.open(
        run_id, entity, dag_id=dag_id, airflow_run_id=run_id, mode="full", params={"keys": ["A-1"]}
    )


def test_a_retried_task_finds_its_run_as_it_left_it(ledger: Ledger) -> None:
    first = open_run(ledger, "r1")
    ledger.runs.set_windows("r1", {"lightspeed": {"lower": "5", "upper": None}})
    ledger.runs.finish("r1", "failed", {"read": 3}, error="a storm")
    again = open_run(ledger, "r1")
    assert (again.state, again.error, again.finished_at) == ("running", None, None)
    assert (again.started_at, again.params) == (first.started_at, {"keys": ["A-1"]})
    assert again.windows == {"lightspeed": {"lower": "5", "upper": None}}


def test_a_run_that_died_is_marked_when_the_next_one_opens(ledger: Ledger) -> None:
    open_run(ledger, "dead")
    open_run(ledger, "alive")
    assert ledger.runs.get("dead").state == "failed"
    assert "alive" in (ledger.runs.get("dead").error or "")
    assert ledger.runs.get("alive").state == "running"


def test_a_backfill_and_a_run_of_another_entity_are_left_alone(ledger: Ledger) -> None:
    open_run(ledger, "backfill", dag_id="backfill")
    open_run(ledger, "other", entity="prices", dag_id="prices")
    open_run(ledger, "r1")
    assert {ledger.runs.get(name).state for name in ("backfill", "other", "r1")} == {"running"}


def test_one_run_id_serves_one_entity(ledger: Ledger) -> None:
    open_run(ledger, "r1")
    with pytest.raises(ProtocolFault, match="another entity"):
        open_run(ledger, "r1", entity="prices")


def test_a_finished_run_keeps_accounts_summary_and_time(ledger: Ledger) -> None:
    open_run(ledger, "r1")
    ledger.runs.finish("r1", "succeeded", {"read": 3, "unchanged": 3}, summary="3 read, all unchanged")
    run = ledger.runs.get("r1")
    assert (run.state, run.accounts, run.summary) == (
        "succeeded", {"read": 3, "unchanged": 3}, "3 read, all unchanged"
    )  # fmt: skip
    assert run.finished_at is not None


def test_the_latest_runs_come_first(ledger: Ledger) -> None:
    for n in range(4):
        open_run(ledger, f"r{n}")
    assert [run.id for run in ledger.runs.last("products", 2)] == ["r3", "r2"]


def test_a_run_nobody_opened_is_an_error_that_says_so(ledger: Ledger) -> None:
    for call in (
        lambda: ledger.runs.get("none"),
        lambda: ledger.runs.set_windows("none", {}),
        lambda: ledger.runs.finish("none", "failed", {}),
    ):
        with pytest.raises(ProtocolFault, match="no run 'none'"):
            call()


def test_tasks_that_open_one_run_at_once_agree(ledger: Ledger) -> None:
    with ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda _: open_run(ledger, "r1"), range(6)))
    assert len({run.started_at for run in runs}) == 1


def test_a_checkpoint_survives_until_it_is_cleared(ledger: Ledger) -> None:
    points = ledger.checkpoints
    assert points.get("r1", "extract") is None
    points.set("r1", "extract", {"position": "5"})
    points.set("r1", "extract", {"position": "9", "pages": 2})
    points.set("r1", "plan", {"batch": 1})
    assert points.get("r1", "extract") == {"position": "9", "pages": 2}
    points.clear("r1", "extract")
    assert (points.get("r1", "extract"), points.get("r1", "plan")) == (None, {"batch": 1})
    points.clear("r1")
    assert points.get("r1", "plan") is None


def test_a_run_that_succeeded_begins_anew_and_one_that_failed_is_taken_up(ledger: Ledger) -> None:
    for name, state in (("done", "succeeded"), ("broken", "failed"), ("at-work", "running")):
        open_run(ledger, name, f"products-{name}")
        ledger.checkpoints.set(name, "extract_lightspeed", {"done": True})
        if state != "running":
            ledger.runs.finish(name, state, {})  # type: ignore[arg-type]
        ledger.runs.begin_anew(name)
    kept = {
        name: ledger.checkpoints.get(name, "extract_lightspeed") for name in ("done", "broken", "at-work")
    }
    assert kept == {"done": None, "broken": {"done": True}, "at-work": {"done": True}}
