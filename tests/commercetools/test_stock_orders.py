"""Orders that hold goods: none is missed, and nobody who ordered leaves the reader."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retail_sync.commercetools.api.queries import moment
from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.records.errors import SyncError
from sandbox.faults import FaultRule
from tests.commercetools.stocked import (
    PAST,
    fill,
    found,
    orders,
    run,
    stock,
    stock_settings,
    walked,
)
from tests.commercetools.world import Json, World, rows_of, variant

EMAIL, STREET = "ada@private.example", "Geheimweg 7"
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    world = World()
    fill(world)
    for channel in ("berlin", "depot", None):
        stock(world, "J-1", channel, 100)
        stock(world, "J-2", channel, 100)
    return world


def order(world: World, *lines: tuple[str, int, str | None], **fields: Any) -> Json:
    address = {"country": "DE", "streetName": STREET, "email": EMAIL}
    return world.store.place_order(
        lines or [("J-1", 2, "berlin")], customerEmail=EMAIL, shippingAddress=address, **fields
    )


def act(world: World, placed: Json, **action: Any) -> Json:
    return world.store.update("orders", [action], id=placed["id"])


def export(world: World, placed: Json, channel: str = "lightspeed", **more: Any) -> Json:
    return act(world, placed, action="updateSyncInfo", channel={"typeId": "channel", "key": channel}, **more)


# ---------------------------------------------------------------- privacy


def test_nobody_who_ordered_reaches_a_row_a_table_or_an_exchange(world: World) -> None:
    order(world, number="O-1")

    async def use(adapter: CommercetoolsStock) -> str:
        rows = rows_of([*await walked(adapter.orders), *await walked(adapter.orders, PAST)])
        rows += await found(adapter.orders, "J-1")
        assert len(rows) == 3
        return json.dumps(rows) + adapter.to_orders(rows).to_csv()

    shown = run(world, use)
    read = [e for e in world.sink.exchanges if "/orders" in e.url]
    assert len(read) == 3
    assert all(e.response_body is not None and e.response_body.endswith("bytes, withheld]") for e in read)
    assert not any(secret in shown + repr(read) for secret in (EMAIL, STREET))


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_nobody_who_ordered_reaches_the_text_of_an_error(world: World, status: int) -> None:
    message = f"No answer for {EMAIL}, {STREET}."
    body = {
        "statusCode": status,
        "message": message,
        "errors": [{"code": "InvalidInput", "message": message}],
    }
    world.faults.add(FaultRule(match="/orders", kind="status", status=status, body=body, times=None))
    with pytest.raises(SyncError) as fault:
        run(world, lambda a: walked(a.orders))
    told = "".join(traceback.format_exception(fault.value)) + repr(vars(fault.value))
    assert str(status) in told
    assert not any(secret in told + repr(world.sink.exchanges) for secret in (EMAIL, STREET))


def test_orders_that_can_not_be_walked_past_are_not_shown_in_the_error(world: World) -> None:
    order(world)
    world.faults.add(FaultRule(match="/orders", kind="drop_fields", fields=["lastModifiedAt"], times=None))
    with pytest.raises(SyncError, match="shows where to go on") as fault:
        run(world, lambda a: walked(a.orders, PAST), stock_settings(page_size=1))
    assert EMAIL not in "".join(traceback.format_exception(fault.value))


# ---------------------------------------------------------------- what is read


def test_an_order_of_this_very_moment_is_read_and_the_cursor_stays_behind(world: World) -> None:
    world.store.clock.set(T0)
    placed = order(world)
    full = run(world, lambda a: walked(a.orders))
    delta = run(world, lambda a: walked(a.orders, moment(T0)))
    for pages in (full, delta):
        assert [row["id"] for row in rows_of(pages)] == [placed["id"]]
        assert pages[-1].cursor == moment(T0 - timedelta(seconds=60))


def test_cursors_within_a_delta_stay_behind_the_clock_too(world: World) -> None:
    for number in range(5):
        world.store.clock.set(T0 + timedelta(seconds=30 * number))
        order(world)
    pages = run(world, lambda a: walked(a.orders, moment(T0)), stock_settings(page_size=2))
    assert len(rows_of(pages)) == 5
    end = moment(T0 + timedelta(seconds=60))
    assert [page.cursor for page in pages] == [moment(T0 + timedelta(seconds=30)), end, end]


def test_a_full_read_meets_open_orders_only_and_a_delta_learns_of_the_others(world: World) -> None:
    world.store.clock.set(T0)
    kept, cancelled, exported = order(world), order(world), order(world)
    act(world, cancelled, action="changeOrderState", orderState="Cancelled")
    export(world, exported)
    world.store.clock.set(T0 + timedelta(hours=1))
    assert orders(world)["id"].tolist() == [kept["id"]]
    delta = orders(world, cursor=moment(T0)).set_index("id")
    assert set(delta.index) == {kept["id"], cancelled["id"], exported["id"]}
    assert delta["holds"].to_dict() == {kept["id"]: True, cancelled["id"]: False, exported["id"]: True}
    assert (
        delta["exported_at"].isna().to_dict()[kept["id"]] and not delta["exported_at"].isna()[exported["id"]]
    )


def test_a_full_read_meets_an_order_whose_export_may_not_have_settled(world: World) -> None:
    world.store.clock.set(T0)
    placed = order(world)
    export(world, placed)
    world.store.clock.set(T0 + timedelta(seconds=50))
    assert orders(world)["id"].tolist() == [placed["id"]]


def test_a_full_read_goes_on_without_the_condition_the_api_is_too_slow_for(world: World) -> None:
    kept, exported = order(world), order(world)
    export(world, exported)
    world.store.clock.set(datetime.now(UTC) + timedelta(hours=1))
    body = {"statusCode": 503, "message": "slow", "errors": [{"code": "QueryTimedOut", "message": "slow"}]}
    rule = FaultRule(match="/orders", query="not%28", kind="status", status=503, body=body, times=None)
    world.faults.add(rule)
    assert set(orders(world, stock_settings(page_size=2))["id"]) == {kept["id"], exported["id"]}


def test_a_project_without_the_export_channel_has_no_exported_orders(world: World) -> None:
    placed = order(world)
    export(world, placed)
    table = orders(world, stock_settings(export_channel="erp"))
    assert table["id"].tolist() == [placed["id"]] and table["exported_at"].isna().all()


def test_the_first_mark_of_the_export_channel_counts_whatever_is_marked_again(world: World) -> None:
    world.store.sync_info_appends = True
    world.store.create("channels", {"key": "erp", "roles": ["OrderExport"]})
    placed = order(world)
    export(world, placed, syncedAt="2026-03-01T10:00:00.000Z")
    export(world, placed, syncedAt="2026-03-02T10:00:00.000Z")
    export(world, placed, "erp", syncedAt="2026-03-03T10:00:00.000Z")
    (at,) = orders(world, cursor=PAST)["exported_at"]
    assert at.isoformat() == "2026-03-01T10:00:00+00:00"


def test_orders_from_before_the_configured_day_are_not_read(world: World) -> None:
    world.store.clock.set(T0 - timedelta(days=1))
    old = order(world)
    world.store.clock.set(T0)
    new = order(world)
    act(world, old, action="changeOrderState", orderState="Confirmed")
    config = stock_settings(orders_since=T0.date().isoformat())
    assert orders(world, config)["id"].tolist() == [new["id"]]
    assert orders(world, config, moment(T0))["id"].tolist() == [new["id"]]
    assert len(orders(world, cursor=moment(T0))) == 2


def test_states_that_hold_nothing_are_those_of_the_settings(world: World) -> None:
    done = order(world)
    act(world, done, action="changeOrderState", orderState="Complete")
    assert orders(world)["holds"].tolist() == [True]
    config = stock_settings(order_states_closed=["Cancelled", "Complete"])
    assert orders(world, config)["holds"].tolist() == [False], (
        "closed a moment ago: it is told, and holds nothing"
    )
    world.store.clock.advance(hours=1)
    assert orders(world, config).empty
    assert orders(world, config, PAST)["holds"].tolist() == [False]
    assert not run(world, lambda a: found(a.orders, "J-1"), config)


def test_a_search_finds_the_orders_of_a_sku_that_are_open_or_were_closed_a_moment_ago(world: World) -> None:
    one = order(world, ("J-1", 1, None))
    order(world, ("J-2", 1, None))
    gone = order(world, ("J-1", 1, None))
    act(world, gone, action="changeOrderState", orderState="Cancelled")
    assert {row["id"] for row in run(world, lambda a: found(a.orders, "J-1"))} == {one["id"], gone["id"]}
    world.store.clock.advance(hours=1)
    assert [row["id"] for row in run(world, lambda a: found(a.orders, "J-1"))] == [one["id"]]
    assert run(world, lambda a: found(a.orders)) == []


# ---------------------------------------------------------------- lines


def test_lines_are_summed_by_sku_and_channel_whatever_their_inventory_mode(world: World) -> None:
    placed = order(world, ("J-1", 2, "berlin"), ("J-2", 1, None), ("J-1", 3, "berlin"), ("J-1", 1, "depot"))
    table = orders(world)
    assert json.loads(table["lines"][0]) == [
        ["J-1", "berlin", 5, ""],
        ["J-1", "depot", 1, ""],
        ["J-2", "", 1, ""],
    ]
    assert table["number"].isna().all() and table["version"].tolist() == [placed["version"]]
    none = order(world, ("J-1", 4, "berlin"), mode="None", number="O-9")
    lines = orders(world).set_index("id")["lines"]
    assert json.loads(lines[none["id"]]) == [["J-1", "berlin", 4, ""]]


def test_a_line_names_its_variant_by_the_ids_that_stay_when_the_sku_changes(world: World) -> None:
    product = world.product(variant("J-7"))
    stock(world, "J-7", "berlin", 10)
    order(world, ("J-7", 2, "berlin"))
    (lines,) = orders(world)["lines"]
    assert json.loads(lines) == [["J-7", "berlin", 2, f"{product['id']}:1"]]


def test_a_line_without_a_sku_holds_nothing_and_an_unknown_channel_is_named_by_its_id(world: World) -> None:
    row = {
        "id": "o",
        "orderState": "Open",
        "lineItems": [
            {"quantity": 1, "variant": {}},
            {"quantity": 2, "variant": {"sku": "J-1"}, "supplyChannel": {"id": "nobody"}},
        ],
    }

    async def use(adapter: CommercetoolsStock) -> str:
        return str(adapter.to_orders([row])["lines"][0])

    assert json.loads(run(world, use)) == [["J-1", "?nobody", 2, ""]]
