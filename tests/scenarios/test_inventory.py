"""Stock from three outlets into channels by rules of each kind: end states of both systems, and the writes between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_sync.records.errors import ConfigurationFault
from retail_sync.sync.engine.removals import REMOVAL
from retail_sync.sync.engine.settle import RunFailed
from retail_sync.sync.inventory.__main__ import main as explain_command
from retail_sync.sync.queries.hold_actions import approve_removals
from tests.support.builders.inventory import OUTLETS, Stocked, settings_of, stocked
from tests.support.runs import Meanwhiles
from tests.support.settings_files import dump_settings

Make = Callable[..., Stocked]
WEB: dict[str, Any] = {"key": "web", "locations": ["Nord", "Süd", "Lager"], "fulfilled_by": "Lager"}
CORNER: dict[str, Any] = {"key": "corner", "locations": ["Süd"]}
BOTH = {"channels": [WEB, CORNER]}


@pytest.fixture
def make(ledger_url: str, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(inventory: dict[str, Any] | None = None, **more: Any) -> Stocked:
            return stack.enter_context(stocked(ledger_url, tmp_path, inventory or BOTH, **more))

        yield made


# ---------------------------------------------------------------- figures


def test_three_outlets_two_channels_and_rules_of_each_kind_show_what_they_should(make: Make) -> None:
    shop = make(
        {
            "channels": [
                {**WEB, "fulfilled_by": None},
                {**CORNER, "buffer_units": 1},
            ],
            "overrides": [
                {"categories": ["Jacken"], "safety_stock": 1},
                {"tags": ["online"], "show_at_most": 4},
                {"brands": ["Nordwind"], "buffer_percent": 10},
                {"skus": ["MIN"], "aggregate": "min"},
                {"skus": ["MAX"], "aggregate": "max"},
                {"skus": ["FIRST"], "aggregate": "priority", "channels": ["web"]},
                {"skus": ["SHARE"], "aggregate": "share", "shares": {"Nord": 50, "Lager": 10}},
                {"skus": ["PACK"], "pack_size": 6},
                {"skus": ["PACKS"], "pack_size": 6, "pack_shows": "packs"},
                {"skus": ["FLOOR"], "floor": 10},
                {"skus": ["CAP"], "cap": 7, "buffer_units": 2},
                {"skus": ["SAFE-AT"], "safety_stock_at": {"Nord": 5}, "safety_stock": 0},
                {"skus": ["UP"], "rounding": "up"},
                {"skus": ["NEAR"], "rounding": "nearest"},
            ],
        }
    )  # fmt: skip

    def levels(*three: Any) -> dict[str, Any]:
        return dict(zip(OUTLETS, three, strict=True))

    shop.add_article("SUM", levels(3, 4, 5))
    shop.add_article("MIN", levels(3, 4, 5))
    shop.add_article("MAX", levels(3, 4, 5))
    shop.add_article("FIRST", levels(0, 4, 5))
    shop.add_article("SHARE", levels(7, 4, 20))
    shop.add_article("PACK", levels(3, 4, 10))
    shop.add_article("PACKS", levels(3, 4, 10))
    shop.add_article("FLOOR", levels(3, 4, 2))
    shop.add_article("CAP", levels(3, 4, 5))
    shop.add_article("SAFE-AT", levels(3, 4, 5))
    shop.add_article("UP", levels("1.2", 0, 0))
    shop.add_article("NEAR", levels("1.5", 0, 0))
    shop.add_article("METRE", levels("1.9", "0.75", "0.5"))
    shop.add_article("MINUS", levels(-3, 4, 0))
    shop.add_article("JACKE", levels(3, 4, 0), category="jacken")
    shop.add_article("TAGGED", levels(30, 40, 50), tags=["Online", "neu"])
    shop.add_article("BRAND", levels(10, 11, 0), brand="NORDWIND")
    shop.run("full")
    assert shop.shown("web") == {
        "SUM": 12,
        "MIN": 3,
        "MAX": 5,
        "FIRST": 4,
        "SHARE": 9,  # 3.5 + 4 + 2
        "PACK": 12,  # of 17
        "PACKS": 2,
        "FLOOR": 0,  # 9 are less than 10
        "CAP": 5,  # 7 - 2
        "SAFE-AT": 9,  # 0 + 4 + 5
        "UP": 2,
        "NEAR": 2,
        "METRE": 3,  # 3.15
        "MINUS": 1,  # what was sold at Nord has to come from somewhere
        "JACKE": 5,  # 2 + 3 + 0
        "TAGGED": 4,
        "BRAND": 18,  # 21 - 2.1 (10 %)
    }
    corner = shop.shown("corner")
    assert (corner["SUM"], corner["FIRST"], corner["TAGGED"], corner["JACKE"]) == (3, 3, 4, 2)
    assert (corner["CAP"], corner["MINUS"]) == (2, 3)
    assert corner["METRE"] == -1, "0.75 are there, and one is kept back"


def test_negative_levels_are_as_nothing_where_the_settings_say_so(make: Make) -> None:
    shop = make({**BOTH, "negative_levels": "as zero"})
    shop.add_article("A", {"Nord": -3, "Süd": 4, "Lager": 5})
    shop.run("full")
    assert shop.shown("web") == {"A": 9}


def test_what_a_cancelled_order_gives_back_fills_the_gap_first(make: Make) -> None:
    """Two are ordered, one of the two on hand is sold at the till: one is missing, and the entry knows."""
    shop = make({"channels": [CORNER]})
    shop.add_article("A", {"Süd": 2})
    shop.run("full")
    order = shop.order("A", 2, "corner")
    shop.sell("A", "Süd", 1)
    shop.run()
    assert shop.online_state()["A", "corner"] == (1, -1)
    shop.cancel(order)
    assert shop.online_state()["A", "corner"] == (1, 1), "at once right, without a run"


CARTS = {"reservationExpirationInMinutes": 30, "releaseExpiredReservations": True}


@pytest.mark.parametrize("reserved", ["stand", "commit"])
@pytest.mark.parametrize("sets_below_zero", [True, False])
def test_what_is_missing_is_written_below_zero_and_filled_first_by_what_is_given_back(
    make: Make, reserved: str, sets_below_zero: bool
) -> None:
    """2 on hand, 2 ordered, 2 sold at the till: 2 are missing, whatever commercetools does with an order's goods."""
    shop = make({"channels": [CORNER]})
    shop.online.reserved_orders, shop.online.sets_below_zero = reserved, sets_below_zero
    shop.add_article("A", {"Süd": 2})
    shop.run("full")
    order = shop.order("A", 2, "corner")
    shop.sell("A", "Süd", 2)
    shop.run()
    assert shop.shown("corner") == {"A": -2}
    shop.cancel(order)
    assert shop.shown("corner") == {"A": 0}, "at once right, without a run"
    shop.run()
    shop.world.forget_requests()
    assert shop.run("full").accounts.changes == 0 and shop.stock_writes() == []


def test_a_shop_that_must_not_show_a_negative_quantity_shows_0(make: Make) -> None:
    shop = make({"channels": [CORNER], "negative_quantity": "zero"})
    shop.add_article("A", {"Süd": 2})
    shop.run("full")
    shop.order("A", 2, "corner")
    shop.sell("A", "Süd", 2)
    shop.run()
    assert shop.online_state()["A", "corner"] == (2, 0)
    assert shop.run("full").accounts.changes == 0


def test_an_article_that_was_sold_short_before_it_had_an_entry_gets_one_below_zero(make: Make) -> None:
    shop = make({"channels": [CORNER]})
    shop.online.sets_below_zero = False
    shop.add_article("A", {"Süd": -3})
    shop.run("full")
    assert shop.online_state() == {("A", "corner"): (-3, -3)}
    assert shop.run("full").accounts.changes == 0


def test_goods_in_carts_are_not_offered_again_where_the_project_lets_carts_reserve(make: Make) -> None:
    """5 on hand, 2 in a cart: 3 are offered, in full runs and after sales; when the cart expires, all there is."""
    shop = make({"channels": [CORNER]})
    shop.online.set_project(inventory=CARTS)
    shop.add_article("A", {"Süd": 5})
    shop.run("full")
    shop.online.fill_cart("A", "corner", 2)
    shop.run("full")
    assert shop.online_state()["A", "corner"] == (5, 3)
    shop.sell("A", "Süd", 1)
    shop.run()
    assert shop.online_state()["A", "corner"] == (4, 2)
    assert len(shop.online.expire_carts(shop.online.clock.now() + timedelta(hours=1))) == 1
    shop.run()
    assert shop.online_state()["A", "corner"] == (4, 4)
    shop.world.forget_requests()
    assert shop.run("full").accounts.changes == 0 and shop.stock_writes() == []


def test_goods_in_a_cart_that_is_never_given_back_stay_kept(make: Make) -> None:
    shop = make({"channels": [CORNER]})
    shop.online.set_project(inventory={**CARTS, "releaseExpiredReservations": False})
    shop.add_article("A", {"Süd": 5})
    shop.run("full")
    shop.online.fill_cart("A", "corner", 2)
    shop.online.expire_carts(shop.online.clock.now() + timedelta(days=40))
    shop.run("full")
    assert shop.online_state()["A", "corner"] == (5, 3)


@pytest.mark.parametrize("expires", [True, False])
def test_a_cart_that_is_ordered_after_the_level_went_to_0_leaves_the_shop_short(
    make: Make, expires: bool
) -> None:
    """2 on hand, 2 in a cart, both sold at the till: the cart can still be ordered, and then 2 are missing."""
    shop = make({"channels": [CORNER]})
    shop.online.set_project(inventory=CARTS)
    shop.add_article("A", {"Süd": 2})
    shop.run("full")
    cart = shop.online.fill_cart("A", "corner", 2)
    shop.sell("A", "Süd", 2)
    shop.run()
    assert shop.online_state()["A", "corner"] == (0, -2)
    if expires:
        shop.online.expire_carts(shop.online.clock.now() + timedelta(hours=1))
        assert shop.shown("corner") == {"A": 0}
    order = shop.online.order_cart(cart)["id"]
    shop.run()
    assert shop.online_state()["A", "corner"] == (-2, -2)
    shop.cancel(order)
    assert shop.online_state()["A", "corner"] == (0, 0), "nothing is offered that is not there"
    shop.run()
    assert shop.run("full").accounts.changes == 0


def test_a_project_that_begins_to_reserve_by_carts_is_followed_by_the_next_delta(make: Make) -> None:
    """An order's reservation stands and is added back; from now on it might be a cart's."""
    shop = make({"channels": [CORNER]})
    shop.add_article("A", {"Süd": 5})
    shop.run("full")
    order = shop.order("A", 2, "corner")
    shop.export(order, "A", "Süd", 2)
    shop.run()
    assert shop.online_state()["A", "corner"] == (5, 3)
    shop.online.set_project(inventory=CARTS)
    run = shop.run()
    assert run.plan.why_all and shop.online_state()["A", "corner"] == (3, 1)


@pytest.mark.parametrize("stated, inventory", [("orders", CARTS), ("carts", {})])
def test_a_setting_that_contradicts_the_project_stops_the_run_before_anything_is_written(
    make: Make, stated: str, inventory: dict[str, Any]
) -> None:
    shop = make({"channels": [CORNER], "reserved": stated})
    shop.online.set_project(inventory=inventory)
    shop.add_article("A", {"Süd": 5})
    with pytest.raises(ConfigurationFault, match="inventory.reserved"):
        shop.run("full")
    assert shop.online_state() == {}


@pytest.mark.parametrize("completed", [True, False])
@pytest.mark.parametrize("states", [["Cancelled"], ["Cancelled", "Complete"]])
def test_an_order_exported_long_ago_changes_no_figure_when_it_is_completed_or_leaves_a_full_read(
    make: Make, completed: bool, states: list[str]
) -> None:
    shop = make({**BOTH, "order_settles_seconds": 3600, "order_states_closed": states})
    shop.add_article("A", {"Nord": 0, "Süd": 0, "Lager": 10})
    shop.run("full")
    order = shop.order("A", 3, "web")
    sale = shop.sell("A", "Lager", 3)
    shop.mark(order, sale, syncedAt="2026-01-01T10:00:00.000Z")
    shop.run()
    assert shop.shown("web") == {"A": 7}
    if completed:
        shop.complete(order)
    for mode in ("full", "full", "delta", "full"):
        shop.world.forget_requests()
        shop.run(mode)
        assert shop.shown("web") == {"A": 7} and shop.stock_writes() == [], mode


def test_safety_stock_that_is_not_there_takes_nothing_from_other_locations(make: Make) -> None:
    shop = make({**BOTH, "defaults": {"safety_stock": 3}})
    shop.add_article("A", {"Nord": 1, "Süd": 5, "Lager": 0})
    shop.run("full")
    assert shop.shown("web") == {"A": 2}


def test_sales_and_orders_interleaved_end_where_both_systems_agree(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 10, "Süd": 10, "Lager": 10})
    shop.run("full")
    first = shop.order("A", 4, "web")
    shop.sell("A", "Nord", 3)
    shop.run()
    assert shop.online_state()["A", "web"] == (27, 23), "4 reserved, and 4 taken from 27 at the till"
    shop.export(first, "A", "Lager", 4)
    second = shop.order("A", 2, "corner")
    shop.sell("A", "Süd", 1)
    shop.run()
    assert shop.level(shop.products["A"], "Lager") == Decimal(6)
    assert shop.online_state()["A", "web"] == (24, 20), (
        "7 + 7 + 6, since the corner's order is served from Süd"
    )
    assert shop.online_state()["A", "corner"] == (9, 7)
    shop.cancel(second)
    shop.till.return_sale(shop.sell("A", "Nord", 2))
    shop.run()
    assert shop.shown("web") == {"A": 22} and shop.shown("corner") == {"A": 9}
    shop.world.forget_requests()
    assert shop.run("full").accounts.changes == 0 and shop.stock_writes() == []


@pytest.mark.parametrize("mode", ["None", "TrackOnly", "ReserveOnOrder"])
@pytest.mark.parametrize("reserved", ["stand", "commit"])
def test_an_exported_order_counts_once_whatever_commercetools_does_with_it(
    make: Make, mode: str, reserved: str
) -> None:
    shop = make()
    shop.online.reserved_orders = reserved  # type: ignore[assignment]
    shop.add_article("A", {"Nord": 0, "Süd": 0, "Lager": 10})
    shop.run("full")
    order = shop.order("A", 3, "web", mode)
    shop.run()
    assert shop.shown("web") == {"A": 7}
    shop.export(order, "A", "Lager", 3)
    shop.run()
    assert shop.shown("web") == {"A": 7}, "the till has it already"


def test_an_order_that_any_location_may_serve_counts_in_every_channel_that_shares_one(make: Make) -> None:
    shop = make({"channels": [{**WEB, "fulfilled_by": None}, CORNER]})
    shop.add_article("A", {"Nord": 2, "Süd": 5, "Lager": 0})
    shop.run("full")
    order = shop.order("A", 3, "web")
    shop.run()
    assert (shop.shown("web"), shop.shown("corner")) == ({"A": 4}, {"A": 2})
    shop.export(order, "A", "Nord", 3)
    shop.run()
    assert (shop.shown("web"), shop.shown("corner")) == ({"A": 4}, {"A": 5}), (
        "-1 at Nord is missing in the web"
    )


# ---------------------------------------------------------------- writes


def test_one_sale_at_the_till_is_exactly_one_write_for_each_channel_it_concerns(make: Make) -> None:
    shop = make()
    for sku in ("A", "B", "C"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    shop.sell("B", "Süd")
    shop.world.forget_requests()
    run = shop.run()
    assert sorted(c.unit for c in shop.writes_of(run.run_id)) == [
        "commercetools:B@corner",
        "commercetools:B@web",
    ]
    assert len(shop.stock_writes("commercetools")) == 2
    shop.sell("B", "Nord")
    shop.world.forget_requests()
    shop.run()
    assert len(shop.stock_writes("commercetools")) == 1, "the corner does not show Nord"


def test_nothing_is_written_when_nothing_changed_in_deltas_and_in_full(make: Make) -> None:
    shop = make()
    for n in range(30):
        shop.add_article(f"S{n}", {"Nord": n, "Süd": 1, "Lager": n % 3})
    assert shop.run("full").accounts.applied == 60
    before = shop.online_state()
    shop.world.forget_requests()
    for mode in ("delta", "full", "delta"):
        run = shop.run(mode)
        assert run.accounts.changes == 0 and run.accounts.add_up
    assert shop.stock_writes() == [] and shop.online_state() == before


def test_a_sale_that_sells_out_and_a_receipt_within_one_window_write_nothing(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 1, "Süd": 0, "Lager": 0})
    shop.run("full")
    shop.sell("A", "Nord")
    shop.till.receive(shop.products["A"], shop.outlet("Nord"), 1)
    assert shop.run().accounts.changes == 0


def test_transfers_receipts_and_counts_reach_the_channels(make: Make) -> None:
    shop = make()
    product = shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    shop.till.transfer(product, shop.outlet("Nord"), shop.outlet("Süd"), 2)
    shop.till.receive(product, shop.outlet("Lager"), 10)
    shop.till.count(product, shop.outlet("Nord"), 1)
    shop.run()
    assert (shop.shown("web"), shop.shown("corner")) == ({"A": 23}, {"A": 7})


def test_entries_of_other_channels_and_unlinked_skus_are_left_alone(make: Make) -> None:
    shop = make({"channels": [WEB]})
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.add_article("TILL-ONLY", {"Nord": 5}, linked=False)
    for sku, channel in (("A", "corner"), ("A", None), ("WEB-ONLY", "web")):
        shop.add_entry(sku, channel, 77)
    run = shop.run("full")
    assert run.accounts.add_up and shop.run("full").accounts.changes == 0
    assert shop.online_state() == {
        ("A", "web"): (15, 15),
        ("A", "corner"): (77, 77),
        ("A", None): (77, 77),
        ("WEB-ONLY", "web"): (77, 77),
    }


def test_entries_without_a_channel_are_a_channel_of_their_own(make: Make) -> None:
    shop = make({"channels": [{"key": None, "locations": ["Nord", "Süd"]}, CORNER]})
    shop.add_article("A", {"Nord": 2, "Süd": 3, "Lager": 9})
    shop.add_entry("A", None, 1)
    shop.run("full")
    assert shop.online_state() == {("A", None): (5, 5), ("A", "corner"): (3, 3)}
    order = shop.order("A", 2, None)
    shop.run()
    assert shop.shown(None) == {"A": 3} and shop.shown("corner") == {"A": 1}
    shop.cancel(order)


def test_missing_entries_are_created_as_the_settings_say(make: Make) -> None:
    shop = make({**BOTH, "create_entries": "in stock"})
    shop.add_article("A", {"Nord": 1, "Süd": 0, "Lager": 0})
    shop.run("full")
    assert set(shop.online_state()) == {("A", "web")}
    shop.settings = settings_of({**BOTH, "create_entries": "never"})
    shop.add_article("B", {"Nord": 1, "Süd": 1, "Lager": 1})
    shop.run("full")
    assert set(shop.online_state()) == {("A", "web")}


# ---------------------------------------------------------------- unknown is not zero


def test_a_product_whose_stock_is_not_counted_has_no_entry_and_an_old_one_is_left_alone(make: Make) -> None:
    shop = make()
    shop.add_article("SERVICE", tracked=False)
    shop.add_article("WAS-COUNTED", tracked=False)
    shop.add_entry("WAS-COUNTED", "web", 9)
    run = shop.run("full")
    assert shop.online_state() == {("WAS-COUNTED", "web"): (9, 9)} and run.accounts.add_up


def test_a_level_that_is_not_sent_is_unknown_held_and_written_as_soon_as_it_is_known(make: Make) -> None:
    shop = make({"channels": [CORNER]})
    shop.add_article("A", {"Süd": 5})
    shop.add_article("B", {"Süd": 6})
    shop.run("full")
    shop.count("A", "Süd", 2)
    faults = shop.world.faults["lightspeed"]
    faults.add(
        {"match": "/inventory", "kind": "drop_fields", "fields": ["current_inventory_level"], "times": 1}
    )
    run = shop.run()
    assert shop.shown("corner") == {"A": 5, "B": 6} and run.accounts.held == 2
    (hold,) = shop.holds()
    assert (hold.code, hold.label, hold.field) == ("level_unknown", "A", "corner")
    shop.count("A", "Süd", 3)
    shop.run()
    assert shop.shown("corner") == {"A": 3, "B": 6} and shop.holds() == []


def test_a_lost_page_of_levels_deletes_nothing(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    shop.world.faults["lightspeed"].add(
        {"match": "/inventory$", "kind": "status", "status": 200, "body": [], "times": None}
    )
    run = shop.run("full")
    assert shop.shown("web") == {"A": 15}
    assert run.accounts.changes == 0, "the levels were asked for by the id of their product"


def test_an_article_deleted_at_the_till_is_sold_out_online_or_left_as_the_settings_say(make: Make) -> None:
    shop = make()
    for sku in ("A", "B"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    deleted = shop.world.ledger.now()
    shop.see_product(
        "lightspeed", shop.products["A"], {"tracked": True}, "A", {}, version=2, deleted_at=deleted
    )
    shop.settings = settings_of({**BOTH, "deleted": "leave"})
    shop.run()
    assert shop.shown("web") == {"A": 15, "B": 15}
    shop.settings = settings_of(BOTH)
    shop.run()
    assert shop.shown("web") == {"A": 0, "B": 15}


def test_a_delta_that_sells_out_all_it_looks_at_is_no_reason_for_alarm_in_a_larger_shop(make: Make) -> None:
    shop = make({"channels": [CORNER], "most_lost_percent": 50})
    for n in range(110):
        shop.add_article(f"S{n}", {"Süd": 1})
    shop.run("full")
    for n in range(50):
        shop.sell(f"S{n}", "Süd")
    assert shop.run().accounts.applied == 50


def test_a_run_that_would_sell_out_most_of_the_shop_writes_nothing_and_says_so(make: Make) -> None:
    shop = make({**BOTH, "most_lost_percent": 50})
    for n in range(60):
        shop.add_article(f"S{n}", {"Nord": 1, "Süd": 1, "Lager": 1})
    shop.run("full")
    for n in range(60):
        for outlet in OUTLETS:
            shop.count(f"S{n}", outlet, 0)
    shop.count("S0", "Nord", 7)
    with pytest.raises(RunFailed, match="119 of 120 of the figures that offer something"):
        shop.run()
    assert shop.shown("web").pop("S0") == 7, "what is no removal was written"
    assert {sku: units for sku, units in shop.shown("web").items() if units != 3} == {"S0": 7}
    (hold,) = [one for one in shop.holds() if one.code == REMOVAL]
    shop.ledger.decisions.add("inventory", [approve_removals(hold, "Kim")])
    shop.run()
    assert set(shop.shown("web").values()) == {0, 7} and shop.holds() == []


# ---------------------------------------------------------------- articles


def test_a_composite_is_there_as_often_as_its_scarcest_part_and_follows_its_parts(make: Make) -> None:
    shop = make()
    shop.add_article("CUP", {"Nord": 9, "Süd": 4, "Lager": 0})
    shop.add_article("TEA", {"Nord": 3, "Süd": 8, "Lager": 5})
    shop.add_article("SET", linked=False, parts={"CUP": 2, "TEA": 1})
    shop.run("full")
    assert shop.shown("web") == {"CUP": 13, "TEA": 16, "SET": 5} and shop.shown("corner")["SET"] == 2
    shop.sell("CUP", "Süd", 1)
    shop.run()
    assert shop.shown("corner") == {"CUP": 3, "TEA": 8, "SET": 1}
    shop.sell("SET", "Nord", 1)
    shop.run()
    assert shop.shown("web")["SET"] == 3 and shop.level(shop.products["CUP"], "Nord") == Decimal(7)


BOXED: dict[str, dict[str, int]] = {"SET-A": {"PART": 2}, "SET-B": {"PART": 3}}
CHEST: dict[str, Any] = {"key": "web", "locations": ["Lager"]}


@pytest.fixture
def boxed(make: Make) -> Stocked:
    """6 of PART in stock, SET-A takes 2 of it and SET-B 3."""
    shop = make({"channels": [CHEST]})
    shop.add_article("PART", {"Lager": 6})
    for sku, parts in BOXED.items():
        shop.add_article(sku, parts=parts, linked=False)
    shop.run("full")
    assert shop.shown("web") == {"PART": 6, "SET-A": 3, "SET-B": 2}
    return shop


@pytest.mark.parametrize(
    "sku, units, left",
    [
        ("SET-A", 3, {"PART": 0, "SET-A": 0, "SET-B": 0}),
        ("SET-B", 1, {"PART": 3, "SET-A": 1, "SET-B": 1}),
        ("PART", 4, {"PART": 2, "SET-A": 1, "SET-B": 0}),
    ],
)
def test_what_is_ordered_of_a_composite_or_a_part_is_offered_by_none_that_shares_it(
    boxed: Stocked, sku: str, units: int, left: dict[str, int]
) -> None:
    """In the delta that sees the order, until it is sold at the till and afterwards: an export changes no figure."""
    order = boxed.order(sku, units, "web")
    boxed.run()
    assert boxed.shown("web") == left
    boxed.export(order, sku, "Lager", units)
    boxed.run()
    assert boxed.shown("web") == left
    for mode in ("full", "full"):
        boxed.world.forget_requests()
        boxed.run(mode)
        assert boxed.shown("web") == left and boxed.stock_writes() == [], mode
    assert boxed.level(boxed.products["PART"], "Lager") == left["PART"]


def test_a_cancelled_order_of_a_composite_gives_its_parts_back_to_all(boxed: Stocked) -> None:
    order = boxed.order("SET-A", 3, "web")
    boxed.run()
    assert boxed.shown("web") == {"PART": 0, "SET-A": 0, "SET-B": 0}
    boxed.cancel(order)
    boxed.run()
    assert boxed.shown("web") == {"PART": 6, "SET-A": 3, "SET-B": 2}


def test_an_order_of_a_composite_between_plan_and_write_of_its_part_is_not_undone(boxed: Stocked) -> None:
    boxed.sell("PART", "Lager", 1)

    def meanwhile() -> None:
        boxed.order("SET-A", 2, "web")
        boxed.set_entry("PART", "web", 50)

    boxed.run(meanwhile=Meanwhiles(after_plan=meanwhile))
    assert boxed.shown("web")["PART"] == 1 and boxed.shown("web")["SET-B"] == 0


def test_sets_of_sets_and_parts_that_are_not_counted(make: Make) -> None:
    """BIG is a SET and one more PART, with a card nobody counts; SET is 2 of PART; KIT is nothing but the card."""
    shop = make({"channels": [CHEST]})
    shop.add_article("PART", {"Lager": 7})
    shop.add_article("CARD", tracked=False, linked=False)
    shop.add_article("SET", parts={"PART": 2}, linked=False)
    shop.add_article("BIG", parts={"SET": 1, "PART": 1, "CARD": 1}, linked=False)
    shop.add_article("KIT", parts={"CARD": 1}, linked=False)
    shop.run("full")
    assert shop.shown("web") == {"PART": 7, "SET": 3, "BIG": 2}
    shop.order("BIG", 1, "web")
    shop.run()
    assert shop.shown("web") == {"PART": 4, "SET": 2, "BIG": 1} and shop.holds() == []


def test_an_order_of_a_set_lowers_its_parts_where_no_entry_of_sets_is_written(make: Make) -> None:
    shop = make({"channels": [CHEST], "composites": "skip"})
    shop.add_article("PART", {"Lager": 6})
    shop.add_article("SET-A", parts={"PART": 2}, linked=False)
    shop.add_entry("SET-A", "web", 3)
    shop.run("full")
    shop.order("SET-A", 2, "web")
    shop.run()
    assert shop.shown("web")["PART"] == 2


def test_two_articles_that_are_one_sku_online_are_held_and_neither_counts(make: Make) -> None:
    shop = make({**BOTH, "identify": "sku"})
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    other = shop.add_article("B", {"Nord": 1, "Süd": 1, "Lager": 1})
    shop.see_product("commercetools", f"online-{other}", {}, "A", {}, version=2)
    run = shop.run("full")
    assert {hold.code for hold in shop.holds()} == {"sku_shared"} and run.accounts.held
    assert shop.online_state() == {}


def test_an_article_is_served_as_soon_as_products_link_it(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5}, linked=False)
    shop.run("full")
    assert shop.online_state() == {}
    shop.link("A")
    shop.run()
    assert shop.shown("web") == {"A": 15}


def test_an_article_whose_tags_change_follows_other_rules_in_the_next_delta(make: Make) -> None:
    shop = make({**BOTH, "overrides": [{"tags": ["knapp"], "show_at_most": 2}]})
    product = shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    shop.see_product("lightspeed", product, {"tracked": True, "tags": ["Knapp"]}, "A", {}, version=2)
    shop.run()
    assert shop.shown("web") == {"A": 2}


def test_new_rules_are_followed_by_the_next_delta_for_every_article(make: Make) -> None:
    shop = make()
    for sku in ("A", "B"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    shop.settings = settings_of({**BOTH, "defaults": {"buffer_units": 2}})
    run = shop.run()
    assert shop.shown("web") == {"A": 13, "B": 13} and "rules" in run.plan.why_all


def test_a_closed_location_shows_nothing_online_until_it_opens(make: Make) -> None:
    today = datetime.now(UTC).date()
    closed = [{"first": f"{today - timedelta(days=2)}", "last": f"{today + timedelta(days=300)}"}]
    places = [{"name": name, "outlet": name} for name in OUTLETS]
    shop = make(locations=[{**places[0], "opening": {"closed": closed}}, *places[1:]])
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    assert shop.shown("web") == {"A": 10}
    shop.clock_ahead = timedelta(days=366)
    shop.run()
    assert shop.shown("web") == {"A": 15}, "a delta, although nothing was read"


# ---------------------------------------------------------------- what a channel may offer


def test_a_channel_offers_what_its_offer_names_and_shows_0_or_leaves_the_rest(make: Make) -> None:
    offers = {"tags": ["online"], "exclude_skus": ["C"]}
    shop = make(
        {"channels": [{**WEB, "offer": offers}, {**CORNER, "offer": offers, "outside_offer": "leave"}]}
    )
    for sku, tags in (("A", ["Online"]), ("B", []), ("C", ["online"])):
        shop.add_article(sku, {"Nord": 5, "Süd": 5, "Lager": 5}, tags=tags)
    for channel in ("web", "corner"):
        shop.add_entry("B", channel, 4)
    shop.run("full")
    assert shop.shown("web") == {"A": 15, "B": 0} and shop.shown("corner") == {"A": 5, "B": 4}


# ---------------------------------------------------------------- channels


def test_a_missing_channel_stops_the_run_before_anything_is_written(make: Make) -> None:
    shop = make(channels=("corner",))
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    with pytest.raises(ConfigurationFault, match="web"):
        shop.run("full")
    assert shop.online_state() == {}


def test_a_missing_channel_and_a_missing_role_are_mended_where_the_settings_say_so(make: Make) -> None:
    shop = make({**BOTH, "create_channels": True}, channels=())
    shop.online.create("channels", {"key": "corner", "roles": ["ProductDistribution"]})
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    roles = {row["key"]: set(row["roles"]) for row in shop.online.all("channels")}
    assert roles["web"] == {"InventorySupply"}
    assert roles["corner"] == {"ProductDistribution", "InventorySupply"}
    assert shop.shown("web") == {"A": 15}


# ---------------------------------------------------------------- asking


def test_a_dry_run_tells_what_the_storefront_would_show_and_writes_nothing(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.add_entry("A", "web", 3)
    shop.world.forget_requests()
    run = shop.run("full", dry_run=True)
    assert shop.stock_writes() == [] and run.accounts.not_applied == 2
    assert sorted(run.plan.shows) == [["A", "corner", "no entry", "5"], ["A", "web", "3", "15"]]
    assert shop.run("full").accounts.applied == 2, "a dry run leaves nothing behind that counts"


def test_a_run_of_keys_serves_these_skus_only_and_moves_no_cursor(make: Make) -> None:
    shop = make()
    for sku in ("A", "B"):
        shop.add_article(sku, {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    for sku in ("A", "B"):
        shop.sell(sku, "Nord", 2)
    run = shop.run(keys=["A"])
    assert shop.shown("web") == {"A": 13, "B": 15}
    assert [change.label for change in shop.writes_of(run.run_id)] == ["A"]
    shop.run()
    assert shop.shown("web") == {"A": 13, "B": 13}


def test_an_explanation_names_levels_rules_orders_and_the_entry(make: Make) -> None:
    shop = make({**BOTH, "defaults": {"buffer_units": 1}, "overrides": [{"skus": ["A"], "pack_size": 5}]})
    shop.add_article("A", {"Nord": 4, "Süd": 5, "Lager": "9.5"})
    shop.run("full")
    shop.order("A", 2, "web")
    shop.run()
    web, corner = shop.explain("A")
    assert web.figure == 15 == shop.shown("web")["A"]
    assert [(place.location, place.level, place.ordered, place.contributes) for place in web.places] == [
        ("Nord", "4", "0", "4"),
        ("Süd", "5", "0", "5"),
        ("Lager", "9.5", "2", "7.5"),
    ]
    assert [(step.step, step.left) for step in web.steps] == [
        ("sum of locations", "16.5"),
        ("buffer", "15.5"),
        ("rounding", "15"),
    ]
    assert web.entry is not None and (web.entry["on_stock"], web.entry["reserved"]) == (17, 2)
    assert web.written is not None and web.written["on_stock"] == 17
    text = "\n".join(web.lines())
    assert (
        "Lager: level 9.5" in text
        and "web orders 2" in text
        and "15 available, 17 on stock, 2 reserved" in text
    )
    assert corner.figure == 0 and (corner.steps[-1].step, corner.steps[-1].left) == ("packs", "0")


def test_the_audit_row_of_a_write_holds_its_explanation(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 4, "Süd": 5, "Lager": 0})
    run = shop.run("full")
    change = next(c for c in shop.writes_of(run.run_id) if c.unit.endswith("@web"))
    explained = change.reasons["figure"]
    assert explained["figure"] == 9 and change.after == {"on_stock": 9, "available": 9}
    assert {p["location"]: p["level"] for p in explained["places"]} == {"Nord": "4", "Süd": "5", "Lager": "0"}
    assert all(place["version"] for place in explained["places"])
    (exchange,) = [e for e in shop.world.sink.exchanges if e.context.get("change") == change.id]
    assert list(change.exchange_ids) == [exchange.id]


def test_orders_of_a_channel_nobody_feeds_are_told_and_count_against_nothing(make: Make) -> None:
    shop = make({"channels": [CORNER]})
    shop.add_article("A", {"Süd": 5})
    shop.order("A", 2, "web", "None")
    run = shop.run("full")
    assert run.plan.warnings == {"order_elsewhere": 1} and shop.shown("corner") == {"A": 5}


# ---------------------------------------------------------------- what the till knows beside its levels


def test_open_sales_hold_goods_where_the_settings_say_that_levels_do_not_show_them(make: Make) -> None:
    shop = make({**BOTH, "held_by_open_sales": ["layby"]})
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    sale = shop.sell("A", "Süd", 2, state="pending", attributes=["layby"])
    shop.run()
    assert (shop.shown("web"), shop.shown("corner")) == ({"A": 13}, {"A": 3})
    shop.till.complete_sale(sale)
    shop.run()
    assert (shop.shown("web"), shop.shown("corner")) == ({"A": 13}, {"A": 3}), "now the level shows it"


def test_goods_on_their_way_count_only_at_locations_where_they_may(make: Make) -> None:
    shop = make({**BOTH, "count_incoming": ["Lager"]})
    product = shop.add_article("A", {"Nord": 0, "Süd": 0, "Lager": 1})
    shop.run("full")
    order = shop.till.order_from_supplier(shop.outlet("Lager"), [(product, 10)])
    shop.till.order_from_supplier(shop.outlet("Süd"), [(product, 3)])
    shop.run()
    assert (shop.shown("web"), shop.shown("corner")) == ({"A": 11}, {"A": 0})
    shop.till.receive_consignment(order)
    shop.run()
    assert shop.shown("web") == {"A": 11} and shop.level(product, "Lager") == Decimal(11)


def test_the_command_explains_a_figure_from_the_ledger_alone(
    make: Make,
    ledger_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 4, "Süd": 5, "Lager": 6})
    shop.run("full")
    config = tmp_path / "sync.yaml"
    dump_settings(shop.settings, config)
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(config))
    monkeypatch.setenv("RETAIL_SYNC_LEDGER", ledger_url)
    shop.world.forget_requests()
    assert explain_command(["A", "--channel", "web"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("A in web: 15\n  Nord: level 4, version ") and "in corner" not in told
    assert explain_command(["A", "NOBODY"]) == 1
    assert "NOBODY: no article" in capsys.readouterr().out
    assert shop.world.requests("lightspeed") == [] and shop.world.requests("commercetools") == []
