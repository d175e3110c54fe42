"""Levels: exact, negative where they are, unknown where they are not said, and none missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from retail_sync.lightspeed.x_series.inventory.read import LEVELS, levels_table
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.inventory import parts
from retail_sync.records.rows import UnreadableRows
from sandbox.faults import FaultRule
from tests.lightspeed.stocked import LOCATIONS, levels, product, run, stock_settings, walked
from tests.lightspeed.till import Till, make_settings, read_all

VERSIONS = ("2026-07", "2026-01")
"""The one lists levels with a POST, the other as 2.0 does."""


def of(till: Till, name: str) -> str:
    return str(getattr(till.store, name))


# ---------------------------------------------------------------- what a row says


@pytest.mark.parametrize("name", ["current_inventory_level", "inventory_level"])
@pytest.mark.parametrize(
    ("said", "level"),
    [
        (10, 1_000_000),
        ("10", 1_000_000),
        ("-2.5", -250_000),
        ("0.00001", 1),
        (0, 0),
        ("10.00000", 1_000_000),
        (None, None),
        ("", None),
    ],
)
def test_a_level_is_read_exactly_and_what_is_not_said_is_unknown(
    name: str, said: Any, level: int | None
) -> None:
    row = {"product_id": "p", "outlet_id": "o", name: said, "version": "27561014304"}
    table = levels_table([row])
    assert table["level"].isna().tolist() == [level is None]
    assert level is None or table["level"].tolist() == [level]
    assert table["version"].tolist() == [27561014304]


def test_a_row_without_a_level_is_unknown_and_a_deleted_one_keeps_its_proof() -> None:
    times = (None, "2026-07-27T10:03:38+00:00", "2026-07-27 10:03:38")
    table = levels_table([{"product_id": "p", "outlet_id": "o", "deleted_at": at} for at in times])
    assert table["level"].isna().all() and table["version"].isna().all()
    assert table["deleted_at"].isna().tolist() == [True, False, False]
    assert table["deleted_at"][1] == table["deleted_at"][2]
    assert levels_table([]).empty


def test_a_row_that_names_no_product_or_outlet_is_not_guessed_at() -> None:
    for row in (
        {"product_id": "p"},
        {"outlet_id": "o"},
        {"product_id": "p", "outlet_id": "o", LEVELS[0]: "many"},
    ):
        with pytest.raises(UnreadableRows):
            levels_table([row])


# ---------------------------------------------------------------- walking


@pytest.mark.parametrize("version", VERSIONS)
def test_both_shapes_of_the_api_tell_the_same_levels(till: Till, version: str) -> None:
    shirt = product(till)
    till.store.set_stock(shirt, of(till, "berlin"), "2.5")
    till.store.set_stock(shirt, of(till, "hamburg"), "-3")
    table = run(till, levels, version=version).set_index("outlet_id")
    assert table["level"][of(till, "berlin")] == parts(2) + 50_000
    assert table["level"][of(till, "hamburg")] == -parts(3)
    assert set(table["product_id"]) == {shirt}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_delta_shows_what_moved_since_and_nothing_else(till: Till, version: str) -> None:
    one, other = product(till, "A"), product(till, "B")
    cursor = run(till, walked, version=version)[-1].cursor
    till.store.set_stock(other, of(till, "berlin"), 7)
    table = run(till, lambda a: levels(a, cursor), version=version)
    assert table[["product_id", "level"]].values.tolist() == [[other, parts(7)]]
    page = run(till, lambda a: a.changed_since(str(cursor)), version=version)
    assert [row["product_id"] for row in page.rows] == [other] and int(page.cursor or 0) > int(cursor or 0)
    assert run(till, lambda a: a.changed_since(str(page.cursor)), version=version).rows == []
    assert one not in table["product_id"].tolist()


def test_levels_of_a_deleted_product_come_with_their_proof(till: Till) -> None:
    shirt = product(till)
    till.store.set_stock(shirt, of(till, "berlin"), 1)
    till.store.delete_product(shirt)
    table = run(till, levels)
    assert table["product_id"].tolist() == [shirt] * 2 and table["deleted_at"].notna().all()


def test_an_envelope_around_the_levels_is_understood(open_till: Callable[..., Till]) -> None:
    till = open_till(inventory_bare_array=False)
    product(till)
    assert len(run(till, levels)) == 2


def test_a_read_by_post_is_repeated_when_it_fails_in_passing(till: Till) -> None:
    product(till)
    till.faults.add(FaultRule(match="/inventory", method="POST", kind="status", status=502))
    till.faults.add(FaultRule(match="/inventory", method="POST", kind="truncate_json", after=1))
    assert len(run(till, levels)) == 2


def test_what_goods_cost_stays_behind(till: Till) -> None:
    product(till, supply_price="3.33")
    for version in VERSIONS:
        assert "cost" not in json.dumps([page.rows for page in run(till, walked, version=version)])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_search_shows_the_levels_of_products_now_and_nothing_for_one_that_is_gone(
    till: Till, version: str
) -> None:
    shirt = product(till)
    till.store.set_stock(shirt, of(till, "berlin"), 4)

    async def use(adapter: Any) -> list[Any]:
        return [page async for page in adapter.levels.search([shirt, "0af7-gone", shirt])]

    pages = run(till, use, version=version)
    assert [len(page.rows) for page in pages] == [2, 0]
    assert [page.last for page in pages] == [False, True]


# ---------------------------------------------------------------- outlets


def test_locations_find_their_outlets_whatever_the_capitals(till: Till) -> None:
    async def use(adapter: Any) -> Any:
        return adapter.outlets

    assert run(till, use) == {"Shop": of(till, "berlin"), "Depot": of(till, "hamburg")}


def test_a_location_without_an_outlet_or_with_two_is_named(till: Till) -> None:
    till.store.add_outlet("Hamburg")

    async def use(adapter: Any) -> Any:
        return adapter.outlets

    config = stock_settings([*LOCATIONS, {"name": "Attic", "outlet": "Nowhere"}])
    with pytest.raises(ConfigurationFault) as fault:
        run(till, use, config)
    assert "Attic" in fault.value.message and "Depot" in fault.value.message
    assert "Shop" not in fault.value.message


# ---------------------------------------------------------------- parts of composites


def test_a_composite_shows_its_parts_and_others_that_they_have_none(till: Till) -> None:
    cup, spoon = product(till, "CUP"), product(till, "SPOON")
    kit = till.store.add_composite("Kit", [(cup, 1), (spoon, "2.5")], sku="KIT")
    tables = till.run(make_settings(), read_all)
    shown = tables.variants.set_index("id")["parts"]
    assert json.loads(shown[kit]) == sorted([[cup, "1"], [spoon, "2.5"]])
    assert shown[cup] == "[]"
    queries = [exchange.url for exchange in till.exchanges.kept if "/products?" in exchange.url]
    assert queries and all("composite_products" in url for url in queries)


def test_a_composite_that_does_not_show_its_parts_has_unknown_ones(till: Till) -> None:
    kit = till.store.add_composite("Kit", [(product(till, "CUP"), 1)], sku="KIT")
    till.faults.add(FaultRule(match="/products$", kind="drop_fields", fields=["composite_bom"], times=None))
    tables = till.run(make_settings(), read_all)
    assert tables.variants.set_index("id")["parts"].isna()[kit]
