"""Customers at the till: what is kept of a write, who is found, and what people do with them in the shop."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from .test_admin import admin

if TYPE_CHECKING:
    from sandbox.clock import Clock

    from .conftest import Shop

CARD = "4111 1111 1111 1111"
GUARDED = (
    *("first_name", "last_name", "company_name", "note", "physical_address_1", "physical_address_2"),
    *("physical_city", "postal_address_1", "postal_suburb"),
    *(f"custom_field_{number}" for number in range(1, 5)),
)


def ada(shop: Shop, **more: Any) -> dict[str, Any]:
    given = {"first_name": "Ada", "last_name": "Byron", "email": "Ada@example.com"} | more
    customer: dict[str, Any] = shop.post("customers", given, 201)["data"]
    return customer


def found(shop: Shop, **query: Any) -> list[str]:
    return [row["id"] for row in shop.get("search", type="customers", **query)["data"]]


# --- writing ---


def test_what_an_update_leaves_out_stays_and_what_it_sends_as_null_goes(shop: Shop) -> None:
    customer = ada(shop, phone="030 23125 001", custom_field_1="FB-1", tax_id=shop.tax)
    changed = shop.put(f"customers/{customer['id']}", {"phone": None, "tax_id": None, "note": "x"})["data"]
    assert (changed["phone"], changed["tax_id"], changed["note"]) == (None, None, "x")
    assert (changed["email"], changed["custom_field_1"]) == ("Ada@example.com", "FB-1")
    assert changed["version"] > customer["version"]


@pytest.mark.parametrize("field", GUARDED)
def test_a_card_number_is_replaced_in_new_and_in_changed_customers(shop: Shop, field: str) -> None:
    customer = ada(shop, **{field: CARD})
    assert customer[field] == "[REDACTED]"
    shop.put(f"customers/{customer['id']}", {field: "x"})
    assert shop.put(f"customers/{customer['id']}", {field: CARD})["data"][field] == "[REDACTED]"
    assert CARD not in shop.answers[-1].text


def test_figures_that_only_sales_move_are_not_written(shop: Shop) -> None:
    figures = {"balance": 5, "loyalty_balance": 5, "year_to_date": 5, "name": "Somebody Else"}
    customer = ada(shop, **figures)
    changed = shop.put(f"customers/{customer['id']}", figures)["data"]
    for row in (customer, changed):
        assert [row[name] for name in figures] == [0, 0, 0, "Ada Byron"]


def test_a_field_that_is_unknown_is_ignored_or_refused_by_the_switch(shop: Shop) -> None:
    assert "surname" not in ada(shop, surname="Byron")
    shop.store.options.reject_unknown_fields = True
    shop.post("customers", {"first_name": "Ada", "last_name": None, "surname": "Byron"}, 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": 3023125001},
        {"gender": "X"},
        {"date_of_birth": "31.12.1990"},
        {"do_not_email": None},
        {"customer_group_id": "nobody"},
        {"tax_id": "none"},
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_and_changes_nothing(shop: Shop, wrong: dict[str, Any]) -> None:
    customer = ada(shop)
    shop.put(f"customers/{customer['id']}", wrong | {"note": "x"}, 400)
    assert shop.get(f"customers/{customer['id']}")["data"] == customer


def test_text_messages_are_known_to_the_date_versions_only(shop: Shop) -> None:
    customer = ada(shop, enable_promotional_sms=True)
    assert customer["enable_promotional_sms"] is True
    shop.version = "2.0"
    old = shop.put(f"customers/{customer['id']}", {"enable_promotional_sms": False})["data"]
    rows = [old, *shop.feed("customers"), *shop.get("search", type="customers")["data"]]
    assert all("enable_promotional_sms" not in row for row in rows)
    shop.version = "2026-04"
    assert shop.get(f"customers/{customer['id']}")["data"]["enable_promotional_sms"] is True


def test_an_e_mail_is_nobodys_alone_and_a_code_only_if_the_shop_is_told_so(shop: Shop) -> None:
    first, second = ada(shop, customer_code="A-1"), ada(shop, customer_code="A-1")
    assert first["email"] == second["email"]
    shop.store.options.duplicate_customer_codes = "reject"
    shop.post("customers", {"first_name": "A", "last_name": "B", "customer_code": "a-1"}, 400)
    shop.put(f"customers/{first['id']}", {"customer_code": "A-2"})
    shop.put(f"customers/{second['id']}", {"customer_code": "A-2"}, 400)
    shop.put(f"customers/{first['id']}", {"customer_code": "A-2", "note": "mine"})
    shop.delete(f"customers/{first['id']}", 204)
    shop.put(f"customers/{second['id']}", {"customer_code": "A-2"})


def test_a_code_and_a_group_are_never_empty(shop: Shop) -> None:
    customer = ada(shop, customer_code="", customer_group_id=None)
    assert customer["customer_code"].startswith("Ada-")
    assert customer["customer_group_id"] == shop.store.all_customers_id
    changed = shop.put(f"customers/{customer['id']}", {"customer_code": None})["data"]
    assert changed["customer_code"] == customer["customer_code"]


def test_a_deleted_customer_comes_last_in_the_feed_that_shows_deleted_ones(shop: Shop) -> None:
    customer, other = ada(shop), ada(shop, email=None)
    cursor = shop.feed("customers")[-1]["version"]
    shop.delete(f"customers/{customer['id']}", 204)
    assert shop.get("customers", after=cursor)["data"] == []
    (gone,) = shop.get("customers", after=cursor, deleted="true")["data"]
    assert (gone["id"], gone["deleted_at"] is not None) == (customer["id"], True)
    assert [row["id"] for row in shop.feed("customers")] == [other["id"]]
    shop.get(f"customers/{customer['id']}", 404)
    shop.put(f"customers/{customer['id']}", {"note": "x"}, 404)
    shop.delete(f"customers/{customer['id']}", 404)


# --- searching ---


def test_only_the_case_of_an_e_mail_does_not_matter_in_a_search(shop: Shop) -> None:
    more = {"company_name": "Byron GmbH", "phone": "030 23125 001", "customer_code": "A-1"}
    customer = ada(shop, **more)
    ada(shop, first_name="Grace", email=" ada@example.com")
    assert found(shop, email="ADA@Example.com") == [customer["id"]]
    for name, value in more.items():
        assert found(shop, **{name: value}) == [customer["id"]]
        assert found(shop, **{name: value.lower() + " "}) == []
    assert found(shop, first_name="ada") == []
    assert found(shop, first_name=["Ada", "Grace"], last_name="Byron", email="ada@example.com") == [
        customer["id"]
    ]
    assert found(shop, phone="030 23125 001", first_name="Grace") == []


def test_a_search_leaves_deleted_customers_out_unless_it_is_asked(shop: Shop) -> None:
    customer = ada(shop)
    shop.delete(f"customers/{customer['id']}", 204)
    assert found(shop, email="ada@example.com") == []
    assert found(shop, email="ada@example.com", deleted="true") == [customer["id"]]


def test_a_search_finds_what_a_customer_is_now(shop: Shop) -> None:
    customer = ada(shop)
    shop.put(f"customers/{customer['id']}", {"email": "ada.king@example.com"})
    assert found(shop, email="ada@example.com") == []
    assert found(shop, email="Ada.King@example.com") == [customer["id"]]
    other = ada(shop)
    assert found(shop) == [customer["id"], other["id"]]
    assert found(shop, page_size=1, offset=1) == [other["id"]]
    assert found(shop, **{"-_id": customer["id"]}) == [other["id"]]


def test_the_index_of_the_search_may_be_seconds_late(shop: Shop, clock: Clock) -> None:
    customer = ada(shop)
    shop.store.options.customer_search_lag_seconds = 5
    clock.advance(6)
    shop.put(f"customers/{customer['id']}", {"email": "new@example.com"})
    assert (found(shop, email="ada@example.com"), found(shop, email="new@example.com")) == (
        [customer["id"]],
        [],
    )
    assert shop.get("search", type="customers")["data"] == [customer]
    clock.advance(5)
    assert (found(shop, email="ada@example.com"), found(shop, email="new@example.com")) == (
        [],
        [customer["id"]],
    )


def test_the_index_of_the_search_may_lack_the_latest_writes(shop: Shop) -> None:
    shop.store.options.customer_search_lag_writes = 2
    first, second = ada(shop), ada(shop)
    assert found(shop) == []
    shop.delete(f"customers/{second['id']}", 204)
    assert found(shop, email="ada@example.com") == [first["id"]]
    ada(shop)
    assert found(shop) == [first["id"], second["id"]]
    shop.store.options.customer_search_lag_writes = 0
    assert second["id"] not in found(shop)
    assert len(found(shop)) == 2


# --- at the till ---


def test_a_customer_is_kept_as_an_old_store_may_hold_it(shop: Shop) -> None:
    shop.store.options.duplicate_customer_codes = "reject"
    ids = [
        shop.store.add_customer(first_name="Ada", customer_code="A-1", loyalty_balance="12.50")
        for _ in range(2)
    ]
    assert [row["id"] for row in shop.feed("customers")] == ids
    assert shop.store.customer(ids[0])["loyalty_balance"] == Decimal("12.50")
    with pytest.raises(ValueError, match="surname"):
        shop.store.add_customer(surname="Byron")


def test_an_edit_at_the_till_moves_in_the_feed_and_is_searched(shop: Shop) -> None:
    customer = ada(shop)
    shop.store.edit_customer(customer["id"], email="ada.king@example.com", note=CARD)
    (row,) = shop.get("customers", after=customer["version"])["data"]
    assert (row["email"], row["note"]) == ("ada.king@example.com", "[REDACTED]")
    assert found(shop, email="ada.king@example.com") == [customer["id"]]
    shop.store.set_loyalty_balance(customer["id"], "3.20")
    assert '"loyalty_balance":3.2' in shop.http.get(f"/api/2026-07/customers/{customer['id']}").text
    with pytest.raises(ValueError, match="loyalty_balance"):
        shop.store.edit_customer(customer["id"], loyalty_balance=1)
    shop.store.delete_customer(customer["id"])
    with pytest.raises(ValueError, match="deleted"):
        shop.store.edit_customer(customer["id"], note="x")


def test_of_two_merged_customers_one_stays_with_the_sales_and_figures_of_both(shop: Shop) -> None:
    (mug,) = shop.store.add_product_family("Mug", price="9.90")
    kept = shop.store.add_customer(first_name="Ada", email="ada@example.com", loyalty_balance="2.50")
    lost = shop.store.add_customer(first_name="A.", phone="030 23125 001", loyalty_balance="1.25")
    sale = shop.store.sell(shop.berlin, [(mug, 1)], customer_id=lost)
    cursor = shop.feed("customers")[-1]["version"]
    shop.store.merge_customers(kept, lost, take=["phone"])
    changed = {row["id"]: row for row in shop.get("customers", after=cursor, deleted="true")["data"]}
    assert (changed[kept]["first_name"], changed[kept]["phone"]) == ("Ada", "030 23125 001")
    assert (changed[kept]["loyalty_balance"], changed[lost]["loyalty_balance"]) == (Decimal("3.75"), 0)
    assert changed[lost]["deleted_at"] is not None
    assert shop.get(f"sales/{sale}")["data"]["customer_id"] == kept
    with pytest.raises(ValueError, match="itself"):
        shop.store.merge_customers(kept, kept)


def test_another_process_works_with_customers_as_well(shop: Shop) -> None:
    kept = admin(shop, "POST", "customers", {"first_name": "Ada", "email": "ada@example.com"}, 201)
    lost = admin(shop, "POST", "customers", {"first_name": "Ada", "phone": "1"}, 201)
    edited = admin(shop, "POST", f"customers/{kept}", {"note": "x", "loyalty_balance": "4.00"})
    assert (edited["note"], edited["loyalty_balance"]) == ("x", 4)
    merged = admin(shop, "POST", f"customers/{kept}/merge", {"lost": lost, "take": ["phone"]})
    assert merged["phone"] == "1"
    admin(shop, "POST", f"customers/{kept}/merge", {"lost": "nobody"}, 404)
    admin(shop, "POST", f"customers/{kept}/merge", {"lost": lost}, 400)
    admin(shop, "POST", f"customers/{kept}", {"surname": "x"}, 400)
    admin(shop, "POST", "customers", {"surname": "x"}, 400)
    admin(shop, "DELETE", f"customers/{kept}")
    assert admin(shop, "GET", f"customers/{kept}")["deleted_at"] is not None
    assert admin(shop, "GET", "state")["counts"]["customers"] == 0
