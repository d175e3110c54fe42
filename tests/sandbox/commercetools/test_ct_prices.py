"""Money is exact, price scopes do not collide, standalone prices live on their own."""

from __future__ import annotations

import pytest

from .conftest import Api, Json, draft, euros, variant


def priced(*prices: Json) -> Json:
    return draft() | {"masterVariant": variant("a-1", prices=list(prices))}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (
            {"currencyCode": "JPY", "centAmount": 500},
            {"type": "centPrecision", "centAmount": 500, "fractionDigits": 0},
        ),
        (
            {"currencyCode": "KWD", "centAmount": 5},
            {"type": "centPrecision", "centAmount": 5, "fractionDigits": 3},
        ),
        (
            {"type": "highPrecision", "currencyCode": "EUR", "preciseAmount": 123450, "fractionDigits": 5},
            {"type": "highPrecision", "centAmount": 123, "preciseAmount": 123450, "fractionDigits": 5},
        ),
        (
            # Half of a cent goes to the even one.
            {"type": "highPrecision", "currencyCode": "EUR", "preciseAmount": 1225, "fractionDigits": 3},
            {"type": "highPrecision", "centAmount": 122, "preciseAmount": 1225, "fractionDigits": 3},
        ),
    ],
)
def test_money_comes_back_with_type_and_digits(api: Api, given: Json, stored: Json) -> None:
    product = api.post("products", priced({"value": given}), 201)
    (price,) = product["masterData"]["current"]["masterVariant"]["prices"]
    assert price["value"] == {"currencyCode": given["currencyCode"], **stored}


@pytest.mark.parametrize(
    "value",
    [
        {"currencyCode": "EUR", "centAmount": 19.99},
        {"currencyCode": "EUR", "centAmount": "1999"},
        {"currencyCode": "EUR", "centAmount": 2**63},
        {"currencyCode": "euro", "centAmount": 1},
        {"centAmount": 1},
        {"currencyCode": "EUR", "amount": 1},
    ],
)
def test_money_that_is_none_is_refused(api: Api, value: Json) -> None:
    api.refused("products", priced({"value": value}), "InvalidJsonInput")


def test_precision_that_cents_could_hold_is_refused(api: Api) -> None:
    value = {"type": "highPrecision", "currencyCode": "EUR", "preciseAmount": 1, "fractionDigits": 2}
    api.refused("products", priced({"value": value}), "InvalidField")


def test_two_prices_of_the_same_scope_are_refused(api: Api) -> None:
    error = api.refused(
        "products", priced(euros(1, country="DE"), euros(2, country="DE")), "DuplicatePriceScope"
    )
    assert error["conflictingPrice"]["value"]["centAmount"] == 1


def test_prices_of_overlapping_times_are_refused_and_undated_ones_are_not(api: Api) -> None:
    year = {"validFrom": "2026-01-01T00:00:00.000Z", "validUntil": "2026-12-31T00:00:00.000Z"}
    summer = {"validFrom": "2026-06-01T02:00:00+02:00", "validUntil": "2026-09-01T00:00:00.000Z"}
    error = api.refused("products", priced(euros(1, **year), euros(2, **summer)), "OverlappingPriceValidity")
    assert error["currency"] == "EUR"
    product = api.post("products", priced(euros(1), euros(2, **summer)), 201)
    prices = product["masterData"]["current"]["masterVariant"]["prices"]
    assert prices[1]["validFrom"] == "2026-06-01T00:00:00.000Z"


def test_a_price_channel_must_sell(api: Api) -> None:
    error = api.refused(
        "products",
        priced(euros(1, channel={"typeId": "channel", "key": "warehouse"})),
        "MissingRoleOnChannel",
    )
    assert error["missingRole"] == "ProductDistribution"


def test_a_reduced_price_needs_a_discount_an_external_service_sets(api: Api) -> None:
    discount = {"name": {"en": "Sale"}, "predicate": "1=1", "sortOrder": "0.5", "isActive": True}
    api.post("product-discounts", discount | {"key": "sale", "value": {"type": "external"}}, 201)
    api.post(
        "product-discounts", discount | {"key": "ten", "value": {"type": "relative", "permyriad": 1000}}, 201
    )

    def reduced(key: str) -> Json:
        reference = {"typeId": "product-discount", "key": key}
        return priced(
            euros(100, discounted={"value": {"currencyCode": "EUR", "centAmount": 80}, "discount": reference})
        )

    api.refused("products", reduced("ten"), "InvalidOperation")
    api.refused("products", reduced("none"), "ReferencedResourceNotFound")
    product = api.post("products", reduced("sale"), 201)
    (price,) = product["masterData"]["current"]["masterVariant"]["prices"]
    assert price["discounted"]["value"]["centAmount"] == 80
    assert price["discounted"]["discount"]["id"] == api.get("product-discounts/key=sale")["id"]


def test_a_tier_starts_at_two(api: Api) -> None:
    tier = {"minimumQuantity": 1, "value": {"currencyCode": "EUR", "centAmount": 1}}
    api.refused("products", priced(euros(2, tiers=[tier])), "InvalidField")
    api.post("products", priced(euros(2, tiers=[tier | {"minimumQuantity": 2}])), 201)


def test_a_variant_has_at_most_a_hundred_prices(api: Api) -> None:
    prices = [euros(1, country=f"{a}{b}") for a in "ABCDEFGHIJK" for b in "ABCDEFGHIJ"]
    api.refused("products", priced(*prices[:101]), "MaxResourceLimitExceeded")
    api.post("products", priced(*prices[:100]), 201)


def test_standalone_prices_are_unique_in_their_scope(api: Api) -> None:
    price = api.post("standalone-prices", euros(100, sku="S-1", key="p1", country="DE"), 201)
    assert (price["active"], price["value"]["fractionDigits"]) == (True, 2)
    api.refused("standalone-prices", euros(1, sku="S-1", country="DE"), "DuplicateStandalonePriceScope")
    api.refused("standalone-prices", euros(1, sku="S-2", key="p1"), "DuplicateField")
    api.post("standalone-prices", euros(1, sku="S-1"), 201)
    assert api.get("standalone-prices", where='sku in ("S-1")')["total"] == 2
    assert api.get("standalone-prices/key=p1") == price


def test_a_standalone_value_is_live_at_once_unless_staged(api: Api) -> None:
    price = api.post("standalone-prices", euros(100, sku="S-1"), 201)
    change = {"action": "changeValue", "value": {"currencyCode": "EUR", "centAmount": 90}}
    price = api.update("standalone-prices", price, change)
    assert price["value"]["centAmount"] == 90
    staged = change | {"staged": True, "value": {"currencyCode": "EUR", "centAmount": 80}}
    price = api.update("standalone-prices", price, staged)
    assert (price["value"]["centAmount"], price["staged"]["value"]["centAmount"]) == (90, 80)
    price = api.update("standalone-prices", price, {"action": "applyStagedChanges"})
    assert (price["value"]["centAmount"], "staged" in price) == (80, False)
    other = {"action": "changeValue", "value": {"currencyCode": "GBP", "centAmount": 1}}
    api.update_refused("standalone-prices", price, "InvalidInput", other)
    price = api.update("standalone-prices", price, {"action": "changeActive", "active": False})
    assert price["active"] is False
