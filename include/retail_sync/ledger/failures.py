"""What errors of the database mean to the caller.

Messages of PostgreSQL quote values (`Key (email)=(...)`, `Failing row contains (...)`), which may be private: of an
error that no operator has to act on, its SQLSTATE and the names of table and constraint are repeated, never its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from retail_sync.records.errors import ConfigurationFault, ProtocolFault, SyncError, SystemUnavailable

SYSTEM = "ledger"
SERVER_LOG = (
    "Nothing if it passes: the task retries by itself. Otherwise look at the PostgreSQL server's log."
)
WHO_HOLDS = (
    "Nothing if it passes: the task retries by itself. Otherwise look in pg_stat_activity for a session that is "
    "'idle in transaction' for long, and end it with pg_terminate_backend(pid)."
)
MIGRATE = "Run `python -m retail_sync.ledger`, and give the ledger's user all rights on its tables."

_PASSING = (psycopg.OperationalError, errors.IdleInTransactionSessionTimeout, errors.ReadOnlySqlTransaction)
"""Lost, refused and ended connections, deadlocks, time-outs, a server that is full, starting, stopping or, after a
failover, not yet the one that may be written to."""
_NOT_OUR_TABLES = (errors.InsufficientPrivilege, errors.UndefinedTable, errors.UndefinedColumn)


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the database leave as ours, with their traceback and without their text."""
    try:
        yield
    except (DBAPIError, psycopg.Error, PoolTimeout) as problem:
        raise known(problem).with_traceback(problem.__traceback__) from None


def known(problem: Exception) -> SyncError:
    """The error of ours that `problem` means."""
    if isinstance(problem, PoolTimeout):
        return SystemUnavailable("All connections of this process are in use.", system=SYSTEM)
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    if isinstance(cause, errors.LockNotAvailable):
        return SystemUnavailable(
            "Another session holds a lock on what is needed, and did not let go of it in time.",
            system=SYSTEM,
            remedy=WHO_HOLDS,
        )
    if isinstance(cause, _PASSING):
        return SystemUnavailable(
            f"The database did not do its part: {first_line(cause)}", system=SYSTEM, remedy=SERVER_LOG
        )
    if isinstance(cause, _NOT_OUR_TABLES):
        return ConfigurationFault(
            f"The database refused a statement ({_named(cause)}): tables or rights are not those this version needs.",
            system=SYSTEM,
            remedy=MIGRATE,
        )
    return ProtocolFault(
        f"The database refused a statement ({_named(cause)}).",
        system=SYSTEM,
        remedy="This is a defect: report it with the log of the task. Clear the task to try once more.",
    )


def first_line(problem: BaseException) -> str:
    """What a database error says, without the details that follow."""
    lines = str(problem).strip().splitlines()
    return lines[0] if lines else type(problem).__name__


def _named(cause: BaseException | None) -> str:
    """`UniqueViolation 23505, table links, constraint links_pkey`."""
    if not isinstance(cause, psycopg.Error):
        return type(cause).__name__
    places = (("table", cause.diag.table_name), ("constraint", cause.diag.constraint_name))
    kind = f"{type(cause).__name__} {cause.sqlstate or ''}".strip()
    return ", ".join([kind, *(f"{what} {name}" for what, name in places if name)])
