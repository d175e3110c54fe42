"""Cells of tables as plain lists: a column at a time, because a look into a table row costs a hundred times as much."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd

_AS_PLAIN: dict[str, Callable[[Any], Any]] = {
    "list": json.loads,
    "set": json.loads,
    "pairs": json.loads,
    "json": json.loads,
    "time": lambda value: pd.Timestamp(value).isoformat(),
    "money": int,
    "count": int,
    "version": int,
    "flag": bool,
}


def cells(column: pd.Series) -> list[Any]:
    """The cells of a column, None where unknown."""
    values: list[Any] = column.astype("object").where(column.notna(), None).tolist()
    return values


def plain_cells(kind: str, column: pd.Series) -> list[Any]:
    """The cells of a column of this type as `plain_value` gives them, None where unknown."""
    convert = _AS_PLAIN.get(kind, str)
    return [None if cell is None else convert(cell) for cell in cells(column)]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows, None where a cell is unknown."""
    names = [str(name) for name in frame.columns]
    columns = [cells(frame[name]) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
