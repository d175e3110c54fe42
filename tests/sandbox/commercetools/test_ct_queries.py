"""Pages are complete, ordered and within their limits."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, draft

FIGURES = 45


@pytest.fixture
def stocked(store: CommercetoolsStore, clock: Clock) -> CommercetoolsStore:
    """Inventory entries in groups that share one millisecond, as bulk writes do."""
    from datetime import UTC, datetime

    clock.set(datetime(2026, 11, 23, 8, tzinfo=UTC))
    for number in range(FIGURES):
        if number % 7 == 0:
            clock.advance(0.001)
        store.create(
            "inventory", {"sku": f"S-{number:03}", "key": f"k-{number:03}", "quantityOnStock": number % 5}
        )
    return store


def walk(api: Api, path: str, limit: int, sort: list[str], after: Any, **more: Any) -> list[dict[str, Any]]:
    """A keyset walk as clients do it; `after(row)` gives the next predicate."""
    rows: list[dict[str, Any]] = []
    while True:
        where = [after(rows[-1])] if rows else []
        page = api.get(path, limit=limit, sort=sort, withTotal="false", where=where, **more)
        assert "total" not in page
        rows += page["results"]
        if page["count"] < limit:
            return rows


def test_the_default_page_is_twenty_with_a_total(api: Api, stocked: CommercetoolsStore) -> None:
    page = api.get("inventory")
    assert {name: page[name] for name in ("limit", "offset", "count", "total")} == {
        "limit": 20,
        "offset": 0,
        "count": 20,
        "total": FIGURES,
    }


@pytest.mark.parametrize(
    "bad",
    [
        {"limit": 501},
        {"limit": -1},
        {"limit": "x"},
        {"offset": 10001},
        {"withTotal": "maybe"},
        {"sort": "sku sideways"},
        {"sort": "colour asc"},
        {"where": "colour = 1"},
        {"where": "sku ="},
    ],
)
def test_parameters_out_of_range_are_refused(api: Api, bad: dict[str, Any]) -> None:
    assert api.get("inventory", 400, **bad)["errors"][0]["code"] == "InvalidInput"


def test_the_greatest_page_and_offset_are_served(api: Api, stocked: CommercetoolsStore) -> None:
    assert api.get("inventory", limit=500)["count"] == FIGURES
    assert api.get("inventory", offset=10000)["results"] == []
    assert api.get("inventory", limit=0)["results"] == []
    assert api.get("inventory", limit=10, offset=40)["count"] == 5


@pytest.mark.parametrize("limit", [1, 7, 10, 500])
def test_an_id_walk_reads_everything_once_in_order(api: Api, stocked: CommercetoolsStore, limit: int) -> None:
    ids = [row["id"] for row in walk(api, "inventory", limit, ["id asc"], lambda row: f'id > "{row["id"]}"')]
    assert ids == sorted(row["id"] for row in stocked.all("inventory"))


@pytest.mark.parametrize("limit", [1, 4, 500])
def test_a_time_walk_reads_rows_of_the_same_millisecond_once(
    api: Api, stocked: CommercetoolsStore, limit: int
) -> None:
    def after(row: dict[str, Any]) -> str:
        at, id = row["lastModifiedAt"], row["id"]
        return f'lastModifiedAt > "{at}" or (lastModifiedAt = "{at}" and id > "{id}")'

    rows = walk(api, "inventory", limit, ["lastModifiedAt asc", "id asc"], after)
    assert [(row["lastModifiedAt"], row["id"]) for row in rows] == sorted(
        (row["lastModifiedAt"], row["id"]) for row in stocked.all("inventory")
    )


def test_a_time_walk_sees_a_row_again_at_its_new_place(
    api: Api, stocked: CommercetoolsStore, clock: Clock
) -> None:
    first = stocked.all("inventory")[0]
    clock.advance(60)
    stocked.update("inventory", [{"action": "addQuantity", "quantity": 1}], id=first["id"])
    page = api.get("inventory", limit=500, sort=["lastModifiedAt asc", "id asc"], withTotal="false")
    assert page["count"] == FIGURES
    assert page["results"][-1]["id"] == first["id"]


def test_several_predicates_all_hold(api: Api, stocked: CommercetoolsStore) -> None:
    page = api.get("inventory", where=['sku > "S-010"', "quantityOnStock = 1"], limit=500)
    assert [row["sku"] for row in page["results"]] == [f"S-{n:03}" for n in range(11, FIGURES) if n % 5 == 1]
    assert page["total"] == page["count"]


def test_variables_of_the_query_string_reach_the_predicate(api: Api, stocked: CommercetoolsStore) -> None:
    page = api.get(
        "inventory",
        where="sku in :skus and quantityOnStock >= :least",
        **{"var.skus": ["S-001", "S-002", "S-005"], "var.least": "1"},
    )
    assert {row["sku"] for row in page["results"]} == {"S-001", "S-002"}


def test_several_sort_keys_count_in_their_order(api: Api, stocked: CommercetoolsStore) -> None:
    rows = api.get("inventory", sort=["quantityOnStock desc", "sku asc"], limit=500)["results"]
    seen = [(-row["quantityOnStock"], row["sku"]) for row in rows]
    assert seen == sorted(seen)


def test_an_id_walk_may_run_downwards(api: Api, stocked: CommercetoolsStore) -> None:
    ids = [row["id"] for row in api.get("inventory", sort="id desc", limit=500)["results"]]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    "where",
    [
        'sku = "S-003"',
        'sku in ("S-003")',
        'key = "k-003"',
        'sku = "S-003" and quantityOnStock = 3',
        'not(sku != "S-003")',
    ],
)
def test_an_index_finds_what_a_full_search_finds(api: Api, stocked: CommercetoolsStore, where: str) -> None:
    assert [row["sku"] for row in api.get("inventory", where=where)["results"]] == ["S-003"]


def test_an_index_forgets_what_is_gone(api: Api, stocked: CommercetoolsStore) -> None:
    row = api.get("inventory/key=k-003")
    api.delete(f"inventory/{row['id']}", version=row["version"])
    assert api.get("inventory", where='sku = "S-003"')["results"] == []
    assert row["id"] not in [
        found["id"] for found in api.get("inventory", sort="id asc", limit=500)["results"]
    ]
    api.get("inventory/key=k-003", 404)


def test_a_channel_less_slot_can_be_asked_for(api: Api, stocked: CommercetoolsStore) -> None:
    store_entry = {
        "sku": "S-001",
        "quantityOnStock": 9,
        "supplyChannel": {"typeId": "channel", "key": "warehouse"},
    }
    entry = api.post("inventory", store_entry, 201)
    channel = entry["supplyChannel"]["id"]
    of_channel = api.get("inventory", where=f'sku in ("S-001", "S-002") and supplyChannel(id="{channel}")')
    assert [row["id"] for row in of_channel["results"]] == [entry["id"]]
    without = api.get("inventory", where='sku = "S-001" and supplyChannel is not defined')
    assert [row["quantityOnStock"] for row in without["results"]] == [1]


def test_expansion_puts_the_object_beside_the_reference(api: Api) -> None:
    body = draft(
        taxCategory={"typeId": "tax-category", "key": "standard"},
        categories=[{"typeId": "category", "key": "shirts"}],
        publish=True,
    )
    body["masterVariant"]["prices"] = [
        {"value": {"currencyCode": "EUR", "centAmount": 1}, "channel": {"typeId": "channel", "key": "web"}}
    ]
    api.post("products", body, 201)
    paths = ["taxCategory", "categories[*]", "masterVariant.prices[*].channel", "nothing.there"]
    (row,) = api.get("product-projections", expand=paths)["results"]
    assert row["taxCategory"]["obj"]["key"] == "standard"
    assert row["categories"][0]["obj"]["key"] == "shirts"
    assert row["masterVariant"]["prices"][0]["channel"]["obj"]["key"] == "web"
    (plain,) = api.get("product-projections")["results"]
    assert "obj" not in plain["taxCategory"]
    assert api.get("products/key=key-a", expand="taxCategory")["taxCategory"]["obj"]["key"] == "standard"


def test_an_expanded_page_is_never_served_from_before(api: Api, store: CommercetoolsStore) -> None:
    api.post("products", draft(taxCategory={"typeId": "tax-category", "key": "standard"}, publish=True), 201)

    def name() -> str:
        (row,) = api.get("product-projections", expand="taxCategory")["results"]
        return str(row["taxCategory"]["obj"]["name"])

    assert name() == "Standard"
    store.update("tax-categories", [{"action": "changeName", "name": "Normal"}], key="standard")
    assert name() == "Normal"


def test_head_answers_without_a_body(api: Api) -> None:
    assert (api.send("HEAD", "channels").status_code, api.send("HEAD", "channels").content) == (200, b"")
    assert api.send("HEAD", "products").status_code == 404
    assert api.send("HEAD", "products/key=none").status_code == 404


def test_a_bulk_of_the_same_seed_is_the_same(clock: Clock) -> None:
    def ids() -> list[str]:
        store = CommercetoolsStore("x", seed=4, clock=clock)
        return [store.create("channels", {"key": f"c{n}"})["id"] for n in range(3)]

    assert ids() == ids()
