"""Tables with declared columns, from plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from retail_sync.records.types import DTYPES, Column


def table_of(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """A table with these columns and their dtypes from rows in the same order, whose cells are canonical."""
    listed = list(rows)
    cells: list[Any] = list(zip(*listed, strict=True)) if listed else [()] * len(columns)
    return pd.DataFrame({c.name: _series(c, values) for c, values in zip(columns, cells, strict=True)})


def _series(column: Column, values: Sequence[Any]) -> pd.Series:
    if column.type == "time":
        moments = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")
        return moments.astype("datetime64[us, UTC]")
    return pd.Series(list(values), dtype=DTYPES[column.type])
