"""Products: drafts, current and staged data, projections, availability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.attributes import (
    PRODUCT_LEVEL,
    VARIANT_LEVEL,
    attribute_list,
    check_variants,
    definitions,
    stored_attributes,
)
from sandbox.commercetools.catalogue import key_of
from sandbox.commercetools.errors import ApiError, Json, invalid_operation
from sandbox.commercetools.prices import check_scopes, price_drafts, stored_price
from sandbox.commercetools.shapes import Shape, copied, words
from sandbox.commercetools.state import Context, Project

MAX_VARIANTS = 100
"""Variants a product (documented); that the master counts among them is inferred."""

IMAGE = shapes.shaped(
    Shape(
        {"url": shapes.text, "dimensions": shapes.shaped(Shape({"w": shapes.integer, "h": shapes.integer}))},
        {"label": shapes.text},
    )
)

VARIANT_DRAFT = Shape(
    optional={
        "sku": shapes.text,
        "key": shapes.key,
        "prices": price_drafts,
        "images": shapes.list_of(IMAGE),
        "attributes": attribute_list,
        "assets": shapes.list_of(shapes.mapping),
    }
)

PRODUCT_DRAFT = Shape(
    {"productType": shapes.reference, "name": shapes.localized, "slug": shapes.slug},
    {
        "key": shapes.key,
        "description": shapes.localized,
        "categories": shapes.list_of(shapes.reference),
        "categoryOrderHints": shapes.mapping,
        "metaTitle": shapes.localized,
        "metaDescription": shapes.localized,
        "metaKeywords": shapes.localized,
        "masterVariant": shapes.shaped(VARIANT_DRAFT),
        "variants": shapes.list_of(shapes.shaped(VARIANT_DRAFT), at_most=MAX_VARIANTS),
        "taxCategory": shapes.reference,
        "searchKeywords": shapes.mapping,
        "state": shapes.reference,
        "publish": shapes.boolean,
        "priceMode": shapes.one_of("Embedded", "Standalone"),
        "attributes": attribute_list,
    },
)

_BASE_FIELDS = frozenset(
    words(
        "id version key createdAt lastModifiedAt productType taxCategory state priceMode",
    )
)
PRODUCT_FIELDS = _BASE_FIELDS | frozenset({"masterData", "reviewRatingStatistics"})
PROJECTION_FIELDS = _BASE_FIELDS | frozenset(
    words(
        "name description slug categories categoryOrderHints metaTitle metaDescription metaKeywords",
        "searchKeywords hasStagedChanges published masterVariant variants attributes",
        "reviewRatingStatistics",
    )
)


def stored_variant(context: Context, known: dict[str, Json], draft: Json, number: int) -> Json:
    """A variant from its draft; `number` is its id within the product."""
    variant: Json = {"id": number}
    for name in ("sku", "key"):
        if name in draft:
            variant[name] = draft[name]
    prices = [stored_price(context, price) for price in draft.get("prices") or []]
    check_scopes(prices)
    assets = [{"id": context.project.platform.new_id(), **asset} for asset in draft.get("assets") or []]
    return {
        **variant,
        "prices": prices,
        "images": copied(draft.get("images") or []),
        "attributes": stored_attributes(context, known, draft.get("attributes") or [], VARIANT_LEVEL),
        "assets": assets,
    }


def build_product(context: Context, draft: Json) -> Json:
    """A product from a ProductDraft that has the right shape; staged and current start equal."""
    product: Json = {name: draft[name] for name in ("key",) if name in draft}
    product["productType"] = context.reference(draft["productType"], "product-type")
    for name, type_id in (("taxCategory", "tax-category"), ("state", "state")):
        if name in draft:
            product[name] = context.reference(draft[name], type_id)
    product["priceMode"] = draft.get("priceMode", "Embedded")
    known = definitions(context, product)
    variants = [draft.get("masterVariant") or {}, *(draft.get("variants") or [])]
    stored = [
        stored_variant(context, known, variant, number) for number, variant in enumerate(variants, start=1)
    ]
    data: Json = {
        "name": draft["name"],
        "slug": draft["slug"],
        "categories": [context.reference(category, "category") for category in draft.get("categories") or []],
        "categoryOrderHints": draft.get("categoryOrderHints", {}),
        "masterVariant": stored[0],
        "variants": stored[1:],
        "searchKeywords": draft.get("searchKeywords", {}),
        "attributes": stored_attributes(context, known, draft.get("attributes") or [], PRODUCT_LEVEL),
    }
    for name in ("description", "metaTitle", "metaDescription", "metaKeywords"):
        if name in draft:
            data[name] = draft[name]
    product["masterData"] = {
        "published": draft.get("publish", False),
        "hasStagedChanges": False,
        "current": data,
        "staged": copied(data),
    }
    return product


def settle_product(context: Context, product: Json) -> None:
    """Checks the whole product after a write and says whether something waits to be published."""
    master = product["masterData"]
    known = definitions(context, product)
    for data in (master["staged"], master["current"]):
        if 1 + len(data["variants"]) > MAX_VARIANTS:
            message = f"The product would have more than {MAX_VARIANTS} variants."
            raise ApiError(400, "MaxResourceLimitExceeded", message, exceededResource="product.variants")
        _check_identifiers(data)
        check_variants(known, data)
    master["hasStagedChanges"] = master["staged"] != master["current"]


def _check_identifiers(data: Json) -> None:
    for name in ("sku", "key"):
        seen: set[str] = set()
        for variant in variants_of(data):
            value = variant.get(name)
            if value is not None and value in seen:
                message = f"A duplicate value '{value}' exists for field '{name}'."
                raise ApiError(400, "DuplicateField", message, field=name, duplicateValue=value)
            seen.add(value or "")


def variants_of(data: Json) -> Iterator[Json]:
    """Master variant first, then the others."""
    yield data["masterVariant"]
    yield from data["variants"]


def skus_of(product: Json) -> set[str]:
    """Every SKU of the product, staged or current."""
    master = product["masterData"]
    return {
        v["sku"] for data in (master["current"], master["staged"]) for v in variants_of(data) if "sku" in v
    }


def unique_values(product: Json) -> list[tuple[str, Any]]:
    """Key, SKUs and slugs: unique in the project, staged or current."""
    master = product["masterData"]
    slugs = [
        (f"slug.{locale}", words)
        for data in (master["current"], master["staged"])
        for locale, words in data["slug"].items()
    ]
    return [*key_of(product), *(("sku", sku) for sku in skus_of(product)), *slugs]


_SKU_PATHS = frozenset(
    prefix + variant + ".sku"
    for prefix in ("", "masterData.current.", "masterData.staged.")
    for variant in ("masterVariant", "variants")
)


def product_index(project: Project, path: str, value: Any) -> set[str] | None:
    """Product ids by SKU or slug."""
    products = project.collection("products")
    if path in _SKU_PATHS:
        return products.holders("sku", value)
    *_, parent, leaf = ("", *path.split("."))
    return products.holders(f"slug.{leaf}", value) if parent == "slug" else None


def check_product_delete(context: Context, product: Json) -> None:
    """Refuses to delete a published product. Inferred from vendor test helpers, which unpublish before they delete;
    `store.refuse_deleting_published` turns it off."""
    if product["masterData"]["published"] and context.project.platform.refuse_deleting_published:
        raise invalid_operation(
            f"The product '{product['id']}' is published; unpublish it before it is deleted."
        )


def answered_product(project: Project, product: Json) -> Json:
    """The product with the availability of its variants."""
    master = product["masterData"]
    shown = {name: _with_availability(project, master[name]) for name in ("current", "staged")}
    return {**product, "masterData": {**master, **shown}}


def current_projection(project: Project, product: Json) -> Json | None:
    """What shoppers see; None for a product that is not published."""
    return _projection(project, product, "current") if product["masterData"]["published"] else None


def staged_projection(project: Project, product: Json) -> Json | None:
    """What editors see, published or not."""
    return _projection(project, product, "staged")


_NOT_PROJECTED = frozenset({"masterData", "createdBy", "lastModifiedBy"})
"""Who wrote a product is told by the product, not by its projections (ProductProjection of the description)."""


def _projection(project: Project, product: Json, name: str) -> Json:
    master = product["masterData"]
    root = {field: value for field, value in product.items() if field not in _NOT_PROJECTED}
    state = {"published": master["published"], "hasStagedChanges": master["hasStagedChanges"]}
    return {**root, **_with_availability(project, master[name]), **state}


def _with_availability(project: Project, data: Json) -> Json:
    return {
        **data,
        "masterVariant": _available(project, data["masterVariant"]),
        "variants": [_available(project, variant) for variant in data["variants"]],
    }


def _available(project: Project, variant: Json) -> Json:
    entries = project.collection("inventory").rows
    ids = project.ids_with_sku("inventory", variant.get("sku"))
    if not ids:
        return variant
    availability: Json = {}
    channels: Json = {}
    for id in sorted(ids):
        entry = entries[id].resource
        figures: Json = {
            "isOnStock": entry["availableQuantity"] > 0,
            "availableQuantity": entry["availableQuantity"],
            "id": entry["id"],
            "version": entry["version"],
        }
        if "restockableInDays" in entry:
            figures["restockableInDays"] = entry["restockableInDays"]
        if "supplyChannel" in entry:
            channels[entry["supplyChannel"]["id"]] = figures
        else:
            availability = figures
    if channels:
        availability = {**availability, "channels": channels}
    return {**variant, "availability": availability}


def with_selected_prices(projection: Json, choose: Any) -> Json:
    """The projection with `price` in every variant for which `choose(prices)` finds one."""

    def priced(variant: Json) -> Json:
        price = choose(variant["prices"])
        return {**variant, "price": price} if price is not None else variant

    return {
        **projection,
        "masterVariant": priced(projection["masterVariant"]),
        "variants": [priced(variant) for variant in projection["variants"]],
    }
