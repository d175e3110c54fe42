"""Connections to the ledger: which URL is acceptable, how long they may wait, and what they can store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.string import StrDumperUnknown, TextLoader
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from retail_sync.ledger.bulk import jsonb, storable_text
from retail_sync.ledger.failures import SYSTEM, translated
from retail_sync.ledger.limits import CONNECT_SECONDS, KEEP_ALIVE, TASK, UNACKNOWLEDGED_MILLISECONDS, Limits
from retail_sync.records.errors import ConfigurationFault

__all__ = ["SYSTEM", "VARIABLE", "Bind", "connect", "transaction"]

VARIABLE = "RETAIL_SYNC_LEDGER"
_EXAMPLE = "postgresql+psycopg://user:password@host:5432/retail_sync"
_POSTGRES_NAMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_LIMITS = "limits"


def connect(url: str, limits: Limits = TASK) -> Engine:
    """An engine for `url`; nothing is opened yet. Raises ConfigurationFault for anything but PostgreSQL.

    `postgres://` and `postgresql://`, as hosting services write them, mean psycopg 3 here. `limits`: what each
    transaction begins with.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Neither the text is repeated nor its error: a URL that can't be parsed may still hold a password.
        raise _fault("is not a database URL.") from None
    if parsed.drivername not in _POSTGRES_NAMES:
        raise _fault(f"names {parsed.drivername!r}, but the ledger needs PostgreSQL.")
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=3,
        max_overflow=7,
        pool_pre_ping=True,
        # Parameters are e-mail addresses, names, secrets: no error and no log shows them.
        hide_parameters=True,
        json_serializer=jsonb,
        execution_options={_LIMITS: limits},
        # No server-side prepared statements: they break behind a pooler such as PgBouncer.
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "retail-sync",
            "prepare_threshold": None,
            "tcp_user_timeout": UNACKNOWLEDGED_MILLISECONDS,
            **KEEP_ALIVE,
        },
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _limit)
    return engine


class _StorableDumper(StrDumperUnknown):
    """Whatever text is bound, PostgreSQL can hold it: what somebody typed into a filter is looked for as it would have
    been stored."""

    def dump(self, obj: str) -> Any:
        return super().dump(storable_text(obj) or "")


def _prepare(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.adapters.register_dumper(str, _StorableDumper)
    connection.adapters.register_loader("uuid", TextLoader)
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _limit(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(connection.get_execution_options()[_LIMITS].statements)


def _fault(problem: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"The ledger's address {problem}", system=SYSTEM, remedy=f"Set {VARIABLE} to {_EXAMPLE}."
    )


Bind = Engine | Connection
"""Where a subject of the ledger works: an engine (each call its own transaction), or a transaction under way."""


@contextmanager
def transaction(bind: Bind, limits: Limits | None = None) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any error. Given a transaction under way, it is joined:
    whoever began it ends it. `limits`: others than the engine's.

    Errors of the database leave as ours: a lost connection, a lock that is not let go of, a deadlock or a server that
    shuts down as `SystemUnavailable` (the same call may succeed later), tables that are not ours as
    `ConfigurationFault`, defects as `ProtocolFault`.
    """
    if isinstance(bind, Connection):
        yield bind
        return
    given = bind.execution_options(**{_LIMITS: limits}) if limits else bind
    with translated(), given.begin() as connection:
        yield connection
