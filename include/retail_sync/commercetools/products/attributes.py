"""Wanted attribute values of a write: those all variants of a product share, and those of one variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retail_sync.commercetools.api.wire import AttributeDefinition
from retail_sync.commercetools.products.fields import PER_LOCALE, Place, Places
from retail_sync.commercetools.products.values import Unheld, Values
from retail_sync.records.ports.products import ProductWrite, VariantWrite

Dropped = list[tuple[str, str, str]]
"""(change_id, field, why): what commercetools can't hold."""
Shared = dict[str, tuple[AttributeDefinition, Any]]
_DIFFERENT_BY_LAW = frozenset({"Unique", "CombinationUnique"})
PLACED_BY_NATURE = frozenset(
    {"sku", "price", "currency", "option_values", "options", "published", "images", "key", "listed"}
)
"""Fields that need no place in the configuration: they have their own, or follow from other fields."""
_NOTHING: tuple[Any, ...] = (None, "", [])


def wanted_columns(place: Place, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a place that are to be written."""
    if place.column in PER_LOCALE:
        return {name: value for name, value in fields.items() if name.split(".", 1)[0] == place.column}
    return {place.column: fields[place.column]} if place.column in fields else {}


def shared_values(
    write: ProductWrite,
    type_id: str,
    values: Values,
    dropped: Dropped,
    present: Mapping[str, Any] | None = None,
) -> Shared:
    """Attribute values that hold for the whole product: its own fields, and fields of its variants that the product
    type keeps alike for all of them. Only what differs from `present`; None removes."""
    today = present or {}
    found: Shared = {}
    for place in values.places.fields.values():
        if not place.is_attribute:
            continue
        wanted = wanted_columns(place, write.fields) if "product" in place.kinds else {}
        try:
            if wanted:
                definition = values.definition(type_id, place.where)
                raw = _product_value(place, wanted, definition, today.get(place.where), values)
            elif "variant" in place.kinds and any(place.column in v.fields for v in write.variants):
                definition = values.definition(type_id, place.where)
                if not definition.shared:
                    continue
                raw = _agreed_value(write, place, definition, today.get(place.where), values)
            else:
                continue
        except Unheld as why:
            dropped.extend(_whose(write, place, wanted, str(why)))
            continue
        if raw != today.get(place.where):
            found[place.where] = (definition, raw)
    return found


def _product_value(
    place: Place, wanted: Mapping[str, Any], definition: AttributeDefinition, present: Any, values: Values
) -> Any:
    if definition.attributeConstraint in _DIFFERENT_BY_LAW:
        raise Unheld(f"attribute {definition.name} must differ between variants")
    if place.column in PER_LOCALE:
        return values.family(place, wanted, definition, present)
    return values.attribute(place.transforms, wanted[place.column], definition, present)


def _agreed_value(
    write: ProductWrite, place: Place, definition: AttributeDefinition, present: Any, values: Values
) -> Any:
    wanted = [v.fields[place.column] for v in write.variants if place.column in v.fields]
    covered = {v.target_id for v in write.variants if place.column in v.fields and v.action == "update"}
    if any(one != wanted[0] for one in wanted) or not set(write.members) <= covered:
        raise Unheld(f"all variants share attribute {definition.name}, and not all of them want this value")
    return values.attribute(place.transforms, wanted[0], definition, present)


def _whose(write: ProductWrite, place: Place, wanted: Mapping[str, Any], why: str) -> Dropped:
    """A field left out is told once for each change that wanted it. What is empty is not missed."""
    if wanted:
        return [(write.change_id or "", name, why) for name, value in wanted.items() if value not in _NOTHING]
    return [
        (v.change_id, place.column, why) for v in write.variants if v.fields.get(place.column) not in _NOTHING
    ]


def variant_values(
    variant: VariantWrite,
    type_id: str,
    values: Values,
    dropped: Dropped,
    present: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Attribute values of one variant's wanted fields, without those all variants share. Only what differs from
    `present`; None removes."""
    today = present or {}
    found: dict[str, Any] = {}
    for place in values.places.fields.values():
        if not place.is_attribute or place.kinds[0] != "variant" or place.column not in variant.fields:
            continue
        value = variant.fields[place.column]
        try:
            definition = values.definition(type_id, place.where)
            if not definition.shared:
                found[place.where] = _own_value(
                    variant, place, definition, today.get(place.where), values, dropped
                )
        except Unheld as why:
            if value not in _NOTHING:
                dropped.append((variant.change_id, place.column, str(why)))
    if "option_values" in variant.fields:
        found |= _option_values(variant, type_id, values, dropped, today)
    return {name: raw for name, raw in found.items() if raw != today.get(name)}


def _own_value(
    variant: VariantWrite,
    place: Place,
    definition: AttributeDefinition,
    today: Any,
    values: Values,
    dropped: Dropped,
) -> Any:
    value = variant.fields[place.column]
    if place.column != "barcodes":
        return values.attribute(place.transforms, value, definition, today)
    codes: Sequence[str] = value or ()
    if not values.holds_all(codes, definition):
        dropped.append(
            (variant.change_id, "barcodes", "only the first barcode is held (products.barcodes_multiple)")
        )
    sku = str(variant.fields.get("sku") or variant.current.get("sku") or "")
    return values.barcodes(codes, definition, today, sku)


def _option_values(
    variant: VariantWrite, type_id: str, values: Values, dropped: Dropped, today: Mapping[str, Any]
) -> dict[str, Any]:
    """Attributes of the options whose value changes; an option that lost its value is removed."""
    wanted: dict[str, Any] = dict(variant.fields["option_values"] or ())
    current: dict[str, Any] = dict(variant.current.get("option_values") or ())
    found: dict[str, Any] = {}
    for option in values.places.options:
        value = wanted.pop(option.name, "")
        if value == current.get(option.name, ""):
            continue
        try:
            definition = values.definition(type_id, option.attribute)
            found[option.attribute] = values.attribute(
                option.transforms, value, definition, today.get(option.attribute)
            )
        except Unheld as why:
            dropped.append((variant.change_id, "option_values", str(why)))
    for name in wanted:
        dropped.append((variant.change_id, "option_values", f"option {name!r} is not mapped to an attribute"))
    return found


def unplaced(write: ProductWrite, places: Places) -> Dropped:
    """Wanted fields that this configuration places nowhere in commercetools, or only for reading."""
    found = [(write.change_id or "", name) for name in _homeless(write.fields, places)]
    found += [(v.change_id, name) for v in write.variants for name in _homeless(v.fields, places)]
    return [
        (change_id, name, "commercetools holds it nowhere (products.fields)") for change_id, name in found
    ]


def _homeless(fields: Mapping[str, Any], places: Places) -> list[str]:
    homeless = []
    for name, value in fields.items():
        place = places.of(name)
        readable_only = place is not None and place.where in ("slug", "key") and not place.is_attribute
        if name not in PLACED_BY_NATURE and value not in _NOTHING and (place is None or readable_only):
            homeless.append(name)
    return homeless
