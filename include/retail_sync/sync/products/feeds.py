"""What a products run reads: from the adapter to staged pages, from those to staged tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.products import ProductSystem
from retail_sync.records.products import ProductTables
from retail_sync.sync.engine.absence import Asking, Kept
from retail_sync.sync.engine.extract import Extracted, extract_feed
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.transform import Transformed, stage_table
from retail_sync.sync.engine.unreadable import mapped_apart
from retail_sync.sync.products.mirror import ENTITY


async def extract(
    ledger: Ledger,
    staging: Staging,
    adapter: ProductSystem,
    *,
    full: bool,
    since: datetime | None = None,
    keys: Sequence[str] = (),
) -> Extracted:
    """Read the run's window of one system's products into staging. With `keys` only the products that hold one of
    these SKUs are read."""
    return await extract_feed(
        ledger,
        staging,
        adapter,
        entity=ENTITY,
        name=adapter.system,
        full=full,
        since=since,
        keys=keys or None,
        asking=Asking(
            adapter,
            Kept(ENTITY, "variant", adapter.system, parts=adapter.capabilities.whole_products, named=True),
        ),
    )


def transform(staging: Staging, adapter: ProductSystem, pages: int) -> list[Transformed]:
    """Map staged pages to canonical tables and stage them as Parquet, newest row of each record only."""
    raw_rows = 0

    def mapped(rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        nonlocal raw_rows
        raw_rows += len(rows)
        return adapter.to_records(rows)

    system = adapter.system
    parts = mapped_apart(staging, system, staging.pages(system, pages), mapped, _ids_in)
    if not parts:
        parts = [adapter.to_records([])]
    return [
        stage_table(staging, f"{system}/{name}", pd.concat(tables, ignore_index=True), raw_rows)
        for name, tables in (
            ("products", [part.products for part in parts]),
            ("variants", [part.variants for part in parts]),
        )
    ]


def _ids_in(part: ProductTables) -> set[str]:
    return {*part.products["id"], *part.variants["id"]}
