"""Rows as the API prints them: products, stock, tax overrides, images, categories,
entries of price books."""

from __future__ import annotations

from typing import Any

from sandbox.lightspeed.models import Image, OutletTax, PriceBookProduct, Product, Stock
from sandbox.lightspeed.numerals import plain, plain_or_none
from sandbox.lightspeed.prices import both_prices, money
from sandbox.lightspeed.rows import TIMES, Record, picked
from sandbox.lightspeed.state import StoreState

PLACEHOLDER = "https://images.sandbox.example/placeholder/no-image-white"
PRODUCT_FIELDS = f"id sku active source source_id source_variant_id {TIMES} version"
IMAGE_SIZES = ("original", "standard", "thumb", "sl", "sm", "ss", "st")


def product_wire(store: StoreState, product: Product, with_images: bool = True) -> dict[str, Any]:
    """A product in the shape of 2.0 to 2026-07. Without images some is left out that the description marks as
    required."""
    family = product.family
    is_parent = product.parent_id is None
    including, excluding = both_prices(store, product)
    wire: dict[str, Any] = {
        **picked(family, "handle name description brand_id account_code_purchase"),
        **picked(product, PRODUCT_FIELDS),
        "family_id": family.id,
        "variant_name": variant_name(product),
        "is_active": product.active,
        "has_inventory": family.tracked and not product.components,
        "is_composite": bool(product.components),
        "has_variants": bool(family.attribute_ids) and is_parent,
        "variant_parent_id": product.parent_id,
        "variant_options": variant_options(store, product),
        "variant_count": len(family.members) if family.attribute_ids and is_parent else 0,
        "price_including_tax": money(store, including),
        "price_excluding_tax": money(store, excluding),
        "supply_price": money(store, product.supply_price),
        "loyalty_amount": money(store, product.loyalty_amount),
        "product_codes": [picked(code, "id type code") for code in product.codes],
        "product_type_id": family.category_id,
        "tag_ids": list(family.tag_ids),
        "categories": [_sample(store.tags.rows[tag]) for tag in family.tag_ids],  # "categories" are tags
        "attributes": [],
        "packaging": _packaging(product),
        "customizations": [],
        "account_code": family.account_code_sale,
        "button_order": 0,
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


def product_of_family_wire(store: StoreState, product: Product) -> dict[str, Any]:
    """A product in the shape of 2026-10: of a family, which holds name, brand, category and tags.

    From the release notes and what working clients read: `prices` is an object of decimals as text, `active` an object
    by sales channel, codes are `codes`, option values a list in the family's order. The families themselves are not
    served."""
    including, excluding = both_prices(store, product)
    family = product.family
    return {
        **picked(product, "id sku deleted_at version"),
        "family_id": family.id,
        "variant_name": family.name,
        "codes": [picked(code, "type code") for code in product.codes],
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
    }


def variant_name(product: Product) -> str:
    """`Tee / Red / M`: the family's name and the values in the order of its attributes; blank ones are left out."""
    values = [product.options.get(attribute_id, "") for attribute_id in product.family.attribute_ids]
    return " / ".join([product.family.name, *(value for value in values if value)])


def variant_options(store: StoreState, product: Product) -> list[dict[str, Any]]:
    """What a variant is by each attribute of its family."""
    return [
        {
            "id": attribute_id,
            "name": store.variant_attributes.rows[attribute_id].name,
            "value": product.options.get(attribute_id, ""),
        }
        for attribute_id in product.family.attribute_ids
    ]


def _sample(record: Record) -> dict[str, Any]:
    return picked(record, "id name deleted_at version")


def _suppliers(store: StoreState, product: Product) -> dict[str, Any]:
    listed = [
        {
            **picked(entry, "id supplier_id"),
            "product_id": product.id,
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
            **picked(image, "id url version"),
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
    return {**picked(image, "id product_id status version"), "position": position}


def outlet_tax_wire(row: OutletTax) -> dict[str, Any]:
    """A row of `/outlet_taxes`; it has no id on the wire."""
    return picked(row, "outlet_id product_id tax_id deleted_at version")


def stock_wire(row: Stock) -> dict[str, Any]:
    """The inventory record of the date versions."""
    return {
        **_stock(row),
        "current_inventory_level": plain(row.level),
        "quantity_to_procure": 0,
        "reorder_method": None if row.reorder_point is None else "FIXED",
        "reorder_target": None,
    }


def stock_wire_2_0(row: Stock) -> dict[str, Any]:
    """The inventory record of 2.0."""
    return {**_stock(row), "inventory_level": plain(row.level), "current_amount": plain(row.level)}


def _stock(row: Stock) -> dict[str, Any]:
    return {
        **picked(row, "id product_id outlet_id version deleted_at"),
        "average_cost": plain(row.average_cost),
        "reorder_point": plain_or_none(row.reorder_point),
        "reorder_amount": plain_or_none(row.reorder_amount),
    }


def price_row_wire(store: StoreState, row: PriceBookProduct) -> dict[str, Any]:
    """An entry as the API prints it: always without tax."""
    return {
        **picked(row, f"id product_id price_book_id tax_id {TIMES} version"),
        "price": money(store, row.price),
        **{name: plain_or_none(getattr(row, name)) for name in ("loyalty_value", "min_units", "max_units")},
    }
