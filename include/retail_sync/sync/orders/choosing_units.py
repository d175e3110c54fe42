"""Which units of a line come back, where they cost different amounts: those whose money went back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations

from retail_sync.records.sales import SaleLine

MOST_REFUNDS = 8
"""Refunds of one order whose combinations are looked at; of more only each alone, and all together."""
MOST_CHOICES = 5_000
"""Ways to take units that are looked at; beyond that they come back in the order they were sold."""

Choice = tuple[int, ...]
"""Units of each line, in the order of lines."""


def chosen_units(
    left: Sequence[SaleLine],
    wanted: Mapping[str, int],
    refunds: Sequence[int],
    value: Callable[[Decimal], int],
    *,
    single: bool,
) -> list[SaleLine]:
    """So many units of each line of the order as are wanted, off those that are left. `refunds`: what went back and is
    not at the till yet, oldest first. `value`: what an amount comes to in minor units. `single`: they are of one
    return, so one refund is likelier than all.

    The first choice whose value is what some refunds come to; else the one that is nearest to all of them; without
    refunds the units that were sold first."""
    choices = list(_choices(left, wanted))
    first = choices[0]
    if len(choices) > 1 and refunds:
        worth = {choice: value(_amount(left, choice)) for choice in choices}
        exact = (
            choice for goal in _goals(refunds, single=single) for choice in choices if worth[choice] == goal
        )
        nearest = min(choices, key=lambda choice: abs(worth[choice] - sum(refunds)))
        first = next(exact, nearest)
    return [
        line.model_copy(update={"quantity": Decimal(units)})
        for line, units in zip(left, first, strict=True)
        if units
    ]


def _choices(left: Sequence[SaleLine], wanted: Mapping[str, int]) -> Iterator[Choice]:
    """Every way to take the units, the first as they were sold; not more than a limit."""
    found: list[tuple[Choice, Mapping[str, int]]] = [((), dict(wanted))]
    for n, line in enumerate(left):
        key = line.order_line or ""
        later = sum(int(other.quantity) for other in left[n + 1 :] if other.order_line == line.order_line)
        longer: list[tuple[Choice, Mapping[str, int]]] = []
        for choice, open_ones in found:
            missing = open_ones.get(key, 0)
            most = min(missing, int(line.quantity))
            for units in range(most, max(0, missing - later) - 1, -1):
                longer.append(((*choice, units), {**open_ones, key: missing - units}))
        # As they were sold is the first choice, whatever is cut.
        found = longer[:MOST_CHOICES]
    return (choice for choice, _ in found)


def _amount(left: Sequence[SaleLine], choice: Choice) -> Decimal:
    return sum(
        (units * (line.price + line.tax) for line, units in zip(left, choice, strict=True)), Decimal(0)
    )


def _goals(refunds: Sequence[int], *, single: bool) -> Iterator[int]:
    """Amounts the units may come to, the likeliest first."""
    if single:
        yield from refunds
    yield sum(refunds)
    if not single:
        yield from refunds
    if len(refunds) <= MOST_REFUNDS:
        for size in range(2, len(refunds)):
            yield from (sum(some) for some in combinations(refunds, size))
