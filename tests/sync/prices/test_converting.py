"""What a price becomes on the other side."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from retail_sync.records.prices import Quote
from retail_sync.records.types import decimal_text
from retail_sync.settings.models.prices import PriceList, PriceRounding
from retail_sync.sync.prices.conversion import Converter, Side, TaxUnknown, rounded


def a_list(**more: Any) -> PriceList:
    return PriceList.model_validate(
        {"name": "L", "owner": "commercetools", "lightspeed": {"price_book": "B"}, **more}
    )


def side(included: bool, rate: str | None = "0.19", digits: int = 2, currency: str = "EUR") -> Side:
    return Side(included, None if rate is None else Decimal(rate), currency, digits)


def converted(
    one: PriceList, amount: str, source: Side, target: Side, exchange: str = "1"
) -> tuple[str, bool]:
    found = Converter(one, Decimal(exchange)).convert(Quote(Decimal(amount)), source, target)
    return decimal_text(found.quote.amount), found.exact


@pytest.mark.parametrize(
    ("amount", "source", "target", "becomes", "exact"),
    [
        ("19.99", side(True), side(True), "19.99", True),
        ("30", side(True, "0.15"), side(False, "0.15", 5), "26.08696", True),
        ("11.99", side(True), side(False), "10.08", False),
        ("11.99", side(True), side(False, digits=5), "10.07563", True),
        ("10.08", side(False), side(True), "12", True),
        ("2.63158", side(False, digits=5), side(False, digits=5), "2.63158", True),
        ("2.63158", side(False, digits=5), side(False), "2.63", False),
        ("100", side(False, "0"), side(True, "0"), "100", True),
        ("1999", side(True, digits=0, currency="JPY"), side(True, digits=0, currency="JPY"), "1999", True),
        # Taxed differently on both sides: the price with tax stays, because the list is meant so.
        ("12", side(True, "0.2"), side(False, "0.19", 5), "10.08403", True),
    ],
)  # fmt: skip
def test_without_a_rounding_a_price_is_converted_for_tax_and_has_to_come_back(
    amount: str, source: Side, target: Side, becomes: str, exact: bool
) -> None:
    assert converted(a_list(), amount, source, target) == (becomes, exact)


def test_the_side_of_tax_that_a_list_is_meant_in_is_what_stays_where_rates_differ() -> None:
    source, target = side(False, "0.2"), side(False, "0.1", 5)
    assert converted(a_list(tax="excluded"), "10", source, target) == ("10", True)
    assert converted(a_list(tax="included"), "10", source, target)[0] == "10.90909"


def test_a_tax_that_is_not_known_is_no_tax_of_nothing() -> None:
    with pytest.raises(TaxUnknown):
        converted(a_list(), "10", side(False, None), side(True))
    assert converted(a_list(), "10", side(True, None), side(True, None)) == ("10", True)


def test_exchange_and_markup_are_rounded_once_where_the_list_is_meant() -> None:
    one = a_list(markup_percent=10, rounding={})
    assert converted(one, "10", side(True), side(True, currency="GBP"), "0.86") == ("9.46", True)
    # 9.46 pounds with tax, for a till that keeps them without.
    assert converted(one, "10", side(True), side(False, digits=5, currency="GBP"), "0.86") == (
        "7.94958",
        True,
    )


def test_steps_keep_their_quantities() -> None:
    quote = Quote(Decimal("20"), ((10, Decimal("15")), (50, Decimal("12"))))
    found = Converter(a_list(), Decimal(1)).convert(quote, side(True), side(False, digits=5))
    assert found.quote == Quote(Decimal("16.80672"), ((10, Decimal("12.60504")), (50, Decimal("10.08403"))))


@pytest.mark.parametrize(
    ("amount", "rounding", "becomes"),
    [
        ("9.455", {}, "9.46"),
        ("9.445", {"mode": "half even"}, "9.44"),
        ("9.451", {"mode": "up"}, "9.46"),
        ("9.459", {"mode": "down"}, "9.45"),
        ("9.47", {"step": "0.05"}, "9.45"),
        ("9.475", {"step": "0.05"}, "9.5"),
        ("9.40", {"endings": ["0.49", "0.99"]}, "9.49"),
        ("9.20", {"endings": ["0.49", "0.99"]}, "8.99"),
        ("9.24", {"endings": ["0.49", "0.99"]}, "8.99"),
        ("0.10", {"endings": ["0.99"]}, "0.99"),
        ("104", {"endings": ["9.99"]}, "99.99"),
        ("105.50", {"endings": ["9.99"]}, "109.99"),
        ("10.6", {"endings": ["0"]}, "11"),
        ("0", {"endings": ["0.99"]}, "0"),
    ],
)
def test_roundings_and_endings(amount: str, rounding: dict[str, Any], becomes: str) -> None:
    found = rounded(Decimal(amount), PriceRounding.model_validate(rounding), "EUR")
    assert found == Decimal(becomes)


def test_the_smallest_unit_is_that_of_the_currency() -> None:
    assert rounded(Decimal("1234.56"), PriceRounding(), "JPY") == Decimal(1235)
    assert rounded(Decimal("1.23456"), PriceRounding(), "KWD") == Decimal("1.235")
