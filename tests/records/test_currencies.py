"""Currencies by their digits and their names: commercetools has some twice."""

from __future__ import annotations

import re

import pytest

from retail_sync.records.currencies import CURRENCY_PATTERN, iso_code, minor_digits

WHOLE = ("CZK0", "HUF0", "ILS0", "KZT0", "TRY0", "TWD0")


@pytest.mark.parametrize("currency", WHOLE)
def test_a_currency_in_whole_units_has_no_digits_and_an_iso_code(currency: str) -> None:
    assert (minor_digits(currency), iso_code(currency)) == (0, currency[:3])
    assert minor_digits(currency[:3]) == 2
    assert re.fullmatch(CURRENCY_PATTERN, currency)


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_other_currencies_are_what_they_are_called(currency: str, digits: int) -> None:
    assert (minor_digits(currency), iso_code(currency)) == (digits, currency)


@pytest.mark.parametrize("currency", ["EUR0", "HUF1", "huf0", "HUF00", "EURO", ""])
def test_no_other_name_is_a_currency(currency: str) -> None:
    assert not re.fullmatch(CURRENCY_PATTERN, currency)
