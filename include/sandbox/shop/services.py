"""What the till sells for things that are no articles online: articles of it that count no stock."""

from __future__ import annotations

from sandbox.lightspeed import LightspeedStore

SHIPPING, CUSTOM, STAND_IN, REFUND, GIFT_WRAP = "SHIPPING", "CUSTOM", "STAND-IN", "REFUND", "GIFT-WRAP"
SERVICES = {
    SHIPPING: "Shipping costs",
    CUSTOM: "Other charges",
    STAND_IN: "Article from the web shop",
    REFUND: "Refund without goods",
    GIFT_WRAP: "Gift wrapping",
}
"""Name by SKU."""


def add_services(store: LightspeedStore) -> None:
    """Puts them into a store. Their price is keyed in, so it is 0 here."""
    for sku, name in SERVICES.items():
        store.add_product_family(name, sku=sku, price="0.00", track_inventory=False)
