"""Attribute columns of a product CSV, read by the types the product type gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.shop.files import Row
from sandbox.shop.model import Draft

# A header ending like a language tag: `color.en-GB`. Attribute names may contain dots no locale looks like.
LOCALE_SUFFIX = re.compile(r"^(?P<name>.+)\.(?P<locale>[a-z]{2,3}(?:-[A-Z][A-Za-z0-9]{1,7}){0,2})$")
_MONEY = re.compile(r"^(?P<currency>[A-Z]{3})\s+(?P<cents>-?\d+)$")
_SET_SEPARATOR = ";"


def attribute_of(column: str) -> tuple[str, str | None]:
    """The attribute a column belongs to and, for localized ones, the locale."""
    match = LOCALE_SUFFIX.match(column)
    return (match["name"], match["locale"]) if match else (column, None)


def attribute_values(row: Row, definitions: Iterable[Draft]) -> list[Draft]:
    """The attributes of one variant row, in the product type's order; empty cells are left out."""
    values = (
        (definition["name"], _value(row, definition["name"], definition["type"]))
        for definition in definitions
    )
    return [{"name": name, "value": value} for name, value in values if value is not None]


def derived_definitions(columns: Iterable[str]) -> list[Draft]:
    """Attribute definitions for a product type that exists only as columns: localized text or text."""
    found: dict[str, str] = {}
    for column in columns:
        name, locale = attribute_of(column)
        found[name] = "ltext" if locale else found.get(name, "text")
    return [
        {
            "name": name,
            "label": {"en": name},
            "isRequired": False,
            "type": {"name": kind},
            "attributeConstraint": "None",
            "inputHint": "SingleLine",
            "isSearchable": False,
        }
        for name, kind in found.items()
    ]


def _value(row: Row, name: str, kind: Draft) -> Any:
    if kind["name"] == "ltext":
        return row.localized(name) or None
    if kind["name"] == "set":
        return _set_value(row, name, kind["elementType"])
    text = row.text(name)
    return _scalar(row, name, kind, text) if text else None


def _set_value(row: Row, name: str, element: Draft) -> Any:
    if element["name"] != "ltext":
        parts = [part.strip() for part in row.text(name).split(_SET_SEPARATOR)]
        return [_scalar(row, name, element, part) for part in parts if part] or None
    by_locale = {
        locale: [part.strip() for part in text.split(_SET_SEPARATOR)]
        for locale, text in row.localized(name).items()
    }
    if len({len(parts) for parts in by_locale.values()}) > 1:
        raise row.error(
            f"attribute {name!r} has a different number of values in each locale.",
            f"Give every column {name}.<locale> the same number of values, joined with {_SET_SEPARATOR!r}.",
        )
    size = max((len(parts) for parts in by_locale.values()), default=0)
    return [{locale: parts[place] for locale, parts in by_locale.items()} for place in range(size)] or None


def _scalar(row: Row, name: str, kind: Draft, text: str) -> Any:
    match kind["name"]:
        case "text" | "date" | "time" | "datetime":
            return text
        case "enum" | "lenum":
            return _enum_key(row, name, kind, text)
        case "boolean":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            raise row.error(
                f"attribute {name!r} holds {text!r}, which is not a boolean.", "Write true or false."
            )
        case "number":
            return _number(row, name, text)
        case "money":
            match_ = _MONEY.match(text)
            if match_:
                return {"currencyCode": match_["currency"], "centAmount": int(match_["cents"])}
            raise row.error(
                f"attribute {name!r} holds {text!r}, which is not money.",
                "Write a currency and cents: EUR 1999.",
            )
        case "reference":
            return {"typeId": kind["referenceTypeId"], "key": text}
        case other:
            raise row.error(
                f"attribute {name!r} is of type {other!r}, which a CSV cell can't hold.",
                "Empty the column, or take the attribute out of the product type.",
            )


def _enum_key(row: Row, name: str, kind: Draft, text: str) -> str:
    keys = [str(value["key"]) for value in kind["values"]]
    if text in keys:
        return text
    raise row.error(
        f"attribute {name!r} has no value with the key {text!r}.",
        f"Use one of {', '.join(keys[:12])}, or add it to product-type.json.",
    )


def _number(row: Row, name: str, text: str) -> int | float:
    """A commercetools number attribute is an IEEE double on the wire; money has a type of its own."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise row.error(
            f"attribute {name!r} holds {text!r}, which is not a number.", "Write it like 12 or 12.5."
        )
    return int(number) if number == number.to_integral_value() else float(number)
