"""Customers at the till: read whole or not at all, found by what they are known by, and named in no exchange."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from retail_sync.lightspeed.x_series.customers.adapter import XSeriesCustomers
from retail_sync.lightspeed.x_series.customers.bodies import CustomerBody, Sent
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.customers import CustomerWrite, CustomerWritten
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.records.rows import UnreadableRows
from retail_sync.records.sealing import clear_rows
from retail_sync.settings.models import SyncSettings
from sandbox.fault_rules import FaultRule
from tests.lightspeed.till import Till, rows_of, told
from tests.sandbox.lightspeed.test_official_shapes import DESCRIPTION, check, schemas

T = TypeVar("T")
Json = dict[str, Any]
FIELDS = (
    *("email", "first_name", "last_name", "company", "phone", "mobile", "date_of_birth", "number"),
    *("billing_address", "shipping_address", "loyalty_member", "loyalty_balance", "group"),
)
PLACED = {
    "tax_id": "custom_field_1",
    "loyalty_id": "custom_field_2",
    "store": "fax",
    "language": "website",
    "custom.size": "note",
    "custom.sex": "gender",
}
ADDRESS: Json = {
    "street": "Am Markt 1",
    "extra": "Hinterhaus",
    "suburb": "Mitte",
    "city": "Berlin",
    "postcode": "10117",
    "state": "BE",
    "country": "DE",
}
NO_ADDRESS: dict[str, Any] = {}
CARD = "4111 1111 1111 1111"
_changes = itertools.count(1)

# The shortest customer among the official examples of the list (description of API 2.0).
SHORT: Json = {
    "id": "06bf537b-c783-11e6-ff13-f21286299973",
    "customer_code": "UNNAMED-669D",
    "first_name": None,
    "last_name": None,
    "year_to_date": 0,
    "balance": 0,
    "loyalty_balance": 0,
    "on_account_limit": None,
    "do_not_email": False,
    "customer_group_id": "b1ca8902-f019-11e3-a0f5-b8ca3a64f8f4",
    "enable_loyalty": True,
    "created_at": "2017-02-13T17:33:25+00:00",
    "updated_at": "2017-02-13T17:33:25+00:00",
    "version": 2847386277,
}


def customer_settings(**more: Any) -> SyncSettings:
    privacy = {"privacy": more.pop("privacy")} if "privacy" in more else {}
    owner = more.pop("owner", "newest")
    fields = {name: {"owner": owner} for name in more.pop("fields", FIELDS)}
    fields |= {name: {"owner": owner, "lightspeed": place} for name, place in PLACED.items()}
    customers = {
        "fields": fields,
        "create": ["lightspeed"],
        "default_country": "DE",
        "external_id_field": "custom_field_4",
        "groups": [{"commercetools": "regulars", "lightspeed": "Stammkunden"}],
        "consents": {
            "email": {"commercetools": "custom:mail"},
            "sms": {"commercetools": "custom:sms"},
        },
        **more,
    }
    limits = {"lightspeed": {"retries": 2, "page_size": 2}}
    return SyncSettings.model_validate({"customers": customers, "limits": limits, **privacy})


@pytest.fixture
def till(open_till: Callable[..., Till]) -> Till:
    return with_group(open_till())


def with_group(till: Till) -> Till:
    till.store.regulars = till.store.add_customer_group("Stammkunden")  # type: ignore[attr-defined]
    return till


def run(
    till: Till,
    work: Callable[[XSeriesCustomers], Awaitable[T]],
    config: SyncSettings | None = None,
    **how: Any,
) -> T:
    till.more.setdefault("backoff", 0.01)
    return till.use(XSeriesCustomers, config or customer_settings(), work, **how)


async def everybody(adapter: XSeriesCustomers) -> list[Json]:
    return await rows_of(adapter.walk(Window("0", None)))


def clear(till: Till, config: SyncSettings | None = None) -> list[Json]:
    """All customers as clear rows, the oldest version first."""

    async def mapped(adapter: XSeriesCustomers) -> list[Json]:
        return clear_rows(adapter.to_customers(await everybody(adapter)))

    return run(till, mapped, config)


def clear_of(till: Till, row: Json, config: SyncSettings | None = None) -> Json:
    async def mapped(adapter: XSeriesCustomers) -> Json:
        return clear_rows(adapter.to_customers([row]))[0]

    return run(till, mapped, config)


def writing(action: Any, fields: Json | None = None, target: str | None = None, **more: Any) -> CustomerWrite:
    return CustomerWrite(f"c{next(_changes)}", action, "ct-1", fields or {}, target, **more)


def write(till: Till, planned: CustomerWrite, config: SyncSettings | None = None) -> CustomerWritten:
    return run(till, lambda adapter: adapter.write(planned), config, writing=True)


def update(till: Till, target: str, fields: Json, config: SyncSettings | None = None) -> CustomerWritten:
    return write(till, writing("update", fields, target), config)


def bodies(till: Till, method: str) -> list[Json]:
    """What the store was sent; the exchanges show only its shape."""
    return [json.loads(one.body) for one in till.faults.requests if one.method == method and one.body]


# ------------------------------------------------------------------------------------------------ reading


def test_a_customer_is_read_whole(till: Till) -> None:
    physical = {
        "physical_address_1": "Am Markt 1",
        "physical_address_2": "Hinterhaus",
        "physical_suburb": "Mitte",
        "physical_city": "Berlin",
        "physical_postcode": "10117",
        "physical_state": "BE",
        "physical_country_id": "DE",
    }
    id = till.store.add_customer(
        email="Ada@Example.com",
        first_name=" Ada ",
        last_name="Byron",
        company_name="Engines",
        phone="030 1234567",
        mobile="+49 170 1234567",
        date_of_birth="1815-12-10",
        customer_code="K-1",
        customer_group_id=till.store.regulars,  # type: ignore[attr-defined]
        enable_loyalty=True,
        loyalty_balance="12.340",
        do_not_email=True,
        enable_promotional_sms=True,
        note="XL",
        gender="F",
        custom_field_1="DE123",
        custom_field_2="L-7",
        custom_field_4="online-1",
        fax="store-berlin",
        website="de-DE",
        **physical,
    )
    (row,) = clear(till)
    assert row.pop("modified_at") is not None
    assert row == {
        "id": id,
        "version": till.store.customer(id)["version"],
        "carry": {"customer_group_id": till.store.regulars},  # type: ignore[attr-defined]
        "takes_part": True,
        "external_id": "online-1",
        "email": "Ada@example.com",
        "first_name": "Ada",
        "last_name": "Byron",
        "company": "Engines",
        "phone": "+49301234567",
        "mobile": "+491701234567",
        "date_of_birth": "1815-12-10",
        "number": "K-1",
        "group": "regulars",
        "loyalty_member": True,
        "loyalty_balance": "12.34",
        "loyalty_id": "L-7",
        "tax_id": "DE123",
        "store": "store-berlin",
        "language": "de-DE",
        "custom.size": "XL",
        "custom.sex": "F",
        "consent_email": False,
        "consent_sms": True,
        "billing_address": NO_ADDRESS,
        "shipping_address": ADDRESS,
    }


def test_the_feed_goes_on_where_it_ended_and_shows_who_was_deleted(till: Till) -> None:
    ids = [till.store.add_customer(first_name=name) for name in "ABCDE"]
    till.store.delete_customer(ids[1])

    async def twice(adapter: XSeriesCustomers) -> tuple[list[Json], list[Json], RawPage]:
        pages = [page async for page in adapter.walk(await adapter.open_window(None, full=True))]
        till.store.edit_customer(ids[3], first_name="Z")
        window = await adapter.open_window(pages[-1].cursor, full=False)
        again = [row async for page in adapter.walk(window) for row in page.rows]
        return (
            [row for page in pages for row in page.rows],
            again,
            await adapter.changed_since(str(pages[-1].cursor)),
        )

    first, again, since = run(till, twice)
    assert {row["id"] for row in first if row["deleted_at"]} == {ids[1]} and len(first) == 5
    assert [row["id"] for row in again] == [row["id"] for row in since.rows] == [ids[3]]
    assert since.cursor == str(till.store.customer(ids[3])["version"])


def test_a_cursor_that_is_no_version_says_how_to_start_anew(till: Till) -> None:
    with pytest.raises(ConfigurationFault, match="mode=full"):
        run(till, lambda adapter: adapter.changed_since("2026-01-01"))


def test_customers_are_found_by_id_and_by_code_and_who_is_gone_is_skipped(till: Till) -> None:
    ada = till.store.add_customer(first_name="Ada", customer_code="K-1")
    bob = till.store.add_customer(first_name="Bob", customer_code="K-2")
    gone = till.store.add_customer(first_name="Gone", customer_code="K-3")
    till.store.delete_customer(gone)

    async def found(adapter: XSeriesCustomers) -> tuple[list[str], list[str]]:
        searched = await rows_of(adapter.search([ada, "K-2", "K-3", gone]))
        return [row["id"] for row in searched], [
            row["id"] for row in await rows_of(adapter.fetch({bob, gone}))
        ]

    assert run(till, found) == ([ada, bob], [bob])


def test_who_bears_the_address_the_number_or_the_key_is_found_once_and_no_deleted_one(till: Till) -> None:
    ada = till.store.add_customer(email="ADA@example.com", customer_code="K-1")
    made = till.store.add_customer(customer_code="ct-1")
    till.store.delete_customer(till.store.add_customer(email="ada@example.com"))
    till.store.add_customer(email="bob@example.com")

    async def found(adapter: XSeriesCustomers) -> list[list[str]]:
        questions = [("Ada@example.com", "K-1", "ct-1"), ("", "", "ct-1"), ("", "", "")]
        return [[row["id"] for row in await rows_of(adapter.lookup(*asked))] for asked in questions]

    assert run(till, found) == [[ada, made], [made], []]


def test_what_a_loose_search_brings_beside_is_left_out(till: Till) -> None:
    loose = [{"id": "1", "email": "ada@example.com"}, {"id": "2", "email": "ada@example.com.au"}]
    till.faults.add(FaultRule(match="/search", kind="status", status=200, body={"data": loose}))
    found = run(till, lambda adapter: rows_of(adapter.lookup("ada@example.com", "", "")))
    assert [row["id"] for row in found] == ["1"]


def test_who_the_index_does_not_know_yet_is_told_by_the_feed(open_till: Callable[..., Till]) -> None:
    till = with_group(open_till(customer_search_lag_writes=1))
    cursor = str(till.store.customer(till.store.add_customer(first_name="Old"))["version"])
    new = till.store.add_customer(email="ada@example.com")

    async def look(adapter: XSeriesCustomers) -> tuple[list[Json], list[str]]:
        since = await adapter.changed_since(cursor)
        return await rows_of(adapter.lookup("ada@example.com", "", "")), [row["id"] for row in since.rows]

    assert run(till, look) == ([], [new])


def test_a_text_that_a_whole_row_leaves_out_is_empty_and_one_that_a_cut_row_leaves_out_is_unknown(
    till: Till,
) -> None:
    whole = clear_of(till, SHORT)
    assert (whole["phone"], whole["email"], whole["company"], whole["tax_id"]) == ("", "", "", "")
    assert whole["billing_address"] == whole["shipping_address"] == {}
    assert "consent_sms" not in whole, "no text"
    assert "external_id" not in whole
    cut = clear_of(till, {name: value for name, value in SHORT.items() if name != "updated_at"})
    assert not {"phone", "email", "billing_address", "tax_id"} & set(cut)
    assert cut["first_name"] == "", "null is empty, wherever it is"


@pytest.mark.parametrize(
    ("shown", "field", "read"),
    [
        ({"date_of_birth": "1815-12-10T00:00:00+00:00"}, "date_of_birth", "1815-12-10"),
        ({"date_of_birth": None}, "date_of_birth", ""),
        ({"date_of_birth": "soon"}, "date_of_birth", None),
        ({"enable_loyalty": 0}, "loyalty_member", False),
        ({"enable_loyalty": None}, "loyalty_member", None),
        ({"do_not_email": None}, "consent_email", None),
        ({"do_not_email": False}, "consent_email", True),
        ({"loyalty_balance": "5809.64"}, "loyalty_balance", "5809.64"),
        ({"email": "nobody"}, "email", "?nobody"),
        ({"phone": "hello"}, "phone", "?hello"),
        ({"phone": "01 23456789", "postal_country_id": "AT"}, "phone", "+43123456789"),
        ({"postal_city": "Wien", "postal_country_id": "Austria"}, "billing_address", None),
    ],
)
def test_odd_values_are_unknown_and_stop_nobody(till: Till, shown: Json, field: str, read: Any) -> None:
    assert clear_of(till, SHORT | shown).get(field) == read


def test_an_address_that_names_no_country_is_in_that_of_the_shop(till: Till) -> None:
    address = clear_of(till, SHORT | {"postal_city": "Berlin"})["billing_address"]
    assert (address["city"], address["country"]) == ("Berlin", "DE")


def test_a_group_that_nobody_mapped_is_unknown_and_that_of_everybody_is_none(till: Till) -> None:
    store = till.store
    ids = (store.regulars, store.all_customers_id, store.add_customer_group("Staff"))  # type: ignore[attr-defined]
    told = [clear_of(till, SHORT | {"customer_group_id": id}).get("group") for id in ids]
    assert told == ["regulars", "", None]


def test_private_fields_stop_at_the_reader(till: Till) -> None:
    till.store.add_customer(
        email="ada@example.com", note="likes tea", phone="030 1234567", postal_city="Berlin", twitter="@ada"
    )
    config = customer_settings(
        exclude=["phone"], privacy={"exclude": {"lightspeed": ["note", "postal_city", "tax_id"]}}
    )
    (row,) = run(till, everybody, config)
    assert row["email"] == "ada@example.com"
    assert not {"note", "phone", "postal_city", "twitter", "name", "balance"} & set(row)
    terms = run(till, adapter_terms, config)
    assert not {"phone", "custom.size", "billing_address"} & terms[0], "and it has no place for them"
    assert "tax_id" in terms[0], "which is no tax rate"


async def adapter_terms(adapter: XSeriesCustomers) -> tuple[frozenset[str], frozenset[str]]:
    return adapter.holds, adapter.writes


def test_fields_without_owner_are_not_read_unless_somebody_is_recognised_by_them(till: Till) -> None:
    till.store.add_customer(
        email="ada@example.com", company_name="Engines", first_name="Ada", customer_code="K-1"
    )
    config = customer_settings(fields=["loyalty_balance"])
    (row,) = clear(till, config)
    assert (row["email"], row["first_name"], row["number"]) == ("ada@example.com", "Ada", "K-1")
    assert "company" not in row and "billing_address" not in row


def test_what_the_till_holds_is_what_has_a_place(till: Till) -> None:
    holds, writes = run(till, adapter_terms)
    assert holds == {*FIELDS, *PLACED, "consent_email", "consent_sms", "external_id"}
    assert holds - writes == {"loyalty_balance"}
    bare = SyncSettings.model_validate(
        {"customers": {"fields": {"store": {}, "custom.x": {"lightspeed": "nowhere"}}}}
    )
    assert run(till, adapter_terms, bare)[0] == set(FIELDS)


# ------------------------------------------------------------------------------------------------ writing


def test_a_new_customer_is_sent_as_described_and_found_again_by_its_code(till: Till) -> None:
    fields = {
        "email": "ada@example.com",
        "first_name": "Ada",
        "phone": "+49301234567",
        "shipping_address": ADDRESS,
        "group": "regulars",
        "loyalty_member": True,
        "consent_sms": True,
        "date_of_birth": "1815-12-10",
        "tax_id": "DE123",
        "external_id": "online-1",
        "custom.sex": "F",
    }
    written = write(till, writing("create", fields))
    (body,) = bodies(till, "POST")
    assert body["last_name"] is None, "the key has to be there"
    assert body["customer_code"] == "ct-1"
    assert body["do_not_email"] is True, "nobody has asked"
    assert (body["physical_address_1"], body["physical_country_id"]) == ("Am Markt 1", "DE")
    assert not {"tax_id", "loyalty_balance", "name", "postal_city"} & set(body)
    assert written.row is not None and written.row["id"] == written.customer_id
    assert (written.dropped, len(written.exchange_ids)) == ({}, 1)
    (row,) = clear(till)
    assert {name: row[name] for name in fields} == fields
    if DESCRIPTION.is_file():
        check("CustomerBase", body)


def test_a_number_is_the_code_and_a_given_consent_is_told(till: Till) -> None:
    write(till, writing("create", {"number": "K-1", "consent_email": True}))
    (body,) = bodies(till, "POST")
    assert (body["customer_code"], body["do_not_email"], body["enable_promotional_sms"]) == (
        "K-1",
        False,
        False,
    )


def test_a_consent_that_does_not_sync_is_left_to_the_till(till: Till) -> None:
    write(till, writing("create", {"first_name": "Ada"}), customer_settings(consents={}))
    assert bodies(till, "POST") == [{"first_name": "Ada", "last_name": None, "customer_code": "ct-1"}]


def test_an_update_sends_what_changed_and_nothing_else(till: Till) -> None:
    id = till.store.add_customer(
        first_name="Ada",
        phone="030 1234567",
        date_of_birth="1815-12-10",
        physical_city="Bonn",
        physical_suburb="Mitte",
    )
    changed = {
        "phone": "",
        "date_of_birth": "",
        "company": "Engines",
        "group": "regulars",
        "shipping_address": {"city": "Köln", "country": "DE"},
        "consent_email": False,
    }
    written = update(till, id, changed)
    (body,) = bodies(till, "PUT")
    assert body == {
        "phone": None,
        "date_of_birth": None,
        "company_name": "Engines",
        "customer_group_id": till.store.regulars,  # type: ignore[attr-defined]
        "do_not_email": True,
        "physical_address_1": None,
        "physical_address_2": None,
        "physical_suburb": None,
        "physical_city": "Köln",
        "physical_postcode": None,
        "physical_state": None,
        "physical_country_id": "DE",
    }
    assert written.row is not None and written.row["company_name"] == "Engines"
    assert till.store.customer(id)["first_name"] == "Ada"
    update(till, id, {"group": "", "shipping_address": {}})
    shown = till.store.customer(id)
    assert (shown["customer_group_id"], shown["physical_city"]) == (till.store.all_customers_id, None)
    if DESCRIPTION.is_file():
        # Both names are wanted in the description; the date is text there and null in the official example.
        names = {"first_name": None, "last_name": None}
        check("CustomerBase", {**names, **{n: v for n, v in body.items() if n != "date_of_birth"}})


def test_every_field_that_can_be_sent_is_a_described_one() -> None:
    if not DESCRIPTION.is_file():
        pytest.skip("the official description is not beside this checkout")
    described = set(schemas()["CustomerBase"]["properties"]) | {"enable_promotional_sms"}
    assert described - set(CustomerBody.model_fields) == {"tax_id", "on_account_limit"}
    assert set(CustomerBody.model_fields) - described == set()


def test_what_the_till_can_not_hold_is_left_out_with_the_reason_and_never_with_the_value(till: Till) -> None:
    id = till.store.add_customer(first_name="Ada", phone="030 1234567")
    odd = {
        "first_name": "Bea",
        "phone": "?secret",
        "email": "?secret",
        "number": "",
        "group": "secret",
        "custom.sex": "secret",
        "billing_address": {"city": "secret", "country": "Narnia"},
    }
    written = update(till, id, odd)
    assert bodies(till, "PUT") == [{"first_name": "Bea"}]
    assert set(written.dropped) == set(odd) - {"first_name"}
    assert "secret" not in str(written.dropped)


def test_where_nothing_is_left_to_send_the_customer_is_told_as_it_is(till: Till) -> None:
    id = till.store.add_customer(first_name="Ada")
    written = update(till, id, {"number": ""})
    assert till.sent("PUT") == []
    assert written.row is not None and written.row["first_name"] == "Ada"


def test_a_card_number_comes_back_as_the_store_keeps_it(till: Till) -> None:
    made = write(till, writing("create", {"first_name": "Ada", "custom.size": CARD}))
    changed = update(till, made.customer_id, {"company": CARD})
    assert made.row is not None and changed.row is not None
    assert (made.row["note"], changed.row["company_name"]) == ("[REDACTED]", "[REDACTED]")
    assert clear_of(till, dict(changed.row))["company"] == "[REDACTED]"


def test_an_answer_without_the_customer_is_completed_by_reading_it(till: Till) -> None:
    id = till.store.add_customer(first_name="Ada")
    till.faults.add(FaultRule(method="PUT", kind="status", status=204))
    written = update(till, id, {"first_name": "Bea"})
    assert written.row is not None and written.row["id"] == id


def test_nothing_personal_is_left_of_somebody_who_is_made_unrecognisable(till: Till) -> None:
    till.store.add_customer(first_name="Bob")
    personal = {
        name: f"Ada {number}"
        for number, name in enumerate(CustomerBody.model_fields)
        if name
        not in (
            *("customer_group_id", "gender", "date_of_birth", "enable_loyalty"),
            *("do_not_email", "enable_promotional_sms"),
        )
    }
    id = till.store.add_customer(
        **personal, gender="F", date_of_birth="1815-12-10", enable_promotional_sms=True
    )
    written = write(
        till,
        writing("anonymise", target=id),
        customer_settings(privacy={"exclude": {"lightspeed": ["note"]}}),
    )
    shown = till.store.customer(id)
    assert "Ada" not in str(shown) and "1815" not in str(shown)
    assert shown["customer_code"] == f"ANON-{id.rpartition('-')[2]}"
    assert (shown["do_not_email"], shown["enable_promotional_sms"], shown["gender"]) == (True, False, None)
    assert shown["deleted_at"] is not None
    assert (written.row, till.sent()) == (
        None,
        [f"{m} /api/2026-07/customers/{id}" for m in ("PUT", "DELETE")],
    )
    assert len(written.exchange_ids) == 2


def test_a_deletion_is_one_request(till: Till) -> None:
    id = till.store.add_customer(first_name="Ada")
    written = write(till, writing("delete", target=id))
    assert (written.row, till.sent()) == (None, [f"DELETE /api/2026-07/customers/{id}"])
    assert till.store.customer(id)["first_name"] == "Ada"
    with pytest.raises(TargetMissing):
        write(till, writing("delete", target=id))


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"owner": "lightspeed"}, "company"),
        ({"fields": ["email"]}, "company"),
        ({"fields": ["email"]}, "first_name"),
        ({"one_way": {"company": "commercetools"}}, "company"),
        ({"exclude": ["company"]}, "company"),
        ({"mark": False}, "external_id"),
        ({"consents": {}}, "consent_email"),
    ],
)
def test_no_field_is_written_that_the_settings_do_not_let_in(till: Till, settings: Json, field: str) -> None:
    id = till.store.add_customer(company_name="Engines")
    standing = {"company": "Engines", "first_name": ""}
    with pytest.raises(RecordRejected, match=f"does not let {field} be written") as refused:
        write(till, writing("update", {field: "x"}, id, standing=standing), customer_settings(**settings))
    assert (refused.value.code, till.sent("P")) == ("not_owned", [])


def test_nobody_is_created_where_the_settings_do_not_say_so(till: Till) -> None:
    with pytest.raises(RecordRejected, match="creation"):
        write(till, writing("create", {"first_name": "Ada"}), customer_settings(create=[]))
    assert till.sent("POST") == []


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_code_that_is_taken_is_told_as_the_number(open_till: Callable[..., Till], action: str) -> None:
    till = with_group(open_till(duplicate_customer_codes="reject"))
    till.store.add_customer(customer_code="K-1")
    id = till.store.add_customer(customer_code="K-2")
    with pytest.raises(DuplicateInTarget) as taken:
        write(till, writing(action, {"number": "K-1"}, None if action == "create" else id))
    assert taken.value.field == "number"
    assert "K-1" not in str(taken.value)


@pytest.mark.parametrize(
    "fault",
    [
        FaultRule(match="/customers", kind="timeout_after"),
        FaultRule(match="/customers", kind="status", status=502),
    ],
)
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_a_write_that_brought_no_answer_is_not_sent_twice(till: Till, fault: FaultRule, action: str) -> None:
    id = till.store.add_customer(first_name="Ada")
    till.faults.add(fault)
    fields = {} if action == "delete" else {"first_name": "Bea"}
    with pytest.raises(UnknownOutcome):
        write(till, writing(action, fields, None if action == "create" else id))
    assert len(till.sent()) == 1


def test_a_creation_that_was_answered_without_an_id_is_an_unknown_outcome(till: Till) -> None:
    till.faults.add(
        FaultRule(method="POST", match="/customers", kind="status", status=201, body={"data": {}})
    )
    with pytest.raises(UnknownOutcome):
        write(till, writing("create", {"first_name": "Ada"}))


def test_a_store_that_wants_both_names_gets_them_as_they_are_now(till: Till) -> None:
    id = till.store.add_customer(first_name="Ada", last_name=None)
    till.faults.add(FaultRule(method="PUT", kind="status", status=400, body={"error": "last_name required"}))
    update(till, id, {"phone": "+49301234567"})
    assert bodies(till, "PUT")[1:] == [{"first_name": "Ada", "last_name": None, "phone": "+49301234567"}]
    till.faults.add(FaultRule(method="PUT", kind="status", status=400, times=None, body={"error": "no"}))
    with pytest.raises(RecordRejected):
        update(till, id, {"phone": "+49301234568"})


def test_groups_that_are_not_there_stop_a_run_that_writes_and_no_other(
    open_till: Callable[..., Till],
) -> None:
    till = open_till()
    run(till, everybody)
    with pytest.raises(
        ConfigurationFault, match="no customer group 'Stammkunden'; the store has All Customers"
    ):
        run(till, everybody, writing=True)


def test_groups_are_read_only_where_they_sync(till: Till) -> None:
    till.faults.add(FaultRule(match="customer_groups", kind="status", status=500, times=None))
    assert run(till, everybody, customer_settings(fields=["email"])) == []


# ------------------------------------------------------------------------------------------------ privacy

PLANTED = (
    "planted.mail",
    "Plantedfirst",
    "Plantedlast",
    "301234567",
    "1234567",
    "Plantedstreet",
    "PLANTED-7",
)


def test_no_exchange_error_or_log_line_says_who_it_was_about(
    open_till: Callable[..., Till], caplog: pytest.LogCaptureFixture
) -> None:
    till = with_group(open_till(duplicate_customer_codes="reject"))
    caplog.set_level(logging.DEBUG)
    person = {
        "email": "planted.mail@example.com",
        "first_name": "Plantedfirst",
        "last_name": "Plantedlast",
        "phone": "+49301234567",
        "billing_address": {"street": "Plantedstreet 1", "city": "Berlin", "country": "DE"},
        "number": "PLANTED-7",
    }
    echo = {"error": "planted.mail@example.com", "fields": {"email": "Plantedfirst: +49301234567"}}
    said: list[str] = []

    async def try_it(adapter: XSeriesCustomers, planned: CustomerWrite) -> CustomerWritten | None:
        try:
            return await adapter.write(planned)
        except SyncError as problem:
            said.append(f"{problem} {vars(problem)}")
            return None

    async def everything(adapter: XSeriesCustomers) -> None:
        made = await try_it(adapter, writing("create", person))
        assert made is not None
        await everybody(adapter)
        await rows_of(adapter.search([made.customer_id, "PLANTED-7"]))
        await rows_of(adapter.fetch([made.customer_id]))
        await rows_of(adapter.lookup(person["email"], "PLANTED-7", "ct-1"))
        await try_it(adapter, writing("create", person))
        for status in (400, 404, 409, 422, 403, 500):
            for method in ("GET", "POST", "PUT", "DELETE"):
                till.faults.add(FaultRule(method=method, kind="status", status=status, body=echo))
            await try_it(adapter, writing("create", person))
            await try_it(adapter, writing("update", person, made.customer_id))
            await try_it(adapter, writing("delete", target=made.customer_id))
            try:
                await rows_of(adapter.lookup(person["email"], "PLANTED-7", "ct-1"))
            except SyncError as problem:
                said.append(f"{problem} {vars(problem)}")
        for kind in ("timeout_after", "cut", "truncate_json", "html"):
            till.faults.add(FaultRule(method="PUT", kind=kind))  # type: ignore[arg-type]
            await try_it(adapter, writing("update", person, made.customer_id))
        await try_it(adapter, writing("anonymise", target=made.customer_id))

    run(till, everything, writing=True)
    shown = [str(vars(exchange)) for exchange in till.exchanges.kept]
    assert len(shown) > 30 and len(said) > 15
    for text in (*shown, *said, *(record.getMessage() for record in caplog.records if _ours(record))):
        assert not [word for word in PLANTED if word.lower() in text.lower()], text


def _ours(record: logging.LogRecord) -> bool:
    """The stand-in answers in this process; what it logs is not ours."""
    return record.name.startswith(("retail_sync.lightspeed", "retail_sync.transport", "httpx", "httpcore"))


def test_a_value_that_can_not_be_sent_is_not_told() -> None:
    with pytest.raises(RecordRejected, match="gender can't be sent") as refused:
        Sent({"gender": "Plantedfirst"}).body()
    assert "Plantedfirst" not in f"{refused.value}{vars(refused.value)}"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"email": "planted.mail@example.com"}, "id is missing"),
        ({**SHORT, "email": {"odd": "planted"}}, "email is not a text"),
        ({**SHORT, "first_name": "planted", "updated_at": "planted"}, "updated_at is no time"),
    ],
)
def test_a_row_that_can_not_be_read_is_named_and_nothing_of_it_shown(till: Till, row: Json, why: str) -> None:
    with pytest.raises(UnreadableRows, match=why) as fault:
        clear_of(till, row)
    assert "planted" not in str(fault.value) + repr(fault.value.rows)


# ------------------------------------------------------------------------------------------------ preflight


def test_preflight_says_what_stands_in_the_way(till: Till) -> None:
    config = customer_settings(
        groups=[
            {"commercetools": "regulars", "lightspeed": "Stammkunden"},
            {"commercetools": "vip", "lightspeed": "VIP"},
        ]
    )
    document = config.model_dump()
    document["customers"]["fields"] |= {
        "custom.nowhere": {"owner": "newest", "lightspeed": "shoe"},
        "custom.none": {"owner": "newest"},
        "custom.second": {"owner": "newest", "lightspeed": "note"},
    }
    found = run(till, lambda adapter: adapter.check(), SyncSettings.model_validate(document))
    said = told(found)
    assert "customers:write" in said["ok", "scopes"]
    assert said["ok", "customer group regulars"] == "Stammkunden"
    assert "no customer group 'VIP'" in said["error", "customer group vip"]
    assert "Create the group" in said["error", "customer group vip"]
    assert "no field 'shoe'" in said["error", "field custom.nowhere"]
    assert "no place of its own" in said["warning", "field custom.none"]
    assert "several fields" in said["error", "field custom.second"]
    assert said["ok", "field tax_id"] == "custom_field_1"
    assert "loyalty programme" in said["warning", "loyalty"]
    assert ("ok", "consent sms") in said


def test_preflight_names_the_scope_that_is_missing(till: Till) -> None:
    till.token = till.store.tokens.add_personal(scopes=frozenset({"products:read"}))
    found = run(till, lambda adapter: adapter.check(), customer_settings(fields=["email"]))
    assert {(one.level, one.subject) for one in found} == {("error", "scope customers:read")}
    assert "customers:read" in found[0].remedy


@pytest.mark.parametrize(("enabled", "level"), [(True, "ok"), (False, "warning")])
def test_preflight_looks_whether_there_is_a_loyalty_programme(till: Till, enabled: bool, level: str) -> None:
    body = {"data": {"loyalty": {"enabled": enabled}}}
    till.faults.add(FaultRule(match="/retailer", kind="status", status=200, body=body))
    found = run(till, lambda adapter: adapter.check())
    assert [one.level for one in found if one.subject == "loyalty"] == [level]


def test_preflight_of_customers_that_do_not_sync_asks_nothing(till: Till) -> None:
    assert run(till, lambda adapter: adapter.check(), SyncSettings()) == []
    assert till.sent() == []
