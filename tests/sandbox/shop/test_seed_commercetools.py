"""The online side of a shop arrives in the stand-in whole, and the same at every start."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox.commercetools import CommercetoolsStore
from sandbox.shop import SAMPLE_SHOP, Shop, ShopError, load_shop
from sandbox.shop.seed_commercetools import new_commercetools_store, seed_commercetools

GOODSTORE = Path(__file__).parents[4] / "shared" / "data" / "goodstore"
PATHS = {
    "product-types": "product_types",
    "tax-categories": "tax_categories",
    "categories": "categories",
    "channels": "channels",
    "stores": "stores",
    "products": "products",
    "inventory": "inventory",
    "customers": "customers",
    "orders": "orders",
}


@pytest.fixture(scope="module", params=[SAMPLE_SHOP, GOODSTORE], ids=lambda path: path.name)
def shop(request: pytest.FixtureRequest) -> Shop:
    if not request.param.is_dir():
        pytest.skip("the published sample shop is not beside the checkout")
    return load_shop(request.param)


@pytest.fixture(scope="module")
def store(shop: Shop) -> CommercetoolsStore:
    return new_commercetools_store(shop)


@pytest.mark.parametrize(("path", "field"), PATHS.items())
def test_every_draft_is_created(shop: Shop, store: CommercetoolsStore, path: str, field: str) -> None:
    assert len(store.all(path)) == len(getattr(shop, field)) > 0


def test_customer_groups_are_there_before_the_prices_that_name_them() -> None:
    shop = load_shop(SAMPLE_SHOP)
    store = new_commercetools_store(shop)
    (group,) = store.all("customer-groups")
    assert (group["key"], group["name"]) == ("stammkunden", "Stammkunden")
    product = store.get("products", key="wandersocke-trittsicher")
    assert product is not None
    prices = product["masterData"]["current"]["variants"][0]["prices"]
    assert prices[-1]["customerGroup"] == {"typeId": "customer-group", "id": group["id"]}
    assert [tier["minimumQuantity"] for tier in prices[-1]["tiers"]] == [3]


def test_products_are_stored_as_drafted(shop: Shop, store: CommercetoolsStore) -> None:
    for draft in shop.products:
        product = store.get("products", key=draft["key"])
        assert product is not None
        data = product["masterData"]["staged"]
        assert product["masterData"]["published"] == draft["publish"]
        assert (data["name"], data["slug"]) == (draft["name"], draft["slug"])
        assert data.get("description") == draft.get("description")
        drafted = [draft["masterVariant"], *draft["variants"]]
        stored = [data["masterVariant"], *data["variants"]]
        assert [variant.get("sku") for variant in stored] == [variant.get("sku") for variant in drafted]
        assert [variant["id"] for variant in stored] == list(range(1, len(stored) + 1))
        for ours, theirs in zip(drafted, stored, strict=True):
            assert [each["name"] for each in theirs["attributes"]] == [
                each["name"] for each in ours["attributes"]
            ]
            assert [each["value"]["centAmount"] for each in theirs["prices"]] == [
                each["value"]["centAmount"] for each in ours["prices"]
            ]


def test_project_speaks_the_shops_languages_and_currencies(shop: Shop, store: CommercetoolsStore) -> None:
    settings = store.project().settings
    assert settings["languages"] == shop.project["languages"]
    assert settings["currencies"] == shop.project["currencies"]
    assert settings["countries"] == shop.project["countries"]


def test_two_starts_give_the_same_ids(shop: Shop, store: CommercetoolsStore) -> None:
    again = new_commercetools_store(shop)
    assert [each["id"] for each in again.all("products")] == [each["id"] for each in store.all("products")]


def test_a_later_requirement_is_in_force_while_an_older_product_lacks_the_value() -> None:
    store = new_commercetools_store(load_shop(SAMPLE_SHOP))
    (gear,) = [each for each in store.all("product-types") if each["key"] == "gear"]
    assert [each["name"] for each in gear["attributes"] if each["isRequired"]] == ["brand"]
    cord = store.get("products", key="reepschnur-seilgarten")
    assert cord is not None
    assert "brand" not in [
        each["name"] for each in cord["masterData"]["current"]["masterVariant"]["attributes"]
    ]


def test_a_refused_record_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(SAMPLE_SHOP, folder)
    text = (folder / "inventories.csv").read_text(encoding="utf-8")
    (folder / "inventories.csv").write_text(text.replace(",lager,", ",nowhere,"), encoding="utf-8")
    with pytest.raises(ShopError, match="commercetools refuses inventory .*_nowhere"):
        seed_commercetools(load_shop(folder), CommercetoolsStore())
