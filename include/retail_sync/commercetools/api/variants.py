"""How a line of an order names the variant it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def variant_of(line: Mapping[str, Any]) -> str | None:
    """The id of a line's variant as products have it (`<product id>:<variant id>`); None where the line does not say.

    A SKU may be changed after the order, or go to another variant; the ids of product and variant stay."""
    product, number = line.get("productId"), (line.get("variant") or {}).get("id")
    return f"{product}:{number}" if product and isinstance(number, int) else None
