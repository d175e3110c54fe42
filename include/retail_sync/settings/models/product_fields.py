"""Which canonical product fields a configuration may speak of, and which places commercetools has for them.

Kept as plain names so that reading the configuration costs a DAG file next to nothing; tests compare them with the
records and the adapters.
"""

from __future__ import annotations

PRODUCT_FIELDS = (
    "name",
    "description",
    "brand",
    "category",
    "tags",
    "supplier",
    "tax_class",
    "tracked",
    "published",
    "images",
    "sku",
    "barcodes",
    "supply_price",
    "supplier_code",
    "active",
)
"""Fields that may stand under `products.fields`, beside `attr.<your name>`."""

OWN_SETTING = {
    "price": "products.price.owner",
    "options": "products.options",
    "option_values": "products.options",
}
"""Fields with a setting of their own."""

COMMERCETOOLS_HOLDS = ("name", "description", "category", "tax_class", "active", "published", "images", "sku")
"""Fields commercetools has a fixed place for; all others need one (`commercetools: attribute:<name>`)."""

COMMERCETOOLS_PLACES = (
    "name",
    "description",
    "metaTitle",
    "metaDescription",
    "metaKeywords",
    "slug",
    "key",
    "categories",
    "taxCategory",
    "published",
)
ATTRIBUTE_PREFIX = "attribute:"
ATTR_PREFIX = "attr."
