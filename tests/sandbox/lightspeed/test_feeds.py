"""Version feeds, the exceptions to them, look-ups and search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Shop


def test_versions_grow_over_all_entities_are_beyond_32_bits_and_leave_gaps(shop: Shop) -> None:
    shop.tee()
    brands, products, prices = shop.feed("brands"), shop.feed(), shop.feed("price_book_products")
    versions = [row["version"] for row in [*brands, *products]]
    assert versions == sorted(set(versions))
    assert versions[0] > 2**32
    written = sorted(row["version"] for row in [*products, *prices])
    assert all(0 < later - earlier <= 50 for earlier, later in zip(written, written[1:], strict=False))


def test_after_is_exclusive_and_before_is_an_upper_bound(shop: Shop) -> None:
    for number in range(5):
        shop.store.add_product_family(f"P{number}")
    versions = [row["version"] for row in shop.feed()]
    page = shop.get("products", after=versions[1], before=versions[4])
    assert [row["version"] for row in page["data"]] == versions[2:4]
    assert page["version"] == {"min": versions[2], "max": versions[3]}
    assert shop.get("products", after=versions[4]) == {"data": [], "version": {"min": None, "max": None}}


def test_a_row_changed_between_pages_shows_twice_and_none_is_lost(shop: Shop) -> None:
    ids = [shop.store.add_product_family(f"P{number}")[0] for number in range(4)]
    first = shop.get("products", page_size=2)
    shop.store.edit_product(ids[0], price="5")
    shop.store.edit_product(ids[2], price="5")
    rest = shop.get("products", after=first["version"]["max"])["data"]
    assert [row["id"] for row in rest] == [ids[3], ids[0], ids[2]]


def test_page_size_defaults_and_is_clamped(shop: Shop) -> None:
    shop.store.options.page_size_default, shop.store.options.page_size_max = 2, 3
    for number in range(5):
        shop.store.add_product_family(f"P{number}")
    assert len(shop.get("products")["data"]) == 2
    assert len(shop.get("products", page_size=1000)["data"]) == 3
    shop.get("products", 400, page_size="many")


def test_edits_by_the_shop_move_rows_to_the_end_of_the_feed(shop: Shop) -> None:
    red, blue = shop.tee()
    cursor = shop.feed()[-1]["version"]
    shop.store.edit_product(red, price="25", sku="TEE-RED")
    shop.store.delete_product(blue)
    changed = shop.feed(deleted="true")[-2:]
    assert [row["id"] for row in changed] == [red, blue]
    assert all(row["version"] > cursor for row in changed)
    assert (changed[0]["sku"], changed[0]["price_including_tax"]) == ("TEE-RED", 25)


def test_a_lookup_overrides_every_other_parameter(shop: Shop) -> None:
    red, blue = shop.tee()
    ean = {"type": "EAN", "code": "4006381333931"}
    (mug,) = shop.post("products", {"name": "Mug", "sku": "MUG", "product_codes": [ean]})["data"]
    far = shop.feed()[-1]["version"]
    assert [row["id"] for row in shop.get("products", sku="4006381333931", after=far)["data"]] == [mug]
    for key in ("name", "family_name"):
        assert {row["id"] for row in shop.get("products", **{key: "Tee"}, page_size=1)["data"]} == {red, blue}
    assert shop.get("products", sku="NONE") == {"data": [], "version": {"min": None, "max": None}}


def test_images_can_be_left_out(shop: Shop) -> None:
    shop.tee()
    assert "images" in shop.get("products")["data"][0]
    assert "images" not in shop.get("products", include_images="false")["data"][0]


@pytest.mark.parametrize("path", ["taxes", "tags"])
def test_some_lists_have_no_version_in_the_envelope_and_end_all_the_same(shop: Shop, path: str) -> None:
    page = shop.get(path)
    assert "version" not in page
    assert shop.get(path, after=max(row["version"] for row in page["data"]))["data"] == []
    setattr(shop.store.options, f"{path}_envelope_version", True)
    assert "version" in shop.get(path)


def test_variant_attributes_come_whole_whatever_the_cursor_says(shop: Shop) -> None:
    page = shop.get("variant_attributes", after=2**62, page_size=1)
    assert [row["name"] for row in page["data"]] == ["Colour", "Size"]
    assert set(page) == {"data"}
    assert "version" not in page["data"][0]


def test_the_version_envelope_can_be_switched_off_everywhere(shop: Shop) -> None:
    shop.tee()
    shop.store.options.drop_version_envelope = True
    assert set(shop.get("products")) == {"data"}


def test_categories_page_by_the_id_seen_last_and_are_nested_twice(shop: Shop) -> None:
    for number in range(3):
        shop.store.add_category(f"Root {number}")
    names, after = [], None
    while True:
        page = shop.get("product_categories", page_size=2, **({"after": after} if after else {}))["data"]
        names += [row["name"] for row in page["data"]["categories"]]
        after = page["page_info"]["last_seen"]
        if not page["page_info"]["has_next"]:
            break
    assert names == ["Clothes", "Tops", "Root 0", "Root 1", "Root 2"]
    roots = shop.get("product_categories", parent="none")["data"]["data"]["categories"]
    assert [row["leaf_category"] for row in roots] == [False, True, True, True]
    shop.store.options.categories_double_nested = False
    assert "page_info" in shop.get("product_categories")


def test_money_can_be_text(shop: Shop) -> None:
    red, _ = shop.tee()
    shop.store.options.money_as_strings = True
    assert (shop.product(red)["price_including_tax"], shop.product(red)["price_excluding_tax"]) == (
        "30",
        "26.08696",
    )


def test_search_knows_skus_in_lower_case_only(shop: Shop) -> None:
    red, blue = shop.tee()
    assert shop.get("search", type="products", sku="TEE-R")["data"] == []
    assert [row["id"] for row in shop.get("search", type="products", sku="tee-r")["data"]] == [red]
    both = shop.get("search", type="products", sku=["tee-r", "tee-b"])["data"]
    assert [row["id"] for row in both] == [red, blue]
    assert [row["id"] for row in shop.get("search", type="products", **{"-sku": "tee-r"})["data"]] == [blue]


def test_search_pages_by_offset_and_filters(shop: Shop) -> None:
    red, blue = shop.tee(brand_id=shop.brand, tag_ids=[shop.tag])
    shop.post("products", {"name": "Mug"})
    for query in ({"brand_id": shop.brand}, {"tag_id": shop.tag}, {"-variant_parent_id": ""}):
        assert len(shop.get("search", type="products", **query)["data"]) >= 2
    assert [row["id"] for row in shop.get("search", type="products", variant_parent_id=red)["data"]] == [blue]
    pages = [shop.get("search", type="products", offset=n, page_size=1)["data"] for n in range(4)]
    assert [len(page) for page in pages] == [1, 1, 1, 0]
    by_name = shop.get("search", type="products", order_by="name", order_direction="desc")["data"]
    assert [row["name"] for row in by_name] == ["Tee", "Tee", "Mug"]
    shop.get("search", 400, type="dragons")


def test_search_never_gives_more_than_a_thousand(shop: Shop) -> None:
    for number in range(1001):
        shop.store.add_product_family(f"P{number}")
    assert len(shop.get("search", type="products", page_size=5000)["data"]) == 1000


def test_earlier_versions_reach_the_same_products_and_2026_10_does_not_exist_here(shop: Shop) -> None:
    shop.tee()
    for version in ("2.0", "2026-01", "2026-04", "2025-10"):
        shop.version = version
        assert len(shop.get("products")["data"]) == 2
    for version in ("2026-10", "4.0", "2026-08"):
        shop.version = version
        shop.get("products", 404)
