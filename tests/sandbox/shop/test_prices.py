"""What a price of a shop folder may say: the cells of a product CSV, and the price books of the till."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox.shop import SAMPLE_SHOP, ShopError, load_shop
from sandbox.shop.files import Row
from sandbox.shop.model import Draft
from sandbox.shop.prices import price_drafts

EUROS = {"currencyCode": "EUR", "centAmount": 1999}


def prices(cell: str) -> list[Draft]:
    return price_drafts(Row(Path("Products.csv"), 2, {"prices": cell}))


def tier(quantity: int, cents: int) -> Draft:
    return {"minimumQuantity": quantity, "value": {"currencyCode": "EUR", "centAmount": cents}}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (" #web", {"channel": {"typeId": "channel", "key": "web"}}),
        (" @regulars", {"customerGroup": {"typeId": "customer-group", "key": "regulars"}}),
        (
            " [2026-01-01..2026-12-31]",
            {"validFrom": "2026-01-01T00:00:00.000Z", "validUntil": "2026-12-31T00:00:00.000Z"},
        ),
        (" [2026-01-01..]", {"validFrom": "2026-01-01T00:00:00.000Z"}),
        (" [ .. 2026-12-31 ]", {"validUntil": "2026-12-31T00:00:00.000Z"}),
        (" {10:1799,20:1699}", {"tiers": [tier(10, 1799), tier(20, 1699)]}),
        ("{10: 1799, 20: 1699}", {"tiers": [tier(10, 1799), tier(20, 1699)]}),
    ],
)
def test_a_price_says_for_whom_where_when_and_from_how_many(terms: str, said: Draft) -> None:
    assert prices(f"DE-EUR 1999{terms}") == [{"value": EUROS, "country": "DE", **said}]


def test_terms_come_in_any_order_and_belong_to_their_price() -> None:
    one = "EUR 1999|1799 #web @regulars [2026-01-01..] {10:1500}"
    other = "EUR 1999|1799{10:1500} [2026-01-01..]@regulars#web"
    first, plain, last = prices(f"{one};DE-EUR 1;{other}")
    assert first == last
    assert set(first) == {"value", "channel", "customerGroup", "validFrom", "tiers", "discounted"}
    assert set(plain) == {"value", "country"}


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("EUR 1 @a", "not readable"),
        ("EUR 1 regulars", "not readable"),
        ("EUR 1 #web #shop", "channel twice"),
        ("EUR 1 @aa @bb", "group twice"),
        ("EUR 1 [..]", "a validity is"),
        ("EUR 1 [2026]", "a validity is"),
        ("EUR 1 [2026-02-30..]", "not readable: day is out of range"),
        ("EUR 1 [2026-12-31..2026-01-01]", "ends before it begins"),
        ("EUR 1 {}", "tiers are"),
        ("EUR 1 {10}", "tiers are"),
        ("EUR 1 {10:17.99}", "tiers are"),
        ("EUR 1 {10:1799", "not readable"),
    ],
)
def test_a_price_that_is_none_is_named_with_what_is_wrong(cell: str, problem: str) -> None:
    with pytest.raises(ShopError, match=problem) as caught:
        prices(cell)
    assert caught.value.row == 2
    assert "@customer-group" in caught.value.remedy


def with_till(folder: Path, **changed: Any) -> Path:
    shutil.copytree(SAMPLE_SHOP, folder)
    till = json.loads((folder / "lightspeed.json").read_text(encoding="utf-8")) | changed
    content = {name: value for name, value in till.items() if value is not None}
    (folder / "lightspeed.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_an_older_folder_has_no_groups_no_price_books_and_no_customers(tmp_path: Path) -> None:
    folder = with_till(tmp_path / "shop", customer_groups=None, price_books=None, customers=None)
    till = load_shop(folder).lightspeed
    assert (till.customer_groups, till.price_books, till.customers) == ([], [], [])


@pytest.mark.parametrize(
    ("book", "problem"),
    [
        ({}, "a price book has no name"),
        ({"customer_groups": ["Staff"]}, "price book B names the customer group 'Staff'"),
        ({"outlets": ["Köln"]}, "price book B names the outlet 'Köln'"),
        ({"prices": {"NONE": "1"}}, "price book B names the SKU 'NONE'"),
        ({"prices": {"UL-KOCHER": 44.9}}, "price book B, UL-KOCHER: 44.9 is no price"),
        ({"prices": {"UL-KOCHER": "-1"}}, "'-1' is no decimal text"),
        ({"prices": {"UL-KOCHER": "a"}}, "'a' is no decimal text"),
        ({"prices": {"UL-KOCHER": [[10, 44.9]]}}, "44.9 is no decimal text"),
        ({"prices": {"UL-KOCHER": [["10"]]}}, "is no pair of units and price"),
        ({"prices": {"UL-KOCHER": [[10, "5"], ["10", "4"]]}}, "two prices begin at 10 units"),
    ],
)
def test_a_price_book_that_names_nothing_or_asks_no_price_is_refused(
    tmp_path: Path, book: Draft, problem: str
) -> None:
    named = {"name": "B", **book} if book else {}
    with pytest.raises(ShopError, match=problem) as caught:
        load_shop(with_till(tmp_path / "shop", price_books=[named]))
    assert Path(caught.value.file).name == "lightspeed.json"


def test_the_group_of_all_customers_need_not_be_listed(tmp_path: Path) -> None:
    book = {"name": "B", "customer_groups": ["All Customers"]}
    folder = with_till(tmp_path / "shop", customer_groups=[], price_books=[book], customers=[])
    till = load_shop(folder).lightspeed
    assert till.price_books == [book]
