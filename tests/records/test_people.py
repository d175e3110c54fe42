"""What people are known by: a guess is not a value, and what can't be read is still compared."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.people import email_keys, email_text, is_readable, phone_text


@pytest.mark.parametrize(
    ("text", "country", "read"),
    [
        ("030 123456", "DE", "+4930123456"),
        ("030/123456", "DE", "+4930123456"),
        ("+49 (0)30 123456", None, "+4930123456"),
        ("+49 (30) 12-34-56", None, "+4930123456"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("(030) 123.456", "de", "+4930123456"),
        ("tel:+4930123456", None, "+4930123456"),
        ("020 7946 0958 ext. 12", "GB", "+442079460958 ext. 12"),
        ("+442079460958;ext=12", None, "+442079460958 ext. 12"),
        ("+44 20 7946 0958 x12", None, "+442079460958 ext. 12"),
        ("030 123456 Durchwahl 7", "DE", "+4930123456 ext. 7"),
    ],
)
def test_one_number_is_read_and_keeps_its_extension(text: str, country: str | None, read: str) -> None:
    assert phone_text(text, country) == read
    assert phone_text(read, None) == read


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("030 123456 privat", "DE"),
        ("030 123456 (privat)", "DE"),
        ("privat 030 123456", "DE"),
        ("0800 FLOWERS", "US"),
        ("1-800-GOFEDEX", "US"),
        ("030 123456 / 0171 1234567", "DE"),
        ("030 123456, 0171 1234567", "DE"),
        ("030 123456; 030 123457", "DE"),
        ("030 123456 oder 030 123457", "DE"),
        ("030 1234/5", "DE"),
        ("030/1234/5", "DE"),
        ("030 123456 (ab 18 Uhr)", "DE"),
        ("030 123456 ext", "DE"),
        ("٠٣٠ ١٢٣٤٥٦", "DE"),
        ("123", "DE"),
        ("030 123456 privat", None),
        ("+49 30 123456 \u202ex", None),
    ],
)
def test_a_number_that_would_have_to_be_guessed_is_left_alone(text: str, country: str | None) -> None:
    assert phone_text(text, country) == "?" + text


@given(
    st.text(alphabet=string.digits + " +-/().,;x#aäE", max_size=25), st.sampled_from(["DE", "US", "GB", None])
)
def test_no_digit_of_a_read_number_was_made_up(text: str, country: str | None) -> None:
    read = phone_text(text, country)
    if is_readable(read):
        given_digits = "".join(sign for sign in text if sign in string.digits)
        number, _, extension = read.partition(" ext. ")
        # All but the country code and the trunk prefix come from the text, in its order.
        assert given_digits.endswith(extension)
        assert given_digits.removesuffix(extension)[-6:].lstrip("0") in number
        assert phone_text(read, country) == read


@pytest.mark.parametrize(
    "text",
    ["anonymized-4711@example.invalid", "ada@localhost", "ada@shop.test", "x@example.com", "a@x.local"],
)
def test_an_address_of_a_reserved_domain_is_an_address(text: str) -> None:
    assert email_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "foo..bar@docomo.ne.jp",
        "foo.@docomo.ne.jp",
        "ada@my_shop.com",
        "ada@localhost",
        "a@x.de, b@y.de",
        "a@x.de; b@y.de",
        "Ada <ada@x.de>",
    ],
)
def test_what_is_no_valid_address_is_compared_all_the_same(text: str) -> None:
    keys = email_keys(email_text(text))
    assert keys
    assert keys == email_keys(text) == email_keys(f" {text.upper()} ")


def test_a_field_of_several_addresses_is_compared_by_each_of_them() -> None:
    assert email_keys("a@x.de; B@y.de") == {"a@x.de", "b@y.de"}
    assert email_keys("Ada <ada@x.de>") == {"ada@x.de"}


@pytest.mark.parametrize("text", ["", "?", "-", "unknown", "n/a", "@", "?@"])
def test_a_field_without_any_address_is_compared_with_nothing(text: str) -> None:
    assert email_keys(text) == frozenset()


@given(st.emails())
def test_a_readable_address_is_compared_as_it_is_written_but_for_capitals(text: str) -> None:
    read = email_text(text)
    if is_readable(read):
        assert email_keys(read) == {read.casefold()}
