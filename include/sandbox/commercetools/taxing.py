"""Taxes of a cart as the platform works them out: rounded half to even, by line or by unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sandbox.commercetools.errors import Json

Units = tuple[int, int]
"""How many cost how much each, in minor units."""


def taxed(rate: Json, total: int, units: Iterable[Units] | None = None) -> tuple[int, int]:
    """(net, gross) of an amount that holds the tax or not, as the rate says. `units`: the tax of each unit is rounded
    for itself (`UnitPriceLevel`)."""
    if units is not None:
        parts = [(quantity, taxed(rate, unit)) for quantity, unit in units]
        return sum(n * net for n, (net, _) in parts), sum(n * gross for n, (_, gross) in parts)
    share = 1 + Decimal(str(rate["amount"]))
    if rate["includedInPrice"]:
        return _rounded(total / share), total
    return total, _rounded(total * share)


def portions_of(rate: Json, tax: int) -> list[tuple[Any, str, int]]:
    """(share, name, tax) of what a rate came to: by its sub-rates where it has some (documented). That they sum up to
    the whole tax, to the last unit, is inferred."""
    parts = rate.get("subRates") or [rate]
    weights = [int(Decimal(str(one["amount"])).scaleb(9)) for one in parts]
    if not any(weights):
        return [(one["amount"], one["name"], 0) for one in parts]
    sign = -1 if tax < 0 else 1
    amounts = spread(abs(tax), weights)
    return [(one["amount"], one["name"], sign * part) for one, part in zip(parts, amounts, strict=True)]


def cut(units: Iterable[Units], sizes: Iterable[int]) -> list[list[Units]]:
    """Units in lots of these sizes, in their order."""
    left = [cost for quantity, cost in units for _ in range(quantity)]
    found = []
    for size in sizes:
        some, left = left[:size], left[size:]
        found.append([(some.count(cost), cost) for cost in dict.fromkeys(some)])
    return found


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in parts by these weights, to the last unit; what is left over goes to the largest remainders. Only
    positive weights count."""
    counted = [max(weight, 0) for weight in weights]
    whole = sum(counted)
    if not whole:
        return [0] * len(counted)
    parts = [amount * weight // whole for weight in counted]
    by_remainder = sorted(range(len(counted)), key=lambda n: -(amount * counted[n] % whole))
    for n in by_remainder[: amount - sum(parts)]:
        parts[n] += 1
    return parts
