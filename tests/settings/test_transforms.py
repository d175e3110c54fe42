"""A field's transforms, forwards and back again, over every attribute type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from retail_sync.records.errors import RecordRejected
from retail_sync.settings.models.transforms import Transform
from retail_sync.settings.transforms import LookupMissing, NoWayBack, apply, apply_column, reverse


@dataclass(frozen=True)
class Shape:
    name: str
    elementType: Shape | None = None
    values: Sequence[Mapping[str, Any]] | None = None


TEXT, LTEXT, NUMBER, BOOLEAN, MONEY = (
    Shape(name) for name in ("text", "ltext", "number", "boolean", "money")
)
BRAND = Shape(
    "enum", values=[{"key": "nordkamm", "label": "Nordkamm"}, {"key": "fb", "label": "Fjell & Bohne"}]
)
COLOR = Shape(
    "lenum",
    values=[
        {"key": "black", "label": {"de-DE": "Schwarz", "en-GB": "Black"}},
        {"key": "navy", "label": {"de-DE": "Marine", "en-GB": "Navy"}},
    ],
)
LOCALE = "de-DE"
WORDS = st.text(alphabet="abcdefgäöü", min_size=1, max_size=6)


def steps(*raw: dict[str, Any]) -> tuple[Transform, ...]:
    return TypeAdapter(tuple[Transform, ...]).validate_python(raw)


CHOOSE = {"kind": "choose_locale", "locale": LOCALE, "fallback": ["en-GB"]}


def test_an_enum_is_its_label_unless_its_key_is_asked_for() -> None:
    value = {"key": "nordkamm", "label": "Nordkamm"}
    assert apply((), value, attribute_type=BRAND) == "Nordkamm"
    assert apply(steps({"kind": "enum_key"}), value, attribute_type=BRAND) == "nordkamm"
    assert reverse((), "Fjell & Bohne", attribute_type=BRAND, present=value) == "fb"
    assert reverse(steps({"kind": "enum_key"}), "fb", attribute_type=BRAND, present=value) == "fb"


def test_a_localized_enum_speaks_the_tills_language() -> None:
    value = COLOR.values[0] if COLOR.values else {}
    assert apply((), value, locale=LOCALE) == "Schwarz"
    assert apply(steps(CHOOSE), value) == "Schwarz"
    assert apply(steps({"kind": "enum_label", "locale": "en-GB"}), value, locale=LOCALE) == "Black"
    for transforms in ((), steps(CHOOSE), steps({"kind": "enum_label", "locale": LOCALE})):
        assert reverse(transforms, "Marine", attribute_type=COLOR, present=value, locale=LOCALE) == "navy"


def test_a_label_the_enum_does_not_have_is_reported_not_invented() -> None:
    missing = reverse((), "Pink", attribute_type=COLOR, locale=LOCALE)
    assert isinstance(missing, LookupMissing)
    assert "Pink" in str(missing)


def test_writing_a_localized_text_keeps_the_other_locales() -> None:
    present = {"de-DE": "Wolle", "en-GB": "wool"}
    assert apply(steps(CHOOSE), present) == "Wolle"
    assert reverse(steps(CHOOSE), "Filz", attribute_type=LTEXT, present=present) == {
        "de-DE": "Filz",
        "en-GB": "wool",
    }
    assert reverse((), "Filz", attribute_type=LTEXT, present=present, locale=LOCALE)["en-GB"] == "wool"


def test_a_value_read_through_a_fallback_is_not_written_back_into_the_first_locale() -> None:
    present = {"en-GB": "wool"}
    assert reverse(steps(CHOOSE), "wool", attribute_type=LTEXT, present=present) == present


def test_elements_of_a_set_keep_their_other_locales() -> None:
    notes = Shape("set", elementType=LTEXT)
    present = [{"de-DE": "Jasmin", "en-GB": "Jasmine"}, {"de-DE": "Aprikose", "en-GB": "Apricot"}]
    transforms = steps(CHOOSE, {"kind": "join", "separator": ", "})
    assert apply(transforms, present) == "Jasmin, Aprikose"
    written = reverse(transforms, "Aprikose, Kakao", attribute_type=notes, present=present)
    assert written == [{"de-DE": "Aprikose", "en-GB": "Apricot"}, {"de-DE": "Kakao"}]


def test_a_lookup_holds_keeps_or_empties_what_it_does_not_name() -> None:
    def table(missing: str) -> tuple[Transform, ...]:
        return steps({"kind": "lookup", "table": {"rot": "R"}, "missing": missing})

    assert apply(table("hold"), "rot") == "R"
    assert apply(table("hold"), "blau") == LookupMissing("blau", "the lookup table")
    assert apply(table("keep"), "blau") == "blau"
    assert apply(table("empty"), "blau") is None
    assert reverse(table("hold"), "R", attribute_type=TEXT) == "rot"
    assert isinstance(reverse(table("hold"), "B", attribute_type=TEXT), LookupMissing)


def test_what_a_transform_loses_is_never_written_over() -> None:
    transforms = steps({"kind": "strip_html"}, {"kind": "truncate", "length": 5})
    present = "<p>Hallo Welt</p>"
    assert apply(transforms, present) == "Hallo"
    assert reverse(transforms, "Hallo", attribute_type=TEXT, present=present) == present
    with pytest.raises(NoWayBack, match="commercetools own"):
        reverse(transforms, "Neu", attribute_type=TEXT, present=present)
    assert reverse(transforms, "A & B", attribute_type=TEXT, present=None) == "A &amp; B"


def test_flags_numbers_and_money_become_text_and_their_own_type_again() -> None:
    words = steps({"kind": "as_text", "true": "ja", "false": "nein"})
    assert apply(words, True) == "ja"
    assert reverse(words, "nein", attribute_type=BOOLEAN, present=True) is False
    assert apply(words, Decimal("380.0")) == "380"
    assert reverse(words, "12.5", attribute_type=NUMBER, present=12) == Decimal("12.5")
    money = steps({"kind": "money_decimal", "currency": "EUR"})
    assert apply(money, {"currencyCode": "EUR", "centAmount": 7938, "fractionDigits": 2}) == "79.38"
    assert reverse(money, "80", attribute_type=MONEY) == {"currencyCode": "EUR", "centAmount": 8000}
    with pytest.raises(RecordRejected, match="does not fit"):
        reverse(words, "viel", attribute_type=NUMBER, present=1)


def test_a_default_is_not_written_where_nothing_was() -> None:
    transforms = steps({"kind": "default", "value": "Alltag"})
    assert apply(transforms, None) == "Alltag"
    assert reverse(transforms, "Alltag", attribute_type=TEXT, present=None) is None
    assert reverse(transforms, "Sport", attribute_type=TEXT, present=None) == "Sport"


def test_a_column_is_worked_out_once_per_distinct_value_and_unknown_stays_unknown() -> None:
    cells = pd.Series(
        [{"de-DE": "rot"}, None, {"de-DE": "rot"}, {"en-GB": "blue"}], index=[3, 5, 7, 9], name="c"
    )
    done = apply_column(steps(CHOOSE), cells)
    assert done.tolist() == ["rot", None, "rot", "blue"]
    assert done.index.tolist() == [3, 5, 7, 9]
    assert apply_column(steps({"kind": "default", "value": "x"}), cells)[5] == "x"


CASES: list[tuple[tuple[Transform, ...], Shape, st.SearchStrategy[Any]]] = [
    ((), TEXT, WORDS),
    ((), NUMBER, st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=3))),
    ((), BOOLEAN, st.booleans()),
    (steps(CHOOSE), LTEXT, WORDS),
    (steps({"kind": "enum_label", "locale": LOCALE}), COLOR, st.sampled_from(["Schwarz", "Marine"])),
    (steps({"kind": "enum_key"}), COLOR, st.sampled_from(["black", "navy"])),
    (steps({"kind": "split", "separator": ";"}), TEXT, st.lists(WORDS, min_size=1, unique=True)),
    (
        steps({"kind": "join", "separator": "; "}),
        Shape("set", TEXT),
        st.lists(WORDS, min_size=1, unique=True).map("; ".join),
    ),
    (steps({"kind": "lookup", "table": {"a": "1", "b": "2"}}), TEXT, st.sampled_from(["1", "2"])),
    (steps({"kind": "as_text"}), BOOLEAN, st.sampled_from(["yes", "no"])),
    (steps({"kind": "as_text"}), NUMBER, st.integers().map(str)),
    (steps({"kind": "money_decimal", "currency": "EUR"}), MONEY, st.integers(1, 10**9).map(str)),
    (steps(CHOOSE), Shape("set", LTEXT), st.lists(WORDS, min_size=1, unique=True)),
]


def _as_read(wire: Any, shape: Shape) -> Any:
    """What the API shows after a write: enum keys come back with their labels."""
    if shape.values is not None:
        return next(choice for choice in shape.values if choice["key"] == wire)
    return wire


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{[step.kind for step in case[0]]} {case[1].name}")
@given(data=st.data())
def test_what_is_written_reads_as_what_was_wanted(
    case: tuple[tuple[Transform, ...], Shape, st.SearchStrategy[Any]], data: st.DataObject
) -> None:
    transforms, shape, values = case
    wanted = data.draw(values)
    wire = reverse(transforms, wanted, attribute_type=shape, locale=LOCALE)
    shown = _as_read(wire, shape)
    assert apply(transforms, shown, attribute_type=shape, locale=LOCALE) == wanted
    assert reverse(transforms, wanted, attribute_type=shape, present=shown, locale=LOCALE) == shown


def test_an_enum_value_with_a_blank_in_its_key_or_label_is_written_by_the_key_it_has() -> None:
    shape = Shape("enum", values=({"key": "navy ", "label": " Marine\u00a0blau"}, {"key": "x", "label": "X"}))
    assert reverse((), "Marine blau", attribute_type=shape) == "navy "
    assert reverse(steps({"kind": "enum_key"}), "navy", attribute_type=shape) == "navy "
    assert reverse(steps({"kind": "enum_label"}), "Marine blau", attribute_type=shape) == "navy "
    held = {"key": "navy ", "label": " Marine\u00a0blau"}
    assert reverse((), "navy", attribute_type=shape, present=held) == "navy "


def test_keys_that_differ_in_blanks_alone_are_told_apart_by_their_spelling_or_not_at_all() -> None:
    shape = Shape("enum", values=({"key": "a", "label": "A"}, {"key": "a ", "label": "B"}))
    assert reverse(steps({"kind": "enum_key"}), "a", attribute_type=shape) == "a"
    assert isinstance(reverse(steps({"kind": "enum_key"}), "a  ", attribute_type=shape), LookupMissing)


def test_a_lookup_table_finds_a_value_with_a_blank_at_its_end() -> None:
    look = steps({"kind": "lookup", "table": {"rot": "R"}, "missing": "hold"})
    assert apply(look, "rot ") == "R"
    assert reverse(look, "R", attribute_type=TEXT, present="rot ") == "rot "
