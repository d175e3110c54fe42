"""Whatever happens to an order, and whatever nonsense it holds: planning never raises, repeats itself, and comes to an
end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from retail_sync.records.orders import Order, Payment, Portion, PriceGroup, ReturnItem, Taxed, Transaction
from retail_sync.sync.orders.plan import Known
from retail_sync.sync.orders.planner import plan_order
from tests.support.orders_made import PLACED, orders
from tests.sync.orders.desk import a_world, comes_to, known_after, tendered, written

POLICIES = st.fixed_dictionaries(
    {
        "unpaid": st.sampled_from(("hold", "on account", "park")),
        "cancelled": st.sampled_from(("void", "return", "report")),
        "split": st.sampled_from(("by channel", "never")),
        "stand_in_later": st.sampled_from(("report", "replace")),
        "fulfilment": st.sampled_from(({}, {"parcel": "pickup"})),
        "paid_by": st.sampled_from((["Charge"], ["Charge", "Authorization"])),
        "paid_without": st.sampled_from((None, "Invoice")),
        "returns": st.fixed_dictionaries(
            {
                "when": st.sampled_from(("goods", "money", "both")),
                "unusable": st.sampled_from(("money only", "restock")),
                "tender": st.sampled_from((None, "Web")),
            }
        ),
    }
)


@st.composite
def items(draw: st.DrawFn, order: Order) -> ReturnItem:
    line = draw(st.sampled_from(order.lines))
    return ReturnItem(
        id=f"item-{len(order.returns)}",
        line=draw(st.sampled_from((line.id, line.id, line.id, "nowhere"))),
        quantity=draw(st.integers(0, line.quantity + 1)),
        goods=draw(st.sampled_from(("advised", "returned", "back_in_stock", "unusable"))),
        money=draw(st.sampled_from(("none", "initial", "refunded", "refused"))),
        at=draw(st.sampled_from((None, PLACED))),
    )


@st.composite
def movements(draw: st.DrawFn, order: Order) -> Payment:
    return Payment(
        id=f"more-{len(order.payments)}",
        method="card",
        interface="psp",
        transactions=(
            Transaction(
                id=f"more-{len(order.payments)}",
                type=draw(
                    st.sampled_from(
                        ("charge", "refund", "chargeback", "authorization", "cancel_authorization")
                    )
                ),
                state=draw(st.sampled_from(("success", "success", "pending", "failure"))),
                amount=draw(st.integers(0, max(order.gross, 0) + 10)),
            ),
        ),
    )


@st.composite
def happenings(draw: st.DrawFn, order: Order) -> Order:
    """The same order after something happened to it."""
    what = draw(st.sampled_from(("return", "return", "money", "refund", "state", "unpaid", "nothing")))
    change: dict[str, Any] = {}
    if what == "return":
        change = {"returns": (*order.returns, draw(items(order)))}
    elif what == "money":
        change = {"payments": (*order.payments, draw(movements(order)))}
    elif what == "refund" and order.payments:
        first, *others = order.payments
        back = Transaction(
            id=f"back-{len(first.transactions)}",
            type="refund",
            state="success",
            amount=draw(st.integers(1, max(order.gross, 1))),
        )
        more = first.model_copy(update={"transactions": (*first.transactions, back)})
        change = {"payments": (more, *others)}
    elif what == "state":
        change = {"state": draw(st.sampled_from(("open", "complete", "cancelled")))}
    elif what == "unpaid":
        change = {"payments": (), "payment_state": draw(st.sampled_from((None, "Pending", "Paid")))}
    return order.model_copy(update=change)


@given(orders(), POLICIES, st.data())
@settings(max_examples=80)
def test_a_life_of_any_kind_comes_to_an_end_and_no_unit_comes_back_twice(
    order: Order, policies: dict[str, Any], data: st.DataObject
) -> None:
    known = Known()
    for _ in range(data.draw(st.integers(1, 6))):
        order = data.draw(happenings(order))
        articles = data.draw(st.sampled_from((["MUG"], ["MUG", "CAP", "TEE-RED", "TEE-BLUE", "SCARF"])))
        world = a_world(articles=articles, **policies)
        plan = plan_order(order, known, world)
        assert plan == plan_order(order, known, world)
        assert len({(step.action, step.key) for step in plan.steps}) == len(plan.steps)
        done = data.draw(st.integers(0, len(plan.steps)))
        cut_short = plan_order(order, known_after(order, known, plan.steps[:done]), world)
        assert [step.key for step in cut_short.steps if step.action not in ("mark", "state")] == [
            step.key for step in plan.steps[done:] if step.action not in ("mark", "state")
        ]
        order, known, _ = written(order, known, world)
        assert not plan_order(order, known, world).steps
    sold = {
        line.order_line: sum(
            one.quantity
            for sale in known.sales
            for one in sale.sale.lines
            if one.order_line == line.order_line
        )
        for sale in known.sales
        for line in sale.sale.lines
    }
    for line, units in sold.items():
        back = sum(-one.quantity for sale in known.returns for one in sale.lines if one.order_line == line)
        assert 0 <= back <= units
    for sale in known.returns:
        assert sum(comes_to(sale)) == sale.total
        assert abs(Decimal(tendered(sale)) - sale.total * 100) < 1


@given(orders(), st.data())
@settings(max_examples=150)
def test_an_order_that_makes_no_sense_is_held_or_ignored_and_nothing_is_raised(
    order: Order, data: st.DataObject
) -> None:
    amounts = st.integers(-5000, 5000)
    nonsense: dict[str, st.SearchStrategy[Any]] = {
        "total": amounts,
        "taxed": st.one_of(st.none(), st.builds(Taxed, net=amounts, gross=amounts)),
        "total_discount": amounts,
        "portions": st.lists(
            st.builds(
                Portion, rate=st.sampled_from((Decimal(0), Decimal("0.19"), Decimal("0.3"))), tax=amounts
            ),
            max_size=2,
        ).map(tuple),
        "payments": movements(order).map(lambda one: (one,)),
        "digits": st.integers(0, 7),
        "number": st.sampled_from((None, "", "POS-1")),
    }
    of_line: dict[str, st.SearchStrategy[Any]] = {
        "quantity": st.integers(-2, 3),
        "total": amounts,
        "unit": amounts,
        "rate": st.none(),
        "taxed": st.one_of(st.none(), st.builds(Taxed, net=amounts, gross=amounts)),
        "sku": st.none(),
        "groups": st.lists(st.builds(PriceGroup, quantity=st.integers(-1, 3), unit=amounts), max_size=3).map(
            tuple
        ),
        "id": st.sampled_from(("line-0", "other")),
    }
    change = {name: data.draw(nonsense[name]) for name in data.draw(st.sets(st.sampled_from([*nonsense])))}
    edit = {name: data.draw(of_line[name]) for name in data.draw(st.sets(st.sampled_from([*of_line])))}
    line = order.lines[0].model_copy(update=edit)
    order = order.model_copy(update={"lines": (line, *order.lines[1:]), **change})
    policies: dict[str, Any] = data.draw(POLICIES)
    world = a_world(**policies)
    plan = plan_order(order, Known(), world)
    assert plan.steps or plan.ignored or plan.held
    sales = [step.sale for step in plan.steps if step.sale is not None and step.action == "sell"]
    if sales:
        assert sum(sale.total for sale in sales) * 10**order.digits == order.gross
        assert all(sum(comes_to(sale)) == sale.total for sale in sales)
