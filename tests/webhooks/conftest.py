"""A receiver of each test's own; a module's tests share a database, and find its inbox empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from tests.webhooks.served import Receiver, served


@pytest.fixture(scope="module")
def ledger(module_ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(module_ledger_url) as opened:
        yield opened


@pytest.fixture
def receiver(ledger: Ledger) -> Iterator[Receiver]:
    with ledger.engine.begin() as connection:
        connection.execute(text("DELETE FROM inbox"))
    with served(ledger) as one:
        yield one
