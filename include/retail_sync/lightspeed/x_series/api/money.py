"""Prices: from the side the store keeps (with or without tax) to the side the configuration declares, and back.

A store keeps one side: `price_including_tax` in tax-inclusive stores, `price_excluding_tax` in tax-exclusive ones; it
derives the other to five decimals (30 / 1.15 = 26.08696). Where the canonical price is the kept side, nothing is
computed at all. Where it is the other, both directions round once, half up, and going there and back always gives
the same minor units (tested): five decimals, or whole minor units at a rate above zero, move a price by less than half
a minor unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Literal

from retail_sync.records.currencies import minor_digits

TaxSide = Literal["included", "excluded"]

PRICE_DECIMALS = 5
"""Digits of a price without tax (official examples show 2.63158)."""


@dataclass(frozen=True)
class PriceRule:
    """Which side the store keeps, which side canonical prices are on, and how many digits the currency has."""

    kept: TaxSide
    canonical: TaxSide
    currency: str

    @property
    def digits(self) -> int:
        return minor_digits(self.currency)

    @property
    def converts(self) -> bool:
        """Whether a tax rate is needed to read or write a price."""
        return self.kept != self.canonical

    def canonical_minor(self, kept: Decimal, rate: Decimal | None) -> tuple[int, bool] | None:
        """(minor units, whether the way back gives `kept` again) of a price as the store keeps it; None where the rate
        is missing."""
        amount = kept
        with localcontext() as context:
            context.prec = 50
            if self.converts:
                if rate is None:
                    return None
                amount = kept * (1 + rate) if self.canonical == "included" else kept / (1 + rate)
            minor = int(amount.scaleb(self.digits).quantize(Decimal(1), rounding=ROUND_HALF_UP))
            return minor, self.kept_amount(minor, rate) == kept

    def kept_amount(self, minor: int, rate: Decimal | None) -> Decimal | None:
        """The price to send for `minor` canonical units; None where the rate is missing."""
        with localcontext() as context:
            context.prec = 50
            amount = Decimal(minor).scaleb(-self.digits)
            if not self.converts:
                return amount
            if rate is None:
                return None
            if self.kept == "excluded":
                step = Decimal(1).scaleb(-max(PRICE_DECIMALS, self.digits))
                return (amount / (1 + rate)).quantize(step, rounding=ROUND_HALF_UP)
            # A shelf price has whole minor units.
            step = Decimal(1).scaleb(-self.digits)
            return (amount * (1 + rate)).quantize(step, rounding=ROUND_HALF_UP)


PRICE_FIELDS: dict[TaxSide, str] = {"included": "price_including_tax", "excluded": "price_excluding_tax"}
