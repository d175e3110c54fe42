"""A run in the ledger of each test."""

from __future__ import annotations

import pytest

from retail_sync.ledger import Ledger


@pytest.fixture
def run_id(ledger: Ledger) -> str:
    """A run of `products` under way."""
    return ledger.runs.open(
        "run-1", "products", dag_id="products", airflow_run_id="manual__1", mode="delta", params={}
    ).id
