"""Planned changes as the differences a person reads about."""

from __future__ import annotations

from retail_sync.ledger.rows import ChangeRow
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.planner import place_name
from retail_sync.sync.queries.drift import Difference, differences

SETTINGS = SyncSettings()
OUTLETS = {"0a1b": "Warehouse"}
FIGURE = ChangeRow(
    run_id="reconcile/inventory/1",
    entity="inventory",
    kind="stock",
    subject="lightspeed:p1",
    label="A-1",
    system="commercetools",
    action="update",
    unit="commercetools:A-1@berlin",
    before={"on_stock": 72, "available": 70},
    after={"on_stock": 6, "available": 4},
    reasons={
        "figure": {"places": [{"location": "Berlin", "level": "3"}, {"location": "Annex", "level": "?"}]}
    },
)
LEVEL = ChangeRow(
    run_id="reconcile/inventory/1",
    entity="inventory",
    kind="stock",
    subject="lightspeed:p1",
    label="A-1",
    system="lightspeed",
    action="adjust",
    unit="lightspeed:p1@0a1b",
    before={"level": 700_000},
    after={"level": 950_000},
)


def test_a_figure_differs_with_the_levels_it_comes_from() -> None:
    [found] = differences(FIGURE, SETTINGS, OUTLETS)
    assert found == Difference(
        "commercetools", "stock", "A-1", "update", "berlin", 70, 4, "Berlin 3, Annex ?",
        {"Berlin": "3", "Annex": "?"},
    )  # fmt: skip


def test_a_level_that_somebody_else_counts_is_told_by_the_name_of_its_location() -> None:
    [found] = differences(LEVEL, SETTINGS, OUTLETS)
    assert (found.field, found.stands, found.wanted, found.owner) == ("level", "7", "9.5", "the online entry")
    assert found.places == {"Warehouse": "7"}


def test_a_change_of_stock_goes_to_a_channel_or_to_a_location() -> None:
    assert place_name(FIGURE, OUTLETS) == "berlin"
    assert place_name(LEVEL, OUTLETS) == "Warehouse"
    assert place_name(LEVEL, {}) == "0a1b"


def test_a_field_differs_with_both_values_and_whose_counts() -> None:
    change = ChangeRow(
        run_id="reconcile/products/1",
        entity="products",
        kind="product",
        subject="commercetools:1",
        system="lightspeed",
        action="update",
        unit="lightspeed:1",
        before={"name": "Jacke"},
        after={"name": "Jacket", "description": "Dry."},
    )
    found = [(one.field, one.stands, one.wanted, one.owner) for one in differences(change, SETTINGS, {})]
    owner = SETTINGS.products.owner_of
    assert found == [
        ("description", None, "Dry.", owner("description")),
        ("name", "Jacke", "Jacket", owner("name")),
    ]


def test_a_price_differs_in_its_list_with_both_amounts_and_whose_it_is() -> None:
    lists = [{"name": "VIP", "owner": "commercetools", "lightspeed": {"price_book": "VIP"}}]
    settings = SyncSettings.model_validate({"prices": {"lists": lists}})
    change = ChangeRow(
        run_id="reconcile/prices/1",
        entity="prices",
        kind="price",
        subject="lightspeed:p1",
        label="A-1",
        system="lightspeed",
        action="update",
        unit="lightspeed:VIP@p1",
        before={"list": "VIP", "price": {"amount": "8.40336"}},
        after={"list": "VIP", "price": {"amount": "9.99", "tiers": [[10, "8.99"]]}},
    )
    [found] = differences(change, settings, {})
    assert (found.field, found.stands, found.wanted, found.owner) == (
        "list VIP", "8.40336", "9.99 (from 10: 8.99)", "commercetools",
    )  # fmt: skip


def test_a_price_of_a_list_that_is_gone_from_the_settings_has_no_owner() -> None:
    change = ChangeRow(
        run_id="reconcile/prices/1",
        entity="prices",
        kind="price",
        subject="lightspeed:p1",
        label="A-1",
        system="commercetools",
        action="update",
        unit="commercetools:v1",
        before={"list": "old", "price": {"amount": "9"}},
        after={"list": "old", "price": {"amount": "10"}},
    )
    [found] = differences(change, SETTINGS, {})
    assert (found.field, found.stands, found.wanted, found.owner) == ("list old", "9", "10", "none")
