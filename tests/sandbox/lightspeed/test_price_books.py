"""Price books: their entries, the tax asymmetry, and the General one, which holds every product's own price."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


def entry(shop: Shop, product_id: str, price: Any = 23, **more: Any) -> dict[str, Any]:
    return {"product_id": product_id, "price": price, "tax_id": shop.tax, **more}


def write(shop: Shop, method: str, book: str, entries: Any, status: int = 200, **more: Any) -> Any:
    return shop.call(method, f"price_books/{book}/products", status, json={"data": entries}, **more)


def rows(shop: Shop, book: str, **query: Any) -> list[Any]:
    found: list[Any] = shop.get(f"price_books/{book}/products", **query)["data"]
    return found


def mug(shop: Shop, name: str = "Mug", price: str = "30") -> str:
    return shop.store.add_product_family(name, price=price)[0]


@pytest.fixture
def book(shop: Shop) -> str:
    return shop.store.add_price_book("B2B")


def test_an_entry_goes_in_as_the_store_has_prices_and_comes_out_without_tax(shop: Shop, book: str) -> None:
    (red, _) = shop.tee()
    answer = write(shop, "POST", book, [entry(shop, red, 29.99, min_units=10, max_units=None)])
    assert isinstance(answer["data"]["message"], str)
    (row,) = rows(shop, book)
    assert row["price"] == Decimal("26.07826")
    assert (row["price_book_id"], row["product_id"], row["tax_id"]) == (book, red, shop.tax)
    assert (row["min_units"], row["max_units"], row["loyalty_value"]) == (10, None, None)
    assert row["version"] > shop.feed()[-1]["version"]
    assert row["created_at"] == row["updated_at"]


def test_in_a_tax_exclusive_store_an_entry_comes_out_as_it_went_in(exclusive_shop: Shop) -> None:
    shop = exclusive_shop
    book, product = shop.store.add_price_book("B2B"), mug(exclusive_shop)
    write(shop, "POST", book, [entry(shop, product, 29.99)])
    assert rows(shop, book)[0]["price"] == Decimal("29.99")


def test_an_entry_is_converted_by_all_rates_of_its_own_tax(shop: Shop, book: str) -> None:
    group = shop.store.add_tax_group("State and city", [("State", "0.06"), ("City", "0.04")])
    write(shop, "POST", book, [entry(shop, mug(shop), 11) | {"tax_id": group}])
    assert rows(shop, book)[0]["price"] == 10


@pytest.mark.parametrize("version", ["2.0", "2.1", "3.0", "2026-07"])
def test_entries_are_reached_under_every_version(shop: Shop, book: str, version: str) -> None:
    shop.version = version
    product = mug(shop)
    write(shop, "POST", book, [entry(shop, product)])
    assert len(rows(shop, book)) == 1
    assert len(shop.get(f"products/{product}/price_book_products")["data"]) == 2
    assert len(shop.get("price_book_products")["data"]) == 2


def test_the_feed_of_entries_is_in_versions_and_shows_what_was_deleted_when_asked(
    shop: Shop, book: str
) -> None:
    first, second = mug(shop), mug(shop, "Cup")
    write(shop, "POST", book, [entry(shop, first), entry(shop, second)])
    feed = shop.feed("price_book_products", page_size=1)
    assert [row["product_id"] for row in feed] == [first, second, first, second]
    assert shop.get("price_book_products", before=feed[1]["version"])["data"] == feed[:1]
    write(shop, "DELETE", book, {"price_book_product_ids": [feed[2]["id"]]})
    assert feed[2]["id"] not in {row["id"] for row in shop.feed("price_book_products")}
    last = shop.feed("price_book_products", deleted="true")[-1]
    assert (last["id"], last["deleted_at"] is not None) == (feed[2]["id"], True)
    shop.store.options.deleted_price_book_rows_shown = False
    assert len(shop.feed("price_book_products", deleted="true")) == 3


def test_the_entries_of_a_book_can_be_those_of_some_products(shop: Shop, book: str) -> None:
    ids = [mug(shop, name) for name in ("A", "B", "C")]
    write(shop, "POST", book, [entry(shop, product_id) for product_id in ids])
    shop.store.options.page_size_default = 1
    assert len(rows(shop, book)) == 3
    some = rows(shop, book, product_ids=f"{ids[2]},{ids[0]},unknown")
    assert {row["product_id"] for row in some} == {ids[0], ids[2]}
    shop.get("price_books/unknown/products", 404)
    shop.get("products/unknown/price_book_products", 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_update_finds_its_entry_by_id_or_by_a_product_that_has_one(
    shop: Shop, book: str, method: str
) -> None:
    product = mug(shop)
    write(shop, "POST", book, [entry(shop, product, 23, min_units=2)])
    before = rows(shop, book)[0]
    write(shop, method, book, [entry(shop, product, 11.5)])
    after = rows(shop, book)[0]
    assert (after["id"], after["price"], after["min_units"]) == (before["id"], 10, 2)
    assert after["version"] > before["version"]
    write(shop, "POST", book, [entry(shop, product, 9, min_units=10)])
    write(shop, method, book, [entry(shop, product, 8)], 422)
    write(shop, method, book, [entry(shop, product, 34.5, id=before["id"], min_units=None)])
    assert {(row["price"], row["min_units"]) for row in rows(shop, book)} == {
        (30, None),
        (Decimal("7.82609"), 10),
    }
    write(shop, method, book, [entry(shop, mug(shop, "Cup"), 8)], 422)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"product_id": None}, "product_id"),
        ({"price": None}, "price"),
        ({"tax_id": ""}, "tax_id"),
        ({"price": -1}, "price"),
        ({"price": "9"}, "price"),
        ({"product_id": "unknown"}, "product_id"),
        ({"tax_id": "unknown"}, "tax_id"),
        ({"min_units": -1}, "min_units"),
        ({"min_units": 5, "max_units": 4}, "max_units"),
    ],
)
def test_one_wrong_entry_and_nothing_is_written(
    shop: Shop, book: str, wrong: dict[str, Any], field: str
) -> None:
    product, other = mug(shop), mug(shop, "Cup")
    refused = write(shop, "POST", book, [entry(shop, product), entry(shop, other) | wrong], 422)
    assert field in refused["fields"]
    assert rows(shop, book) == []
    write(shop, "POST", book, [entry(shop, product), entry(shop, other)])
    before = rows(shop, book)
    write(shop, "PUT", book, [entry(shop, product, 1), entry(shop, other, 1) | wrong], 422)
    assert rows(shop, book) == before


def test_an_update_refuses_ids_of_other_books_and_products(shop: Shop, book: str) -> None:
    product, other = mug(shop), mug(shop, "Cup")
    elsewhere = shop.store.set_book_price(shop.store.add_price_book("Elsewhere"), product, 5)
    mine = shop.store.set_book_price(book, product, 5)
    for given in (
        entry(shop, product, id="unknown"),
        entry(shop, product, id=elsewhere),
        entry(shop, other, id=mine),
    ):
        write(shop, "PUT", book, [given], 422)
    write(shop, "PUT", "unknown", [entry(shop, product)], 404)
    write(shop, "DELETE", book, {"price_book_product_ids": [mine, elsewhere]}, 422)
    assert len(rows(shop, book)) == 1


def test_more_than_100_entries_are_refused_whole(shop: Shop, book: str) -> None:
    product = mug(shop)
    many = [entry(shop, product, min_units=number) for number in range(101)]
    write(shop, "POST", book, many, 422)
    assert rows(shop, book) == []
    write(shop, "POST", book, many[:100])
    ids = [row["id"] for row in rows(shop, book)]
    assert len(ids) == 100
    write(shop, "PUT", book, many, 422)
    write(shop, "DELETE", book, {"price_book_product_ids": [*ids, "one more"]}, 422)
    write(shop, "DELETE", book, {"price_book_product_ids": ids})
    assert rows(shop, book) == []
    write(shop, "POST", book, "many", 400)


@pytest.mark.parametrize("wrapped", [False, True])
def test_entries_can_be_deleted_with_a_header_in_place_of_a_body(
    shop: Shop, book: str, wrapped: bool
) -> None:
    given: dict[str, Any] = {"price_book_product_ids": [shop.store.set_book_price(book, mug(shop), 5)]}
    header = json.dumps({"data": given} if wrapped else given)
    shop.delete(f"price_books/{book}/products", headers={"data": header})
    assert rows(shop, book) == []
    shop.delete(f"price_books/{book}/products", 400, headers={"data": "no JSON"})


def test_a_careless_client_makes_duplicates_unless_they_are_refused(shop: Shop, book: str) -> None:
    product = mug(shop)
    for _ in range(2):
        write(shop, "POST", book, [entry(shop, product, min_units=2)])
    assert len(rows(shop, book)) == 2
    shop.store.options.duplicate_price_book_rows = "refuse"
    write(shop, "POST", book, [entry(shop, product, min_units=2)], 422)
    write(shop, "POST", book, [entry(shop, product), entry(shop, product)], 422)
    write(shop, "POST", book, [entry(shop, product), entry(shop, product, max_units=9)])
    assert len(rows(shop, book)) == 4


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "price_book_products", "products:read:price_books"),
        ("GET", "price_books/{book}/products", "products:read:price_books"),
        ("GET", "products/{product}/price_book_products", "products:read:price_books"),
        ("POST", "price_books/{book}/products", "products:write:price_books products:read"),
        ("PUT", "price_books/{book}/products", "products:write:price_books products:read"),
        ("PATCH", "price_books/{book}/products", "products:write:price_books products:read"),
        ("DELETE", "price_books/{book}/products", "products:write:price_books"),
    ],
)
def test_each_route_asks_for_its_scopes_and_no_others(
    shop: Shop, book: str, method: str, path: str, scopes: str
) -> None:
    needed = scopes.split()
    path = path.format(book=book, product=mug(shop))
    ids: dict[str, Any] = {"price_book_product_ids": []}
    body = {} if method == "GET" else {"json": {"data": ids if method == "DELETE" else []}}
    for left_out in [None, *needed]:
        token = shop.store.tokens.add_personal(scopes=frozenset(needed) - {left_out or ""})
        shop.call(
            method, path, 403 if left_out else 200, headers={"Authorization": f"Bearer {token}"}, **body
        )


# The General Price Book.


def base_rows(shop: Shop) -> list[Any]:
    return rows(shop, shop.store.base_book_id)


def test_every_product_with_a_price_has_one_entry_in_the_general_price_book(shop: Shop) -> None:
    red, blue = shop.tee()
    shop.store.add_product_family("Free")
    assert [row["product_id"] for row in base_rows(shop)] == [red, blue]
    assert {(row["price"], row["tax_id"]) for row in base_rows(shop)} == {(Decimal("26.08696"), shop.tax)}
    shop.store.options.base_book_entries = False
    mug(shop)
    assert len(base_rows(shop)) == 2


def test_the_general_entry_follows_price_and_tax_of_its_product(shop: Shop) -> None:
    product = mug(shop)
    reduced = shop.store.add_tax("Reduced", "0.05")
    seen = [base_rows(shop)[0]]
    for change, price, tax in (
        ({"price_including_tax": 23}, 20, shop.tax),
        ({"all_outlets_tax": {"tax_id": reduced}}, Decimal("21.90476"), reduced),
        ({"price_including_tax": 21}, 20, reduced),
    ):
        shop.put(f"products/{product}", {"details": change})
        (row,) = base_rows(shop)
        assert (row["id"], row["price"], row["tax_id"]) == (seen[0]["id"], price, tax)
        assert row["version"] > seen[-1]["version"]
        seen.append(row)
    shop.put(f"products/{product}", {"details": {"price_including_tax": 21, "is_active": False}})
    assert base_rows(shop) == seen[-1:]
    shop.store.set_tax_rate(reduced, "0.2")
    assert base_rows(shop)[0]["price"] == Decimal("17.5")


def test_the_general_entry_has_the_tax_of_the_first_outlet_where_the_product_has_none(shop: Shop) -> None:
    product = mug(shop)
    reduced = shop.store.add_tax("Reduced", "0.05")
    shop.store.set_outlet_tax(product, shop.hamburg, reduced)
    assert base_rows(shop)[0]["tax_id"] == reduced
    assert shop.product(product)["outlet_taxes"] == [{"outlet_id": shop.hamburg, "tax_id": reduced}]
    shop.store.set_outlet_tax(product, shop.hamburg, None)
    assert base_rows(shop)[0]["tax_id"] == shop.tax


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_write_to_the_general_entry_changes_the_product(shop: Shop, method: str) -> None:
    product = mug(shop)
    before = shop.product(product)
    write(shop, method, shop.store.base_book_id, [entry(shop, product, 34.5)])
    after = shop.product(product)
    assert (after["price_including_tax"], after["price_excluding_tax"]) == (34.5, 30)
    assert after["version"] > before["version"]
    assert [row["price"] for row in base_rows(shop)] == [30]


def test_the_general_price_book_refuses_new_entries_deletions_bounds_and_other_taxes(shop: Shop) -> None:
    product, base = mug(shop), shop.store.base_book_id
    write(shop, "POST", base, [entry(shop, product)], 422)
    write(shop, "DELETE", base, {"price_book_product_ids": [base_rows(shop)[0]["id"]]}, 422)
    write(shop, "PUT", base, [entry(shop, product, min_units=2)], 422)
    write(shop, "PUT", base, [entry(shop, product) | {"tax_id": shop.store.no_tax_id}], 422)
    assert shop.product(product)["price_including_tax"] == 30


def test_a_deleted_product_takes_its_entries_with_it(shop: Shop, book: str) -> None:
    red, blue = shop.tee()
    for product in (red, blue):
        shop.store.set_book_price(book, product, 5)
    shop.delete(f"products/{red}")
    assert [row["product_id"] for row in shop.feed("price_book_products")] == [blue, blue]
    shop.delete(f"products/{blue}/all")
    assert shop.feed("price_book_products") == []
    gone = shop.feed("price_book_products", deleted="true")
    assert len(gone) == 4
    assert all(row["deleted_at"] for row in gone)


# The books.


def test_a_book_tells_its_groups_outlets_platform_and_time(shop: Shop) -> None:
    group = shop.post("customer_groups", {"name": "Staff"}, 201)["data"]["id"]
    given = {
        "name": "Staff",
        "customer_group_ids": [group],
        "outlet_ids": [shop.hamburg],
        "valid_from": "2026-12-01T00:00:00+00:00",
        "restrict_to_platform": "1",
    }
    row = shop.post("price_books", given)["data"]
    assert row["customer_groups"] == [{"id": group, "name": "Staff"}]
    assert row["outlets"] == [{"id": shop.hamburg, "name": "Hamburg"}]
    assert (row["type"], row["valid_from"], row["valid_to"]) == ("GENERAL", given["valid_from"], None)
    assert (row["restrict_to_platform_key"], row["restrict_to_platform_label"]) == ("1", "In Store")
    changed = {"name": "Staff", "customer_group_ids": [group], "restrict_to_platform": "2"}
    row = shop.put(f"price_books/{row['id']}", changed)["data"]
    assert (row["restrict_to_platform_key"], row["restrict_to_platform_label"]) == ("2", "Ecommerce")
    assert row["outlets"] == [{"id": shop.hamburg, "name": "Hamburg"}]
    for wrong in ({"restrict_to_platform": "3"}, {"customer_group_ids": ["?"]}, {"outlet_ids": ["?"]}):
        shop.post("price_books", given | wrong, 422)


def test_the_general_price_book_is_for_all_customers_and_every_outlet(shop: Shop) -> None:
    (base,) = shop.feed("price_books")
    assert [group["name"] for group in base["customer_groups"]] == ["All Customers"]
    assert [outlet["name"] for outlet in base["outlets"]] == ["Berlin", "Hamburg"]
    assert (base["type"], base["restrict_to_platform_label"]) == ("BASE", "All Platforms")
    assert (base["valid_from"], base["valid_to"]) == (None, None)


def test_2_0_alone_deletes_a_book_and_its_entries_with_it(shop: Shop, book: str) -> None:
    shop.store.set_book_price(book, mug(shop), 5)
    shop.delete(f"price_books/{book}", 405)
    shop.version = "2.0"
    shop.delete(f"price_books/{shop.store.base_book_id}", 422)
    shop.delete(f"price_books/{book}")
    shop.get(f"price_books/{book}", 404)
    assert [row["price_book_id"] for row in shop.feed("price_book_products")] == [shop.store.base_book_id]
    assert shop.feed("price_books", deleted="true")[-1]["id"] == book


# The hands of an assistant.


def test_an_assistant_sets_and_removes_prices_by_their_lower_bound(shop: Shop) -> None:
    store = shop.store
    group = store.add_customer_group("Staff")
    book = store.add_price_book("Staff", customer_groups=[group], outlets=[shop.hamburg], platform="1")
    product = mug(shop)
    one = store.set_book_price(book, product, "23")
    ten = store.set_book_price(book, product, "11.50", min_units=10, max_units=20)
    assert store.set_book_price(book, product, "34.50") == one
    assert store.book_prices(book) == rows(shop, book)
    assert [(row["id"], row["price"]) for row in store.book_prices(book)] == [(ten, 10), (one, 30)]
    store.remove_book_price(book, product)
    assert [row["id"] for row in store.book_prices(book)] == [ten]
    with pytest.raises(ValueError, match="no entry"):
        store.remove_book_price(book, product)
    found = shop.get(f"price_books/{book}")["data"]
    assert (found["customer_groups"][0]["name"], found["outlets"][0]["name"]) == ("Staff", "Hamburg")


def test_an_assistant_who_edits_the_general_price_book_edits_the_product(shop: Shop) -> None:
    product, base = mug(shop), shop.store.base_book_id
    assert shop.store.set_book_price(base, product, "23") == shop.store.book_prices(base)[0]["id"]
    assert shop.product(product)["price_including_tax"] == 23
    with pytest.raises(ValueError, match="own price"):
        shop.store.remove_book_price(base, product)


def test_a_new_rate_of_a_tax_leaves_entries_without_tax_as_they_are(shop: Shop, book: str) -> None:
    group = shop.store.add_tax_group("State and city", [("State", "0.06"), ("City", "0.04")])
    shop.store.set_book_price(book, mug(shop), 11, tax_id=group)
    shop.store.set_tax_rate(group, "0.14", rate_name="City")
    assert [rate["rate"] for rate in shop.get(f"taxes/{group}")["data"]["rates"]] == [
        Decimal("0.06"),
        Decimal("0.14"),
    ]
    assert rows(shop, book)[0]["price"] == 10
    with pytest.raises(ValueError, match="2 rates"):
        shop.store.set_tax_rate(group, "0.1")
