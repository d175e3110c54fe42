"""Edits between plan and load, and a service that is busy: commercetools played by software no one here wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from retail_sync.records.errors import TransientError
from tests.peers.mock_project import MockProject
from tests.peers.test_products import shared_products
from tests.peers.views import attributes_of
from tests.support.worlds import World

pytestmark = pytest.mark.peer
Json = dict[str, Any]


@pytest.fixture
def aligned(small: World) -> Iterator[World]:
    """A small shop after its first alignment."""
    small.run("products", "full")
    small.forget_requests()
    yield small


def bought_at_the_till(world: World) -> Iterator[tuple[str, Json]]:
    """Shared products with a supplier at the till, so that what they cost may be edited there."""
    for sku, product in shared_products(world):
        if world.till_product(sku)["product_suppliers"]:
            yield sku, product


def cost_online(world: World, sku: str) -> Any:
    return attributes_of(world.online_variant(sku)[1]).get("purchase-price")


def statuses(world: World, method: str, path: str) -> list[int | None]:
    """Of the answers to our requests, in order."""
    return [r.status for r in world.requests("commercetools") if r.method == method and path in r.path]


def test_an_edit_of_another_field_between_plan_and_load_is_kept(aligned: World) -> None:
    world = aligned
    sku, product = next(bought_at_the_till(world))
    world.till.edit_product(world.till_product(sku)["id"], supply_price="12.34")
    ran = world.run("products", "delta", before_load=lambda: world.rename_online(product, "Dazwischen"))
    assert statuses(world, "POST", f"/products/{product['id']}") == [409, 200]
    assert ran.accounts.changes == ran.accounts.applied == 1 and ran.accounts.add_up
    assert cost_online(world, sku) == ["EUR", 1234]
    assert world.online_variant(sku)[0]["masterData"]["current"]["name"]["de-DE"] == "Dazwischen"
    world.run("products", "delta")
    assert world.till_product(sku)["name"] == "Dazwischen"
    world.forget_requests()
    assert world.run("products", "full").accounts.changes == 0 and world.writes() == []


def test_an_edit_of_the_same_field_between_plan_and_load_is_merged_again_and_the_owner_wins(
    aligned: World,
) -> None:
    world = aligned
    sku, product = next(bought_at_the_till(world))
    world.till.edit_product(world.till_product(sku)["id"], supply_price="12.34")
    meanwhile = {"type": "centPrecision", "currencyCode": "EUR", "centAmount": 9999, "fractionDigits": 2}

    def edit() -> None:
        action = {"action": "setAttribute", "variantId": 1, "name": "purchase-price", "staged": False}
        world.online.update("products", [{**action, "value": meanwhile}], id=product["id"])

    ran = world.run("products", "delta", before_load=edit)
    assert 409 in statuses(world, "POST", f"/products/{product['id']}")
    assert cost_online(world, sku) == ["EUR", 1234]
    (change,) = world.ledger.changes.read(ran.run_id)
    assert change.outcome == "applied" and change.before != change.after
    assert "99.99" in str(change.before["supply_price"]) and "12.34" in str(change.after["supply_price"])


def test_the_same_edit_made_by_somebody_else_meanwhile_is_already_there(aligned: World) -> None:
    world = aligned
    sku, product = next(bought_at_the_till(world))
    world.till.edit_product(world.till_product(sku)["id"], supply_price="12.34")
    same = {"type": "centPrecision", "currencyCode": "EUR", "centAmount": 1234, "fractionDigits": 2}

    def edit() -> None:
        action = {"action": "setAttribute", "variantId": 1, "name": "purchase-price", "staged": False}
        world.online.update("products", [{**action, "value": same}], id=product["id"])

    ran = world.run("products", "delta", before_load=edit)
    assert statuses(world, "POST", f"/products/{product['id']}") == [409]
    assert ran.accounts.already_there == 1 and ran.accounts.applied == 0 and ran.accounts.add_up


def test_a_product_deleted_between_plan_and_load_stops_nobody_else(aligned: World) -> None:
    world = aligned
    (_, deleted), *others = list(bought_at_the_till(world))[:5]
    for sku in [sku for sku, _ in others] + [_sku(deleted)]:
        world.till.edit_product(world.till_product(sku)["id"], supply_price="12.34")
    ran = world.run(
        "products", "delta", before_load=lambda: world.online.delete("products", id=deleted["id"])
    )
    assert ran.accounts.add_up and ran.accounts.failed == 1 and ran.accounts.applied == len(others) == 4
    assert {tuple(cost_online(world, sku)) for sku, _ in others} == {("EUR", 1234)}
    assert [hold.label for hold in world.holds() if hold.label == _sku(deleted)] != []


def _sku(product: Json) -> str:
    return str(_variants(product)[0]["sku"])


def test_a_sku_taken_online_between_plan_and_load_is_refused_held_and_later_matched(small: World) -> None:
    world = small
    before = {row["sku"] for row in world.till.all_products()}
    online = {v.get("sku") for p in world.online_products() for v in _variants(p)}
    sku = next(
        row["sku"]
        for row in world.till.all_products()
        if row["sku"] in before - online and row["active"] and not row["variant_options"]
    )
    model = world.online_products()[0]

    def take() -> None:
        price = {"value": {"currencyCode": "EUR", "centAmount": 100}, "country": "DE"}
        world.online.create(
            "products",
            {
                "key": "taken",
                "productType": {"typeId": "product-type", "id": model["productType"]["id"]},
                "taxCategory": {"typeId": "tax-category", "id": model["taxCategory"]["id"]},
                "name": {"de-DE": "Schon da"},
                "slug": {"de-DE": "schon-da"},
                "masterVariant": {
                    "sku": sku,
                    "prices": [price],
                    "attributes": [a for a in _variants(model)[0]["attributes"] if a["name"] == "brand"],
                },
                "publish": True,
            },
        )

    ran = world.run("products", "full", before_load=take)
    assert ran.accounts.add_up and ran.accounts.failed >= 1
    assert [hold.code for hold in world.holds() if hold.label == sku] != []
    holders = [p for p in world.online_products() for v in _variants(p) if v.get("sku") == sku]
    assert [holder["key"] for holder in holders] == ["taken"]
    world.run("products", "full")
    linked = {link.commercetools_id for link in world.ledger.links.read("products", "variant")}
    assert f"{holders[0]['id']}:1" in linked


def _variants(product: Json) -> list[Json]:
    data = product["masterData"]["current"]
    return [data["masterVariant"], *data["variants"]]


# --- a service that is busy -----------------------------------------------------------------------------------------


def test_a_busy_service_delays_reading_and_loses_nothing(aligned: World, project: MockProject) -> None:
    waits: list[tuple[int, dict[str, str]]] = [
        (503, {}),
        (503, {"Retry-After": "1"}),
        (429, {"Retry-After": "1"}),
        (502, {}),
        (504, {}),
    ]
    for (status, headers), (sku, product) in zip(waits, list(shared_products(aligned))[:5], strict=True):
        aligned.rename_online(product, f"Trotz {status} {sku}")
        project.misbehave("/product-projections", status, times=2, headers=headers)
        aligned.forget_requests()
        ran = aligned.run("products", "delta")
        assert statuses(aligned, "GET", "/product-projections")[:3] == [status, status, 200]
        assert ran.accounts.changes == ran.accounts.applied == 1
        assert aligned.till_product(sku)["name"] == f"Trotz {status} {sku}"


def test_a_write_refused_at_the_door_is_sent_again_and_takes_effect_once(
    aligned: World, project: MockProject
) -> None:
    for status, (sku, product) in zip((503, 429), list(bought_at_the_till(aligned))[:2], strict=True):
        aligned.till.edit_product(aligned.till_product(sku)["id"], supply_price="12.34")
        project.misbehave("/products/", status, times=2, method="POST")
        aligned.forget_requests()
        ran = aligned.run("products", "delta")
        assert statuses(aligned, "POST", "/products/") == [status, status, 200]
        assert ran.accounts.changes == ran.accounts.applied == 1
        assert cost_online(aligned, sku) == ["EUR", 1234]
        assert aligned.online_variant(sku)[0]["version"] == product["version"] + 1


def test_a_write_with_an_unknown_outcome_is_looked_up_before_it_is_sent_again(
    aligned: World, project: MockProject
) -> None:
    for status, (sku, product) in zip((500, 502, 504), list(bought_at_the_till(aligned))[:3], strict=True):
        aligned.till.edit_product(aligned.till_product(sku)["id"], supply_price="12.34")
        project.misbehave("/products/", status, times=1, method="POST")
        aligned.forget_requests()
        ran = aligned.run("products", "delta")
        own = [r for r in aligned.requests("commercetools") if product["id"] in r.path + r.query]
        mine = [(request.method, request.status) for request in own]
        first, second = mine.index(("POST", status)), mine.index(("POST", 200))
        assert any(method == "GET" for method, _ in mine[first:second])
        assert ran.accounts.applied == 1 and cost_online(aligned, sku) == ["EUR", 1234]
        assert aligned.online_variant(sku)[0]["version"] == product["version"] + 1


def test_a_service_that_stays_away_fails_the_run_and_the_next_one_carries_everything(
    aligned: World, project: MockProject
) -> None:
    (sku, _), (other, renamed) = list(bought_at_the_till(aligned))[:2]
    aligned.till.edit_product(aligned.till_product(sku)["id"], supply_price="12.34")
    aligned.rename_online(renamed, "Später")
    tries = aligned.settings.limits.commercetools.retries + 1
    project.misbehave("/products/", 503, times=tries, method="POST")
    cursor = aligned.ledger.runs.cursor("products", "commercetools")
    with pytest.raises(TransientError):
        aligned.run("products", "delta")
    assert aligned.ledger.runs.cursor("products", "commercetools") == cursor
    aligned.run("products", "delta")
    assert cost_online(aligned, sku) == ["EUR", 1234]
    assert aligned.till_product(other)["name"] == "Später"
    aligned.forget_requests()
    assert aligned.run("products", "full").accounts.changes == 0 and aligned.writes() == []
