"""Housekeeping removes what is old and finished, and nothing that still matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger, retention
from retail_sync.ledger.retention import housekeep
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, HoldDraft, MirrorRow
from retail_sync.records.events import Hint
from retail_sync.transport.faces import Exchange
from tests.support.exchanges import kept_exchanges

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=500)


@dataclass(frozen=True)
class Ages:
    exchanges_days: int = 14
    changes_days: int = 400
    inbox_days: int = 14
    staging_days: int = 3


def fill(ledger: Ledger, run_id: str, when: datetime, *, finished: bool = True) -> ChangeRow:
    ledger.runs.open(run_id, "products", dag_id=run_id, airflow_run_id=run_id, mode="delta", params={})
    values: dict[str, Any] = {
        "entity": "products",
        "kind": "variant",
        "system": "lightspeed",
        "action": "update",
        "unit": "u",
    }
    done = ChangeRow(run_id=run_id, subject="done", **values)
    unknown = ChangeRow(run_id=run_id, subject="unknown", **values)
    ledger.changes.store([done, unknown] if not finished else [done])
    ledger.changes.begin([done.id, unknown.id])
    ledger.changes.settle([ChangeOutcome(change_id=done.id, outcome="applied")])
    if finished:
        ledger.runs.finish(run_id, "succeeded", {})
    with ledger.engine.begin() as connection:
        connection.execute(
            text("UPDATE runs SET started_at = :at, finished_at = CASE WHEN finished_at IS NOT NULL THEN :at END "
                 "WHERE id = :id"),
            {"at": when, "id": run_id},
        )  # fmt: skip
        connection.execute(
            text("UPDATE changes SET planned_at = :at WHERE run_id = :id"), {"at": when, "id": run_id}
        )
    return done


def test_old_runs_and_their_changes_go_but_unknown_outcomes_stay(ledger: Ledger) -> None:
    fill(ledger, "old", LONG_AGO)
    fill(ledger, "old, unfinished", LONG_AGO, finished=False)
    fill(ledger, "recent", NOW - timedelta(days=10))
    counts = housekeep(ledger.engine, NOW, Ages())
    assert (counts["changes"], counts["runs"]) == (2, 1)
    assert {run.id for run in ledger.runs.last("products")} == {"old, unfinished", "recent"}
    assert [c.subject for c in ledger.changes.unsettled(entity="products")] == ["unknown"]


def test_open_holds_stay_and_released_ones_go(ledger: Ledger, run_id: str) -> None:
    def hold(subject: str) -> HoldDraft:
        return HoldDraft(kind="variant", subject=subject, code="x", message="m")

    ledger.runs.settle(
        run_id, "products", cursors={"lightspeed": "1"}, holds=[hold("open"), hold("gone")], now=LONG_AGO
    )
    ledger.runs.settle(
        run_id, "products", cursors={}, holds=[], considered=[("variant", "gone")], now=LONG_AGO
    )
    assert housekeep(ledger.engine, NOW, Ages())["holds"] == 1
    assert [h.subject for h in ledger.holds.open_holds("products")] == ["open"]
    assert ledger.runs.cursor("products", "lightspeed") == "1"


def test_exchanges_and_handled_events_go_by_age(ledger: Ledger) -> None:
    with ledger.exchange_sink("r", "load") as sink:
        for days in (13, 15):
            sink.record(
                Exchange(
                    str(days), "lightspeed", "GET", "u", 200, NOW - timedelta(days=days), 0.1, 1, {}, None, {}, None,
                    None, None, {},
                )
            )  # fmt: skip
    for name in ("handled", "waiting"):
        ledger.inbox.keep([Hint("lightspeed", "t", name, (name,))], (name,))
    ledger.inbox.claim("handled", "r")
    ledger.inbox.done("r")
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE inbox SET received_at = :at"), {"at": LONG_AGO})
        connection.execute(text("UPDATE inbox SET done_at = :at WHERE done_at IS NOT NULL"), {"at": LONG_AGO})
    counts = housekeep(ledger.engine, NOW, Ages())
    assert (counts["exchanges"], counts["inbox"]) == (1, 1)
    assert [row.id for row in kept_exchanges(ledger, run_id="r")] == ["13"]


def test_more_than_a_batch_goes_in_several(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for n in range(8):
        ledger.checkpoints.set(f"r{n}", "extract", {})
    assert housekeep(ledger.engine, datetime.now(UTC) + timedelta(days=401), Ages())["checkpoints"] == 8


def test_digests_of_staged_files_go_with_the_files(ledger: Ledger) -> None:
    ledger.checkpoints.set("r1", "extract_lightspeed", {})
    ledger.checkpoints.set("r1", "staged lightspeed/page-00000.jsonl.gz", {})
    assert housekeep(ledger.engine, datetime.now(UTC) + timedelta(days=2), Ages())["checkpoints"] == 0
    assert housekeep(ledger.engine, datetime.now(UTC) + timedelta(days=4), Ages())["checkpoints"] == 1
    assert ledger.checkpoints.get("r1", "extract_lightspeed") == {}


def test_what_says_how_things_are_now_has_no_age(ledger: Ledger, run_id: str) -> None:
    ledger.mirror.see("products", "variant", "lightspeed", run_id, [MirrorRow(id="a", digest="d", fields={})])
    ledger.runs.settle(run_id, "products", cursors={"lightspeed": "5"}, holds=[], baseline=True, now=LONG_AGO)
    housekeep(ledger.engine, datetime.now(UTC) + timedelta(days=10_000), Ages())
    assert ledger.mirror.read("products", "variant", "lightspeed")
    assert ledger.runs.baseline("products") == LONG_AGO
