"""Thousands of rows at a time: COPY in, and values PostgreSQL can store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import psycopg
from sqlalchemy import Connection

from include.records.types import canonical_json

# What JSON allows and jsonb refuses: NUL, lone surrogates, and the numbers Python writes without quotes.
_SUSPECT = re.compile(r"\\u0000|NaN|Infinity|[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def storable_text(value: str | None) -> str | None:
    """`value` with characters PostgreSQL cannot hold (NUL, lone surrogates) shown as U+FFFD.

    They do turn up in shop data; one such record must not stop the thousands beside it.
    """
    return None if value is None else _UNSTORABLE.sub(REPLACEMENT, value)


def jsonb(value: Any) -> str:
    """The JSON text of `value` for a jsonb column, unstorable characters replaced as in `storable_text`."""
    text = canonical_json(value)
    return canonical_json(_storable(value)) if _SUSPECT.search(text) else text


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
