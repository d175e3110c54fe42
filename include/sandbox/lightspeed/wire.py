"""Rows as the API prints them: products, stock, tax overrides, images, categories,
entries of price books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.lightspeed.models import Image, OutletTax, PriceBookProduct, Product, Stock
from sandbox.lightspeed.numerals import plain
from sandbox.lightspeed.prices import both_prices, money
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.wire_2026_10 import product_of_family_wire

PLACEHOLDER = "https://images.sandbox.example/placeholder/no-image-white"
IMAGE_SIZES = ("original", "standard", "thumb", "sl", "sm", "ss", "st")
IMAGE_FIELDS = ("images", "skuImages", "image_url", "image_thumbnail_url")
"""What `include_images=false` leaves out, although the description marks some of it as required."""


def product_wire(store: StoreState, product: Product, with_images: bool = True) -> dict[str, Any]:
    """A product in the shape of 2.0 to 2026-07."""
    family = product.family
    is_parent = product.parent_id is None
    including, excluding = both_prices(store, product)
    wire: dict[str, Any] = {
        "id": product.id,
        "family_id": family.id,
        "handle": family.handle,
        "name": family.name,
        "variant_name": variant_name(product),
        "sku": product.sku,
        "description": family.description,
        "active": product.active,
        "is_active": product.active,
        "has_inventory": family.tracked and not product.components,
        "is_composite": bool(product.components),
        "has_variants": bool(family.attribute_ids) and is_parent,
        "variant_parent_id": product.parent_id,
        "variant_options": _options(store, product),
        "variant_count": len(family.members) if family.attribute_ids and is_parent else 0,
        "price_including_tax": money(store, including),
        "price_excluding_tax": money(store, excluding),
        "supply_price": money(store, product.supply_price),
        "loyalty_amount": money(store, product.loyalty_amount),
        "product_codes": [{"id": code.id, "type": code.type, "code": code.code} for code in product.codes],
        "brand_id": family.brand_id,
        "product_type_id": family.category_id,
        "tag_ids": list(family.tag_ids),
        "categories": [
            _sample(store.tags.rows[tag_id]) for tag_id in family.tag_ids
        ],  # "categories" are tags
        "attributes": [],
        "packaging": _packaging(product),
        "customizations": [],
        "account_code": family.account_code_sale,
        "account_code_purchase": family.account_code_purchase,
        "button_order": 0,
        "source": product.source,
        "source_id": product.source_id,
        "source_variant_id": product.source_variant_id,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "deleted_at": product.deleted_at,
        "version": product.version,
        **product.measures,
    }
    wire |= _suppliers(store, product)
    if family.brand_id is not None:
        wire["brand"] = _sample(store.brands.rows[family.brand_id])
    if family.category_id is not None:
        wire |= _category_of(store, family.category_id)
    if product.outlet_taxes:
        wire["outlet_taxes"] = [{"outlet_id": o, "tax_id": t} for o, t in product.outlet_taxes.items()]
    if product.components:
        wire["composite_bom"] = {component: plain(quantity) for component, quantity in product.components}
    if with_images:
        wire |= _images(store, product)
    return wire


def answered_product(store: StoreState, product: Product, with_images: bool = True) -> dict[str, Any]:
    """A product as requests are answered: in the shape of 2026-10, whatever version was asked for, where the older ones
    have ended. Webhooks keep the old shape."""
    if store.options.old_versions_ended:
        return product_of_family_wire(store, product)
    return product_wire(store, product, with_images)


def variant_name(product: Product) -> str:
    """`Tee / Red / M`: the family's name and the values in the order of its attributes; blank ones are left out."""
    values = [product.options.get(attribute_id, "") for attribute_id in product.family.attribute_ids]
    return " / ".join([product.family.name, *(value for value in values if value)])


def _options(store: StoreState, product: Product) -> list[dict[str, Any]]:
    return [
        {
            "id": attribute_id,
            "name": store.variant_attributes.rows[attribute_id].name,
            "value": product.options.get(attribute_id, ""),
        }
        for attribute_id in product.family.attribute_ids
    ]


def _sample(record: Record) -> dict[str, Any]:
    return {"id": record.id, "name": record.name, "deleted_at": record.deleted_at, "version": record.version}


def _suppliers(store: StoreState, product: Product) -> dict[str, Any]:
    listed = [
        {
            "id": entry.id,
            "product_id": product.id,
            "supplier_id": entry.supplier_id,
            "supplier_name": store.suppliers.rows[entry.supplier_id].name,
            "code": entry.code or "",
            **({} if entry.price is None else {"price": money(store, entry.price)}),
        }
        for entry in product.suppliers
    ]
    first = product.suppliers[0] if product.suppliers else None
    wire: dict[str, Any] = {
        "product_suppliers": listed,
        "supplier_id": first.supplier_id if first else None,
        "supplier_code": first.code if first else None,
    }
    if first is not None:
        wire["supplier"] = _sample(store.suppliers.rows[first.supplier_id])
    return wire


def _packaging(product: Product) -> dict[str, Any]:
    return {
        "breaks_into": [link for link in product.packaging if link.get("source_product_id") == product.id],
        "made_from": [link for link in product.packaging if link.get("destination_product_id") == product.id],
    }


def _category_of(store: StoreState, category_id: str) -> dict[str, Any]:
    category = category_wire(store, store.categories.rows[category_id])
    kept = ("id", "name", "parent_category_id", "root_category_id", "leaf_category", "category_path")
    return {
        "type": {key: category[key] for key in ("id", "name", "version", "leaf_category", "category_path")},
        "product_category": {key: category[key] for key in kept},
    }


def category_path(store: StoreState, category: Record) -> list[Record]:
    """From the root to the category itself."""
    path = [category]
    while (parent_id := path[0].fields["parent_category_id"]) is not None:
        path.insert(0, store.categories.rows[parent_id])
    return path


def category_wire(store: StoreState, category: Record) -> dict[str, Any]:
    """A category with its place in the tree."""
    path = category_path(store, category)
    return category.wire() | {
        "root_category_id": path[0].id,
        "leaf_category": store.is_leaf(category.id),
        "category_path": [{"id": step.id, "name": step.name} for step in path],
    }


def _images(store: StoreState, product: Product) -> dict[str, Any]:
    images = [store.images.rows[image_id] for image_id in product.image_ids]
    first = images[0].url if images else PLACEHOLDER
    listed = [
        {
            "id": image.id,
            "url": image.url,
            "version": image.version,
            "sizes": {size: f"{image.url}?size={size}" for size in IMAGE_SIZES},
        }
        for image in images
    ]
    wire: dict[str, Any] = {"images": listed, "skuImages": []}
    return wire | {"image_url": f"{first}?size=standard", "image_thumbnail_url": f"{first}?size=thumb"}


def image_wire(store: StoreState, image: Image) -> dict[str, Any]:
    """What is told about an image that was uploaded; positions count from zero."""
    ids = store.products.rows[image.product_id].image_ids
    position = ids.index(image.id) if image.id in ids else 0
    return {
        "id": image.id,
        "product_id": image.product_id,
        "position": position,
        "status": image.status,
        "version": image.version,
    }


def outlet_tax_wire(row: OutletTax) -> dict[str, Any]:
    """A row of `/outlet_taxes`; it has no id on the wire."""
    return {
        "outlet_id": row.outlet_id,
        "product_id": row.product_id,
        "tax_id": row.tax_id,
        "deleted_at": row.deleted_at,
        "version": row.version,
    }


def stock_wire(row: Stock) -> dict[str, Any]:
    """The inventory record of the date versions."""
    return {
        "id": row.id,
        "product_id": row.product_id,
        "outlet_id": row.outlet_id,
        "current_inventory_level": plain(row.level),
        "average_cost": plain(row.average_cost),
        "quantity_to_procure": 0,
        "reorder_method": None if row.reorder_point is None else "FIXED",
        "reorder_point": _figure(row.reorder_point),
        "reorder_amount": _figure(row.reorder_amount),
        "reorder_target": None,
        "version": row.version,
        "deleted_at": row.deleted_at,
    }


def stock_wire_2_0(row: Stock) -> dict[str, Any]:
    """The inventory record of 2.0."""
    return {
        "id": row.id,
        "product_id": row.product_id,
        "outlet_id": row.outlet_id,
        "inventory_level": plain(row.level),
        "current_amount": plain(row.level),
        "average_cost": plain(row.average_cost),
        "reorder_point": _figure(row.reorder_point),
        "reorder_amount": _figure(row.reorder_amount),
        "version": row.version,
        "deleted_at": row.deleted_at,
    }


def price_row_wire(store: StoreState, row: PriceBookProduct) -> dict[str, Any]:
    """An entry as the API prints it: always without tax."""
    return {
        "id": row.id,
        "product_id": row.product_id,
        "price_book_id": row.price_book_id,
        "price": money(store, row.price),
        "loyalty_value": _figure(row.loyalty_value),
        "tax_id": row.tax_id,
        "min_units": _figure(row.min_units),
        "max_units": _figure(row.max_units),
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }


def _figure(figure: Decimal | None) -> int | Decimal | None:
    return None if figure is None else plain(figure)
