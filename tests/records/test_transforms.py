"""Conversions of attribute values: exact, bounded, and the same when done twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.transforms import (
    choice_label,
    choose_locale,
    flag_of_text,
    key_of_label,
    money_decimal,
    money_of_decimal,
    number_of_text,
    put_locale,
    split,
    strip_html,
    text_to_html,
    truncate,
)

MARKUP = st.lists(
    st.one_of(
        st.sampled_from(
            ["<p>", "</p>", "<br>", "<b>", "&amp;", "&lt;", "&gt;", "<script>", "</script>", "<!--", "<", "&"]
        ),
        st.text(max_size=8),
    )
).map("".join)


def test_paragraphs_and_breaks_become_lines_and_scripts_vanish() -> None:
    page = "<h1>Tasche</h1><p>Aus  Leder,<br/>weich &amp; fest.</p><script>alert(1)</script>"
    page += "<ul><li>A</li><li>B</li></ul>"
    assert strip_html(page) == "Tasche\nAus Leder,\nweich & fest.\nA\nB"


def test_markup_that_was_escaped_twice_does_not_reach_the_till() -> None:
    assert strip_html("&lt;p&gt;Hallo&lt;/p&gt;") == "Hallo"


@given(MARKUP)
def test_stripping_html_twice_changes_nothing_more(text: str) -> None:
    once = strip_html(text)
    assert strip_html(once) == once


@given(st.text(alphabet=st.characters(exclude_characters="<>&", exclude_categories=("C", "Z")), max_size=30))
def test_plain_text_survives_the_way_through_html(text: str) -> None:
    assert strip_html(text_to_html(text)) == strip_html(text)


@given(st.text(max_size=60), st.integers(1, 40), st.sampled_from(["", "…", " [...]"]))
def test_truncated_text_fits_and_stays(text: str, length: int, ellipsis: str) -> None:
    short = truncate(text, length, ellipsis)
    assert len(short) <= length
    assert truncate(short, length, ellipsis) == short


def test_truncation_cuts_between_words_and_never_inside_a_character() -> None:
    assert truncate("Regenjacke Hochmoor lang", 19, "…") == "Regenjacke…"
    assert truncate("Regenjacke Hochmoor lang", 19) == "Regenjacke Hochmoor"
    assert truncate("cafe\u0301teria", 4) == "caf"
    assert truncate("ab\U0001f468\u200d\U0001f469\u200d\U0001f467", 4) == "ab"


def test_writing_one_locale_leaves_the_others_alone() -> None:
    present = {"de-DE": "rot", "en-GB": "red"}
    assert put_locale(present, "de-DE", "blau") == {"de-DE": "blau", "en-GB": "red"}
    assert put_locale(present, "de-DE", None) == {"en-GB": "red"}
    assert put_locale({"de-DE": "rot"}, "de-DE", "") is None
    assert present == {"de-DE": "rot", "en-GB": "red"}


def test_a_fallback_locale_is_read_only_where_the_first_is_empty() -> None:
    assert choose_locale({"de-DE": "", "en-GB": "red"}, "de-DE", ("fr-FR", "en-GB")) == "red"
    assert choose_locale({}, "de-DE") is None


def test_a_label_that_two_choices_share_names_neither() -> None:
    choices = [
        {"key": "a", "label": "Rot"},
        {"key": "b", "label": "Rot"},
        {"key": "c", "label": {"de": "Blau"}},
    ]
    assert key_of_label(choices, "Rot") is None
    assert key_of_label(choices, "Blau", "de") == "c"
    assert key_of_label(choices, "Blau", "en") is None
    assert choice_label(choices[2], "de") == "Blau"
    assert choice_label(choices[2], "en") == "c"


def test_splitting_drops_blanks_empty_parts_and_repetitions() -> None:
    assert split(" a, b,,a ", ", ") == ["a", "b"]


@pytest.mark.parametrize("text", ["", "maybe", "1,5", "NaN", "Infinity"])
def test_what_is_no_flag_or_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is n"):
        flag_of_text(text)
    with pytest.raises(ValueError, match="is not a number"):
        number_of_text(text)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_goes_there_and_back_exactly(cents: int, currency: str) -> None:
    text = money_decimal({"currencyCode": currency, "centAmount": cents}, currency)
    assert text is not None
    assert money_of_decimal(text, currency) == {"currencyCode": currency, "centAmount": cents}


def test_precise_money_keeps_its_digits_and_foreign_money_is_not_taken() -> None:
    precise = {"currencyCode": "EUR", "centAmount": 123, "preciseAmount": 1234567, "fractionDigits": 6}
    assert money_decimal(precise, "EUR") == "1.234567"
    assert money_decimal(precise, "GBP") is None
    with pytest.raises(ValueError, match="more digits"):
        money_of_decimal("1.234", "EUR")
    assert number_of_text("12.50") == Decimal("12.5")
