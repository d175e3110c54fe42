"""Creating a product: one request, what it could not carry afterwards, and never a second product.

What the API does not document is observed on the first creation of each kind instead of assumed: whether the ids come
in the order of the variants that were sent, and whether `track_inventory` is honoured. Later creations of the same
client rely on it, so that each costs one request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from retail_sync.lightspeed.x_series.api.paging import Row
from retail_sync.lightspeed.x_series.products.read import own_key
from retail_sync.records.identifiers import matching_key
from retail_sync.records.ports.products import ProductWrite, VariantWrite

ReadFamily = Callable[[str], Awaitable[list[Row]]]
"""Product id -> the rows of its family."""


class Creations:
    """What was observed of creations so far."""

    def __init__(self, read_family: ReadFamily) -> None:
        self._read_family = read_family
        self._tracked: dict[bool, bool] = {}
        self._in_order: bool | None = None

    async def observe(
        self, write: ProductWrite, ids: Sequence[str], *, wants_tracking: bool
    ) -> tuple[dict[str, str], bool]:
        """(change id -> new id, whether stock is counted) of a creation that answered with `ids`, parent first."""
        variants = list(write.variants)
        order_known = len(variants) < 2 or self._in_order is True
        tracked = self._tracked.get(wants_tracking)
        if order_known and tracked is not None and len(ids) == len(variants):
            return {v.change_id: new_id for v, new_id in zip(variants, ids, strict=True)}, tracked
        rows = await self._read_family(ids[0])
        found = matched(variants, rows)
        if len(variants) > 1 and self._in_order is not False:
            self._in_order = [found.get(v.change_id) for v in variants] == list(ids)
        tracked = any(bool(row.get("has_inventory")) for row in rows)
        self._tracked[wants_tracking] = tracked
        return found, tracked


def matched(variants: Sequence[VariantWrite], rows: Sequence[Row]) -> dict[str, str]:
    """Change id -> row id: by SKU, else by option values, else the only one; each row at most once."""
    found: dict[str, str] = {}
    free = {str(row["id"]): row for row in rows if not row.get("deleted_at")}
    for variant in variants:
        same = [row_id for row_id, row in free.items() if _is_same(variant.fields, row)]
        if not same and len(variants) == 1 and len(free) == 1 and not variant.fields.get("sku"):
            same = list(free)
        if len(same) == 1:
            found[variant.change_id] = same[0]
            del free[same[0]]
    return found


def is_ours(write: ProductWrite, rows: Sequence[Row]) -> bool:
    """Whether the product was created by this very write: its `source_id` holds the idempotency key."""
    return any(own_key(row.get("source_id")) == write.idempotency_key for row in rows)


def _is_same(wanted: Mapping[str, Any], row: Row) -> bool:
    if wanted.get("sku"):
        return matching_key(str(row.get("sku") or "")) == matching_key(str(wanted["sku"]))
    pairs = [(str(name), str(value)) for name, value in wanted.get("option_values") or []]
    held = [(str(o.get("name")), str(o.get("value"))) for o in row.get("variant_options") or []]
    return bool(pairs) and sorted(pairs) == sorted(held)
