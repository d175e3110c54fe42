"""What each line of an order is without and with tax, so that all of them come to exactly what the order came to.

Nothing is computed from a rate: the order says what its lines, its rates and the whole came to. A discount on the
whole, and every difference of rounding, is spread over the lines it concerns by what they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from include.records.orders import Order, OrderLine, Taxed
from include.records.sales import PLACES, SaleTerms
from include.sync.orders.exact import counting, spread
from include.sync.orders.plan import Held
from include.sync.orders.saying import held, shown

Key = tuple[Decimal, str]
"""Share and name of a rate; the name is empty where the order tells its rates apart by their share only."""
RELEASE = "Look at the order's totals in the online shop; it is tried again when the order changes."


@dataclass(frozen=True)
class Amount:
    """One line in whole minor units, after everything that was taken off."""

    line: OrderLine
    net: int
    tax: int

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def sold(self) -> bool:
        """Whether it is a line of a sale: shipping that costs nothing is none."""
        return self.line.kind != "shipping" or bool(self.net or self.tax)


def amounts_of(order: Order) -> list[Amount]:
    """Amounts of all lines with units: their sum is net and gross of the order, and by rate its portions. Raises Held
    (`totals_differ`) where what the order says of itself does not fit together."""
    if not order.lines:
        raise _differ(order, "is to be paid, but nothing was ordered", 0, order.gross)
    if order.gross < 0:
        raise _differ(order, "is less than nothing", sum(line.total for line in order.lines), order.gross)
    for line in order.lines:
        if line.quantity < 1 and (line.total or line.taxed not in (None, Taxed(net=0, gross=0))):
            raise _differ(order, f"is for {line.quantity} units of a line", 0, line.total)
    order = order.model_copy(update={"lines": tuple(line for line in order.lines if line.quantity > 0)})
    if order.taxed is None:
        return _untaxed(order)
    return _Taxed(order).amounts()


def require_currency(order: Order, terms: SaleTerms) -> None:
    """Raises Held where the till counts in other money."""
    if (order.currency, order.digits) != (terms.currency, terms.digits) or order.digits > PLACES:
        raise held(
            "currency_differs",
            f"The order is in {order.currency} ({order.digits} digits), the till counts in {terms.currency} "
            f"({terms.digits} digits).",
            "Leave such orders out (`orders.stores`, `orders.channels`), or export them to a store of that currency.",
            field="currency",
            order=order.currency,
            till=terms.currency,
        )


def _untaxed(order: Order) -> list[Amount]:
    totals = [line.total for line in order.lines]
    return [Amount(line, total, 0) for line, total in zip(order.lines, _come_to(order, totals), strict=True)]


def _come_to(order: Order, totals: Sequence[int], goal: int | None = None) -> list[int]:
    """The totals less what was taken off the whole, so that they sum up to the goal (what is to pay)."""
    goal = order.total if goal is None else goal
    too_much = sum(totals) - goal
    if abs(too_much - order.total_discount) > _rounding(order.lines):
        raise _differ(order, "is to be paid", sum(totals) - order.total_discount, goal)
    return _less(order, totals, too_much, totals)


def _less(order: Order, amounts: Sequence[int], taken: int, costs: Sequence[int]) -> list[int]:
    """Amounts less what was taken off them, by what each costs."""
    try:
        parts = spread(taken, counting(costs))
    except ValueError:
        raise _differ(order, "is left over, but no line bears it", 0, taken) from None
    return [amount - part for amount, part in zip(amounts, parts, strict=True)]


def _rounding(lines: Sequence[OrderLine]) -> int:
    """Most that rounding can explain: a minor unit for every unit, since taxes may be rounded by unit."""
    return sum(max(1, line.quantity) for line in lines)


def _differ(order: Order, what: str, lines: int, whole: int) -> Held:
    return held(
        "totals_differ",
        f"By the lines it is {shown(lines, order.digits, order.currency)}, "
        f"by the order {shown(whole, order.digits, order.currency)} {what}.",
        RELEASE,
        field="total",
        lines=lines,
        order=whole,
    )


class _Taxed:
    """The lines of a taxed order on their way to amounts."""

    def __init__(self, order: Order) -> None:
        assert order.taxed is not None
        self.order = order
        self.lines = order.lines
        self.whole = order.taxed
        self.side = _side(order.lines)
        self.keys = self._keys()
        self.groups: dict[Key, list[int]] = defaultdict(list)
        for n, key in enumerate(self.keys):
            self.groups[key].append(n)
        self.sides = [self._on_side(line) for line in self.lines]

    def amounts(self) -> list[Amount]:
        portions = self._portions()
        taxes = self._taxes(portions)
        if self.side == "mixed":
            # Some prices hold their tax and some do not: only with tax are they of one kind.
            costs = [
                side if line.taxed is not None or _included(line) else side + tax
                for line, side, tax in zip(self.lines, self.sides, taxes, strict=True)
            ]
            grosses = self._of_both_sides(costs)
        elif self.side == "gross":
            costs = self.sides
            grosses = _come_to(self.order, costs, self.whole.gross)
        else:
            costs = self.sides
            grosses = []
        for key, members in self.groups.items():
            self._bring_to(portions.get(key, 0), taxes, members, costs)
        if grosses:
            nets = [gross - tax for gross, tax in zip(grosses, taxes, strict=True)]
        else:
            nets = _come_to(self.order, costs, self.whole.net)
        return [Amount(line, net, tax) for line, net, tax in zip(self.lines, nets, taxes, strict=True)]

    def _of_both_sides(self, costs: Sequence[int]) -> list[int]:
        """On which side of tax a discount on the whole is, nobody says here."""
        too_much = sum(costs) - self.whole.gross
        if not self.order.total_discount and abs(too_much) > 2 * _rounding(self.lines):
            raise _differ(self.order, "is to be paid", sum(costs), self.whole.gross)
        return _less(self.order, costs, too_much, costs)

    def _keys(self) -> list[Key]:
        """The rate of each line: with its name where the order's portions are told apart by name, too."""
        named = [_key(line) for line in self.lines]
        stated = {(one.rate, one.name) for one in self.order.portions}
        taxed = {key for key in named if key[0]}
        if taxed <= stated:
            return named
        return [(share, "") for share, _ in named]

    def _portions(self) -> dict[Key, int]:
        """What each rate came to, as the order says."""
        order, due = self.order, self.whole.gross - self.whole.net
        if not order.portions:
            return self._lone_portion(due)
        by_name = any(name for _, name in self.groups)
        found: dict[Key, int] = defaultdict(int)
        for one in order.portions:
            key = (one.rate, one.name) if by_name else (one.rate, "")
            found[key] += one.tax
        for key, tax in found.items():
            if tax and key not in self.groups:
                raise _differ(order, f"is tax of {key[1] or key[0]}, a rate of no line", 0, tax)
        if sum(found.values()) != due:
            raise _differ(order, "is tax", sum(found.values()), due)
        return dict(found)

    def _lone_portion(self, due: int) -> dict[Key, int]:
        """The tax of an order that does not say which rate came to what."""
        taxed = [key for key in self.groups if key[0]]
        if len(taxed) <= 1 or not due:
            if due and not taxed:
                raise _differ(self.order, "is tax, but no line has a rate", 0, due)
            return dict.fromkeys(taxed, due)
        if any(self.lines[n].taxed is None for key in taxed for n in self.groups[key]):
            raise _differ(self.order, "is tax of several rates, and not told apart", 0, due)
        stated = [sum(self._stated_tax(n) for n in self.groups[key]) for key in taxed]
        return dict(zip(taxed, spread(due, stated), strict=True)) if sum(stated) else {}

    def _taxes(self, portions: dict[Key, int]) -> list[int]:
        """The tax of each line before anything was taken off the whole: as the line says, else its part of what its
        rate came to."""
        taxes = [self._stated_tax(n) for n in range(len(self.lines))]
        cost = sum(self.sides)
        for key, members in self.groups.items():
            open_ones = [n for n in members if self.lines[n].taxed is None]
            if not open_ones or not key[0]:
                continue
            group = sum(self.sides[n] for n in members)
            full = portions.get(key, 0)
            taken = self.order.total_discount * group // cost if cost else 0
            if taken and group != taken:
                full = full * group // (group - taken)
            weights = [self.sides[n] for n in open_ones]
            rest = full - sum(taxes[n] for n in members)
            if sum(weights):
                for n, tax in zip(open_ones, spread(rest, weights), strict=True):
                    taxes[n] = tax
        return taxes

    def _bring_to(self, portion: int, taxes: list[int], members: Sequence[int], costs: Sequence[int]) -> None:
        """Let the lines of one rate bear exactly the tax the order says it came to."""
        too_much = sum(taxes[n] for n in members) - portion
        if not self.order.total_discount and abs(too_much) > _rounding([self.lines[n] for n in members]):
            raise _differ(self.order, "is tax of one rate", portion + too_much, portion)
        less = _less(self.order, [taxes[n] for n in members], too_much, [costs[n] for n in members])
        for n, tax in zip(members, less, strict=True):
            taxes[n] = tax

    def _stated_tax(self, n: int) -> int:
        taxed = self.lines[n].taxed
        return 0 if taxed is None else taxed.gross - taxed.net

    def _on_side(self, line: OrderLine) -> int:
        """What it costs, on the order's side of tax."""
        if line.taxed is None:
            return line.total
        return line.taxed.net if self.side == "net" else line.taxed.gross


def _key(line: OrderLine) -> Key:
    return (line.rate.share, line.rate.name) if line.rate is not None else (Decimal(0), "")


def _included(line: OrderLine) -> bool:
    return line.rate is None or not line.rate.share or line.rate.included


def _side(lines: Sequence[OrderLine]) -> Literal["gross", "net", "mixed"]:
    """Whether the prices of an order hold their tax."""
    held_in = {line.rate.included for line in lines if line.rate is not None and line.rate.share}
    if held_in == {True} or not held_in:
        return "gross"
    return "net" if held_in == {False} else "mixed"
