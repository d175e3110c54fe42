"""Exactly once, whatever dies when: a worker process is killed at every boundary of its writes, and another goes on.

See `tests.support.killed` for what a boundary is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_sync.records.errors import ProtocolFault
from tests.support.builders.orders import Ordered, ordered
from tests.support.killed import Workers

_numbers = itertools.count(1)
SPLIT = 2
"""Sales of an order whose lines two outlets serve."""


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    with ordered(ledger_url, tmp_path) as made:
        made.add_article("A", "10.00", {"Nord": 900, "Süd": 900})
        made.add_article("B", "3.33", {"Nord": 900, "Süd": 900})
        made.run(mode="full")
        yield made


@pytest.fixture
def workers(shop: Ordered) -> Iterator[Workers]:
    with Workers(shop.world) as made:
        yield made


def planned(shop: Ordered) -> str:
    """A run whose plan is stored, and whose worker has not begun: as Airflow leaves it when `load` fails."""
    run_id = f"orders/killed-{next(_numbers)}"
    with pytest.raises(ProtocolFault):
        shop.run(loads=False, run_id=run_id)
    return run_id


def test_killed_at_every_boundary_of_an_export_an_order_is_sold_once_and_marked(
    shop: Ordered, workers: Workers
) -> None:
    """Its parts, too: what one worker left is finished by the next, and by a run that plans anew."""
    boundary, lived = 0, False
    while not lived:
        boundary += 1
        order = shop.buy(("A", 3), shop.item("B", 2, "corner"))
        before = {sku: [shop.level(sku, outlet) for outlet in ("Nord", "Süd")] for sku in ("A", "B")}
        run_id = planned(shop)
        lived = workers.load(shop.settings, run_id, dies_at=boundary)
        resumed = boundary % 2 == 0
        if resumed:
            # Airflow tries the task again; otherwise the run is given up and the next one starts from scratch.
            assert workers.load(shop.settings, run_id)
        shop.run(keys=[order])
        sales = shop.sales(order)
        assert len(sales) == SPLIT, f"died at boundary {boundary}"
        assert sum(sale["totals"]["price_incl_tax"] for sale in sales) * 100 == shop.gross(order)
        assert sum(sum(shop.paid_by(sale).values()) for sale in sales) * 100 == shop.charged(order)
        (mark,) = shop.marks(order)
        assert sorted(mark.split(",")) == sorted(sale["id"] for sale in sales)
        assert [shop.level("A", outlet) for outlet in ("Nord", "Süd")] == [before["A"][0] - 3, before["A"][1]]
        assert [shop.level("B", outlet) for outlet in ("Nord", "Süd")] == [before["B"][0], before["B"][1] - 2]
        assert len(shop.exported(order)) == SPLIT
    shop.world.forget_requests()
    assert shop.run(mode="full").writes == 0
    assert shop.sale_writes() == []
    assert boundary > 12, "the worker passed far fewer boundaries than an export has"


def test_killed_at_every_boundary_of_a_return_goods_and_money_go_back_once(
    shop: Ordered, workers: Workers
) -> None:
    boundary, lived = 0, False
    while not lived:
        boundary += 1
        order = shop.buy(("A", 3))
        shop.run(keys=[order])
        level = shop.level("A")
        shop.send_back(order, "A", 2)
        shop.refund(order, 2000)
        run_id = planned(shop)
        lived = workers.load(shop.settings, run_id, dies_at=boundary)
        if boundary % 2 == 0:
            assert workers.load(shop.settings, run_id)
        shop.run(keys=[order])
        sold, *returned = sorted(shop.sales(order), key=lambda one: -one["totals"]["price_incl_tax"])
        assert sold["totals"]["price_incl_tax"] == 30
        counting = [one for one in returned if one["state"] == "closed"]
        assert [one["totals"]["price_incl_tax"] for one in counting] == [-20], f"died at boundary {boundary}"
        assert [one["state"] for one in returned if one not in counting].count("parked") == 0
        assert sum(shop.paid_by(counting[0]).values()) == -20
        assert shop.level("A") == level + 2
    shop.world.forget_requests()
    assert shop.run(mode="full").writes == 0
    assert shop.sale_writes() == []
    assert boundary > 6, "the worker passed far fewer boundaries than a return has"
