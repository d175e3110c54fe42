"""The amounts of a sale in whole minor units, so that lines come to its total exactly.

The till keeps units to five digits and rounds the whole; each line rounded by itself may be a cent off. The line of
the largest amount takes what is missing. What no rounding explains (a surcharge, a tip, an adjustment of the whole
sale) is a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from retail_sync.records.sales import PLACES, Sale, SaleLine, SaleTerms, TillTax

_LAST_PLACE = Decimal(1).scaleb(-PLACES)
"""The last digit a till keeps of a unit's price and tax."""
RATE = Decimal("0.0001")
"""To this a rate is told that no tax of the till states."""


@dataclass(frozen=True)
class Amounts:
    """A line in minor units. `line`: None for what the sale came to beyond its lines."""

    line: SaleLine | None
    net: int
    gross: int
    rate: Decimal
    tax_name: str = ""


@dataclass(frozen=True)
class Totals:
    net: int
    gross: int


def minor(amount: Decimal, digits: int) -> int:
    """Whole minor units, halves away from zero, as tills round."""
    return int(amount.scaleb(digits).quantize(Decimal(1), ROUND_HALF_UP))


def totals_of(sale: Sale, digits: int) -> Totals:
    """What the whole sale came to, as the till says."""
    gross = minor(sale.total, digits)
    return Totals(gross - minor(sale.tax, digits), gross)


def amounts_of(sale: Sale, terms: SaleTerms) -> list[Amounts]:
    """Every line with goods in it; they add up to `totals_of`."""
    totals = totals_of(sale, terms.digits)
    lines = [_amounts(line, terms) for line in sale.lines if line.quantity]
    net = totals.net - sum(one.net for one in lines)
    gross = totals.gross - sum(one.gross for one in lines)
    if not net and not gross:
        return lines
    # Half a unit for each line and each total: more than that was not lost by rounding.
    if lines and max(abs(net), abs(gross)) <= len(lines) // 2 + 2:
        largest = max(range(len(lines)), key=lambda at: abs(lines[at].gross))
        one = lines[largest]
        lines[largest] = replace(one, net=one.net + net, gross=one.gross + gross)
        return lines
    return [*lines, Amounts(None, net, gross, _share(gross - net, net))]


def portions_of(lines: Sequence[Amounts]) -> list[tuple[Decimal, str, int, int]]:
    """(rate, name, tax, net) of each tax; they add up to the tax and the net amount of the lines."""
    found: dict[tuple[Decimal, str], tuple[int, int]] = {}
    for one in lines:
        tax, net = found.get((one.rate, one.tax_name), (0, 0))
        found[one.rate, one.tax_name] = (tax + one.gross - one.net, net + one.net)
    return [(rate, name, tax, net) for (rate, name), (tax, net) in found.items()]


def _amounts(line: SaleLine, terms: SaleTerms) -> Amounts:
    tax = next((one for one in terms.taxes.values() if one.id == line.tax_id), None)
    if tax is not None and not _is_of(line, tax, terms.digits):
        # Its rate was changed at the till since: the line was sold at another, which nothing names any more.
        tax = None
    return Amounts(
        line,
        minor(line.quantity * line.price, terms.digits),
        minor(line.quantity * (line.price + line.tax), terms.digits),
        tax.rate if tax else _share(line.tax, line.price),
        tax.name if tax else "",
    )


def _is_of(line: SaleLine, tax: TillTax, digits: int) -> bool:
    """Whether a line's tax is of that rate: a till rounds it by unit, to a minor unit at the coarsest."""
    return abs(line.price * tax.rate - line.tax) <= Decimal(5).scaleb(-digits - 1) + _LAST_PLACE


def _share(tax: Decimal | int, net: Decimal | int) -> Decimal:
    """The rate behind an amount, in as few digits as it takes; 0 where none can be told."""
    if not net or not tax:
        return Decimal(0)
    exact = Decimal(tax) / Decimal(net)
    if not 0 <= exact <= 1:
        return Decimal(0)
    by_digits = (exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) for digits in range(2, PLACES + 1))
    slack = _LAST_PLACE if isinstance(tax, Decimal) else Decimal("0.5")
    fitting = (one for one in by_digits if abs(one * net - tax) <= slack)
    return next(fitting, exact.quantize(RATE, ROUND_HALF_UP))
