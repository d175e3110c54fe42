"""The inventory DAG, run task by task by Airflow against both stand-ins: what it writes, counts, tells and mends."""

from __future__ import annotations

import logging

import pytest

from sandbox.faults import FaultRule
from tests.dags.conftest import Run
from tests.dags.test_products import said_to_others
from tests.support.builders.inventory import Stocked
from tests.support.worlds import World

pytestmark = pytest.mark.airflow

SKU = "NK-REGEN-BLK-S"
CHANNELS = {"Berlin": "berlin", "Hamburg": "hamburg", "München": "muenchen"}


def test_from_products_to_a_mended_entry(run: Run, world: World, caplog: pytest.LogCaptureFixture) -> None:
    stock = Stocked(world)
    too_early = run("inventory", mode="full")
    assert too_early.state == "failed"
    assert "Run the DAG `products` with mode=full first" in too_early.xcom[("audit", "problem")]
    assert stock.stock_writes() == []
    assert run("products", mode="full").state == "success"

    caplog.set_level(logging.INFO, "retail_sync")
    look = run("inventory", mode="full", dry_run=True)
    assert look.state == "success"
    assert look.tasks["load"] == "skipped"
    assert look.accounts["not_applied"] == look.accounts["changes"] > 300
    assert stock.stock_writes() == []
    told = lines(caplog)
    head = next(
        place
        for place, line in enumerate(told)
        if line.split() == ["SKU", "channel", "shows", "will", "show"]
    )
    # Plans are told in no order; an article whose SKU differs at the till has no level under the one that is shown.
    at_the_till = {row["sku"] for row in world.till.all_products()}
    first_told = next(line for line in told[head + 2 :] if line.split()[0] in at_the_till)
    sku, channel, *shows, will_show = first_told.split()
    assert (shows, will_show) == (["no", "entry"], str(level(stock, sku, channel)))
    assert f"... and {look.accounts['changes'] - 20} more: table `changes` of the ledger." in told

    first = run("inventory", mode="full")
    assert first.state == "success"
    assert first.audit["accounts_add_up"] is True
    assert first.accounts["applied"] == first.accounts["changes"] == look.accounts["changes"]
    assert len(stock.stock_writes()) == first.accounts["changes"]
    assert all(stock.available(SKU, key) == level(stock, SKU, key) for key in CHANNELS.values())

    world.forget_requests()
    second = run("inventory", mode="full")
    assert (second.state, second.tasks["load"]) == ("success", "skipped")
    assert (second.accounts["changes"], stock.stock_writes()) == (0, [])

    for outlet in ("Berlin", "München"):
        stock.till.sell(stock.outlet(outlet), [(stock.product_id(SKU), 1)])
    delta = run("inventory")
    assert delta.state == "success"
    assert delta.accounts["applied"] == len(stock.stock_writes("commercetools")) == 2
    assert stock.stock_writes("lightspeed") == []
    assert [stock.available(SKU, key) for key in CHANNELS.values()] == [4, 2, 2]

    miscount(stock, SKU, "berlin", 70)
    world.forget_requests()
    reconciled = run("reconcile")
    assert reconciled.state == "success"
    drift = reconciled.xcom[("inventory.drift", "return_value")]
    assert (drift["by_field"], drift["by_location"]) == ({"commercetools: berlin": 1}, {"Berlin": 1})
    assert reconciled.xcom[("products.drift", "return_value")]["changes"] == 0
    assert reconciled.tasks["inventory.mend"] == "skipped", "nobody asked for a repair"

    caplog.clear()
    why = run("inventory", keys=[SKU, "NO-SUCH-SKU"], dry_run=True)
    assert (why.state, why.accounts["not_applied"]) == ("success", 1)
    told = lines(caplog)
    explained = told.index(f"{SKU} in berlin: 4")
    assert told[explained + 1].startswith("  Berlin: level 4, version ")
    assert told[explained + 1].endswith("; contributes 4")
    of_berlin = told[explained : told.index(f"{SKU} in hamburg: 2")]
    assert of_berlin[-2].endswith(": 70 available, 70 on stock, 0 reserved")
    assert ": 4 on stock for a figure of 4 (run inventory/" in of_berlin[-1]
    assert "NO-SUCH-SKU: no article of the till is linked to this SKU." in told
    assert stock.stock_writes() == []

    mended = run("inventory", keys=[SKU])
    assert (mended.state, mended.accounts["applied"]) == ("success", 1)
    assert stock.available(SKU, "berlin") == 4
    assert len(stock.stock_writes()) == 1

    for text in said_to_others(first):
        assert SKU not in text, "only counts, paths and cursors leave a task"


def test_a_refusal_for_good_moves_no_cursor_and_the_next_run_does_the_rest(run: Run, world: World) -> None:
    stock = Stocked(world)
    stock.align_products()
    world.faults["commercetools"].add(
        FaultRule(match="/inventory$", method="POST", kind="status", status=403, after=3, times=None)
    )
    failed = run("inventory", mode="full")
    assert (failed.tasks["load"], failed.tasks["audit"], failed.state) == ("failed", "failed", "failed")
    assert "load[0]" in failed.xcom[("audit", "problem")]
    assert [world.ledger.runs.cursor("inventory", feed) for feed in FEEDS] == [None] * len(FEEDS)
    [record] = world.ledger.runs.last("inventory", 1)
    assert record.state == "failed"
    assert record.accounts["applied"] > 0 and record.accounts["unsettled"] > 0

    world.faults["commercetools"].clear()
    storm = FaultRule(match="inventory", kind="status", status=503, times=6)
    world.faults["commercetools"].add(storm)
    mended = run("inventory", mode="full")
    assert mended.state == "success"
    assert mended.audit["accounts_add_up"] is True
    assert mended.accounts["failed"] == 0
    world.forget_requests()
    assert run("inventory", mode="full").accounts["changes"] == 0
    assert stock.stock_writes() == []


FEEDS = ("commercetools", "commercetools_orders", "lightspeed", "catalogue")


def level(stock: Stocked, sku: str, channel: str) -> int:
    """What the till has in the outlet of a channel."""
    outlet = next(name for name, key in CHANNELS.items() if key == channel)
    return int(stock.level(stock.product_id(sku), outlet) or 0)


def miscount(stock: Stocked, sku: str, channel: str, quantity: int) -> None:
    """Somebody edits an entry in the Merchant Center."""
    entry = stock.entry(sku, channel)
    assert entry is not None
    stock.online.update("inventory", [{"action": "changeQuantity", "quantity": quantity}], id=entry["id"])


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What tasks told, a line each."""
    return [record.getMessage() for record in caplog.records if record.name == "retail_sync"]
