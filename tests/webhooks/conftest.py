"""A receiver of each test's own; a module's tests share a database, and find its inbox empty."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from demo.postgres import EmbeddedPostgres
from retail_sync.ledger import Ledger
from tests.webhooks.served import Receiver, served

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def ledger(postgres: EmbeddedPostgres, ledger_template: str) -> Iterator[Ledger]:
    name = f"receiver_{next(_numbers)}"
    postgres.create_database(name, template=ledger_template)
    with Ledger.open(postgres.url(name)) as opened:
        yield opened
    postgres.drop_database(name)


@pytest.fixture
def receiver(ledger: Ledger) -> Iterator[Receiver]:
    with ledger.engine.begin() as connection:
        connection.execute(text("DELETE FROM inbox"))
    with served(ledger) as one:
        yield one
