"""Links as runs make them."""

from __future__ import annotations

from typing import Any

from retail_sync.ledger.rows import Link


def pair(online: str, till: str, entity: str = "products", kind: str = "variant", **more: Any) -> Link:
    """Two records that are taken for one another: found by their SKU in the first run, unless it says otherwise."""
    usual = {"matched_by": "sku", "run_id": f"{entity}/1"}
    return Link(
        **{**usual, "entity": entity, "kind": kind, "commercetools_id": online, "lightspeed_id": till, **more}
    )
