"""The lines of a sale: unit prices that come to the amounts of the order, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from retail_sync.records.orders import Order, OrderLine
from retail_sync.records.sales import PLACES, SaleLine
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.amounts import Amount
from retail_sync.sync.orders.articles import article_of
from retail_sync.sync.orders.exact import Units, major, spread, units_of
from retail_sync.sync.orders.plan import World
from retail_sync.sync.orders.taxes import tax_id_of


def sale_lines(
    order: Order, amounts: Sequence[Amount], world: World
) -> tuple[tuple[SaleLine, ...], list[Remark]]:
    """Lines of the till for these lines of the order, and what is to be said about them. Raises Held."""
    lines: list[SaleLine] = []
    findings: list[Remark] = []
    for amount in amounts:
        line = amount.line
        article, said = article_of(order, line, world)
        tax_id = tax_id_of(order, line.rate, world)
        findings += said
        for units in _units(amount, order.digits):
            lines.append(
                SaleLine(
                    product_id=article.id,
                    sku=article.sku,
                    name=line.name,
                    quantity=Decimal(units.quantity),
                    price=units.price,
                    tax=units.tax,
                    tax_id=tax_id,
                    discount=_lost(order, line, units.price),
                    note=article.note,
                    sequence=len(lines) + 1,
                    order_line=line.id,
                )
            )
    return tuple(lines), findings


def _units(amount: Amount, digits: int) -> Iterator[Units]:
    """A line's units by what they cost: those of a price group together, and one that bears a remainder alone."""
    groups = [one for one in amount.line.groups if one.quantity > 0]
    if sum(one.quantity for one in groups) != amount.line.quantity:
        yield from units_of(amount.line.quantity, amount.net, amount.tax, digits)
        return
    weights = [one.quantity * one.unit for one in groups]
    if not sum(weights):
        weights = [one.quantity for one in groups]
    taxes = spread(amount.tax, weights)
    if amount.line.rate is None or amount.line.rate.included:
        # Prices that hold their tax come out as the customer saw them; net is what is left of them.
        grosses = spread(amount.gross, weights)
        nets = [gross - tax for gross, tax in zip(grosses, taxes, strict=True)]
    else:
        nets = spread(amount.net, weights)
    for one, net, tax in zip(groups, nets, taxes, strict=True):
        yield from units_of(one.quantity, net, tax, digits)


def _lost(order: Order, line: OrderLine, price: Decimal) -> Decimal:
    """What a unit lost against its price before discounts, without tax. For information: the only figure that is
    computed from a rate, since nobody states it."""
    if not order.total_discount and line.total == line.unit * line.quantity:
        return Decimal(0)
    before = major(line.unit, order.digits)
    if order.taxed is not None and line.rate is not None and line.rate.included:
        before /= 1 + line.rate.share
    return max(Decimal(0), (before - price).quantize(Decimal(1).scaleb(-PLACES)))
