"""What can be known of stock before a run: scopes, channels, offers, and how the project reserves."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from tests.commercetools.stocked import fill, run, stock_settings
from tests.commercetools.world import PROJECT, World, variant


def checked(world: World, config: SyncSettings | None = None) -> dict[str, CheckResult]:
    return {line.subject: line for line in run(world, lambda a: a.check(), config)}


def offering(**offer: Any) -> SyncSettings:
    channel = {"key": "berlin", "locations": ["Berlin"], "offer": offer}
    return stock_settings([{"name": "Berlin", "outlet": "Berlin"}], channels=[channel])


def selection(world: World, key: str, *products: str) -> str:
    made = world.store.create("product-selections", {"key": key, "name": {"en-GB": key}})
    actions = [
        {"action": "addProduct", "product": {"typeId": "product", "id": product}} for product in products
    ]
    if actions:
        world.store.update("product-selections", actions, id=made["id"])
    return str(made["id"])


def test_a_shop_that_is_ready_has_nothing_to_complain_of(world: World) -> None:
    fill(world)
    found = checked(world)
    assert {line.level for line in found.values()} == {"ok"}
    assert {"channel berlin", "channel depot", "inventory", "orders"} <= set(found)


def test_a_missing_channel_is_an_error_or_a_warning_where_it_will_be_made(world: World) -> None:
    assert checked(world)["channel berlin"].level == "error"
    made = checked(world, stock_settings(create_channels=True))
    assert made["channel berlin"].level == "warning"
    assert made["channel depot"].level == "error"  # of a location somebody else counts: it is only read


def test_without_the_export_channel_no_order_is_ever_taken_for_exported(world: World) -> None:
    assert checked(world)["inventory.export_channel"].level == "warning"
    world.store.create("channels", {"key": "lightspeed", "roles": ["InventorySupply"]})
    assert "OrderExport" in checked(world)["inventory.export_channel"].finding


RESERVING = {"reservationExpirationInMinutes": 10, "releaseExpiredReservations": True}


@pytest.mark.parametrize(
    "inventory, reserved",
    [
        (RESERVING, "carts"),
        ({"releaseExpiredReservations": True}, "orders"),  # so it is in every project by default
        ({"releaseExpiredReservations": False}, "orders"),
        ({"reservationExpirationInMinutes": None, "releaseExpiredReservations": True}, "orders"),
        (None, "orders"),
    ],
)
def test_carts_reserve_where_the_project_says_for_how_long_and_nowhere_else(
    world: World, inventory: Any, reserved: str
) -> None:
    fill(world)
    world.store.set_project(inventory=inventory)
    assert run(world, lambda a: a.reserved()) == reserved
    line = checked(world)["inventory.reserved"]
    assert line.level == "ok" and ("carts" in line.finding) == (reserved == "carts")


@pytest.mark.parametrize("inventory, stated", [(RESERVING, "orders"), ({}, "carts")])
def test_a_setting_that_contradicts_the_project_is_an_error(
    world: World, inventory: Any, stated: str
) -> None:
    fill(world)
    world.store.set_project(inventory=inventory)
    line = checked(world, stock_settings(reserved=stated))["inventory.reserved"]
    assert line.level == "error" and "reservationExpirationInMinutes" in line.finding and line.remedy


def test_reservations_that_are_never_given_back_are_told(world: World) -> None:
    fill(world)
    world.store.set_project(inventory={**RESERVING, "releaseExpiredReservations": False})
    assert checked(world)["inventory.reserved"].level == "warning"


def test_a_missing_scope_is_named(world: World) -> None:
    fill(world)
    secret = "another-secret"
    scopes = [f"{scope}:{PROJECT}" for scope in ("manage_products", "view_project_settings")]
    world.store.add_client("narrow", secret, scopes)
    world.connection = _with(world, client_id="narrow", client_secret=SecretStr(secret))  # type: ignore[method-assign]
    found = checked(world)
    assert found["scopes"].level == "error" and "view_orders" in found["scopes"].finding
    assert found["orders"].level == "error" and found["inventory"].level == "ok"


def _with(world: World, **fields: Any) -> Any:
    plain = world.connection
    return lambda **more: plain(**{**fields, **more})


def test_offers_are_read_by_selection_and_by_the_active_selections_of_a_store(world: World) -> None:
    fill(world)
    ids = [world.product(variant(f"P-{n}"), key=f"p-{n}")["id"] for n in range(3)]
    selection(world, "summer", ids[0], ids[1])
    on, off = selection(world, "on", ids[1]), selection(world, "off", ids[2])
    listed = [
        {"productSelection": {"typeId": "product-selection", "id": on}, "active": True},
        {"productSelection": {"typeId": "product-selection", "id": off}, "active": False},
    ]
    world.store.create("stores", {"key": "city", "name": {"en-GB": "City"}, "productSelections": listed})
    config = offering(product_selections=["summer"], stores=["city"])
    read = run(world, lambda a: a.assortments(), config)
    assert read.selections == {"summer": frozenset(ids[:2])}
    assert read.stores == {"city": frozenset([ids[1]])}
    assert checked(world, config)["inventory.channels"].level == "ok"
    assert run(world, lambda a: a.assortments()).selections == {}


def test_an_offer_that_can_not_be_read_is_never_taken_for_an_empty_one(world: World) -> None:
    fill(world)
    config = offering(product_selections=["gone"], stores=["nowhere"])
    with pytest.raises(ConfigurationFault, match="gone.*nowhere"):
        run(world, lambda a: a.assortments(), config)
    assert checked(world, config)["inventory.channels"].level == "error"
