"""Money that goes back once, and units that come back at the price they were paid at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.orders import Order, OrderLine, ReturnItem
from retail_sync.records.sales import Sale
from retail_sync.sync.orders.plan import Known, OrderPlan
from retail_sync.sync.orders.planner import plan_order
from tests.support.orders_made import PLACED, Way, a_line, an_order, paid
from tests.sync.orders.desk import (
    TERMS,
    a_world,
    actions,
    codes,
    comes_to,
    known_after,
    marked,
    tendered,
    written,
)

GROSS = Way(included=True, rounding="line")
WORLD = a_world()
MIXED = a_line("mixed", [(2, 1000), (1, 500)], GROSS, sku="TEE-RED", unit=1000)
"""Two units of 10.00 and one of 5.00."""


def an_item(line: str, units: int = 1, id: str = "item", **more: Any) -> ReturnItem:
    return ReturnItem(
        id=id, line=line, quantity=units, goods="back_in_stock", at=PLACED, **{"money": "refunded", **more}
    )


def sold(*lines: OrderLine) -> tuple[Order, Known]:
    order, known, plan = written(an_order(lines, GROSS), Known(), WORLD)
    assert not plan.held
    return order, known


def after(order: Order, *returns: ReturnItem, refunds: Sequence[tuple[str, int]] = (), **more: Any) -> Order:
    assert order.taxed is not None
    payments = (paid(order.taxed.gross, refunds=refunds),)
    return order.model_copy(update={"returns": returns, "payments": payments, **more})


def the(plan: OrderPlan, action: str) -> Sale:
    [sale] = [step.sale for step in plan.steps if step.action == action]
    assert sale is not None
    return sale


def units(sale: Sale) -> list[tuple[int, int]]:
    """(units, what each costs) of a return."""
    return [(int(line.quantity), int((line.price + line.tax) * 100)) for line in sale.lines]


def at_till(known: Known) -> int:
    alive = [one.sale for one in known.sales if one.sale.state != "voided"]
    return tendered(*alive, *known.returns)


# ------------------------------------------------------------ units at several prices


@pytest.mark.parametrize(
    ("refunds", "quantity", "expected"),
    [
        ([500], 1, [(-1, 500)]),
        ([1000], 1, [(-1, 1000)]),
        ([], 1, [(-1, 1000)]),
        ([1500], 2, [(-1, 1000), (-1, 500)]),
        ([1000, 500], 2, [(-1, 1000), (-1, 500)]),
        ([2000], 2, [(-2, 1000)]),
        ([450], 1, [(-1, 500)]),
        ([2500], 3, [(-2, 1000), (-1, 500)]),
        ([490, 500], 1, [(-1, 500)]),
    ],
)
def test_the_units_come_back_whose_money_went_back(
    refunds: list[int], quantity: int, expected: list[tuple[int, int]]
) -> None:
    order, known = sold(MIXED)
    back = [(f"r-{n}", amount) for n, amount in enumerate(refunds)]
    plan = plan_order(after(order, an_item("mixed", quantity), refunds=back), known, WORLD)
    assert units(the(plan, "return")) == expected


def test_five_refunded_of_a_line_of_ten_ten_and_five_pay_out_five() -> None:
    order, known = sold(MIXED)
    order, known, plan = written(after(order, an_item("mixed"), refunds=[("r", 500)]), known, WORLD)
    back = the(plan, "return")
    assert (units(back), back.total, tendered(back)) == ([(-1, 500)], Decimal("-5.00"), -500)
    assert not codes(plan) and at_till(known) == 2000
    assert not plan_order(order, known, WORLD).steps


def test_two_returns_at_once_take_the_units_of_their_refunds() -> None:
    order, known = sold(MIXED)
    items = (an_item("mixed", id="a"), an_item("mixed", id="b"))
    order, known, plan = written(after(order, *items, refunds=[("r", 500), ("s", 1000)]), known, WORLD)
    assert sorted(units(the(plan, "return"))) == [(-1, 500), (-1, 1000)]
    assert at_till(known) == 1000 and not codes(plan)
    assert not plan_order(order, known, WORLD).steps


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3000)), min_size=1, max_size=4),
    st.data(),
)
def test_whatever_units_are_refunded_the_till_pays_out_what_the_shop_did(
    groups: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Units of one line at any prices come back one by one, each refunded at its own price, in any order."""
    line = a_line("line", groups, GROSS, sku="TEE-RED", unit=max(price for _, price in groups))
    order, known = sold(line)
    left = [price for n, price in groups for _ in range(n)]
    items: list[ReturnItem] = []
    refunds: list[tuple[str, int]] = []
    while left:
        price = left.pop(data.draw(st.integers(0, len(left) - 1)))
        items.append(an_item("line", id=f"item-{len(items)}"))
        refunds.append((f"r-{len(refunds)}", price))
        order, known, plan = written(after(order, *items, refunds=refunds), known, WORLD)
        assert not codes(plan)
        assert tendered(the(plan, "return")) == -price
        assert at_till(known) == sum(left)
    assert not plan_order(order, known, WORLD).steps


# ------------------------------------------------------------ a refund before its return

TEE = a_line("tee", [(3, 1000)], GROSS, sku="TEE-RED")


def refunded_first(amount: int) -> tuple[Order, Known]:
    """Three units of 10.00, and an amount that went back before anybody said what for."""
    order, known = sold(TEE)
    order, known, plan = written(after(order, refunds=[("r", amount)]), known, WORLD)
    assert actions(plan) == ["refund"]
    return order, known


def test_a_refund_that_was_written_before_its_return_goes_back_once() -> None:
    order, known = refunded_first(1000)
    order, known, plan = written(after(order, an_item("tee"), refunds=[("r", 1000)]), known, WORLD)
    back = the(plan, "return")
    assert [(line.product_id, line.quantity) for line in back.lines] == [
        ("a-TEE-RED", Decimal(-1)),
        ("p-REFUND", Decimal(1)),
    ]
    assert (back.total, round(back.tax, 2), back.tenders) == (Decimal(0), Decimal(0), ())
    assert not codes(plan) and at_till(known) == 2000
    assert sum(one.total for one in known.returns) == Decimal("-10.00")
    assert not plan_order(order, known, WORLD).steps


def test_of_a_refund_that_was_less_than_its_return_only_the_rest_goes_back_then() -> None:
    order, known = refunded_first(400)
    refunds = [("r", 400), ("s", 600)]
    order, known, plan = written(after(order, an_item("tee"), refunds=refunds), known, WORLD)
    assert (the(plan, "return").total, tendered(the(plan, "return"))) == (Decimal("-6.00"), -600)
    assert not codes(plan) and at_till(known) == 2000
    assert not plan_order(order, known, WORLD).steps


def test_a_refund_that_was_more_than_its_return_is_used_for_the_next() -> None:
    order, known = refunded_first(1500)
    items = [an_item("tee", id="a"), an_item("tee", id="b")]
    order, known, plan = written(after(order, items[0], refunds=[("r", 1500)]), known, WORLD)
    assert not the(plan, "return").tenders and at_till(known) == 1500
    refunds = [("r", 1500), ("s", 500)]
    order, known, plan = written(after(order, *items, refunds=refunds), known, WORLD)
    assert tendered(the(plan, "return")) == -500 and at_till(known) == 1000
    assert not codes(plan)
    assert not plan_order(order, known, WORLD).steps


def test_a_refund_of_something_else_stays_beside_a_return_with_a_refund_of_its_own() -> None:
    order, known = refunded_first(300)
    refunds = [("r", 300), ("s", 1000)]
    order, known, plan = written(after(order, an_item("tee"), refunds=refunds), known, WORLD)
    assert tendered(the(plan, "return")) == -1000 and at_till(known) == 1700
    assert not plan_order(order, known, WORLD).steps


def test_what_was_refunded_does_not_go_back_again_when_the_order_is_cancelled() -> None:
    for policy in ("void", "return"):
        world = a_world(cancelled=policy)
        order, known = refunded_first(1000)
        order = after(order, refunds=[("r", 1000), ("s", 2000)], state="cancelled")
        order, known, plan = written(order, known, world)
        assert actions(plan) == ["return"] and not codes(plan)
        assert at_till(known) == 0
        assert not plan_order(order, known, world).steps


@given(st.integers(1, 3000), st.data())
def test_money_goes_back_once_whether_refund_or_return_is_told_first(
    amount: int, data: st.DataObject
) -> None:
    order, known = sold(TEE)
    items: list[ReturnItem] = []
    refunds: list[tuple[str, int]] = []
    for _ in range(data.draw(st.integers(1, 6))):
        spent = sum(some for _, some in refunds)
        if data.draw(st.booleans()) and spent < 3000:
            refunds.append((f"r-{len(refunds)}", data.draw(st.integers(1, 3000 - spent))))
        elif len(items) < 3:
            items.append(an_item("tee", id=f"item-{len(items)}"))
        order, known, _ = written(after(order, *items, refunds=refunds), known, WORLD)
    # In the end the shop has given back what the goods were worth, at least.
    missing = 1000 * len(items) - sum(some for _, some in refunds)
    if missing > 0:
        refunds.append(("last", missing))
    order, known, plan = written(after(order, *items, refunds=refunds), known, WORLD)
    assert not codes(plan)
    assert at_till(known) == 3000 - sum(some for _, some in refunds)
    assert all(sum(comes_to(sale)) == sale.total for sale in known.returns)
    assert not plan_order(marked(order, plan.steps), known_after(order, known, ()), WORLD).steps


# ------------------------------------------------------------ taxes that change


def test_a_tax_whose_rate_was_changed_at_the_till_sells_nothing() -> None:
    given = an_order((TEE,), GROSS)
    lowered = replace(TERMS.taxes["VAT 19"], rate=Decimal("0.16"))
    world = a_world(
        terms=replace(TERMS, taxes={**TERMS.taxes, "VAT 19": lowered}),
        taxes=[{"rate": "0.19", "tax": "VAT 19"}],
    )
    plan = plan_order(given, Known(), world)
    assert codes(plan) == ["tax_unmapped"] and not plan.steps
    [finding] = plan.findings
    assert "19 %" in finding.message and "16 %" in finding.message
    assert (finding.evidence["rate"], finding.evidence["till"]) == ("0.19", "0.16")


def test_a_tax_of_another_rate_is_not_found_by_its_class_either() -> None:
    lowered = replace(TERMS.taxes["VAT 19"], rate=Decimal("0.16"))
    world = a_world(terms=replace(TERMS, taxes={**TERMS.taxes, "VAT 19": lowered}))
    assert codes(plan_order(an_order((TEE,), GROSS), Known(), world)) == ["tax_unmapped"]
