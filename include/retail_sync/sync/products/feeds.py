"""Reading the products of one system into staging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.products import ProductSystem
from retail_sync.sync.engine.absence import Asking, Kept
from retail_sync.sync.engine.extract import Extracted, extract_feed
from retail_sync.sync.engine.staging import Staging
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
