"""Inventory entries: read once each, written once, and never where somebody else counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pandas as pd
import pytest

from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.commercetools.inventory.update_actions import entry_key, hashed_key
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
)
from retail_sync.records.ports.inventory import EntryWrite
from retail_sync.records.ports.products import RawPage, Window
from sandbox.server import SandboxServer
from tests.commercetools.stocked import (
    LOCATIONS,
    entries,
    fill,
    found,
    run,
    stock,
    stock_settings,
    walked,
    write,
)
from tests.commercetools.world import World, rows_of

ALL = stock_settings(channels=[{"key": None, "locations": ["Berlin"]}])


@pytest.fixture
def world() -> World:
    world = World()
    fill(world)
    return world


def creation(sku: str = "J-1", channel: str = "berlin", units: int = 5) -> EntryWrite:
    return EntryWrite("c1", sku, channel, units)


# ---------------------------------------------------------------- reading


def test_an_entry_names_its_channel_by_key_none_as_empty_and_an_unknown_one_by_its_id(world: World) -> None:
    stock(world, "A", "berlin", 5)
    stock(world, "B", None, 7)
    gone = stock(world, "C", "depot", 9)
    channel = gone["supplyChannel"]["id"]
    unknown = {"id": "x", "version": 1, "sku": "C", "supplyChannel": {"typeId": "channel", "id": "nobody"}}
    table = entries(world).set_index("sku")
    assert list(table["channel"][["A", "B", "C"]]) == ["berlin", "", "depot"]
    assert channel not in table["channel"].tolist()
    read = run(world, lambda a: _table(a, [unknown]))
    assert read["channel"].tolist() == ["?nobody"]


def test_a_figure_that_is_not_shown_is_unknown_and_not_zero(world: World) -> None:
    read = run(world, lambda a: _table(a, [{"id": "x", "sku": "A"}]))
    assert read[["on_stock", "available", "version", "modified_at"]].isna().all(axis=None)


async def _table(adapter: CommercetoolsStock, rows: list[dict[str, object]]) -> pd.DataFrame:
    return adapter.to_entries(rows)


def test_a_delta_loses_no_entry_that_shares_its_time_with_others(world: World) -> None:
    world.store.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    ids = sorted(stock(world, f"S-{n}", None, n)["id"] for n in range(7))
    window = Window("2025-12-31T00:00:00.000Z", "2026-01-02T00:00:00.000Z")

    async def use(adapter: CommercetoolsStock) -> list[RawPage]:
        pages = [page async for page in adapter.entries.walk(window)]
        again = [page async for page in adapter.entries.walk(window, position=pages[0].position)]
        assert rows_of(again) == rows_of(pages)[3:]
        return pages

    pages = run(world, use, stock_settings(page_size=3))
    assert [row["id"] for row in rows_of(pages)] == ids


def test_a_search_shows_what_was_just_written(world: World) -> None:
    stock(world, "A", "berlin", 5)
    stock(world, "B", "berlin", 5)

    async def use(adapter: CommercetoolsStock) -> list[int]:
        (row,) = await found(adapter.entries, "A")
        await adapter.write(EntryWrite("c", "A", "berlin", 3, row["id"], row["version"]))
        return [row["quantityOnStock"] for row in await found(adapter.entries, "A", "nobody")]

    assert run(world, use) == [3]
    assert run(world, lambda a: found(a.entries)) == []


# ---------------------------------------------------------------- writing


def test_a_new_entry_has_a_key_that_follows_from_its_pair(world: World) -> None:
    written = write(world, creation())
    (stored,) = world.store.all("inventory")
    assert stored["key"] == "J-1_berlin" and stored["quantityOnStock"] == 5
    assert written.row["quantityOnStock"] == 5 and "supplyChannel" in written.row
    assert [e.context.get("change") for e in world.sink.exchanges if e.id == written.exchange_id] == ["c1"]


def test_a_pair_whose_signs_no_key_may_hold_gets_a_hash(world: World) -> None:
    write(world, creation("Größe 1/2"))
    assert world.store.all("inventory")[0]["key"] == hashed_key("Größe 1/2", "berlin")
    assert len(entry_key("S" * 300, "berlin")) < 256
    assert entry_key("a\n", "b") != entry_key("a", "\nb")


def test_a_key_that_another_pair_has_is_no_duplicate_of_this_one(world: World) -> None:
    stock(world, "other", None, 1, key="J-1_berlin")
    write(world, creation())
    assert len(world.store.all("inventory")) == 2


def test_an_entry_without_a_channel_is_written_without_one(world: World) -> None:
    write(world, creation(channel=""), ALL)
    assert "supplyChannel" not in world.store.all("inventory")[0]


def test_a_pair_that_has_an_entry_is_a_duplicate_even_if_its_key_is_the_same(world: World) -> None:
    stock(world, "J-1", "berlin", 1)
    with pytest.raises(DuplicateInTarget):
        write(world, creation())
    world.store.delete("inventory", id=world.store.all("inventory")[0]["id"])
    write(world, creation())
    with pytest.raises(DuplicateInTarget):
        write(world, creation())
    assert len(world.store.all("inventory")) == 1


def test_an_update_sets_the_quantity_at_the_version_the_plan_saw(world: World) -> None:
    entry = stock(world, "J-1", "berlin", 1)
    written = write(world, EntryWrite("c", "J-1", "berlin", 4, entry["id"], entry["version"]))
    assert written.row["quantityOnStock"] == 4
    with pytest.raises(StaleTarget):
        write(world, EntryWrite("c", "J-1", "berlin", 9, entry["id"], entry["version"]))
    assert world.store.get("inventory", id=entry["id"])["quantityOnStock"] == 4  # type: ignore[index]


def test_what_is_reserved_stays_reserved_when_the_quantity_is_set(world: World) -> None:
    entry = stock(world, "J-1", "berlin", 10)
    world.store.set_project(inventory={"reservationExpirationInMinutes": 10})
    world.store.fill_cart("J-1", "berlin", 3)
    version = world.store.get("inventory", id=entry["id"])["version"]  # type: ignore[index]
    written = write(world, EntryWrite("c", "J-1", "berlin", 8, entry["id"], version))
    assert (written.row["quantityOnStock"], written.row["availableQuantity"]) == (8, 5)


@pytest.mark.parametrize("sets", [True, False], ids=["changeQuantity", "removeQuantity"])
@pytest.mark.parametrize("before, wanted", [(3, -2), (-5, -2), (0, -1)])
def test_a_quantity_below_zero_is_set_or_where_that_is_refused_reached_by_a_difference(
    world: World, sets: bool, before: int, wanted: int
) -> None:
    """`removeQuantity` is documented to lead below zero; of `changeQuantity` nothing is said."""
    entry = stock(world, "J-1", "berlin", before)
    world.store.sets_below_zero = sets
    written = write(world, EntryWrite("c", "J-1", "berlin", wanted, entry["id"], entry["version"], before))
    assert (written.row["quantityOnStock"], written.row["availableQuantity"]) == (wanted, wanted)


@pytest.mark.parametrize("sets", [True, False], ids=["drafted", "removeQuantity"])
def test_a_new_entry_starts_below_zero(world: World, sets: bool) -> None:
    world.store.sets_below_zero = sets
    written = write(world, EntryWrite("c", "J-9", "berlin", -2))
    assert written.row["quantityOnStock"] == -2


def test_a_project_that_refuses_to_set_below_zero_is_asked_once_only(world: World) -> None:
    entries = [stock(world, f"J-{n}", "berlin", 1) for n in range(3)]
    world.store.sets_below_zero = False

    async def write_all(adapter: CommercetoolsStock) -> None:
        for n, entry in enumerate(entries):
            await adapter.write(EntryWrite("c", f"J-{n}", "berlin", -1, entry["id"], entry["version"], 1))

    run(world, write_all, writing=True)
    actions = [
        json.loads(exchange.request_body or "")["actions"][0]["action"]
        for exchange in world.sink.exchanges
        if exchange.method == "POST" and "/inventory/" in exchange.url
    ]
    assert actions == ["changeQuantity", *["removeQuantity"] * 3]


def test_a_refusal_that_is_not_about_the_quantity_is_told_as_it_is(world: World) -> None:
    entry = stock(world, "J-1", "berlin", 5)
    with pytest.raises(StaleTarget):
        write(world, EntryWrite("c", "J-1", "berlin", -1, entry["id"], entry["version"] - 1, 5))


@pytest.mark.parametrize("channel", ["depot", "warehouse", "", "?someone"])
def test_no_entry_is_written_of_a_channel_that_lightspeed_does_not_fill(world: World, channel: str) -> None:
    with pytest.raises(RecordRejected) as refused:
        write(world, creation(channel=channel))
    assert refused.value.code == "not_owned"
    assert not world.requests("POST", "inventory")


# ---------------------------------------------------------------- channels


def test_reading_needs_no_channel_to_be_there_and_writing_needs_all_of_them() -> None:
    bare = World()
    bare.store.create("channels", {"key": "depot", "roles": ["OrderExport"]})
    config = stock_settings(
        [{**place, "owner": "lightspeed"} for place in LOCATIONS],
        channels=[{"key": None, "locations": ["Berlin"]}],
    )
    assert rows_of(run(bare, lambda a: walked(a.entries), config)) == []
    with pytest.raises(ConfigurationFault) as fault:
        run(bare, lambda a: walked(a.entries), config, writing=True)
    assert "berlin (does not exist)" in fault.value.message and "depot (no role" in fault.value.message
    assert "create_channels" in fault.value.remedy


def test_missing_channels_and_roles_are_made_where_the_settings_say_so() -> None:
    bare = World()
    bare.store.create("channels", {"key": "depot", "roles": ["OrderExport"]})
    owned = [{**place, "owner": "lightspeed"} for place in LOCATIONS]
    config = stock_settings(owned, create_channels=True)
    for _ in range(2):
        run(bare, lambda a: walked(a.entries), config, writing=True)
    roles = {c["key"]: c["roles"] for c in bare.store.all("channels")}
    assert roles["berlin"] == ["InventorySupply"]
    assert set(roles["depot"]) == {"OrderExport", "InventorySupply"}
    assert len(bare.requests("POST", "/channels")) == 2


@pytest.mark.parametrize("fault", ["status", "status_after", "timeout_after"])
def test_fault_a8_a_channel_without_an_answer_is_looked_for_and_made_once(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("retail_sync.transport.creating.PAUSE_SECONDS", 0.0)
    with SandboxServer((bare := World()).app) as server:
        bare.url = server.url
        bare.store.create("channels", {"key": "depot", "roles": ["OrderExport"]})
        bare.faults.add({"match": "/channels", "method": "POST", "kind": fault, "status": 504, "times": 2})
        owned = [{**place, "owner": "lightspeed"} for place in LOCATIONS]
        run(bare, lambda a: walked(a.entries), stock_settings(owned, create_channels=True), writing=True)
    keys = [c["key"] for c in bare.store.all("channels")]
    assert sorted(keys) == sorted(set(keys)) and "berlin" in keys
    roles = {c["key"]: c["roles"] for c in bare.store.all("channels")}
    assert all("InventorySupply" in roles[key] for key in ("berlin", "depot"))


def test_fault_a8_a_channel_that_never_gets_an_answer_keeps_only_its_own_entries_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retail_sync.transport.creating.PAUSE_SECONDS", 0.0)
    bare = World()
    bare.store.create("channels", {"key": "depot", "roles": ["InventorySupply"]})
    bare.faults.add({"match": "/channels", "method": "POST", "kind": "status", "status": 504, "times": None})
    owned = [{**place, "owner": "lightspeed"} for place in LOCATIONS]
    config = stock_settings(owned, create_channels=True)

    async def use(adapter: CommercetoolsStock) -> None:
        await adapter.write(EntryWrite("c-1", "A", "depot", 1, None, None))
        with pytest.raises(RecordRejected):
            await adapter.write(EntryWrite("c-2", "A", "berlin", 1, None, None))

    run(bare, use, config, writing=True)


def test_the_channel_of_a_location_somebody_else_counts_is_not_asked_for() -> None:
    bare = World()
    bare.store.create("channels", {"key": "berlin", "roles": ["InventorySupply"]})
    run(bare, lambda a: walked(a.entries), writing=True)


def test_150_skus_of_60_cyrillic_letters_are_asked_for_in_addresses_a_gateway_takes(world: World) -> None:
    skus = [f"{number:03d}-" + "Ж" * 56 for number in range(150)]
    stock(world, skus[0], "berlin", 1)
    stock(world, skus[-1], "berlin", 2)

    async def use(adapter: CommercetoolsStock) -> tuple[list[str], int]:
        seen = [str(row["sku"]) async for page in adapter.entries.search(skus) for row in page.rows]
        orders = [row async for page in adapter.orders.search(skus) for row in page.rows]
        return seen, len(orders)

    assert run(world, use) == ([skus[0], skus[-1]], 0)
