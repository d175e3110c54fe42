"""What the till knows beside its levels: goods that open sales hold, goods on their way; and if it may be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from retail_sync.records.inventory import parts
from retail_sync.records.ports.inventory import Buckets
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from sandbox.faults import FaultRule
from tests.lightspeed.stocked import product, run, stock_settings
from tests.lightspeed.till import Till

SECRET = "Ada Byron, ada@private.example"


def buckets(
    till: Till, *attributes: str, incoming: bool = False, config: SyncSettings | None = None
) -> Buckets:
    return run(till, lambda adapter: adapter.buckets(attributes, incoming), config)


def held(till: Till, *attributes: str) -> dict[tuple[str, str], int]:
    table = buckets(till, *attributes).held
    return dict(
        zip(
            zip(table["product_id"], table["outlet_id"], strict=True),
            table["quantity"].tolist(),
            strict=True,
        )
    )


def answers(till: Till, *sales: dict[str, Any]) -> None:
    """The search finds these sales, then no more."""
    till.faults.clear()
    till.faults.add(
        FaultRule(
            match="/search", query="offset=0(&|$)", kind="status", status=200, body={"data": list(sales)}
        ),
        FaultRule(match="/search", kind="status", status=200, body={"data": []}, times=None),
    )


# ---------------------------------------------------------------- held


def test_open_sales_of_the_wanted_kinds_hold_goods_where_they_were_made(till: Till) -> None:
    shirt, berlin = product(till), till.store.berlin  # type: ignore[attr-defined]
    till.store.sell(berlin, [(shirt, "1.5")], state="pending", attributes=["layby"])
    till.store.sell(berlin, [(shirt, 2)], state="pending", attributes=["pickup"])
    till.store.sell(berlin, [(shirt, 4)], state="pending", attributes=["service"])
    till.store.sell(berlin, [(shirt, 8)], state="closed", attributes=["layby"])
    assert held(till, "layby", "pickup") == {(shirt, berlin): parts(3) + 50_000}
    assert held(till) == {} and not till.sent()


def test_a_sale_of_two_kinds_holds_its_goods_once(till: Till) -> None:
    shirt, berlin = product(till), till.store.berlin  # type: ignore[attr-defined]
    till.store.sell(berlin, [(shirt, 1)], state="pending", attributes=["layby", "pickup"])
    assert held(till, "layby", "pickup") == {(shirt, berlin): parts(1)}


def test_a_line_is_held_where_it_is_handed_over(till: Till) -> None:
    nested = {
        "id": "s1",
        "state": "pending",
        "attributes": ["pickup"],
        "source": {"outlet_id": "a"},
        "line_items": [
            {"product": {"id": "p"}, "quantity": "2"},
            {"product": {"id": "p"}, "quantity": 1, "fulfilment_outlet_id": "b"},
        ],
    }
    flat = {
        "id": "s2",
        "state": "pending",
        "attributes": ["pickup"],
        "outlet_id": "a",
        "fulfillment_outlet_id": "c",
        "line_items": [{"product_id": "p", "quantity": 4}, {"product_id": "q", "quantity": 0.5}],
    }
    answers(till, nested, flat)
    assert held(till, "pickup") == {
        ("p", "a"): parts(2),
        ("p", "b"): parts(1),
        ("p", "c"): parts(4),
        ("q", "c"): 50_000,
    }


def test_goods_that_come_back_voided_lines_and_what_is_not_said_hold_nothing(till: Till) -> None:
    lines = [
        {"product": {"id": "p"}, "quantity": -1, "return": {"is_return": True}},
        {"product": {"id": "p"}, "quantity": 5, "status": "VOIDED"},
        {"product": {"id": "p"}, "quantity": None},
        {"quantity": 1},
    ]
    sale = {"id": "s", "state": "pending", "attributes": ["layby"], "source": {"outlet_id": "a"}}
    answers(till, {**sale, "line_items": lines})
    assert held(till, "layby") == {}


def test_what_the_search_index_does_not_know_yet_is_looked_at_again(till: Till) -> None:
    line = {"product": {"id": "p"}, "quantity": 1}
    sale = {"attributes": ["layby"], "source": {"outlet_id": "a"}, "line_items": [line]}
    answers(
        till,
        {**sale, "id": "1", "state": "closed"},
        {**sale, "id": "2", "state": "pending", "deleted_at": "2026-07-27T10:03:38+00:00"},
        {**sale, "id": "3", "state": "pending", "attributes": ["pickup"]},
        {**sale, "id": "4", "state": "pending"},
    )
    assert held(till, "layby") == {("p", "a"): parts(1)}


def test_nobody_who_bought_is_kept_with_an_exchange(till: Till) -> None:
    shirt, berlin = product(till), till.store.berlin  # type: ignore[attr-defined]
    till.store.sell(berlin, [(shirt, 1)], state="pending", attributes=["layby"], note=SECRET)
    buckets(till, "layby")
    searched = [e for e in till.exchanges.kept if "/search" in e.url]
    assert len(searched) == 2 and SECRET not in repr(till.exchanges.kept)
    assert all((e.response_body or "").endswith("bytes, withheld]") for e in searched)


# ---------------------------------------------------------------- on their way


def counted(table: pd.DataFrame) -> list[list[Any]]:
    return [list(row) for row in table[["product_id", "outlet_id", "quantity"]].itertuples(index=False)]


def test_goods_on_their_way_count_at_the_named_locations_only(till: Till) -> None:
    shirt = product(till)
    berlin, hamburg = till.store.berlin, till.store.hamburg  # type: ignore[attr-defined]
    till.store.order_from_supplier(berlin, [(shirt, "12.5")], due_at="2026-12-01T00:00:00Z")
    till.store.order_from_supplier(hamburg, [(shirt, 7)])
    arrived = till.store.order_from_supplier(berlin, [(shirt, 3)])
    till.store.receive_consignment(arrived)
    config = stock_settings(count_incoming=["Shop"])
    found = buckets(till, incoming=True, config=config).incoming
    assert counted(found) == [[shirt, berlin, parts(12) + 50_000]]
    assert found["due_at"][0].isoformat().startswith("2026-12-01")
    assert buckets(till, incoming=False, config=config).incoming.empty
    assert buckets(till, incoming=True).incoming.empty and not till.sent()


def test_what_has_been_received_already_is_not_on_its_way(till: Till) -> None:
    berlin = till.store.berlin  # type: ignore[attr-defined]
    consignment = {
        "id": "k-1",
        "type": "SUPPLIER",
        "status": "DISPATCHED",
        "outlet_id": berlin,
        "due_at": None,
        "version": 9,
    }
    lines = [
        {"product_id": "p", "count": "10.00000", "received": "4.00000", "version": 1},
        {"product_id": "q", "count": "1", "received": "2", "version": 2},
        {"product_id": "r", "count": None, "received": "2", "version": 3},
        {"product_id": "s", "count": "2", "received": None, "version": 4},
    ]
    stopped = FaultRule(match="/consignments", kind="status", status=200, body={"data": []}, times=None)
    till.faults.add(
        FaultRule(match="/k-1/products", kind="status", status=200, body={"data": lines}),
        FaultRule(
            match="/consignments$",
            query="DISPATCHED",
            kind="status",
            status=200,
            body={"data": [consignment]},
        ),
        stopped,
    )
    found = buckets(till, incoming=True, config=stock_settings(count_incoming=["Shop"])).incoming
    assert counted(found) == [["p", berlin, parts(6)], ["s", berlin, parts(2)]]
    assert found["due_at"].isna().all()


def test_a_filter_the_api_does_not_honour_changes_nothing(till: Till) -> None:
    berlin = till.store.berlin  # type: ignore[attr-defined]
    shown = {"id": "k-1", "type": "STOCKTAKE", "status": "SENT", "outlet_id": berlin, "version": 9}
    till.faults.add(
        FaultRule(
            match="/consignments$",
            query="after=0",
            kind="status",
            status=200,
            body={"data": [shown]},
            times=None,
        ),
        FaultRule(match="/consignments", kind="status", status=200, body={"data": []}, times=None),
    )
    assert buckets(till, incoming=True, config=stock_settings(count_incoming=["Shop"])).incoming.empty


# ---------------------------------------------------------------- preflight


def checked(
    till: Till, config: SyncSettings | None = None, version: str = "2026-07"
) -> dict[str, CheckResult]:
    found = run(till, lambda adapter: adapter.check(), config, prepared=False, version=version)
    return {line.subject: line for line in found}


EVERYTHING: dict[str, Any] = {"held_by_open_sales": ["layby"], "count_incoming": ["Shop"]}


def test_a_store_that_is_ready_has_nothing_to_complain_of(till: Till) -> None:
    for version in ("2026-07", "2026-01"):
        found = checked(till, stock_settings(**EVERYTHING), version)
        assert {line.level for line in found.values()} == {"ok"}
        assert {"scopes", "location Shop", "location Depot", "inventory.adjusting.reason_up"} <= set(found)


def test_only_the_scopes_that_the_configuration_needs_are_asked_for(open_till: Callable[..., Till]) -> None:
    till = open_till()
    till.token = till.store.tokens.add_personal(scopes=frozenset({"outlets:read", "inventory:read"}))
    owned = [{"name": "Shop", "outlet": "Berlin"}]
    assert {line.level for line in checked(till, stock_settings(owned)).values()} == {"ok"}
    found = checked(till, stock_settings(**EVERYTHING))
    assert set(found) == {"scope inventory:write", "scope sales:read", "scope consignments:read"}
    assert {line.level for line in found.values()} == {"error"}


def test_outlets_and_reasons_that_are_not_there_are_named(till: Till) -> None:
    config = stock_settings(
        [{"name": "Attic", "outlet": "Nowhere", "owner": "external", "channel": "x"}],
        adjusting={"reason_up": "DAMAGE", "reason_down": "Web"},
    )
    found = checked(till, config)
    assert found["location Attic"].level == "error" and "Berlin" in found["location Attic"].finding
    assert found["inventory.adjusting.reason_up"].level == "error"
    assert "Web" in found["inventory.adjusting.reason_down"].finding
