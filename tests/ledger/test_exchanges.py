"""Exchanges reach the audit trail without ever getting in the sync's way."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.api_calls import PostgresExchangeSink
from retail_sync.ledger.rows import new_id
from retail_sync.transport.faces import Exchange, ExchangeSink
from tests.support.exchanges import kept_exchanges

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def exchange(id: str | None = None, **more: Any) -> Exchange:
    values: dict[str, Any] = {
        "id": id or new_id(), "system": "lightspeed", "method": "PUT", "url": "https://shop.example/api/products/1",
        "status": 200, "started_at": NOON, "elapsed": 0.1234, "attempt": 1,
        "request_headers": {"authorization": "[redacted]"}, "request_body": "{}",
        "response_headers": {"x-request-id": "c"}, "response_body": '{"data":[]}', "correlation_id": "c",
        "error": None, "context": {"change": "ch-1"},
    }  # fmt: skip
    return Exchange(**(values | more))


def sink(ledger: Ledger) -> PostgresExchangeSink:
    return ledger.exchange_sink("run-1", "load")


def test_a_closed_sink_has_stored_everything(ledger: Ledger) -> None:
    with sink(ledger) as keeper:
        face: ExchangeSink = keeper
        for n in range(250):
            face.record(exchange(f"x{n:03}"))
    rows = kept_exchanges(ledger, run_id="run-1")
    assert [row.id for row in rows] == [f"x{n:03}" for n in range(250)]
    assert (rows[0].task, rows[0].elapsed_ms, rows[0].context, rows[0].request_headers) == (
        "load", 123, {"change": "ch-1"}, {"authorization": "[redacted]"}
    )  # fmt: skip
    assert keeper.dropped == 0


def test_exchanges_are_found_by_change_and_by_id(ledger: Ledger) -> None:
    with sink(ledger) as keeper:
        keeper.record(exchange("x1"))
        keeper.record(exchange("x2", context={}))
    assert [row.id for row in kept_exchanges(ledger, change="ch-1")] == ["x1"]
    assert [row.id for row in kept_exchanges(ledger, ids=["x2", "none"])] == ["x2"]


def test_exchanges_are_stored_while_the_task_still_runs(ledger: Ledger) -> None:
    with sink(ledger) as keeper:
        keeper.record(exchange("x1"))
        until = time.monotonic() + 15
        while not kept_exchanges(ledger, ids=["x1"]) and time.monotonic() < until:
            time.sleep(0.05)
        assert kept_exchanges(ledger, ids=["x1"])


def test_one_that_cannot_be_stored_costs_no_other(ledger: Ledger) -> None:
    with sink(ledger) as keeper:
        keeper.record(exchange("good"))
        keeper.record(exchange("bad", attempt=2**40))
        keeper.record(exchange("nul", response_body="a\x00b", error="lone \ud800"))
        keeper.record(exchange("good"))
    assert {row.id for row in kept_exchanges(ledger, run_id="run-1")} == {"good", "nul"}
    assert keeper.dropped == 1


def test_a_database_that_is_gone_is_counted_not_raised(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("DROP TABLE exchanges"))
    keeper = sink(ledger)
    for _ in range(3):
        keeper.record(exchange())
    keeper.close()
    keeper.close()
    keeper.record(exchange())
    assert keeper.dropped == 4
    assert "missing from the audit trail" in caplog.text


def test_recording_does_not_wait_for_the_database(ledger: Ledger) -> None:
    with ledger.engine.connect() as blocker:
        blocker.execute(text("LOCK TABLE exchanges IN ACCESS EXCLUSIVE MODE"))
        keeper = sink(ledger)
        for _ in range(500):  # whoever waited here would wait for ever
            keeper.record(exchange())
        blocker.rollback()
    keeper.close()
    assert len(kept_exchanges(ledger, run_id="run-1")) == 500
