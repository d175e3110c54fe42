"""What a synchronisation of customers meets: unique e-mails, numbers that stay, addresses, stores, look-ups."""

from __future__ import annotations

import pytest

from sandbox.clock import Clock
from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, Json

JANE: Json = {"email": "Jane.Doe@example.com", "authenticationMode": "ExternalAuth"}
BERLIN: Json = {"country": "DE", "city": "Berlin", "key": "home"}


def person(email: str, **more: object) -> Json:
    return {"email": email, "authenticationMode": "ExternalAuth", **more}


def created(api: Api, **more: object) -> Json:
    customer: Json = api.post("customers", {**JANE, **more}, 201)["customer"]
    return customer


def in_stores(*keys: str) -> Json:
    return {"stores": [{"typeId": "store", "key": key} for key in keys]}


def test_every_plain_field_can_be_set_and_taken_away(api: Api) -> None:
    values = {
        "firstName": "Jane",
        "lastName": "Doe",
        "middleName": "Q",
        "title": "Dr.",
        "salutation": "Frau",
        "externalId": "ls-1",
        "companyName": "Doe GmbH",
        "vatId": "DE123456789",
        "dateOfBirth": "1990-12-31",
        "locale": "de",
        "key": "jane",
    }
    actions = {name: f"set{name[0].upper()}{name[1:]}" for name in values}
    customer = api.update(
        "customers", created(api), *({"action": actions[name], name: value} for name, value in values.items())
    )
    assert customer.items() >= values.items()
    customer = api.update("customers", customer, *({"action": action} for action in actions.values()))
    assert not values.keys() & customer.keys()


@pytest.mark.parametrize("day", ["31.12.1990", "1990-02-30", "1990-12-31T00:00:00Z", "1990-W01-1"])
def test_a_date_of_birth_is_a_day_of_the_calendar(api: Api, day: str) -> None:
    action = {"action": "setDateOfBirth", "dateOfBirth": day}
    api.update_refused("customers", created(api), "InvalidJsonInput", action)
    api.refused("customers", person("x@example.com", dateOfBirth=day), "InvalidJsonInput")


def test_a_locale_is_a_language_of_the_project(api: Api) -> None:
    api.update_refused("customers", created(api), "InvalidField", {"action": "setLocale", "locale": "fr"})


def test_another_e_mail_is_not_verified_yet(api: Api) -> None:
    customer = api.update(
        "customers",
        created(api, isEmailVerified=True),
        {"action": "changeEmail", "email": "Jane.Roe@Example.com"},
    )
    assert (customer["email"], customer["isEmailVerified"]) == ("Jane.Roe@Example.com", False)
    created(api)
    change = {"action": "changeEmail", "email": "JANE.doe@example.com"}
    error = api.refused(
        f"customers/{customer['id']}", {"version": customer["version"], "actions": [change]}, "DuplicateField"
    )
    assert (error["field"], error["duplicateValue"]) == ("email", "JANE.doe@example.com")
    api.update("customers", customer, change | {"email": "jane.roe@example.com"})


@pytest.mark.parametrize("email", ["", "jane", " jane@example.com", "jane doe@example.com", "@example.com"])
def test_what_is_no_e_mail_is_refused(api: Api, email: str) -> None:
    api.refused("customers", person(email), "InvalidField")


def test_a_customer_number_once_set_stays(api: Api) -> None:
    number = {"action": "setCustomerNumber", "customerNumber": "10001"}
    customer = api.update("customers", created(api), number)
    api.update_refused("customers", customer, "InvalidOperation", number | {"customerNumber": "10002"})
    api.update_refused("customers", customer, "InvalidOperation", {"action": "setCustomerNumber"})
    other = api.post("customers", person("other@example.com"), 201)["customer"]
    assert api.update_refused("customers", other, "DuplicateField", number)["field"] == "customerNumber"


def test_an_e_mail_is_unique_within_a_store_and_among_those_without_one(api: Api) -> None:
    for key in ("berlin", "hamburg"):
        api.post("stores", {"key": key, "name": {"en": key}}, 201)
    everywhere = created(api)
    berlin = created(api, **in_stores("berlin"))
    assert berlin["stores"] == [{"typeId": "store", "key": "berlin"}]
    api.refused("customers", {**JANE, **in_stores("hamburg", "berlin")}, "DuplicateField")
    hamburg = created(api, **in_stores("hamburg"))
    store = {"typeId": "store", "key": "berlin"}
    api.update_refused("customers", hamburg, "DuplicateField", {"action": "addStore", "store": store})
    api.update_refused("customers", hamburg, "DuplicateField", {"action": "setStores", "stores": []})
    api.delete(f"customers/{berlin['id']}", version=berlin["version"])
    hamburg = api.update("customers", hamburg, {"action": "addStore", "store": store})
    assert [each["key"] for each in hamburg["stores"]] == ["hamburg", "berlin"]
    hamburg = api.update("customers", hamburg, {"action": "removeStore", "store": store})
    assert [each["key"] for each in hamburg["stores"]] == ["hamburg"]
    assert api.get("customers", where='stores(key = "hamburg")')["results"] == [hamburg]
    assert api.get("customers", where='lowercaseEmail = "jane.doe@example.com"')["total"] == 2
    assert everywhere["stores"] == []


def test_a_store_that_is_not_there_is_no_store_of_a_customer(api: Api) -> None:
    api.refused("customers", {**JANE, **in_stores("nowhere")}, "ReferencedResourceNotFound")


def test_groups_are_set_assigned_and_taken_away(api: Api) -> None:
    group = {"typeId": "customer-group", "id": api.post("customer-groups", {"groupName": "B2B"}, 201)["id"]}
    customer = created(api, customerGroup=group, customerGroupAssignments=[{"customerGroup": group}])
    assert customer["customerGroup"] == group
    assert api.get("customers", where=f'customerGroup(id = "{group["id"]}")')["total"] == 1
    customer = api.update(
        "customers",
        customer,
        {"action": "setCustomerGroup"},
        {"action": "removeCustomerGroupAssignment", "customerGroup": group},
    )
    assert ("customerGroup" in customer, customer["customerGroupAssignments"]) == (False, [])
    customer = api.update(
        "customers",
        customer,
        {"action": "setCustomerGroup", "customerGroup": group},
        {"action": "addCustomerGroupAssignment", "customerGroupAssignment": {"customerGroup": group}},
    )
    assert customer["customerGroupAssignments"] == [{"customerGroup": group}]
    none = {"typeId": "customer-group", "key": "none"}
    wrong = {"action": "setCustomerGroup", "customerGroup": none}
    api.update_refused("customers", customer, "ReferencedResourceNotFound", wrong)


def test_who_gets_a_password_has_to_be_given_one(api: Api) -> None:
    mode = {"action": "setAuthenticationMode", "authMode": "Password"}
    customer = created(api)
    assert api.update_refused("customers", customer, "RequiredField", mode)["field"] == "password"
    customer = api.update("customers", customer, mode | {"password": "secret"})
    assert customer["authenticationMode"] == "Password"
    assert "password" not in customer


# --- addresses ---


def test_an_address_gets_its_id_from_the_platform(api: Api) -> None:
    customer = created(api, addresses=[BERLIN | {"id": "mine"}])
    assert customer["addresses"][0]["id"] != "mine"
    customer = api.update("customers", customer, {"action": "addAddress", "address": {"country": "GB"}})
    assert len({address["id"] for address in customer["addresses"]}) == 2


def test_a_changed_address_keeps_nothing_but_its_id(api: Api) -> None:
    customer = created(api, addresses=[BERLIN], defaultBillingAddress=0)
    id = customer["addresses"][0]["id"]
    new = {"country": "DE", "key": "work"}
    customer = api.update(
        "customers", customer, {"action": "changeAddress", "addressKey": "home", "address": new}
    )
    assert customer["addresses"] == [new | {"id": id}]
    assert customer["defaultBillingAddressId"] == id
    change = {"action": "changeAddress", "addressId": id, "address": {"country": "NL"}}
    assert api.update("customers", customer, change)["addresses"] == [{"country": "NL", "id": id}]


def test_an_address_that_goes_is_no_default_any_more(api: Api) -> None:
    customer = created(
        api,
        addresses=[BERLIN, {"country": "GB", "key": "away"}],
        defaultShippingAddress=0,
        defaultBillingAddress=0,
        shippingAddresses=[0, 1],
    )
    customer = api.update("customers", customer, {"action": "removeAddress", "addressKey": "home"})
    away = customer["addresses"][0]["id"]
    assert (customer["shippingAddressIds"], customer["billingAddressIds"]) == ([away], [])
    assert not {"defaultShippingAddressId", "defaultBillingAddressId"} & customer.keys()


def test_a_default_address_is_one_of_its_kind(api: Api) -> None:
    customer = created(api, addresses=[BERLIN, {"country": "GB", "key": "away"}])
    home, away = (address["id"] for address in customer["addresses"])
    customer = api.update(
        "customers",
        customer,
        {"action": "setDefaultShippingAddress", "addressKey": "home"},
        {"action": "addShippingAddressId", "addressId": away},
        {"action": "addBillingAddressId", "addressKey": "away"},
        {"action": "setDefaultBillingAddress", "addressId": home},
    )
    assert (customer["defaultShippingAddressId"], customer["shippingAddressIds"]) == (home, [home, away])
    assert (customer["defaultBillingAddressId"], customer["billingAddressIds"]) == (home, [away, home])
    customer = api.update(
        "customers",
        customer,
        {"action": "removeShippingAddressId", "addressId": home},
        {"action": "removeBillingAddressId", "addressKey": "away"},
        {"action": "setDefaultBillingAddress"},
    )
    assert customer["shippingAddressIds"] == [away]
    assert customer["billingAddressIds"] == [home]
    assert not {"defaultShippingAddressId", "defaultBillingAddressId"} & customer.keys()


def test_a_key_names_one_address_of_a_customer(api: Api) -> None:
    api.refused("customers", {**JANE, "addresses": [BERLIN, BERLIN]}, "DuplicateField")
    customer = created(api, addresses=[BERLIN])
    api.update_refused("customers", customer, "DuplicateField", {"action": "addAddress", "address": BERLIN})
    api.post("customers", person("other@example.com", addresses=[BERLIN]), 201)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ({"action": "addAddress", "address": {"city": "Berlin"}}, "InvalidJsonInput"),
        ({"action": "addAddress", "address": {"country": "Germany"}}, "InvalidJsonInput"),
        ({"action": "changeAddress", "address": BERLIN}, "InvalidInput"),
        ({"action": "changeAddress", "addressKey": "gone", "address": BERLIN}, "InvalidInput"),
        ({"action": "removeAddress", "addressId": "gone"}, "InvalidInput"),
        ({"action": "setDefaultShippingAddress", "addressId": "gone"}, "InvalidInput"),
    ],
)
def test_an_address_has_a_country_and_is_named_before_it_is_changed(
    api: Api, action: Json, code: str
) -> None:
    api.update_refused("customers", created(api, addresses=[BERLIN]), code, action)


# --- custom fields ---


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"newsleter": True}, "newsleter"), ({"newsletter": "yes"}, "newsletter")],
)
def test_a_custom_field_is_one_of_the_type_and_of_its_kind(api: Api, fields: Json, field: str) -> None:
    definition = {"name": "newsletter", "label": {"en": "N"}, "required": False, "type": {"name": "Boolean"}}
    kind = {"key": "customer", "name": {"en": "C"}, "resourceTypeIds": ["customer"]}
    api.post("types", kind | {"fieldDefinitions": [definition]}, 201)
    api.post("types", kind | {"key": "order", "resourceTypeIds": ["order"], "fieldDefinitions": []}, 201)
    named = {"typeId": "type", "key": "customer"}
    wrong = api.refused("customers", {**JANE, "custom": {"type": named, "fields": fields}}, "InvalidField")
    assert wrong["field"] == field
    customer = created(api, custom={"type": named})
    action = {"action": "setCustomField", "name": "newsletter", "value": True}
    assert api.update("customers", customer, action)["custom"]["fields"] == {"newsletter": True}
    typed = {"action": "setCustomType", "type": {"typeId": "type", "key": "order"}}
    other = api.post("customers", person("other@example.com"), 201)["customer"]
    api.update_refused("customers", other, "InvalidField", typed)


# --- finding and losing them ---


def test_customers_are_found_by_what_a_synchronisation_knows(api: Api, clock: Clock) -> None:
    people = [
        api.post("customers", person(f"P{n}@Example.com", externalId=f"ls-{n}", customerNumber=f"{n}"), 201)[
            "customer"
        ]
        for n in range(4)
    ]
    ids = [customer["id"] for customer in people]

    def found(where: str, **more: object) -> list[str]:
        return [each["id"] for each in api.get("customers", where=where, sort="id asc", **more)["results"]]

    assert found(f'id in ("{ids[0]}", "{ids[2]}")') == sorted([ids[0], ids[2]])
    assert found('lowercaseEmail in ("p1@example.com", "p9@example.com")') == [ids[1]]
    assert found('email in ("p1@example.com")') == []
    assert found('externalId in ("ls-0", "ls-3")') == sorted([ids[0], ids[3]])
    assert found('customerNumber in ("2", "9")') == [ids[2]]
    clock.advance(10)
    changed = api.update("customers", people[1], {"action": "setExternalId", "externalId": "ls-9"})
    assert found(f'lastModifiedAt > "{people[3]["lastModifiedAt"]}"') == [changed["id"]]
    assert found('externalId = "ls-1"') == []
    assert found('externalId = "ls-9"') == [ids[1]]
    assert found('externalId is not defined and email = "P0@Example.com"') == []
    walked = api.get("customers", sort=["lastModifiedAt asc", "id asc"])["results"]
    assert walked[-1] == changed


def test_an_external_id_may_be_somebody_elses_too(api: Api) -> None:
    created(api, externalId="ls-1")
    api.post("customers", person("other@example.com", externalId="ls-1"), 201)
    assert api.get("customers", where='externalId = "ls-1"')["total"] == 2


def test_a_customer_is_named_by_key_and_gone_once_erased(api: Api) -> None:
    customer = created(api, key="jane", externalId="ls-1")
    assert api.get("customers/key=jane") == customer
    api.delete("customers/key=jane", 409, version=customer["version"] + 1)
    api.delete("customers/key=jane", 400, version=customer["version"], dataErasure="perhaps")
    api.delete("customers/key=jane", version=customer["version"], dataErasure="true")
    for name in ("key=jane", customer["id"]):
        api.get(f"customers/{name}", 404)
        api.delete(f"customers/{name}", 404, version=1)
    assert api.get("customers", where='externalId = "ls-1"')["total"] == 0
    created(api, key="jane")


def test_who_writes_on_an_old_version_is_told_so(api: Api, store: CommercetoolsStore) -> None:
    customer = created(api, key="jane")
    store.update("customers", [{"action": "setFirstName", "firstName": "Jane"}], key="jane")
    late = {"version": customer["version"], "actions": [{"action": "setFirstName", "firstName": "J."}]}
    api.refused("customers/key=jane", late, "ConcurrentModification", 409)
    assert api.get("customers/key=jane")["firstName"] == "Jane"
