"""Walks read every row once, in an order that no edit in between can break, with as few requests as there are pages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.ports.products import RawPage, Window
from sandbox.faults import FaultRule
from tests.commercetools.world import PROJECT, World, pages, settings, variant

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = settings(limits={"page_size": 3})


def crowd(world: World, count: int, *, seconds: float = 0.0) -> list[str]:
    """`count` products, each `seconds` after the one before; returns their ids in the order of ids."""
    ids = []
    for number in range(count):
        world.store.clock.set(T0 + timedelta(seconds=seconds * number))
        ids.append(world.product(variant(f"P-{number}"), key=f"p-{number}")["id"])
    world.store.clock.run()
    return sorted(ids)


def ids_of(found: list[RawPage]) -> list[str]:
    return [row["id"] for page in found for row in page.rows]


async def delta(
    adapter: CommercetoolsProducts, lower: datetime, upper: datetime, position: str | None = None
) -> list[RawPage]:
    window = Window(queries.moment(lower), queries.moment(upper))
    return [page async for page in adapter.walk(window, position=position)]


def test_no_request_ever_uses_an_offset_or_asks_for_a_total(world: World) -> None:
    crowd(world, 7)
    world.run(pages, SMALL)
    world.run(lambda a: delta(a, T0 - timedelta(1), T0 + timedelta(1)), SMALL)
    walked = [parse_qs(r.query) for r in world.requests("GET", "/product-projections")]
    assert len(walked) == 6
    assert all("offset" not in q and q["withTotal"] == ["false"] for q in walked)


def test_the_cursor_of_a_full_walk_is_known_only_at_its_end(world: World) -> None:
    crowd(world, 4)
    found = world.run(pages, SMALL)
    assert [page.cursor is None for page in found] == [True, False]
    assert queries.parse_moment(str(found[-1].cursor)) < datetime.now(UTC)


def test_rows_with_one_timestamp_are_all_read_across_pages(world: World) -> None:
    ids = crowd(world, 11)
    found = world.run(lambda a: delta(a, T0, T0 + timedelta(seconds=1)), SMALL)
    assert ids_of(found) == ids


def test_a_delta_is_read_in_the_order_of_time_and_its_pages_carry_safe_cursors(world: World) -> None:
    crowd(world, 7, seconds=60)
    found = world.run(lambda a: delta(a, T0, T0 + timedelta(hours=1)), SMALL)
    times = [row["lastModifiedAt"] for page in found for row in page.rows]
    assert times == sorted(times) and len(times) == 7
    assert [page.cursor for page in found] == [times[2], times[5], queries.moment(T0 + timedelta(hours=1))]


def test_a_delta_holds_its_lower_end_and_not_its_upper_end(world: World) -> None:
    crowd(world, 4, seconds=60)
    found = world.run(lambda a: delta(a, T0 + timedelta(seconds=60), T0 + timedelta(seconds=180)))
    assert len(ids_of(found)) == 2


@pytest.mark.parametrize("code", ["QueryTimedOut", "ContentTooLarge"])
def test_a_page_that_is_too_much_is_asked_for_in_halves(world: World, code: str) -> None:
    ids = crowd(world, 10)
    status = 503 if code == "QueryTimedOut" else 400
    body = {"statusCode": status, "message": "too much", "errors": [{"code": code, "message": "too much"}]}
    rule = FaultRule(
        match="product-projections", query="limit=8(&|$)", kind="status", status=status, body=body, times=None
    )
    world.faults.add(rule)
    found = world.run(pages, settings(limits={"page_size": 8}))
    assert ids_of(found) == ids
    assert len(world.requests("GET", "/product-projections")) < 10


def test_the_current_side_is_read_with_one_more_request_for_a_page_with_drafts(world: World) -> None:
    for number in range(4):
        product = world.product(variant(f"J-{number}"), key=f"jacket-{number}")
        if number < 2:
            world.edit(product, {"action": "changeName", "name": {"en-GB": "Draft"}, "staged": True})
    world.edit(product, {"action": "unpublish"})
    tables = world.read()
    assert set(tables.products["name.en-GB"]) == {f"Jacket-{n}" for n in range(4)}
    assert sorted(tables.products["published"]) == [False, True, True, True]
    assert len(world.requests("GET", "/product-projections")) == 2
    drafts = world.read(settings(projection="staged"))
    assert set(drafts.products["name.en-GB"]) == {"Draft", "Jacket-2", "Jacket-3"}


@pytest.mark.parametrize("kind", ["empty_list", "short_list"])
def test_no_draft_is_taken_for_what_customers_see_because_a_list_came_short(world: World, kind: str) -> None:
    for number in range(4):
        product = world.product(variant(f"J-{number}"), key=f"jacket-{number}")
        world.edit(product, {"action": "changeName", "name": {"en-GB": "Draft"}, "staged": True})
    # The second list of a read is that of the current side.
    rule = {"match": "/product-projections$", "kind": kind, "share": 0.7, "after": 1, "times": None}
    world.faults.add(rule)
    assert set(world.read().products["name.en-GB"]) == {f"Jacket-{n}" for n in range(4)}


def test_unpublishing_is_seen_by_a_delta(world: World) -> None:
    product = world.product()
    upper = datetime.now(UTC) + timedelta(hours=1)
    since = datetime.now(UTC)
    world.edit(product, {"action": "unpublish"})

    async def use(adapter: CommercetoolsProducts) -> list[bool]:
        rows = [
            row for page in await delta(adapter, since - timedelta(seconds=1), upper) for row in page.rows
        ]
        return list(adapter.to_records(rows).variants["active"])

    assert world.run(use) == [False]


def test_fetch_and_search_find_whole_products_wherever_the_sku_sits(world: World) -> None:
    first = world.product(variant("A-1"), variant('A "2"'), key="first")
    second = world.product(variant("B-1"), key="second")
    world.product(variant("C-1"), key="third")

    async def use(adapter: CommercetoolsProducts) -> tuple[set[str], set[str]]:
        found = [page async for page in adapter.search(['A "2"', "B-1", "", "nowhere"])]
        fetched = [page async for page in adapter.fetch([first["id"], second["id"], first["id"]])]
        return set(ids_of(found)), set(ids_of(fetched))

    assert world.run(use) == ({first["id"], second["id"]}, {first["id"], second["id"]})


def test_many_identifiers_are_asked_for_in_batches_that_fit_an_address() -> None:
    batches = queries.in_batches([*(f"sku-{n}" for n in range(400)), "sku-1", *("x" * 900 for _ in range(3))])
    assert sorted({i for b in batches for i in b}) == sorted({*(f"sku-{n}" for n in range(400)), "x" * 900})
    assert all(len(b) <= queries.MOST_IDENTIFIERS for b in batches)
    assert all(len(queries.one_of("sku", b)) <= queries.LONGEST_PREDICATE + 20 for b in batches)


@given(st.lists(st.text(max_size=60), max_size=300), st.sampled_from([1, 2]))
def test_batches_are_cut_by_the_encoded_length_and_lose_nothing(names: list[str], mentions: int) -> None:
    batches = queries.in_batches(names, mentions=mentions)
    assert [one for batch in batches for one in batch] == list(dict.fromkeys(names))
    for batch in batches:
        address = quote(queries.one_of("sku", batch), safe="")
        assert len(batch) == 1 or mentions * len(address) <= queries.LONGEST_PREDICATE + mentions * 40


def test_150_skus_of_60_cyrillic_letters_are_found_through_a_gateway_of_8_kb(world: World) -> None:
    skus = [f"{number:03d}-" + "Ж" * 56 for number in range(150)]
    ids = {world.product(variant(sku), key=f"p-{n}")["id"] for n, sku in enumerate(skus)}

    async def use(adapter: CommercetoolsProducts) -> list[str]:
        return ids_of([page async for page in adapter.search(skus)])

    found = world.run(use)
    assert sorted(found) == sorted(ids)


# ------------------------------------------------------------ windows and clocks


def test_a_window_trails_the_servers_clock_and_looks_back_over_the_overlap(world: World) -> None:
    world.store.clock.set(datetime(2030, 5, 1, 12, 0, tzinfo=UTC)) if hasattr(
        world.store.clock, "set"
    ) else None

    async def use(adapter: CommercetoolsProducts) -> tuple[datetime, Window]:
        return await adapter.server_time(), await adapter.open_window("2026-02-01T00:00:00.000Z", full=False)

    now, window = world.run(use)
    assert window.lower == "2026-01-31T23:55:00.000Z"
    gap = now - queries.parse_moment(str(window.upper))
    assert timedelta(seconds=58) < gap < timedelta(seconds=62)


def test_a_window_is_never_upside_down(world: World) -> None:
    window = world.run(lambda a: a.open_window("2100-01-01T00:00:00.000Z", full=False))
    assert window.lower == window.upper


def test_without_the_scope_for_custom_objects_the_date_header_tells_the_time(served: World) -> None:
    served.store.add_client(
        "reader", "secret", [f"view_products:{PROJECT}", f"view_project_settings:{PROJECT}"]
    )

    async def main() -> datetime:
        async with served.client(settings(), client_id="reader", client_secret="secret") as client:
            return await queries.server_clock(client)

    told = asyncio.run(main())
    assert abs(told - datetime.now(UTC)) < timedelta(hours=1)


@pytest.mark.parametrize("text", ["2026-01-01", "yesterday", "2026-01-01T00:00:00"])
def test_a_time_without_zone_is_no_time(text: str) -> None:
    with pytest.raises(ProtocolFault):
        queries.parse_moment(text)
