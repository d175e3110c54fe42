"""What a run of sales reads, from staged pages to a staged table with a document a row.

What a store says of itself is staged beside it, as runs of orders do (`stage_terms`, `staged_terms`)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from retail_sync.records.ports.orders import TillSales
from retail_sync.records.rows import read_apart
from retail_sync.records.sales import Sale
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.transform import Transformed, newest
from retail_sync.sync.orders.feeds import UNKNOWN, stage_terms, staged_terms

__all__ = [
    "SALES",
    "stage_terms",
    "staged_sales",
    "staged_terms",
    "staged_unreadable",
    "transform",
]

SALES = "lightspeed"
"""Name of the feed: of its staged pages and of its cursor."""
_DTYPES = {"id": "string", "version": "Int64", "modified_at": "datetime64[ns, UTC]", "document": "string"}
TABLE, BROKEN = f"{SALES}/sales", f"{SALES}/unreadable"


def transform(staging: Staging, till: TillSales, pages: int) -> Transformed:
    """Map all staged pages to documents, and stage those: id, version, modified_at, document (JSON)."""
    parts = [_table([])]
    broken: dict[str, tuple[str, str]] = {}
    raw = 0
    for rows in staging.pages(SALES, pages):
        sales, bad = read_apart(rows, till.to_sales)
        # Pages come in the order of changes: what comes later is newer.
        for sale in sales:
            broken.pop(sale.id, None)
        broken |= {one.id or f"{UNKNOWN}{raw + at}": (one.label, str(one)) for at, one in enumerate(bad)}
        raw += len(rows)
        parts.append(_table(sales))
    table = newest(pd.concat(parts, ignore_index=True))
    kept = table[~table["id"].isin(list(broken))].reset_index(drop=True)
    staging.write_table(TABLE, kept)
    staging.write_document(BROKEN, [[one, number, why] for one, (number, why) in broken.items()])
    return Transformed(SALES, raw, len(kept), raw - len(kept) - len(broken), len(broken))


def staged_unreadable(staging: Staging) -> dict[str, tuple[str, str]]:
    """Number and why, by the id of each row that is no sale."""
    return {one: (number, why) for one, number, why in staging.read_document(BROKEN)}


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
