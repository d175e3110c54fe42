"""Fixtures for all tests. Nothing here imports Airflow, and the server starts only for tests that ask for it."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator

# Before anything that computes: tests' tables are small, and threads that share them cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from demo.postgres import EmbeddedPostgres, temporary_postgres
from retail_sync.ledger import Ledger
from sandbox.server import SandboxServer
from sandbox.shop import SAMPLE_SHOP, Shop, load_shop
from tests.support.leases import StandingLease
from tests.support.left_behind import adopt_orphans, left_behind
from tests.support.long import long_tests, names_of
from tests.support.stage import Stage

# How long an example takes says how busy the machine is, and nothing about the code; and a run is red or green for the
# code's sake, not for luck's. `HYPOTHESIS_PROFILE=search` looks at other examples each time.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what takes long, before anything is left out by its marks."""
    long = long_tests()
    for item in items:
        if any(name in long for name in names_of(item.nodeid)):
            item.add_marker(pytest.mark.long)


def pytest_collection_finish() -> None:
    """What is imported by now lives to the end: the collector need not look at it after every few hundred objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


@pytest.fixture(scope="session", autouse=True)
def _every_process_ends() -> Iterator[None]:
    """Set up before all other fixtures of the session, so that it looks when they have ended what they started."""
    adopt_orphans()
    yield
    assert left_behind() == []


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """One HTTP server per test session, for apps of one test after the other."""
    stage = Stage()
    with SandboxServer(stage) as server:
        stage.url = server.url
        yield stage


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded PostgreSQL server per test session (with xdist: per worker)."""
    with temporary_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def ledger_template(postgres: EmbeddedPostgres) -> str:
    """The name of a database with the ledger's tables and no rows; nobody stays connected to it."""
    from retail_sync.ledger.migrate import upgrade

    postgres.create_database("ledger_template")
    upgrade(postgres.url("ledger_template"))
    return "ledger_template"


@pytest.fixture
def ledger_url(postgres: EmbeddedPostgres, ledger_template: str) -> Iterator[str]:
    """The SQLAlchemy URL (psycopg) of a database of this test's own: the newest ledger, without rows."""
    yield from _database_of_its_own(postgres, ledger_template)


@pytest.fixture(scope="module")
def module_ledger_url(postgres: EmbeddedPostgres, ledger_template: str) -> Iterator[str]:
    """The same for all tests of a module, or of one parameter of a module's fixture."""
    yield from _database_of_its_own(postgres, ledger_template)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """An open ledger of this test's own."""
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_ledger(module_ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(module_ledger_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def sample_shop() -> Shop:
    return load_shop(SAMPLE_SHOP)


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The SQLAlchemy URL (psycopg) of a database of this test's own, without any table."""
    yield from _database_of_its_own(postgres, None)


@pytest.fixture
def standing_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests may write without a lease being taken: for tests of what lies below the engine."""
    monkeypatch.setattr("retail_sync.transport.leasing.held", StandingLease)


def _database_of_its_own(server: EmbeddedPostgres, template: str | None) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    server.create_database(name, template=template)
    yield server.url(name)
    server.drop_database(name)
