"""How identifiers are compared: sameness is an equivalence, and what only looks alike is never the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import ean

from retail_sync.records.identifiers import (
    ZERO_WIDTH_BLANKS,
    code_key,
    folded_key,
    likeness,
    matching_key,
    spelled_as,
)
from retail_sync.records.sealing import Seal

Key = Callable[[str], str]
KEYS = (matching_key, folded_key, code_key, likeness)
BLANKS = st.text(alphabet="  \t\u00a0\u2007\u202f\u3000" + ZERO_WIDTH_BLANKS, max_size=3)
TEXTS = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("АВсCSaA1-ßẞςΣé\u0301e\u200f\u00ad\u00a0 –ﬀ١0")),
    max_size=12,
)


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=400)
@given(TEXTS, BLANKS, BLANKS)
def test_a_key_stands_for_itself_and_blanks_and_composition_change_nothing(
    key: Key, text: str, before: str, after: str
) -> None:
    # Sameness by equal keys is reflexive, symmetric and transitive by nature; that a key is its own key makes the
    # class of an identifier the same wherever it is taken.
    assert key(key(text)) == key(text)
    assert key(matching_key(text)) == key(text)
    assert key(before + text + after) == key(text)
    assert key(unicodedata.normalize("NFD", text)) == key(text)
    assert key(unicodedata.normalize("NFC", text)) == key(text)


@settings(max_examples=400)
@given(TEXTS, TEXTS)
def test_each_way_to_compare_tells_less_apart_than_the_one_before(one: str, other: str) -> None:
    if matching_key(one) == matching_key(other):
        assert folded_key(one) == folded_key(other)
        assert code_key(one) == code_key(other)
    if folded_key(one) == folded_key(other):
        assert likeness(one) == likeness(other)
    assert likeness(one.upper()) == likeness(one.upper().casefold())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WS-1 ", "WS-1"),
        ("\u00a0WS-1", "WS-1"),
        ("WS\u00a01", "WS 1"),
        ("WS\u200b-1", "WS-1"),
        ("\ufeffWS-1", "WS-1"),
        ("Gru\u0308n", "Grün"),
        ("\u212b-1", "Å-1"),  # the Ångström sign is the letter, by canonical composition
    ],
)
def test_blanks_nobody_sees_and_composed_letters_are_the_same(one: str, other: str) -> None:
    assert matching_key(one) == matching_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cs-1", "CS-1"),
        ("АВС-1", "ABC-1"),  # Cyrillic
        ("ΑΒΕ", "ABE"),  # Greek
        ("A\u200f-1", "A-1"),  # right-to-left mark
        ("A-1\u202e", "A-1"),
        ("A\u00adB", "AB"),  # soft hyphen
        ("A\u20111", "A-1"),  # non-breaking hyphen
        ("ＣＳ1", "CS1"),
    ],
)
def test_what_only_looks_alike_is_not_the_same(one: str, other: str) -> None:
    assert matching_key(one) != matching_key(other)
    assert code_key(one) != code_key(other)
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\u200b", "\ufeff \u2060"])
def test_what_nobody_could_see_has_an_empty_key(text: str) -> None:
    assert [key(text) for key in KEYS] == ["", "", "", ""]


# ---------------------------------------------------------------- codes


def digits_of(length: int) -> st.SearchStrategy[str]:
    return st.from_regex(rf"\A[0-9]{{{length - 1}}}\Z").map(lambda head: head + ean.calc_check_digit(head))


@given(digits_of(12))
def test_a_upc_is_the_same_as_its_ean_and_itf_with_leading_zeros(upc: str) -> None:
    assert code_key(upc) == code_key("0" + upc) == code_key("00" + upc) == "00" + upc


@given(digits_of(13), st.sampled_from("123456789"))
def test_the_code_of_a_case_is_another_than_that_of_its_content(code: str, indicator: str) -> None:
    case = indicator + code[:12] + ean.calc_check_digit(indicator + code[:12])
    assert code_key(code) == "0" + code
    assert code_key(case) == case != code_key(code)


@given(digits_of(8))
def test_an_ean_8_stays_apart(code: str) -> None:
    assert code_key(code) == code
    assert code_key("0000" + code) != code
    assert code_key("00000" + code) != code


@given(st.from_regex(r"\A[0-9]{12,14}\Z"))
def test_leading_zeros_of_a_number_that_is_no_gtin_count(number: str) -> None:
    if not ean.is_valid(number):
        assert code_key(number) == number
        assert len(number) == 14 or code_key("0" + number) != code_key(number)


def test_digits_of_other_scripts_are_no_gtin() -> None:
    assert code_key("٠٩٥٢٠٥٨٤٢٢٥٨") == "٠٩٥٢٠٥٨٤٢٢٥٨"


CODES = st.lists(
    st.sampled_from(["095205842258", "0095205842258", "00095205842258", "96385074", "X-1", "X-1 "])
)


@given(CODES, CODES)
def test_codes_are_spelled_as_they_stand_and_none_is_lost_or_made(
    wanted: list[str], standing: list[str]
) -> None:
    spelled = spelled_as(wanted, standing)
    assert {code_key(one) for one in spelled} == {code_key(one) for one in wanted}
    known = {code_key(one) for one in standing}
    assert all(one in standing for one in spelled if code_key(one) in known)
    assert spelled_as(spelled, standing) == spelled


# ---------------------------------------------------------------- people


@pytest.mark.parametrize("other", ["аda@shop.example", "ada@shop.example\u200f", "ada@shоp.example"])
def test_an_email_address_that_only_looks_alike_is_nobody_elses(other: str) -> None:
    seal = Seal(b"k" * 32)
    known, found = (seal.tokens({"email": email}).get("email", []) for email in ("ada@shop.example", other))
    assert known and not set(known) & set(found)


@pytest.mark.parametrize("other", ["ADA@Shop.Example", " ada@shop.example", "ada@shop.example\u00a0"])
def test_capitals_and_blanks_make_no_other_email_address(other: str) -> None:
    seal = Seal(b"k" * 32)
    assert seal.tokens({"email": other}) == seal.tokens({"email": "ada@shop.example"})


@pytest.mark.parametrize("other", ["k-1", "K-1 ", "\u00a0K-1"])
def test_customer_numbers_are_recognised_without_capitals_and_blanks(other: str) -> None:
    seal = Seal(b"k" * 32)
    assert seal.tokens({"number": other}) == seal.tokens({"number": "K-1"})
