"""What drafts and update actions may contain: named fields, each with a check; anything else is refused.

The API answers a body it can't read with `InvalidJsonInput`. That fields it does not know are refused, too, is
stricter than documented (inferred): a stand-in that lets a misspelt field pass would hide the mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar, cast

from sandbox.clock import to_millis
from sandbox.commercetools.errors import ApiError, Json, invalid_field, invalid_json

Check = Callable[[Any, str], None]
T = TypeVar("T")

KEY = re.compile(r"[A-Za-z0-9_-]{2,256}")
SLUG = re.compile(r"[a-zA-Z0-9_-]{2,256}")
LOCALE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
CURRENCY = re.compile(r"[A-Z]{3}|(CZK|HUF|ILS|KZT|TRY|TWD)0")
COUNTRY = re.compile(r"[A-Z]{2}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_INT64 = 2**63 - 1


def _want(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise invalid_json(f"{where}: expected {what}")


def anything(value: Any, where: str) -> None:
    """Checked later, by who knows what it means."""


def text(value: Any, where: str) -> None:
    _want(isinstance(value, str), where, "a string")


def integer(value: Any, where: str) -> None:
    _want(
        isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INT64,
        where,
        "an integer",
    )


def number(value: Any, where: str) -> None:
    _want(isinstance(value, int | float) and not isinstance(value, bool), where, "a number")


def boolean(value: Any, where: str) -> None:
    _want(isinstance(value, bool), where, "true or false")


def mapping(value: Any, where: str) -> None:
    _want(isinstance(value, dict), where, "an object")


def key(value: Any, where: str) -> None:
    text(value, where)
    if KEY.fullmatch(value) is None:
        raise invalid_field(
            where, value, f"Invalid key '{value}': 2 to 256 of the characters A-Z a-z 0-9 _ -."
        )


def localized(value: Any, where: str) -> None:
    mapping(value, where)
    for locale, words in value.items():
        _want(LOCALE.fullmatch(locale) is not None, f"{where}.{locale}", "a locale such as en or en-GB")
        text(words, f"{where}.{locale}")


def slug(value: Any, where: str) -> None:
    localized(value, where)
    for locale, words in value.items():
        if SLUG.fullmatch(words) is None:
            message = (
                f"Invalid slug '{words}' for locale '{locale}': 2 to 256 of the characters a-z A-Z 0-9 _ -."
            )
            raise invalid_field(where, words, message)


def reference(value: Any, where: str) -> None:
    """A resource identifier or reference: `typeId` (optional where it is clear) and exactly one of `id`, `key`."""
    mapping(value, where)
    _want(set(value) <= {"typeId", "id", "key", "obj"}, where, "typeId with id or key")
    _want(("id" in value) != ("key" in value), where, "either id or key")
    for name in ("typeId", "id", "key"):
        if name in value:
            text(value[name], f"{where}.{name}")


def moment(value: Any, where: str) -> None:
    text(value, where)
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        parsed = None
    _want(parsed is not None and parsed.tzinfo is not None, where, "a date-time in ISO 8601 with its zone")


def day(value: Any, where: str) -> None:
    text(value, where)
    try:
        # `fromisoformat` alone also takes weeks and dates without dashes.
        fits = DAY.fullmatch(value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        fits = False
    _want(fits, where, "a date such as 1990-12-31")


def country(value: Any, where: str) -> None:
    text(value, where)
    _want(COUNTRY.fullmatch(value) is not None, where, "a country code of two capital letters")


def list_of(check: Check, at_most: int | None = None) -> Check:
    def check_list(value: Any, where: str) -> None:
        _want(isinstance(value, list), where, "an array")
        if at_most is not None and len(value) > at_most:
            raise ApiError(
                400,
                "MaxResourceLimitExceeded",
                f"{where}: {len(value)} items, at most {at_most}.",
                exceededResource=where,
            )
        for position, item in enumerate(value):
            check(item, f"{where}[{position}]")

    return check_list


def one_of(*values: str) -> Check:
    def check_value(value: Any, where: str) -> None:
        if value not in values:
            raise invalid_json(f"{where}: unknown value {value!r}, expected one of {', '.join(values)}")

    return check_value


def shaped(shape: Shape) -> Check:
    def check_shape(value: Any, where: str) -> None:
        shape.check(value, where)

    return check_shape


@dataclass(frozen=True)
class Shape:
    """Fields that must be there, fields that may be there."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)

    def check(self, value: Any, where: str = "") -> None:
        """Raises `InvalidJsonInput` naming the first field that is missing, unknown or of the wrong type."""
        mapping(value, where or "body")
        prefix = f"{where}." if where else ""
        for name, check in self.required.items():
            if value.get(name) is None:
                raise invalid_json(f"{prefix}{name}: Missing required value")
            check(value[name], prefix + name)
        for name, item in value.items():
            if name in self.required:
                continue
            if name not in self.optional:
                raise invalid_json(f"{prefix}{name}: unknown field")
            if item is not None:
                self.optional[name](item, prefix + name)

    def plus(self, **optional: Check) -> Shape:
        """The same with further optional fields."""
        return Shape(self.required, {**self.optional, **optional})


def copied(value: T) -> T:
    """A copy of a JSON value that shares no list or object with it; several times faster than `copy.deepcopy`."""
    return cast(T, _copy(value))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def empty_lists(names: str) -> Json:
    """Fields that hold nothing yet."""
    return {name: [] for name in names.split()}


def words(*lines: str) -> list[str]:
    """The words of these lines: lists of field names are read more easily as text."""
    return " ".join(lines).split()


def without_none(value: Json) -> Json:
    """The API neither stores nor answers `null`: a field is there or it is not."""
    return {name: item for name, item in value.items() if item is not None}


def as_stored_moment(value: str) -> str:
    """A date-time as the API gives it back: UTC, three decimals, `Z`."""
    return to_millis(datetime.fromisoformat(value))
