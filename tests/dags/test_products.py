"""The products DAG, run task by task by Airflow against both stand-ins: what it writes, counts and leaves behind."""

from __future__ import annotations

import json

import pytest

from sandbox.faults import FaultRule
from tests.dags.conftest import Run
from tests.support.worlds import World

pytestmark = pytest.mark.airflow


def test_from_the_first_alignment_to_a_quiet_delta(run: Run, world: World) -> None:
    too_early = run("products", mode="delta")
    assert too_early.state == "failed"
    assert "mode=full" in too_early.xcom[("audit", "problem")]
    assert world.writes() == []

    preflight = run("preflight")
    assert preflight.state == "success", preflight.xcom
    assert preflight.xcom[("report", "return_value")]["counts"]["error"] == 0
    # A request that says nothing, to see whether variants could be added: it makes nothing.
    assert [(one.path, one.status) for one in world.writes()] == [("/api/2.1/products", 422)]
    world.forget_requests()

    look = run("products", mode="full", dry_run=True)
    assert look.state == "success"
    assert look.tasks["load"] == "skipped"
    assert look.accounts["not_applied"] == look.accounts["changes"] > 100
    assert world.writes() == []

    first = run("products", mode="full")
    assert first.state == "success"
    assert first.audit["accounts_add_up"] is True
    assert first.accounts["applied"] == first.accounts["changes"] == look.accounts["changes"]
    assert world.ledger.runs.baseline("products") is not None

    world.forget_requests()
    second = run("products", mode="full")
    assert second.state == "success"
    assert second.tasks["load"] == "skipped"
    assert (second.accounts["changes"], second.accounts["failed"]) == (0, 0)
    assert world.writes() == []

    quiet = run("products", mode="delta")
    assert quiet.state == "success"
    assert quiet.accounts["changes"] == 0
    assert world.writes() == []

    sku = linked_sku(world)
    before = world.till_product(sku)["price_including_tax"]
    raise_price(world, sku)
    world.forget_requests()
    reconciled = run("reconcile")
    assert reconciled.state == "success"
    assert reconciled.xcom[("products.drift", "return_value")]["by_field"] == {"lightspeed: price": 1}
    assert reconciled.tasks["products.mend"] == "skipped", "nobody asked for a repair"
    assert world.writes() == []

    named = run("products", keys=[sku])
    assert named.state == "success"
    assert named.accounts["applied"] == 1
    assert world.till_product(sku)["price_including_tax"] != before
    assert len(world.writes()) == 1

    for text in said_to_others(first):
        assert sku not in text, "only counts, paths and cursors leave a task"


def test_a_refusal_for_good_settles_what_is_settled_and_moves_no_cursor(run: Run, world: World) -> None:
    refusals = 3
    world.faults["lightspeed"].add(
        FaultRule(match="/products$", method="POST", kind="status", status=403, after=refusals, times=None)
    )
    failed = run("products", mode="full")
    assert (failed.tasks["load"], failed.tasks["audit"], failed.state) == ("failed", "failed", "failed")
    assert "load[0]" in failed.xcom[("audit", "problem")]
    assert world.ledger.runs.cursor("products", "lightspeed") is None
    [record] = world.ledger.runs.last("products", 1)
    assert record.state == "failed"
    assert record.accounts["applied"] > 0
    assert record.accounts["unsettled"] > 0

    world.faults["lightspeed"].clear()
    mended = run("products", mode="full")
    assert mended.state == "success"
    assert mended.audit["accounts_add_up"] is True
    world.forget_requests()
    assert run("products", mode="full").accounts["changes"] == 0
    assert world.writes() == []


def test_the_plan_of_a_dry_run_is_applied_as_it_was_seen_or_not_at_all(run: Run, world: World) -> None:
    look = run("products", mode="full", dry_run=True)
    seen = f"products/{look.run_id}"
    standing = world.state()

    sku = any_sku(world)
    edit_online(world, sku, 500)
    edited = world.state()
    world.forget_requests()
    refused = run("products", plan=seen)
    assert (refused.state, refused.tasks["plan"], refused.tasks["load"], refused.tasks["audit"]) == (
        "failed",
        "failed",
        "upstream_failed",
        "failed",
    )
    assert world.writes() == []
    assert world.state() == edited
    problem = refused.xcom[("audit", "problem")]
    assert "is no longer what would be done" in problem
    assert sku in problem and "different" in problem and "price" in problem
    assert "Make a new dry run" in problem
    assert problem.count("is no longer what would be done") == 1
    record = world.ledger.runs.get(f"products/{refused.run_id}")
    assert (record.state, record.params["plan"], record.params["mode"]) == ("failed", seen, "full")
    assert record.error is not None and "only" not in record.error.partition("different")[0]
    assert record.accounts["add_up"] is True
    assert record.accounts["not_applied"] == record.accounts["changes"] == look.accounts["changes"]
    outcomes = world.ledger.changes.counts(record.id)
    assert {name for name, count in outcomes.items() if count} == {"not_applied"}
    assert world.ledger.runs.cursor("products", "lightspeed") is None
    assert world.ledger.runs.baseline("products") is None
    assert world.ledger.links.read("products", "variant") == [], "a plan that is refused binds nothing"

    edit_online(world, sku, -500)
    applied = run("products", plan=seen)
    assert applied.state == "success", applied.xcom
    assert applied.accounts["applied"] == applied.accounts["changes"] == look.accounts["changes"]
    assert world.state() != standing
    assert world.ledger.runs.baseline("products") is not None
    params = world.ledger.runs.get(f"products/{applied.run_id}").params
    assert (params["plan"], params["asked_by"]) == (seen, "dag_test")

    again = run("products", plan=seen)
    assert again.state == "failed", "what was done already is not that plan any more"
    assert "only in the plan you saw" in again.xcom[("audit", "problem")]
    world.forget_requests()
    assert run("products", mode="full").accounts["changes"] == 0
    assert world.writes() == []

    unknown = run("products", plan="products/nothing")
    assert "the ledger has no such run" in unknown.xcom[("audit", "problem")]
    other = run("prices", plan=seen)
    assert "a run of products, not of prices" in other.xcom[("audit", "problem")]


def test_an_outage_is_retried_and_the_run_succeeds(run: Run, world: World) -> None:
    for system in ("commercetools", "lightspeed"):
        world.faults[system].add(FaultRule(match="product", method="GET", kind="status", status=503, times=6))
    settled = run("products", mode="full")
    assert settled.state == "success"
    assert settled.audit["accounts_add_up"] is True


def test_params_that_make_no_sense_fail_with_the_way_out(run: Run, world: World) -> None:
    failed = run("products", mode="full", since="2026-01-01T00:00:00Z")
    assert failed.state == "failed"
    assert "Leave `since` empty" in failed.xcom[("audit", "problem")]


def linked_sku(world: World) -> str:
    """A SKU that both sides have."""
    till = {row["sku"] for row in world.till.all_products()}
    links = {link.commercetools_id for link in world.ledger.links.read("products", "product")}
    for product in world.online_products():
        sku = product["masterData"]["current"]["masterVariant"].get("sku")
        if product["id"] in links and sku in till and len(world.till_product(sku)["id"]):
            return str(sku)
    raise LookupError("no product is on both sides")


def any_sku(world: World) -> str:
    """A SKU that is online only, with a price."""
    till = {row["sku"] for row in world.till.all_products()}
    for product in world.online_products():
        variant = product["masterData"]["current"]["masterVariant"]
        if variant.get("sku") and variant["prices"] and variant["sku"] not in till:
            return str(variant["sku"])
    raise LookupError("every product is on both sides")


def raise_price(world: World, sku: str) -> None:
    edit_online(world, sku, 500)


def edit_online(world: World, sku: str, cents: int) -> None:
    """Add to a price as a person in the Merchant Center would, through the API."""
    import httpx

    product, variant = world.online_variant(sku)
    online = world.online.credentials()
    token = httpx.post(
        f"{world.online_url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(online["client_id"], online["client_secret"]),
    ).json()["access_token"]
    [price, *_] = variant["prices"]
    value = {**price["value"], "centAmount": price["value"]["centAmount"] + cents}
    answer = httpx.post(
        f"{world.online_url}/{online['project_key']}/products/{product['id']}",
        headers={"Authorization": f"Bearer {token}"},
        json={
            "version": product["version"],
            "actions": [
                {
                    "action": "changePrice",
                    "priceId": price["id"],
                    "price": {
                        **{k: v for k, v in price.items() if k not in ("id", "value", "key")},
                        "value": value,
                    },
                    "staged": False,
                }
            ],
        },
    )
    assert answer.status_code == 200, answer.text


def said_to_others(finished: object) -> list[str]:
    """Everything a run left in XCom, as text."""
    return [json.dumps(value, default=str) for value in finished.xcom.values()]  # type: ignore[attr-defined]
