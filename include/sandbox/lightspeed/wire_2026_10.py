"""Product rows in the shape of 2026-10: a product of a family, whose name, brand, category and tags the family holds.

From the release notes and what working clients read: `prices` is an object of decimals as text, `active` an object by
sales channel, codes are `codes`, option values a list in the family's order. The families themselves are not served.
"""

from __future__ import annotations

from typing import Any

from sandbox.lightspeed.models import Product
from sandbox.lightspeed.prices import both_prices
from sandbox.lightspeed.state import StoreState


def product_of_family_wire(store: StoreState, product: Product) -> dict[str, Any]:
    including, excluding = both_prices(store, product)
    family = product.family
    return {
        "id": product.id,
        "family_id": family.id,
        "sku": product.sku,
        "variant_name": family.name,
        "codes": [{"type": code.type, "code": code.code} for code in product.codes],
        "variant_attributes": [product.options.get(one, "") for one in family.attribute_ids] or None,
        "prices": {
            "price_including_tax": str(including),
            "price_excluding_tax": str(excluding),
            "loyalty_amount": None,
        },
        "active": {"in_store": product.active, "ecwid": False},
        "suppliers": [],
        "outlet_taxes": None,
        "images": None,
        "deleted_at": product.deleted_at,
        "version": product.version,
    }
