"""Thousands of rows at a time: COPY in, and values PostgreSQL can store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import pandas as pd
import psycopg
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, text

from retail_sync.records.types import DTYPES, canonical_json

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"
FEW = 100
"""Up to so many rows go along with the statement: a temporary table costs more than what is put into it."""


def storable_text(value: str | None) -> str | None:
    """`value` with characters PostgreSQL cannot hold (NUL, lone surrogates) shown as U+FFFD.

    They do turn up in shop data; one such record must not stop the thousands beside it.
    """
    if value is None or (value.isascii() and "\x00" not in value):
        return value
    return _UNSTORABLE.sub(REPLACEMENT, value)


def jsonb(value: Any) -> str:
    """The JSON text of `value` for a jsonb column, unstorable characters replaced as in `storable_text`."""
    json_text = canonical_json(value)
    return canonical_json(_storable(value)) if _is_suspect(json_text) else json_text


def _is_suspect(json_text: str) -> bool:
    """Whether a text holds what JSON allows and jsonb refuses: NUL, the numbers Python writes without quotes, lone
    surrogates. Millions of texts are asked, nearly all of them harmless: no regular expression is as quick."""
    if "\\u0000" in json_text or "NaN" in json_text or "Infinity" in json_text:
        return True
    try:
        json_text.encode()
    except UnicodeEncodeError:
        return True
    return False


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
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
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
    if len(rows) <= FEW:
        records = [
            {column: _in_json(value) for column, value in zip(columns, row, strict=True)} for row in rows
        ]
        declared = _declared(columns)
        source = f"jsonb_to_recordset(CAST(:{name} AS jsonb)) AS {name}({declared})"
        return Incoming(source, {name: jsonb(records)})
    make_temporary(connection, name, columns)
    kinds = list(columns.values())
    copy_in(
        connection,
        name,
        list(columns),
        ([_in_copy(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in rows),
    )
    return Incoming(name)


def make_temporary(connection: Connection, name: str, columns: Mapping[str, str]) -> None:
    """An empty table for the rest of the transaction, instead of one of that name."""
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    connection.execute(text(f"CREATE TEMP TABLE {name} ({_declared(columns)}) ON COMMIT DROP"))


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {kind}" for column, kind in columns.items())


def _in_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _in_copy(kind: str, value: Any) -> Any:
    if kind == "jsonb":
        return jsonb_or_null(value)
    return storable_text(value) if isinstance(value, str) else value


# ---------------------------------------------------------------- whole tables, a million rows at a time

_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "count": pa.int64(),
    "version": pa.int64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
}


def copy_frame_in(connection: Connection, table: str, frame: pd.DataFrame) -> None:
    """COPY a table into one with the same column names, in the same transaction."""
    sink = pa.BufferOutputStream()
    data = pa.Table.from_pandas(_storable_frame(frame), preserve_index=False)
    # Texts are quoted and NULL is not, which is how an empty text and an unknown one are told apart.
    csv.write_csv(data, sink, csv.WriteOptions(include_header=False, quoting_style="needed"))
    columns = ", ".join(str(name) for name in frame.columns)
    statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)".encode()
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(memoryview(sink.getvalue()))


def copy_out(
    connection: Connection, query: str, columns: Mapping[str, str], values: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """The rows of `query` as a table. `columns`: their names and record types; `values` are bound as `%(name)s`."""
    parts: list[bytes] = []
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()
    with _driver(connection).cursor() as cursor, cursor.copy(statement, values or None) as copy:
        parts.extend(bytes(part) for part in copy)
    if not parts:
        return pd.DataFrame({name: pd.Series([], dtype=DTYPES[kind]) for name, kind in columns.items()})
    options = csv.ConvertOptions(
        column_types={name: _ARROW[kind] for name, kind in columns.items()},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t", "true"],
        false_values=["f", "false"],
    )
    found = csv.read_csv(
        pa.py_buffer(b"".join(parts)),
        csv.ReadOptions(column_names=list(columns)),
        csv.ParseOptions(newlines_in_values=True),
        options,
    )
    frame: pd.DataFrame = found.to_pandas(types_mapper=_PANDAS.get)
    return frame


_PANDAS: dict[pa.DataType, Any] = {
    pa.string(): pd.StringDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def literal(value: str) -> str:
    """A text as it stands in a statement, for names that can't be bound."""
    return "'" + value.replace("'", "''").replace("%", "%%") + "'"


def _storable_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts without NUL, which PostgreSQL cannot hold (lone surrogates can't be in such a column)."""
    texts = [name for name in frame.columns if frame[name].dtype == "string"]
    bad = [name for name in texts if frame[name].str.contains("\x00", regex=False).fillna(False).any()]
    return frame.assign(**{name: frame[name].str.replace("\x00", REPLACEMENT, regex=False) for name in bad})
