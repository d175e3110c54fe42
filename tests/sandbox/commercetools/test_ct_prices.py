"""Money is exact, and scopes of embedded prices do not collide."""

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


def test_two_tiers_of_a_price_start_at_different_quantities(api: Api) -> None:
    tier = {"minimumQuantity": 2, "value": {"currencyCode": "EUR", "centAmount": 1}}
    api.refused("products", priced(euros(2, tiers=[tier, tier])), "InvalidField")


def test_a_customer_group_makes_another_scope(api: Api) -> None:
    api.post("customer-groups", {"key": "regulars", "groupName": "Regulars"}, 201)
    regulars = {"typeId": "customer-group", "key": "regulars"}
    product = api.post("products", priced(euros(2), euros(1, customerGroup=regulars)), 201)
    prices = product["masterData"]["current"]["masterVariant"]["prices"]
    group = api.get("customer-groups/key=regulars")["id"]
    assert prices[1]["customerGroup"] == {"typeId": "customer-group", "id": group}
    twice = priced(euros(1, customerGroup=regulars), euros(2, customerGroup=regulars))
    api.refused("products", twice, "DuplicatePriceScope")
    unknown = priced(euros(1, customerGroup={"typeId": "customer-group", "key": "none"}))
    api.refused("products", unknown, "ReferencedResourceNotFound")


def test_overlapping_prices_are_named_with_their_scope_and_times(api: Api) -> None:
    api.post("customer-groups", {"key": "regulars", "groupName": "Regulars"}, 201)
    scope = {"country": "DE", "customerGroup": {"typeId": "customer-group", "key": "regulars"}}
    year = {"validFrom": "2026-01-01T00:00:00.000Z", "validUntil": "2027-01-01T00:00:00.000Z"}
    late = {"validFrom": "2026-12-01T00:00:00.000Z"}
    error = api.refused(
        "products", priced(euros(1, **scope, **year), euros(2, **scope, **late)), "OverlappingPriceValidity"
    )
    assert (error["country"], error["validFrom"]) == ("DE", late["validFrom"])
    assert error["customerGroup"]["typeId"] == "customer-group"
    assert (error["conflictingValidFrom"], error["conflictingValidUntil"]) == tuple(year.values())
    after = {"validFrom": year["validUntil"]}
    api.post("products", priced(euros(1, **scope, **year), euros(2, **scope, **after)), 201)
