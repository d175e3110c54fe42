"""The audit of writes survives crashes, retries and late workers."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import ChangeCount, ChangeOutcome, ChangeRow, new_id
from retail_sync.records.errors import ProtocolFault

ROOT = Path(__file__).parents[2]


def change(subject: str = "s1", **more: Any) -> ChangeRow:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "entity": "products",
        "kind": "variant",
        "subject": subject,
        "label": f"SKU-{subject}",
        "system": "lightspeed",
        "action": "update",
        "unit": f"unit-{subject}",
    }
    return ChangeRow(**(values | more))


def open_run(ledger: Ledger, run_id: str) -> None:
    ledger.runs.open(run_id, "products", dag_id="products", airflow_run_id=run_id, mode="delta", params={})


def test_a_change_comes_back_as_it_was_planned(ledger: Ledger, run_id: str) -> None:
    planned = change(
        batch=3,
        source_id="ct",
        source_version=7,
        target_id="ls",
        target_version=2**62,
        before={"name": "Mug"},
        after={"name": "Cup", "price": 1999, "barcodes": ["01", "02"]},
        reasons={"name": "commercetools owns it"},
        idempotency_key="key-1",
    )
    ledger.changes.store([planned])
    (back,) = ledger.changes.read(run_id)
    assert back.planned_at is not None
    for name in (
        "id",
        "batch",
        "source_version",
        "target_version",
        "before",
        "after",
        "reasons",
        "idempotency_key",
        "unit",
    ):
        assert getattr(back, name) == getattr(planned, name), name
    assert (back.outcome, back.attempt, back.exchange_ids, back.dropped) == ("planned", 0, [], [])


def test_a_change_names_a_run_that_exists(ledger: Ledger) -> None:
    with pytest.raises(ProtocolFault, match="ForeignKeyViolation"):
        ledger.changes.store([change(run_id="nobody")])


def test_reading_narrows_to_a_batch_and_an_outcome(ledger: Ledger, run_id: str) -> None:
    ledger.changes.store(
        [change("a", batch=1), change("b", batch=2), change("c", batch=2, outcome="not_applied")]
    )
    assert [c.subject for c in ledger.changes.read(run_id, batch=2)] == ["b", "c"]
    assert [c.subject for c in ledger.changes.read(run_id, batch=2, outcome="planned")] == ["b"]


def test_a_retried_plan_replaces_what_was_not_begun_and_nothing_else(ledger: Ledger, run_id: str) -> None:
    begun, idle = change("begun"), change("idle")
    ledger.changes.store([begun, idle])
    ledger.changes.begin([begun.id])
    ledger.changes.store([change("new")], replace_run=run_id)
    assert [c.subject for c in ledger.changes.read(run_id)] == ["begun", "new"]


def test_settling_stores_everything_that_is_known(ledger: Ledger, run_id: str) -> None:
    one, two = change("1"), change("2")
    ledger.changes.store([one, two])
    assert ledger.changes.begin([one.id, two.id]) == {one.id: 1, two.id: 1}
    settled = ledger.changes.settle(
        [
            ChangeOutcome(
                change_id=one.id, outcome="applied", exchange_ids=["x1"], result_id="r", result_version=9,
                dropped=[("attr.size", "the till has no such field")],
            ),
            ChangeOutcome(
                change_id=two.id, outcome="failed", error_code="taken", error="SKU is taken", remedy="Choose another"
            ),
        ]
    )  # fmt: skip
    assert settled == 2
    first, second = ledger.changes.get([one.id, two.id])
    assert (first.outcome, first.result_id, first.result_version) == ("applied", "r", 9)
    assert first.dropped == [["attr.size", "the till has no such field"]]
    assert first.attempted_at is not None and first.settled_at is not None
    assert (second.error_code, second.error, second.remedy) == ("taken", "SKU is taken", "Choose another")


def test_begin_tells_a_second_attempt_so_that_the_target_is_looked_up_first(
    ledger: Ledger, run_id: str
) -> None:
    one = change()
    ledger.changes.store([one])
    ledger.changes.begin([one.id])
    assert ledger.changes.begin([one.id]) == {one.id: 2}
    ledger.changes.settle([ChangeOutcome(change_id=one.id, outcome="failed", exchange_ids=["x1"])])
    assert ledger.changes.begin([one.id]) == {one.id: 3}
    ledger.changes.settle([ChangeOutcome(change_id=one.id, outcome="applied", exchange_ids=["x2"])])
    assert ledger.changes.get([one.id])[0].exchange_ids == ["x1", "x2"]


@pytest.mark.parametrize("outcome", ["applied", "already_there", "superseded"])
def test_what_took_effect_is_neither_begun_again_nor_unsaid(
    ledger: Ledger, run_id: str, outcome: Any
) -> None:
    one = change()
    ledger.changes.store([one])
    ledger.changes.begin([one.id])
    ledger.changes.settle([ChangeOutcome(change_id=one.id, outcome=outcome)])
    assert ledger.changes.begin([one.id]) == {}
    assert ledger.changes.settle([ChangeOutcome(change_id=one.id, outcome="failed")]) == 0
    assert ledger.changes.counts(run_id)[outcome] == 1


def test_a_worker_killed_between_begin_and_settle_leaves_the_attempt_behind(
    ledger: Ledger, ledger_url: str, run_id: str
) -> None:
    one, idle = change("sent"), change("idle")
    ledger.changes.store([one, idle])
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys\n"
            "from retail_sync.ledger import Ledger\n"
            "Ledger.open(sys.argv[1]).changes.begin([sys.argv[2]])\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n",
            ledger_url,
            one.id,
        ],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "include")},
        check=False,
    )
    assert killed.returncode == -9
    assert [c.subject for c in ledger.changes.unsettled(run_id)] == ["sent"]
    open_run(ledger, "run-2")
    assert [c.subject for c in ledger.changes.unsettled(entity="products")] == ["sent"], "outlives its run"
    assert ledger.changes.get([idle.id])[0].outcome == "superseded"


def test_the_plan_of_a_failed_run_is_not_sent_after_a_newer_run_has_planned(
    ledger: Ledger, run_id: str
) -> None:
    ledger.changes.store([change("stale"), change("dry", outcome="not_applied")])
    ledger.runs.finish(run_id, "failed", {})
    open_run(ledger, "run-2")
    assert ledger.changes.read(run_id, outcome="planned") == []
    assert [c.subject for c in ledger.changes.read(run_id, outcome="superseded")] == ["stale"]


def test_a_change_is_revised_only_while_it_is_open(ledger: Ledger, run_id: str) -> None:
    one, sent = change("1"), change("2")
    ledger.changes.store([one, sent])
    ledger.changes.begin([one.id, sent.id])
    ledger.changes.settle([ChangeOutcome(change_id=sent.id, outcome="applied")])
    again = [replace(c, unit="merged", after={"name": "Cup"}, target_version=8) for c in (one, sent)]
    assert ledger.changes.revise(again) == 1
    by_id = {c.id: c for c in ledger.changes.read(run_id)}
    assert (by_id[one.id].unit, by_id[one.id].after, by_id[one.id].target_version) == (
        "merged",
        {"name": "Cup"},
        8,
    )
    assert by_id[one.id].attempt == 1
    assert by_id[sent.id].after == {}


def test_two_workers_with_one_batch_count_every_attempt(ledger: Ledger, run_id: str) -> None:
    changes = [change(str(n)) for n in range(200)]
    ledger.changes.store(changes)
    ids = [c.id for c in changes]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ledger.changes.begin, [ids, ids[::-1], ids, ids[::-1]]))
    for change_id in ids:
        assert sorted(answer[change_id] for answer in answers) == [1, 2, 3, 4]


def test_counts_add_up_to_what_was_planned(ledger: Ledger, run_id: str) -> None:
    ledger.changes.store(
        [
            change("a", outcome="not_applied"),
            change("b", system="commercetools"),
            change("c", action="create"),
        ]
    )
    counts = ledger.changes.counts(run_id)
    assert counts == {
        "planned": 2, "applied": 0, "already_there": 0, "failed": 0, "not_applied": 1, "superseded": 0
    }  # fmt: skip
    assert ledger.changes.breakdown(run_id) == [
        ChangeCount(system="commercetools", kind="variant", action="update", outcome="planned", count=1),
        ChangeCount(system="lightspeed", kind="variant", action="create", outcome="planned", count=1),
        ChangeCount(system="lightspeed", kind="variant", action="update", outcome="not_applied", count=1),
    ]


def test_new_ids_sort_by_the_time_they_were_made() -> None:
    ids = [new_id() for _ in range(500)]
    assert len(set(ids)) == 500
    assert [i[:13] for i in ids] == sorted(i[:13] for i in ids)
    assert all(i[14] == "7" and i[19] in "89ab" for i in ids)


def test_a_plan_that_is_made_again_replaces_what_was_not_to_be_applied_too(
    ledger: Ledger, run_id: str
) -> None:
    ledger.changes.store([change("a", outcome="not_applied")], replace_run=run_id)
    ledger.changes.store([change("a", outcome="not_applied"), change("b")], replace_run=run_id)
    assert [one.subject for one in ledger.changes.read(run_id)] == ["a", "b"]
    begun = next(one for one in ledger.changes.read(run_id) if one.subject == "b")
    ledger.changes.begin([begun.id])
    ledger.changes.store([change("c")], replace_run=run_id)
    assert {one.subject for one in ledger.changes.read(run_id)} == {"b", "c"}


def test_a_plan_that_is_left_is_not_applied_as_far_as_it_was_not_begun(ledger: Ledger, run_id: str) -> None:
    begun, open_ = change("a"), change("b")
    ledger.changes.store([begun, open_])
    ledger.changes.begin([begun.id])
    assert ledger.changes.leave(run_id, "It is stale.") == 1
    found = {one.subject: one for one in ledger.changes.read(run_id)}
    assert (found["b"].outcome, found["b"].error) == ("not_applied", "It is stale.")
    assert found["b"].settled_at is not None
    assert found["a"].outcome == "planned"
