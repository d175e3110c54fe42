"""Walks: nothing is missed, nothing loops, every odd shape of a list is understood."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from retail_sync.lightspeed.x_series.api.paging import next_cursor, rows_of
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.records.rows import read_apart
from tests.lightspeed.till import Till, make_settings, read_all


def fill(till: Till, count: int) -> list[str]:
    return [till.store.add_product_family(f"P{n}", sku=f"S{n}", price="1")[0] for n in range(count)]


def paged(size: int) -> Any:
    return make_settings(limits={"lightspeed": {"page_size": size}})


async def pages(
    adapter: XSeriesProducts, cursor: str | None = None, position: str | None = None
) -> list[RawPage]:
    window = await adapter.open_window(cursor, full=cursor is None)
    return [page async for page in adapter.walk(window, position=position)]


@pytest.mark.parametrize("envelope", [True, False])
def test_a_walk_takes_every_page_and_one_empty_one(open_till: Callable[..., Till], envelope: bool) -> None:
    till = open_till(drop_version_envelope=not envelope)
    ids = fill(till, 7)
    walked = till.run(paged(3), pages)
    assert [row["id"] for page in walked for row in page.rows] == ids
    assert [len(page.rows) for page in walked] == [3, 3, 1, 0]
    assert [page.last for page in walked] == [False, False, False, True]
    assert len(till.sent("GET")) == 4
    assert walked[-1].cursor == str(max(row["version"] for page in walked for row in page.rows))


def test_a_delta_holds_what_changed_and_what_was_deleted(till: Till) -> None:
    ids = fill(till, 4)

    async def work(adapter: XSeriesProducts) -> Any:
        cursor = (await pages(adapter))[-1].cursor
        till.store.edit_product(ids[2], name="renamed")
        till.store.delete_product(ids[0])
        since = await adapter.changed_since(str(cursor))
        delta = await read_all(adapter, after=cursor)
        return since, delta, await adapter.changed_since(str(since.cursor))

    since, delta, nothing = till.run(make_settings(), work)
    assert [row["id"] for row in since.rows] == [ids[2], ids[0]]
    assert list(delta.products["deleted_at"].isna()) == [True, False]
    assert nothing.rows == [] and nothing.cursor == since.cursor


def test_an_empty_store_gives_one_empty_last_page(till: Till) -> None:
    (page,) = till.run(make_settings(), pages)
    assert (page.rows, page.cursor, page.last) == ([], "0", True)


def canned(*bodies: Any) -> httpx.MockTransport:
    """The store's reference data, and then these bodies for the product list, the last one for ever."""
    left = list(bodies)

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.rsplit("/", 1)[-1]
        if path == "products":
            body = left.pop(0) if len(left) > 1 else left[0]
        else:
            body = {"data": {"currency": {"code": "EUR"}} if path == "retailer" else []}
        return httpx.Response(200, content=json.dumps(body))

    return httpx.MockTransport(answer)


def test_product_rows_without_any_version_are_a_fault(till: Till) -> None:
    till.more = {"transport": canned({"data": [{"id": "p1"}]})}
    with pytest.raises(ProtocolFault, match="version"):
        till.run(make_settings(), pages)


def test_a_product_row_without_an_id_is_held_and_the_others_are_read(till: Till) -> None:
    rows = [{"name": "x", "version": 7}, {"id": "p1", "name": "y", "version": 8}]
    till.more = {"transport": canned({"data": rows}, [])}

    async def use(adapter: Any) -> Any:
        read = [row for page in await pages(adapter) for row in page.rows]
        return read_apart(read, adapter.to_records)

    tables, (held,) = till.run(make_settings(), use)
    assert (list(tables.variants["id"]), held.id, str(held)) == (["p1"], "", "id is missing")


@pytest.mark.parametrize(
    "ending", [{"data": []}, {"data": None}, [], None, {"data": [], "version": {"min": None, "max": None}}]
)
def test_every_kind_of_empty_page_ends_a_walk(till: Till, ending: Any) -> None:
    till.more = {"transport": canned([{"id": "p1", "version": "7"}], ending)}
    walked = till.run(make_settings(), pages)
    assert [len(page.rows) for page in walked] == [1, 0] and walked[-1].cursor == "7"


@pytest.mark.parametrize("body", [{"items": []}, "text", {"data": {"a": 1}}])
def test_a_list_that_is_none_is_a_fault(body: Any) -> None:
    with pytest.raises(ProtocolFault):
        rows_of(body, "/products")


def test_the_greatest_version_counts_wherever_it_is() -> None:
    rows = [{"version": 5}, {"version": "27561014304"}, {}]
    assert next_cursor({"version": {"min": 5, "max": 9}}, rows) == 27561014304
    assert next_cursor({"version": {"min": None, "max": None}}, rows) == 27561014304
    assert next_cursor([], [{}]) is None


def test_categories_are_walked_by_id_in_every_nesting(open_till: Callable[..., Till]) -> None:
    from retail_sync.lightspeed.x_series.api import paging

    for nested in (True, False):
        till = open_till(categories_double_nested=nested)
        for n in range(5):
            till.store.add_category(f"C{n}")

        async def work(adapter: XSeriesProducts) -> list[str]:
            return [row["name"] async for page in paging.walk_categories(adapter._client) for row in page]

        before = paging.CATEGORY_PAGE_SIZE
        paging.CATEGORY_PAGE_SIZE = 2
        try:
            assert sorted(till.run(make_settings(), work)) == [f"C{n}" for n in range(5)]
        finally:
            paging.CATEGORY_PAGE_SIZE = before


def test_fetch_and_search_give_whole_families(till: Till) -> None:
    size = till.store.add_variant_attribute("Size")
    family = till.store.add_product_family(
        "Tee",
        variants=[
            {"sku": f"T-{s}", "variant_definitions": [{"attribute_id": size, "value": s}]} for s in "SML"
        ],
    )
    other = till.store.add_product_family("Mug", sku="MUG")

    async def work(adapter: XSeriesProducts) -> Any:
        fetched = [
            page
            async for page in adapter.fetch([family[0], other[0], "0af7d2b8-gone-4000-8000-000000000000"])
        ]
        found = [page async for page in adapter.search(["T-M", "MUG", "nothing", "t-m"])]
        return fetched, found

    fetched, found = till.run(make_settings(), work)
    assert [{row["id"] for row in page.rows} for page in fetched] == [set(family), set(other), set()]
    # Capitals tell two SKUs apart, though the search index folds them.
    assert [{row["id"] for row in page.rows} for page in found] == [set(family), set(other), set(), set()]
    assert fetched[-1].last and found[-1].last and not fetched[0].last


def test_a_family_whose_parent_was_deleted_alone_is_still_found(till: Till) -> None:
    size = till.store.add_variant_attribute("Size")
    family = till.store.add_product_family(
        "Tee",
        variants=[
            {"sku": f"T-{s}", "variant_definitions": [{"attribute_id": size, "value": s}]} for s in "SML"
        ],
    )
    till.store.delete_product(family[0])

    async def work(adapter: XSeriesProducts) -> Any:
        return [page async for page in adapter.fetch([family[0]])], await read_all(adapter)

    fetched, records = till.run(make_settings(), work)
    assert {row["id"] for row in fetched[0].rows} == set(family[1:])
    assert list(records.products["id"]) == [family[0]]
    assert records.products["deleted_at"].isna().all(), "the family lives on in its other variants"
    assert records.variants["deleted_at"].notna().sum() == 1


def test_private_fields_reach_no_page_and_no_table(till: Till) -> None:
    till.store.add_product_family(
        "Mug", sku="MUG", supply_price=12, supplier_id=till.store.add_supplier("Acme")
    )
    settings = make_settings(privacy={"exclude": {"lightspeed": ["supply_price", "product_suppliers.price"]}})

    async def work(adapter: XSeriesProducts) -> Any:
        return await pages(adapter), await read_all(adapter)

    walked, records = till.run(settings, work)
    row = walked[0].rows[0]
    assert "supply_price" not in row and all("price" not in entry for entry in row["product_suppliers"])
    assert records.variants["supply_price"].isna().all()
    assert all('"supply_price":12' not in (e.response_body or "") for e in till.exchanges.kept)


def test_a_rate_limit_with_a_date_is_waited_for_and_then_passes(till: Till) -> None:
    fill(till, 2)

    async def work(adapter: XSeriesProducts) -> Any:
        till.faults.add({"match": "/products", "kind": "429", "retry_after": 1, "retry_after_style": "date"})
        return await pages(adapter)

    assert sum(len(page.rows) for page in till.run(make_settings(), work)) == 2
    assert [e.status for e in till.exchanges.kept][:2] == [429, 200]


def test_overrides_are_read_where_rows_do_not_show_them(till: Till) -> None:
    store: Any = till.store
    ids = [
        store.add_product_family(f"P{n}", sku=f"S{n}", all_outlets_tax={"tax_id": store.reduced})[0]
        for n in range(2)
    ]
    till.faults.add({"match": "/products", "kind": "drop_fields", "fields": ["outlet_taxes"], "times": None})
    records = till.run(make_settings(), read_all)
    assert dict(zip(records.products["id"], records.products["tax_class"], strict=True)) == dict.fromkeys(
        ids, "reduced"
    )


def test_window_of_a_full_run_starts_at_zero_whatever_the_cursor(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        return await asyncio.gather(
            adapter.open_window("99", full=True),
            adapter.open_window("99", full=False),
            adapter.open_window(None, full=False),
        )

    assert till.run(make_settings(), work) == [Window("0", None), Window("99", None), Window("0", None)]
