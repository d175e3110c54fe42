"""One record whose values nobody can take is held by name; the others flow, and nothing follows from its silence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.worlds import World


def linked(world: World, count: int = 2) -> list[dict[str, Any]]:
    """Online products whose SKU the till has, each with one variant."""
    at_the_till = {row["sku"] for row in world.till.all_products()}
    found = [
        product
        for product in world.online_products()
        if product["masterData"]["published"]
        and not product["masterData"]["current"]["variants"]
        and product["masterData"]["current"]["masterVariant"].get("sku") in at_the_till
    ]
    return found[:count]


def rename(world: World, product: dict[str, Any], name: str) -> None:
    names = {**product["masterData"]["current"]["name"]}
    action = {"action": "changeName", "name": dict.fromkeys(names, name), "staged": False}
    world.online.update("products", [action], id=product["id"])


@pytest.mark.parametrize("mode", ["delta", "full"])
def test_a_product_with_a_text_nobody_can_store_is_held_and_the_others_flow(sample: World, mode: str) -> None:
    sample.run("products", "full")
    sample.run("products", "full")
    odd, sound = linked(sample)
    sku = sound["masterData"]["current"]["masterVariant"]["sku"]
    rename(sample, odd, "Geheim\x00x")
    rename(sample, sound, "Quite Another Name")
    offered = {row["id"]: row["active"] for row in sample.till.all_products()}
    ran = sample.run("products", mode)
    assert ran.accounts.add_up and ran.accounts.failed == 0
    (held,) = [hold for hold in sample.holds() if hold.code == "unreadable"]
    assert (held.subject, held.source_id) == (f"commercetools:{odd['id']}", odd["id"])
    assert held.field == "name" and "Geheim" not in held.message
    assert sample.till_product(sku)["name"] == "Quite Another Name"
    assert {row["id"]: row["active"] for row in sample.till.all_products()} == offered
    rename(sample, odd, "Mended")
    sample.run("products", "delta")
    assert not [hold for hold in sample.holds() if hold.code == "unreadable"]
    mended = odd["masterData"]["current"]["masterVariant"]["sku"]
    assert sample.till_product(mended)["name"] == "Mended"
