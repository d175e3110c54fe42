"""From the till to an empty online shop, and reads that are interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.migrate import upgrade
from retail_sync.records.errors import TransientError
from sandbox.shop import Shop
from tests.support.worlds import World, world_of


def variants(world: World) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    found = {}
    for product in world.online_products():
        data = product["masterData"]["current"]
        for variant in [data["masterVariant"], *data["variants"]]:
            found[variant["sku"]] = (product, variant)
    return found


def shown(world: World, sku: str) -> dict[str, Any]:
    """What both ways have to agree on: names, price in euro, tax category, options, description, published."""
    product, variant = variants(world)[sku]
    data = product["masterData"]["current"]
    attributes = {a["name"]: a["value"] for a in variant.get("attributes", [])}
    tax = world.online.get("tax-categories", id=product["taxCategory"]["id"])
    return {
        "name": data["name"]["en-GB"],
        "price": next(
            p["value"]["centAmount"]
            for p in variant["prices"]
            if p["value"]["currencyCode"] == "EUR" and p.get("country") in (None, "DE")
        ),
        "tax": tax["key"],
        "color": (attributes.get("colorlabel") or {}).get("en-GB", "").strip(),
        "description": " ".join((attributes.get("product-description") or {}).get("en-GB", "").split()),
        "published": product["masterData"]["published"],
    }


def test_goodstore_comes_back_from_the_till_into_an_empty_online_shop(
    goodstore: World, goodstore_shop: Shop, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    goodstore.run("products", "full")
    name = "the_other_way"
    postgres.create_database(name)
    url = postgres.url(name)
    assert make_url(url).database == name
    upgrade(url)
    empty = replace(goodstore_shop, products=(), inventory=(), orders=())
    back = tmp_path / "back"
    back.mkdir()
    with world_of(goodstore_shop, url, back, online_shop=empty, till=goodstore.till) as world:
        assert world.online_products() == []
        ran = world.run("products", "full")
        assert ran.accounts.add_up and ran.accounts.failed == 0
        held = {hold.label for hold in world.holds()}
        there, here = variants(goodstore), variants(world)
        assert set(there) - set(here) <= held
        assert len(here) >= 141
        for sku in here:
            wanted, found = shown(goodstore, sku), shown(world, sku)
            if len(variants_of(goodstore, sku)) == 1:
                wanted.pop("color"), found.pop("color")  # one variant alone has nothing to be told apart by
            assert found == wanted, sku
        world.forget_requests()
        before = world.state()
        assert world.run("products", "full").accounts.changes == 0
        assert world.writes() == [] and world.state() == before


def variants_of(world: World, sku: str) -> list[dict[str, Any]]:
    data = variants(world)[sku][0]["masterData"]["current"]
    return [data["masterVariant"], *data["variants"]]


def test_a_full_read_that_breaks_in_the_middle_goes_on_after_its_last_finished_page(
    sample_shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    limits = {
        "limits": {
            "commercetools": {"page_size": 10, "retries": 0},
            "lightspeed": {"page_size": 10, "retries": 0},
        }
    }
    with world_of(sample_shop, ledger_url, tmp_path, limits) as world:
        world.faults["lightspeed"].add(
            {"match": "/products$", "method": "GET", "kind": "status", "status": 503, "after": 4, "times": 1}
        )
        with pytest.raises(TransientError):
            world.run("products", "full", run_id="interrupted")
        first = [r.query for r in world.requests("lightspeed") if r.path.endswith("/products")]
        world.forget_requests()
        ran = world.run("products", "full", run_id="interrupted")
        again = [
            r.query
            for r in world.requests("lightspeed")
            if r.path.endswith("/products") and r.method == "GET"
        ]
        assert ran.extracted["lightspeed"].resumed_from >= 3
        assert not set(first[1:-1]) & set(again)
        assert not [r for r in world.requests("commercetools") if r.path.endswith("/product-projections")]
        assert ran.accounts.add_up and ran.accounts.failed == 0
        assert world.run("products", "full").accounts.changes == 0
