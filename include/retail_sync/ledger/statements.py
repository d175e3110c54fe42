"""Statements, each in a transaction of its own or in the one under way, and rows made of what they find."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, text

from retail_sync.ledger.engine import Bind, transaction

Statement = str | Executable
R = TypeVar("R")


def fetch(bind: Bind, statement: Statement, /, **values: Any) -> Sequence[Any]:
    """All rows."""
    with transaction(bind) as connection:
        return connection.execute(_executable(statement), values).all()


def fetch_one(bind: Bind, statement: Statement, /, **values: Any) -> Any:
    """The only row, or None."""
    with transaction(bind) as connection:
        return connection.execute(_executable(statement), values).one_or_none()


def fetch_column(bind: Bind, statement: Statement, /, **values: Any) -> list[Any]:
    """The first value of each row."""
    with transaction(bind) as connection:
        return list(connection.execute(_executable(statement), values).scalars())


def fetch_pairs(bind: Bind, statement: Statement, /, **values: Any) -> dict[Any, Any]:
    """The first value of each row -> the second."""
    return dict(map(tuple, fetch(bind, statement, **values)))


def fetch_value(bind: Bind, statement: Statement, /, **values: Any) -> Any:
    """The only value; None where there is no row."""
    with transaction(bind) as connection:
        return connection.execute(_executable(statement), values).scalar_one_or_none()


def execute(bind: Bind, statement: Statement, /, **values: Any) -> int:
    """How many rows were touched."""
    with transaction(bind) as connection:
        return connection.execute(_executable(statement), values).rowcount


def fetch_as(kind: type[R], bind: Bind, statement: Statement, /, **values: Any) -> list[R]:
    """All rows, each as one of `kind`, whose fields are the columns (see `columns`)."""
    return [kind(**row._mapping) for row in fetch(bind, statement, **values)]


def fetch_first_as(kind: type[R], bind: Bind, statement: Statement, /, **values: Any) -> R | None:
    """The first row as one of `kind`, or None."""
    return next(iter(fetch_as(kind, bind, statement, **values)), None)


def columns(kind: type[Any], of: str = "", made: Mapping[str, str] | None = None) -> str:
    """What a SELECT lists for rows of `kind`: its fields, as columns of the table `of`. `made`: those that are
    expressions."""
    names = getattr(kind, "_fields", None) or [one.name for one in dataclasses.fields(kind)]
    table, worked_out = f"{of}." if of else "", made or {}
    return ", ".join(
        f"{worked_out[name]} AS {name}" if name in worked_out else f"{table}{name}" for name in names
    )


def literally(pattern: str) -> str:
    """Text in which LIKE finds nothing special."""
    return "".join(f"\\{one}" if one in "\\%_" else one for one in pattern)


def _executable(statement: Statement) -> Executable:
    return text(statement) if isinstance(statement, str) else statement
