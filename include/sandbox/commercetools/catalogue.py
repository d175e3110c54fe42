"""What products hang on: product types, tax categories, categories."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.errors import (
    Json,
    duplicate_field,
    invalid_field,
    invalid_operation,
    required_field,
)
from sandbox.commercetools.prices import change_value, set_text
from sandbox.commercetools.shapes import Shape, copied, without_none
from sandbox.commercetools.state import Action, Context, Kind

_BASE = "id version key createdAt lastModifiedAt custom "


def queryable(names: str) -> frozenset[str]:
    """Names that queries of a resource may use, besides those every resource has."""
    return frozenset((_BASE + names).split())


def key_of(resource: Json) -> list[tuple[str, Any]]:
    return [("key", resource["key"])] if "key" in resource else []


# --- product types ---------------------------------------------------------------------------------------------------


def _definition(context: Context, draft: Json) -> Json:
    definition = {
        "name": draft["name"],
        "label": draft["label"],
        "type": context.project.resolved(context, draft["type"]),
        "isRequired": draft.get("isRequired", False),
        "level": draft.get("level", "Variant"),
        "attributeConstraint": draft.get("attributeConstraint", "None"),
        "inputHint": draft.get("inputHint", "SingleLine"),
        "isSearchable": draft.get("isSearchable", False),
    }
    if "inputTip" in draft:
        definition["inputTip"] = draft["inputTip"]
    return definition


def _build_product_type(context: Context, draft: Json) -> Json:
    definitions = [_definition(context, given) for given in draft.get("attributes") or []]
    names = [definition["name"] for definition in definitions]
    for name in names:
        if names.count(name) > 1:
            raise duplicate_field("attributes.name", name)
    return {**draft, "attributes": definitions}


def _definition_named(product_type: Json, name: str) -> Json:
    for definition in product_type["attributes"]:
        if definition["name"] == name:
            found: Json = definition
            return found
    raise invalid_field("attributeName", name, f"The attribute '{name}' does not exist.")


def _add_definition(context: Context, product_type: Json, action: Json) -> None:
    definition = _definition(context, action["attribute"])
    if any(other["name"] == definition["name"] for other in product_type["attributes"]):
        raise duplicate_field("attributes.name", definition["name"])
    product_type["attributes"].append(definition)


def _add_enum_value(context: Context, product_type: Json, action: Json) -> None:
    type_ = _definition_named(product_type, action["attributeName"])["type"]
    type_ = type_["elementType"] if type_["name"] == "set" else type_
    if any(value["key"] == action["value"]["key"] for value in type_.get("values", [])):
        raise duplicate_field("values.key", action["value"]["key"])
    type_.setdefault("values", []).append(action["value"])


_DEFINITION = shapes.shaped(
    Shape(
        {"name": shapes.text, "label": shapes.localized, "type": shapes.mapping},
        {
            "isRequired": shapes.boolean,
            "level": shapes.one_of("Product", "Variant"),
            "attributeConstraint": shapes.one_of("None", "Unique", "CombinationUnique", "SameForAll"),
            "inputTip": shapes.localized,
            "inputHint": shapes.one_of("SingleLine", "MultiLine"),
            "isSearchable": shapes.boolean,
            "displayGroup": shapes.text,  # in published exports, not in the description
        },
    )
)
_ENUM_VALUE = Shape({"attributeName": shapes.text, "value": shapes.mapping})

PRODUCT_TYPES = Kind(
    path="product-types",
    type_id="product-type",
    draft=Shape(
        {"name": shapes.text, "description": shapes.text},
        {"key": shapes.key, "attributes": shapes.list_of(_DEFINITION)},
    ),
    build=_build_product_type,
    actions={
        "addAttributeDefinition": Action(_add_definition, Shape({"attribute": _DEFINITION})),
        "addPlainEnumValue": Action(_add_enum_value, _ENUM_VALUE),
        "addLocalizedEnumValue": Action(_add_enum_value, _ENUM_VALUE),
        "changeName": change_value("name", shapes.text),
        "changeDescription": change_value("description", shapes.text),
        "setKey": set_text("key", shapes.key),
    },
    fields=queryable("name description attributes"),
    scopes=("product_types", "products"),
    kept_while_referenced=True,
)


# --- tax categories --------------------------------------------------------------------------------------------------


def _rate(context: Context, draft: Json) -> Json:
    """A rate is the sum of its parts, if it has any: then it may say so itself or leave it out."""
    draft = without_none(draft)
    parts = draft.get("subRates") or []
    if parts:
        # Added up as they are written: floats would make 0.060000000000000005 of 0.04 and 0.02.
        total = float(sum((Decimal(str(part["amount"])) for part in parts), Decimal(0)))
        if draft.setdefault("amount", total) != total:
            raise invalid_field("amount", draft["amount"], f"The sum of the subRates is {total}.")
    elif "amount" not in draft:
        raise required_field("amount")
    if not 0 <= draft["amount"] <= 1:
        raise invalid_field("amount", draft["amount"], "A tax rate is within 0 and 1.")
    return {"id": context.project.platform.new_id()[:8], "subRates": [], **draft}


def _check_rates(context: Context, tax_category: Json) -> None:
    seen = set()
    for rate in tax_category["rates"]:
        place = (rate["country"], rate.get("state"))
        if place in seen:
            raise duplicate_field("rates", rate["country"])
        seen.add(place)


def _build_tax_category(context: Context, draft: Json) -> Json:
    return {**draft, "rates": [_rate(context, rate) for rate in draft.get("rates") or []]}


def _rate_place(tax_category: Json, action: Json) -> int:
    for position, rate in enumerate(tax_category["rates"]):
        if action.get("taxRateId") == rate["id"] or (
            "key" in rate and action.get("taxRateKey") == rate["key"]
        ):
            return position
    named = action.get("taxRateId") or action.get("taxRateKey")
    raise invalid_operation(f"The tax rate '{named}' does not exist.")


def _add_rate(context: Context, tax_category: Json, action: Json) -> None:
    tax_category["rates"].append(_rate(context, action["taxRate"]))


def _replace_rate(context: Context, tax_category: Json, action: Json) -> None:
    tax_category["rates"][_rate_place(tax_category, action)] = _rate(context, action["taxRate"])


def _remove_rate(context: Context, tax_category: Json, action: Json) -> None:
    del tax_category["rates"][_rate_place(tax_category, action)]


def _tax_unique(tax_category: Json) -> list[tuple[str, Any]]:
    return [*key_of(tax_category), ("name", tax_category["name"])]


_SUB_RATE = Shape({"name": shapes.text, "amount": shapes.number})
_RATE = shapes.shaped(
    Shape(
        {
            "name": shapes.text,
            "includedInPrice": shapes.boolean,
            "country": shapes.text,
        },
        {
            "key": shapes.key,
            "amount": shapes.number,
            "state": shapes.text,
            "subRates": shapes.list_of(shapes.shaped(_SUB_RATE)),
        },
    )
)
_RATE_NAME = {"taxRateId": shapes.text, "taxRateKey": shapes.key}

TAX_CATEGORIES = Kind(
    path="tax-categories",
    type_id="tax-category",
    draft=Shape(
        {"name": shapes.text},
        {"key": shapes.key, "description": shapes.text, "rates": shapes.list_of(_RATE)},
    ),
    build=_build_tax_category,
    actions={
        "addTaxRate": Action(_add_rate, Shape({"taxRate": _RATE})),
        "replaceTaxRate": Action(_replace_rate, Shape({"taxRate": _RATE}, _RATE_NAME)),
        "removeTaxRate": Action(_remove_rate, Shape(optional=_RATE_NAME)),
        "changeName": change_value("name", shapes.text),
        "setKey": set_text("key", shapes.key),
        "setDescription": set_text("description"),
    },
    fields=queryable("name description rates"),
    scopes=("tax_categories", "products"),
    unique=_tax_unique,
    conflict=lambda resource, name, value: (
        duplicate_field(name, value)
        if name == "key"
        else invalid_operation(f"A tax category with the name '{value}' already exists.")
    ),
    check=_check_rates,
    kept_while_referenced=True,
)


# --- categories ------------------------------------------------------------------------------------------------------


def _place_below(context: Context, category: Json, parent: Json | None) -> None:
    category.pop("parent", None)
    category["ancestors"] = []
    if parent is not None:
        category["parent"] = context.reference(parent, "category")
        above = context.project.by_type("category").get(id=category["parent"]["id"])
        category["ancestors"] = [*copied(above["ancestors"]), category["parent"]]


def _build_category(context: Context, draft: Json) -> Json:
    category = {"orderHint": "0.5", **context.project.resolved(context, draft)}
    _place_below(context, category, draft.get("parent"))
    return {**category, "assets": category.get("assets", [])}


def _category_unique(category: Json) -> list[tuple[str, Any]]:
    return [*key_of(category), *((f"slug.{locale}", words) for locale, words in category["slug"].items())]


_CATEGORY_TEXTS = dict.fromkeys(
    ("description", "metaTitle", "metaDescription", "metaKeywords"), shapes.localized
)

CATEGORIES = Kind(
    path="categories",
    type_id="category",
    draft=Shape(
        {"name": shapes.localized, "slug": shapes.slug},
        {
            **_CATEGORY_TEXTS,
            "key": shapes.key,
            "parent": shapes.reference,
            "orderHint": shapes.text,
            "externalId": shapes.text,
            "custom": shapes.mapping,
            "assets": shapes.list_of(shapes.mapping),
        },
    ),
    build=_build_category,
    actions={
        "changeName": change_value("name", shapes.localized),
        "changeSlug": change_value("slug", shapes.slug),
        "changeOrderHint": change_value("orderHint", shapes.text),
        "changeParent": Action(
            lambda context, category, action: _place_below(context, category, action["parent"]),
            Shape({"parent": shapes.reference}),
        ),
        "setKey": set_text("key", shapes.key),
        "setExternalId": set_text("externalId"),
        "setDescription": set_text("description", shapes.localized),
    },
    fields=queryable("name slug description ancestors parent orderHint externalId assets")
    | frozenset(_CATEGORY_TEXTS),
    scopes=("categories", "products"),
    unique=_category_unique,
)
