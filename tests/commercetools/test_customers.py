"""Customers online: what is read of them and what stops at the reader, and the fewest actions that write them. Every
body is checked against the official description where that is at hand."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from include.commercetools.customers import CommercetoolsCustomers
from include.records.customer_face import CustomerSystem, CustomerWrite
from include.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from include.records.face import CheckResult, Window
from include.records.sealing import clear_rows
from include.sandbox.faults import FaultRule
from tests.commercetools.peopled import (
    FIELDS,
    HOME,
    HOME_PARTS,
    SHOP_PARTS,
    at_home,
    custom,
    customer,
    one,
    people,
    read,
    rows_of,
    run,
    sent,
    settings,
    stored,
    types,
    write,
)
from tests.commercetools.world import Json, World

BARE: Json = {"fields": {"email": {"owner": "newest"}}, "consents": {}}


@pytest.fixture
def world() -> World:
    return people()


def actions(world: World) -> list[str]:
    return [action["action"] for action in sent(world)]


def group(key: str) -> Json:
    return {"typeId": "customer-group", "key": key}


def stores(*keys: str) -> list[Json]:
    return [{"typeId": "store", "key": key} for key in keys]


# ---------------------------------------------------------------- reading


def test_it_shows_the_face_of_a_system_of_customers(world: World) -> None:
    async def use(adapter: CommercetoolsCustomers) -> None:
        face: CustomerSystem = adapter
        assert face.system == "commercetools" and await face.changed_since("x") is None

    run(world, use)


def test_everything_a_customer_has_is_in_its_field(world: World) -> None:
    made = customer(
        world,
        "Ada.Byron@Shop.Example",
        firstName=" Ada ",
        lastName="Byron",
        companyName="Engines Ltd",
        vatId="GB123",
        dateOfBirth="1815-12-10",
        customerNumber="10001",
        externalId="ls-1",
        locale="de-DE",
        customerGroup=group("vip"),
        stores=stores("hamburg"),
        **at_home(mobile="+44 20 7946 0000"),
        **custom(
            card="C-1",
            member=True,
            balance={"currencyCode": "EUR", "centAmount": 1250},
            size="M",
            visits=3,
            newsletter=False,
        ),
    )
    row = one(world)
    modified, carry = row.pop("modified_at"), row.pop("carry")
    assert modified and carry == {
        "billing": made["defaultBillingAddressId"],
        "shipping": made["defaultBillingAddressId"],
    }
    assert row == {
        "id": made["id"],
        "version": made["version"],
        "takes_part": True,
        "external_id": "ls-1",
        "email": "Ada.Byron@shop.example",
        "first_name": "Ada",
        "last_name": "Byron",
        "company": "Engines Ltd",
        "tax_id": "GB123",
        "date_of_birth": "1815-12-10",
        "number": "10001",
        "language": "de-DE",
        "group": "vip",
        "store": "hamburg",
        "phone": "+49301234567",
        "mobile": "+442079460000",
        "billing_address": HOME_PARTS,
        "shipping_address": HOME_PARTS,
        "loyalty_id": "C-1",
        "loyalty_member": True,
        "loyalty_balance": "12.5",
        "custom.size": "M",
        "custom.visits": "3",
        "consent_email": False,
    }


def test_what_is_left_out_is_empty_and_what_nobody_said_is_unknown(world: World) -> None:
    customer(world)
    row = one(world)
    assert {
        name: row[name] for name in ("first_name", "phone", "group", "store", "number", "external_id")
    } == {
        "first_name": "",
        "phone": "",
        "group": "",
        "store": "",
        "number": "",
        "external_id": "",
    }
    assert row["billing_address"] == row["shipping_address"] == {}
    assert row["custom.size"] == row["loyalty_id"] == row["loyalty_balance"] == ""
    assert not {"loyalty_member", "consent_email"} & row.keys()


def test_a_custom_field_that_the_customers_type_lacks_is_unknown(world: World) -> None:
    types(world, "other", {"size": "String"})
    customer(world, custom={"type": {"typeId": "type", "key": "other"}, "fields": {}})
    row = one(world)
    assert row["custom.size"] == "" and "loyalty_id" not in row


def test_an_address_that_is_no_default_is_none(world: World) -> None:
    customer(world, addresses=[HOME])
    row = one(world)
    assert (row["billing_address"], row["shipping_address"]) == ({}, {})
    assert row["phone"] == "+49301234567"


def test_a_number_is_that_of_the_shipping_address_before_any_other(world: World) -> None:
    addresses = [
        {"country": "DE", "phone": "030 1111111"},
        {"country": "GB", "phone": "020 7946 0000", "mobile": "x"},
        {"country": "DE", "mobile": "0171 1234567"},
    ]
    customer(world, addresses=addresses, defaultBillingAddress=2, defaultShippingAddress=1)
    row = one(world)
    assert (row["phone"], row["mobile"]) == ("+442079460000", "?x")


def test_a_number_lives_where_the_setting_says(world: World) -> None:
    types(world, "phones", {"phone": "String"})
    own = {"type": {"typeId": "type", "key": "phones"}, "fields": {"phone": "030 7654321"}}
    customer(world, **at_home(), custom=own)
    fields = {"phone": {"owner": "newest", "commercetools": "custom:phone"}}
    assert one(world, settings(fields=fields, consents={}))["phone"] == "+49307654321"


def test_a_group_that_nobody_maps_is_unknown_and_assignments_count_where_there_is_no_group(
    world: World,
) -> None:
    keyless = next(one["id"] for one in world.store.all("customer-groups") if "key" not in one)
    mapped = settings(groups=[{"commercetools": "vip", "lightspeed": "VIP"}])
    for email, more in (
        ("a@shop.example", {"customerGroup": group("vip")}),
        ("b@shop.example", {"customerGroup": group("trade")}),
        ("c@shop.example", {"customerGroup": {"typeId": "customer-group", "id": keyless}}),
        ("d@shop.example", {"customerGroupAssignments": [{"customerGroup": group("vip")}]}),
        ("e@shop.example", {}),
    ):
        customer(world, email, **more)

    def groups(config: Any) -> Json:
        return {row["email"][0]: row.get("group") for row in read(world, config)}

    assert groups(mapped) == {"a": "vip", "b": None, "c": None, "d": "vip", "e": ""}
    assert groups(settings())["b"] == "trade"


def test_customers_of_other_stores_take_no_part_and_those_of_none_do(world: World) -> None:
    for email, keys in (("a", ["berlin"]), ("b", ["hamburg"]), ("c", []), ("d", ["hamburg", "berlin"])):
        customer(world, f"{email}@shop.example", stores=stores(*keys))
    rows = {row["email"][0]: row["takes_part"] for row in read(world, settings(stores=["berlin"]))}
    assert rows == {"a": True, "b": False, "c": True, "d": True}
    assert all(row["takes_part"] for row in read(world))


def test_fields_without_an_owner_are_read_only_to_recognise_people(world: World) -> None:
    customer(world, firstName="Ada", companyName="Engines Ltd", dateOfBirth="1815-12-10", **at_home())
    assert one(world, settings(**BARE)).keys() - {"id", "version", "modified_at", "carry", "takes_part"} == {
        *("email", "first_name", "last_name", "phone", "mobile", "number", "external_id")
    }


def test_private_fields_stop_at_the_reader_and_are_unknown_not_empty(world: World) -> None:
    customer(world, dateOfBirth="1815-12-10", vatId="GB123", title="Lady", **at_home(), **custom(size="M"))
    config = settings(
        privacy=("vatId", "addresses.phone", "addresses.city", "custom.fields.size"),
        exclude=["date_of_birth"],
    )

    async def use(adapter: CommercetoolsCustomers) -> list[Json]:
        assert not {"tax_id", "phone", "billing_address", "custom.size", "date_of_birth"} & adapter.holds
        assert "mobile" in adapter.writes
        return await rows_of(adapter.walk(Window(None, None)))

    (row,) = run(world, use, config)
    assert not {"vatId", "dateOfBirth", "title", "password", "createdBy"} & row.keys()
    assert row["custom"]["fields"] == {}
    assert all(address.keys() == {"id", "country"} for address in row["addresses"])
    known = one(world, config)
    assert (
        not {"tax_id", "phone", "billing_address", "shipping_address", "custom.size", "date_of_birth"}
        & known.keys()
    )


def test_a_password_hash_never_leaves(world: World) -> None:
    made = customer(world)
    world.store.insert("customers", {**made, "password": "****aGFzaA=="})

    async def use(adapter: CommercetoolsCustomers) -> list[Json]:
        return await rows_of(adapter.walk(Window(None, None)))

    (page_row,) = run(world, use)
    assert "password" not in page_row and "authenticationMode" not in page_row


def test_a_delta_reads_what_changed_in_order_of_time_and_goes_on_where_it_stopped(world: World) -> None:
    made = [customer(world, f"{n}@shop.example") for n in range(5)]
    world.store.update("customers", [{"action": "setFirstName", "firstName": "Z"}], id=made[1]["id"])
    config = settings(limits={"page_size": 2, "trail_seconds": 0})

    async def use(adapter: CommercetoolsCustomers) -> tuple[list[str], list[str], str | None]:
        window = await adapter.open_window("2000-01-01T00:00:00.000Z", full=False)
        window = Window(window.lower, "2999-01-01T00:00:00.000Z")
        pages = [page async for page in adapter.walk(window)]
        rest = await rows_of(adapter.walk(window, position=pages[0].position))
        return (
            [row["id"] for page in pages for row in page.rows],
            [row["id"] for row in rest],
            pages[-1].cursor,
        )

    everybody, rest, cursor = run(world, use, config)
    ordered = sorted(world.store.all("customers"), key=lambda row: (row["lastModifiedAt"], row["id"]))
    assert everybody == [row["id"] for row in ordered]
    assert rest == everybody[2:] and cursor == "2999-01-01T00:00:00.000Z"


def test_windows_follow_the_servers_clock_with_trail_and_overlap(world: World) -> None:
    async def use(adapter: CommercetoolsCustomers) -> None:
        now = await adapter.server_time()
        window = await adapter.open_window("2020-01-01T00:10:00.000Z", full=False)
        assert window.lower == "2020-01-01T00:05:00.000Z"
        assert window.upper is not None and window.upper < now.isoformat()
        assert adapter.cursor_at(now, "2020-01-01T00:00:00.000Z") == "2020-01-01T00:00:00.000Z"
        assert (await adapter.open_window("2020-01-01T00:00:00.000Z", full=True)).lower is None

    run(world, use)


def test_customers_are_found_by_id_number_and_key_each_once(world: World) -> None:
    a = customer(world, "a@shop.example", customerNumber="1001", key="key-a")
    b = customer(world, "b@shop.example", customerNumber='10"2')
    customer(world, "c@shop.example")

    async def use(adapter: CommercetoolsCustomers) -> list[list[str]]:
        found = [
            adapter.search([a["id"], "1001", "key-a", 'x"', "y\\"]),
            adapter.search(['10"2']),
            adapter.search([]),
            adapter.fetch([b["id"], a["id"], b["id"], "gone"]),
            adapter.fetch([]),
        ]
        return [[row["id"] for row in await rows_of(pages)] for pages in found]

    assert run(world, use) == [[a["id"]], [b["id"]], [], sorted([a["id"], b["id"]]), []]


def test_a_look_up_compares_e_mails_without_their_capitals(world: World) -> None:
    a = customer(world, "O'Brien+X@Shop.Example", customerNumber="7", key="key-a")
    b = customer(world, "b@shop.example", customerNumber="8")

    async def use(adapter: CommercetoolsCustomers) -> list[list[str]]:
        asked = [
            ("o'BRIEN+x@shop.example", "", ""),
            ("", "8", "key-a"),
            ("", "", ""),
            ("n@o.example", "9", "zz"),
        ]
        return [[row["id"] for row in await rows_of(adapter.lookup(*one))] for one in asked]

    assert run(world, use) == [[a["id"]], [b["id"], a["id"]], [], []]


def test_fetching_asks_for_a_hundred_at_once_and_alone_for_each_that_is_not_shown(world: World) -> None:
    async def use(adapter: CommercetoolsCustomers) -> None:
        world.faults.clear_requests()
        await rows_of(adapter.fetch([f"id-{n}" for n in range(250)]))

    run(world, use)
    paths = [one.path for one in world.requests("GET", "/customers")]
    lists = [path for path in paths if path.endswith("/customers")]
    assert len(lists) == 3 and len({*paths} - {*lists}) == 250


# ---------------------------------------------------------------- creating

NEW: Json = {
    "email": "Ada@shop.example",
    "first_name": "Ada",
    "last_name": "Byron",
    "company": "Engines Ltd",
    "tax_id": "GB123",
    "date_of_birth": "1815-12-10",
    "number": "10001",
    "external_id": "till-77",
    "language": "DE-de",
    "group": "vip",
    "phone": "+49301234567",
    "billing_address": HOME_PARTS,
    "shipping_address": SHOP_PARTS,
    "loyalty_id": "C-1",
    "loyalty_member": False,
    "loyalty_balance": "12.5",
    "custom.size": "M",
    "custom.visits": "3",
    "consent_email": True,
}


def test_a_new_customer_has_everything_and_no_password_and_reads_back_as_it_was_written(world: World) -> None:
    written = write(world, NEW, settings(create_in_store="berlin"), action="create")
    made = stored(world)
    assert (made["key"], made["authenticationMode"], made["externalId"]) == (
        "ls-77",
        "ExternalAuth",
        "till-77",
    )
    assert [address["key"] for address in made["addresses"]] == ["ls-77-billing", "ls-77-shipping"]
    assert made["stores"] == stores("berlin") and written.dropped == {}
    row = one(world)
    assert {name: row[name] for name in NEW} == {**NEW, "language": "de-DE"}
    assert (
        written.customer_id == made["id"]
        and written.row is not None
        and written.row["version"] == made["version"]
    )
    assert len(written.exchange_ids) == 1


def test_what_a_new_customer_can_not_have_is_left_out_and_told(world: World) -> None:
    fields = {
        "email": "a@shop.example",
        "phone": "+49301234567",
        "mobile": "?12",
        "language": "fr",
        "group": "nobodys",
        "date_of_birth": "10.12.1815",
        "custom.nowhere": "x",
        "custom.visits": "many",
        "loyalty_balance": "1.005",
        "shipping_address": {**HOME_PARTS, "country": "Germany"},
        "first_name": "",
    }
    written = write(world, fields, action="create")
    assert written.dropped.keys() == fields.keys() - {"email", "first_name"}
    assert not any("1815" in why or "many" in why for why in written.dropped.values())
    assert one(world)["first_name"] == ""


def test_an_address_without_a_country_is_in_the_default_country_or_is_left_out(world: World) -> None:
    fields = {"email": "a@shop.example", "billing_address": {**HOME_PARTS, "country": ""}}
    written = write(world, fields, settings(default_country=None), action="create")
    assert "default_country" in written.dropped["billing_address"] and stored(world)["addresses"] == []
    write(world, {"billing_address": fields["billing_address"]})
    assert stored(world)["addresses"][0]["country"] == "DE"


def test_nobody_is_created_without_a_readable_e_mail(world: World) -> None:
    for fields in ({"first_name": "Ada"}, {"email": ""}, {"email": "?ada"}):
        with pytest.raises(RecordRejected) as fault:
            write(world, fields, action="create")
        assert fault.value.code == "email_missing"
    assert world.store.all("customers") == []


# ---------------------------------------------------------------- updating


def test_only_what_changed_is_sent(world: World) -> None:
    customer(world, firstName="Ada", lastName="Byron", companyName="Engines Ltd", locale="de-DE")
    write(
        world,
        {
            "email": "ADA@shop.example",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "company": "",
            "tax_id": "GB1",
            "date_of_birth": "1815-12-10",
            "number": "10001",
            "language": "en-gb",
            "external_id": "till-1",
        },
    )
    assert sent(world) == [
        {"action": "setLastName", "lastName": "Lovelace"},
        {"action": "setCompanyName"},
        {"action": "setVatId", "vatId": "GB1"},
        {"action": "setDateOfBirth", "dateOfBirth": "1815-12-10"},
        {"action": "setCustomerNumber", "customerNumber": "10001"},
        {"action": "setLocale", "locale": "en-GB"},
        {"action": "setExternalId", "externalId": "till-1"},
    ]
    assert world.requests("GET", "/customers") == []


def test_a_write_that_changes_nothing_sends_nothing_and_shows_the_customer(world: World) -> None:
    made = customer(world, firstName="Ada", **at_home())
    written = write(world, {"first_name": "Ada", "billing_address": HOME_PARTS, "phone": "+49301234567"})
    assert sent(world) == [] and written.row is not None and written.row["version"] == made["version"]


def test_a_number_stays_as_it_was_first_set(world: World) -> None:
    customer(world, customerNumber="10001")
    written = write(world, {"number": "10002", "first_name": "Ada"})
    assert "number" in written.dropped and actions(world) == ["setFirstName"]


def test_what_can_not_be_is_left_out_and_told(world: World) -> None:
    customer(world, locale="de-DE")
    fields = {"language": "fr", "email": "", "phone": "+49301234567", "mobile": "?1", "custom.visits": "x"}
    written = write(world, fields)
    assert written.dropped.keys() == fields.keys() and sent(world) == []


def test_an_address_changes_with_nothing_else_of_it_lost(world: World) -> None:
    made = customer(world, **at_home(shipping=False))
    write(world, {"billing_address": {**HOME_PARTS, "city": "Potsdam", "extra": ""}})
    expected = {name: value for name, value in HOME.items() if name != "additionalStreetInfo"}
    assert stored(world)["addresses"] == [{**expected, "city": "Potsdam", "id": made["addresses"][0]["id"]}]
    assert actions(world) == ["changeAddress"]


def test_a_new_street_is_written_whole_and_a_new_state_over_the_region(world: World) -> None:
    customer(world, **at_home(shipping=False))
    write(world, {"billing_address": {**HOME_PARTS, "street": "Markt 1", "state": ""}})
    (address,) = stored(world)["addresses"]
    assert address["streetName"] == "Markt 1" and not {"streetNumber", "region", "state"} & address.keys()
    assert one(world)["billing_address"] == {**HOME_PARTS, "street": "Markt 1", "state": ""}


def test_custom_fields_of_an_address_travel_along(world: World) -> None:
    world.store.validate_requests = (
        None  # the description knows them in an AddressDraft only, which is a BaseAddress
    )
    world.store.create(
        "types",
        {
            "key": "places",
            "name": {"en-GB": "places"},
            "resourceTypeIds": ["address"],
            "fieldDefinitions": [
                {"name": "floor", "label": {"en-GB": "f"}, "required": False, "type": {"name": "String"}}
            ],
        },
    )
    floor = {"type": {"typeId": "type", "key": "places"}, "fields": {"floor": "2"}}
    customer(world, **at_home(shipping=False, custom=floor))
    before = stored(world)["addresses"][0]["custom"]
    write(world, {"billing_address": {**HOME_PARTS, "city": "Potsdam"}})
    assert stored(world)["addresses"][0]["custom"] == before


def test_members_of_an_address_that_are_private_are_not_lost_when_it_is_written(world: World) -> None:
    customer(world, **at_home(shipping=False))
    write(
        world, {"billing_address": {**HOME_PARTS, "city": "Potsdam"}}, settings(privacy=("addresses.phone",))
    )
    assert stored(world)["addresses"][0]["phone"] == HOME["phone"]


def test_one_half_of_a_shared_address_gets_an_address_of_its_own(world: World) -> None:
    made = customer(world, **at_home())
    write(world, {"billing_address": SHOP_PARTS})
    assert actions(world) == ["addAddress", "setDefaultBillingAddress"]
    row, now = one(world), stored(world)
    assert (row["billing_address"], row["shipping_address"]) == (SHOP_PARTS, HOME_PARTS)
    assert now["addresses"][0] == made["addresses"][0] and row["phone"] == "+49301234567"
    assert now["addresses"][1]["firstName"] == "Ada" and now["addresses"][1]["key"] == "ls-77-billing"


def test_a_shared_address_changes_in_place_where_both_uses_want_the_same(world: World) -> None:
    customer(world, **at_home())
    write(world, {"billing_address": SHOP_PARTS, "shipping_address": SHOP_PARTS})
    assert actions(world) == ["changeAddress"]
    row = one(world)
    assert row["billing_address"] == row["shipping_address"] == SHOP_PARTS


def test_a_shared_address_parts_where_each_use_wants_another(world: World) -> None:
    customer(world, **at_home())
    other = {**SHOP_PARTS, "city": "Bonn"}
    write(world, {"billing_address": SHOP_PARTS, "shipping_address": other})
    row = one(world)
    assert (row["billing_address"], row["shipping_address"]) == (SHOP_PARTS, other)
    assert len(stored(world)["addresses"]) == 2


def test_a_first_address_is_added_and_chosen_under_a_key_that_is_free(world: World) -> None:
    customer(world, addresses=[{"country": "DE", "key": "ls-77-shipping"}])
    write(world, {"shipping_address": HOME_PARTS, "mobile": "+491711234567"})
    assert actions(world) == ["addAddress", "setDefaultShippingAddress"]
    row = one(world)
    assert (row["shipping_address"], row["billing_address"]) == (HOME_PARTS, {})
    assert row["mobile"] == "+491711234567" and stored(world)["addresses"][1]["key"] == "ls-77-shipping-2"


def test_an_address_that_becomes_empty_is_no_default_any_more_but_stays(world: World) -> None:
    made = customer(world, **at_home())
    write(world, {"shipping_address": {}})
    assert sent(world) == [{"action": "setDefaultShippingAddress"}]
    row = one(world)
    assert (row["shipping_address"], row["billing_address"]) == ({}, HOME_PARTS)
    assert stored(world)["addresses"] == made["addresses"]


def test_a_telephone_number_changes_where_it_lives(world: World) -> None:
    addresses = [{**HOME}, {"country": "DE", "city": "Bonn"}]
    customer(world, addresses=addresses, defaultBillingAddress=0, defaultShippingAddress=1)
    write(world, {"phone": "+49307654321", "mobile": "+491711234567"})
    home, bonn = stored(world)["addresses"]
    assert (home["phone"], bonn["mobile"]) == ("+49307654321", "+491711234567") and "phone" not in bonn
    row = one(world)
    assert (row["phone"], row["mobile"]) == ("+49307654321", "+491711234567")


def test_a_telephone_number_that_goes_is_taken_out_of_every_address_that_bears_it(world: World) -> None:
    addresses = [{**HOME}, {"country": "DE", "phone": "+49 30 1234567"}]
    customer(world, addresses=addresses, defaultBillingAddress=0)
    write(world, {"phone": ""})
    assert actions(world) == ["changeAddress"] * 2 and one(world)["phone"] == ""


def test_a_group_is_set_and_left_by_key(world: World) -> None:
    customer(world, customerGroup=group("vip"))
    write(world, {"group": "trade"})
    assert sent(world) == [{"action": "setCustomerGroup", "customerGroup": group("trade")}]
    write(world, {"group": ""})
    assert sent(world) == [{"action": "setCustomerGroup"}] and one(world)["group"] == ""


def test_an_assigned_group_is_replaced_and_several_are_left_alone(world: World) -> None:
    customer(world, customerGroupAssignments=[{"customerGroup": group("vip")}])
    write(world, {"group": "trade"})
    assert actions(world) == ["setCustomerGroupAssignments"] and one(world)["group"] == "trade"
    write(world, {"group": ""})
    assert one(world)["group"] == ""
    several = [{"customerGroup": group("vip")}, {"customerGroup": group("trade")}]
    second = customer(world, "b@shop.example", customerGroupAssignments=several)
    written = write(world, {"group": "staff"}, of=second["id"])
    assert "group" in written.dropped and sent(world) == []


def test_a_store_is_set_and_several_are_left_alone(world: World) -> None:
    made = customer(world)
    write(world, {"store": "berlin"})
    assert sent(world) == [{"action": "setStores", "stores": stores("berlin")}]
    assert "store" in write(world, {"store": "atlantis"}).dropped
    world.store.update(
        "customers", [{"action": "setStores", "stores": stores("berlin", "hamburg")}], id=made["id"]
    )
    assert "store" in write(world, {"store": "hamburg"}).dropped


def test_custom_fields_are_set_one_by_one_or_with_the_type_a_customer_lacks(world: World) -> None:
    customer(world)
    fields = {"custom.size": "M", "loyalty_id": "C-1", "consent_email": True, "custom.visits": ""}
    write(world, fields)
    assert actions(world) == ["setCustomType"]
    assert stored(world)["custom"]["fields"] == {"size": "M", "card": "C-1", "newsletter": True}
    write(world, {"custom.size": "", "custom.visits": "4", "consent_email": False})
    assert sent(world) == [
        {"action": "setCustomField", "name": "size"},
        {"action": "setCustomField", "name": "visits", "value": 4},
        {"action": "setCustomField", "name": "newsletter", "value": False},
    ]


def test_a_type_is_never_replaced(world: World) -> None:
    types(world, "other", {"size": "String", "note": "String"})
    other = {"type": {"typeId": "type", "key": "other"}, "fields": {"note": "keep"}}
    customer(world, custom=other)
    written = write(world, {"custom.size": "M", "loyalty_id": "C-1"})
    assert written.dropped.keys() == {"loyalty_id"}
    assert stored(world)["custom"]["fields"] == {"note": "keep", "size": "M"}


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ({"first_name": {"owner": "commercetools"}}, {}),
        ({"last_name": {"owner": "newest"}}, {}),
        ({"first_name": {"owner": "newest"}}, {"one_way": {"first_name": "lightspeed"}}),
    ],
)
def test_nothing_is_written_outside_ownership_whoever_planned_it(
    world: World, fields: Json, more: Json
) -> None:
    customer(world)
    with pytest.raises(RecordRejected) as fault:
        write(world, {"first_name": "Ada"}, settings(fields=fields, consents={}, **more))
    assert fault.value.code == "not_owned" and sent(world) == []


# ---------------------------------------------------------------- deleting


@pytest.mark.parametrize(
    ("action", "erase", "query"),
    [("delete", False, ""), ("delete", True, "dataErasure=true"), ("anonymise", False, "dataErasure=true")],
)
def test_a_deletion_erases_where_it_is_asked_to(world: World, action: str, erase: bool, query: str) -> None:
    made = customer(world)
    written = write(world, {}, action=action, erase=erase)
    (request,) = world.requests("DELETE", "/customers/")
    assert f"version={made['version']}" in request.query and ("dataErasure" in request.query) == bool(query)
    assert query in request.query and written.row is None and world.store.all("customers") == []


# ---------------------------------------------------------------- failures


def raised(world: World, kind: type[SyncError], fields: Json, **more: Any) -> Any:
    with pytest.raises(kind) as fault:
        write(world, fields, **more)
    return fault.value


@pytest.mark.parametrize(
    ("fields", "field"), [({"email": "TAKEN@shop.example"}, "email"), ({"number": "1"}, "number")]
)
def test_what_is_taken_names_the_field_and_not_the_value(world: World, fields: Json, field: str) -> None:
    customer(world, "taken@shop.example", customerNumber="1")
    mine = customer(world, "mine@shop.example")
    fault = raised(world, DuplicateInTarget, fields, of=mine["id"])
    assert (fault.field, fault.code, fault.details) == (field, "DuplicateField", None)
    assert "taken" not in str(fault).casefold()


def test_a_key_that_is_taken_shows_that_a_creation_took_effect(world: World) -> None:
    customer(world, key="ls-77")
    fault = raised(world, DuplicateInTarget, {"email": "new@shop.example"}, action="create")
    assert fault.field == "key"


@pytest.mark.parametrize("fields", [{"first_name": "Ada"}, {"billing_address": HOME_PARTS}])
def test_a_customer_that_moved_on_is_stale(world: World, fields: Json) -> None:
    made = customer(world)

    async def use(adapter: CommercetoolsCustomers) -> None:
        row = clear_rows(adapter.to_customers(await rows_of(adapter.fetch([made["id"]]))))[0]
        world.store.update("customers", [{"action": "setLastName", "lastName": "B"}], id=made["id"])
        wanted = CustomerWrite("c", "update", "ls-77", fields, row["id"], row["version"], row)
        with pytest.raises(StaleTarget):
            await adapter.write(wanted)
        with pytest.raises(StaleTarget):
            await adapter.write(CustomerWrite("c", "delete", "ls-77", {}, row["id"], row["version"]))

    run(world, use)
    assert "firstName" not in stored(world)


def test_a_customer_that_is_gone_is_missing(world: World) -> None:
    async def use(adapter: CommercetoolsCustomers) -> None:
        for action in ("update", "delete"):
            wanted = CustomerWrite("c", action, "k-1", {"first_name": "A"}, "gone", 1)
            with pytest.raises(TargetMissing):
                await adapter.write(wanted)

    run(world, use)


@pytest.mark.parametrize("status", [400, 409])
def test_a_locked_field_is_tried_again_at_once(world: World, status: int) -> None:
    body = {
        "statusCode": status,
        "message": "m",
        "errors": [{"code": "LockedField", "message": "m", "field": "email"}],
    }
    world.faults.add(FaultRule(match="/customers$", method="POST", kind="status", status=status, body=body))
    write(world, {"email": "a@shop.example"}, action="create")
    assert len(world.store.all("customers")) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_write_without_a_trustworthy_answer_is_unknown_and_not_sent_twice(
    world: World, status: int
) -> None:
    world.faults.add(FaultRule(match="/customers$", method="POST", kind="status", status=status, body={}))
    raised(world, UnknownOutcome, {"email": "a@shop.example"}, action="create")
    assert len(world.requests("POST", "/customers")) == 1


def test_a_creation_whose_answer_was_lost_is_found_by_its_key(world: World) -> None:
    world.faults.add(FaultRule(match="/customers$", method="POST", kind="truncate_json"))
    raised(world, UnknownOutcome, {"email": "a@shop.example"}, action="create")

    async def use(adapter: CommercetoolsCustomers) -> list[Json]:
        return await rows_of(adapter.lookup("", "", "ls-77"))

    assert [row["id"] for row in run(world, use)] == [stored(world)["id"]]


# ---------------------------------------------------------------- nobody's name in the audit trail

PLANTED = ("planted", "geheimweg", "7654321", "jörg", "bücher", "xn--", "c-4711")
FIELDS_OF_PLANTED: Json = {
    "email": "Jörg.O'Planted@bücher.example",
    "first_name": "Jörg",
    "last_name": "Planted",
    "phone": "+49307654321",
    "billing_address": {**HOME_PARTS, "street": "Geheimweg 7"},
    "loyalty_id": "C-4711",
}


def test_no_name_address_or_number_is_in_any_exchange_log_or_error(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[SyncError] = []

    def fails(fields: Json, **more: Any) -> None:
        with pytest.raises(SyncError) as fault:
            write(world, fields, **more)
        faults.append(fault.value)

    with caplog.at_level(logging.DEBUG):
        write(world, FIELDS_OF_PLANTED, action="create")
        assert read(world)[0]["last_name"] == "Planted"
        plan = {"billing_address": {**HOME_PARTS, "street": "Geheimweg 8"}, "last_name": "Planted-B"}
        write(world, {**plan, "loyalty_id": "C-4711-2"})
        fails(FIELDS_OF_PLANTED, action="create")  # key and e-mail are taken
        for rule in (
            FaultRule(
                match="/customers", method="POST", kind="status", status=500, body={"message": "Planted"}
            ),
            FaultRule(match="/customers", method="POST", kind="html", status=502, body="<p>Planted</p>"),
            FaultRule(match="/customers", method="POST", kind="truncate_json"),
        ):
            world.faults.add(rule)
            fails({"last_name": f"Planted {rule.kind} {rule.status}"})
        bad = {
            "statusCode": 400,
            "message": "Planted",
            "errors": [{"code": "InvalidField", "message": "Planted"}],
        }
        world.faults.add(FaultRule(match="/customers", method="GET", kind="status", status=400, body=bad))

        async def look(adapter: CommercetoolsCustomers) -> list[Json]:
            with pytest.raises(RecordRejected) as refused:
                await rows_of(adapter.lookup(FIELDS_OF_PLANTED["email"], "Planted-1", "Planted-key"))
            faults.append(refused.value)
            assert refused.value.code == "InvalidField"
            return await rows_of(adapter.lookup(FIELDS_OF_PLANTED["email"], "Planted-1", "Planted-key"))

        assert len(run(world, look)) == 1
    seen = "\n".join(
        [
            *(repr(exchange) for exchange in world.sink.exchanges),
            *(str(fault) + repr(vars(fault)) for fault in faults),
            caplog.text,
        ]
    ).casefold()
    assert [word for word in PLANTED if word in seen] == []
    assert "%c3%b6" not in seen and len(faults) == 5


def test_the_audit_trail_tells_which_actions_were_sent_and_which_error_came_back(world: World) -> None:
    customer(world, "taken@shop.example")
    mine = customer(world, "mine@shop.example")
    raised(world, DuplicateInTarget, {"email": "taken@shop.example", "first_name": "Ada"}, of=mine["id"])
    told = world.sink.exchanges[-1]
    assert '"action":"changeEmail"' in (told.request_body or "") and '"setFirstName"' in (
        told.request_body or ""
    )
    assert '"code":"DuplicateField"' in (told.response_body or "") and "@" not in repr(told)
    assert told.context["change"] == "c-1"


# ---------------------------------------------------------------- preparing and looking ahead


def wrong() -> Any:
    return settings(
        fields={**FIELDS, "custom.nowhere": {"owner": "newest", "commercetools": "custom:nowhere"}},
        groups=[{"commercetools": "nobodys", "lightspeed": "x"}],
        stores=["atlantis"],
        create_in_store="atlantis",
    )


async def _checked(adapter: CommercetoolsCustomers) -> list[CheckResult]:
    return await adapter.check()


async def _nothing(adapter: CommercetoolsCustomers) -> None:
    return None


def test_writing_needs_what_the_settings_name_and_reading_does_not(world: World) -> None:
    run(world, _nothing, wrong())
    with pytest.raises(ConfigurationFault) as fault:
        run(world, _nothing, wrong(), writing=True)
    assert all(word in fault.value.message for word in ("nobodys", "atlantis", "nowhere"))
    run(world, _nothing, settings(), writing=True)


def test_two_types_that_would_do_are_told_apart_by_a_person(world: World) -> None:
    types(world, "people-2")
    with pytest.raises(ConfigurationFault) as fault:
        run(world, _nothing, settings(), writing=True)
    assert "people, people-2" in fault.value.message


def test_preflight_is_content_with_what_is_there(world: World) -> None:
    found = run(
        world, _checked, settings(groups=[{"commercetools": "vip", "lightspeed": "VIP"}], stores=["berlin"])
    )
    assert {result.level for result in found} == {"ok"}


def test_preflight_names_everything_that_is_missing_with_a_way_out(world: World) -> None:
    found = [result for result in run(world, _checked, wrong()) if result.level == "error"]
    assert {result.subject for result in found} == {
        *("customers.groups", "customers.stores", "customers.create_in_store", "customers.fields")
    }
    assert all(result.remedy for result in found)


def test_preflight_warns_of_what_will_not_sync(world: World) -> None:
    fields = {**FIELDS, "custom.homeless": {"owner": "newest"}}
    config = settings(fields=fields, default_country=None, privacy=("vatId",))
    found = {result.subject for result in run(world, _checked, config) if result.level == "warning"}
    assert found == {
        "customers.fields.custom.homeless",
        "customers.fields.tax_id",
        "customers.default_country",
    }


def test_preflight_names_the_scopes_that_are_missing(world: World) -> None:
    scopes = ("view_customers", "view_project_settings", "view_types", "manage_products")
    found = run(world, _checked, prepared=False, scopes=scopes)
    (missing,) = [result for result in found if result.subject == "scopes"]
    assert (
        missing.level == "error"
        and "manage_customers" in missing.finding
        and "view_stores" in missing.finding
    )


def test_preflight_asks_nothing_where_no_customers_sync(world: World) -> None:
    found = run(world, _checked, settings(fields={}, consents={}))
    assert [(result.level, result.subject) for result in found] == [("ok", "customers.fields")]
