"""The configuration file: every mistake is named with its line and the way out, all at once."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.loader import digest_of, load_settings, parse_settings
from retail_sync.settings.location import SAMPLE_PATH
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.problems import SettingsError
from tests.support.settings_files import dump_settings

SHOP = "shop: {locales: [de-DE, en-GB], till_locale: de-DE}\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    return str(caught.value).splitlines()


def only_mistake(text: str) -> str:
    found = mistakes(text)
    assert len(found) == 1, found
    return found[0]


def test_the_file_that_comes_with_the_package_loads() -> None:
    settings = load_settings(SAMPLE_PATH)
    assert settings.shop.till_locale == "de-DE"
    assert [tax.lightspeed for tax in settings.products.tax_classes] == ["MwSt 19 %", "MwSt 7 %"]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
shpo: {}
products:
  price:
    currency: eur
  fields:
    brand:
      transforms:
        - {kind: chose_locale}
        - {kind: truncate, lenght: 3}
limits: {batch_size: many}
"""
    told = mistakes(text)
    assert told[0] == "sync.yaml has 7 problems:"
    assert told[1] == "sync.yaml:1: shpo: There is no such setting. What to do: Did you mean 'shop'?"
    assert told[2].startswith("sync.yaml:4: products.price.currency: ")
    assert "Found: 'eur'" in told[2]
    assert told[3].startswith("sync.yaml:6: products.fields.brand.owner: "), "a contradiction, in the same go"
    assert told[4].startswith("sync.yaml:8: products.fields.brand.transforms[0]: ")
    assert told[4].endswith("Did you mean 'choose_locale'?")
    assert told[5].startswith(
        "sync.yaml:9: products.fields.brand.transforms[1].length: This setting is missing."
    )
    assert told[6].endswith("Did you mean 'length'?")
    assert told[7].startswith("sync.yaml:10: limits.batch_size: ")


def test_a_key_given_twice_is_an_error_and_not_the_last_ones_victory() -> None:
    told = only_mistake("shop:\n  till_locale: en\n  till_locale: de\n")
    assert told.startswith("sync.yaml:3: shop.till_locale: The key 'till_locale' is given twice")
    assert "line 2" in told


def test_norway_is_not_a_falsehood_and_digits_need_quotes_to_be_a_sku() -> None:
    assert parse_settings("products: {price: {country: NO}}").products.price.country == "NO"
    assert only_mistake("products: {assortment: {lightspeed: {skus: [00123]}}}").endswith(
        "Put the value in quotes."
    )


def test_a_setting_in_the_wrong_place_is_led_home() -> None:
    assert "belongs under 'products'" in only_mistake("assortment: {}\n")


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "x: 'a", "\tx: 1", "- a", "just words"])
def test_what_is_no_yaml_or_no_settings_is_said_with_a_line(text: str) -> None:
    assert only_mistake(text).startswith("sync.yaml:1: ")


CONTRADICTIONS = {
    "shop: {till_locale: fr}": "'fr' is not in shop.locales",
    "products: {fields: {nam: {owner: commercetools}}}": "Did you mean 'name'?",
    "products: {fields: {price: {}}}": "Use products.price.owner instead",
    "products: {fields: {name.en: {}}}": "Write 'name' without the locale",
    "products: {fields: {brand: {owner: newest}}}": "commercetools does not hold this field",
    "products: {fields: {name: {owner: review, commercetools: null}}}": "commercetools does not hold this field",
    "products: {fields: {brand: {commercetools: brand}}}": "write attribute:brand",
    "products: {fields: {attr.x: {commercetools: 'attribute:x'}}}": "Add `lightspeed:`",
    "products: {fields: {tags: {owner: none, lightspeed: tags}}}": "has its fixed place in Lightspeed",
    "products: {fields: {name: {owner: newest, transforms: [{kind: strip_html}]}}}": "no way back",
    "products: {fields: {name: {owner: newest, transforms: [{kind: lookup, table: {a: x, b: x}}]}}}": "x has several",
    "products: {fields: {name: {transforms: [{kind: choose_locale, locale: de}]}}}": "'de' is not in shop.locales",
    "products: {options: [{name: A, attribute: 'attribute:a'}]}": "Write 'a'",
    "products: {options: [{name: A, attribute: a}, {name: B, attribute: a}]}": "feeds two options",
    "products: {options: [{name: A, attribute: a}, {name: A, attribute: b}]}": "named twice",
    "products: {options: [{name: A, attribute: a}, {name: B, attribute: b, owner: review}]}": "same owner",
    "products: {tax_classes: [{name: a, commercetools: c, lightspeed: x}, "
    "{name: b, commercetools: c, lightspeed: y}]}": "'c' belongs to two tax classes",
    "products: {assortment: {commercetools: {attribute: a}}}": "belong together",
    "products: {assortment: {commercetools: {skus: [A], exclude_skus: [A]}}}": "In both lists: A",
    "products: {required_attributes: [brnad]}": "Did you mean 'brand'?",
    "locations: [{name: A, outlet: X}, {name: B, outlet: X}]": "'X' is used by two locations",
    "privacy: {exclude: {commercetool: [a]}}": "Did you mean 'commercetools'?",
    "schedules: {products: hourly}": "is not a schedule",
    "schedules: {products: '99 * * * *'}": "is not a schedule",
    "schedules: {products: '@hourli'}": "is not a schedule",
    "notify: {mail_to: [a@example.com]}": "Mail needs both",
}


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_settings_that_can_not_work_together_are_refused(text: str) -> None:
    assert CONTRADICTIONS[text] in only_mistake(text)


def test_several_commercetools_taxes_may_share_a_till_tax_while_nothing_flows_back() -> None:
    taxes = "[{name: a, commercetools: c, lightspeed: x}, {name: b, commercetools: d, lightspeed: x}]"
    assert len(parse_settings(f"products: {{tax_classes: {taxes}}}").products.tax_classes) == 2
    back = f"products: {{tax_classes: {taxes}, fields: {{tax_class: {{owner: newest}}}}}}"
    assert "'x' belongs to two tax classes" in only_mistake(back)


def test_a_missing_file_says_which_variable_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigurationFault, match="set RETAIL_SYNC_CONFIG"):
        load_settings()


@pytest.mark.parametrize("named", [None, "", " "])
def test_a10_without_a_configuration_file_nothing_is_taken_for_one(
    monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.delenv("RETAIL_SYNC_CONFIG", raising=False)
    if named is not None:
        monkeypatch.setenv("RETAIL_SYNC_CONFIG", named)
    with pytest.raises(SettingsError, match="RETAIL_SYNC_CONFIG is not set"):
        load_settings()


def test_a_digest_tells_configurations_apart_by_what_they_say() -> None:
    first = digest_of(parse_settings(SHOP))
    assert first == digest_of(parse_settings(f"# a comment\nversion: 1\n{SHOP}limits: {{batch_size: 500}}\n"))
    assert first != digest_of(parse_settings(SHOP + "limits: {batch_size: 7}\n"))


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "sync.yaml"
    path.write_text(SHOP)
    first = load_settings(path)
    assert load_settings(path) is first
    path.write_text(SHOP + "limits: {batch_size: 7}\n")
    os.utime(path, ns=(1, 1))
    assert load_settings(path).limits.batch_size == 7


def test_what_is_dumped_loads_as_the_same_settings(tmp_path: Path) -> None:
    settings = load_settings(SAMPLE_PATH)
    assert dump_settings(settings, tmp_path / "a" / "copy.yaml") == settings
    assert load_settings(tmp_path / "a" / "copy.yaml") == settings
    data = {
        "shop": {"locales": ("NO", "de"), "till_locale": "NO"},
        "products": {"required_attributes": ["brand"]},
    }
    assert dump_settings(data, tmp_path / "plain.yaml") == SyncSettings.model_validate(data)


def test_settings_that_would_not_load_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        dump_settings({"shpo": {}}, tmp_path / "bad.yaml")
    assert list(tmp_path.iterdir()) == []


def test_the_error_crosses_process_borders_with_its_problems() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings("shpo: {}")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.problems == caught.value.problems


def test_skus_that_look_like_something_else_survive_the_file(tmp_path: Path) -> None:
    skus = (
        "0123",
        "089",
        "1_000",
        "1e3",
        ".5",
        "0o7",
        "0x1F",
        "NO",
        "true",
        "null",
        "~",
        "1:30",
        "2026-01-01",
        "#1",
        "a: b",
    )
    data = {"products": {"assortment": {"lightspeed": {"skus": skus}}}}
    assert dump_settings(data, tmp_path / "sync.yaml").products.assortment.lightspeed.skus == skus


def test_wrong_settings_and_settings_that_contradict_each_other_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(
            "shop: {till_locale: fr}\n"
            "limits: {batch_size: many}\n"
            "schedules: {products: hourly}\n"
            "products: {fields: {nam: {owner: commercetools}, price: {owner: nobody}}}\n"
        )
    assert {problem.loc for problem in caught.value.problems} == {
        ("limits", "batch_size"),
        ("products", "fields", "price", "owner"),
        ("products", "fields", "price"),
        ("products", "fields", "nam"),
        ("shop", "till_locale"),
        ("schedules", "products"),
    }


def test_what_is_left_out_for_an_error_is_no_second_error() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(
            "locations: [{name: Nord, outlet: N, colour: red}, {name: Süd, outlet: S}]\n"
            "inventory: {channels: [{key: web, locations: [Nord]}, {key: web, locations: [Süd]}]}\n"
        )
    places = [problem.loc for problem in caught.value.problems]
    assert ("locations", 0, "colour") in places
    assert not [problem for problem in caught.value.problems if "'Nord'" in problem.text]


@pytest.mark.parametrize(
    "text",
    [
        "products: {fields: {attr.x: {owner: commercetools, commercetools: 'attribute:x', lightspeed: sku, "
        "transforms: [{kind: money_decimal, currency: gbp}]}}}",
        "products: {price: {currency: eur}}",
        "prices: {lists: [{name: A, commercetools: {currency: euro}}]}",
    ],
)
def test_a_currency_is_three_capital_letters_wherever_it_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="currency"):
        parse_settings(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["shop", "products", "prices", "fields", "lists", "name", "locations", "price", "owner"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_the_file_holds_its_problems_come_to_an_end(data: object) -> None:
    try:
        parse_settings(json.dumps({"version": 1, "products": data, "locations": data, "prices": data}))
    except SettingsError as told:
        assert told.problems
