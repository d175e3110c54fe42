"""What a sale becomes: amounts come to the till's total to the last cent, and nothing else than sales data leaves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.sales import Sale, SaleLine, Tender
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.sales.amounts import amounts_of, minor, portions_of, totals_of
from retail_sync.sync.sales.documents import (
    as_plain,
    content_of,
    entry_of,
    from_plain,
    imported_of,
    order_number,
)
from retail_sync.sync.sales.plan import Article, World
from tests.sync.sales.paper import ADA_ONLINE, TERMS, line, sale, settings

WORLD = World(settings=settings(), terms=TERMS, articles={"p-1": Article("J-1", "till-1", "Winter jacket")})

amount = st.decimals("-9999", "9999", places=5)
lines = st.lists(
    st.builds(
        lambda quantity, price, tax, tax_id: SaleLine(
            product_id="p-1", quantity=quantity, price=price, tax=tax, tax_id=tax_id
        ),
        st.one_of(st.integers(-20, 20).map(Decimal), st.decimals("-20", "20", places=3)),
        amount,
        st.decimals("-999", "999", places=5),
        st.sampled_from(["tax-19", "tax-7", "tax-unknown"]),
    ),
    max_size=8,
)


@given(lines, st.sampled_from([0, 2, 3]), st.one_of(st.none(), amount), st.one_of(st.none(), amount))
def test_lines_and_taxes_of_any_sale_come_to_its_total(
    some: list[SaleLine], digits: int, total: Decimal | None, tax: Decimal | None
) -> None:
    one = sale(*some)
    one = one.model_copy(
        update={
            "lines": tuple(some),
            "total": one.total if total is None else total,
            "tax": one.tax if tax is None else tax,
        }
    )
    world = replace(WORLD, terms=replace(TERMS, digits=digits))
    document = imported_of(one, world, "POS-1", None)
    assert document.gross == minor(one.total, digits)
    assert document.gross - document.net == minor(one.tax, digits)
    assert sum(each.gross for each in document.lines) == document.gross
    assert sum(each.net for each in document.lines) == document.net
    assert all(each.quantity * each.unit == each.gross for each in document.lines)
    assert sum(tax for _, _, tax, _ in document.portions) == document.gross - document.net
    assert sum(net for _, _, _, net in document.portions) == document.net
    entry = entry_of(one, world, None)
    assert sum(each["gross"] for each in entry["lines"]) == entry["gross"] == document.gross


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 99999)), min_size=1, max_size=12))
def test_rounding_moves_no_line_by_more_than_the_sale_has_lines_and_makes_none(
    units: list[tuple[int, int]],
) -> None:
    one = sale(*(line(str(quantity), str(Decimal(cents) / 100)) for quantity, cents in units))
    amounts = amounts_of(one, TERMS)
    assert len(amounts) == len(units)
    for each, (quantity, cents) in zip(amounts, units, strict=True):
        assert abs(each.gross - quantity * cents) <= len(units) // 2 + 2


def test_what_no_rounding_explains_is_a_line_of_its_own() -> None:
    tipped = sale(line("1", "11.90"), total=Decimal("13.90"), tax=Decimal("1.90"))
    document = imported_of(tipped, WORLD, "POS-1", None)
    assert [(one.name, one.gross) for one in document.lines] == [("Jacket", 1190), ("Other", 200)]


def test_a_quantity_that_is_not_whole_is_one_unit_that_names_it() -> None:
    document = imported_of(sale(line("0.5", "11.90"), line("-1.25", "2.00")), WORLD, "POS-1", None)
    half, back = document.lines
    assert (half.name, half.quantity, half.unit, half.gross) == ("Jacket x 0.5", 1, 595, 595)
    assert (back.name, back.quantity, back.unit, back.gross) == ("Jacket x 1.25", -1, 250, -250)
    assert entry_of(sale(line("0.5")), WORLD, None)["lines"][0]["quantity"] == "0.5"


def test_goods_that_come_back_are_negative_units_at_a_positive_price() -> None:
    (back,) = imported_of(sale(line("-2", "11.90")), WORLD, "POS-1", None).lines
    assert (back.quantity, back.unit, back.gross, back.net) == (-2, 1190, -2380, -2000)


def test_units_whose_amount_can_not_be_divided_are_two_lines_a_minor_unit_apart() -> None:
    one = sale(line("3", "3.33"), line("-7", "0.125"), total=Decimal("9.12"), tax=Decimal("1.45"))
    assert [(each.quantity, each.unit) for each in imported_of(one, WORLD, "n", None).lines] == [
        (2, 333),
        (1, 334),
        (-3, 12),
        (-4, 13),
    ]


def test_taxes_are_told_by_rate_and_name() -> None:
    reduced = SaleLine(
        product_id="p-2", quantity=Decimal(1), price=Decimal(10), tax=Decimal("0.7"), tax_id="tax-7"
    )
    unknown = SaleLine(
        product_id="p-3", quantity=Decimal(1), price=Decimal(10), tax=Decimal("2.5"), tax_id="gone"
    )
    found = portions_of(amounts_of(sale(line(), reduced, unknown), TERMS))
    assert found == [
        (Decimal("0.19"), "VAT 19", 190, 1000),
        (Decimal("0.07"), "VAT 7", 70, 1000),
        (Decimal("0.2500"), "", 250, 1000),
    ]


def test_fields_of_the_settings_tell_sale_outlet_tenders_and_loyalty() -> None:
    world = replace(
        WORLD,
        settings=settings(
            stores={"berlin": "store-b"},
            type="pos",
            fields={"sale": "saleId", "outlet": "shop", "tenders": "paidBy", "loyalty": "points"},
        ),
    )
    one = sale(
        tenders=(
            Tender(payment_type_id="pay-cash", amount=1000),
            Tender(payment_type_id="x", name="Gift card", amount=190),
        ),
        loyalty=Decimal("1.50"),
    )
    document = imported_of(one, world, "POS-1", ADA_ONLINE)
    assert document.fields == {
        "saleId": one.id,
        "shop": "Berlin",
        "paidBy": "Cash 10.00, Gift card 1.90",
        "points": "1.5",
    }
    assert (document.store, document.country, document.customer_id) == ("store-b", "DE", ADA_ONLINE)


def test_the_outlet_is_found_by_the_register_where_the_sale_names_none() -> None:
    one = sale(outlet_id=None, register_id="register-1")
    assert entry_of(one, WORLD, None)["outlet"] == "Berlin"


def test_a_store_is_found_whatever_the_settings_call_its_outlet() -> None:
    terms = replace(TERMS, outlets={"BERLIN": "outlet-1", "Berlin": "outlet-1"})
    world = replace(WORLD, settings=settings(stores={"berlin": "store-b"}), terms=terms)
    assert imported_of(sale(), world, "n", None).store == "store-b"
    assert imported_of(sale(outlet_id="outlet-2"), world, "n", None).store is None
    assert imported_of(sale(outlet_id=None), world, "n", None).store is None


def test_no_note_leaves_the_till() -> None:
    secret = "call Ada 0170"
    one = sale(line(note=secret), note=secret)
    assert secret not in str(as_plain(imported_of(one, WORLD, "n", None)))
    assert secret not in str(entry_of(one, WORLD, None))


def test_an_order_read_back_from_the_ledger_is_the_same() -> None:
    one = imported_of(sale(line("3", "9.99"), line("0.3", "7.77")), WORLD, "POS-1", ADA_ONLINE)
    assert from_plain(as_plain(one)) == one


@pytest.mark.parametrize(
    ("number", "expected"),
    [("B-17", "POS-B-17-0000ab"), ("B 17/2", "POS-B-17-2-0000ab"), ("", "POS-x0000ab"), ("§", "POS-x0000ab")],
)
def test_an_order_is_numbered_by_prefix_invoice_and_sale(number: str, expected: str) -> None:
    assert order_number(sale(id="x0000ab", number=number), settings().sales) == expected


def test_an_invoice_number_used_twice_gives_two_orders() -> None:
    first, second = sale(number="B-17"), sale(number="B-17")
    assert order_number(first, settings().sales) != order_number(second, settings().sales)


def test_on_account_is_due_until_it_is_paid() -> None:
    def state(**more: object) -> str:
        return imported_of(sale(attributes=("onaccount",), **more), WORLD, "n", None).payment_state

    assert state(state="pending") == "BalanceDue"
    assert state(state="pending", tenders=(Tender(payment_type_id="p", amount=1190),)) == "Paid"
    assert state(state="closed") == "Paid"


def test_a_later_payment_changes_an_entry_and_no_order() -> None:
    one = sale()
    paid = one.model_copy(update={"tenders": (Tender(payment_type_id="p", amount=1),)})
    assert content_of(one, "orders") == content_of(paid, "orders")
    assert content_of(one, "entries") != content_of(paid, "entries")


def test_trailing_zeros_are_no_change() -> None:
    one = sale(line(price=Decimal("10"), tax=Decimal("1.9")))
    same = sale(line(price=Decimal("10.00000"), tax=Decimal("1.90000")), id=one.id)
    assert content_of(one, "orders") == content_of(same, "orders")


def test_the_tills_total_counts_even_where_lines_say_otherwise() -> None:
    one: Sale = sale(line("3", "3.33"), total=Decimal("10.00"), tax=Decimal("1.60"))
    assert totals_of(one, 2).gross == 1000
    assert [each.gross for each in amounts_of(one, TERMS)] == [1000]


def test_a_line_that_was_sold_at_another_rate_than_its_tax_has_today_keeps_its_own() -> None:
    """Rates are changed at the till under the same id: what was sold before was taxed as it was."""
    lowered = replace(TERMS.taxes["VAT 19"], rate=Decimal("0.16"))
    terms = replace(TERMS, taxes={**TERMS.taxes, "VAT 19": lowered})
    one = sale(line(2, "11.90"))
    found = amounts_of(one, terms)
    assert [(each.rate, each.tax_name, each.gross - each.net) for each in found] == [
        (Decimal("0.19"), "", 380)
    ]
    assert portions_of(found) == [(Decimal("0.19"), "", 380, 2000)]
    assert [(each.rate, each.tax_name) for each in amounts_of(one, TERMS)] == [(Decimal("0.19"), "VAT 19")]


@given(st.integers(1, 100_000), st.sampled_from(["0.19", "0.07", "0.055", "0.08875", "0.2", "0.021"]))
def test_the_rate_behind_a_line_is_told_in_its_own_digits(cents: int, rate: str) -> None:
    """From five places of a price and of its tax, as far as they tell it."""
    price = Decimal(cents).scaleb(-2)
    tax = (price * Decimal(rate)).quantize(Decimal("0.00001"))
    unknown = SaleLine(product_id="p-1", quantity=Decimal(1), price=price, tax=tax, tax_id="gone")
    (found,) = amounts_of(sale(unknown), TERMS) or [None]
    if found is None or found.line is None:
        return
    assert abs(found.rate * price - tax) <= Decimal("0.00005") * max(Decimal(1), price)
    if cents > 1000:
        assert found.rate == Decimal(rate)


def in_money(currency: str) -> SyncSettings:
    data = settings().model_dump(mode="json")
    data["products"]["price"]["currency"] = currency
    return SyncSettings.model_validate(data)


@pytest.mark.parametrize(
    ("named", "total", "expected"),
    [
        ("HUF0", "1190", ("HUF0", 1190, 1000)),
        ("HUF", "1190", ("HUF", 119000, 100000)),
        ("HUF0", "1190.50", ("HUF", 119050, 100042)),
        ("EUR", "1190", ("HUF", 119000, 100000)),
    ],
)
def test_a_sale_is_imported_in_the_money_the_project_counts_in(
    named: str, total: str, expected: tuple[str, int, int]
) -> None:
    """In whole units, unless the till took a part of one."""
    terms = replace(TERMS, currency="HUF", digits=2)
    world = replace(WORLD, terms=terms, settings=in_money(named))
    document = imported_of(sale(line(1, total)), world, "POS-1", None)
    assert (document.currency, document.gross, document.net) == expected
    assert sum(each.gross for each in document.lines) == document.gross
    assert sum(each.net for each in document.lines) == document.net
