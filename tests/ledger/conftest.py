"""An open ledger of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retail_sync.ledger import Ledger


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture
def run_id(ledger: Ledger) -> str:
    """A run of `products` under way."""
    return ledger.runs.open(
        "run-1", "products", dag_id="products", airflow_run_id="manual__1", mode="delta", params={}
    ).id
