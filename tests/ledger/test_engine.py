"""Database errors tell the caller what to do about them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.bulk import storable_text
from retail_sync.ledger.engine import connect, transaction
from retail_sync.ledger.failures import translated
from retail_sync.ledger.limits import BULK, CARE, KEEP_ALIVE, Limits
from retail_sync.ledger.rows import Run
from retail_sync.records.errors import ConfigurationFault, ProtocolFault, SystemUnavailable

ROOT = Path(__file__).parents[2]
IMPATIENT = Limits(lock=0.3, statement=0.5, idle=30)
LOCK_OF_RUNS = "SELECT pg_advisory_xact_lock(hashtextextended('ledger run products', 0))"


def test_a_connection_lost_on_the_way_is_worth_a_retry(ledger: Ledger) -> None:
    with pytest.raises(SystemUnavailable) as caught, transaction(ledger.engine) as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with ledger.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        connection.execute(text("SELECT 1"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_connections_that_died_while_idle_are_replaced(ledger: Ledger) -> None:
    assert ledger.runs.cursor("products", "lightspeed") is None
    with ledger.engine.connect() as keeper:
        keeper.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert ledger.runs.cursor("products", "lightspeed") is None


def test_naming_the_ledger_in_a_dag_file_loads_no_database_code() -> None:
    code = (
        "import sys, retail_sync.ledger, retail_sync.ledger.rows\n"
        "assert not {'sqlalchemy', 'alembic', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(ROOT / "include")}, check=True
    )


def test_the_command_migrates_and_explains_itself(empty_database_url: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "retail_sync.ledger", *arguments],
            cwd=ROOT, env={"PYTHONPATH": str(ROOT / "include")}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (run(empty_database_url).returncode, run().returncode) == (0, 2)
    refused = run("sqlite:///x.db")
    assert refused.returncode == 1 and "What to do" in refused.stderr
    Ledger.open(empty_database_url).close()


def test_a_run_opened_behind_a_session_that_holds_its_lock_ends_with_a_transient_error_that_says_who_holds(
    ledger_url: str,
) -> None:
    with (
        Ledger.open(ledger_url, IMPATIENT) as ledger,
        _half_dead(ledger_url, LOCK_OF_RUNS),
        pytest.raises(SystemUnavailable, match=r"holds a lock.*pg_stat_activity"),
    ):
        _open_run(ledger)


def test_the_server_ends_a_paused_worker_s_transaction_and_the_next_one_goes_on(ledger_url: str) -> None:
    """Nobody has to end the session of a worker that hangs with locks in its hands: its limits travel with it."""
    paused = connect(ledger_url, replace(IMPATIENT, idle=0.3))
    with paused.connect() as connection, Ledger.open(ledger_url, replace(IMPATIENT, lock=30)) as ledger:
        connection.execute(text(LOCK_OF_RUNS))
        assert _open_run(ledger).state == "running"
        with pytest.raises(SystemUnavailable), translated():
            connection.execute(text("SELECT 1"))
    paused.dispose()


def test_a_statement_that_does_not_end_is_ended_and_one_of_care_is_not(ledger_url: str) -> None:
    engine = connect(ledger_url, IMPATIENT)
    with pytest.raises(SystemUnavailable, match="statement timeout"), transaction(engine) as connection:
        connection.execute(text("SELECT pg_sleep(30)"))
    with transaction(engine, CARE) as connection:
        connection.execute(text("SELECT pg_sleep(0.6)"))
    engine.dispose()


def test_limits_end_with_their_transaction_so_that_a_pooler_may_share_the_session(ledger: Ledger) -> None:
    with transaction(ledger.engine, BULK) as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "10min"
    with transaction(ledger.engine) as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "1min"
    driver = ledger.engine.raw_connection()
    with driver.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
    driver.close()


def test_whoever_vanishes_is_noticed_by_keep_alives(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        told = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert {name: told[name] for name in KEEP_ALIVE} == {k: str(v) for k, v in KEEP_ALIVE.items()}
    assert (told["tcp_user_timeout"], told["connect_timeout"]) == ("60000", "10")


@pytest.mark.parametrize("statement", [
    "INSERT INTO cursors (entity, system, cursor) VALUES (:who, :who, NULL)",
    "SELECT CAST(:who AS integer)",
    "INSERT INTO runs (id) VALUES (:who)",
])  # fmt: skip
def test_no_error_of_the_database_repeats_a_value_and_all_are_ours(ledger: Ledger, statement: str) -> None:
    who = "ada@" + "example.org"
    with pytest.raises(ProtocolFault) as caught, transaction(ledger.engine) as connection:
        connection.execute(text(statement), {"who": who})
    told = "".join(traceback.format_exception(caught.value))
    assert who not in told
    assert "test_engine.py" in told and "defect" in str(caught.value)


def test_tables_that_are_not_ours_name_the_command(ledger: Ledger) -> None:
    with (
        pytest.raises(ConfigurationFault, match=r"retail_sync\.ledger"),
        transaction(ledger.engine) as connection,
    ):
        connection.execute(text("SELECT * FROM nowhere"))


@pytest.mark.parametrize("typed", ["a\x00b", "a\ud83db", "\x00"])
def test_a_text_postgres_cannot_hold_is_looked_for_as_it_would_be_stored(ledger: Ledger, typed: str) -> None:
    with transaction(ledger.engine) as connection:
        found = connection.execute(
            text("SELECT :typed, CAST(:many AS text[])"), {"typed": typed, "many": [typed]}
        ).one()
    assert tuple(found) == (storable_text(typed), [storable_text(typed)])


def _open_run(ledger: Ledger) -> Run:
    return ledger.runs.open("r", "products", dag_id="d", airflow_run_id="a", mode="delta", params={})


@contextmanager
def _half_dead(url: str, statement: str) -> Iterator[None]:
    """A session of somebody else's that took a lock and says nothing more."""
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        session.execute(statement.encode())
        yield
