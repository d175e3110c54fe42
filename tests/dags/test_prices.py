"""The prices DAG, run task by task by Airflow against both stand-ins: a first alignment, a price that waits for a
person, and what is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.shop import Shop
from tests.dags.conftest import Run, environment
from tests.dags.test_products import said_to_others
from tests.support.builders.prices import Priced
from tests.support.worlds import World, world_of

pytestmark = pytest.mark.airflow


@pytest.fixture
def world(
    sample_shop: Shop, ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """As in the other tests, but with the price lists of the sample shop."""
    with world_of(sample_shop, ledger_url, tmp_path / "scenario", {"prices": {}}) as opened:
        for name, value in environment(opened, ledger_url, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield opened


def test_from_a_first_alignment_to_an_approved_price(
    run: Run, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Priced(world)
    too_early = run("prices", mode="full")
    assert too_early.state == "failed"
    assert "Run the DAG `products` with mode=full first" in too_early.xcom[("audit", "problem")]
    assert run("preflight").state == "success"
    assert run("products", mode="full").state == "success"

    caplog.set_level(logging.INFO, "retail_sync")
    look = run("prices", mode="full", dry_run=True)
    assert (look.state, look.tasks["load"]) == ("success", "skipped")
    assert look.accounts["not_applied"] == look.accounts["changes"] > 10
    assert any(line.split()[:3] == ["SKU", "list", "in"] for line in lines(caplog))

    world.forget_requests()
    first = run("prices", mode="full")
    assert first.state == "success" and first.audit["accounts_add_up"] is True
    assert first.accounts["applied"] == first.accounts["changes"] == look.accounts["changes"]
    assert len(shop.till.book_prices(shop.book_id("Stammkunden"))) >= 10
    world.forget_requests()
    second = run("prices", mode="full")
    assert (second.state, second.accounts["changes"], shop.price_writes()) == ("success", 0, [])

    sku = linked_sku(world)
    before = price_at_till(world, sku)
    set_price(world, sku, 3)
    held = run("prices")
    assert (held.state, held.audit["holds"]) == ("success", {"price_jump": 1})
    assert price_at_till(world, sku) == before
    reconciled = run("reconcile")
    assert reconciled.state == "success"
    assert reconciled.xcom[("prices.drift", "return_value")]["changes"] == 0, (
        "what is held is not to be mended"
    )

    refused = run("prices", approve=["NO-SUCH-SKU"])
    assert refused.state == "failed"
    assert "No price of these waits for a decision" in refused.xcom[("audit", "problem")]
    nothing = run("prices", approve=[sku], dry_run=True)
    assert nothing.state == "failed" and "keeps nothing" in nothing.xcom[("audit", "problem")]

    approved = run("prices", approve=[sku])
    assert (approved.state, approved.accounts["applied"]) == ("success", 1)
    assert price_at_till(world, sku) == pytest.approx(before * 3)
    (decision,) = world.ledger.decisions.latest("prices")
    assert (decision.verdict, decision.by) == ("approve", "dag_test"), (
        "kept with the name of who triggered it"
    )
    assert world.ledger.holds.open_holds("prices") == []

    set_price(world, sku, 1.1)
    reconciled = run("reconcile")
    drift = reconciled.xcom[("prices.drift", "return_value")]
    assert drift["by_field"] == {"lightspeed: list Regal": 1}
    for text in said_to_others(first):
        assert sku not in text, "only counts, paths and cursors leave a task"


def test_without_a_list_nothing_is_read(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.settings_files import dump_settings
    from tests.support.worlds import with_section

    dump_settings(with_section(world.settings, "prices", lists=[]), tmp_path / "none.yaml")
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "none.yaml"))
    assert run("products", mode="full").state == "success"
    world.forget_requests()
    for mode in ("full", "delta"):
        done = run("prices", mode=mode)
        assert (done.state, done.accounts["read"], done.accounts["changes"]) == ("success", 0, 0)
    assert [request for system in world.faults for request in world.requests(system)] == []


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for record in caplog.records for line in record.getMessage().splitlines()]


def linked_sku(world: World) -> str:
    """A linked article that both sides sell at the same price, by its plain price."""
    for link in world.ledger.links.read("products", "variant"):
        (row,) = world.ledger.mirror.read("products", "variant", "commercetools", ids=[link.commercetools_id])
        price = _plain_price(world, str(row.label))
        if price and price["value"]["centAmount"] == round(price_at_till(world, str(row.label)) * 100):
            return str(row.label)
    raise LookupError("no such article")


def price_at_till(world: World, sku: str) -> float:
    return float(world.till_product(sku)["price_including_tax"])


def set_price(world: World, sku: str, factor: float) -> None:
    product, _ = world.online_variant(sku)
    price = _plain_price(world, sku)
    assert price is not None
    value = {"currencyCode": "EUR", "centAmount": round(price["value"]["centAmount"] * factor)}
    draft = {"value": value, "country": price["country"]}
    action = {"action": "changePrice", "priceId": price["id"], "price": draft, "staged": False}
    world.online.update("products", [action], id=product["id"])


def _plain_price(world: World, sku: str) -> dict[str, Any] | None:
    _, variant = world.online_variant(sku)
    special = ("customerGroup", "channel", "validFrom", "validUntil", "discounted", "tiers")
    return next(
        (p for p in variant["prices"] if p.get("country") == "DE" and not any(name in p for name in special)),
        None,
    )
