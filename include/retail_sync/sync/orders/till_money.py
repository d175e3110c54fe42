"""An order in the money the till counts in.

Online some currencies exist twice: HUF with two digits, and HUF0 in whole units. Money of both is the till's HUF. An
order in whole units is stated in the till's minor units here and remembers its `grain`, so that nothing of it is ever
divided finer than its own money."""

from __future__ import annotations

from collections.abc import Callable

from retail_sync.records.currencies import iso_code
from retail_sync.records.orders import Order, OrderLine, Payment, Taxed
from retail_sync.records.sales import SaleTerms


def in_till_money(order: Order, terms: SaleTerms) -> Order:
    """The order in the till's minor units, if its money is the till's under another name; else as it is."""
    if order.currency == terms.currency or iso_code(order.currency) != terms.currency:
        return order
    if order.digits > terms.digits:
        return order
    grain = int(10 ** (terms.digits - order.digits))
    stated = _restated(order, lambda amount: amount * grain)
    return stated.model_copy(update={"currency": terms.currency, "digits": terms.digits, "grain": grain})


def in_own_money(order: Order) -> Order:
    """The order in the smallest amounts of its own money, whatever they are called."""
    if order.grain == 1:
        return order
    own = _restated(order, lambda amount: amount // order.grain)
    digits = order.digits - (len(str(order.grain)) - 1)
    return own.model_copy(update={"digits": digits, "grain": 1})


def _restated(order: Order, as_stated: Callable[[int], int]) -> Order:
    def taxed(one: Taxed | None) -> Taxed | None:
        return None if one is None else Taxed(net=as_stated(one.net), gross=as_stated(one.gross))

    def line(one: OrderLine) -> OrderLine:
        groups = tuple(group.model_copy(update={"unit": as_stated(group.unit)}) for group in one.groups)
        amounts = {"unit": as_stated(one.unit), "total": as_stated(one.total)}
        return one.model_copy(update={**amounts, "groups": groups, "taxed": taxed(one.taxed)})

    def payment(one: Payment) -> Payment:
        moved = tuple(each.model_copy(update={"amount": as_stated(each.amount)}) for each in one.transactions)
        return one.model_copy(update={"transactions": moved})

    return order.model_copy(
        update={
            "lines": tuple(line(one) for one in order.lines),
            "total": as_stated(order.total),
            "taxed": taxed(order.taxed),
            "portions": tuple(one.model_copy(update={"tax": as_stated(one.tax)}) for one in order.portions),
            "total_discount": as_stated(order.total_discount),
            "discount_taxed": taxed(order.discount_taxed),
            "shipping_taxed": taxed(order.shipping_taxed),
            "payments": tuple(payment(one) for one in order.payments),
        }
    )
