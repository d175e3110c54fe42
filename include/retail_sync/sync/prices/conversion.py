"""From the price in one place to the price that another place should show. Exact decimals, pure.

Without a rounding in the list, nothing is rounded but to the digits that the target holds, and coming back has to give
the price it came from. With one, the price is brought to the side of tax that the list is meant in, exchanged, marked
up, rounded there once, and brought to the target; what the target then shows has to come back to that rounded price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
)
from functools import lru_cache

from retail_sync.records.currencies import minor_digits
from retail_sync.records.prices import Quote
from retail_sync.settings.models.prices import PriceList, PriceRounding

_EXACT = Context(prec=60)
_MODES = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "up": ROUND_CEILING, "down": ROUND_FLOOR}


@dataclass(frozen=True)
class Side:
    """How a place holds prices: with tax or without (`included`), the tax rate of the article there (None = unknown),
    the currency, and the digits after the point that it keeps."""

    included: bool
    rate: Decimal | None
    currency: str
    digits: int


@dataclass(frozen=True)
class Converted:
    """`quote`: for the target. `exact`: whether it comes back. `meant`, `comes_back`: the first amount that does not,
    and what it came back as, for a person."""

    quote: Quote
    exact: bool
    meant: Decimal
    comes_back: Decimal


class TaxUnknown(Exception):
    """Tax has to be converted, and a rate is not known."""


class Converter:
    """Converts prices of one list, `exchange` units of the target's currency for one of the source's."""

    def __init__(self, one: PriceList, exchange: Decimal) -> None:
        self._rounding = one.rounding
        self._meant_included = one.tax == "included"
        self._factor = _EXACT.multiply(exchange, 1 + one.markup_percent / 100)
        self._amount = lru_cache(maxsize=65_536)(self._converted)

    def convert(self, quote: Quote, source: Side, target: Side) -> Converted:
        """The quote that the target should show. Raises TaxUnknown."""
        found = [self._amount(amount, source, target) for amount in quote.amounts()]
        new = quote.with_amounts([one[0] for one in found])
        wrong = next((one for one in found if one[1] != one[2]), found[0])
        return Converted(new, wrong[1] == wrong[2], wrong[1], wrong[2])

    def _converted(self, amount: Decimal, source: Side, target: Side) -> tuple[Decimal, Decimal, Decimal]:
        """The target's amount, the one that has to come back, and the one that does."""
        if self._rounding is None:
            sent = to_digits(self._through(amount, source, target), target.digits)
            digits = max(source.digits, digits_of(amount))
            return sent, amount, to_digits(self._through(sent, target, source), digits)
        held = moved(amount, source.included, self._meant_included, source.rate)
        meant = rounded(_EXACT.multiply(held, self._factor), self._rounding, target.currency)
        sent = to_digits(moved(meant, self._meant_included, target.included, target.rate), target.digits)
        back = moved(sent, target.included, self._meant_included, target.rate)
        return sent, meant, to_digits(back, max(digits_of(meant), minor_digits(target.currency)))

    def _through(self, amount: Decimal, here: Side, there: Side) -> Decimal:
        """From one place to another by way of the side of tax that the list is meant in: where both places tax an
        article differently, it is that price which stays the same."""
        if here.included == there.included and here.rate == there.rate:
            return amount
        held = moved(amount, here.included, self._meant_included, here.rate)
        return moved(held, self._meant_included, there.included, there.rate)


def moved(amount: Decimal, has: bool, wants: bool, rate: Decimal | None) -> Decimal:
    """An amount that has tax in it or not (`has`), as one that has or not (`wants`). Raises TaxUnknown."""
    if has == wants:
        return amount
    if rate is None:
        raise TaxUnknown
    factor = 1 + rate
    return _EXACT.multiply(amount, factor) if wants else _EXACT.divide(amount, factor)


def without_tax(amount: Decimal, side: Side) -> Decimal | None:
    """The amount without tax, exact; None where the rate is not known."""
    try:
        return moved(amount, side.included, False, side.rate)
    except TaxUnknown:
        return None


def to_digits(amount: Decimal, digits: int) -> Decimal:
    """Rounded half up to so many digits after the point."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=_EXACT).normalize(
        _EXACT
    )


def rounded(amount: Decimal, rounding: PriceRounding, currency: str) -> Decimal:
    """The price that a rounding makes of an exact amount."""
    step = rounding.step or Decimal(1).scaleb(-minor_digits(currency))
    whole = _EXACT.divide(amount, step).to_integral_value(rounding=_MODES[rounding.mode])
    found = _EXACT.multiply(whole, step)
    if not rounding.endings or amount <= 0:
        return found.normalize(_EXACT)
    candidates = sorted({c for ending in rounding.endings for c in _ending_near(amount, ending) if c > 0})
    return min(candidates, key=lambda c: (abs(c - amount), c), default=found).normalize(_EXACT)


def _ending_near(amount: Decimal, ending: Decimal) -> Sequence[Decimal]:
    """Prices with this ending below and above the amount. 0.95 recurs with every unit, 9.99 with every ten."""
    span = Decimal(1)
    while span <= ending:
        span *= 10
    base = (amount / span).to_integral_value(rounding=ROUND_FLOOR) * span
    return [base + ending + span * k for k in (-1, 0, 1)]


def digits_of(amount: Decimal) -> int:
    """Digits after the point that an amount needs."""
    exponent = amount.normalize(_EXACT).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
