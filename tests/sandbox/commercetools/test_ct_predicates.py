"""`where` finds what the predicate language says, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.commercetools.errors import ApiError
from sandbox.commercetools.matching import candidates, compiled, lower_bound
from sandbox.commercetools.predicates import parse

PRODUCT: dict[str, Any] = {
    "id": "p-1",
    "version": 7,
    "key": "shirt",
    "published": True,
    "lastModifiedAt": "2026-11-23T08:00:00.250Z",
    "name": {"en": 'The "best" shirt', "en-GB": "Shirt"},
    "taxCategory": {"typeId": "tax-category", "id": "t-1"},
    "categories": [{"typeId": "category", "id": "c-1"}, {"typeId": "category", "id": "c-2"}],
    "roles": ["A", "B"],
    "variants": [],
    "masterVariant": {
        "sku": "S-1",
        "prices": [{"value": {"centAmount": 1999, "currencyCode": "EUR"}, "country": "DE"}],
        "attributes": [
            {"name": "size", "value": "M"},
            {"name": "color", "value": {"key": "r", "label": "Red"}},
        ],
    },
    "custom": {"fields": {"forExport": True, "weight": 1.5}},
}


def meets(predicate: str, **variables: list[str]) -> bool:
    return compiled(parse(predicate, variables))(PRODUCT)


@pytest.mark.parametrize(
    "predicate",
    [
        'key = "shirt"',
        "key='shirt'",
        'key != "x"',
        'key <> "x"',
        "version > 6 and version < 8 and version >= 7 and version <= 7",
        "published = true",
        'not(key = "x")',
        'key = "x" or key = "shirt"',
        'key = "x" and version = 1 or version = 7',
        '(key = "x" or version = 7) and published = true',
        'key in ("a", "shirt")',
        'key not in ("a", "b")',
        'roles contains any ("B", "Z")',
        'roles contains all ("A", "B")',
        "variants is empty",
        "categories is not empty",
        "taxCategory is defined",
        "state is not defined",
        "missing is empty",
        'taxCategory(typeId = "tax-category" and id = "t-1")',
        'categories(id = "c-2")',
        'categories(id in ("x", "c-1"))',
        'masterVariant(prices(value(centAmount > 1000 and currencyCode = "EUR") and country = "DE"))',
        'masterVariant(attributes(name = "color" and value(key = "r")))',
        'masterVariant(attributes(name="size" and value="M"))',
        'name(en-GB = "Shirt")',
        'name(`en-GB` = "Shirt")',
        r'name(en = "The \"best\" shirt")',
        "custom(fields(forExport = true and weight > 1.4))",
        'KEY is not defined AND key IN ("shirt")',
    ],
)
def test_a_predicate_that_holds(predicate: str) -> None:
    assert meets(predicate)


@pytest.mark.parametrize(
    "predicate",
    [
        'key = "Shirt"',
        'key > "t"',
        'not(key = "shirt")',
        'key not in ("shirt")',
        'roles contains all ("A", "Z")',
        'roles contains any ("Z")',
        "categories is empty",
        "taxCategory is not defined",
        "state is defined",
        "missing = 1",
        "missing < 1",
        "published = 1",
        "version = true",
        'masterVariant(attributes(name = "size" and value(key = "r")))',
        # One attribute must meet both: not the name of one and the value of another.
        'masterVariant(attributes(name = "size" and value = "L"))',
        'key = "shirt" and (version = 1 or published = false)',
        'variants(sku = "S-1")',
    ],
)
def test_a_predicate_that_does_not_hold(predicate: str) -> None:
    assert not meets(predicate)


def test_and_binds_tighter_than_or() -> None:
    assert meets('version = 7 or key = "x" and published = false')
    assert not meets('(version = 7 or key = "x") and published = false')


def test_times_compare_as_times_in_whatever_zone_they_are_given() -> None:
    assert meets('lastModifiedAt >= "2026-11-23T09:00:00.250+01:00"')
    assert meets('lastModifiedAt < "2026-11-23T08:00:01Z"')
    assert meets('lastModifiedAt = "2026-11-23T08:00:00.250Z"')
    assert not meets('lastModifiedAt > "2026-11-23T08:00:00.250Z"')


def test_variables_stand_for_single_values_of_any_type() -> None:
    assert meets(
        "key = :key and version >= :least and published = :out", key=["shirt"], least=["7"], out=["true"]
    )
    assert meets("lastModifiedAt >= :lower", lower=["2026-11-23T08:00:00.250Z"])
    assert not meets("not(key = :key)", key=["shirt"])


@pytest.mark.parametrize("predicate", ["key in :keys", "key in (:keys)", 'key in (:keys, "z")'])
def test_variables_stand_for_lists(predicate: str) -> None:
    assert meets(predicate, keys=["x", "shirt"])
    assert not meets(predicate, keys=["x", "y"])


@pytest.mark.parametrize(
    "predicate",
    [
        "",
        "key",
        "key =",
        'key = "open',
        'key == "a"',
        'key = "a" and',
        'key = "a" key = "b"',
        'key in "a"(',
        "(key = 1",
        "taxCategory(",
        "key is nice",
        'roles contains some ("a")',
        "not key = 1",
        "key = :missing",
        "key = ?",
    ],
)
def test_what_is_no_predicate_is_refused(predicate: str) -> None:
    with pytest.raises(ApiError) as refused:
        compiled(parse(predicate))
    assert (refused.value.status, refused.value.code) == (400, "InvalidInput")
    assert "where" in refused.value.message


def test_an_index_narrows_the_search_only_where_it_covers_every_branch() -> None:
    index = {
        ("id", "1"): {"1"},
        ("key", "a"): {"2"},
        ("masterVariant.sku", "S"): {"3"},
        ("variants.sku", "S"): {"4"},
    }

    def found(predicate: str) -> set[str] | None:
        known = {path for path, _ in index}
        return candidates(
            parse(predicate), lambda path, value: index.get((path, value), set()) if path in known else None
        )

    assert found('id = "1"') == {"1"}
    assert found('id = "1" and name = "x"') == {"1"}
    assert found('id = "1" or key = "a"') == {"1", "2"}
    assert found('id = "1" or name = "x"') is None
    assert found('masterVariant(sku in ("S", "T")) or variants(sku in ("S", "T"))') == {"3", "4"}
    assert found('not(id = "1")') is None
    assert found('id != "1"') is None
    assert found('id not in ("1")') is None


def test_a_keyset_predicate_tells_where_to_begin() -> None:
    later = 'lastModifiedAt > "2026-01-02T00:00:00.000Z"'
    keyset = f'{later} or (lastModifiedAt = "2026-01-02T00:00:00.000Z" and id > "5")'
    assert lower_bound(parse('id > "5" and key = "x"'), "id") == "5"
    assert lower_bound(parse(keyset), "lastModifiedAt") == "2026-01-02T00:00:00.000Z"
    assert lower_bound(parse(f'{later} or key = "x"'), "lastModifiedAt") is None
    assert lower_bound(parse('id < "5"'), "id") is None
