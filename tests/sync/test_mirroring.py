"""What the mirror keeps of canonical tables."""

from __future__ import annotations

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.products import ProductTables
from retail_sync.sync.products.mirror import load_side, see
from tests.sync.shop import product, side, variant


def one_product(**more: object) -> ProductTables:
    return side([product("l1", "Mug", **more)], [variant("v1", "l1", "MUG", price=9007199254740993)])


def test_a_table_comes_back_as_it_went_in_64_bit_numbers_included(ledger: Ledger) -> None:
    tables = one_product(version=2**62)
    see(ledger, "run", "lightspeed", tables)
    back = load_side(ledger, "lightspeed")
    assert int(back.products["version"].iloc[0]) == 2**62
    assert int(back.variants["price"].iloc[0]) == 9007199254740993
    assert back.products["name.en-GB"].tolist() == ["Mug"] and back.variants["sku"].tolist() == ["MUG"]


def test_a_record_without_a_version_costs_the_others_no_digit(ledger: Ledger) -> None:
    both = side([product("l1", "Mug", version=2**62 + 1), product("l2", "Cup", version=None)], [])
    see(ledger, "run", "lightspeed", both)
    back = load_side(ledger, "lightspeed").products.set_index("id")["version"]
    assert int(back["l1"]) == 2**62 + 1 and back.isna()["l2"]


def test_a_part_of_a_family_that_does_not_show_its_listing_keeps_the_known_one(ledger: Ledger) -> None:
    see(ledger, "run", "lightspeed", one_product(listed=False))
    see(ledger, "next", "lightspeed", one_product(listed=None, version=2))
    assert load_side(ledger, "lightspeed").products["listed"].tolist() == [False]
