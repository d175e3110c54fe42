"""Numbers without float noise: JSON in as Decimal, JSON out as written; prices to five decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

Number = Decimal | int | str
"""A figure without float noise: 19.99 is written as "19.99"."""

FIVE_PLACES = Decimal("0.00001")
"""Unit prices and taxes carry five decimals in examples of the official description (2.63158)."""

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(body: bytes) -> Any:
    """JSON with every fraction as Decimal. Raises `ValueError` when it isn't JSON."""
    return _decoder.decode(body)


def encode(value: Any) -> bytes:
    """JSON with every Decimal as a number, digit for digit."""
    return _encoder.encode(value)


def five_places(value: Decimal) -> Decimal:
    """To five decimals. Half-up is inferred: the server's rounding mode is not documented."""
    return value.quantize(FIVE_PLACES, rounding=ROUND_HALF_UP)


def plain(value: Decimal) -> int | Decimal:
    """The shortest spelling: 30 rather than 30.00000, never an exponent in the range of money."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def plain_or_none(value: Decimal | None) -> int | Decimal | None:
    """As `plain`, for a figure that may be missing."""
    return None if value is None else plain(value)


def decimal_of(value: Any) -> Decimal | None:
    """A JSON number as Decimal; none for anything else, true and false included."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def decimal_or_text_of(value: Any) -> Decimal | None:
    """As `decimal_of`, for fields whose number may come as text as well."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    return decimal_of(value)
