"""A list that lacks rows deletes nothing: what was not met is asked for by its id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import World

LISTS = {"commercetools": "/product-projections$", "lightspeed": "/products$"}
ALWAYS: dict[str, Any] = {"method": "GET", "times": None}


def shorten(world: World, system: str, kind: str = "short_list", **more: Any) -> None:
    world.faults[system].add({"match": LISTS[system], "kind": kind, **ALWAYS, **more})


def states(world: World) -> dict[str, int]:
    """How many products are offered on each side."""
    published = sum(bool(one["masterData"]["published"]) for one in world.online_products())
    return {"online": published, "till": sum(bool(row["active"]) for row in world.till.all_products())}


@pytest.mark.parametrize(
    ("system", "kind"),
    [("lightspeed", "short_list"), ("commercetools", "short_list"), ("commercetools", "empty_list")],
)
def test_a_full_run_whose_lists_lack_half_of_their_rows_writes_nothing(
    sample: World, system: str, kind: str
) -> None:
    sample.run("full")
    sample.run("full")
    before, offered = sample.state(), states(sample)
    assert offered["till"] > 100
    shorten(sample, system, kind)
    sample.forget_requests()
    ran = sample.run("full")
    assert sample.writes() == [] and ran.accounts.changes == 0
    assert (sample.state(), states(sample)) == (before, offered)
    sample.faults[system].clear()
    assert sample.run("full").accounts.changes == 0
    assert sample.state() == before
