"""What lines of an order are without and with tax: parts of rates, discounts on the whole, and figures that do not fit
together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.orders import Order, OrderLine, Portion, Rate, RatePart, Taxed
from retail_sync.sync.orders.amounts import amounts_of
from retail_sync.sync.orders.plan import Held
from tests.support.orders_made import PLACED, orders

NEW_YORK = (("NY State", "0.04"), ("NY City", "0.045"), ("MCTD", "0.00375"))


def rate(
    share: str, name: str = "VAT", *, included: bool = True, parts: Sequence[tuple[str, str]] = ()
) -> Rate:
    return Rate(
        share=Decimal(share),
        name=name,
        country="DE",
        included=included,
        parts=tuple(RatePart(share=Decimal(part), name=each) for each, part in parts),
    )


def line(
    id: str, total: int, how: Rate | None, taxed: tuple[int, int] | None = None, **more: Any
) -> OrderLine:
    """`taxed`: net and gross, as it states them."""
    stated = None if taxed is None else Taxed(net=taxed[0], gross=taxed[1])
    values = {"kind": "shipping" if id.startswith("ship") else "article", "unit": total, "total": total}
    return OrderLine.model_validate({"id": id, **values, "rate": how, "taxed": stated, **more})


def an_order(
    lines: Sequence[OrderLine],
    net: int,
    gross: int,
    portions: Sequence[tuple[str, str, int]],
    *,
    discount: int = 0,
    total: int | None = None,
    **more: Any,
) -> Order:
    """`portions`: share, name, tax."""
    return Order(
        id="order-1",
        version=1,
        placed_at=PLACED,
        modified_at=PLACED,
        currency="EUR",
        state="open",
        lines=tuple(lines),
        total=gross if total is None else total,
        taxed=Taxed(net=net, gross=gross),
        portions=tuple(Portion(rate=Decimal(share), name=name, tax=tax) for share, name, tax in portions),
        total_discount=discount,
        **more,
    )


def found(order: Order) -> list[tuple[str, int, int]]:
    return [(one.line.id, one.net, one.tax) for one in amounts_of(order)]


def held(order: Order) -> str:
    with pytest.raises(Held) as why:
        amounts_of(order)
    return why.value.finding.code


# ------------------------------------------------------------ rates that are made of parts


@pytest.mark.parametrize("stated", [(1000, 1089), None])
def test_portions_of_sub_rates_are_the_tax_of_their_line(stated: tuple[int, int] | None) -> None:
    new_york = rate("0.08875", "New York", included=False, parts=NEW_YORK)
    portions = [("0.04", "NY State", 40), ("0.045", "NY City", 45), ("0.00375", "MCTD", 4)]
    order = an_order([line("A", 1000, new_york, stated)], 1000, 1089, portions, total=1000)
    assert found(order) == [("A", 1000, 89)]


def test_a_line_with_parts_stands_beside_one_without() -> None:
    parted = rate("0.08875", "New York", included=False, parts=NEW_YORK)
    plain = rate("0.05", "Books", included=False)
    portions = [
        ("0.04", "NY State", 40),
        ("0.045", "NY City", 45),
        ("0.00375", "MCTD", 4),
        ("0.05", "Books", 100),
    ]
    order = an_order(
        [line("A", 1000, parted, (1000, 1089)), line("B", 2000, plain, (2000, 2100))],
        3000,
        3189,
        portions,
        total=3000,
    )
    assert found(order) == [("A", 1000, 89), ("B", 2000, 100)]


@pytest.mark.parametrize("names", [("NY State", "NJ State"), ("State", "State")])
@pytest.mark.parametrize("stated", [True, False])
def test_two_parts_of_equal_rate_from_different_states(names: tuple[str, str], stated: bool) -> None:
    """Of the same name they are one portion, so only together their lines come to it."""
    mine = rate("0.085", "A", included=False, parts=[(names[0], "0.04"), ("City", "0.045")])
    other = rate("0.06", "B", included=False, parts=[(names[1], "0.04"), ("County", "0.02")])
    state = [("0.04", names[0], 40), ("0.04", names[1], 80)]
    if names[0] == names[1]:
        state = [("0.04", names[0], 120)]
    portions = [*state, ("0.045", "City", 45), ("0.02", "County", 40)]
    lines = [
        line("A", 1000, mine, (1000, 1085) if stated else None),
        line("B", 2000, other, (2000, 2120) if stated else None),
    ]
    order = an_order(lines, 3000, 3205, portions, total=3000)
    assert found(order) == [("A", 1000, 85), ("B", 2000, 120)]


def test_two_equal_parts_of_one_rate_without_names() -> None:
    both = rate("0.08", "", included=False, parts=[("", "0.04"), ("", "0.04")])
    for portions in ([("0.04", "", 40), ("0.04", "", 40)], [("0.04", "", 80)], [("0.08", "", 80)]):
        order = an_order([line("A", 1000, both, (1000, 1080))], 1000, 1080, portions, total=1000)
        assert found(order) == [("A", 1000, 80)]


def test_a_portion_of_no_line_keeps_an_order_back_whatever_the_parts() -> None:
    parted = rate("0.08", "X", included=False, parts=[("State", "0.05"), ("City", "0.03")])
    portions = [("0.05", "State", 50), ("0.03", "City", 30), ("0.01", "Other", 10)]
    assert held(an_order([line("A", 1000, parted)], 1000, 1090, portions, total=1000)) == "totals_differ"


# ------------------------------------------------------------ discounts on the whole

VAT_19, VAT_7 = rate("0.19", "VAT 19"), rate("0.07", "VAT 7")


@pytest.mark.parametrize("goods", [(4034, 4800), None])
def test_goods_bear_the_discount_where_shipping_states_what_it_comes_to(
    goods: tuple[int, int] | None,
) -> None:
    lines = [line("A", 4800, VAT_19, goods), line("shipping", 1000, VAT_19, (840, 1000))]
    order = an_order(lines, 840, 1000, [("0.19", "VAT 19", 160)], discount=4800)
    assert found(order) == [("A", 0, 0), ("shipping", 840, 160)]


@pytest.mark.parametrize("goods", [True, False])
def test_goods_of_two_rates_bear_the_discount_and_shipping_does_not(goods: bool) -> None:
    lines = [
        line("A", 1000, VAT_19, (840, 1000) if goods else None),
        line("B", 999, VAT_7, (934, 999) if goods else None),
        line("shipping", 490, VAT_19, (412, 490)),
    ]
    order = an_order(lines, 412, 490, [("0.19", "VAT 19", 78), ("0.07", "VAT 7", 0)], discount=1999)
    assert found(order) == [("A", 0, 0), ("B", 0, 0), ("shipping", 412, 78)]


def test_the_order_says_that_shipping_bears_its_share() -> None:
    """`taxedShippingPrice` holds the discounted value, as the API documents: a tenth is left of everything."""
    lines = [line("A", 9000, VAT_19, (7563, 9000)), line("shipping", 1000, VAT_19, (840, 1000))]
    order = an_order(
        lines,
        840,
        1000,
        [("0.19", "VAT 19", 160)],
        discount=9000,
        shipping_taxed=Taxed(net=84, gross=100),
    )
    assert found(order) == [("A", 756, 144), ("shipping", 84, 16)]


def test_taxes_say_that_shipping_bears_its_share_where_nothing_else_does() -> None:
    """Half is off: of 7 % of the goods, and of 19 % of shipping, which no discount on goods could lower."""
    lines = [line("A", 10000, VAT_7, (9346, 10000)), line("shipping", 5000, VAT_19, (4202, 5000))]
    order = an_order(lines, 6774, 7500, [("0.07", "VAT 7", 327), ("0.19", "VAT 19", 399)], discount=7500)
    assert found(order) == [("A", 4673, 327), ("shipping", 2101, 399)]


def test_taxes_say_which_goods_bear_a_discount() -> None:
    lines = [line("A", 1000, VAT_19, (840, 1000)), line("B", 1000, VAT_7, (935, 1000))]
    order = an_order(lines, 935, 1000, [("0.19", "VAT 19", 0), ("0.07", "VAT 7", 65)], discount=1000)
    assert found(order) == [("A", 0, 0), ("B", 935, 65)]


def test_lines_that_state_what_is_left_of_them_are_left_alone() -> None:
    lines = [line("A", 4800, VAT_19, (0, 0)), line("shipping", 1000, VAT_19, (840, 1000))]
    order = an_order(lines, 840, 1000, [("0.19", "VAT 19", 160)], discount=4800)
    assert found(order) == [("A", 0, 0), ("shipping", 840, 160)]


def test_a_discount_on_prices_of_both_kinds_is_told_by_its_amount_with_tax() -> None:
    held_in, on_top = rate("0.19", "VAT 19"), rate("0.07", "VAT 7", included=False)
    lines = [line("A", 1190, held_in, (1000, 1190)), line("B", 1000, on_top, (1000, 1070))]
    portions = [("0.19", "VAT 19", 95), ("0.07", "VAT 7", 35)]
    order = an_order(lines, 1000, 1130, portions, discount=1095, discount_taxed=Taxed(net=1000, gross=1130))
    assert found(order) == [("A", 500, 95), ("B", 500, 35)]
    for wrong in (Taxed(net=500, gross=600), Taxed(net=1000, gross=1900)):
        assert (
            held(order.model_copy(update={"discount_taxed": wrong, "total_discount": 300})) == "totals_differ"
        )


def test_taxes_that_somebody_else_worked_out_are_taken_as_they_are_stated() -> None:
    """With the tax mode ExternalAmount the platform takes the price for the net amount, whatever the rate says."""
    lines = [line("A", 1000, VAT_19, (1000, 1190)), line("shipping", 500, VAT_19, (500, 595))]
    order = an_order(lines, 1500, 1785, [("0.19", "VAT 19", 285)], total=1500)
    assert found(order) == [("A", 1000, 190), ("shipping", 500, 95)]
    tenth = an_order(
        lines,
        1350,
        1607,
        [("0.19", "VAT 19", 257)],
        total=1350,
        discount=150,
        shipping_taxed=Taxed(net=450, gross=536),
    )
    assert found(tenth) == [("A", 900, 171), ("shipping", 450, 86)]


def test_lines_of_no_rate_and_of_a_rate_of_nothing_are_sold_beside_others() -> None:
    zero = rate("0", "Zero")
    lines = [line("A", 1000, VAT_19, (840, 1000)), line("B", 500, zero, (500, 500)), line("C", 300, None)]
    portions = [("0.19", "VAT 19", 160), ("0", "Zero", 0)]
    assert found(an_order(lines, 1640, 1800, portions)) == [("A", 840, 160), ("B", 500, 0), ("C", 300, 0)]


def test_a_negative_line_keeps_its_amount_where_goods_bear_a_discount() -> None:
    lines = [
        line("A", 10000, VAT_19, (8403, 10000)),
        line("voucher", -2000, VAT_19, (-1681, -2000), kind="custom"),
    ]
    order = an_order(lines, 6050, 7200, [("0.19", "VAT 19", 1150)], discount=800)
    assert found(order) == [("A", 7731, 1469), ("voucher", -1681, -319)]


def test_an_order_that_a_voucher_and_a_discount_pay_for_costs_nothing() -> None:
    lines = [
        line("A", 1000, VAT_19, (840, 1000)),
        line("voucher", -600, VAT_19, (-504, -600), kind="custom"),
        line("shipping", 490, VAT_19, (412, 490)),
    ]
    order = an_order(lines, 412, 490, [("0.19", "VAT 19", 78)], discount=400)
    assert sum(net for _, net, _ in found(order)) == 412
    assert found(order)[-1] == ("shipping", 412, 78)


@pytest.mark.parametrize("tax", [-50, -1, 60, 300, 900])
def test_a_discount_on_the_whole_switches_no_check_of_taxes_off(tax: int) -> None:
    """10.00 with 1.60 of tax, 1.00 off: between 1.44 and 1.60 of it can be left, give or take a cent of rounding."""
    order = an_order(
        [line("A", 1000, VAT_19, (840, 1000))], 900 - tax, 900, [("0.19", "VAT 19", tax)], discount=100
    )
    assert held(order) == "totals_differ"


@pytest.mark.parametrize("tax", [143, 144, 145])
def test_what_rounding_explains_beside_a_discount_is_taken(tax: int) -> None:
    order = an_order(
        [line("A", 1000, VAT_19, (840, 1000))], 900 - tax, 900, [("0.19", "VAT 19", tax)], discount=100
    )
    assert found(order) == [("A", 900 - tax, tax)]


def test_taxes_of_two_rates_are_not_exchanged_beside_a_discount() -> None:
    lines = [line("A", 1000, VAT_19, (840, 1000)), line("B", 1000, VAT_7, (935, 1000))]
    portions = [("0.19", "VAT 19", 400), ("0.07", "VAT 7", -200)]
    assert held(an_order(lines, 1600, 1800, portions, discount=200)) == "totals_differ"


def test_tax_of_lines_that_state_none_is_held_against_their_rate() -> None:
    order = an_order([line("A", 1000, VAT_19)], 500, 1000, [("0.19", "VAT 19", 500)])
    assert held(order) == "totals_differ"


def test_a_discount_that_the_order_does_not_name_keeps_it_back() -> None:
    lines = [line("A", 1000, VAT_19, (840, 1000)), line("shipping", 500, VAT_19, (420, 500))]
    assert held(an_order(lines, 840, 1000, [("0.19", "VAT 19", 160)], discount=100)) == "totals_differ"


@given(orders())
def test_no_tax_is_beyond_what_its_line_states_and_none_below_nothing(order: Order) -> None:
    for one in amounts_of(order):
        line = one.line
        slack = max(1, line.quantity)
        if line.taxed is not None and line.total >= 0:
            assert 0 <= one.tax <= line.taxed.gross - line.taxed.net + slack
            assert one.net >= -slack
        if line.total >= 0:
            assert one.tax >= 0


@given(orders(), st.integers(-2000, 2000))
def test_taxes_that_are_moved_between_net_and_gross_are_never_sold(order: Order, by: int) -> None:
    """The same total with another tax: an order that says so is kept back, unless rounding explains it. Where lines of
    several rates may bear a discount on the total, their taxes are what tells who bears it: that is left out."""
    if order.total_discount and len(order.portions) > 1:
        return
    if order.taxed is None or not order.portions or abs(by) <= 3 * sum(line.quantity for line in order.lines):
        return
    first, *rest = order.portions
    if not first.rate:
        return
    moved = order.model_copy(
        update={
            "taxed": Taxed(net=order.taxed.net - by, gross=order.taxed.gross),
            "portions": (first.model_copy(update={"tax": first.tax + by}), *rest),
        }
    )
    assert held(moved) == "totals_differ"


@given(orders(), st.integers(0, 3000))
def test_shipping_that_states_its_taxes_is_sold_as_it_states_them(order: Order, cost: int) -> None:
    """Whatever is taken off goods: shipping that the order states, as it states it (a cent of rounding aside)."""
    if order.taxed is None or not order.total_discount or any(line.taxed is None for line in order.lines):
        return
    goods = [one for one in order.lines if one.kind != "shipping"]
    if any(
        line.rate is None or line.rate.included != goods[0].rate.included for line in goods if goods[0].rate
    ):
        return
    # The goods alone, as the strategy makes them, and shipping of a rate of its own beside them.
    if len(goods) < len(order.lines):
        return
    how = goods[0].rate
    assert how is not None
    tax = int(Decimal(cost) * Decimal("0.21"))
    own = Rate(share=Decimal("0.21"), name="shipping", country="DE", included=how.included)
    taxed = Taxed(net=cost - tax, gross=cost) if how.included else Taxed(net=cost, gross=cost + tax)
    if how.included:
        tax = cost - int(Decimal(cost) / Decimal("1.21"))
        taxed = Taxed(net=cost - tax, gross=cost)
    shipping = line("shipping", cost, own).model_copy(update={"taxed": taxed})
    with_it = order.model_copy(
        update={
            "lines": (*order.lines, shipping),
            "total": order.total + cost,
            "taxed": Taxed(net=order.taxed.net + taxed.net, gross=order.taxed.gross + taxed.gross),
            "portions": (*order.portions, Portion(rate=own.share, name=own.name, tax=tax)),
        }
    )
    sold = next(one for one in amounts_of(with_it) if one.line.id == "shipping")
    assert (sold.net, sold.gross) == (taxed.net, taxed.gross)
