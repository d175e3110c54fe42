"""Exact arithmetic of money: parts that sum up to the last unit, and unit prices that do after multiplication."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import lcm

from retail_sync.records.sales import PLACES


@dataclass(frozen=True)
class Units:
    """So many units at one price and tax each, without tax and with up to five digits."""

    quantity: int
    price: Decimal
    tax: Decimal


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in parts by these weights, exactly: what is left over goes to the largest remainders, the first of
    equal ones first. Weights may be negative as long as they don't sum up to 0. Raises ValueError where they do."""
    if amount == 0:
        return [0] * len(weights)
    whole = sum(weights)
    if whole == 0:
        raise ValueError("nothing to spread it over")
    if whole < 0:
        whole, weights = -whole, [-weight for weight in weights]
    shares = [divmod(amount * weight, whole) for weight in weights]
    parts = [part for part, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda n: (-shares[n][1], n))
    for n in by_remainder[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def spread_within(amount: int, weights: Sequence[Fraction], most: Sequence[int]) -> list[int]:
    """The amount in parts by these weights, none of them above its most: what one can't take, the others do. Neither
    the amount nor a weight is negative. Raises ValueError where all of them together can't take it."""
    if amount > sum(most):
        raise ValueError("more than they can take")
    parts, left = [0] * len(most), amount
    while left:
        room = [n for n, part in enumerate(parts) if part < most[n]]
        given = [weights[n] for n in room]
        some = _fractions_of(left, given if any(given) else [Fraction(most[n] - parts[n]) for n in room])
        for n, part in zip(room, some, strict=True):
            taken = min(part, most[n] - parts[n])
            parts[n] += taken
            left -= taken
    return parts


def _fractions_of(amount: int, weights: Sequence[Fraction]) -> list[int]:
    one = lcm(*(weight.denominator for weight in weights))
    return spread(amount, [int(weight * one) for weight in weights])


def counting(weights: Iterable[int]) -> list[int]:
    """Weights for what is taken off: what costs something bears it, and what costs less than nothing only where
    nothing else is there."""
    given = list(weights)
    costing = [max(weight, 0) for weight in given]
    return costing if any(costing) else [abs(weight) for weight in given]


def major(minor: int, digits: int) -> Decimal:
    """Minor units of a currency as a decimal amount."""
    return Decimal(minor).scaleb(-digits)


def minor(amount: Decimal, digits: int) -> int:
    """A decimal amount in whole minor units; half of one is rounded away from zero, as tills do with what is to pay."""
    return int(amount.scaleb(digits).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def units_of(quantity: int, net: int, tax: int, digits: int) -> list[Units]:
    """Unit prices whose sum is the amount, exactly. Where it can't be divided, one unit bears the remainder."""
    scale = 10 ** (PLACES - digits)
    price, price_left = _divided(net * scale, quantity)
    share, share_left = _divided(tax * scale, quantity)
    if not price_left and not share_left:
        return [Units(quantity, _places(price), _places(share))]
    return [
        Units(quantity - 1, _places(price), _places(share)),
        Units(1, _places(price + price_left), _places(share + share_left)),
    ]


def _divided(amount: int, quantity: int) -> tuple[int, int]:
    """The nearest part for each, and what is left over for one of them (which may be negative)."""
    each = (2 * amount + quantity) // (2 * quantity)
    return each, amount - each * quantity


def _places(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-PLACES)
