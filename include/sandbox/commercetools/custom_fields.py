"""Custom fields, the same on every resource that has them, and resources kept just as they are given."""

from __future__ import annotations

from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import queryable
from sandbox.commercetools.errors import Json, invalid_field
from sandbox.commercetools.prices import (
    set_text,
    stored_money,
)
from sandbox.commercetools.shapes import Shape
from sandbox.commercetools.state import Action, Context, Kind

# --- custom fields ---------------------------------------------------------------------------------------------------


def _set_custom_type(context: Context, resource: Json, action: Json) -> None:
    resource.pop("custom", None)
    if "type" in action:
        resource["custom"] = {
            "type": context.reference(action["type"], "type"),
            "fields": action.get("fields", {}),
        }


def _set_custom_field(context: Context, resource: Json, action: Json) -> None:
    if "custom" not in resource:
        raise invalid_field("custom", None, "The resource has no type set; set one before its fields.")
    resource["custom"]["fields"].pop(action["name"], None)
    if "value" in action:
        resource["custom"]["fields"][action["name"]] = action["value"]


CUSTOM_ACTIONS = {
    "setCustomType": Action(
        _set_custom_type, Shape(optional={"type": shapes.reference, "fields": shapes.mapping})
    ),
    "setCustomField": Action(_set_custom_field, Shape({"name": shapes.text}, {"value": shapes.anything})),
}


_FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    "Boolean": bool,
    "String": str,
    "LocalizedString": dict,
    "Enum": str,
    "LocalizedEnum": str,
    "Number": (int, float),
    "Date": str,
    "Time": str,
    "DateTime": str,
    "Money": dict,
    "Reference": dict,
    "Set": list,
}


def check_custom(context: Context, resource: Json, type_id: str) -> None:
    """Raises `InvalidField` where the type is not for this resource, does not define a field, or defines it as
    something else (that it is refused is official, the code is inferred). What is inside a value is not looked at."""
    custom = resource.get("custom")
    if custom is None:
        return
    found = context.project.by_type("type").get(id=custom["type"]["id"])
    if type_id not in found["resourceTypeIds"]:
        raise invalid_field(
            "custom.type", custom["type"], f"The type is not for a resource of type '{type_id}'."
        )
    kinds = {each["name"]: each["type"]["name"] for each in found.get("fieldDefinitions", [])}
    for name, value in custom.get("fields", {}).items():
        if name not in kinds:
            raise invalid_field(name, value, f"The type defines no field '{name}'.", sorted(kinds))
        wanted = _FIELD_TYPES.get(kinds[name], object)
        if not isinstance(value, wanted) or (isinstance(value, bool) and kinds[name] == "Number"):
            raise invalid_field(name, value, f"The field '{name}' is of type {kinds[name]}.")


# --- small resources, as they are given -----------------------------------------------------------------------------


class _Open(Shape):
    """Any object will do."""

    def check(self, value: Any, where: str = "") -> None:
        shapes.mapping(value, where or "body")


def typed_money(value: Any) -> Any:
    """The same document with every money carrying its type and fraction digits."""
    if isinstance(value, list):
        return [typed_money(item) for item in value]
    if isinstance(value, dict):
        if "currencyCode" in value and "centAmount" in value:
            return stored_money(value)
        return {name: typed_money(item) for name, item in value.items()}
    return value


def _as_given(context: Context, draft: Json) -> Json:
    stored: Json = typed_money(context.project.resolved(context, draft))
    return stored


def _plain_kind(path: str, type_id: str, scope: str, fields: str) -> Kind:
    return Kind(
        path=path,
        type_id=type_id,
        draft=_Open(),
        build=_as_given,
        actions={"setKey": set_text("key", shapes.key), **CUSTOM_ACTIONS},
        fields=queryable(fields),
        scopes=(scope,),
    )


PLAIN_KINDS = (
    _plain_kind("types", "type", "types", "name description resourceTypeIds fieldDefinitions"),
    _plain_kind("states", "state", "states", "type name description initial builtIn roles transitions"),
    _plain_kind(
        "product-discounts",
        "product-discount",
        "products",
        "name description value predicate sortOrder isActive references validFrom validUntil",
    ),
    _plain_kind("zones", "zone", "shipping_methods", "name description locations"),
)
