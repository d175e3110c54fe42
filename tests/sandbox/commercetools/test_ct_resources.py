"""The resources around products keep their rules."""

from __future__ import annotations

import pytest

from sandbox.clock import Clock

from .conftest import Api, Json, draft


def test_a_channel_has_one_key_and_supplies_by_default(api: Api) -> None:
    assert api.post("channels", {"key": "shop-1"}, 201)["roles"] == ["InventorySupply"]
    api.refused("channels", {"key": "shop-1"}, "DuplicateField")
    api.refused("channels", {}, "InvalidJsonInput")


@pytest.mark.parametrize(
    ("action", "roles"),
    [("addRoles", ["InventorySupply"]), ("removeRoles", ["Primary"]), ("setRoles", ["InventorySupply"])],
)
def test_a_role_change_that_changes_nothing_is_an_error(api: Api, action: str, roles: list[str]) -> None:
    channel = api.get("channels/key=warehouse")
    api.update_refused("channels", channel, "InvalidOperation", {"action": action, "roles": roles})


def test_roles_are_added_removed_and_set(api: Api) -> None:
    channel = api.get("channels/key=warehouse")
    for action, roles, seen in [
        ("addRoles", ["OrderExport"], ["InventorySupply", "OrderExport"]),
        ("removeRoles", ["InventorySupply"], ["OrderExport"]),
        ("setRoles", ["Primary"], ["Primary"]),
    ]:
        channel = api.update("channels", channel, {"action": action, "roles": roles})
        assert channel["roles"] == seen
    api.update_refused("channels", channel, "InvalidOperation", {"action": "changeKey", "key": "warehouse"})
    assert api.get("channels", where='roles contains any ("Primary")')["total"] == 1


def test_a_tax_category_has_one_rate_per_place_and_one_name(api: Api) -> None:
    category = api.get("tax-categories/key=standard")
    rate = {"name": "DE", "amount": 0.07, "includedInPrice": True, "country": "DE"}
    api.update_refused(
        "tax-categories", category, "DuplicateField", {"action": "addTaxRate", "taxRate": rate}
    )
    id = category["rates"][0]["id"]
    category = api.update(
        "tax-categories",
        category,
        {"action": "replaceTaxRate", "taxRateId": id, "taxRate": rate},
        {"action": "addTaxRate", "taxRate": rate | {"country": "GB", "key": "gb-rate"}},
    )
    assert [(each["country"], each["amount"]) for each in category["rates"]] == [("DE", 0.07), ("GB", 0.07)]
    category = api.update("tax-categories", category, {"action": "removeTaxRate", "taxRateKey": "gb-rate"})
    assert len(category["rates"]) == 1
    api.refused("tax-categories", {"name": "Standard"}, "InvalidOperation")
    api.refused("tax-categories", {"name": "Odd", "rates": [rate | {"amount": 19}]}, "InvalidField")


def test_a_tax_rate_is_the_sum_of_its_parts(api: Api) -> None:
    parts = [{"name": "State", "amount": 0.04}, {"name": "City", "amount": 0.02}]
    rate = {"name": "NY", "includedInPrice": False, "country": "US", "state": "New York", "subRates": parts}
    category = api.post("tax-categories", {"name": "Goods", "rates": [rate]}, 201)
    assert category["rates"][0]["amount"] == 0.06
    assert category["rates"][0]["subRates"] == parts
    elsewhere = rate | {"state": "Texas", "amount": 0.06}
    category = api.update("tax-categories", category, {"action": "addTaxRate", "taxRate": elsewhere})
    wrong = rate | {"state": "Ohio", "amount": 0.07}
    api.update_refused("tax-categories", category, "InvalidField", {"action": "addTaxRate", "taxRate": wrong})
    bare = {key: value for key, value in wrong.items() if key not in ("amount", "subRates")}
    api.update_refused("tax-categories", category, "RequiredField", {"action": "addTaxRate", "taxRate": bare})
    whole = {"name": "US", "amount": 0, "includedInPrice": False, "country": "US"}
    category = api.update("tax-categories", category, {"action": "addTaxRate", "taxRate": whole})
    api.update_refused(
        "tax-categories", category, "DuplicateField", {"action": "addTaxRate", "taxRate": elsewhere}
    )
    assert [each.get("state") for each in category["rates"]] == ["New York", "Texas", None]


def test_a_customer_group_has_one_key_and_one_name(api: Api) -> None:
    group = api.post("customer-groups", {"key": "b2b", "groupName": "B2B"}, 201)
    assert (group["key"], group["name"]) == ("b2b", "B2B")
    api.refused("customer-groups", {"key": "b2b", "groupName": "Other"}, "DuplicateField")
    api.refused("customer-groups", {"key": "other", "groupName": "B2B"}, "DuplicateField")
    api.refused("customer-groups", {"key": "other", "name": "Other"}, "InvalidJsonInput")
    assert api.get("customer-groups", where='key in ("b2b", "none")')["results"] == [group]
    assert api.get("customer-groups", where='name = "B2B"')["total"] == 1
    changed = api.update(
        "customer-groups",
        group,
        {"action": "changeName", "name": "Trade"},
        {"action": "setKey", "key": "trade"},
    )
    assert api.get("customer-groups/key=trade") == changed
    api.delete("customer-groups/key=trade", version=changed["version"])
    api.get(f"customer-groups/{group['id']}", 404)


def test_categories_know_all_that_is_above_them(api: Api) -> None:
    body = {"key": "polo", "name": {"en": "Polo"}, "slug": {"en": "polo"}}
    child = api.post("categories", body | {"parent": {"typeId": "category", "key": "shirts"}}, 201)
    grandchild = {"key": "red-polo", "name": {"en": "Red"}, "slug": {"en": "red-polo"}}
    grandchild = api.post("categories", grandchild | {"parent": {"typeId": "category", "key": "polo"}}, 201)
    shirts = api.get("categories/key=shirts")
    assert [above["id"] for above in grandchild["ancestors"]] == [shirts["id"], child["id"]]
    expanded = api.get("categories/key=red-polo", expand="ancestors[*]")
    assert [above["obj"]["key"] for above in expanded["ancestors"]] == ["shirts", "polo"]
    nested = api.get("categories/key=red-polo", expand="parent.parent")
    assert nested["parent"]["obj"]["parent"]["obj"]["key"] == "shirts"
    assert api.refused("categories", body | {"key": "other"}, "DuplicateField")["field"] == "slug.en"


def test_a_store_refers_to_channels_of_the_right_role_and_to_selections(api: Api) -> None:
    api.post("product-selections", {"key": "online", "name": {"en": "Online"}}, 201)
    store = {
        "key": "berlin",
        "name": {"en": "Berlin"},
        "languages": ["de"],
        "supplyChannels": [{"typeId": "channel", "key": "warehouse"}],
        "distributionChannels": [{"typeId": "channel", "key": "web"}],
        "productSelections": [
            {"productSelection": {"typeId": "product-selection", "key": "online"}, "active": True}
        ],
    }
    answer = api.post("stores", store, 201)
    assert answer["supplyChannels"][0]["id"] == api.get("channels/key=warehouse")["id"]
    assert answer["productSelections"][0]["active"] is True
    wrong = {"key": "paris", "supplyChannels": [{"typeId": "channel", "key": "web"}]}
    assert api.refused("stores", wrong, "MissingRoleOnChannel")["missingRole"] == "InventorySupply"


def test_a_selection_lists_its_products(api: Api) -> None:
    for name in "abc":
        api.post("products", draft(name), 201)
    selection = api.post("product-selections", {"key": "online", "name": {"en": "Online"}}, 201)
    add = [{"action": "addProduct", "product": {"typeId": "product", "key": f"key-{name}"}} for name in "abc"]
    selection = api.update("product-selections", selection, *add)
    assert (selection["productCount"], "_assigned" in selection) == (3, False)
    page = api.get(
        "product-selections/key=online/products", limit=2, offset=1, withTotal="true", expand="product"
    )
    assert [row["product"]["obj"]["key"] for row in page["results"]] == ["key-b", "key-c"]
    assert (page["total"], page["count"]) == (3, 2)
    ids = [
        row["product"]["id"]
        for row in api.get("product-selections/key=online/products", sort="product.id asc")["results"]
    ]
    assert ids == sorted(ids)
    rest = api.get(
        "product-selections/key=online/products", where=f'product(id > "{ids[0]}")', sort="product.id asc"
    )
    assert [row["product"]["id"] for row in rest["results"]] == ids[1:]
    gone = {"action": "removeProduct", "product": {"typeId": "product", "key": "key-b"}}
    missing = {"action": "removeProduct", "product": {"typeId": "product", "key": "key-z"}}
    api.update_refused("product-selections", selection, "ReferencedResourceNotFound", gone, missing)
    assert api.get(f"product-selections/{selection['id']}/products")["count"] == 3
    selection = api.update("product-selections", selection, gone)
    assert selection["productCount"] == 2


# --- custom objects ---


def put(api: Api, value: object, status: int = 201, **more: object) -> Json:
    return api.post("custom-objects", {"container": "sync", "key": "cursor", "value": value, **more}, status)


def test_a_custom_object_is_written_over_and_drops_nulls(api: Api, clock: Clock) -> None:
    first = put(api, {"at": 1, "none": None})
    assert first["value"] == {"at": 1}
    clock.advance(5)
    second = put(api, {"at": 2}, 200)
    assert second["id"] == first["id"]
    assert second["version"] > first["version"]
    assert second["lastModifiedAt"] > first["lastModifiedAt"]
    assert api.get("custom-objects/sync/cursor")["value"] == {"at": 2}
    assert api.get("custom-objects/sync", where="value(at = 2)")["count"] == 1
    assert api.get("custom-objects/other")["count"] == 0


def test_writing_the_same_value_still_tells_the_server_s_time(api: Api, clock: Clock) -> None:
    first = put(api, "x")
    clock.advance(5)
    assert put(api, "x", 200)["lastModifiedAt"] > first["lastModifiedAt"]


def test_a_custom_object_is_swapped_only_from_the_version_seen(api: Api) -> None:
    first = put(api, 1, version=0)
    put(api, 2, 409, version=0)
    second = put(api, 2, 200, version=first["version"])
    put(api, 3, 409, version=first["version"])
    assert api.get("custom-objects/sync/cursor")["value"] == 2
    api.delete("custom-objects/sync/cursor", 409, version=first["version"])
    api.delete("custom-objects/sync/cursor", version=second["version"])
    api.get("custom-objects/sync/cursor", 404)
    put(api, 1, 409, version=4)


def test_container_and_key_keep_to_their_characters(api: Api) -> None:
    api.refused("custom-objects", {"container": "a b", "key": "k", "value": 1}, "InvalidField")
    api.post("custom-objects", {"container": "a-b_c~d.e", "key": "k", "value": 1}, 201)


# --- customers and orders ---


def test_a_customer_keeps_the_case_of_an_address_that_is_unique_without_it(api: Api) -> None:
    body = {
        "email": "Jane.Doe@example.com",
        "authenticationMode": "ExternalAuth",
        "addresses": [{"country": "NL", "key": "home"}, {"country": "DE"}],
        "defaultShippingAddress": 1,
    }
    answer = api.post("customers", body, 201)["customer"]
    assert answer["email"] == "Jane.Doe@example.com"
    assert "lowercaseEmail" not in answer
    assert answer["defaultShippingAddressId"] == answer["addresses"][1]["id"]
    assert answer["shippingAddressIds"] == [answer["addresses"][1]["id"]]
    assert (
        api.refused("customers", body | {"email": "jane.doe@EXAMPLE.com"}, "DuplicateField")["field"]
        == "email"
    )
    assert api.get("customers", where='email = "jane.doe@example.com"')["total"] == 0
    assert api.get("customers", where='lowercaseEmail = "jane.doe@example.com"')["total"] == 1


def test_a_customer_without_external_auth_needs_a_password(api: Api) -> None:
    assert api.refused("customers", {"email": "a@b.c"}, "RequiredField")["field"] == "password"


def imported(**more: object) -> Json:
    price = {"currencyCode": "EUR", "centAmount": 500}
    line = {"name": {"en": "Shirt"}, "variant": {"sku": "a-1"}, "quantity": 2, "price": {"value": price}}
    return {
        "orderNumber": "O-1",
        "totalPrice": {"currencyCode": "EUR", "centAmount": 1000},
        "lineItems": [line],
        **more,
    }


def test_an_order_is_imported_as_given_and_found_by_number(api: Api) -> None:
    order = api.post("orders/import", imported(), 201)
    assert api.get("orders/order-number=O-1") == order
    assert order["lineItems"][0]["totalPrice"]["centAmount"] == 1000
    assert (order["orderState"], order["syncInfo"]) == ("Open", [])
    assert api.refused("orders/import", imported(), "DuplicateField")["field"] in ("key", "orderNumber")


@pytest.mark.parametrize("role", ["OrderExport", "OrderImport"])
def test_an_exported_order_is_marked_through_a_channel_that_may(api: Api, role: str) -> None:
    order = api.post("orders/import", imported(), 201)
    mark = {"action": "updateSyncInfo", "channel": {"typeId": "channel", "key": "till"}, "externalId": "LS-1"}
    api.post("channels", {"key": "till"}, 201)
    api.update_refused("orders", order, "MissingRoleOnChannel", mark)
    channel = api.get("channels/key=till")
    api.update("channels", channel, {"action": "addRoles", "roles": [role]})
    order = api.update("orders", order, mark, {"action": "changeOrderState", "orderState": "Confirmed"})
    assert [entry["externalId"] for entry in order["syncInfo"]] == ["LS-1"]
    assert api.get("orders", where=f'syncInfo(channel(id="{channel["id"]}"))')["total"] == 1


def test_custom_fields_need_their_type(api: Api) -> None:
    api.post(
        "types",
        {"key": "sync", "name": {"en": "Sync"}, "resourceTypeIds": ["order"], "fieldDefinitions": []},
        201,
    )
    order = api.post("orders/import", imported(), 201)
    field = {"action": "setCustomField", "name": "exported", "value": True}
    api.update_refused("orders", order, "InvalidField", field)
    typed = {"action": "setCustomType", "type": {"typeId": "type", "key": "sync"}}
    api.update("orders", order, typed, field)
    assert api.get("orders", where="custom(fields(exported = true))")["total"] == 1
