"""The embedded PostgreSQL: it starts anywhere, takes over what was left behind, and leaves nothing itself."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from demo.postgres import EmbeddedPostgres, PostgresError


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="retail-sync-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def _command(process: psutil.Process) -> str:
    """Its command line; empty if it ended since it was listed, as short-lived children of a server do."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie is one, too
        return ""


def _rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_a_ledger_of_its_own(ledger_url: str, turn: int) -> None:
    url = ledger_url.replace("+psycopg", "")
    assert _rows(url, "SELECT count(*) FROM runs") == [(0,)]
    _rows(url, "CREATE TABLE only_mine (id int)")


def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    url = empty_database_url.replace("+psycopg", "")
    assert _rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_data_survives_a_restart(home: Path) -> None:
    with EmbeddedPostgres(home / "data", disposable=True) as server:
        server.create_database("ledger")
        _rows(server.url("ledger", ""), "CREATE TABLE kept AS SELECT 7 AS value")
    with EmbeddedPostgres(home / "data", disposable=True) as server:
        assert _rows(server.url("ledger", ""), "SELECT value FROM kept") == [(7,)]


def test_nothing_runs_after_stop(home: Path) -> None:
    with EmbeddedPostgres(home / "data", disposable=True):
        running = {p: _command(p) for p in psutil.Process().children(recursive=True)}
        mine = [p for p, command in running.items() if "postgres" in command and str(home) in command]
        assert mine
    assert [p for p in mine if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_only_the_password_opens_the_server(home: Path) -> None:
    with EmbeddedPostgres(home / "data", disposable=True) as server:
        url = server.url("postgres", "")
        secret = url.partition(":")[2].partition(":")[2].partition("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(secret, "guess"))


def test_a_stale_pid_file_of_a_foreign_process_does_not_block_the_start(home: Path) -> None:
    with EmbeddedPostgres(home / "data", disposable=True):
        pass
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'data'}\n")
    with EmbeddedPostgres(home / "data", disposable=True) as server:
        assert _rows(server.url("postgres", ""), "SELECT 1") == [(1,)]


def test_a_half_made_data_folder_is_made_again(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "rubbish").write_text("x")
    with EmbeddedPostgres(home / "data", disposable=True) as server:
        assert _rows(server.url("postgres", ""), "SELECT 1") == [(1,)]


def test_a_second_program_on_the_same_folder_is_refused(home: Path) -> None:
    with (
        EmbeddedPostgres(home / "data", disposable=True),
        pytest.raises(PostgresError, match="another running program"),
    ):
        EmbeddedPostgres(home / "data", disposable=True).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for the server")
def test_below_a_closed_folder_root_keeps_the_data_elsewhere(home: Path) -> None:
    home.chmod(0o700)
    server = EmbeddedPostgres(home / "data", disposable=True)
    try:
        with server:
            assert not server.data_dir.is_relative_to(home)
            assert _rows(server.url("postgres", ""), "SELECT 1") == [(1,)]
    finally:
        shutil.rmtree(server.data_dir.parent)


def test_a_killed_program_leaves_a_folder_the_next_one_can_use(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from demo.postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), disposable=True).start(); print('up', flush=True); time.sleep(600)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home / "data")], stdout=subprocess.PIPE, cwd=root
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"up\n"
        program.send_signal(signal.SIGKILL)
    with EmbeddedPostgres(home / "data", disposable=True) as server:
        assert _rows(server.url("postgres", ""), "SELECT 1") == [(1,)]
