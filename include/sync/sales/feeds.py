"""What a run of sales reads, from staged pages to a staged table with a document a row.

What a store says of itself is staged beside it, as runs of orders do (`stage_terms`, `staged_terms`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from include.records.order_face import TillSales
from include.records.sales import Sale
from include.sync.orders.feeds import stage_terms, staged_terms
from include.sync.staging import Staging

__all__ = ["SALES", "Transformed", "stage_terms", "staged_sales", "staged_terms", "transform"]

SALES = "lightspeed"
"""Name of the feed: of its staged pages and of its cursor."""
_DTYPES = {"id": "string", "version": "Int64", "modified_at": "datetime64[ns, UTC]", "document": "string"}
TABLE = f"{SALES}/sales"


@dataclass(frozen=True)
class Transformed:
    """What mapping the pages gave. `repeated`: rows that came twice (only the newest counts)."""

    feed: str
    raw_rows: int
    rows: int
    repeated: int


def transform(staging: Staging, till: TillSales, pages: int) -> Transformed:
    """Map all staged pages to documents, and stage those: id, version, modified_at, document (JSON)."""
    parts = [_table(till.to_sales(rows)) for rows in staging.pages(SALES, pages)]
    table = pd.concat(parts, ignore_index=True) if parts else _table([])
    newest = table.sort_values(["version", "modified_at"], kind="stable", na_position="first")
    newest = newest.drop_duplicates("id", keep="last").reset_index(drop=True)
    staging.write_table(TABLE, newest)
    return Transformed(SALES, len(table), len(newest), len(table) - len(newest))


def staged_sales(staging: Staging, size: int) -> Iterator[list[Sale]]:
    """The sales that were read, so many at a time: a full read is more than fits into memory at once."""
    table = staging.read_table(TABLE)
    for start in range(0, len(table), size):
        part = table["document"].iloc[start : start + size]
        yield [Sale.model_validate_json(str(document)) for document in part]


def _table(sales: list[Sale]) -> pd.DataFrame:
    columns = {
        "id": [one.id for one in sales],
        "version": [one.version for one in sales],
        "modified_at": [one.modified_at for one in sales],
        "document": [one.model_dump_json() for one in sales],
    }
    return pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in _DTYPES.items()})
