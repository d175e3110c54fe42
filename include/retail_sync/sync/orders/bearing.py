"""Who bears what was taken off an order as a whole, and what each line is then without and with tax.

The order never says it line by line, but it says enough: what shipping comes to (`taxedShippingPrice`), what lines come
to themselves, and what tax is left of each rate. So there are *readings* of it, from what the order states to what the
API documents (the same share of everything), and the first whose taxes are the order's counts. None: the order does
not fit together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from retail_sync.sync.orders.exact import counting, spread, spread_within
from retail_sync.sync.orders.portions import Pool


class Unfit(Exception):
    """A reading does not come to what the order says."""


@dataclass(frozen=True)
class Stand:
    """A line before anything was taken off the whole. `cost`: on the order's side of tax. `tax`: as the line states
    it, else what its rate makes of the cost. `units`: what rounding may have touched each of."""

    cost: int
    tax: int
    stated: bool
    shipping: bool
    units: int = 1


@dataclass(frozen=True)
class Whole:
    """What is known of an order. `goal`: what costs come to, on its side of tax. `fixed_shipping`: (cost, tax) of all
    shipping together, where the order states it."""

    stands: Sequence[Stand]
    pools: Sequence[Pool]
    goal: int
    fixed_shipping: tuple[int, int] | None = None

    @property
    def everybody(self) -> list[int]:
        return list(range(len(self.stands)))

    def rounding(self, lines: Iterable[int]) -> int:
        """Most that rounding can explain: a minor unit for every unit, since taxes may be rounded by unit."""
        return sum(max(1, self.stands[n].units) for n in lines)

    def few(self, pool: Pool) -> int:
        """What rounding explains where taxes are rounded by line, and by portion."""
        return len(pool.lines) + pool.parts

    def many(self, pool: Pool) -> int:
        return self.rounding(pool.lines) * pool.parts


@dataclass(frozen=True)
class Reading:
    """Lines that come to (cost, tax) anyway, and what each of the others bears of the rest. `weights` None: what they
    bear follows from the taxes that are left."""

    bearers: Sequence[int]
    weights: Sequence[int] | None
    fixed: Mapping[int, tuple[int, int]] = field(default_factory=dict)


Found = tuple[list[int], list[int]]
"""Costs and taxes of all lines."""


def only_rounded(whole: Whole) -> Found:
    """Where nothing was taken off: lines as they are, and what rounding left goes over all of them by what they cost.
    Raises Unfit."""
    costs = [one.cost for one in whole.stands]
    over = sum(costs) - whole.goal
    if abs(over) > whole.rounding(whole.everybody):
        raise Unfit
    taxes = [one.tax for one in whole.stands]
    for pool in whole.pools:
        _round_off(whole, pool, taxes)
    return _less(costs, over, costs), taxes


def _round_off(whole: Whole, pool: Pool, taxes: list[int]) -> None:
    more = pool.tax - sum(taxes[n] for n in pool.lines)
    if abs(more) > whole.many(pool):
        raise Unfit
    parts = _nudges([taxes[n] for n in pool.lines], more, [whole.stands[n].cost for n in pool.lines])
    for n, part in zip(pool.lines, parts, strict=True):
        taxes[n] += part


def borne(whole: Whole) -> Found:
    """Where something was taken off. Raises Unfit where no reading is what the order says."""
    for close in (True, False):
        for reading in _readings(whole):
            try:
                return _read(whole, reading, close=close)
            except Unfit:
                continue
    raise Unfit


def _readings(whole: Whole) -> Iterator[Reading]:
    costs = [one.cost for one in whole.stands]
    for bearers, fixed in _tiers(whole):
        yield Reading(bearers, counting(costs[n] for n in bearers), fixed)
    for bearers, fixed in _tiers(whole):
        if any(costs[n] < 0 for n in bearers):
            yield Reading(bearers, [costs[n] for n in bearers], fixed)
    for bearers, fixed in _tiers(whole):
        yield Reading(bearers, None, fixed)


def _tiers(whole: Whole) -> Iterator[tuple[list[int], dict[int, tuple[int, int]]]]:
    """Who may bear it, the likeliest first: goods where the order states what shipping comes to; lines that do not
    state what they come to, goods among them; all goods; all there is."""
    shipping = [n for n, one in enumerate(whole.stands) if one.shipping]
    goods = [n for n, one in enumerate(whole.stands) if not one.shipping]
    if whole.fixed_shipping is not None and shipping:
        yield goods, _fixed(whole, shipping, *whole.fixed_shipping)
    unstated = [n for n, one in enumerate(whole.stands) if not one.stated]
    if set(unstated) & set(goods):
        yield unstated, {}
    yield [n for n in whole.everybody if n in goods or not whole.stands[n].stated], {}
    yield whole.everybody, {}


def _fixed(whole: Whole, lines: Sequence[int], cost: int, tax: int) -> dict[int, tuple[int, int]]:
    """Several lines that come to something together."""
    costs, taxes = [whole.stands[n].cost for n in lines], [whole.stands[n].tax for n in lines]
    try:
        each = zip(spread(cost, counting(costs)), spread(tax, counting(taxes)), strict=True)
    except ValueError:
        return {}
    return dict(zip(lines, each, strict=True))


def _read(whole: Whole, reading: Reading, *, close: bool) -> Found:
    costs = [one.cost for one in whole.stands]
    taxes = [Fraction(one.tax) for one in whole.stands]
    for n, (cost, tax) in reading.fixed.items():
        costs[n], taxes[n] = cost, Fraction(tax)
    over = sum(costs) - whole.goal
    weights = reading.weights
    taken = _implied(whole, reading, over) if weights is None else _spread(over, weights)
    for n, part in zip(reading.bearers, taken, strict=True):
        costs[n] -= part
        if costs[n] * whole.stands[n].cost < 0 or abs(costs[n]) > abs(whole.stands[n].cost):
            raise Unfit
        if whole.stands[n].cost:
            taxes[n] = taxes[n] * costs[n] / whole.stands[n].cost
    found = [0] * len(costs)
    for pool in whole.pools:
        for n, tax in _taxes_of(whole, pool, set(reading.bearers), costs, taxes, close=close).items():
            found[n] = tax
    return costs, found


def _implied(whole: Whole, reading: Reading, over: int) -> list[int]:
    """What each bears, by the tax that is left of each rate: where half of a rate's tax is left, half of what its lines
    cost is. What has no tax bears the rest."""
    taken: dict[int, int] = {}
    free: list[int] = []
    slack = 0
    for pool in whole.pools:
        bearing = [n for n in pool.lines if n in reading.bearers]
        before = sum(whole.stands[n].tax for n in bearing)
        cost = sum(whole.stands[n].cost for n in bearing)
        if before <= 0 or cost <= 0:
            free += bearing
            continue
        others = [n for n in pool.lines if n not in bearing]
        left = pool.tax - sum(reading.fixed.get(n, (0, whole.stands[n].tax))[1] for n in others)
        part = round(Fraction(cost * (before - min(max(left, 0), before)), before))
        slack += -(-cost * whole.few(pool) // before)
        taken |= _by_cost(whole, bearing, part)
    rest = over - sum(taken.values())
    if sum(whole.stands[n].cost for n in free) > 0:
        taken |= _by_cost(whole, free, rest)
    elif abs(rest) > slack:
        raise Unfit
    else:
        more = _by_cost(whole, list(taken), rest)
        taken = {n: part + more[n] for n, part in taken.items()}
    return [taken.get(n, 0) for n in reading.bearers]


def _by_cost(whole: Whole, lines: Sequence[int], amount: int) -> dict[int, int]:
    parts = _spread(amount, counting(whole.stands[n].cost for n in lines))
    return dict(zip(lines, parts, strict=True))


def _taxes_of(
    whole: Whole,
    pool: Pool,
    bearers: set[int],
    costs: Sequence[int],
    expected: Sequence[Fraction],
    *,
    close: bool,
) -> dict[int, int]:
    """Taxes of a pool's lines that come to what the order says: who bears the discount has between nothing and what it
    stated, the others what they stated. What rounding leaves beyond that goes over the others."""
    likely = sum((expected[n] for n in pool.lines), Fraction(0))
    if abs(pool.tax - likely) > (whole.few(pool) if close else whole.many(pool)):
        raise Unfit
    sign = -1 if sum(whole.stands[n].tax for n in pool.lines) < 0 else 1
    changed = [n for n in pool.lines if n in bearers and costs[n] != whole.stands[n].cost]
    bearing = [n for n in changed if costs[n] and whole.stands[n].tax * sign > 0]
    found = {n: round(expected[n]) for n in pool.lines if n not in bearing}
    wanted = sign * (pool.tax - sum(found.values()))
    most = [abs(whole.stands[n].tax) for n in bearing]
    amount = min(max(wanted, 0), sum(most))
    parts = spread_within(amount, [abs(expected[n]) for n in bearing], most)
    found |= {n: sign * part for n, part in zip(bearing, parts, strict=True)}
    # Beyond that only rounding is left: it goes over the lines that were not lowered, else over all of them.
    costing = [n for n in pool.lines if costs[n]]
    others = [n for n in costing if n not in changed] or costing
    rest = _nudges([found[n] for n in others], sign * (wanted - amount), [costs[n] for n in others])
    return found | {n: found[n] + part for n, part in zip(others, rest, strict=True)}


def _nudges(taxes: Sequence[int], more: int, costs: Sequence[int]) -> list[int]:
    """What rounding adds to taxes, by what lines cost; none of them is lowered below nothing. Raises Unfit."""
    room = [max(tax, 0) for tax in taxes]
    if more >= 0 or sum(taxes) < 0:
        return _spread(more, counting(costs))
    if sum(room) < -more:
        raise Unfit
    weights = [Fraction(cost) for cost in counting(costs)]
    return [-part for part in spread_within(-more, weights, room)]


def _less(amounts: Sequence[int], taken: int, costs: Sequence[int]) -> list[int]:
    """Amounts less what was taken off them, by what each costs. Raises Unfit where nothing bears it."""
    parts = _spread(taken, counting(costs))
    return [amount - part for amount, part in zip(amounts, parts, strict=True)]


def _spread(amount: int, weights: Sequence[int]) -> list[int]:
    try:
        return spread(amount, weights)
    except ValueError:
        raise Unfit from None
