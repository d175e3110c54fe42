"""Which lines of an order share which of its tax portions, and what these come to.

The platform states taxes by the parts of its rates (state, county, city), and adds up parts of the same name and share
whatever rate they belong to. So lines whose rates have a part in common can't be told apart by the portions: they are
one pool, and the pool's tax is what its portions come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from retail_sync.records.orders import Order, OrderLine, Portion, Rate
from retail_sync.sync.orders.exact import spread
from retail_sync.sync.orders.plan import Held

Differ = Callable[[str, int, int], Held]
"""Makes the hold: what, by the lines, by the order."""
Key = tuple[Decimal, str]


@dataclass(frozen=True)
class Pool:
    """Lines that bear one amount of tax together. `lines`: their places. `parts`: how many amounts it was rounded
    from. `name`: for people."""

    lines: tuple[int, ...]
    tax: int
    parts: int = 1
    name: str = ""


def pools_of(order: Order, due: int, taxes: Sequence[int], differ: Differ) -> list[Pool]:
    """The pools of all lines; together they come to `due`. `taxes`: of each line, as far as the order says. Raises Held
    where the order's portions are not those of its lines."""
    groups = _groups(order)
    if not order.portions:
        return _without_portions(order, groups, due, taxes, differ)
    of_group = _portions_of_groups(order, groups)
    taken = {n for portions in of_group for n in portions}
    for n, portion in enumerate(order.portions):
        if portion.tax and n not in taken:
            raise differ(f"is tax of {portion.name or portion.rate}, a rate of no line", 0, portion.tax)
    stated = sum(one.tax for one in order.portions)
    if stated != due:
        raise differ("is tax", stated, due)
    return [
        Pool(
            tuple(n for group in together for n in groups[group][1]),
            sum(order.portions[n].tax for n in portions),
            max(1, len(portions)),
            " + ".join(dict.fromkeys(groups[group][0].name for group in together)),
        )
        for together, portions in _joined(of_group)
    ]


def _groups(order: Order) -> list[tuple[Rate, list[int]]]:
    """The lines of each rate. A rate of nothing is no tax, whatever it is called."""
    found: dict[Rate, list[int]] = {}
    for n, line in enumerate(order.lines):
        found.setdefault(_plain(line), []).append(n)
    return list(found.items())


def _plain(line: OrderLine) -> Rate:
    """What tells rates apart here: not the country, nor the side of tax."""
    if line.rate is None or not line.rate.share:
        return Rate(share=Decimal(0))
    return Rate(share=line.rate.share, name=line.rate.name, parts=line.rate.parts)


def _portions_of_groups(order: Order, groups: Sequence[tuple[Rate, list[int]]]) -> list[set[int]]:
    return [_portions_of(rate, order.portions) if rate.share else set() for rate, _ in groups]


def _portions_of(rate: Rate, portions: Sequence[Portion]) -> set[int]:
    """The portions of a rate: of its parts, else of the whole. An order that was put there by an interface may state
    it the one way or the other."""
    whole: Key = (rate.share, rate.name)
    parts: list[Key] = [(one.share, one.name) for one in rate.parts if one.share]
    found = [_named(key, portions) for key in parts]
    if parts and all(found):
        return {n for some in found for n in some}
    return _named(whole, portions) or {n for some in found for n in some}


def _named(key: Key, portions: Sequence[Portion]) -> set[int]:
    """Portions of this share and name, else of this share: names may be left out."""
    share, name = key
    same = {n for n, one in enumerate(portions) if one.rate == share}
    return {n for n in same if portions[n].name == name} or same


def _joined(of_group: Sequence[set[int]]) -> list[tuple[list[int], set[int]]]:
    """Groups that have a portion in common, with all their portions."""
    found: list[tuple[list[int], set[int]]] = []
    for group, portions in enumerate(of_group):
        touching = [one for one in found if one[1] & portions]
        found = [one for one in found if not one[1] & portions]
        groups = sorted([group, *(n for one, _ in touching for n in one)])
        found.append((groups, portions.union(*(some for _, some in touching))))
    return sorted(found, key=lambda one: one[0])


def _without_portions(
    order: Order,
    groups: Sequence[tuple[Rate, list[int]]],
    due: int,
    taxes: Sequence[int],
    differ: Differ,
) -> list[Pool]:
    """The tax of an order that does not say which rate came to what."""
    taxed = [lines for rate, lines in groups if rate.share]
    free = [Pool(tuple(lines), 0) for rate, lines in groups if not rate.share]
    if due and not taxed:
        raise differ("is tax, but no line has a rate", 0, due)
    if len(taxed) <= 1:
        return [*free, *(Pool(tuple(lines), due) for lines in taxed)]
    if due and any(order.lines[n].taxed is None for lines in taxed for n in lines):
        raise differ("is tax of several rates, and not told apart", 0, due)
    stated = [sum(taxes[n] for n in lines) for lines in taxed]
    if due and not sum(stated):
        raise differ("is tax", 0, due)
    parts = spread(due, stated)
    return [*free, *(Pool(tuple(lines), part) for lines, part in zip(taxed, parts, strict=True))]
