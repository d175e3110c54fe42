"""Stock: one slot per SKU and channel, exact quantities, and what it does to products."""

from __future__ import annotations

from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, Json, draft

WAREHOUSE = {"typeId": "channel", "key": "warehouse"}


def test_a_slot_is_taken_once(api: Api) -> None:
    api.post("inventory", {"sku": "S-1", "quantityOnStock": 1}, 201)
    api.post("inventory", {"sku": "S-1", "quantityOnStock": 2, "supplyChannel": WAREHOUSE, "key": "k-1"}, 201)
    assert api.refused("inventory", {"sku": "S-1", "quantityOnStock": 3}, "DuplicateField")["field"] == "sku"
    again = {"sku": "S-1", "quantityOnStock": 3, "supplyChannel": WAREHOUSE}
    assert api.refused("inventory", again, "DuplicateField")["field"] == "supplyChannel"
    assert (
        api.refused("inventory", {"sku": "S-2", "quantityOnStock": 1, "key": "k-1"}, "DuplicateField")[
            "field"
        ]
        == "key"
    )


def test_a_supply_channel_must_supply(api: Api) -> None:
    body = {"sku": "S-1", "quantityOnStock": 1, "supplyChannel": {"typeId": "channel", "key": "web"}}
    assert api.refused("inventory", body, "MissingRoleOnChannel")["missingRole"] == "InventorySupply"


def test_quantities_change_absolutely_and_relatively(api: Api) -> None:
    entry = api.post("inventory", {"sku": "S-1", "quantityOnStock": 10}, 201)

    def quantities(*actions: Json) -> tuple[int, int]:
        nonlocal entry
        entry = api.update("inventory", entry, *actions)
        return entry["quantityOnStock"], entry["availableQuantity"]

    assert quantities({"action": "changeQuantity", "quantity": 7}) == (7, 7)
    assert quantities({"action": "addQuantity", "quantity": 3}) == (10, 10)
    # Below zero: more was sold than there was.
    assert quantities({"action": "removeQuantity", "quantity": 12}) == (-2, -2)
    assert api.get("inventory", where="availableQuantity < 0")["total"] == 1


def test_reserved_units_stay_reserved_when_stock_is_counted(api: Api, store: CommercetoolsStore) -> None:
    entry = store.insert("inventory", {"sku": "S-1", "quantityOnStock": 10, "availableQuantity": 6})
    entry = api.update("inventory", entry, {"action": "changeQuantity", "quantity": 20})
    assert (entry["quantityOnStock"], entry["availableQuantity"]) == (20, 16)


def test_a_missing_or_fractional_quantity_is_refused(api: Api) -> None:
    for body in ({"sku": "S-1"}, {"sku": "S-1", "quantityOnStock": 1.5}, {"quantityOnStock": 1}):
        api.refused("inventory", body, "InvalidJsonInput")


def test_further_fields_are_set_and_removed(api: Api) -> None:
    entry = api.post("inventory", {"sku": "S-1", "quantityOnStock": 1, "key": "k-1"}, 201)
    entry = api.update(
        "inventory",
        entry,
        {"action": "setRestockableInDays", "restockableInDays": 3},
        {"action": "setExpectedDelivery", "expectedDelivery": "2026-12-01T01:00:00+01:00"},
        {"action": "setSupplyChannel", "supplyChannel": WAREHOUSE},
        {"action": "setInventoryLimits", "minCartQuantity": 1, "maxCartQuantity": 5},
        {"action": "setSafetyStock", "safetyStock": 2},
        {"action": "setKey", "key": "k-2"},
    )
    assert entry["expectedDelivery"] == "2026-12-01T00:00:00.000Z"
    assert (entry["restockableInDays"], entry["maxCartQuantity"], entry["stockLevels"]) == (
        3,
        5,
        {"safetyStock": 2},
    )
    entry = api.update("inventory", entry, {"action": "setRestockableInDays"}, {"action": "setSupplyChannel"})
    assert "restockableInDays" not in entry
    assert "supplyChannel" not in entry


def test_availability_is_part_of_the_product_and_always_fresh(api: Api) -> None:
    api.post("products", draft("a", "S-1", "S-2", publish=True), 201)
    where = 'masterVariant(sku = "S-1")'

    def master() -> Json:
        (row,) = api.get("product-projections", where=where)["results"]
        variant: Json = row["masterVariant"]
        return variant

    assert "availability" not in master()
    entry = api.post("inventory", {"sku": "S-1", "quantityOnStock": 4}, 201)
    assert master()["availability"] == {
        "isOnStock": True,
        "availableQuantity": 4,
        "id": entry["id"],
        "version": entry["version"],
    }
    there = api.post("inventory", {"sku": "S-1", "quantityOnStock": 0, "supplyChannel": WAREHOUSE}, 201)
    channels = master()["availability"]["channels"]
    assert channels[there["supplyChannel"]["id"]]["isOnStock"] is False
    entry = api.update("inventory", entry, {"action": "changeQuantity", "quantity": 0})
    assert master()["availability"]["availableQuantity"] == 0
    api.delete(f"inventory/{entry['id']}", version=entry["version"])
    assert "availableQuantity" not in master()["availability"]


def test_writing_stock_bumps_the_product_where_the_switch_says_so(
    api: Api, store: CommercetoolsStore
) -> None:
    product = api.post("products", draft("a", "S-1", publish=True), 201)
    entry = api.post("inventory", {"sku": "S-1", "quantityOnStock": 1}, 201)
    path = f"products/{product['id']}"
    assert api.get(path)["version"] == product["version"]
    store.stock_bumps_products = True
    store.stock_moves_product_time = False
    entry = api.update("inventory", entry, {"action": "addQuantity", "quantity": 1})
    bumped = api.get(path)
    assert bumped["version"] > product["version"]
    assert bumped["lastModifiedAt"] == product["lastModifiedAt"]
    store.stock_moves_product_time = True
    api.update("inventory", entry, {"action": "addQuantity", "quantity": 1})
    assert api.get(path)["lastModifiedBy"]["clientId"] == "platform"
