"""Exact numbers on the wire: JSON numbers in without passing through a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from retail_sync.records import checks


def storable(value: Any) -> Any:
    """A parsed answer with every Decimal as its own text ("26.08696"): exact, and still so after it was stored as JSON
    and read again."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value


def number(value: Any) -> Decimal | None:
    """A wire number, which may come as a JSON number or as text; None where there is none or it is unreadable.

    A float can only come from a page that was stored and read again with a plain JSON parser: its shortest text is
    the number as it was sent (up to 15 digits), so nothing is lost.
    """
    if value is None or value == "" or checks.amount(value) is not None and checks.whole(value) is not None:
        return None
    return Decimal(repr(value) if isinstance(value, float) else value)


def whole(value: Any) -> int | None:
    """A 64-bit version, which may come as a number or as text; None where there is none or it is unreadable."""
    if checks.whole(value) is not None:
        return None
    parsed = number(value)
    return None if parsed is None else int(parsed)
