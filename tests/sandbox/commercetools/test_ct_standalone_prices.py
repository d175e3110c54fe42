"""Standalone prices live on their own: one for each SKU and scope, live at once, each with its version and time."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, Json, euros

PATH = "standalone-prices"
YEAR = {"validFrom": "2026-01-01T00:00:00.000Z", "validUntil": "2027-01-01T00:00:00.000Z"}


def cents(amount: int, currency: str = "EUR") -> Json:
    return {"currencyCode": currency, "centAmount": amount}


def tier(quantity: int, amount: int) -> Json:
    return {"minimumQuantity": quantity, "value": cents(amount)}


def tiers_of(price: Json) -> list[tuple[int, int]]:
    return [(each["minimumQuantity"], each["value"]["centAmount"]) for each in price["tiers"]]


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


@pytest.fixture
def regulars(api: Api) -> Json:
    api.post("customer-groups", {"key": "regulars", "groupName": "Regulars"}, 201)
    return {"typeId": "customer-group", "key": "regulars"}


def test_a_price_of_the_same_scope_is_named_by_the_error(api: Api, regulars: Json) -> None:
    web = {"typeId": "channel", "key": "web"}
    scope = {"sku": "S-1", "country": "DE", "customerGroup": regulars, "channel": web, **YEAR}
    price = api.post(PATH, euros(100, **scope), 201)
    error = api.refused(PATH, euros(1, **scope), "DuplicateStandalonePriceScope")
    assert error["conflictingStandalonePrice"] == {"typeId": "standalone-price", "id": price["id"]}
    assert (error["sku"], error["currency"], error["country"]) == ("S-1", "EUR", "DE")
    assert error["customerGroup"] == price["customerGroup"]
    assert (error["channel"], error["validFrom"]) == (price["channel"], YEAR["validFrom"])
    for other in (
        {"sku": "S-2"},
        {"country": "AT"},
        {"customerGroup": None},
        {"channel": None},
        {"validFrom": None, "validUntil": None},
        {"value": cents(1, "GBP")},
    ):
        api.post(PATH, euros(1) | scope | other, 201)


def test_times_of_one_scope_do_not_overlap_and_an_undated_price_stands_beside_them(api: Api) -> None:
    year = api.post(PATH, euros(100, sku="S-1", **YEAR), 201)
    api.post(PATH, euros(90, sku="S-1"), 201)
    error = api.refused(
        PATH, euros(80, sku="S-1", validFrom="2026-06-01T00:00:00Z"), "OverlappingStandalonePriceValidity"
    )
    assert error["conflictingStandalonePrice"] == {"typeId": "standalone-price", "id": year["id"]}
    assert (error["conflictingValidFrom"], error["conflictingValidUntil"]) == tuple(YEAR.values())
    next_year = api.post(PATH, euros(80, sku="S-1", validFrom=YEAR["validUntil"]), 201)
    earlier = {"action": "setValidFrom", "validFrom": "2026-12-01T00:00:00Z"}
    api.update_refused(PATH, next_year, "OverlappingStandalonePriceValidity", earlier)
    same = {"action": "setValidFromAndUntil", **YEAR}
    api.update_refused(PATH, next_year, "DuplicateStandalonePriceScope", same)
    api.update_refused(PATH, next_year, "DuplicateStandalonePriceScope", {"action": "setValidFrom"})
    api.update(PATH, year, {"action": "setValidFromAndUntil", "validUntil": "2026-02-01T00:00:00Z"})
    assert api.update(PATH, next_year, earlier)["validFrom"] == "2026-12-01T00:00:00.000Z"


def test_tiers_are_set_added_and_removed(api: Api) -> None:
    price = api.post(PATH, euros(100, sku="S-1", tiers=[tier(5, 95)]), 201)
    price = api.update(PATH, price, {"action": "setPriceTiers", "tiers": [tier(10, 90), tier(20, 80)]})
    assert tiers_of(price) == [(10, 90), (20, 80)]
    price = api.update(PATH, price, {"action": "addPriceTier", "tier": tier(30, 70)})
    price = api.update(PATH, price, {"action": "removePriceTier", "minimumQuantity": 10})
    assert tiers_of(price) == [(20, 80), (30, 70)]
    api.update_refused(PATH, price, "InvalidField", {"action": "addPriceTier", "tier": tier(30, 1)})
    api.update_refused(PATH, price, "InvalidField", {"action": "addPriceTier", "tier": tier(1, 1)})
    api.update_refused(PATH, price, "InvalidOperation", {"action": "removePriceTier", "minimumQuantity": 9})
    assert "tiers" not in api.update(PATH, price, {"action": "setPriceTiers", "tiers": []})


def test_a_reduced_price_is_set_and_taken_away(api: Api) -> None:
    discount = {"name": {"en": "Sale"}, "predicate": "1=1", "sortOrder": "0.5", "isActive": True}
    api.post("product-discounts", discount | {"key": "sale", "value": {"type": "external"}}, 201)
    price = api.post(PATH, euros(100, sku="S-1"), 201)
    reduced = {"value": cents(80), "discount": {"typeId": "product-discount", "key": "sale"}}
    price = api.update(PATH, price, {"action": "setDiscountedPrice", "discounted": reduced})
    assert price["discounted"]["value"]["centAmount"] == 80
    assert "discounted" not in api.update(PATH, price, {"action": "setDiscountedPrice"})


def test_a_key_is_set_and_unique(api: Api) -> None:
    api.post(PATH, euros(100, sku="S-1", key="one"), 201)
    price = api.post(PATH, euros(100, sku="S-2"), 201)
    api.update_refused(PATH, price, "DuplicateField", {"action": "setKey", "key": "one"})
    assert api.update(PATH, price, {"action": "setKey", "key": "two"})["key"] == "two"


def test_a_price_is_deleted_in_the_version_that_is_there(api: Api) -> None:
    price = api.post(PATH, euros(100, sku="S-1", key="one"), 201)
    changed = api.update(PATH, price, {"action": "changeActive", "active": False})
    api.delete(f"{PATH}/{price['id']}", 400)
    answer = api.delete(f"{PATH}/{price['id']}", 409, version=price["version"])
    assert answer["errors"][0]["code"] == "ConcurrentModification"
    assert api.delete(f"{PATH}/key=one", version=changed["version"]) == changed
    api.get(f"{PATH}/{price['id']}", 404)
    api.post(PATH, euros(1, sku="S-1", key="one"), 201)


def test_prices_are_found_by_skus_and_by_the_time_they_changed(api: Api, clock: Clock) -> None:
    first, second, last = (api.post(PATH, euros(100, sku=f"S-{number}"), 201) for number in range(3))
    found = api.get(PATH, where='sku in ("S-0", "S-1", "none")', sort="sku asc")["results"]
    assert found == [first, second]
    clock.advance(60)
    changed = api.update(PATH, first, {"action": "changeValue", "value": cents(90)})
    assert changed["lastModifiedAt"] > first["lastModifiedAt"]
    after = f'lastModifiedAt > "{last["lastModifiedAt"]}"'
    assert api.get(PATH, where=after, sort=["lastModifiedAt asc", "id asc"])["results"] == [changed]


@pytest.mark.parametrize("code", ["ExactLockConflict", "ValidityLockConflict"])
def test_the_next_updates_find_the_price_locked_and_change_nothing(
    api: Api, store: CommercetoolsStore, code: Any
) -> None:
    price = api.post(PATH, euros(100, sku="S-1", country="DE", **YEAR), 201)
    store.lock_standalone_prices(2, code=code)
    change = {"action": "changeValue", "value": cents(90)}
    body = {"version": price["version"], "actions": [change]}
    for _ in range(2):
        error = api.refused(f"{PATH}/{price['id']}", body, code, 409)
        assert (error["sku"], error["currency"], error["country"]) == ("S-1", "EUR", "DE")
        assert ("validFrom" in error) == (code == "ExactLockConflict")
        assert api.get(f"{PATH}/{price['id']}") == price
    api.update(PATH, price, change)


def test_creations_can_be_locked_as_well_and_with_another_status(api: Api, store: CommercetoolsStore) -> None:
    price = api.post(PATH, euros(100, sku="S-1"), 201)
    store.lock_standalone_prices(writing="create", status=400)
    api.update(PATH, price, {"action": "changeActive", "active": False})
    api.refused(PATH, euros(100, sku="S-2"), "ExactLockConflict")
    api.post(PATH, euros(100, sku="S-2"), 201)
