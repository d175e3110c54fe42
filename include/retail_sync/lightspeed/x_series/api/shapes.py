"""Which shape the store's product rows have.

2026-10 replaces products by families: prices are an object of texts, codes are called `codes`, and brand, category,
tags and name are the family's (release notes and migration guide of 2026-10). A version that has ended is answered by
the oldest one that is supported, under the same address and without an error (versioning strategy): from July 2027 on
`/api/2026-07/products` may answer rows of 2026-10. Read by rules of 2026-07, each of them becomes a product of its own
whose fields are unknown. So the rows themselves say what they are, before any of them is staged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.records.errors import ProtocolFault

PRODUCT_PATHS = frozenset({"/products", "/search"})
"""Where product rows are answered. The search answers rows of other kinds, too; none of them has these fields."""


def require_known_products(rows: Iterable[Mapping[str, Any]], path: str) -> None:
    """Raises ProtocolFault where a row is a product of another API version than those this package is written for."""
    if path in PRODUCT_PATHS and any(map(_is_of_families, rows)):
        raise ProtocolFault(
            f"GET {path}: the store answers products in the shape of API 2026-10 (families), whatever version was "
            "asked for. Nothing was read.",
            system=SYSTEM,
            remedy="The API version of the connection has probably ended. Install a release of this package that "
            "supports 2026-10, and keep its DAGs paused until then.",
        )


def _is_of_families(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("prices"), Mapping) or ("codes" in row and "product_codes" not in row)
