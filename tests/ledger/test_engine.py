"""Database errors tell the caller what to do about them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from include.ledger import Ledger
from include.ledger.engine import transaction
from include.records.errors import SystemUnavailable

ROOT = Path(__file__).parents[2]


def test_a_connection_lost_on_the_way_is_worth_a_retry(ledger: Ledger) -> None:
    with pytest.raises(SystemUnavailable) as caught, transaction(ledger.engine) as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with ledger.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        connection.execute(text("SELECT 1"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_connections_that_died_while_idle_are_replaced(ledger: Ledger) -> None:
    assert ledger.cursor("products", "lightspeed") is None
    with ledger.engine.connect() as keeper:
        keeper.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert ledger.cursor("products", "lightspeed") is None


def test_naming_the_ledger_in_a_dag_file_loads_no_database_code() -> None:
    code = (
        "import sys, include.ledger, include.ledger.rows\n"
        "assert not {'sqlalchemy', 'alembic', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=True)


def test_the_command_migrates_and_explains_itself(empty_database_url: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "include.ledger", *arguments],
            cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (run(empty_database_url).returncode, run().returncode) == (0, 2)
    refused = run("sqlite:///x.db")
    assert refused.returncode == 1 and "What to do" in refused.stderr
    Ledger.open(empty_database_url).close()
