"""Orders in money that is counted in whole units online and in hundredths at the till."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from retail_sync.records.orders import Order, ReturnItem
from retail_sync.sync.orders.fingerprints import fingerprint_of
from retail_sync.sync.orders.plan import Known
from retail_sync.sync.orders.planner import plan_order
from retail_sync.sync.orders.till_money import in_own_money, in_till_money
from tests.support.orders_made import PLACED, Way, a_line, an_order, orders, paid
from tests.sync.orders.desk import TERMS, a_world, codes, comes_to, known_after, tendered, written

FORINT = replace(TERMS, currency="HUF", digits=2)
WORLD = a_world(terms=FORINT)
GROSS = Way(included=True, rounding="line")
WHOLE = {"currency": "HUF0", "digits": 0}


def in_forint(order: Order) -> Order:
    return order.model_copy(update=WHOLE)


def an_order_of(*amounts: int, **more: Any) -> Order:
    lines = [a_line(f"line-{n}", [(1, some)], GROSS, sku="TEE-RED") for n, some in enumerate(amounts)]
    return an_order(lines, GROSS, **{**WHOLE, **more})


def test_an_order_in_whole_forint_is_sold_and_paid_in_the_forint_of_the_till() -> None:
    order, known, plan = written(an_order_of(1000, 2500), Known(), WORLD)
    assert not codes(plan)
    [one] = known.sales
    assert (one.sale.total, one.sale.tax) == (Decimal(3500), Decimal(559))
    assert tendered(one.sale) == 350_000
    assert not plan_order(order, known, WORLD).steps and not plan_order(order, known, WORLD).findings


def test_nothing_of_it_is_divided_finer_than_its_own_money() -> None:
    plan = plan_order(an_order_of(1000, 1000, 1000, discount=100), Known(), WORLD)
    [sale] = [step.sale for step in plan.steps if step.sale is not None]
    assert [line.price + line.tax for line in sale.lines] == [Decimal(966), Decimal(967), Decimal(967)]


def test_money_goes_back_in_the_forint_of_the_till() -> None:
    order, known, _ = written(an_order_of(1000, 2500), Known(), WORLD)
    back = ReturnItem(
        id="item", line="line-0", quantity=1, goods="back_in_stock", money="refunded", at=PLACED
    )
    order = order.model_copy(update={"returns": (back,), "payments": (paid(3500, refunds=[("r", 1000)]),)})
    if order.currency == "HUF":
        # `written` gives the order back as it was given.
        raise AssertionError
    order, known, plan = written(order, known, WORLD)
    [sale] = known.returns
    assert (sale.total, tendered(sale), codes(plan)) == (Decimal(-1000), -100_000, [])
    assert not plan_order(order, known, WORLD).steps


@pytest.mark.parametrize("currency", ["HUF", "EUR"])
def test_money_that_is_the_tills_by_name_or_not_at_all_stays_as_it_is(currency: str) -> None:
    order = an_order_of(1000, currency=currency, digits=2)
    assert in_till_money(order, FORINT) == order
    assert codes(plan_order(order, Known(), WORLD)) == ([] if currency == "HUF" else ["currency_differs"])


def test_whole_units_of_another_currency_are_not_sold() -> None:
    assert codes(plan_order(an_order_of(1000, currency="CZK0"), Known(), WORLD)) == ["currency_differs"]


@given(orders())
def test_an_order_in_whole_units_is_sold_as_the_same_order_in_units_of_the_till(order: Order) -> None:
    """What is worked out in minor units is the same amounts, whatever they are worth; and so is what an order is
    recognised by."""
    whole = in_forint(order)
    stated = in_till_money(whole, FORINT)
    assert in_own_money(stated).lines == whole.lines and in_own_money(stated).total == whole.total
    assert fingerprint_of(stated) == fingerprint_of(whole)
    plan = plan_order(whole, Known(), WORLD)
    assert not codes(plan)
    sales = [step.sale for step in plan.steps if step.sale is not None]
    assert order.taxed is not None
    assert sum((sale.total for sale in sales), Decimal(0)) == order.taxed.gross
    assert sum(tendered(sale) for sale in sales) == order.taxed.gross * 100
    assert sum((sum(comes_to(sale)) for sale in sales), Decimal(0)) == order.taxed.gross
    known = known_after(whole, Known(), plan.steps)
    again = plan_order(whole.model_copy(update={"marks": ()}), known, WORLD)
    assert [step.action for step in again.steps] == ["mark"] and not again.findings
