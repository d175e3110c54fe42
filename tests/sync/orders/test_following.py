"""What becomes of an order after it was sold: nothing is sold twice, and the till follows what happened online."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import pytest

from retail_sync.records.orders import Mark, Order, Payment, ReturnItem, Transaction
from retail_sync.records.sales import Sale
from retail_sync.sync.orders.plan import Known, OrderPlan, World, sale_id
from retail_sync.sync.orders.planner import plan_order
from tests.support.orders_made import PLACED, RATES, Way, a_line, an_order, paid
from tests.sync.orders.desk import (
    TERMS,
    a_world,
    actions,
    codes,
    comes_to,
    known_after,
    shown,
    tendered,
    written,
)

NET = Way(included=False, rounding="line")
TEE = a_line("tee", [(3, 1000)], NET, sku="TEE-RED")
MUG = a_line("mug", [(1, 1000)], NET, sku="MUG", rate=RATES[1])
SHIPPING = a_line("ship", [(1, 500)], NET, kind="shipping", slug="parcel")
GROSS = 3570 + 1070 + 595
WORLD = a_world()
Goods = Literal["advised", "returned", "back_in_stock", "unusable"]
Money = Literal["none", "initial", "refunded", "refused"]


def order(**more: Any) -> Order:
    return an_order((TEE, MUG, SHIPPING), NET, **more)


def bought(world: World = WORLD, **more: Any) -> tuple[Order, Known]:
    """An order that was written."""
    given, known, plan = written(order(**more), Known(), world)
    assert not plan.held
    return given, known


def item(
    line: str, quantity: int = 1, goods: Goods = "back_in_stock", money: Money = "refunded", id: str = ""
) -> ReturnItem:
    return ReturnItem(
        id=id or f"item-{line}", line=line, quantity=quantity, goods=goods, money=money, at=PLACED
    )


def changed(given: Order, **more: Any) -> Order:
    return given.model_copy(update=more)


def sale_of(plan: OrderPlan, action: str) -> Sale:
    [step] = [step for step in plan.steps if step.action == action]
    assert step.sale is not None
    return step.sale


def at_till(known: Known) -> int:
    alive = [one.sale for one in known.sales if one.sale.state != "voided"]
    return tendered(*alive, *known.returns)


def test_an_order_is_marked_once_its_sales_are_there_and_not_again() -> None:
    given, known = bought()
    assert not plan_order(given, known, WORLD).steps
    assert actions(plan_order(changed(given, marks=()), known, WORLD)) == ["mark"]
    assert not plan_order(changed(given, marks=()), replace(known, marked=True), WORLD).steps
    second = Mark(external_id="another", at=PLACED)
    assert not plan_order(changed(given, marks=(*given.marks, second)), known, WORLD).steps


def test_an_edit_after_the_sale_is_told_with_both_figures_and_blocks_nothing() -> None:
    given, known = bought()
    edited = an_order((TEE, MUG), NET, marks=given.marks, returns=(item("tee"),), payments=given.payments)
    plan = plan_order(edited, known, WORLD)
    assert "edited" in codes(plan) and actions(plan) == ["return"] and not plan.held
    [finding] = [one for one in plan.findings if one.code == "edited"]
    assert finding.evidence == {"sold": GROSS, "order": 4640}
    assert "edited" not in codes(plan_order(edited, known, a_world(rules={"edited": "off"})))
    assert plan_order(edited, known, a_world(rules={"edited": "hold"})).held


def test_a_sale_on_account_is_settled_once_it_is_paid_in_full() -> None:
    world = a_world(unpaid="on account")
    given, known = bought(world, payments=(paid(1000),), payment_state="BalanceDue")
    partly = changed(given, payments=(paid(1000), paid(2000, "pay-2", method="voucher")))
    assert not plan_order(partly, known, world).steps
    lines = known.sales[0].sale.lines
    full = changed(given, payments=(paid(1000), paid(GROSS - 1000, "pay-2", method="voucher")))
    full, known, plan = written(full, known, world)
    sale = sale_of(plan, "pay")
    assert (sale.id, sale.state, sale.attributes) == (sale_id("order-1"), "closed", ("onaccount",))
    assert [(one.name, one.amount) for one in sale.tenders] == [("Web", 1000), ("Gift card", GROSS - 1000)]
    assert sale.lines == lines
    assert not plan_order(full, known, world).steps


def test_a_parked_sale_is_closed_once_it_is_paid_without_a_transaction() -> None:
    world = a_world(unpaid="park", paid_without="Invoice")
    given, known = bought(world, payments=(), payment_state="BalanceDue")
    assert known.sales[0].sale.state == "parked"
    given, known, plan = written(changed(given, payment_state="Paid"), known, world)
    assert sale_of(plan, "pay").state == "closed" and at_till(known) == GROSS
    assert not plan_order(given, known, world).steps


def test_a_sale_that_is_paid_before_it_is_handed_over_stays_open() -> None:
    world = a_world(unpaid="on account", fulfilment={"parcel": "pickup"})
    given, known = bought(world, payments=(), payment_state="BalanceDue")
    assert known.sales[0].sale.attributes == ("onaccount", "pickup")
    given, known, plan = written(changed(given, payments=(paid(GROSS),)), known, world)
    assert (sale_of(plan, "pay").state, sale_of(plan, "pay").attributes) == ("pending", ("pickup",))
    assert not plan_order(given, known, world).steps


def test_a_sale_that_somebody_settled_at_the_till_is_not_paid_again() -> None:
    world = a_world(unpaid="on account")
    given, known = bought(world, payments=(), payment_state="BalanceDue")
    cash = sale_of(plan_order(order(), Known(), WORLD), "sell").tenders
    assert not plan_order(given, shown(known, state="closed", tenders=cash), world).steps
    late = changed(given, payments=(paid(GROSS),))
    assert not plan_order(late, shown(known, state="closed", tenders=cash), world).steps


def test_no_money_is_taken_or_given_at_a_closed_register() -> None:
    registers = {name: replace(one, is_open=False) for name, one in TERMS.registers.items()}
    closed = a_world(terms=replace(TERMS, registers=registers), unpaid="on account")
    given, known = bought(a_world(unpaid="on account"), payments=(), payment_state="BalanceDue")
    plan = plan_order(changed(given, payments=(paid(GROSS),)), known, closed)
    assert codes(plan) == ["register_closed"] and not plan.steps
    given, known = bought()
    plan = plan_order(changed(given, returns=(item("tee"),)), known, closed)
    assert codes(plan) == ["register_closed"] and not plan.steps


def test_a_cancelled_order_is_voided_once() -> None:
    given, known = bought()
    given, known, plan = written(changed(given, state="cancelled"), known, WORLD)
    assert sale_of(plan, "void").state == "voided" and plan.steps[0].covers == ("cancelled",)
    refunded = changed(given, payments=(paid(GROSS, refunds=[("r", GROSS)]),))
    assert plan_order(given, known, WORLD).steps == plan_order(refunded, known, WORLD).steps == ()
    assert not plan_order(refunded, known, WORLD).findings


def test_every_part_of_a_cancelled_order_is_voided() -> None:
    south = a_line("south", [(1, 900)], NET, sku="CAP", channel="stock-south")
    given, known, _ = written(an_order((TEE, south), NET), Known(), WORLD)
    plan = plan_order(changed(given, state="cancelled"), known, WORLD)
    assert actions(plan) == ["void", "void"] and len({step.key for step in plan.steps}) == 2
    known = known_after(given, known, plan.steps[:1])
    assert plan_order(changed(given, state="cancelled"), known, WORLD).steps == plan.steps[1:]


def test_a_cancelled_order_comes_back_whole_where_the_settings_say_so() -> None:
    world = a_world(cancelled="return")
    given, known = bought(world)
    given = changed(given, state="cancelled", payments=(paid(GROSS, refunds=[("r", GROSS)]),))
    given, known, plan = written(given, known, world)
    back = sale_of(plan, "return")
    assert (back.total, plan.steps[0].original) == (-known.sales[0].sale.total, known.sales[0].sale.id)
    assert at_till(known) == 0 and "r" in plan.steps[0].covers
    assert not plan_order(given, known, world).steps


def test_of_a_cancelled_order_only_what_did_not_come_back_yet_comes_back() -> None:
    given, known = bought()
    given, known, _ = written(changed(given, returns=(item("tee", 2),)), known, WORLD)
    given, known, plan = written(changed(given, state="cancelled"), known, WORLD)
    assert actions(plan) == ["return"]
    assert sum(line.quantity for line in sale_of(plan, "return").lines) == -3
    assert at_till(known) == 0 and not plan_order(given, known, WORLD).steps


def test_a_sale_that_is_still_open_is_voided_even_where_others_come_back() -> None:
    world = a_world(cancelled="return", unpaid="on account")
    given, known = bought(world, payments=(), payment_state="BalanceDue")
    assert actions(plan_order(changed(given, state="cancelled"), known, world)) == ["void"]


def test_a_cancellation_is_only_told_where_the_settings_say_so_until_somebody_acts_at_the_till() -> None:
    world = a_world(cancelled="report")
    given, known = bought(world)
    given = changed(given, state="cancelled")
    plan = plan_order(given, known, world)
    assert codes(plan) == ["cancelled_after_export"] and plan.held and not plan.steps
    assert not plan_order(given, shown(known, state="voided"), world).findings
    assert not plan_order(given, shown(known, returns=("back",)), world).findings


@pytest.mark.parametrize(
    ("when", "goods", "money", "due"),
    [
        ("goods", "back_in_stock", "initial", True),
        ("goods", "unusable", "initial", True),
        ("goods", "advised", "refunded", False),
        ("goods", "returned", "refused", False),
        ("money", "advised", "refunded", True),
        ("money", "back_in_stock", "initial", False),
        ("both", "returned", "refunded", True),
        ("both", "advised", "refunded", False),
        ("both", "returned", "initial", False),
    ],
)
def test_a_return_is_written_when_the_settings_say_so(
    when: str, goods: Goods, money: Money, due: bool
) -> None:
    world = a_world(returns={"when": when, "unusable": "restock"})
    given, known = bought(world)
    plan = plan_order(changed(given, returns=(item("tee", 1, goods, money),)), known, world)
    assert actions(plan) == (["return"] if due else [])


def test_a_return_takes_the_units_at_the_prices_they_were_sold_at() -> None:
    given, known = bought()
    items = (item("tee", 1, id="a"), item("tee", 1, id="b"), item("mug", id="c"))
    given, known, plan = written(
        changed(given, returns=items, payments=(paid(GROSS, refunds=[("r", 3450)]),)), known, WORLD
    )
    [step] = plan.steps
    back = sale_of(plan, "return")
    assert (step.key, step.original) == (sale_id("order-1", "return/a"), known.sales[0].sale.id)
    assert step.covers == ("a", "b", "c", "r")
    assert [
        (line.order_line, line.quantity, line.price, line.tax, line.product_id) for line in back.lines
    ] == [
        ("tee", Decimal(-2), Decimal(10), Decimal("1.9"), "a-TEE-RED"),
        ("mug", Decimal(-1), Decimal(10), Decimal("0.7"), "a-MUG"),
    ]
    assert sum(comes_to(back)) == back.total == Decimal("-34.50")
    assert (back.state, back.return_of, back.source_id) == (
        "closed",
        known.sales[0].sale.id,
        "ORDER-1/return/a",
    )
    assert [(one.name, one.amount) for one in back.tenders] == [("Web", -3450)]
    assert not plan_order(given, known, WORLD).steps


def test_returns_of_two_parts_are_two_returns() -> None:
    south = a_line("south", [(1, 900)], NET, sku="CAP", channel="stock-south")
    given, known, _ = written(an_order((TEE, south), NET), Known(), WORLD)
    plan = plan_order(changed(given, returns=(item("tee"), item("south"))), known, WORLD)
    assert [step.original for step in plan.steps] == [one.sale.id for one in known.sales]
    assert [step.location for step in plan.steps] == ["North", "South"]
    assert len({step.key for step in plan.steps}) == 2


def test_what_can_not_be_sold_again_and_what_is_no_article_goes_back_as_money() -> None:
    given, known = bought()
    items = (item("tee", 1, "unusable", id="a"), item("ship", id="b"), item("mug", id="c"))
    given, known, plan = written(changed(given, returns=items), known, WORLD)
    goods, money = plan.steps
    assert (goods.action, goods.covers) == ("return", ("c",))
    assert (money.action, money.covers, money.original) == ("refund", ("a", "b"), None)
    assert money.key == sale_id("order-1", "refund/a") and money.sale is not None
    assert [(line.product_id, line.quantity, line.tax_id) for line in money.sale.lines] == [
        ("p-REFUND", Decimal(-1), "tax-19"),
        ("p-REFUND", Decimal(-1), "tax-19"),
    ]
    assert money.sale.total == Decimal("-17.85") and money.sale.return_of is None
    assert not plan_order(given, known, WORLD).steps


def test_more_than_was_sold_does_not_come_back() -> None:
    given, known = bought()
    items = (item("tee", 2, id="a"), item("tee", 2, id="b"), item("mug", id="c"), item("nothing", id="d"))
    plan = plan_order(changed(given, returns=items), known, WORLD)
    assert codes(plan) == ["returned_too_much"] and plan.held
    assert plan.steps[0].covers == ("a", "c")


def test_money_that_went_back_before_the_goods_came_waits_for_their_return() -> None:
    given, known = bought()
    refunded = changed(given, payments=(paid(GROSS, refunds=[("r", 1190)]),))
    waiting = changed(refunded, returns=(item("tee", 1, "advised", "initial"),))
    plan = plan_order(waiting, known, WORLD)
    assert codes(plan) == ["refund_waits"] and not plan.steps and not plan.held
    given, known, plan = written(changed(waiting, returns=(item("tee"),)), known, WORLD)
    assert actions(plan) == ["return"] and not plan.findings and at_till(known) == GROSS - 1190


def test_money_that_goes_back_after_the_goods_is_not_given_back_again() -> None:
    world = a_world(returns={"when": "goods", "tender": "Gift card"})
    given, known = bought(world)
    given, known, plan = written(
        changed(given, returns=(item("tee", 1, "returned", "initial"),)), known, world
    )
    assert [(one.name, one.amount) for one in sale_of(plan, "return").tenders] == [("Gift card", -1190)]
    assert not plan.findings
    given = changed(given, returns=(item("tee"),), payments=(paid(GROSS, refunds=[("r", 1190)]),))
    plan = plan_order(given, known, world)
    assert not plan.steps and not plan.findings
    more = changed(given, payments=(paid(GROSS, refunds=[("r", 1190), ("s", 100)]),))
    more, known, plan = written(more, known, world)
    assert sale_of(plan, "refund").total == Decimal("-1.00") and plan.steps[0].covers == ("s",)
    assert not plan_order(more, known, world).steps


def test_money_that_goes_back_alone_is_a_refund_with_the_taxes_of_the_order() -> None:
    given, known = bought()
    given = changed(given, payments=(paid(GROSS, refunds=[("r", 1000)]),))
    given, known, plan = written(given, known, WORLD)
    [step] = plan.steps
    refund = sale_of(plan, "refund")
    assert (step.key, step.covers, step.original) == (sale_id("order-1", "refund/r"), ("r",), None)
    assert {line.tax_id: line.quantity * (line.price + line.tax) for line in refund.lines} == {
        "tax-19": Decimal("-7.96"),
        "tax-7": Decimal("-2.04"),
    }
    assert refund.total == Decimal("-10.00") and tendered(refund) == -1000
    assert not plan_order(given, known, WORLD).steps


def test_what_is_refunded_beyond_the_goods_is_a_refund_of_its_own() -> None:
    given, known = bought()
    refunds = [("r", 1200), ("s", 300)]
    given = changed(given, returns=(item("tee"),), payments=(paid(GROSS, refunds=refunds),))
    plan = plan_order(given, known, WORLD)
    assert actions(plan) == ["return", "refund"]
    assert [step.covers for step in plan.steps] == [("item-tee",), ("r", "s")]
    first = known_after(given, known, plan.steps[:1])
    assert plan_order(given, first, WORLD).steps == plan.steps[1:]
    assert at_till(known_after(given, known, plan.steps)) == GROSS - 1500


def test_a_refund_of_less_than_the_goods_is_told() -> None:
    given, known = bought()
    given = changed(given, returns=(item("tee"),), payments=(paid(GROSS, refunds=[("r", 1000)]),))
    given, known, plan = written(given, known, WORLD)
    assert codes(plan) == ["refund_differs"] and not plan.held
    assert tendered(sale_of(plan, "return")) == -1190
    assert not plan_order(given, known, WORLD).steps


def test_refunds_go_back_the_way_they_were_paid() -> None:
    given, known = bought(payments=(paid(1000, "p1", method="voucher"), paid(GROSS - 1000, "p2")))
    back = (
        paid(1000, "p1", method="voucher", refunds=[("r", 1000)]),
        paid(GROSS - 1000, "p2", refunds=[("s", 190)]),
    )
    plan = plan_order(changed(given, returns=(item("tee"),), payments=back), known, WORLD)
    tenders = sale_of(plan, "return").tenders
    assert sorted((one.name, one.amount) for one in tenders) == [("Gift card", -1000), ("Web", -190)]


def test_a_charge_back_goes_back_like_a_refund() -> None:
    given, known = bought()
    [payment] = given.payments
    back = Transaction(id="c", type="chargeback", state="success", amount=GROSS, at=PLACED)
    charged_back = Payment.model_validate(
        {**payment.model_dump(), "transactions": (*payment.transactions, back)}
    )
    given, known, plan = written(changed(given, payments=(charged_back,)), known, WORLD)
    assert actions(plan) == ["refund"] and at_till(known) == 0


def test_money_without_goods_needs_its_article() -> None:
    world = a_world(products={"shipping": "SHIPPING"})
    given, known = bought(world)
    refunded = changed(given, payments=(paid(GROSS, refunds=[("r", 100)]),))
    assert codes(plan_order(refunded, known, world)) == ["no_article_for"]
    unusable = changed(given, returns=(item("tee", 1, "unusable"),))
    assert codes(plan_order(unusable, known, world)) == ["no_article_for"]
    shipping = changed(given, returns=(item("ship"),))
    assert actions(plan_order(shipping, known, world)) == ["return"]


def test_goods_that_came_back_without_money_are_told_and_not_written() -> None:
    given, known = bought()
    plan = plan_order(changed(given, returns=(item("tee", 1, "returned", "refused"),)), known, WORLD)
    assert codes(plan) == ["returned_without_money"] and not plan.steps and not plan.held


def test_a_return_waits_until_its_sale_is_closed_at_the_till() -> None:
    world = a_world(fulfilment={"parcel": "pickup"})
    given, known = bought(world)
    given = changed(given, returns=(item("tee"),))
    assert codes(plan_order(given, known, world)) == ["return_waits"]
    assert actions(plan_order(given, shown(known, state="closed"), world)) == ["return"]


def test_an_order_gets_its_state_when_everything_is_handed_over_and_is_never_put_back() -> None:
    world = a_world(fulfilment={"parcel": "pickup"}, fulfilled="Delivered")
    given, known = bought(world)
    assert not plan_order(given, shown(known), world).steps
    handed = shown(known, state="closed")
    moved, _, plan = written(given, handed, world)
    [step] = plan.steps
    assert (step.system, step.action, step.key, step.shipment_state) == (
        "commercetools",
        "state",
        "order-1",
        "Delivered",
    )
    assert not plan_order(moved, handed, world).steps
    shipped = a_world(fulfilment={"parcel": "pickup"}, fulfilled="Shipped")
    assert not plan_order(moved, handed, shipped).steps
    unset = a_world(fulfilment={"parcel": "pickup"})
    assert not plan_order(given, handed, unset).steps


def test_a_sale_voided_by_hand_is_told_and_nothing_follows_it() -> None:
    given, known = bought()
    gone = shown(known, state="voided")
    plan = plan_order(changed(given, returns=(item("tee"),)), gone, WORLD)
    assert codes(plan) == ["voided_at_till"] and not plan.steps and not plan.held
    assert not plan_order(changed(given, state="cancelled"), gone, WORLD).steps


def test_totals_changed_at_the_till_are_told_with_both_figures() -> None:
    given, known = bought()
    plan = plan_order(given, shown(known, total=Decimal("1.00")), WORLD)
    assert codes(plan) == ["totals_differ_at_till"] and not plan.held
    assert plan.findings[0].evidence["till"] == "1.00"
    assert not plan_order(given, shown(known), WORLD).findings


def test_a_stand_in_is_reported_or_replaced_once_its_article_is_known() -> None:
    given, known = bought(a_world(articles=["MUG"]))
    told = plan_order(given, known, WORLD)
    assert codes(told) == ["stand_in_known"] and not told.steps
    world = a_world(stand_in_later="replace")
    given, after, plan = written(given, known, world)
    sale, before = sale_of(plan, "correct"), known.sales[0].sale
    assert [line.product_id for line in sale.lines] == ["a-TEE-RED", "a-MUG", "p-SHIPPING"]
    assert [line.price for line in sale.lines] == [line.price for line in before.lines]
    assert (sale.id, sale.tenders, sale.total) == (before.id, before.tenders, before.total)
    assert not plan_order(given, after, world).steps


def test_a_stand_in_stays_told_for_as_long_as_it_stands_in() -> None:
    world = a_world(articles=["MUG"])
    given, known, plan = written(order(), Known(), world)
    again = plan_order(given, known, world)
    assert codes(plan) == codes(again) == ["stand_in_used"] and not again.held
    assert not codes(plan_order(given, known, a_world(articles=["MUG"], rules={"stand_in_used": "off"})))


def test_a_stand_in_that_came_back_is_not_replaced() -> None:
    given, known = bought(a_world(articles=["MUG"]))
    given, known, _ = written(changed(given, returns=(item("tee", 3),)), known, a_world(articles=["MUG"]))
    assert not plan_order(given, known, a_world(stand_in_later="replace")).steps


def test_units_come_back_after_their_stand_in_was_replaced() -> None:
    world = a_world(stand_in_later="replace")
    given, known = bought(a_world(articles=["MUG"]))
    given, known, _ = written(
        changed(given, returns=(item("tee", id="a"),)), known, a_world(articles=["MUG"])
    )
    given = changed(given, returns=(item("tee", id="a"), item("tee", 2, id="b")))
    given, known, plan = written(given, known, world)
    assert actions(plan) == ["correct", "return"]
    [line] = sale_of(plan, "return").lines
    assert (line.product_id, line.quantity) == ("a-TEE-RED", Decimal(-2))
    assert not plan_order(given, known, world).steps


def test_what_was_charged_after_the_sale_is_told() -> None:
    given, known = bought()
    more = changed(given, payments=(*given.payments, paid(100, "pay-2")))
    plan = plan_order(more, known, WORLD)
    assert codes(plan) == ["paid_differs"] and not plan.held and not plan.steps


def test_returns_from_before_the_export_follow_the_sale_in_the_same_plan() -> None:
    given = order(returns=(item("tee"),), payments=(paid(GROSS, refunds=[("r", 1190)]),))
    plan = plan_order(given, Known(), WORLD)
    assert actions(plan) == ["sell", "mark", "return"] and not plan.findings
    given, known, _ = written(given, Known(), WORLD)
    assert not plan_order(given, known, WORLD).steps
