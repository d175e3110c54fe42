"""Fixtures for all tests. Nothing here imports Airflow, and the server starts only for tests that ask for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from include.local.postgres import EmbeddedPostgres, temporary_postgres
from tests.leases import StandingLease
from tests.left_behind import adopt_orphans, left_behind

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("at any speed", deadline=None)
settings.load_profile("at any speed")

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def _every_process_ends() -> Iterator[None]:
    """Set up before all other fixtures of the session, so that it looks when they have ended what they started."""
    adopt_orphans()
    yield
    assert left_behind() == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded PostgreSQL server per test session (with xdist: per worker)."""
    with temporary_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def ledger_template(postgres: EmbeddedPostgres) -> str:
    """The name of a database with the ledger's tables and no rows; nobody stays connected to it."""
    from include.ledger.migrate import upgrade

    postgres.create_database("ledger_template")
    upgrade(postgres.url("ledger_template"))
    return "ledger_template"


@pytest.fixture
def ledger_url(postgres: EmbeddedPostgres, ledger_template: str) -> Iterator[str]:
    """The SQLAlchemy URL (psycopg) of a database of this test's own: the newest ledger, without rows."""
    yield from _database_of_its_own(postgres, ledger_template)


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The SQLAlchemy URL (psycopg) of a database of this test's own, without any table."""
    yield from _database_of_its_own(postgres, None)


@pytest.fixture
def standing_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests may write without a lease being taken: for tests of what lies below the engine."""
    monkeypatch.setattr("include.transport.leasing.held", StandingLease)


def _database_of_its_own(server: EmbeddedPostgres, template: str | None) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    server.create_database(name, template=template)
    yield server.url(name)
    server.drop_database(name)
