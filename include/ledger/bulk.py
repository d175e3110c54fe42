"""Thousands of rows at a time: COPY in, and values PostgreSQL can store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, text

from include.records.types import canonical_json

# What JSON allows and jsonb refuses: NUL, lone surrogates, and the numbers Python writes without quotes.
_SUSPECT = re.compile(r"\\u0000|NaN|Infinity|[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"
FEW = 100
"""Up to so many rows go along with the statement: a temporary table costs more than what is put into it."""


def storable_text(value: str | None) -> str | None:
    """`value` with characters PostgreSQL cannot hold (NUL, lone surrogates) shown as U+FFFD.

    They do turn up in shop data; one such record must not stop the thousands beside it.
    """
    return None if value is None else _UNSTORABLE.sub(REPLACEMENT, value)


def jsonb(value: Any) -> str:
    """The JSON text of `value` for a jsonb column, unstorable characters replaced as in `storable_text`."""
    json_text = canonical_json(value)
    return canonical_json(_storable(value)) if _SUSPECT.search(json_text) else json_text


def jsonb_or_null(value: Any) -> str | None:
    return None if value is None else jsonb(value)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {storable_text(str(name)): _storable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def copy_in(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """COPY `rows` into `table` inside the transaction of `connection`. Names come from this room, never from data."""
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


@dataclass(frozen=True)
class Incoming:
    """Rows on their way in: `source` stands in a FROM clause, `values` are bound with the statement."""

    source: str
    values: Mapping[str, str] = field(default_factory=dict)


def incoming(
    connection: Connection, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> Incoming:
    """`rows` as a table `name` that the statements of this transaction can read. `columns`: names and types; a value
    of a `jsonb` column is given as it is, None for NULL. The table may be asked for again: then it holds the new rows.
    """
    declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    if len(rows) <= FEW:
        records = [
            {column: _in_json(value) for column, value in zip(columns, row, strict=True)} for row in rows
        ]
        source = f"jsonb_to_recordset(CAST(:{name} AS jsonb)) AS {name}({declared})"
        return Incoming(source, {name: jsonb(records)})
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    connection.execute(text(f"CREATE TEMP TABLE {name} ({declared}) ON COMMIT DROP"))
    kinds = list(columns.values())
    copy_in(
        connection,
        name,
        list(columns),
        ([_in_copy(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in rows),
    )
    return Incoming(name)


def _in_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _in_copy(kind: str, value: Any) -> Any:
    if kind == "jsonb":
        return jsonb_or_null(value)
    return storable_text(value) if isinstance(value, str) else value
