"""Fixtures for all tests. Nothing here imports Airflow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from include.local.postgres import EmbeddedPostgres, temporary_postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded PostgreSQL server per test session (with xdist: per worker)."""
    with temporary_postgres() as server:
        yield server


@pytest.fixture
def ledger_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The SQLAlchemy URL (psycopg) of a fresh, empty database of this test's own."""
    name = f"ledger_{next(_numbers)}"
    postgres.create_database(name)
    yield postgres.url(name)
    postgres.drop_database(name)
