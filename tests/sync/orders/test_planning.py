"""What is done about an order, setting by setting: when it is sold, where, as what, to whom; and why it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.records.orders import Mark, Order, OrderLine, Payment, Portion, Taxed, Transaction
from retail_sync.records.sales import Sale
from retail_sync.sync.orders.plan import SOURCE, Known, OrderPlan, World, sale_id
from retail_sync.sync.orders.planner import plan_order
from tests.support.orders_made import PLACED, RATES, Way, a_line, an_order, paid
from tests.sync.orders.desk import TERMS, a_world, actions, codes, comes_to, known_after, tendered, written

GROSS = Way(included=True, rounding="line")
NET = Way(included=False, rounding="line")
TEE = a_line("line-1", [(3, 1000)], GROSS, sku="TEE-RED")


def order(*lines: OrderLine, way: Way = GROSS, **more: Any) -> Order:
    return an_order(lines or (TEE,), way, **more)


def the_sale(plan: OrderPlan) -> Sale:
    [step] = [step for step in plan.steps if step.action == "sell"]
    assert step.sale is not None
    return step.sale


def sold(given: Order, world: World | None = None) -> Sale:
    plan = plan_order(given, Known(), world or a_world())
    assert not plan.held, plan.findings
    return the_sale(plan)


def held(given: Order, world: World | None = None) -> str:
    """The code that keeps an order back; nothing is written of it, and a person is told what to do."""
    plan = plan_order(given, Known(), world or a_world())
    assert not plan.steps and plan.held
    [finding] = plan.findings
    assert finding.message and finding.release
    return finding.code


def test_an_order_becomes_one_closed_sale_and_is_marked_with_it() -> None:
    given = order(customer_id="linked")
    plan = plan_order(given, Known(), a_world())
    sell, mark = plan.steps
    sale = the_sale(plan)
    assert (sell.system, sell.key, sell.location) == ("lightspeed", sale_id("order-1"), "North")
    assert (mark.system, mark.action, mark.key, mark.external_id) == (
        "commercetools",
        "mark",
        "order-1",
        sale.id,
    )
    assert (sale.id, sale.state, sale.number) == (sale_id("order-1"), "closed", "ORDER-1")
    assert (sale.outlet_id, sale.register_id, sale.customer_id) == ("outlet-n", "register-n", "till-linked")
    assert (sale.source_type, sale.source_id) == (SOURCE, "ORDER-1")
    assert (sale.sold_at, sale.note) == (PLACED, "Web order ORDER-1")
    assert (sale.total, sale.tax) == (Decimal("30.00"), Decimal("4.79"))
    assert [(line.product_id, line.tax_id, line.order_line) for line in sale.lines] == [
        ("a-TEE-RED", "tax-19", "line-1")
    ] * len(sale.lines)
    [tender] = sale.tenders
    assert (tender.payment_type_id, tender.name, tender.amount, tender.at) == ("pt-web", "Web", 3000, PLACED)


def test_a_unit_bears_what_can_not_be_divided() -> None:
    lines = sold(order(a_line("line-1", [(7, 999)], GROSS, sku="MUG"))).lines
    assert [line.quantity for line in lines] == [6, 1]
    assert sum(line.quantity * line.price for line in lines) == Decimal("58.76")
    assert sum(line.quantity * line.tax for line in lines) == Decimal("11.17")


def test_units_of_one_line_at_several_prices_are_lines_of_their_own() -> None:
    line = a_line("line-1", [(2, 1000), (1, 500)], NET, sku="MUG", unit=1000)
    lines = sold(order(line, way=NET)).lines
    assert [(one.quantity, one.price, one.discount) for one in lines] == [
        (Decimal(2), Decimal(10), Decimal(0)),
        (Decimal(1), Decimal(5), Decimal(5)),
    ]


def test_a_discount_on_the_whole_is_in_every_line_and_told() -> None:
    mug = a_line("line-2", [(1, 1000)], NET, sku="MUG", rate=RATES[1])
    lines = sold(order(a_line("line-1", [(3, 1000)], NET, sku="TEE-RED"), mug, way=NET, discount=400)).lines
    assert [line.price for line in lines] == [Decimal(9), Decimal(9)]
    assert [line.discount for line in lines] == [Decimal(1), Decimal(1)]


def test_a_gift_is_sold_for_nothing_and_free_shipping_is_not_sold() -> None:
    gift = a_line("line-2", [(1, 0)], GROSS, sku="CAP", unit=500)
    free = a_line("ship", [(1, 0)], GROSS, kind="shipping", slug="parcel")
    lines = sold(order(TEE, gift, free)).lines
    assert [line.order_line for line in lines if line.order_line != "line-1"] == ["line-2"]
    assert (lines[-1].price, lines[-1].discount) == (Decimal(0), Decimal("4.20168"))


def test_an_order_that_costs_nothing_needs_no_tender() -> None:
    sale = sold(order(a_line("line-1", [(1, 0)], GROSS, sku="CAP", unit=500)))
    assert sale.state == "closed" and not sale.tenders


def test_an_order_without_taxes_is_sold_without() -> None:
    line = TEE.model_copy(update={"rate": None, "taxed": None})
    given = order().model_copy(update={"lines": (line,), "taxed": None, "portions": ()})
    sale = sold(given)
    assert (sale.total, sale.tax) == (Decimal("30.00"), Decimal(0))
    assert {line.tax_id for line in sale.lines} == {"tax-0"}


@pytest.mark.parametrize(
    ("settings", "change", "why"),
    [
        ({"since": None}, {}, "no order is exported"),
        ({"since": "2026-11-21"}, {}, "placed before the export began"),
        ({}, {"origin": "import"}, "imported, not ordered in the shop"),
        ({}, {"number": "POS-17"}, "it stands for an in-store sale"),
        ({"stores": ["de"]}, {"store": "fr"}, "of another store"),
        ({"channels": ["web"]}, {"channel": None}, "of another channel"),
        ({}, {"state": "cancelled"}, "cancelled before it was exported"),
        ({}, {"marks": (Mark(external_id="sale"),)}, "exported already, by another hand"),
        ({"states": ["Confirmed"]}, {}, "not yet: its state is Open"),
        ({"payment_states": ["Paid"]}, {"payment_state": None}, "not yet: its payment state is empty"),
        ({}, {"lines": ()}, "nothing was ordered"),
    ],
)
def test_what_is_not_chosen_is_ignored_with_its_reason(
    settings: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    given = order().model_copy(update=change)
    plan = plan_order(given, Known(), a_world(**settings))
    assert (plan.ignored, plan.steps, plan.findings) == (why, (), ())


def test_the_day_the_export_begins_is_exported() -> None:
    given = order(placed_at=datetime(2026, 11, 20, 0, 0, tzinfo=UTC))
    assert sold(given, a_world(since="2026-11-20"))


def test_an_order_that_was_sold_is_followed_whatever_the_settings_say() -> None:
    given, known, _ = written(order(), Known(), a_world())
    given = given.model_copy(update={"state": "cancelled"})
    assert actions(plan_order(given, known, a_world(since=None, stores=["fr"]))) == ["void"]


def test_the_first_place_that_fits_counts() -> None:
    places = [
        {"location": "South", "country": "FR"},
        {"location": "South", "shipping_method": "pickup-south"},
    ]
    world = a_world(places=places)
    assert plan_order(order(), Known(), world).steps[0].location == "North"
    assert plan_order(order(country="FR"), Known(), world).steps[0].location == "South"
    assert plan_order(order(shipping_method="pickup-south"), Known(), world).steps[0].location == "South"


def test_an_order_of_two_channels_is_cut_and_what_is_no_article_goes_with_the_base() -> None:
    given = order(
        a_line("line-1", [(1, 3000)], GROSS, sku="TEE-RED", channel="stock-south"),
        a_line("line-2", [(2, 500)], GROSS, sku="MUG", channel="stock-north"),
        a_line("ship", [(1, 490)], GROSS, kind="shipping", slug="parcel"),
    )
    south, north, mark = plan_order(given, Known(), a_world()).steps
    assert south.sale is not None and north.sale is not None
    assert (south.location, south.sale.number, south.sale.total) == ("South", "ORDER-1", Decimal("30.00"))
    assert (north.location, north.sale.number, north.sale.total) == ("North", "ORDER-1/2", Decimal("14.90"))
    assert (south.sale.id, north.sale.id) == (sale_id("order-1", "South"), sale_id("order-1", "North"))
    assert (south.sale.source_id, north.sale.source_id) == ("ORDER-1/South", "ORDER-1/North")
    assert (south.sale.outlet_id, south.sale.register_id) == ("outlet-s", "register-s")
    assert mark.external_id == f"{south.sale.id},{north.sale.id}"
    assert [line.order_line for line in north.sale.lines][-1] == "ship"
    whole = plan_order(given, Known(), a_world(split="never"))
    assert (the_sale(whole).id, whole.steps[0].location) == (sale_id("order-1"), "North")


def test_shipping_goes_with_the_dearest_part_where_the_base_serves_nothing() -> None:
    given = order(
        a_line("line-1", [(1, 3000)], GROSS, sku="TEE-RED", channel="stock-south"),
        a_line("ship", [(1, 490)], GROSS, kind="shipping", slug="parcel"),
    )
    plan = plan_order(given, Known(), a_world())
    assert (plan.steps[0].location, the_sale(plan).id) == ("South", sale_id("order-1"))
    assert the_sale(plan).total == Decimal("34.90")


def test_an_order_is_not_cut_where_a_part_would_cost_less_than_nothing() -> None:
    given = order(
        a_line("line-1", [(1, 3000)], GROSS, sku="TEE-RED", channel="stock-south"),
        a_line("line-2", [(1, 500)], GROSS, sku="MUG"),
        a_line("voucher", [(1, -1000)], GROSS, kind="custom", slug="voucher"),
    )
    plan = plan_order(given, Known(), a_world())
    assert (plan.steps[0].location, the_sale(plan).total) == ("North", Decimal("25.00"))


def test_a_part_is_not_sold_again_at_another_place_after_the_settings_changed() -> None:
    given = order(
        a_line("line-1", [(1, 3000)], GROSS, sku="TEE-RED", channel="stock-south"),
        a_line("line-2", [(2, 500)], GROSS, sku="MUG"),
    )
    known = known_after(given, Known(), plan_order(given, Known(), a_world()).steps[:1])
    plan = plan_order(given, known, a_world(location="South"))
    assert codes(plan) == ["parts_differ"] and not plan.steps
    edited = order(*given.lines, discount=100)
    assert "parts_differ" in codes(plan_order(edited, known, a_world()))


def test_a_part_that_is_missing_is_not_sold_of_a_cancelled_order() -> None:
    given = order(
        a_line("line-1", [(1, 3000)], GROSS, sku="TEE-RED", channel="stock-south"),
        a_line("line-2", [(2, 500)], GROSS, sku="MUG"),
    )
    known = known_after(given, Known(), plan_order(given, Known(), a_world()).steps[:1])
    plan = plan_order(given.model_copy(update={"state": "cancelled"}), known, a_world())
    assert actions(plan) == ["void"]


CLOSED = replace(
    TERMS,
    registers={name: replace(one, is_open=False) for name, one in TERMS.registers.items()},
)


@pytest.mark.parametrize(
    ("code", "world"),
    [
        ("no_location", a_world(location=None)),
        ("no_register", a_world(registers={})),
        ("no_register", a_world(registers={"North": "Web South"})),
        ("register_closed", a_world(terms=CLOSED)),
        ("currency_differs", a_world(terms=replace(TERMS, currency="CHF"))),
        ("currency_differs", a_world(terms=replace(TERMS, digits=0))),
        ("tax_unmapped", a_world(terms=replace(TERMS, taxes={}))),
        ("tax_unmapped", a_world(taxes=[{"rate": "0.19", "tax": "Gone"}])),
        ("article_unknown", a_world(articles=[], products={})),
        ("stand_in_used", a_world(articles=[], rules={"stand_in_used": "hold"})),
        ("tender_unmapped", a_world(tenders=[{"tender": "Gift card", "method": "voucher"}])),
        ("tender_unmapped", a_world(tenders=[{"tender": "Gone"}])),
    ],
)
def test_what_is_missing_at_the_till_keeps_an_order_back(code: str, world: World) -> None:
    assert held(order(), world) == code


def test_several_taxes_of_one_rate_are_none_until_one_is_named() -> None:
    taxes = {**TERMS.taxes, "VAT 7": replace(TERMS.taxes["VAT 7"], rate=Decimal("0.19"))}
    terms = replace(TERMS, taxes=taxes)
    assert held(order(), a_world(terms=terms)) == "tax_unmapped"
    named = a_world(terms=terms, taxes=[{"rate": "0.19", "tax": "VAT 7", "country": "DE", "name": "MwSt"}])
    assert {line.tax_id for line in sold(order(), named).lines} == {"tax-7"}
    elsewhere = a_world(terms=terms, taxes=[{"rate": "0.19", "tax": "VAT 7", "country": "FR"}])
    assert held(order(), elsewhere) == "tax_unmapped"


@pytest.mark.parametrize(
    ("line", "article"),
    [
        (a_line("x", [(1, 490)], GROSS, kind="shipping", slug="parcel"), "p-SHIPPING"),
        (a_line("x", [(1, 490)], GROSS, kind="shipping", slug="express"), "p-GIFT-WRAP"),
        (a_line("x", [(1, 300)], GROSS, kind="custom", slug="gift-wrap"), "p-GIFT-WRAP"),
        (a_line("x", [(1, -300)], GROSS, kind="custom", slug="voucher"), "p-CUSTOM"),
    ],
)
def test_what_is_no_article_is_sold_as_the_article_the_settings_name(line: OrderLine, article: str) -> None:
    products = {
        "shipping": "SHIPPING",
        "custom": "CUSTOM",
        "customs": {"gift-wrap": "GIFT-WRAP"},
        "shipping_methods": {"express": "GIFT-WRAP"},
    }
    assert sold(order(TEE, line), a_world(products=products)).lines[-1].product_id == article
    assert held(order(TEE, line), a_world(products={})) == "no_article_for"


def test_an_unknown_sku_is_sold_as_the_stand_in_and_told() -> None:
    plan = plan_order(order(), Known(), a_world(articles=[]))
    assert codes(plan) == ["stand_in_used"] and not plan.held
    assert {(line.product_id, line.note) for line in the_sale(plan).lines} == {
        ("p-STAND-IN", "TEE-RED Line line-1")
    }
    assert not codes(plan_order(order(), Known(), a_world(articles=[], rules={"stand_in_used": "off"})))


def test_an_unlinked_customer_is_waited_for_and_then_the_guest_takes_the_place() -> None:
    given = order(customer_id="new")
    plan = plan_order(given, Known(), a_world(hours=3))
    assert codes(plan) == ["customer_unlinked"] and "2026-11-20 14:30" in plan.findings[0].release
    late = plan_order(given, Known(), a_world(hours=4))
    assert codes(late) == ["guest_instead"] and the_sale(late).customer_id == "guest"
    at_once = plan_order(given, Known(), a_world(customers={"unlinked": "guest"}))
    assert codes(at_once) == ["guest_instead"]
    assert held(given, a_world(hours=9, rules={"guest_instead": "hold"})) == "guest_instead"


def test_an_order_without_an_account_goes_to_the_guest_or_to_whom_its_address_belongs() -> None:
    given = order(email_tokens=("token",))
    assert sold(given).customer_id == "guest"
    by_email = a_world(customers={"by_email": True})
    assert sold(given, by_email).customer_id == "till-bearer"
    assert sold(order(email_tokens=("other",)), by_email).customer_id == "guest"


def charge(amount: int, kind: str = "charge", state: str = "success", id: str = "t") -> Transaction:
    return Transaction.model_validate(
        {"id": f"{id}-{kind}", "type": kind, "state": state, "amount": amount, "at": PLACED}
    )


def payment(*transactions: Transaction, id: str = "pay", method: str = "card") -> Payment:
    return Payment(id=id, method=method, interface="psp", transactions=transactions)


def test_several_payments_are_tenders_of_their_own_and_parts_take_from_them_in_turn() -> None:
    given = order(
        a_line("line-1", [(1, 3000)], GROSS, sku="TEE-RED", channel="stock-south"),
        a_line("line-2", [(1, 1000)], GROSS, sku="MUG"),
        payments=(paid(1000, "p1", method="voucher"), paid(3000, "p2")),
    )
    south, north, _ = plan_order(given, Known(), a_world()).steps
    assert south.sale is not None and north.sale is not None
    assert [(one.name, one.amount) for one in south.sale.tenders] == [("Gift card", 1000), ("Web", 2000)]
    assert [(one.name, one.amount) for one in north.sale.tenders] == [("Web", 1000)]


@pytest.mark.parametrize(
    ("payments", "code"),
    [
        ((payment(charge(2000)),), "unpaid"),
        ((payment(charge(3000, state="pending")),), "unpaid"),
        ((payment(charge(3000), charge(500, "chargeback")),), "unpaid"),
        ((payment(charge(3000), charge(3000, "refund")),), "unpaid"),
        ((payment(charge(3001)),), "paid_differs"),
        ((), "unpaid"),
    ],
)
def test_what_was_paid_must_be_what_is_due(payments: tuple[Payment, ...], code: str) -> None:
    assert held(order(payments=payments, payment_state="Pending")) == code


def test_a_payment_that_was_refunded_and_replaced_is_no_tender() -> None:
    first = payment(charge(3000), charge(3000, "refund"), id="p1", method="voucher")
    second = payment(charge(3000, id="u"), id="p2")
    for state in ("Paid", "Pending"):
        sale = sold(order(payments=(first, second), payment_state=state))
        assert [(one.name, one.amount) for one in sale.tenders] == [("Web", 3000)]


def test_what_was_given_back_of_a_paid_order_before_it_was_sold_follows_its_sale() -> None:
    given = order(payments=(payment(charge(3000), charge(500, "refund")),))
    plan = plan_order(given, Known(), a_world())
    assert actions(plan) == ["sell", "mark", "refund"]
    assert tendered(the_sale(plan)) == 3000
    refund = plan.steps[-1].sale
    assert refund is not None and refund.total == Decimal("-5.00")
    given, known, _ = written(given, Known(), a_world())
    assert not plan_order(given, known, a_world()).steps


def test_an_authorization_counts_where_the_settings_say_so_as_far_as_it_is_not_charged() -> None:
    both = a_world(paid_by=["Charge", "Authorization"])
    only = a_world(paid_by=["Authorization"])
    promised = order(payments=(payment(charge(3000, "authorization")),))
    assert held(promised.model_copy(update={"payment_state": "Pending"})) == "unpaid"
    assert tendered(sold(promised, both)) == 3000
    assert tendered(sold(promised, only)) == 3000
    partly = order(payments=(payment(charge(3000, "authorization"), charge(1000)),))
    assert tendered(sold(partly, both)) == 3000
    void = payment(charge(3000, "authorization"), charge(3000, "cancel_authorization"))
    assert held(order(payments=(void,), payment_state="Pending"), both) == "unpaid"


def test_an_order_that_counts_as_paid_without_a_transaction_is_paid_as_the_settings_say() -> None:
    given = order(payments=())
    assert held(given) == "unpaid"
    [tender] = sold(given, a_world(paid_without="Invoice")).tenders
    assert (tender.payment_type_id, tender.amount) == ("pt-invoice", 3000)


@pytest.mark.parametrize(
    ("policy", "state", "attributes"),
    [("on account", "pending", ("onaccount",)), ("park", "parked", ())],
)
def test_an_unpaid_order_is_sold_as_the_settings_say_with_what_was_paid(
    policy: str, state: str, attributes: tuple[str, ...]
) -> None:
    given = order(payments=(payment(charge(1000)),), payment_state="BalanceDue")
    sale = sold(given, a_world(unpaid=policy))
    assert (sale.state, sale.attributes, tendered(sale)) == (state, attributes, 1000)


def test_nobody_buys_on_account_without_being_a_customer() -> None:
    given = order(payments=(), payment_state="BalanceDue")
    assert held(given, a_world(terms=replace(TERMS, guest_id=None), unpaid="on account")) == "unpaid"


def test_a_sale_that_is_handed_over_stays_open() -> None:
    world = a_world(fulfilment={"parcel": "delivery", "pick": "pickup"})
    assert (sold(order(), world).state, sold(order(), world).attributes) == ("pending", ("delivery",))
    assert sold(order(shipping_method="pick"), world).attributes == ("pickup",)
    assert sold(order(shipping_method="letter"), world).state == "closed"


@pytest.mark.parametrize(
    "change",
    [
        {"total": 3100, "taxed": Taxed(net=2605, gross=3100), "portions": ()},
        {"portions": (Portion(rate=Decimal("0.19"), name="MwSt", tax=478),)},
        {"portions": (Portion(rate=Decimal("0.07"), name="MwSt", tax=479),)},
        {
            "taxed": Taxed(net=2421, gross=3000),
            "portions": (Portion(rate=Decimal("0.19"), name="MwSt", tax=579),),
        },
        {"total_discount": 200},
        {"total": -5, "taxed": Taxed(net=-4, gross=-5)},
        {"taxed": None, "total": 2900},
    ],
)
def test_totals_that_do_not_fit_together_keep_an_order_back_with_both_figures(change: dict[str, Any]) -> None:
    given = order().model_copy(update={**change})
    plan = plan_order(given, Known(), a_world())
    assert codes(plan) == ["totals_differ"] and not plan.steps
    assert {"lines", "order"} <= set(plan.findings[0].evidence)


def test_a_difference_that_rounding_explains_is_spread() -> None:
    given = order(total=2998, taxed=Taxed(net=2519, gross=2998), payments=(paid(2998),))
    sale = sold(given)
    assert sum(comes_to(sale)) == sale.total == Decimal("29.98")


def test_rates_of_the_same_share_are_told_apart_by_name_where_the_order_does() -> None:
    one = a_line("line-1", [(1, 1000)], NET, sku="MUG")
    other = a_line("line-2", [(1, 1000)], NET, sku="CAP", rate=(Decimal("0.19"), "other"))
    taxes = [{"rate": "0.19", "name": "other", "tax": "VAT 19 other"}]
    lines = sold(order(one, other, way=NET), a_world(taxes=taxes)).lines
    assert [(line.tax_id, line.tax) for line in lines] == [
        ("tax-19", Decimal("1.90")),
        ("tax-19-other", Decimal("1.90")),
    ]


def test_the_register_numbers_the_sale_where_the_settings_say_so() -> None:
    assert sold(order(), a_world(number="register")).number == ""
    nameless = sold(order(number=None))
    assert (nameless.number, nameless.source_id, nameless.note) == ("order-1", "order-1", "Web order order-1")


def test_a_hold_names_nobody() -> None:
    plan = plan_order(order(customer_id="new", email_tokens=("token",)), Known(), a_world())
    assert "token" not in repr(plan.findings)


def test_the_clock_decides_nothing_but_the_wait_for_a_customer() -> None:
    world = a_world()
    later = replace(world, now=world.now + timedelta(days=99))
    assert plan_order(order(), Known(), world) == plan_order(order(), Known(), later)
