"""The way of a sale from a till behind HTTP into a plan: nothing that the real adapter reads is lost between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retail_sync.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.records.sales import ENTITY
from retail_sync.sync.engine.plan import PlannedRun
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.sales.feeds import SALES, stage_terms, transform
from retail_sync.transport.budget import Unlimited
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, create_app
from sandbox.server import SandboxServer
from tests.support.sinks import MemorySink
from tests.sync.sales.paper import Desk, settings


class Till:
    def __init__(self) -> None:
        self.store = LightspeedStore()
        self.store.add_tax("Standard", "0.19", is_default=True)
        self.berlin = self.store.add_outlet("Berlin")
        self.store.add_register("Till 1", self.berlin)
        (self.tee,) = self.store.add_product_family("Tee", sku="TEE", price="11.90")
        self.ada = self.store.add_customer(customer_code="C-1")
        self.bob = self.store.add_customer(customer_code="C-2")
        self.token = self.store.tokens.add_personal()


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def desk(ledger_url: str, tmp_path: Path, till: Till) -> Iterator[Desk]:
    with Ledger.open(ledger_url) as ledger:
        desk = Desk(ledger, tmp_path, settings(stores={"berlin": "store-b"}))
        desk.link(till.ada)
        yield desk


def read_and_plan(desk: Desk, till: Till) -> PlannedRun:
    """A full read over HTTP, mapped by the real adapter, planned."""
    desk.runs += 1
    run_id = f"sales/{desk.runs}"
    how: dict[str, Any] = {"dag_id": "sales", "airflow_run_id": run_id, "mode": "full", "params": {}}
    desk.ledger.runs.open(run_id, ENTITY, **how)
    desk.staging = staging = Staging(desk.folder, run_id, desk.ledger.checkpoints)

    async def read(url: str) -> None:
        connection = LightspeedConnection(store_url=url, personal_token=till.token)
        async with XSeriesClient(connection, desk.settings, budget=Unlimited(), sink=MemorySink()) as client:
            adapter = XSeriesSales(client, desk.settings)
            await adapter.prepare()
            stage_terms(staging, adapter.terms)
            pages = 0
            async for page in adapter.sales.walk(await adapter.sales.open_window(None, full=True)):
                staging.write_page(SALES, pages, page.rows)
                pages += 1
            transform(staging, adapter, pages)

    with SandboxServer(create_app(till.store, Faults())) as server:
        asyncio.run(read(server.url))
    return desk.again(full=True)


def test_sales_of_a_till_are_taken_once_and_their_voids_follow(desk: Desk, till: Till) -> None:
    sold = till.store.sell(till.berlin, [(till.tee, 3)], customer_id=till.ada, note="for Ada")
    till.store.sell(till.berlin, [(till.tee, 1)])
    till.store.sell(till.berlin, [(till.tee, 1)], customer_id=till.bob)
    desk.load(read_and_plan(desk, till))
    assert desk.audit(full=True).accounts.applied == 1
    (order,) = desk.orders
    assert (order.gross, order.net, order.store, order.payment_state) == (3570, 3000, "store-b", "Paid")
    assert [(line.quantity, line.unit, line.gross) for line in order.lines] == [(3, 1190, 3570)]
    assert order.portions == [(order.lines[0].rate, "Standard", 570, 3000)]
    assert read_and_plan(desk, till).summary["stored"] == 0
    desk.audit(full=True)
    till.store.void_sale(sold)
    desk.load(read_and_plan(desk, till))
    desk.audit(full=True)
    assert [one["state"] for one in desk.shop.orders.values()] == ["Cancelled"]
    desk.link(till.bob, "online-bob")
    desk.load(read_and_plan(desk, till))
    assert desk.audit(full=True).accounts.applied == 1
    assert [one.customer_id for one in desk.orders] == ["online-ada", "online-bob"]


def test_what_comes_back_to_the_till_is_an_order_of_its_own(desk: Desk, till: Till) -> None:
    sold = till.store.sell(till.berlin, [(till.tee, 3)], customer_id=till.ada)
    till.store.return_sale(sold, {till.tee: 2})
    desk.load(read_and_plan(desk, till))
    assert desk.audit(full=True).accounts.applied == 2
    assert sorted(order.gross for order in desk.orders) == [-2380, 3570]
    back = min(desk.orders, key=lambda order: order.gross)
    assert [(line.quantity, line.unit) for line in back.lines] == [(-2, 1190)]
