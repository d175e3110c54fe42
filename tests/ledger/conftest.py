"""A migrated ledger of each test's own, and short ways to make rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ledger import Ledger, upgrade


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    upgrade(ledger_url)
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture
def run_id(ledger: Ledger) -> str:
    """A run of `products` under way."""
    return ledger.open_run(
        "run-1", "products", dag_id="products", airflow_run_id="manual__1", mode="delta", params={}
    ).id
