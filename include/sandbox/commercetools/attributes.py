"""Attributes of variants and products, checked against the product type as the API does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.errors import ApiError, Json, invalid_field, invalid_json, required_field
from sandbox.commercetools.prices import money, stored_money
from sandbox.commercetools.shapes import Shape, as_stored_moment
from sandbox.commercetools.state import Context

ATTRIBUTE = shapes.shaped(Shape({"name": shapes.text}, {"value": shapes.anything}))
attribute_list = shapes.list_of(ATTRIBUTE)

PRODUCT_LEVEL = "Product"
VARIANT_LEVEL = "Variant"


def definitions(context: Context, product: Json) -> dict[str, Json]:
    """Attribute definitions of the product's type, by name."""
    product_type = context.project.by_type("product-type").get(id=product["productType"]["id"])
    return {definition["name"]: definition for definition in product_type["attributes"]}


def definition_of(known: dict[str, Json], name: str, level: str) -> Json:
    """Raises `AttributeNameDoesNotExist`, also when the attribute belongs to the other level."""
    definition = known.get(name)
    if definition is None:
        message = f"Attribute definition for '{name}' does not exist on the product type."
        raise ApiError(400, "AttributeNameDoesNotExist", message, invalidAttributeName=name)
    if definition.get("level", VARIANT_LEVEL) != level:
        own = definition.get("level", VARIANT_LEVEL)
        message = f"Attribute '{name}' is of level {own}, it can't be set on a {level}."
        raise invalid_field("attributes", name, message)
    return definition


def stored_attributes(
    context: Context, known: dict[str, Json], given: Iterable[Json], level: str
) -> list[Json]:
    """The attributes of a draft as they are stored; those without a value are left out."""
    stored: dict[str, Json] = {}
    for attribute in given:
        name = attribute["name"]
        definition = definition_of(known, name, level)
        if name in stored:
            raise invalid_field("attributes", name, f"The attribute '{name}' is given twice.")
        if attribute.get("value") is not None:
            stored[name] = {
                "name": name,
                "value": stored_value(context, definition["type"], name, attribute["value"]),
            }
    return list(stored.values())


def stored_value(context: Context, type_: Json, name: str, value: Any) -> Any:
    """The value as it is stored: enum keys become `{key, label}`. Raises `InvalidField` on a wrong type."""
    kind = type_["name"]
    if kind == "set":
        if not isinstance(value, list):
            raise _wrong(name, value, "a set")
        return [stored_value(context, type_["elementType"], name, item) for item in value]
    if kind in ("enum", "lenum"):
        return _enum_value(type_, name, value)
    if kind == "money":
        _checked(money, name, value, "money")
        return stored_money(value)
    if kind == "reference":
        _checked(shapes.reference, name, value, "a reference")
        return context.reference(value, type_["referenceTypeId"])
    if kind == "nested":
        nested_type = context.project.by_type("product-type").get(id=type_["typeReference"]["id"])
        nested = {definition["name"]: definition for definition in nested_type["attributes"]}
        _checked(attribute_list, name, value, "a list of attributes")
        return stored_attributes(context, nested, value, VARIANT_LEVEL)
    if kind == "datetime":
        _checked(shapes.moment, name, value, "a date-time")
        return as_stored_moment(value)
    checks: dict[str, tuple[shapes.Check, str]] = {
        "text": (shapes.text, "text"),
        "ltext": (shapes.localized, "localized text"),
        "number": (shapes.number, "a number"),
        "boolean": (shapes.boolean, "true or false"),
        "date": (_iso(date), "a date"),
        "time": (_iso(time), "a time"),
    }
    if kind not in checks:
        raise invalid_field(name, value, f"The attribute type '{kind}' is not served.")
    check, what = checks[kind]
    _checked(check, name, value, what)
    return value


def _iso(kind: type[date] | type[time]) -> shapes.Check:
    def check(value: Any, where: str) -> None:
        shapes.text(value, where)
        try:
            kind.fromisoformat(value)
        except ValueError as error:
            raise invalid_json(f"{where}: {error}") from error

    return check


def _checked(check: shapes.Check, name: str, value: Any, what: str) -> None:
    try:
        check(value, name)
    except ApiError as error:
        raise _wrong(name, value, what) from error


def _wrong(name: str, value: Any, what: str) -> ApiError:
    return invalid_field(
        name, value, f"The value '{value}' is not valid for field '{name}': expected {what}."
    )


def _enum_value(type_: Json, name: str, value: Any) -> Json:
    key = value.get("key") if isinstance(value, dict) else value
    for allowed in type_["values"]:
        if allowed["key"] == key:
            return dict(allowed)
    keys = [allowed["key"] for allowed in type_["values"]]
    message = f"The value '{key}' is not valid for field '{name}'. Allowed values are: {', '.join(keys)}."
    raise invalid_field(name, value, message, allowed=keys)


def value_of(variant: Json, name: str) -> Any:
    """The value of an attribute, None where it has none."""
    for attribute in variant["attributes"]:
        if attribute["name"] == name:
            return attribute["value"]
    return None


def put_attribute(holder: Json, name: str, value: Any) -> None:
    """Sets the (stored) value in a variant or in product data; None removes it. Keeps the order of the others."""
    for position, attribute in enumerate(holder["attributes"]):
        if attribute["name"] == name:
            if value is None:
                del holder["attributes"][position]
            else:
                holder["attributes"][position] = {"name": name, "value": value}
            return
    if value is not None:
        holder["attributes"].append({"name": name, "value": value})


def check_same_for_all(known: dict[str, Json], data: Json) -> None:
    """Raises `InvalidField` where a `SameForAll` attribute differs between variants. A missing value differs from a
    present one: so the API answers an `addVariant` without the value (commercetools-php-sdk issue 490)."""
    if not data["variants"]:
        return
    for name, definition in known.items():
        if definition.get("attributeConstraint") != "SameForAll":
            continue
        wanted = value_of(data["masterVariant"], name)
        for variant in data["variants"]:
            found = value_of(variant, name)
            if found != wanted:
                shown = "no value" if found is None else f"'{found}'"
                message = f"Using {shown} is not valid for field '{name}'. The allowed value is '{wanted}'. "
                message += "The value of the attribute must be the same across all variants."
                raise invalid_field(name, found, message, allowed=[wanted] if wanted is not None else None)


def check_variants(known: dict[str, Json], data: Json) -> None:
    """Raises when a required value is missing, or when values that must be different are not."""
    variants = [data["masterVariant"], *data["variants"]]
    check_same_for_all(known, data)
    for name, definition in known.items():
        if definition.get("level", VARIANT_LEVEL) == PRODUCT_LEVEL:
            if definition["isRequired"] and value_of(data, name) is None:
                raise required_field(name)
            continue
        values = [value_of(variant, name) for variant in variants]
        if definition["isRequired"] and None in values:
            raise required_field(name)
        if definition.get("attributeConstraint") == "Unique":
            present = [value for value in values if value is not None]
            for value in present:
                if present.count(value) > 1:
                    message = f"The attribute '{name}' has the same value '{value}' in several variants."
                    raise ApiError(
                        400, "DuplicateAttributeValue", message, attribute={"name": name, "value": value}
                    )
    _check_combinations(known, variants)


def _check_combinations(known: dict[str, Json], variants: list[Json]) -> None:
    names = [
        name
        for name, definition in known.items()
        if definition.get("attributeConstraint") == "CombinationUnique"
    ]
    if not names:
        return
    seen: list[list[Any]] = []
    for variant in variants:
        combination = [value_of(variant, name) for name in names]
        if combination in seen:
            attributes = [
                {"name": name, "value": value} for name, value in zip(names, combination, strict=True)
            ]
            message = "Two variants have the same combination of values."
            raise ApiError(400, "DuplicateAttributeValues", message, attributes=attributes)
        seen.append(combination)
