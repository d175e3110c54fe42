"""The DAGs orders and sales, run task by task by Airflow against both stand-ins: every order once, then quiet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dags.conftest import Run, environment
from tests.dags.test_products import said_to_others
from tests.support.builders.orders import INVOICE, Ordered, ordered
from tests.support.runs import KEY
from tests.support.worlds import World

pytestmark = pytest.mark.airflow


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ordered]:
    with ordered(ledger_url, tmp_path / "scenario") as made:
        made.add_article("A", "10.00", {"Nord": 50})
        for name, value in environment(made.world, ledger_url, tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RETAIL_SYNC_SECRET_KEY", KEY)
        yield made


@pytest.fixture
def world(shop: Ordered) -> World:
    """What the fixture `run` plays in."""
    return shop.world


def test_from_a_first_look_to_every_order_at_the_till_and_every_receipt_online(
    run: Run, shop: Ordered, caplog: pytest.LogCaptureFixture
) -> None:
    account = shop.add_person("zephyrine@planted.example.com")
    paid = shop.buy(("A", 2), customer=account, number="W-1")
    unpaid = shop.buy("A", number="W-2", payments=(INVOICE,))
    shop.sell("A", customer=shop.people[account])
    assert run("preflight").state == "success"

    caplog.set_level(logging.INFO, "retail_sync")
    look = run("orders", mode="full", dry_run=True)
    assert (look.state, look.accounts["not_applied"], shop.sales()) == ("success", 2, [])
    told = [record.getMessage() for record in caplog.records]
    shown = next(line.split() for line in told if line.startswith("W-1 "))
    assert shown[:5] == ["W-1", "lightspeed", "sell", "20.00", "EUR"]

    first = run("orders", mode="full")
    assert (first.state, first.audit["accounts_add_up"]) == ("success", True)
    assert first.audit["holds"] == {"unpaid": 1}
    assert shop.marks(paid) == [shop.sale(paid)["id"]]
    assert shop.sale(paid)["customer_id"] == shop.people[account]

    shop.settle(unpaid)
    delta = run("orders")
    assert delta.state == "success"
    assert shop.sale(unpaid)["state"] == "closed"

    receipts = run("sales", mode="full")
    assert (receipts.state, receipts.audit["accounts_add_up"]) == ("success", True)
    (imported,) = shop.imported()
    assert imported["customerId"] == account

    shop.world.forget_requests()
    for dag_id in ("orders", "sales"):
        quiet = run(dag_id, mode="full")
        assert (quiet.state, quiet.accounts["changes"], quiet.tasks["load"]) == ("success", 0, "skipped")
    assert shop.sale_writes() == []

    missed = shop.buy("A", number="W-3")
    shop.online.delete("orders", id=unpaid)
    caplog.clear()
    reconciled = run("reconcile")
    assert reconciled.state == "success"
    drift = reconciled.xcom[("orders.drift", "return_value")]
    assert drift["by_action"] == {"lightspeed: sell": 1, "commercetools: mark": 1}
    assert drift["told"] == {"sale_without_order": 1}
    told = [record.getMessage() for record in caplog.records]
    assert [line for line in told if line.startswith("W-2 ") and "sale_without_order" in line]
    assert shop.sales(missed) == [], "nobody asked for a repair"
    assert "zephyrine" not in str([record.getMessage() for record in caplog.records]).casefold()
    assert not [text for text in said_to_others(receipts) if "zephyrine" in text]
