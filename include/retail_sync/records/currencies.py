"""How many digits after the point a currency has, and which money is the same under two names."""

from __future__ import annotations

_NO_MINOR_UNIT = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DIGITS = {**dict.fromkeys(_NO_MINOR_UNIT, 0), **dict.fromkeys(_THOUSANDTHS, 3)}
"""ISO 4217, list one: currencies whose smallest unit is not a hundredth."""


_WITHOUT_DIGITS = ("CZK", "HUF", "ILS", "KZT", "TRY", "TWD")
_ISO = {f"{code}0": code for code in _WITHOUT_DIGITS}
"""commercetools' names of currencies that are counted in whole units (API reference, NonStandardCurrency): the same
money as the ISO currency, and another currency in every comparison of its own."""
CURRENCY_PATTERN = rf"^([A-Z]{{3}}|({'|'.join(_WITHOUT_DIGITS)})0)$"
"""An ISO 4217 code, or one of these names."""


def minor_digits(currency: str) -> int:
    """Digits of the smallest unit of a currency: 2 for EUR, 0 for JPY and HUF0, 3 for KWD."""
    return 0 if currency in _ISO else _DIGITS.get(currency, 2)


def iso_code(currency: str) -> str:
    """The ISO 4217 code of a currency: HUF for HUF0. Tills know no other."""
    return _ISO.get(currency, currency)
