"""What each line of an order is without and with tax, so that all of them come to exactly what the order came to.

The order says what its lines, its rates and the whole came to; a rate only tells whether that is plausible, and how
the tax of lines divides that do not state theirs. Who bears a discount on the whole is read from the order (`bearing`);
every difference of rounding goes over the lines it concerns by what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Literal

from retail_sync.records.orders import Order, OrderLine, Taxed
from retail_sync.records.sales import PLACES, SaleTerms
from retail_sync.sync.orders.bearing import Stand, Unfit, Whole, borne, only_rounded
from retail_sync.sync.orders.exact import counting, spread
from retail_sync.sync.orders.plan import Held
from retail_sync.sync.orders.portions import pools_of
from retail_sync.sync.orders.saying import held, shown
from retail_sync.sync.orders.till_money import in_own_money

Side = Literal["gross", "net", "mixed"]
"""Whether prices hold their tax. Where some do and some do not, only with tax they are of one kind."""
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
    if order.grain > 1:
        own = amounts_of(in_own_money(order))
        lines = [line for line in order.lines if line.quantity > 0]
        return [
            Amount(line, one.net * order.grain, one.tax * order.grain)
            for line, one in zip(lines, own, strict=True)
        ]
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
    return _taxed(order, order.taxed)


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


def _come_to(order: Order, totals: Sequence[int]) -> list[int]:
    """The totals less what was taken off the whole, so that they sum up to what is to pay."""
    too_much = sum(totals) - order.total
    if abs(too_much - order.total_discount) > _rounding(order.lines):
        raise _differ(order, "is to be paid", sum(totals) - order.total_discount, order.total)
    try:
        parts = spread(too_much, counting(totals))
    except ValueError:
        raise _differ(order, "is left over, but no line bears it", 0, too_much) from None
    return [total - part for total, part in zip(totals, parts, strict=True)]


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


def _taxed(order: Order, whole: Taxed) -> list[Amount]:
    """Nets and taxes of a taxed order's lines."""
    side = _side(order.lines)
    stands = [_stand(line, side) for line in order.lines]
    pools = pools_of(
        order, whole.gross - whole.net, [one.tax for one in stands], lambda *given: _differ(order, *given)
    )
    goal = whole.net if side == "net" else whole.gross
    known = Whole(stands, pools, goal, _shipping(order, side))
    over = sum(one.cost for one in stands) - goal
    _require_discount(order, side, known, over)
    try:
        costs, taxes = borne(known) if order.total_discount and over > 0 else only_rounded(known)
    except Unfit:
        raise _taxes_differ(order, known, over) from None
    nets = costs if side == "net" else [cost - tax for cost, tax in zip(costs, taxes, strict=True)]
    return [Amount(line, net, tax) for line, net, tax in zip(order.lines, nets, taxes, strict=True)]


def _stand(line: OrderLine, side: Side) -> Stand:
    rate = line.rate
    if line.taxed is not None:
        tax = line.taxed.gross - line.taxed.net
        cost = line.taxed.net if side == "net" else line.taxed.gross
    else:
        tax = _expected(line)
        cost = line.total + tax if side == "mixed" and not _included(line) else line.total
    parts = max(1, len(rate.parts)) if rate is not None else 1
    return Stand(cost, tax, line.taxed is not None, line.kind == "shipping", line.quantity * parts)


def _expected(line: OrderLine) -> int:
    """What its rate makes of a line that does not state its tax: what the order's own figures are held against, and how
    they divide among lines."""
    if line.rate is None:
        return 0
    share = line.rate.share
    tax = line.total * share / (1 + share) if line.rate.included else line.total * share
    return int(tax.quantize(Decimal(1), ROUND_HALF_EVEN))


def _shipping(order: Order, side: Side) -> tuple[int, int] | None:
    """What all shipping comes to, where the order says so."""
    said = order.shipping_taxed
    if said is None:
        return None
    return (said.net if side == "net" else said.gross), said.gross - said.net


def _require_discount(order: Order, side: Side, known: Whole, over: int) -> None:
    """Raises Held where the lines come to more, or less, than the order and its discount explain."""
    said = order.discount_taxed
    likely = {order.total_discount}
    if said is not None:
        likely.add(said.net if side == "net" else said.gross)
    elif side == "mixed":
        # On which side of tax it is, nobody says: anything between is likely.
        highest = max((line.rate.share for line in order.lines if line.rate is not None), default=Decimal(0))
        most = int(order.total_discount * (1 + highest))
        likely |= {most, min(max(over, order.total_discount), most)}
    if order.total + order.total_discount > 0:
        # The same share of everything (documented): so it is told where prices say another side of tax than lines.
        whole = sum(one.cost for one in known.stands)
        likely.add(round(Fraction(whole * order.total_discount, order.total + order.total_discount)))
    if all(one.stated for one in known.stands) and _lowered(order):
        likely.add(0)
    slack = known.rounding(known.everybody) * (2 if side == "mixed" else 1)
    if all(abs(over - one) > slack for one in likely):
        lines = sum(one.cost for one in known.stands) - order.total_discount
        raise _differ(order, "is to be paid", lines, known.goal)


def _lowered(order: Order) -> bool:
    """Whether what is taken off the whole is missing in the totals only: then what lines state as taxed is what is left
    of them."""
    total = sum(line.total for line in order.lines) - order.total_discount
    return bool(order.total_discount) and abs(total - order.total) <= _rounding(order.lines)


def _taxes_differ(order: Order, known: Whole, over: int) -> Held:
    """The first rate whose tax is not what lines and discount leave of it, else the whole."""
    for pool in known.pools:
        stated = sum(known.stands[n].tax for n in pool.lines)
        cost = sum(known.stands[n].cost for n in pool.lines)
        least = stated - (abs(over) * abs(stated) // abs(cost) if cost else 0) - known.many(pool)
        if not max(least, min(0, stated)) <= pool.tax <= max(0, stated) + known.many(pool):
            return _differ(order, "is tax of one rate", stated, pool.tax)
    return _differ(
        order,
        "is tax after what was taken off the whole",
        sum(one.tax for one in known.stands),
        sum(pool.tax for pool in known.pools),
    )


def _included(line: OrderLine) -> bool:
    return line.rate is None or not line.rate.share or line.rate.included


def _side(lines: Sequence[OrderLine]) -> Side:
    """Whether the prices of an order hold their tax."""
    held_in = {line.rate.included for line in lines if line.rate is not None and line.rate.share}
    if held_in == {True} or not held_in:
        return "gross"
    return "net" if held_in == {False} else "mixed"
