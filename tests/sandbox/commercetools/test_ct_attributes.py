"""Attributes obey their product type."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, Json, attribute, draft, variant


def attributes(**values: Any) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items()]


def with_master(**values: Any) -> Json:
    return draft() | {"masterVariant": variant("a-1", attributes=attributes(**values))}


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("size", "M", "M"),
        ("color", "r", {"key": "r", "label": "Red"}),
        ("color", {"key": "g"}, {"key": "g", "label": "Green"}),
        ("fit", "slim", {"key": "slim", "label": {"en": "Slim"}}),
        ("material", {"en": "Cotton", "de-DE": "Baumwolle"}, {"en": "Cotton", "de-DE": "Baumwolle"}),
        ("weight", 1.25, 1.25),
        ("weight", 2, 2),
        ("washable", False, False),
        ("labels", ["a", "b"], ["a", "b"]),
        ("labels", [], []),
        ("released", "2026-01-31", "2026-01-31"),
        (
            "deposit",
            {"currencyCode": "EUR", "centAmount": 25},
            {"type": "centPrecision", "currencyCode": "EUR", "centAmount": 25, "fractionDigits": 2},
        ),
    ],
)
def test_a_value_is_stored_in_the_form_of_its_type(api: Api, name: str, given: Any, stored: Any) -> None:
    product = api.post("products", with_master(**{name: given}), 201)
    assert product["masterData"]["staged"]["masterVariant"]["attributes"] == [{"name": name, "value": stored}]
    action = {"action": "setAttribute", "variantId": 1, "name": name}
    removed = api.update("products", product, action)
    assert removed["masterData"]["staged"]["masterVariant"]["attributes"] == []
    again = api.update("products", removed, action | {"value": given})
    assert again["masterData"]["staged"]["masterVariant"]["attributes"] == [{"name": name, "value": stored}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 1),
        ("size", {"en": "M"}),
        ("color", "b"),
        ("fit", {"key": "wide"}),
        ("material", "Cotton"),
        ("material", {"english": "Cotton"}),
        ("weight", "1.25"),
        ("weight", True),
        ("washable", "yes"),
        ("deposit", {"currencyCode": "EUR", "centAmount": 0.25}),
        ("deposit", 25),
        ("labels", "a"),
        ("labels", [1]),
        ("released", "31.01.2026"),
        ("season", "summer"),
    ],
)
def test_a_value_of_another_type_is_refused(api: Api, name: str, value: Any) -> None:
    error = api.refused("products", with_master(**{name: value}), "InvalidField")
    assert error["field"] in (name, "attributes")
    assert "invalidValue" in error


def test_an_attribute_the_type_does_not_know_is_refused(api: Api) -> None:
    error = api.refused("products", with_master(colour="r"), "AttributeNameDoesNotExist")
    assert error["invalidAttributeName"] == "colour"
    product = api.post("products", draft(), 201)
    action = {"action": "setAttribute", "variantId": 1, "name": "colour", "value": "r"}
    api.update_refused("products", product, "AttributeNameDoesNotExist", action)


def test_a_value_for_all_variants_is_set_for_all_at_once(api: Api) -> None:
    product = api.post("products", draft("a", "a-1", "a-2"), 201)
    one = {"action": "setAttribute", "sku": "a-1", "name": "material", "value": {"en": "Wool"}}
    api.update_refused("products", product, "InvalidField", one)
    every = {"action": "setAttributeInAllVariants", "name": "material", "value": {"en": "Wool"}}
    product = api.update("products", product, every)
    data = product["masterData"]["staged"]
    assert all(
        each["attributes"] == attributes(material={"en": "Wool"})
        for each in (data["masterVariant"], *data["variants"])
    )


def test_a_new_variant_must_bring_the_value_all_others_have(api: Api) -> None:
    product = api.post("products", with_master(material={"en": "Wool"}), 201)
    add = {"action": "addVariant", "sku": "a-2"}
    error = api.update_refused("products", product, "InvalidField", add)
    assert "must be the same across all variants" in error["message"]
    api.update("products", product, add | {"attributes": attributes(material={"en": "Wool"})})


def test_a_unique_value_occurs_once_in_a_product(api: Api) -> None:
    body = draft() | {
        "masterVariant": variant("a-1", attributes=attributes(serial="1")),
        "variants": [variant("a-2", attributes=attributes(serial="1"))],
    }
    api.refused("products", body, "DuplicateAttributeValue")


def test_a_combination_occurs_once_in_a_product(api: Api, store: CommercetoolsStore) -> None:
    both = [attribute(name, {"name": "text"}, attributeConstraint="CombinationUnique") for name in ("a", "b")]
    store.create("product-types", {"key": "combined", "name": "C", "description": "", "attributes": both})
    body = draft(productType={"typeId": "product-type", "key": "combined"}) | {
        "masterVariant": variant("a-1", attributes=attributes(a="1", b="1")),
        "variants": [variant("a-2", attributes=attributes(a="1", b="2"))],
    }
    product = api.post("products", body, 201)
    same = {"action": "setAttribute", "sku": "a-2", "name": "b", "value": "1"}
    api.update_refused("products", product, "DuplicateAttributeValues", same)


def test_a_required_value_cannot_be_left_out_or_removed(api: Api, store: CommercetoolsStore) -> None:
    needed = attribute("needed", {"name": "text"}, isRequired=True)
    store.create("product-types", {"key": "strict", "name": "S", "description": "", "attributes": [needed]})
    body = draft(productType={"typeId": "product-type", "key": "strict"})
    assert api.refused("products", body, "RequiredField")["field"] == "needed"
    body["masterVariant"] = variant("a-1", attributes=attributes(needed="x"))
    product = api.post("products", body, 201)
    remove = {"action": "setAttribute", "variantId": 1, "name": "needed"}
    api.update_refused("products", product, "RequiredField", remove)


def test_attributes_of_the_product_are_set_on_the_product(api: Api) -> None:
    product = api.post("products", draft(attributes=attributes(season="summer"), publish=True), 201)
    assert api.get("product-projections/key=key-a")["attributes"] == attributes(season="summer")
    action = {"action": "setProductAttribute", "name": "season", "value": "winter", "staged": False}
    api.update("products", product, action)
    assert api.get("product-projections/key=key-a")["attributes"] == attributes(season="winter")
    api.refused("products", draft("b", attributes=attributes(size="M")), "InvalidField")


def test_a_product_type_grows(api: Api) -> None:
    product_type = api.get("product-types/key=shirt")
    blue = {"key": "b", "label": "Blue"}
    product_type = api.update(
        "product-types",
        product_type,
        {"action": "addAttributeDefinition", "attribute": attribute("collar", {"name": "text"})},
        {"action": "addPlainEnumValue", "attributeName": "color", "value": blue},
    )
    api.post("products", with_master(collar="round", color="b"), 201)
    again = {"action": "addPlainEnumValue", "attributeName": "color", "value": blue}
    api.update_refused("product-types", product_type, "DuplicateField", again)


def test_a_product_type_in_use_cannot_be_deleted(api: Api) -> None:
    api.post("products", draft(), 201)
    product_type = api.get("product-types/key=shirt")
    answer = api.delete(f"product-types/{product_type['id']}", 400, version=product_type["version"])
    assert answer["errors"][0]["code"] == "ReferenceExists"
