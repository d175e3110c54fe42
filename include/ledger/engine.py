"""Connections to the ledger: which URL is acceptable, and what database errors mean to the caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from include.records.errors import ConfigurationFault, SystemUnavailable

SYSTEM = "ledger"
VARIABLE = "RETAIL_SYNC_LEDGER"
CONNECT_SECONDS = 10
_EXAMPLE = "postgresql+psycopg://user:password@host:5432/retail_sync"
_POSTGRES_NAMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})


def connect(url: str) -> Engine:
    """An engine for `url`; nothing is opened yet. Raises ConfigurationFault for anything but PostgreSQL.

    `postgres://` and `postgresql://`, as hosting services write them, mean psycopg 3 here.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as problem:
        # The text is not repeated: a URL that can't be parsed may still hold a password.
        raise _fault("is not a database URL.") from problem
    if parsed.drivername not in _POSTGRES_NAMES:
        raise _fault(f"names {parsed.drivername!r}, but the ledger needs PostgreSQL.")
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=3,
        max_overflow=7,
        pool_pre_ping=True,
        # No server-side prepared statements: they break behind a pooler such as PgBouncer.
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "retail-sync",
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "connect", _speak_utc)
    return engine


def _speak_utc(connection: Any, _record: object) -> None:
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _fault(problem: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"The ledger's address {problem}", system=SYSTEM, remedy=f"Set {VARIABLE} to {_EXAMPLE}."
    )


Bind = Engine | Connection
"""Where a subject of the ledger works: an engine (each call its own transaction), or a transaction under way."""


@contextmanager
def transaction(bind: Bind) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any error. Given a transaction under way, it is joined:
    whoever began it ends it.

    A lost connection, a deadlock or a server that shuts down become `SystemUnavailable`: the same call may succeed
    later. Other database errors are defects and pass through.
    """
    if isinstance(bind, Connection):
        yield bind
        return
    try:
        with bind.begin() as connection:
            yield connection
    except DBAPIError as problem:
        if isinstance(problem.orig, psycopg.OperationalError):
            raise _unavailable(problem.orig) from problem
        raise
    except psycopg.OperationalError as problem:
        raise _unavailable(problem) from problem


def _unavailable(problem: psycopg.OperationalError) -> SystemUnavailable:
    detail = str(problem).strip().splitlines()
    return SystemUnavailable(
        f"The database did not do its part: {detail[0] if detail else type(problem).__name__}",
        system=SYSTEM,
        remedy="Nothing if it passes: the task retries by itself. Otherwise look at the PostgreSQL server's log.",
    )
