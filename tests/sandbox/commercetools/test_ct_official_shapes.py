"""Answers and accepted bodies against the official description of the HTTP API; skipped where it is absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from sandbox.commercetools import CommercetoolsStore, RequestValidator

from .conftest import PRODUCT_TYPE, Api, Json, draft, euros, variant
from .test_ct_resources import imported

SPECS = Path(__file__).parents[4] / "shared" / "specs" / "commercetools"
DESCRIPTION = SPECS / "openapi.yaml"
REQUESTS = SPECS / "requests.schema.json"

pytestmark = pytest.mark.skipif(
    not (DESCRIPTION.is_file() and REQUESTS.is_file()),
    reason="the official API description is not beside the checkout",
)


@cache
def schemas() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(DESCRIPTION.read_text(), Loader=yaml.CSafeLoader)
    plain: dict[str, Any] = _plain(loaded["components"]["schemas"])
    return plain


def _plain(schema: Any) -> Any:
    """Without what the generator of the description got wrong: map types with their pattern as a required property,
    formats of another name, discriminators that select nothing."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        # Names of properties are no words of the schema: one of them may well be called `format`.
        key: {name: _plain(item) for name, item in value.items()} if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key not in ("format", "discriminator", "example")
    }
    if isinstance(plain.get("required"), list):
        plain["required"] = [name for name in plain["required"] if not name.startswith("/")]
        plain.pop("additionalProperties", None)
    if isinstance(plain.get("properties"), dict):
        plain["properties"] = {
            name: value for name, value in plain["properties"].items() if not name.startswith("/")
        }
    if isinstance(plain.get("$ref"), str):
        return {"$ref": plain["$ref"].replace("#/components/schemas/", "#/$defs/")}
    return plain


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{name}", "$defs": schemas()})


def check(name: str, value: Json) -> None:
    assert [f"{e.instance_path}: {e.message[:300]}" for e in _validator(name).iter_errors(value)] == []


def unknown_fields(name: str, value: Json) -> set[str]:
    known: set[str] = set()
    todo = [schemas()[name]]
    while todo:
        schema = todo.pop()
        if "$ref" in schema:
            todo.append(schemas()[schema["$ref"].rsplit("/", 1)[-1]])
        known |= set(schema.get("properties", {}))
        todo += schema.get("allOf", [])
    return set(value) - known


@pytest.fixture
def furnished(api: Api) -> Api:
    """One of everything, made through the API."""
    first = variant(
        "a-1",
        key="one",
        prices=[euros(100, key="eur"), euros(90, country="DE", channel={"typeId": "channel", "key": "web"})],
        images=[{"url": "https://img/1.jpg", "dimensions": {"w": 1, "h": 1}, "label": "Front"}],
        attributes=[{"name": "color", "value": "r"}, {"name": "labels", "value": ["a"]}],
    )
    more = {
        "masterVariant": first,
        "taxCategory": {"typeId": "tax-category", "key": "standard"},
        "categories": [{"typeId": "category", "key": "shirts"}],
        "publish": True,
    }
    api.post("products", draft("a", "a-1", "a-2") | more, 201)
    warehouse = {"typeId": "channel", "key": "warehouse"}
    api.post("inventory", {"sku": "a-1", "key": "a-1", "quantityOnStock": 3}, 201)
    api.post("inventory", {"sku": "a-1", "quantityOnStock": 3, "supplyChannel": warehouse}, 201)
    api.post("customer-groups", {"key": "b2b", "groupName": "B2B"}, 201)
    group = {"typeId": "customer-group", "key": "b2b"}
    tier = {"minimumQuantity": 10, "value": {"currencyCode": "EUR", "centAmount": 90}}
    api.post("standalone-prices", euros(100, sku="a-1", key="p-1", customerGroup=group, tiers=[tier]), 201)
    selection = api.post("product-selections", {"key": "online", "name": {"en": "Online"}}, 201)
    add = {"action": "addProduct", "product": {"typeId": "product", "key": "key-a"}}
    api.update("product-selections", selection, add)
    selections = [{"productSelection": {"typeId": "product-selection", "key": "online"}, "active": True}]
    api.post(
        "stores",
        {
            "key": "berlin",
            "name": {"en": "B"},
            "supplyChannels": [warehouse],
            "productSelections": selections,
        },
        201,
    )
    api.post("custom-objects", {"container": "c", "key": "k", "value": {"a": 1}}, 201)
    api.post(
        "customers",
        {"email": "a@b.c", "authenticationMode": "ExternalAuth", "addresses": [{"country": "DE"}]},
        201,
    )
    return api


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("products", "Product"),
        ("product-projections", "ProductProjection"),
        ("product-projections?staged=true", "ProductProjection"),
        ("product-types", "ProductType"),
        ("tax-categories", "TaxCategory"),
        ("categories", "Category"),
        ("channels", "Channel"),
        ("stores", "Store"),
        ("product-selections", "ProductSelection"),
        ("product-selections/key=online/products", "AssignedProductReference"),
        ("inventory", "InventoryEntry"),
        ("standalone-prices", "StandalonePrice"),
        ("custom-objects/c", "CustomObject"),
        ("customers", "Customer"),
        ("customer-groups", "CustomerGroup"),
    ],
)
def test_an_answer_has_the_shape_of_the_description_and_no_field_it_does_not_know(
    furnished: Api, path: str, schema: str
) -> None:
    page = furnished.send("GET", path).json()
    assert page["results"]
    for resource in page["results"]:
        check(schema, resource)
        assert unknown_fields(schema, resource) == set()
    paged = f"{schema}PagedQueryResponse"
    if paged in schemas():
        check(paged, page)


def test_an_order_has_the_shape_of_the_description(furnished: Api) -> None:
    order = furnished.post("orders/import", imported(), 201)
    item = {"lineItemId": order["lineItems"][0]["id"], "quantity": 1, "shipmentState": "Returned"}
    order = furnished.update("orders", order, {"action": "addReturnInfo", "items": [item]})
    check("Order", order)
    assert unknown_fields("Order", order) == set()


def test_the_project_has_the_shape_of_the_description(furnished: Api) -> None:
    check("Project", furnished.get(""))


def test_errors_have_the_shape_of_the_description(furnished: Api, store: CommercetoolsStore) -> None:
    product = furnished.get("products/key=key-a")
    unstocked = imported(inventoryMode="TrackOnly")
    unstocked["lineItems"][0]["variant"] = {"sku": "a-2"}
    answers = {
        "DuplicateFieldError": furnished.post("products", draft("a"), 400),
        "InvalidJsonInputError": furnished.post("products", {}, 400),
        "ResourceNotFoundError": furnished.get("products/key=none", 404),
        "InvalidInputError": furnished.get("products", 400, limit=501),
        "ConcurrentModificationError": furnished.post(
            f"products/{product['id']}", {"version": 9, "actions": []}, 409
        ),
        "ReferencedResourceNotFoundError": furnished.post(
            "products", draft("b", productType={"typeId": "product-type", "key": "no"}), 400
        ),
        "OutOfStockError": furnished.post("orders/import", unstocked, 400),
        "InvalidFieldError": furnished.post("products", draft("b", key="no key"), 400),
    }
    store.lock_standalone_prices(code="ExactLockConflict")
    store.lock_standalone_prices(code="ValidityLockConflict")
    price = furnished.get("standalone-prices/key=p-1")
    update, group = {"version": price["version"], "actions": []}, price["customerGroup"]
    for name in ("ExactLockConflictError", "ValidityLockConflictError"):
        answers[name] = furnished.post(f"standalone-prices/{price['id']}", update, 409)
    answers["DuplicateStandalonePriceScopeError"] = furnished.post(
        "standalone-prices", euros(1, sku="a-1", customerGroup=group), 400
    )
    dated = euros(1, sku="a-1", customerGroup=group, validFrom="2026-01-01T00:00:00Z")
    furnished.post("standalone-prices", dated, 201)
    dated["validUntil"] = "2027-01-01T00:00:00Z"
    answers["OverlappingStandalonePriceValidityError"] = furnished.post("standalone-prices", dated, 400)
    for schema, answer in answers.items():
        check("ErrorResponse", answer)
        check(schema, answer["errors"][0])


# --- bodies ---


def validated(store: CommercetoolsStore) -> None:
    store.validate_requests = RequestValidator(REQUESTS)


def test_bodies_the_stand_in_takes_are_bodies_the_description_allows(
    api: Api, store: CommercetoolsStore
) -> None:
    """`setSearchKeywords` is left out: the description takes the keywords of a locale for one string."""
    validated(store)
    api.post("product-types", PRODUCT_TYPE | {"key": "again"}, 201)
    product = api.post("products", draft("a", "a-1", "a-2"), 201)
    price = euros(100, country="DE", key="de-eur")
    image = {"url": "https://img/1.jpg", "dimensions": {"w": 1, "h": 1}}
    words = {"en": "x"}
    actions: list[Json] = [
        {"action": "setKey", "key": "k2"},
        {"action": "changeName", "name": words, "staged": False},
        {"action": "setDescription", "description": words},
        {"action": "changeSlug", "slug": {"en": "x-1"}},
        {"action": "setMetaTitle", "metaTitle": words},
        {"action": "setMetaDescription", "metaDescription": words},
        {"action": "setMetaKeywords", "metaKeywords": words},
        {"action": "addToCategory", "category": {"typeId": "category", "key": "shirts"}},
        {"action": "removeFromCategory", "category": {"typeId": "category", "key": "shirts"}},
        {"action": "setTaxCategory", "taxCategory": {"typeId": "tax-category", "key": "standard"}},
        {"action": "addVariant", "sku": "a-3", "prices": [price]},
        {"action": "removeVariant", "sku": "a-3"},
        {"action": "changeMasterVariant", "sku": "a-2"},
        {"action": "setSku", "variantId": 1, "sku": "a-9"},
        {"action": "setProductVariantKey", "variantId": 1, "key": "nine"},
        {"action": "setAttribute", "variantId": 1, "name": "size", "value": "L"},
        {"action": "setAttributeInAllVariants", "name": "material", "value": words},
        {"action": "setProductAttribute", "name": "season", "value": "summer"},
        {"action": "setPrices", "variantId": 1, "prices": [price]},
        {"action": "addPrice", "variantId": 1, "price": euros(5, country="GB")},
        {"action": "setPriceMode", "priceMode": "Standalone"},
        {"action": "addExternalImage", "variantId": 1, "image": image},
        {"action": "setImageLabel", "variantId": 1, "imageUrl": image["url"], "label": "L"},
        {"action": "moveImageToPosition", "variantId": 1, "imageUrl": image["url"], "position": 0},
        {"action": "removeImage", "variantId": 1, "imageUrl": image["url"]},
        {"action": "publish", "scope": "All"},
        {"action": "unpublish"},
        {"action": "revertStagedChanges"},
    ]
    product = api.update("products", product, *actions)
    entry = api.post("inventory", {"sku": "a-9", "quantityOnStock": 1, "key": "a-9"}, 201)
    api.update("inventory", entry, {"action": "changeQuantity", "quantity": 4})
    standalone = api.post("standalone-prices", euros(100, sku="a-9"), 201)
    tier = {"minimumQuantity": 10, "value": {"currencyCode": "EUR", "centAmount": 90}}
    prices: list[Json] = [
        {"action": "changeActive", "active": False},
        {"action": "changeValue", "value": {"currencyCode": "EUR", "centAmount": 95}, "staged": True},
        {"action": "applyStagedChanges"},
        {"action": "removeStagedChanges"},
        {"action": "setPriceTiers", "tiers": [tier]},
        {"action": "addPriceTier", "tier": tier | {"minimumQuantity": 20}},
        {"action": "removePriceTier", "minimumQuantity": 10},
        {"action": "setDiscountedPrice"},
        {"action": "setValidFrom", "validFrom": "2026-01-01T00:00:00.000Z"},
        {"action": "setValidUntil", "validUntil": "2027-01-01T00:00:00.000Z"},
        {"action": "setValidFromAndUntil"},
        {"action": "setKey", "key": "nine"},
    ]
    api.update("standalone-prices", standalone, *prices)
    rate = {"name": "NY", "includedInPrice": False, "country": "US", "state": "New York"}
    parts = [{"name": "State", "amount": 0.04}, {"name": "City", "amount": 0.02}]
    taxes = api.post("tax-categories", {"name": "Goods", "rates": [rate | {"subRates": parts}]}, 201)
    api.update(
        "tax-categories",
        taxes,
        {"action": "addTaxRate", "taxRate": rate | {"state": "Ohio", "amount": 0.05, "key": "ohio"}},
        {
            "action": "replaceTaxRate",
            "taxRateKey": "ohio",
            "taxRate": rate | {"state": "Ohio", "amount": 0.06},
        },
        {"action": "removeTaxRate", "taxRateId": taxes["rates"][0]["id"]},
    )
    api.post("custom-objects", {"container": "c", "key": "k", "value": 1}, 201)


def test_updates_of_a_customer_are_as_described_and_leave_one_that_is(
    api: Api, store: CommercetoolsStore
) -> None:
    validated(store)
    api.post("customer-groups", {"key": "b2b", "groupName": "B2B"}, 201)
    api.post("stores", {"key": "berlin", "name": {"en": "B"}}, 201)
    news = {"name": "newsletter", "label": {"en": "N"}, "required": False, "type": {"name": "Boolean"}}
    kind = {"key": "customer", "name": {"en": "C"}, "resourceTypeIds": ["customer"]}
    api.post("types", kind | {"fieldDefinitions": [news]}, 201)
    typed = {"type": {"typeId": "type", "key": "customer"}, "fields": {"newsletter": True}}
    group, place = {"typeId": "customer-group", "key": "b2b"}, {"typeId": "store", "key": "berlin"}
    address = {"country": "DE", "key": "home", "streetName": "Musterweg", "postalCode": "10999"}
    body = {"email": "a@example.com", "authenticationMode": "ExternalAuth", "addresses": [address]}
    more = {"stores": [place], "customerGroup": group, "customerGroupAssignments": [{"customerGroup": group}]}
    signed_in = api.post("customers", body | more, 201)
    check("CustomerSignInResult", signed_in)
    texts = "firstName lastName middleName title salutation externalId companyName vatId customerNumber key"
    actions: list[Json] = [
        *({"action": f"set{name[0].upper()}{name[1:]}", name: "12"} for name in texts.split()),
        {"action": "setDateOfBirth", "dateOfBirth": "1990-12-31"},
        {"action": "setLocale", "locale": "de"},
        {"action": "changeEmail", "email": "b@example.com"},
        {"action": "setCustomerGroup", "customerGroup": group},
        {"action": "setCustomerGroupAssignments", "customerGroupAssignments": []},
        {"action": "addCustomerGroupAssignment", "customerGroupAssignment": {"customerGroup": group}},
        {"action": "removeCustomerGroupAssignment", "customerGroup": group},
        {"action": "setStores", "stores": []},
        {"action": "addStore", "store": place},
        {"action": "removeStore", "store": place},
        {"action": "setAuthenticationMode", "authMode": "Password", "password": "secret"},
        {"action": "addAddress", "address": address | {"key": "work"}},
        {"action": "changeAddress", "addressKey": "home", "address": address},
        {"action": "setDefaultShippingAddress", "addressKey": "home"},
        {"action": "setDefaultBillingAddress", "addressKey": "home"},
        {"action": "addShippingAddressId", "addressKey": "work"},
        {"action": "addBillingAddressId", "addressKey": "work"},
        {"action": "removeShippingAddressId", "addressKey": "work"},
        {"action": "removeBillingAddressId", "addressKey": "work"},
        {"action": "removeAddress", "addressKey": "work"},
        {"action": "setCustomType", **typed},
        {"action": "setCustomField", "name": "newsletter", "value": False},
    ]
    customer = api.update("customers", signed_in["customer"], *actions)
    assert customer["custom"]["fields"] == {"newsletter": False}
    # Described as text like every custom field, whatever the type says it is.
    check("Customer", customer | {"custom": customer["custom"] | {"fields": {}}})
    assert unknown_fields("Customer", customer) == set()
    refused = api.post("customers", body | {"email": "B@example.com"}, 400)
    check("DuplicateFieldError", refused["errors"][0])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("products", {"name": {"en": "x"}}),
        ("inventory", {"sku": "a", "quantityOnStock": 1, "quantity": 2}),
        ("channels", {"key": "x y"}),
        ("standalone-prices", {"sku": "a", "value": {"currencyCode": "EUR", "centAmount": 1.5}}),
    ],
)
def test_bodies_the_description_does_not_allow_are_refused(
    api: Api, store: CommercetoolsStore, path: str, body: Json
) -> None:
    validated(store)
    api.post(path, body, 400)


def test_an_action_that_does_not_exist_is_refused_by_the_description_already(
    api: Api, store: CommercetoolsStore
) -> None:
    validated(store)
    product = api.post("products", draft(), 201)
    error = api.update_refused("products", product, "InvalidJsonInput", {"action": "setPrice", "prices": []})
    assert error["detailedErrorMessage"].startswith("ProductUpdate")
