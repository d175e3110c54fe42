"""Who owns which field in the worlds of these tests, where it is not what the sample shop has by default."""

from __future__ import annotations

from typing import Any

TILL_PRICES: dict[str, Any] = {"products": {"price": {"owner": "lightspeed"}}}
TILL_LEADS: dict[str, Any] = {
    "products": {
        "price": {"owner": "lightspeed"},
        "fields": {
            name: {"owner": "lightspeed"}
            for name in ("name", "description", "brand", "tags", "tax_class", "active", "barcodes")
        },
    }
}
