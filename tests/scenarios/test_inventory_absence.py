"""Lists of stock that come short, empty or from the past: nothing follows from what they do not show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from retail_sync.records.inventory import LEVEL_COLUMNS, parts, stock_table
from tests.support.builders.inventory import Stocked, stocked

Make = Callable[..., Stocked]
WEB: dict[str, Any] = {"key": "web", "locations": ["Nord", "Süd"], "fulfilled_by": "Nord"}
FEEDS = {
    "levels": {"match": "/inventory$", "method": "POST"},
    "entries": {"match": "/inventory$", "method": "GET"},
    "orders": {"match": "/orders$", "method": "GET"},
}
SYSTEMS = {"levels": "lightspeed", "entries": "commercetools", "orders": "commercetools"}
SKUS = [f"S{n}" for n in range(8)]


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Stocked]:
    with ExitStack() as stack:
        made = stack.enter_context(stocked(ledger_url, tmp_path, {"channels": [WEB]}))
        for sku in SKUS:
            made.add_article(sku, {"Nord": 5, "Süd": 5})
        made.run("full")
        for sku in SKUS[:3]:
            made.order(sku, 2, "web")
        made.run()
        yield made


def spoil(shop: Stocked, feed: str, kind: str) -> None:
    shop.world.faults[SYSTEMS[feed]].add({**FEEDS[feed], "kind": kind, "times": None, "share": 0.6})


@pytest.mark.parametrize("feed", list(FEEDS))
@pytest.mark.parametrize("kind", ["short_list", "empty_list"])
def test_a_full_run_whose_lists_come_short_writes_nothing(shop: Stocked, feed: str, kind: str) -> None:
    """No level is taken for 0, no entry for missing, and no order for closed: its goods are not offered again."""
    before = shop.online_state()
    assert [shop.shown("web")[sku] for sku in SKUS[:4]] == [8, 8, 8, 10]
    spoil(shop, feed, kind)
    shop.world.forget_requests()
    run = shop.run("full")
    assert shop.online_state() == before and shop.stock_writes() == [] and run.accounts.failed == 0
    for faults in shop.world.faults.values():
        faults.clear()
    shop.world.forget_requests()
    shop.run("full")
    assert shop.online_state() == before and shop.stock_writes() == [] and shop.holds() == []


def test_what_moved_is_followed_although_the_lists_that_would_show_it_come_short(shop: Stocked) -> None:
    for sku in SKUS:
        shop.sell(sku, "Nord", 1)
    spoil(shop, "levels", "empty_list")
    shop.run("full")
    assert [shop.shown("web")[sku] for sku in SKUS] == [7, 7, 7, 9, 9, 9, 9, 9]


def test_an_entry_and_an_order_that_were_deleted_are_known_by_their_own_address(shop: Stocked) -> None:
    entry = shop.entry("S4", "web")
    assert entry is not None
    shop.online.delete("inventory", id=entry["id"])
    order = next(row for row in shop.online.all("orders") if row["lineItems"][0]["variant"]["sku"] == "S0")
    shop.online.delete("orders", id=order["id"])
    shop.run("full")
    assert shop.shown("web")["S4"] == 10 and shop.entry("S4", "web") is not None
    shop.run("full")
    assert shop.shown("web")["S0"] == 10


def test_a_product_the_till_does_not_have_any_more_is_sold_out(shop: Stocked) -> None:
    """Its levels are in no list, and asked for by its id it is not there."""
    gone = "0a1b2c3d-0000-4000-8000-00000000dead"
    shop.products["GONE"] = gone
    shop.see_product("lightspeed", gone, {"tracked": True}, "GONE", {})
    shop.see_product("commercetools", f"online-{gone}", {"tracked": True}, "GONE", {})
    shop.link("GONE")
    level = (gone, shop.outlet("Nord"), parts(4), 1, None)
    shop.ledger.stock.see_levels("products", stock_table(LEVEL_COLUMNS, [level]))
    shop.run()
    assert shop.shown("web")["GONE"] == 4
    shop.run("full")
    assert shop.shown("web")["GONE"] == 0 and shop.shown("web")["S6"] == 10
