"""From what a transform gives to a cell of a canonical table, and what an attribute that is not set means there."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from include.records import transforms as pure
from include.records.types import DTYPES, canonical_json, clean_text, decimal_text

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
        words = [clean_text(word(item)) for item in (value if isinstance(value, list) else [value])]
        words = [one for one in words if one]
        return canonical_json(sorted(set(words)) if kind == "set" else words)
    return canonical_json(_plain(value))


def column(kind: str, cells: list[Any]) -> pd.Series:
    return pd.Series(cells, dtype=DTYPES[kind])


def word(value: Any) -> str:
    """One text for any attribute value: exact digits, the amount of money, words joined by commas."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return decimal_text(value)
    if isinstance(value, float):
        return decimal_text(str(value))
    if isinstance(value, list):
        return ", ".join(word(item) for item in value)
    if isinstance(value, Mapping):
        return _amount(value) or str(value.get("id") or canonical_json(value))
    return str(value)


def _plain(value: Any) -> Any:
    """JSON of one's own attributes: numbers as exact text, money as its amount."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return _amount(value) or value
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
    return pure.money_decimal(value, str(value["currencyCode"]))
