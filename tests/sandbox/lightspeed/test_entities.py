"""Brands, tags, suppliers, categories, taxes, customers, price books and webhooks answer each in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


@pytest.mark.parametrize("path", ["brands", "tags", "suppliers"])
def test_look_ups_answer_200_and_a_bare_id(shop: Shop, path: str) -> None:
    created = shop.post(path, {"name": "New"})["data"]
    assert isinstance(created, str)
    assert shop.get(f"{path}/{created}")["data"]["name"] == "New"
    shop.post(path, {"name": "new"}, 422)
    shop.put(f"{path}/{created}", {"name": "NEW"})
    shop.delete(f"{path}/{created}")
    shop.get(f"{path}/{created}", 404)
    shop.post(path, {}, 422)
    shop.store.options.duplicate_lookup_names = "allow"
    assert shop.post(path, {"name": "Twin"})["data"] != shop.post(path, {"name": "Twin"})["data"]


def test_deleting_what_products_refer_to_takes_it_from_all_of_them(shop: Shop) -> None:
    ids = shop.tee(brand_id=shop.brand, tag_ids=[shop.tag], supplier_id=shop.supplier)
    cursor = shop.feed()[-1]["version"]
    assert "job_id" in shop.delete(f"brands/{shop.brand}")["data"]
    shop.delete(f"tags/{shop.tag}")
    shop.delete(f"suppliers/{shop.supplier}")
    for product in map(shop.product, ids):
        assert (product["brand_id"], product["tag_ids"], product["product_suppliers"]) == (None, [], [])
        assert product["version"] > cursor


def test_variant_attributes_answer_201_and_the_row(shop: Shop) -> None:
    created = shop.post("variant_attributes", {"name": "Fit"}, 201)["data"]
    assert {"id", "name", "created_at", "updated_at"} <= created.keys()
    shop.post("variant_attributes", {"name": "Fit"}, 422)
    shop.tee()
    shop.delete(f"variant_attributes/{shop.colour}", 422)
    shop.delete(f"variant_attributes/{created['id']}")


def test_a_hierarchy_of_categories_is_created_in_one_call(shop: Shop) -> None:
    saved = shop.post(
        "product_categories/bulk",
        {
            "categories": [
                {"payload_id": "root", "name": "Pet"},
                {"payload_parent_category_id": "root", "payload_id": "cat", "name": "Cat"},
                {"payload_parent_category_id": "cat", "name": "Food"},
                {"id": shop.tops, "name": "Shirts"},
            ]
        },
    )["data"]
    rows = {row["name"]: row for row in shop.get("product_categories")["data"]["data"]["categories"]}
    assert rows["Food"]["root_category_id"] == saved[0]["id"]
    assert [step["name"] for step in rows["Food"]["category_path"]] == ["Pet", "Cat", "Food"]
    assert rows["Shirts"]["id"] == shop.tops
    shop.post(
        "product_categories/bulk", {"categories": [{"payload_parent_category_id": "?", "name": "X"}]}, 422
    )


def test_deleting_a_category_deletes_what_is_below_and_moves_products_up(shop: Shop) -> None:
    red, _ = shop.tee(product_category_id=shop.tops)
    shop.delete("product_categories/bulk", json={"category_ids": [shop.tops]})
    assert shop.product(red)["product_type_id"] == shop.clothes
    deleted = shop.delete("product_categories/bulk", json={"category_ids": [shop.clothes]})["data"][
        "categories"
    ]
    assert deleted[0]["ids"] == [shop.clothes]
    assert shop.product(red)["product_type_id"] is None


def test_taxes_answer_201_and_a_taken_name_409(shop: Shop) -> None:
    tax = shop.post("taxes", {"name": "Reduced", "rate": 0.07}, 201)["data"]
    assert '"rate":0.07' in shop.answers[-1].text
    assert shop.get(f"taxes/{tax['id']}")["data"] == tax
    shop.post("taxes", {"name": "Reduced", "rate": 0.08}, 409)
    shop.post("taxes", {"name": "Free"}, 400)


def test_no_tax_always_exists_and_the_retailer_names_it(shop: Shop) -> None:
    retailer = shop.get("retailer")["data"]
    names = {tax["id"]: (tax["name"], tax["rates"][0]["rate"]) for tax in shop.get("taxes")["data"]}
    assert names[retailer["no_tax_group_id"]] == ("No Tax", 0)
    assert retailer["tax_exclusive"] is False
    assert isinstance(retailer["version"], str)


def test_places_and_people_can_be_read(shop: Shop) -> None:
    assert [row["name"] for row in shop.feed("outlets")] == ["Berlin", "Hamburg"]
    assert shop.feed("registers")[0]["outlet_id"] == shop.berlin
    assert len(shop.feed("payment_types")) == 2
    user = shop.get("user")["data"]
    assert shop.feed("users") == [user]
    assert shop.get(f"outlets/{shop.berlin}")["data"]["display_prices"] == "inclusive"
    shop.post("outlets", {"name": "New"}, 405)


def test_customers_answer_201_and_204_and_get_a_code(shop: Shop) -> None:
    ada = shop.post(
        "customers", {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"}, 201
    )["data"]
    assert ada["customer_code"].startswith("Ada-")
    assert ada["name"] == "Ada Byron"
    nameless = shop.post("customers", {"first_name": None, "last_name": None}, 201)["data"]
    assert nameless["customer_code"].startswith("UNNAMED-")
    shop.post("customers", {"email": "x@example.com"}, 400)
    shop.put(f"customers/{ada['id']}", {"last_name": "King"})
    assert shop.get("search", type="customers", email="ada@example.com")["data"][0]["name"] == "Ada King"
    shop.delete(f"customers/{ada['id']}", 204)
    shop.get(f"customers/{ada['id']}", 404)
    assert [row["id"] for row in shop.feed("customers", deleted="true")][-1] == ada["id"]


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        ("card 4111 1111 1111 1111 please", "card [REDACTED] please"),
        ("card 4111-1111-1111-1112", "card 4111-1111-1111-1112"),
        ("order 12345", "order 12345"),
    ],
)
def test_card_numbers_are_replaced_without_a_word(shop: Shop, note: str, kept: str) -> None:
    given = {"first_name": "Ada", "last_name": None, "note": note, "email": note}
    customer = shop.post("customers", given, 201)["data"]
    assert (customer["note"], customer["email"]) == (kept, note)


def test_price_books_answer_200_and_know_their_groups(shop: Shop) -> None:
    given = {"name": "B2B", "customer_group_ids": [shop.store.all_customers_id], "outlet_ids": [shop.berlin]}
    book = shop.post("price_books", given)["data"]
    assert (book["type"], book["outlets"][0]["name"]) == ("GENERAL", "Berlin")
    assert [row["type"] for row in shop.feed("price_books")] == ["BASE", "GENERAL"]
    shop.delete(f"price_books/{book['id']}", 405)


def test_webhooks_belong_to_the_application_that_made_them(shop: Shop) -> None:
    given = {"type": "product.update", "url": "http://127.0.0.1:1/hook", "active": True}
    hook = shop.post("webhooks", given, 201)["data"]
    assert hook.items() >= given.items()
    shop.post("webhooks", given, 409)
    shop.post("webhooks", given | {"type": "product.delete"}, 400)
    assert shop.get("webhooks") == {"data": [hook]}
    assert shop.put(f"webhooks/{hook['id']}", given | {"active": False})["data"]["active"] is False
    token = shop.store.tokens
    refreshed = token.refresh("app", "s", token.add_application("app", "s", "webhooks"))
    other = {"Authorization": f"Bearer {refreshed['access_token']}"}
    assert shop.call("GET", "webhooks", headers=other) == {"data": []}
    shop.call("GET", f"webhooks/{hook['id']}", 404, headers=other)
    assert shop.delete(f"webhooks/{hook['id']}") is None
    assert shop.get(f"webhooks/{hook['id']}", 404) == {"error": "Webhook not found"}


def test_an_unknown_route_answers_json(shop: Shop) -> None:
    assert shop.get("dragons", 404) == {"error": "Not Found"}
