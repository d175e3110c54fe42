"""Reading shop folders: exported shops load as they are, and what can't be read is named with a way out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.shop import SAMPLE_SHOP, ShopError, default_config, load_shop

GOODSTORE = Path(__file__).parents[4] / "shared" / "data" / "goodstore"
needs_goodstore = pytest.mark.skipif(
    not GOODSTORE.is_dir(), reason="the published sample shop is not beside the checkout"
)

HEADER = "id,productType,name.en,slug.en,categories,_published,tax,variantId,sku,images,prices"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A minimal shop folder without products."""
    project = {"currencies": ["EUR"], "countries": ["DE"], "languages": ["en", "de"]}
    (tmp_path / "project.json").write_text(json.dumps(project))
    rate = {"name": "VAT", "amount": 0.19, "includedInPrice": True, "country": "DE"}
    (tmp_path / "tax-categories.json").write_text(json.dumps([{"name": "Normal", "rates": [rate]}]))
    (tmp_path / "categories.csv").write_text("id,key,parentId,name.en\n1,all,,All\n2,mugs,1,Mugs\n")
    return tmp_path


@pytest.fixture
def products(folder: Path) -> Callable[..., Path]:
    """Writes a product CSV into the folder and returns the folder."""

    def write(*rows: str, columns: str = "", name: str = "Products.csv") -> Path:
        (folder / name).write_text("\n".join([HEADER + columns, *rows]) + "\n", encoding="utf-8")
        return folder

    return write


@needs_goodstore
def test_goodstore_loads_whole() -> None:
    shop = load_shop(GOODSTORE)
    sets = [product for product in shop.products if product["productType"]["key"] == "product-sets"]
    assert (len(shop.products) - len(sets), len(shop.variants()) - 2) == (115, 141)
    assert len(sets) == 1
    assert [variant["sku"] for variant in (sets[0]["masterVariant"], *sets[0]["variants"])] == [
        "SGB-01",
        "SGB-02",
    ]
    assert sets[0]["masterVariant"]["attributes"] == [{"name": "type", "value": [{"en-GB": "Round"}]}]
    assert (len(shop.orders), len(shop.inventory), len(shop.categories)) == (157, 131, 29)
    assert sum(len(order["lineItems"]) for order in shop.orders) == 292


@needs_goodstore
def test_goodstore_gets_a_till_side_that_fits_its_prices() -> None:
    shop = load_shop(GOODSTORE)
    till = shop.lightspeed
    assert till.derived
    assert till.retailer["tax_exclusive"] is True
    assert (till.retailer["currency"], till.retailer["country"]) == ("EUR", "DE")
    assert [outlet["name"] for outlet in till.outlets] == ["Germany"]
    assert [register["outlet"] for register in till.registers] == ["Germany"]
    assert till.taxes == [{"name": "EU tax", "rate": "0.1"}]
    assert till.families == []


@needs_goodstore
def test_goodstore_config_names_the_labels_as_options_not_the_colour_codes() -> None:
    config = default_config(load_shop(GOODSTORE))
    assert [option["attribute"] for option in config["options"]] == ["colorlabel", "size", "type"]
    assert config["tax_classes"]["EU"] == "EU tax"
    assert config["price_tax_included"] is False
    assert config["attributes"] == {"description": "product-description"}


@needs_goodstore
def test_discounted_prices_of_an_export_keep_both_amounts() -> None:
    prices = [price for _, variant in load_shop(GOODSTORE).variants() for price in variant["prices"]]
    discounted = [price for price in prices if "discounted" in price]
    assert len(discounted) == 6
    assert all(
        price["discounted"]["value"]["centAmount"] < price["value"]["centAmount"] for price in discounted
    )


def test_loading_twice_gives_the_same_shop() -> None:
    assert load_shop(SAMPLE_SHOP) == load_shop(SAMPLE_SHOP)


def test_unknown_product_type_is_derived_from_its_columns(products: Callable[..., Path]) -> None:
    row = "a,Mugs and more,Mug,mug,Mugs,true,Normal,1,M-1,,DE-EUR 999,Red,Rot,cup"
    shop = load_shop(products(row, columns=",color.en,color.de,kind"))
    (derived,) = shop.product_types
    assert (derived["key"], derived["name"]) == ("mugs-and-more", "Mugs and more")
    assert [(each["name"], each["type"]["name"]) for each in derived["attributes"]] == [
        ("color", "ltext"),
        ("kind", "text"),
    ]
    assert shop.products[0]["masterVariant"]["attributes"] == [
        {"name": "color", "value": {"en": "Red", "de": "Rot"}},
        {"name": "kind", "value": "cup"},
    ]


def test_rows_of_one_id_are_one_product_with_variants_in_order(products: Callable[..., Path]) -> None:
    shop = load_shop(
        products(
            "a,T,Mug,mug,Mugs,true,Normal,2,M-2,,DE-EUR 899",
            "b,T,Cup,cup,Mugs,false,Normal,1,C-1,,DE-EUR 500",
            "a,T,Mug,mug,Mugs,true,Normal,1,M-1,https://images.example.com/m.jpg||640x480,DE-EUR 999|799;EUR 1099",
        )
    )
    mug, cup = shop.products
    assert (mug["key"], cup["key"]) == ("mug", "cup")
    assert (mug["publish"], cup["publish"]) == (True, False)
    assert [mug["masterVariant"]["sku"], *[variant["sku"] for variant in mug["variants"]]] == ["M-1", "M-2"]
    assert mug["masterVariant"]["images"] == [
        {"url": "https://images.example.com/m.jpg", "dimensions": {"w": 640, "h": 480}}
    ]
    first, second = mug["masterVariant"]["prices"]
    assert (first["value"]["centAmount"], first["discounted"]["value"]["centAmount"]) == (999, 799)
    assert "country" not in second
    assert mug["taxCategory"] == {"typeId": "tax-category", "key": "Normal"}


def test_products_with_one_slug_get_keys_of_their_own(products: Callable[..., Path]) -> None:
    shop = load_shop(
        products(
            "aaaaaaaa-1,T,Mug,mug,,true,Normal,1,M-1,,DE-EUR 1",
            "bbbbbbbb-2,T,Mug,mug,,true,Normal,1,M-2,,DE-EUR 1",
        )
    )
    assert [product["key"] for product in shop.products] == ["mug", "mug-bbbbbbbb"]


def test_a_name_two_categories_share_means_the_one_related_to_the_others(
    products: Callable[..., Path], folder: Path
) -> None:
    (folder / "categories.csv").write_text(
        "id,key,parentId,name.en\n1,home,,Home\n2,garden,,Garden\n3,home-new,1,New\n4,garden-new,2,New\n"
    )
    shop = load_shop(products("a,T,Mug,mug,New;Garden,true,Normal,1,M-1,,DE-EUR 1"))
    assert [each["key"] for each in shop.products[0]["categories"]] == ["garden-new", "garden"]


@pytest.mark.parametrize(
    ("row", "columns", "problem"),
    [
        ("a,T,Mug,mug,Plates,true,Normal,1,M,,DE-EUR 1", "", "category 'Plates'"),
        ("a,T,Mug,mug,Mugs,true,None,1,M,,DE-EUR 1", "", "tax category 'None'"),
        ("a,T,Mug,mug,Mugs,true,Normal,1,M,,EUR 9.99", "", "price 'EUR 9.99'"),
        ("a,T,Mug,mug,Mugs,true,Normal,one,M,,DE-EUR 1", "", "not a whole number"),
        ("a,T,Mug,mug,Mugs,true,Normal,1,M,image.jpg,DE-EUR 1", "", "image 'image.jpg'"),
        ("a,T,,mug,Mugs,true,Normal,1,M,,DE-EUR 1", "", "no name"),
        ("a,,Mug,mug,Mugs,true,Normal,1,M,,DE-EUR 1", "", "no product type"),
        (",T,Mug,,Mugs,true,Normal,1,M,,DE-EUR 1", "", "neither id, key nor slug"),
        ("a,T,Mug,mug,Mugs,true,Normal,1,M,,DE-EUR 1,extra", "", "12 cells, the header has 11"),
    ],
)
def test_an_unreadable_row_is_named_with_file_row_and_remedy(
    products: Callable[..., Path], row: str, columns: str, problem: str
) -> None:
    with pytest.raises(ShopError) as caught:
        load_shop(products(row, columns=columns))
    assert problem in str(caught.value)
    assert Path(caught.value.file).name == "Products.csv"
    assert caught.value.row == 2
    assert "What to do: " in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "cell", "problem"),
    [
        ({"name": "number"}, "NaN", "not a number"),
        ({"name": "boolean"}, "yes", "not a boolean"),
        ({"name": "money"}, "9.99", "not money"),
        ({"name": "enum", "values": [{"key": "s", "label": "S"}]}, "xl", "no value with the key 'xl'"),
        ({"name": "nested", "typeReference": {"typeId": "product-type", "key": "x"}}, "x", "can't hold"),
    ],
)
def test_attribute_values_must_be_of_their_type(
    products: Callable[..., Path], folder: Path, kind: dict[str, object], cell: str, problem: str
) -> None:
    attribute = {"name": "a1", "label": {"en": "A"}, "isRequired": False, "type": kind}
    (folder / "product-type.json").write_text(json.dumps([{"name": "T", "attributes": [attribute]}]))
    with pytest.raises(ShopError, match=problem):
        load_shop(products(f"a,T,Mug,mug,Mugs,true,Normal,1,M,,DE-EUR 1,{cell}", columns=",a1"))


def test_a_filled_column_the_product_type_does_not_know_is_refused(
    products: Callable[..., Path], folder: Path
) -> None:
    (folder / "product-type.json").write_text(json.dumps([{"key": "t1", "name": "T", "attributes": []}]))
    with pytest.raises(ShopError, match="column 'surprise' is not an attribute"):
        load_shop(products("a,T,Mug,mug,Mugs,true,Normal,1,M,,DE-EUR 1,x", columns=",surprise"))


def test_a_sku_used_twice_is_refused_and_both_places_are_named(products: Callable[..., Path]) -> None:
    rows = ("a,T,Mug,mug,,true,Normal,1,M,,DE-EUR 1", "b,T,Cup,cup,,true,Normal,1,M,,DE-EUR 1")
    with pytest.raises(ShopError, match=r"row 3: uses the SKU 'M' again, first in Products\.csv, row 2"):
        load_shop(products(*rows))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("project.json", b"{", "not JSON"),
        ("project.json", b'{"currencies": ["EUR"]}', "countries, languages"),
        ("channels.json", b"{}", "must be a list"),
        ("Outdoor.csv", b"\xff\xfe\x00", "can't be read"),
        ("Outdoor.csv", b"sku,prices\nA,EUR 1\n", "no column productType"),
        ("lightspeed.json", b"{}", "has no retailer"),
        ("customers.json", b"[{}]", "customers with an email"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(SAMPLE_SHOP, folder)
    (folder / name).write_bytes(content)
    with pytest.raises(ShopError, match=problem) as caught:
        load_shop(folder)
    assert Path(caught.value.file).name == name


def test_a_folder_that_is_none_or_empty_is_refused(folder: Path) -> None:
    with pytest.raises(ShopError, match="not a folder"):
        load_shop(folder / "nowhere")
    with pytest.raises(ShopError, match="no product CSV"):
        load_shop(folder)


def test_a_name_at_the_till_that_refers_to_nothing_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(SAMPLE_SHOP, folder)
    till = json.loads((folder / "lightspeed.json").read_text(encoding="utf-8"))
    till["families"][0]["category"] = "Boote"
    (folder / "lightspeed.json").write_text(json.dumps(till), encoding="utf-8")
    with pytest.raises(ShopError, match="names the category 'Boote'"):
        load_shop(folder)
