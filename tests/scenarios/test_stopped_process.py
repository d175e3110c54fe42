"""Rule 17 with a real process, real signals and real clocks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from sandbox.server import SandboxServer

WRITTEN: list[str] = []


@pytest.fixture
def server() -> Iterator[str]:
    async def write(request: Request) -> Response:
        WRITTEN.append(request.url.path)
        return JSONResponse({})

    WRITTEN.clear()
    with SandboxServer(Starlette(routes=[Route("/customers", write, methods=["POST"])])) as running:
        yield running.url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        opened.runs.open(
            "customers/1", "customers", dag_id="customers", airflow_run_id="1", mode="delta", params={}
        )
        yield opened


def planned(ledger: Ledger) -> str:
    change = ChangeRow(
        run_id="customers/1", entity="customers", kind="customer", subject="commercetools:1", system="lightspeed",
        action="create", unit="1",
    )  # fmt: skip
    ledger.changes.store([change])
    return change.id


@contextmanager
def stopped(ledger_url: str, server: str, change: str, where: str) -> Iterator[subprocess.Popen[str]]:
    """A worker that has stopped at this point of its write, and is gone afterwards."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stopped", ledger_url, server, change, where],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        _, status = os.waitpid(worker.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the worker was never stopped"
        yield worker
    finally:
        worker.kill()
        worker.wait()


def goes_on(worker: subprocess.Popen[str]) -> str:
    """What it says at its end."""
    worker.send_signal(signal.SIGCONT)
    return worker.communicate(timeout=120)[0]


@pytest.mark.parametrize("where", ["waited", "asked"])
def test_rule_17_a_process_that_is_stopped_and_overtaken_sends_nothing_when_it_goes_on(
    ledger: Ledger, ledger_url: str, server: str, where: str
) -> None:
    change = planned(ledger)
    with stopped(ledger_url, server, change, where) as worker:
        with ledger.leases.taken("customers", "the next one", patience=60):
            assert ledger.changes.begin([change]) == {change: 2}
            ledger.changes.settle([ChangeOutcome(change_id=change, outcome="applied", result_id="1")])
        said = goes_on(worker)
    # Stopped inside its request it may meet the request's own time-out first: it does not know then that nothing left.
    assert said.split() in ([["LeaseLost"]] if where == "waited" else [["LeaseLost"], ["UnknownOutcome"]])
    assert WRITTEN == []
    (row,) = ledger.changes.get([change])
    assert (row.outcome, row.attempt, row.result_id) == ("applied", 2, "1")


@pytest.mark.parametrize("where", ["waited", "asked"])
def test_a_process_that_is_stopped_and_not_overtaken_goes_on(
    ledger: Ledger, ledger_url: str, server: str, where: str
) -> None:
    """Nobody took its work: what it began is still its own."""
    change = planned(ledger)
    with stopped(ledger_url, server, change, where) as worker:
        said = goes_on(worker)
    # Stopped inside its request it may have run into the request's own time-out meanwhile.
    assert said.split() in (["sent"], ["UnknownOutcome"]) and len(WRITTEN) <= 1
