"""Levels of a page as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.lightspeed.x_series.api.row_shapes import LEVEL
from retail_sync.records.inventory import LEVEL_COLUMNS, parts, stock_table
from retail_sync.records.rows import read_rows

LEVELS = ("current_inventory_level", "inventory_level", "current_amount")
"""What the level is called: in date versions, in 2.0, and in 2.0 for a single product."""


def levels_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """LEVEL_COLUMNS of level rows of any version. A level that a row does not show, or shows as null, is unknown.
    Raises UnreadableRows."""
    return read_rows(
        rows,
        lambda sound: stock_table(LEVEL_COLUMNS, (_level(row) for row in sound)),
        system=SYSTEM,
        what="levels",
        shape=LEVEL,
        key=_key_of_level,
    )


def _key_of_level(row: Mapping[str, Any]) -> str | None:
    """A level is known by its product and outlet."""
    product_id, outlet_id = row.get("product_id"), row.get("outlet_id")
    return f"{product_id}:{outlet_id}" if isinstance(product_id, str) and isinstance(outlet_id, str) else None


def _level(row: Mapping[str, Any]) -> tuple[Any, ...]:
    product_id, outlet_id = row.get("product_id"), row.get("outlet_id")
    on_hand = next((value for name in LEVELS if (value := number(row.get(name))) is not None), None)
    return (
        str(product_id),
        str(outlet_id),
        None if on_hand is None else parts(on_hand),
        whole(row.get("version")),
        row.get("deleted_at") or None,
    )
