"""Runs that Airflow begins once more under a name it has used before: a DAG that was deleted and added again, or a run
that somebody cleared after it had succeeded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.support.worlds import World, world_of


@pytest.fixture
def world(ledger_url: str, tmp_path: Path) -> Iterator[World]:
    with world_of(load_shop(SAMPLE_SHOP), ledger_url, tmp_path) as opened:
        yield opened


def linked_sku(world: World) -> str:
    link = world.ledger.links.read("products", "variant")[0]
    return str(world.till.products.rows[link.lightspeed_id].sku)


def test_a_run_whose_name_was_used_before_reads_again_and_its_accounts_add_up(world: World) -> None:
    name = "products/scheduled__2026-11-30T07:00:00+00:00"
    assert world.run("products", "full", run_id=name).accounts.planned > 0
    sku = linked_sku(world)
    product, _ = world.online_variant(sku)
    names = {**product["masterData"]["current"]["name"], "de-DE": "Renamed since then"}
    action = {"action": "changeName", "name": names, "staged": False}
    world.online.update("products", [action], id=product["id"])
    world.ledger.runs.begin_anew(name)
    again = world.run("products", "full", run_id=name)
    assert "Renamed since then" in str(world.till_product(sku)["name"])
    assert again.accounts.planned >= 1
    run = world.ledger.runs.get(name)
    assert (run.state, run.accounts["add_up"]) == ("succeeded", True)
    world.forget_requests()
    assert world.run("products", "full", run_id="products/later").accounts.planned == 0
    assert world.writes() == []
