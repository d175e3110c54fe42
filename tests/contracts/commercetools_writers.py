"""What the adapter of commercetools writes, in front of its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from retail_sync.commercetools.customers.adapter import CommercetoolsCustomers
from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.ports.customers import CustomerWrite
from retail_sync.records.ports.inventory import EntryWrite
from retail_sync.records.ports.orders import OrderUpdate
from retail_sync.records.ports.products import ProductWrite
from retail_sync.records.sealing import clear_rows
from tests.commercetools import ordered, peopled, stocked, world
from tests.commercetools.world import World
from tests.contracts.commercetools_readers import client_of
from tests.contracts.readers import Json
from tests.contracts.writers import Writer


def _edited(shop: World, resource: str, id: str, action: Json) -> dict[str, object]:
    return {
        "move": lambda: shop.store.update(resource, [action], id=id),
        "lose": lambda: shop.store.delete(resource, id=id),
    }


@asynccontextmanager
async def product_update() -> AsyncIterator[Writer]:
    shop, settings = World(), world.settings()
    made = shop.product(publish=False)
    async with client_of(shop, settings) as (client, _tape):
        adapter = CommercetoolsProducts(client, settings)
        await adapter.prepare()
        rows = [row async for page in adapter.fetch([made["id"]]) for row in page.rows]
        tables = adapter.to_records(rows)
        row = tables.products.iloc[0]
        wanted = ProductWrite(
            "update",
            "lightspeed-77",
            "c1",
            made["id"],
            int(row["version"]),
            {"name.en-GB": "Coat"},
            current=world.plain("product", row),
            carry=world.plain_value("json", row["carry"]),
            members=list(tables.variants["id"]),
        )
        named = {"action": "changeName", "name": {"en-GB": "Parka"}, "staged": False}
        edited = _edited(shop, "products", made["id"], named)
        yield Writer(lambda: adapter.write(wanted), shop.faults, "/products/", **edited)


@asynccontextmanager
async def customer_creation() -> AsyncIterator[Writer]:
    shop, settings = peopled.people(), peopled.settings()
    async with client_of(shop, settings) as (client, _tape):
        adapter = CommercetoolsCustomers(client, settings)
        await adapter.prepare(writing=True)
        wanted = CustomerWrite("c1", "create", "ls-77", {"email": "a@shop.example"})

        async def found() -> list[str]:
            return [row["id"] async for page in adapter.lookup("", "", "ls-77") for row in page.rows]

        yield Writer(lambda: adapter.write(wanted), shop.faults, "/customers$", found=found)


@asynccontextmanager
async def customer_update() -> AsyncIterator[Writer]:
    shop, settings = peopled.people(), peopled.settings()
    made = peopled.customer(shop)
    async with client_of(shop, settings) as (client, _tape):
        adapter = CommercetoolsCustomers(client, settings)
        await adapter.prepare(writing=True)
        rows = [row async for page in adapter.fetch([made["id"]]) for row in page.rows]
        row = clear_rows(adapter.to_customers(rows))[0]
        wanted = CustomerWrite("c1", "update", "ls-77", {"first_name": "Ada"}, row["id"], row["version"], row)
        edited = _edited(shop, "customers", made["id"], {"action": "setLastName", "lastName": "B"})
        yield Writer(lambda: adapter.write(wanted), shop.faults, "/customers/", **edited)


@asynccontextmanager
async def _entry(*, new: bool) -> AsyncIterator[Writer]:
    shop, settings = World(), stocked.stock_settings()
    stocked.fill(shop)
    made = {} if new else stocked.stock(shop, "J-1", "berlin", 1)
    async with client_of(shop, settings) as (client, _tape):
        adapter = CommercetoolsStock(client, settings)
        await adapter.prepare(writing=True)
        wanted = EntryWrite("c1", "J-1", "berlin", 4, made.get("id"), made.get("version"))

        async def found() -> list[str]:
            return [row["id"] async for page in adapter.entries.search(["J-1"]) for row in page.rows]

        counted = {"action": "addQuantity", "quantity": 1}
        more = {"found": found} if new else _edited(shop, "inventory", str(made["id"]), counted)
        yield Writer(lambda: adapter.write(wanted), shop.faults, "/inventory", **more)


@asynccontextmanager
async def entry_creation() -> AsyncIterator[Writer]:
    async with _entry(new=True) as writer:
        yield writer


@asynccontextmanager
async def entry_update() -> AsyncIterator[Writer]:
    async with _entry(new=False) as writer:
        yield writer


@asynccontextmanager
async def order_mark() -> AsyncIterator[Writer]:
    shop, settings = ordered.selling(), ordered.settings()
    placed = ordered.place(shop)
    async with client_of(shop, settings) as (client, _tape):
        adapter = CommercetoolsOrders(client, settings)
        await adapter.prepare(writing=True)
        wanted = OrderUpdate("c1", placed["id"], placed["version"], external_id="LS-1")
        paid = {"action": "changePaymentState", "paymentState": "Paid"}
        edited = _edited(shop, "orders", placed["id"], paid)
        yield Writer(lambda: adapter.update(wanted), shop.faults, "/orders/", **edited)


WRITERS = (
    product_update,
    customer_creation,
    customer_update,
    entry_creation,
    entry_update,
    order_mark,
)
