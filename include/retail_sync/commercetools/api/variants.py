"""The variants of a product, and how a line of an order names the one it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retail_sync.records.refs import VariantKey


def variants_in(product: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The variants of one side of a product, master first. A SKU may sit in either place."""
    return [one for one in (product.get("masterVariant"), *(product.get("variants") or ())) if one]


def variant_of(line: Mapping[str, Any]) -> str | None:
    """The id of a line's variant as products have it (`<product id>:<variant id>`); None where the line does not say.

    A SKU may be changed after the order, or go to another variant; the ids of product and variant stay."""
    product, number = line.get("productId"), (line.get("variant") or {}).get("id")
    return str(VariantKey(product, number)) if product and isinstance(number, int) else None
