"""From what a transform gives to a cell of a canonical table, and what an attribute that is not set means there."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from retail_sync.commercetools.api.shapes import MONEY
from retail_sync.records import transforms as pure
from retail_sync.records.checks import faults
from retail_sync.records.odd import reason_of
from retail_sync.records.types import DTYPES, canonical_json, clean_text, decimal_text

EMPTY: dict[str, Any] = {"text": "", "list": "[]", "set": "[]", "pairs": "[]", "json": '""'}
"""Known to be empty. Types without such a value (flags, numbers) stay unknown."""
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


def cell(kind: str, value: Any) -> Any:
    """`value` as a canonical cell of type `kind`; None for what can't be of that type: unknown, never a guess."""
    if value is None:
        return EMPTY.get(kind)
    if kind == "text":
        return clean_text(word(value))
    if kind == "flag":
        return _flag(value)
    if kind == "decimal":
        return _decimal(value)
    if kind in ("set", "list"):
        listed = [one for item in words(value) if (one := clean_text(item))]
        return canonical_json(sorted(set(listed)) if kind == "set" else listed)
    return canonical_json(_plain(value))


def words(value: Any) -> list[str]:
    """The texts of a set or list, or of a single value; a null among them is nothing."""
    return [word(item) for item in (value if isinstance(value, list) else [value]) if item is not None]


def column(kind: str, cells: list[Any]) -> pd.Series:
    return pd.Series(cells, dtype=DTYPES[kind])


def word(value: Any) -> str:
    """One text for any attribute value: exact digits, the amount of money, words joined by commas. Raises ValueError
    for what no attribute can be."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return decimal_text(value)
    if isinstance(value, float):
        return decimal_text(str(value))
    if isinstance(value, list):
        return ", ".join(words(value))
    if isinstance(value, Mapping):
        return _amount(value) or _of_object(value)
    raise ValueError(f"is {reason_of(value) or 'of no kind an attribute has'}")


def _of_object(value: Mapping[str, Any]) -> str:
    """Of a reference its id; anything else as JSON."""
    if (reason := reason_of(value)) is not None:
        raise ValueError(f"is {reason}")
    id = value.get("id")
    return id if isinstance(id, str) and id else canonical_json(value)


def _plain(value: Any) -> Any:
    """JSON of one's own attributes: numbers as exact text, money as its amount."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        _of_object(value)
        return _amount(value) or {name: _plain(item) for name, item in value.items()}
    return word(value)


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = word(value).strip().casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def _decimal(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    try:
        return decimal_text(word(value))
    except (ValueError, ArithmeticError):
        return None


def _amount(value: Mapping[str, Any]) -> str | None:
    if "currencyCode" not in value or "centAmount" not in value:
        return None
    if (why := faults(value, MONEY)) is not None:
        raise ValueError(why)
    return pure.money_decimal(value, value["currencyCode"])
