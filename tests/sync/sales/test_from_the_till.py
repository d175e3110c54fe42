"""The way of a sale from a till behind HTTP into a plan: nothing that the real adapter reads is lost between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from retail_sync.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.connector import XSeriesConnector, closed_connector
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, create_app
from sandbox.server import SandboxServer
from tests.support.sinks import MemorySink
from tests.sync.sales.paper import Desk, PaperAccess, settings


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


@dataclass(frozen=True)
class TillAccess(PaperAccess):
    """To a till behind HTTP, with the real adapter."""

    connection: LightspeedConnection
    settings: SyncSettings

    @asynccontextmanager
    async def point_of_sale(self) -> AsyncIterator[XSeriesConnector]:
        client = XSeriesClient(self.connection, self.settings, budget=Unlimited(), sink=MemorySink())
        async with client:
            yield XSeriesConnector(client, self.settings, self.connection)

    def closed_point_of_sale(self) -> XSeriesConnector:
        return closed_connector(self.connection, self.settings)


@dataclass
class TillDesk(Desk):
    """Its runs read the till behind `connection`."""

    connection: LightspeedConnection = field(kw_only=True)

    def access(self) -> PaperAccess:
        return TillAccess(self.shop, self.till, self.connection, self.settings)


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def desk(ledger_url: str, tmp_path: Path, till: Till) -> Iterator[Desk]:
    with Ledger.open(ledger_url) as ledger, SandboxServer(create_app(till.store, Faults())) as server:
        connection = LightspeedConnection(store_url=server.url, personal_token=till.token)
        desk = TillDesk(ledger, tmp_path, settings(stores={"berlin": "store-b"}), connection=connection)
        desk.link(till.ada)
        yield desk


def test_sales_of_a_till_are_taken_once_and_their_voids_follow(desk: Desk, till: Till) -> None:
    sold = till.store.sell(till.berlin, [(till.tee, 3)], customer_id=till.ada, note="for Ada")
    till.store.sell(till.berlin, [(till.tee, 1)])
    till.store.sell(till.berlin, [(till.tee, 1)], customer_id=till.bob)
    desk.load(desk.plan(full=True))
    assert desk.audit().accounts.applied == 1
    (order,) = desk.orders
    assert (order.gross, order.net, order.store, order.payment_state) == (3570, 3000, "store-b", "Paid")
    assert [(line.quantity, line.unit, line.gross) for line in order.lines] == [(3, 1190, 3570)]
    assert order.portions == [(order.lines[0].rate, "Standard", 570, 3000)]
    assert desk.plan(full=True).summary["stored"] == 0
    desk.audit()
    till.store.void_sale(sold)
    desk.load(desk.plan(full=True))
    desk.audit()
    assert [one["state"] for one in desk.shop.orders.values()] == ["Cancelled"]
    desk.link(till.bob, "online-bob")
    desk.load(desk.plan(full=True))
    assert desk.audit().accounts.applied == 1
    assert [one.customer_id for one in desk.orders] == ["online-ada", "online-bob"]


def test_what_comes_back_to_the_till_is_an_order_of_its_own(desk: Desk, till: Till) -> None:
    sold = till.store.sell(till.berlin, [(till.tee, 3)], customer_id=till.ada)
    till.store.return_sale(sold, {till.tee: 2})
    desk.load(desk.plan(full=True))
    assert desk.audit().accounts.applied == 2
    assert sorted(order.gross for order in desk.orders) == [-2380, 3570]
    back = min(desk.orders, key=lambda order: order.gross)
    assert [(line.quantity, line.unit) for line in back.lines] == [(-2, 1190)]
