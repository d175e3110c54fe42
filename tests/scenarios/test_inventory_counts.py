"""Counts, deliveries that are entered late, entries that move all the time: what the till and others do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.lightspeed import consignments
from tests.support.builders.inventory import Stocked, stocked

Make = Callable[..., Stocked]
WEB: dict[str, Any] = {"key": "web", "locations": ["Nord", "Süd", "Lager"], "fulfilled_by": "Lager"}
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def make(ledger_url: str, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(**inventory: Any) -> Stocked:
            return stack.enter_context(stocked(ledger_url, tmp_path, {"channels": [WEB], **inventory}))

        yield made


def count(shop: Stocked, outlet: str, counted: dict[str, int]) -> consignments.Consignment:
    """A stocktake under way, in which so much was found."""
    place = {"type": "STOCKTAKE", "name": "Count", "outlet_id": shop.outlet(outlet)}
    with shop.till.lock:
        made = consignments.create(shop.till, {**place, "consignment_date": LONG_AGO})
        consignments.update(shop.till, made, {"status": "STOCKTAKE_IN_PROGRESS"})
        for sku, found in counted.items():
            line = {"product_id": shop.products[sku], "count": "0", "received": str(found)}
            consignments.put_line(shop.till, made, line)
    return made


def finish(shop: Stocked, counted: consignments.Consignment, status: str = "STOCKTAKE_COMPLETE") -> None:
    with shop.till.lock:
        consignments.update(shop.till, counted, {"status": status})


@pytest.mark.parametrize("incoming", [[], ["Lager"]])
def test_a_stocktake_under_way_changes_no_figure_and_its_end_is_followed(
    make: Make, incoming: list[str]
) -> None:
    """Levels move when it is complete, not while it is counted; sales and orders go on meanwhile."""
    shop = make(count_incoming=incoming)
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.add_article("B", {"Lager": 4})
    shop.run("full")
    under_way = count(shop, "Lager", {"A": 3})
    shop.world.forget_requests()
    shop.run()
    shop.run("full")
    assert shop.stock_writes() == [] and shop.shown("web") == {"A": 15, "B": 4}
    shop.sell("A", "Nord", 1)
    order = shop.order("A", 2, "web")
    shop.run()
    assert shop.shown("web") == {"A": 12, "B": 4}
    finish(shop, under_way)
    shop.run()
    assert shop.level(shop.products["A"], "Lager") == 3
    assert shop.shown("web") == {"A": 10, "B": 4}, "4 + 5 + 3, and 2 are ordered"
    shop.export(order, "A", "Lager", 2)
    shop.run()
    shop.world.forget_requests()
    assert shop.run("full").accounts.changes == 0 and shop.shown("web") == {"A": 10, "B": 4}


def test_a_stocktake_that_is_called_off_changes_nothing(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 5})
    shop.run("full")
    finish(shop, count(shop, "Lager", {"A": 0}), "CANCELLED")
    shop.world.forget_requests()
    shop.run("full")
    assert shop.stock_writes() == [] and shop.shown("web") == {"A": 15}


def test_a_delivery_entered_late_counts_as_what_it_is_whatever_its_dates_say(make: Make) -> None:
    """An order to a supplier, due years ago, is saved today: on its way until it is received."""
    shop = make(count_incoming=["Lager"])
    product = shop.add_article("A", {"Lager": 1})
    shop.run("full")
    order = shop.till.order_from_supplier(shop.outlet("Lager"), [(product, 10)], LONG_AGO)
    shop.run()
    assert shop.shown("web") == {"A": 11}
    shop.till.receive_consignment(order)
    shop.run()
    assert shop.level(product, "Lager") == Decimal(11) and shop.shown("web") == {"A": 11}
    shop.world.forget_requests()
    shop.run("full")
    assert shop.stock_writes() == []


CONFLICT = {
    "statusCode": 409,
    "message": "moved",
    "errors": [{"code": "ConcurrentModification", "message": "moved"}],
}


def test_entries_that_move_at_every_write_are_written_once_they_stand_still(make: Make) -> None:
    """A storm of conflicts: each write is refused three times, read again and worked out again."""
    shop = make()
    for n in range(6):
        shop.add_article(f"S{n}", {"Lager": 5})
    shop.run("full")
    for n in range(6):
        shop.sell(f"S{n}", "Lager", 1)
    rule = {"match": "/inventory/", "method": "POST", "kind": "status", "status": 409, "body": CONFLICT}
    shop.world.faults["commercetools"].add({**rule, "times": 18})
    run = shop.run()
    assert shop.shown("web") == {f"S{n}": 4 for n in range(6)} and run.accounts.failed == 0


def test_an_entry_that_never_stands_still_stops_no_other_and_is_written_by_the_next_run(make: Make) -> None:
    shop = make()
    for n in range(3):
        shop.add_article(f"S{n}", {"Lager": 5})
    shop.run("full")
    for n in range(3):
        shop.sell(f"S{n}", "Lager", 1)
    moving = shop.entry("S1", "web")
    assert moving is not None
    rule = {"match": f"/inventory/{moving['id']}", "method": "POST", "kind": "status", "status": 409}
    shop.world.faults["commercetools"].add({**rule, "body": CONFLICT, "times": None})
    run = shop.run()
    assert shop.shown("web") == {"S0": 4, "S1": 5, "S2": 4}
    assert [hold.label for hold in shop.holds()] == ["S1"] and run.accounts.failed == 1
    shop.world.faults["commercetools"].clear()
    shop.ledger.holds.make_due([hold.id for hold in shop.holds()])
    shop.run()
    assert shop.shown("web") == {f"S{n}": 4 for n in range(3)} and shop.holds() == []


@pytest.mark.parametrize("mode", ["TrackOnly", "ReserveOnOrder"])
def test_order_driven_stock_that_shows_late_is_never_offered_again(make: Make, mode: str) -> None:
    """Up to ten seconds lie between an order and its entry: a run between them, and one after it."""
    shop = make(order_settles_seconds=60)
    shop.online.order_stock_late = True
    shop.add_article("A", {"Lager": 5})
    shop.run("full")
    order = shop.order("A", 2, "web", mode)
    shop.run()
    assert shop.shown("web")["A"] <= 3
    shop.online.settle_order_stock()
    shop.run()
    assert shop.shown("web") == {"A": 3}
    shop.cancel(order)
    shop.run()
    assert shop.shown("web")["A"] <= 5
    shop.online.settle_order_stock()
    assert shop.shown("web")["A"] <= 5
