"""What can be known before web orders are read and in-store sales are written: each finding with a way out."""

from __future__ import annotations

from typing import Any

import pytest

from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from sandbox.faults import FaultRule
from tests.commercetools.ordered import run, selling, settings
from tests.commercetools.world import Json, World

BOTH: Json = {"target": "orders"}


@pytest.fixture
def world() -> World:
    return selling()


def checked(world: World, config: SyncSettings | None = None, **connection: Any) -> list[CheckResult]:
    found = run(world, lambda adapter: adapter.check(), config, prepared=False, **connection)
    assert all(one.remedy for one in found if one.level != "ok"), "whoever reads it knows what to do"
    return found


def wrong(world: World, config: SyncSettings | None = None, **connection: Any) -> list[tuple[str, str]]:
    """(level, subject) of all that is not in order."""
    return [(one.level, one.subject) for one in checked(world, config, **connection) if one.level != "ok"]


def finding(world: World, config: SyncSettings, subject: str) -> CheckResult:
    (found,) = [one for one in checked(world, config) if one.subject == subject]
    return found


def pos(world: World, *definitions: tuple[str, str], required: bool = False, resource: str = "order") -> None:
    """A type of custom fields: (name, type)."""
    world.store.create(
        "types",
        {
            "key": "pos",
            "name": {"en-GB": "POS"},
            "resourceTypeIds": [resource],
            "fieldDefinitions": [
                {"name": name, "label": {"en-GB": name}, "required": required, "type": {"name": type_}}
                for name, type_ in definitions
            ],
        },
    )


# ---------------------------------------------------------------- nothing to complain of


def test_where_neither_orders_nor_sales_sync_nothing_is_asked(world: World) -> None:
    world.faults.clear_requests()
    found = checked(world, settings({"since": None}))
    assert [(one.level, one.subject) for one in found] == [("ok", "orders")] and not world.faults.requests


@pytest.mark.parametrize(
    "config",
    [
        settings(),
        settings(sales=BOTH),
        settings({"since": None}, BOTH),
        settings({"since": None}, {"target": "entries"}),
        settings(
            {
                "stores": ["city"],
                "channels": ["eu"],
                "places": [
                    {"location": "Berlin", "store": "city", "channel": "web", "shipping_method": "dhl"}
                ],
                "fulfilment": {"DHL parcel": "delivery"},
                "products": {"shipping_methods": {"dhl": "SHIP"}},
            },
            {**BOTH, "stores": {"Berlin": "city"}},
        ),
    ],
    ids=["orders", "both", "sales alone", "entries alone", "everything named"],
)
def test_a_project_that_has_what_the_settings_name_is_in_order(world: World, config: SyncSettings) -> None:
    assert wrong(world, config) == [] and checked(world, config)


# ---------------------------------------------------------------- scopes


@pytest.mark.parametrize(
    ("config", "needed"),
    [
        (settings(), {"view_channels", "manage_orders", "view_payments"}),
        (settings({"since": None}, BOTH), {"view_channels", "manage_orders"}),
        (settings({"since": None}, {"target": "entries"}), {"view_channels", "manage_key_value_documents"}),
        (settings({"stores": ["city"]}), {"view_channels", "manage_orders", "view_payments", "view_stores"}),
        (
            settings({"since": None}, {**BOTH, "type": "pos", "stores": {"Berlin": "city"}}),
            {"view_channels", "manage_orders", "view_stores", "view_types"},
        ),
    ],
    ids=["orders", "imports", "entries", "stores", "custom fields"],
)
def test_every_scope_that_is_needed_and_missing_is_named_and_with_them_all_is_well(
    world: World, config: SyncSettings, needed: set[str]
) -> None:
    pos(world)
    bare = checked(world, config, scopes=("view_project_settings",))
    (missing,) = [one for one in bare if one.subject == "scopes"]
    assert missing.level == "error"
    assert set(missing.finding.removeprefix("missing for orders and sales: ").split(", ")) == needed
    assert all(f"{scope}:little-shop" in missing.remedy for scope in needed)
    assert wrong(world, config, scopes=("view_project_settings", *needed)) == []


def test_a_wider_scope_does_as_well(world: World) -> None:
    wide = ("manage_products", "manage_orders", "manage_payments", "manage_stores", "manage_types")
    pos(world)
    config = settings({"stores": ["city"]}, {**BOTH, "type": "pos"})
    assert wrong(world, config, scopes=wide) == []
    assert wrong(world, settings({"since": None}, {"target": "entries"}), scopes=("manage_products",)) == []


def test_credentials_that_are_refused_end_the_list(world: World) -> None:
    found = checked(world, client_id="nobody")
    assert [(one.level, one.subject) for one in found] == [("error", "credentials")]


def test_a_project_that_can_not_be_read_is_a_finding(world: World) -> None:
    world.faults.add(FaultRule(match="/channels", kind="status", status=400, body={}, times=None))
    assert ("error", "orders") in wrong(world)


# ---------------------------------------------------------------- the channel of marks


@pytest.mark.parametrize(
    ("key", "config", "lacking"),
    [
        ("nobodys", settings(export_channel="nobodys"), "does not exist"),
        ("berlin", settings(export_channel="berlin"), "has no role OrderExport"),
        ("erp", settings(sales=BOTH, export_channel="erp"), "has no role OrderImport"),
        ("berlin", settings(sales=BOTH, export_channel="berlin"), "has no role OrderExport or OrderImport"),
    ],
)
def test_a_channel_that_can_not_mark_what_is_written_is_an_error(
    world: World, key: str, config: SyncSettings, lacking: str
) -> None:
    found = finding(world, config, "inventory.export_channel")
    assert (found.level, found.finding) == ("error", f"the channel {key} {lacking}")
    assert "OrderExport" in found.remedy


def test_entries_need_no_channel_of_marks(world: World) -> None:
    assert wrong(world, settings({"since": None}, {"target": "entries"}, export_channel="nobodys")) == []


# ---------------------------------------------------------------- what the settings name


@pytest.mark.parametrize(
    "orders",
    [{"channels": ["atlantis"]}, {"places": [{"location": "Berlin", "channel": "atlantis"}]}],
)
def test_a_channel_that_is_not_there_is_an_error(world: World, orders: Json) -> None:
    found = finding(world, settings(orders), "orders")
    assert (found.level, found.finding) == ("error", "there is no channel atlantis")


@pytest.mark.parametrize(
    ("orders", "sales"),
    [
        ({"stores": ["atlantis"]}, {}),
        ({"places": [{"location": "Berlin", "store": "atlantis"}]}, {}),
        ({}, {**BOTH, "stores": {"Berlin": "atlantis"}}),
    ],
)
def test_a_store_that_is_not_there_is_an_error(world: World, orders: Json, sales: Json) -> None:
    found = finding(world, settings(orders, sales), "orders")
    assert (found.level, found.finding) == ("error", "there is no store atlantis")


@pytest.mark.parametrize(
    "orders",
    [
        {"places": [{"location": "Berlin", "shipping_method": "zeppelin"}]},
        {"fulfilment": {"zeppelin": "pickup"}},
        {"products": {"shipping_methods": {"zeppelin": "SHIP"}}},
    ],
)
def test_a_shipping_method_that_is_not_there_is_a_warning(world: World, orders: Json) -> None:
    found = finding(world, settings(orders), "orders")
    assert (found.level, found.finding) == ("warning", "there is no shipping method zeppelin")


def test_what_only_orders_need_is_not_looked_for_while_none_is_exported(world: World) -> None:
    unused = {
        "since": None,
        "channels": ["atlantis"],
        "stores": ["atlantis"],
        "fulfilment": {"zeppelin": "pickup"},
    }
    assert wrong(world, settings(unused, BOTH)) == []
    assert wrong(world, settings({}, {"stores": {"Berlin": "atlantis"}})) == []


# ---------------------------------------------------------------- custom fields of imported orders

NAMED: Json = {**BOTH, "type": "pos", "fields": {"sale": "sale", "tenders": "paid"}}


def test_custom_fields_that_their_type_declares_are_in_order(world: World) -> None:
    pos(world, ("sale", "String"), ("paid", "String"), ("more", "Number"))
    assert wrong(world, settings(sales=NAMED)) == []


def test_a_type_that_is_not_there_is_an_error(world: World) -> None:
    found = finding(world, settings(sales=NAMED), "sales.type")
    assert (found.level, found.finding) == ("error", "there is no type pos")


def test_a_field_the_type_lacks_or_has_as_something_else_is_an_error(world: World) -> None:
    pos(world, ("paid", "Number"))
    found = finding(world, settings(sales=NAMED), "sales.fields")
    assert found.level == "error" and found.finding.endswith("as String: sale, paid")


def test_a_type_of_something_else_than_orders_is_an_error(world: World) -> None:
    pos(world, ("sale", "String"), ("paid", "String"), resource="customer")
    found = finding(world, settings(sales=NAMED), "sales.fields")
    assert found.level == "error" and found.finding.endswith("sale, paid")


def test_a_type_that_demands_what_nothing_writes_is_an_error(world: World) -> None:
    pos(world, ("sale", "String"), ("paid", "String"), ("cashier", "String"), required=True)
    found = finding(world, settings(sales=NAMED), "sales.type")
    assert found.level == "error" and "demands cashier," in found.finding


def test_fields_without_a_type_are_warned_about(world: World) -> None:
    found = finding(world, settings(sales={**NAMED, "type": None}), "sales.type")
    assert found.level == "warning" and found.finding.endswith("sale, paid")


def test_fields_of_entries_are_not_looked_for(world: World) -> None:
    assert wrong(world, settings(sales={**NAMED, "target": "entries"})) == []


def test_all_that_is_wrong_is_told_at_once(world: World) -> None:
    config = settings(
        {"stores": ["atlantis"], "channels": ["atlantis"], "fulfilment": {"zeppelin": "pickup"}},
        NAMED,
        export_channel="nobodys",
    )
    assert sorted(wrong(world, config)) == [
        ("error", "inventory.export_channel"),
        ("error", "orders"),
        ("error", "orders"),
        ("error", "sales.type"),
        ("warning", "orders"),
    ]
