"""Canonical values as custom fields of customers take them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from retail_sync.records.currencies import minor_digits

_TEXTS = frozenset({"String", "Enum", "LocalizedEnum", "Date", "Time", "DateTime"})
_FLAGS = {"true": True, "false": False}


class CannotHold(Exception):
    """commercetools has no room for a value; the text says why, without the value."""


def custom_value(value: Any, type_: str, currency: str) -> Any:
    """The value as a custom field of this type takes it; None for an empty one. `currency`: of amounts of money. Raises
    CannotHold."""
    if value is None or value == "":
        return None
    if type_ == "Boolean":
        flag = value if isinstance(value, bool) else _FLAGS.get(str(value).casefold())
        if flag is None:
            raise CannotHold("holds yes or no only")
        return flag
    if type_ in ("Number", "Money"):
        number = _number(value)
        return number if type_ == "Number" else _money(number, currency)
    if type_ not in _TEXTS:
        raise CannotHold(f"is of the type {type_}, which is not written")
    if type_ == "Date" and not is_day(str(value)):
        raise CannotHold("holds dates only")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_day(text: str) -> bool:
    """Whether a text is an ISO date, `YYYY-MM-DD`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise CannotHold("holds numbers only") from None
    if not number.is_finite():
        raise CannotHold("holds numbers only")
    return number


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    cents = amount.scaleb(minor_digits(currency))
    if cents != cents.to_integral_value():
        raise CannotHold(f"holds whole minor units of {currency} only")
    return {"currencyCode": currency, "centAmount": int(cents)}
