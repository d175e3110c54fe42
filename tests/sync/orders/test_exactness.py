"""Whatever was ordered, sales come to exactly what the order came to, and so does what comes back."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_sync.records.orders import Order, ReturnItem
from retail_sync.sync.orders.amounts import amounts_of
from retail_sync.sync.orders.exact import major, spread, units_of
from retail_sync.sync.orders.plan import Known
from retail_sync.sync.orders.planner import fingerprint_of, plan_order
from tests.support.orders_made import PLACED, orders, paid
from tests.sync.orders.desk import a_world, codes, comes_to, known_after, tendered, written

WORLD = a_world()
RETURNING = a_world(returns={"tender": "Web"})
"""Goods of an order whose voucher paid for everything have a value all the same."""
TAX_IDS = {
    Decimal("0.19"): "tax-19",
    Decimal("0.07"): "tax-7",
    Decimal("0.055"): "tax-55",
    Decimal(0): "tax-0",
}


@given(st.integers(-10_000, 10_000), st.lists(st.integers(0, 5_000), min_size=1, max_size=9))
def test_what_is_spread_sums_up_and_no_part_is_more_than_a_unit_off(amount: int, weights: list[int]) -> None:
    whole = sum(weights)
    if amount and not whole:
        with pytest.raises(ValueError, match="nothing"):
            spread(amount, weights)
        return
    parts = spread(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Decimal(part) - Decimal(amount * weight) / (whole or 1)) < 1


@given(st.integers(1, 400), st.integers(-(10**7), 10**7), st.integers(-(10**6), 10**6), st.integers(0, 4))
def test_unit_prices_come_to_the_amount_to_the_last_of_five_places(
    quantity: int, net: int, tax: int, digits: int
) -> None:
    found = units_of(quantity, net, tax, digits)
    assert sum(one.quantity for one in found) == quantity and all(one.quantity > 0 for one in found)
    assert sum(one.quantity * one.price for one in found) == major(net, digits)
    assert sum(one.quantity * one.tax for one in found) == major(tax, digits)
    assert all(one.price.as_tuple().exponent == -5 for one in found)
    assert len(found) <= 2


@given(orders())
def test_lines_come_to_net_gross_and_the_tax_of_every_rate(order: Order) -> None:
    assert order.taxed is not None
    amounts = amounts_of(order)
    assert sum(one.net for one in amounts) == order.taxed.net
    assert sum(one.gross for one in amounts) == order.taxed.gross
    taxes: dict[tuple[Decimal, str], int] = defaultdict(int)
    for one in amounts:
        assert one.line.rate is not None
        taxes[one.line.rate.share, one.line.rate.name] += one.tax
    assert dict(taxes) == {(one.rate, one.name): one.tax for one in order.portions}


@given(orders())
def test_a_line_is_as_the_order_states_it_where_nothing_was_taken_off_the_whole(order: Order) -> None:
    stated = [line for line in order.lines if line.taxed is not None]
    if order.total_discount:
        return
    by_id = {one.line.id: one for one in amounts_of(order)}
    for line in stated:
        assert line.taxed is not None
        side = by_id[line.id].gross if line.rate is None or line.rate.included else by_id[line.id].net
        assert side == line.total


@given(orders())
def test_sales_come_to_the_order_and_their_tenders_to_what_was_paid(order: Order) -> None:
    assert order.taxed is not None
    plan = plan_order(order, Known(), WORLD)
    assert not codes(plan)
    sales = [step.sale for step in plan.steps if step.sale is not None]
    assert [step.action for step in plan.steps] == [*("sell" for _ in sales), "mark"]
    net = tax = Decimal(0)
    taxes: dict[str, Decimal] = defaultdict(Decimal)
    for sale in sales:
        part_net, part_tax = comes_to(sale)
        assert part_net + part_tax == sale.total and part_tax == sale.tax
        assert tendered(sale) == int(sale.total * 100)
        assert all(line.quantity > 0 for line in sale.lines)
        assert [line.sequence for line in sale.lines] == list(range(1, len(sale.lines) + 1))
        net, tax = net + part_net, tax + part_tax
        for each in sale.lines:
            taxes[each.tax_id] += each.quantity * each.tax
    assert (net, net + tax) == (major(order.taxed.net, 2), major(order.taxed.gross, 2))
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for portion in order.portions:
        expected[TAX_IDS[portion.rate]] += major(portion.tax, 2)
    assert {tax_id: amount for tax_id, amount in taxes.items() if amount} == {
        tax_id: amount for tax_id, amount in expected.items() if amount
    }
    for line in order.lines:
        units = sum(one.quantity for sale in sales for one in sale.lines if one.order_line == line.id)
        assert units == line.quantity or line.kind == "shipping"


@given(orders())
def test_each_line_is_sold_where_its_channel_is_served(order: Order) -> None:
    places = {"stock-north": "North", "stock-south": "South", None: "North"}
    plan = plan_order(order, Known(), WORLD)
    parts = {step.location: step.sale for step in plan.steps if step.sale is not None}
    assert len({sale.id for sale in parts.values()}) == len(parts)
    wanted = {places[line.channel] for line in order.lines if line.kind == "article"}
    if len(parts) > 1:
        assert set(parts) == wanted
        ordered = {line.id: line for line in order.lines}
        for location, sale in parts.items():
            for sold in sale.lines:
                line = ordered[str(sold.order_line)]
                assert line.kind != "article" or places[line.channel] == location


@given(orders())
def test_an_order_that_was_written_is_planned_again_as_nothing(order: Order) -> None:
    first = plan_order(order, Known(), WORLD)
    assert plan_order(order, Known(), WORLD) == first
    order, known, _ = written(order, Known(), WORLD)
    again = plan_order(order, known, WORLD)
    assert not again.steps and not again.findings and not again.ignored


@given(orders(), st.data())
def test_parts_that_were_not_written_are_sold_later_as_they_were_planned(
    order: Order, data: st.DataObject
) -> None:
    plan = plan_order(order, Known(), WORLD)
    sells = [step for step in plan.steps if step.action == "sell"]
    done = data.draw(st.integers(0, len(sells)))
    known = known_after(order, Known(), sells[:done])
    rest = [step for step in plan_order(order, known, WORLD).steps if step.action == "sell"]
    assert [step.sale for step in rest] == [step.sale for step in sells[done:]]


@given(orders(), st.data())
@settings(max_examples=60)
def test_returns_of_any_units_in_any_order_come_to_the_sale_and_never_beyond(
    order: Order, data: st.DataObject
) -> None:
    order, known, _ = written(order, Known(), RETURNING)
    left = {line.id: line.quantity for line in order.lines}
    sold = sum(tendered(one.sale) for one in known.sales)
    shipping = {line.id for line in order.lines if line.kind == "shipping"}
    while any(left.values()):
        line = data.draw(st.sampled_from([id for id, n in left.items() if n]))
        units = data.draw(st.integers(1, left[line]))
        left[line] -= units
        goods = data.draw(st.sampled_from(("back_in_stock", "unusable", "returned")))
        item = ReturnItem(
            id=f"item-{len(order.returns)}",
            line=line,
            quantity=units,
            goods=goods,
            money="refunded",
            at=PLACED,
        )
        order = order.model_copy(update={"returns": (*order.returns, item)})
        if data.draw(st.booleans()):
            order, known, plan = written(order, known, RETURNING)
            assert set(codes(plan)) <= {"returned_too_much"}
    order, known, plan = written(order, known, RETURNING)
    free = {
        line for line in shipping if not any(line == s.order_line for o in known.sales for s in o.sale.lines)
    }
    assert ("returned_too_much" in codes(plan)) == bool(free)
    assert not plan_order(order, known, RETURNING).steps
    assert sold + tendered(*known.returns) == 0
    assert sum(one.sale.total for one in known.sales) + sum(one.total for one in known.returns) == 0
    assert sum(one.sale.tax for one in known.sales) + sum(one.tax for one in known.returns) == 0
    more = ReturnItem(
        id="one-more", line=order.lines[0].id, quantity=1, goods="back_in_stock", money="refunded", at=PLACED
    )
    beyond = plan_order(order.model_copy(update={"returns": (*order.returns, more)}), known, RETURNING)
    assert not beyond.steps and "returned_too_much" in codes(beyond)


@given(orders(), st.data())
@settings(max_examples=60)
def test_whatever_goes_back_the_till_has_of_the_money_what_the_shop_has(
    order: Order, data: st.DataObject
) -> None:
    order = order.model_copy(update={"payments": (paid(order.gross),)}) if order.gross else order
    order, known, _ = written(order, Known(), WORLD)
    back: list[tuple[str, int]] = []
    while sum(amount for _, amount in back) < order.gross and len(back) < 4:
        amount = data.draw(st.integers(1, order.gross - sum(amount for _, amount in back)))
        back.append((f"refund-{len(back)}", amount))
        order = order.model_copy(update={"payments": (paid(order.gross, refunds=back),)})
        if data.draw(st.booleans()):
            order, known, plan = written(order, known, WORLD)
            assert not codes(plan)
    order, known, plan = written(order, known, WORLD)
    kept = order.gross - sum(amount for _, amount in back)
    assert sum(tendered(one.sale) for one in known.sales) + tendered(*known.returns) == kept
    assert all(sum(comes_to(sale)) == sale.total == major(tendered(sale), 2) for sale in known.returns)
    again = plan_order(order, known, WORLD)
    assert not again.steps and not again.findings


@given(orders())
def test_the_fingerprint_is_of_what_was_exported_and_of_nothing_that_is_followed(order: Order) -> None:
    moved = order.model_copy(
        update={"version": 9, "state": "complete", "payments": (), "payment_state": None, "number": "other"}
    )
    assert fingerprint_of(moved) == fingerprint_of(order)
    line = order.lines[0].model_copy(update={"quantity": order.lines[0].quantity + 1})
    assert fingerprint_of(order.model_copy(update={"lines": (line, *order.lines[1:])})) != fingerprint_of(
        order
    )
    reread = Order.model_validate_json(order.model_dump_json())
    assert fingerprint_of(reread) == fingerprint_of(order)
