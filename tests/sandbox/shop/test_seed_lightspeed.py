"""The till side of a shop arrives in the stand-in as it is described."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed.numerals import five_places
from sandbox.lightspeed.price_books import book_wire
from sandbox.shop import SAMPLE_SHOP, Shop, ShopError, load_shop
from sandbox.shop.seed_lightspeed import new_lightspeed_store, seed_lightspeed

GOODSTORE = Path(__file__).parents[4] / "shared" / "data" / "goodstore"


@pytest.fixture(scope="module")
def shop() -> Shop:
    return load_shop(SAMPLE_SHOP)


@pytest.fixture(scope="module")
def store(shop: Shop) -> LightspeedStore:
    return new_lightspeed_store(shop)


def test_every_variant_of_every_family_is_at_the_till(shop: Shop, store: LightspeedStore) -> None:
    described = Counter(
        (family["name"], variant["sku"])
        for family in shop.lightspeed.families
        for variant in family["variants"]
    )
    assert Counter((product["name"], product["sku"]) for product in store.all_products()) == described


def test_prices_codes_options_tax_and_stock_arrive_exactly(shop: Shop, store: LightspeedStore) -> None:
    products = {product["sku"]: product for product in store.all_products()}
    taxes = {tax.fields["name"]: tax.id for tax in store.taxes.live()}
    outlets = {outlet.fields["name"]: outlet.id for outlet in store.outlets.live()}
    for family in shop.lightspeed.families:
        for variant in family["variants"]:
            if variant["sku"] == "UL-PFEIFE":  # at the till twice, on purpose
                continue
            product = products[variant["sku"]]
            assert Decimal(product["price_including_tax"]) == Decimal(variant["price"])
            assert Decimal(product["supply_price"]) == Decimal(variant["supply_price"])
            codes = [code["code"] for code in product["product_codes"] if code["type"] != "CUSTOM"]
            assert codes == [code["code"] for code in variant["codes"]]
            assert [option["value"] for option in product["variant_options"]] == variant["options"]
            assert (product["has_inventory"], product["active"]) == (
                family["track_inventory"],
                family["active"],
            )
            if family["tax"] == "MwSt 7 %":
                assert {each["tax_id"] for each in product["outlet_taxes"]} == {taxes["MwSt 7 %"]}
            for outlet, count in variant["inventory"].items():
                assert store.stock_level(product["id"], outlets[outlet]) == count


def test_one_sku_is_in_two_families(store: LightspeedStore) -> None:
    assert len(store.products_with_code("UL-PFEIFE")) == 2


def test_price_books_arrive_with_their_groups_outlets_and_prices(shop: Shop) -> None:
    store = new_lightspeed_store(shop)
    books = {row.name: row for row in store.price_books.live()}
    assert list(books) == ["General Price Book", "Stammkunden", "Outlet Hamburg"]
    regulars, hamburg = (book_wire(store, books[name]) for name in ("Stammkunden", "Outlet Hamburg"))
    assert [group["name"] for group in regulars["customer_groups"]] == ["Stammkunden"]
    assert [outlet["name"] for outlet in regulars["outlets"]] == ["Berlin", "Hamburg", "München"]
    assert [group["name"] for group in hamburg["customer_groups"]] == ["All Customers"]
    assert [outlet["name"] for outlet in hamburg["outlets"]] == ["Hamburg"]
    assert store.book_prices(regulars["id"]) == []
    asked = {
        str(store.product(row["product_id"])["sku"]): row["price"] for row in store.book_prices(hamburg["id"])
    }
    assert asked == {
        sku: five_places(Decimal(price) / Decimal("1.19"))
        for sku, price in shop.lightspeed.price_books[1]["prices"].items()
    }


def test_prices_by_quantity_reach_every_product_of_the_sku(shop: Shop) -> None:
    book = {"name": "More", "prices": {"UL-PFEIFE": [[None, "5.90"], [10, "4.90"]]}}
    till = replace(shop.lightspeed, price_books=[book])
    store = new_lightspeed_store(replace(shop, lightspeed=till))
    rows = store.book_prices(store.price_books.live()[-1].id)
    assert Counter(row["min_units"] for row in rows) == {None: 2, 10: 2}
    assert {row["product_id"] for row in rows} == store.products_with_code("UL-PFEIFE")


def test_a_store_with_another_tax_mode_is_refused(shop: Shop) -> None:
    with pytest.raises(ShopError, match="tax_exclusive"):
        seed_lightspeed(shop, LightspeedStore(tax_exclusive=True))


@pytest.mark.skipif(not GOODSTORE.is_dir(), reason="the published sample shop is not beside the checkout")
def test_goodstore_gets_a_tax_exclusive_store_without_products() -> None:
    store = new_lightspeed_store(load_shop(GOODSTORE))
    assert store.tax_exclusive
    assert store.all_products() == []
    assert [outlet.fields["name"] for outlet in store.outlets.live()] == ["Germany"]
    assert {tax.fields["name"] for tax in store.taxes.live()} == {"No Tax", "EU tax"}
