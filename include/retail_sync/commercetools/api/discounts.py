"""Discounts on prices that are about to be written: those of an external service have to be sent along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.client import CommercetoolsClient


async def external_discounts(
    client: CommercetoolsClient, prices: Iterable[Mapping[str, Any]]
) -> frozenset[str]:
    """Of the product discounts on these prices (as they were read), the ids of those that an external service set.
    The platform works out the others by itself, and refuses them in a draft."""
    ids = {
        str(discount["id"])
        for price in prices
        if (discount := (price.get("discounted") or {}).get("discount") or {})
    }
    found: set[str] = set()
    for part in queries.in_batches(sorted(ids)):
        rows = await queries.everything(client, "/product-discounts", where=[queries.one_of("id", part)])
        found |= {str(row["id"]) for row in rows if (row.get("value") or {}).get("type") == "external"}
    return frozenset(found)
