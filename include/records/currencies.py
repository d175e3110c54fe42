"""How many digits after the point a currency has."""

from __future__ import annotations

_NO_MINOR_UNIT = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DIGITS = {**dict.fromkeys(_NO_MINOR_UNIT, 0), **dict.fromkeys(_THOUSANDTHS, 3)}
"""ISO 4217, list one: currencies whose smallest unit is not a hundredth."""


def minor_digits(currency: str) -> int:
    """Digits of the smallest unit of an ISO 4217 currency: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)
