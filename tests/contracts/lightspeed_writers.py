"""What the adapter of Lightspeed X-Series writes, in front of its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from retail_sync.lightspeed.x_series.customers.adapter import XSeriesCustomers
from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.records.ports.customers import CustomerWrite
from retail_sync.records.ports.inventory import Adjustment
from tests.contracts.lightspeed_readers import client_of, opened
from tests.contracts.writers import Writer
from tests.lightspeed import stocked, test_customers, test_sales, till


@asynccontextmanager
async def product_creation() -> AsyncIterator[Writer]:
    store, shop, tape = opened()
    settings = till.make_settings()
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesProducts(client, settings)
        await adapter.prepare()
        wanted = till.creation({"name.en": "Tee", "tax_class": "standard"}, {"sku": "T-1", "price": 1190})

        async def found() -> list[str]:
            written = await adapter.find(wanted)
            return [written.product_id] if written else []

        yield Writer(lambda: adapter.write(wanted), shop.faults, "/products$", found=found)


@asynccontextmanager
async def _customer(*, new: bool) -> AsyncIterator[Writer]:
    store, shop, tape = opened()
    test_customers.with_group(shop)
    known = store.add_customer(first_name="Ada")
    settings = test_customers.customer_settings()
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesCustomers(client, settings)
        await adapter.prepare(writing=True)
        action = "create" if new else "update"
        wanted = CustomerWrite("c1", action, "ct-1", {"first_name": "Bea"}, None if new else known)  # type: ignore[arg-type]

        async def found() -> list[str]:
            return [row["id"] async for page in adapter.lookup("", "", "ct-1") for row in page.rows]

        def lose() -> None:
            store.delete_customer(known)

        if new:
            yield Writer(lambda: adapter.write(wanted), shop.faults, "/customers", found=found)
        else:
            yield Writer(lambda: adapter.write(wanted), shop.faults, "/customers", "PUT", lose=lose)


@asynccontextmanager
async def customer_creation() -> AsyncIterator[Writer]:
    async with _customer(new=True) as writer:
        yield writer


@asynccontextmanager
async def customer_update() -> AsyncIterator[Writer]:
    async with _customer(new=False) as writer:
        yield writer


@asynccontextmanager
async def sale() -> AsyncIterator[Writer]:
    _store, shop, tape = opened()
    front = test_sales.Shop(shop)
    settings = test_sales.sale_settings()
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesSales(client, settings)
        await adapter.prepare(writing=True)
        wanted = front.sale()

        async def found() -> list[str]:
            there = await adapter.find(wanted.id)
            return [there.id] if there else []

        yield Writer(lambda: adapter.add("c1", wanted), shop.faults, "/sales$", found=found)


@asynccontextmanager
async def adjustment() -> AsyncIterator[Writer]:
    store, shop, tape = opened()
    shirt = stocked.product(shop)
    settings = stocked.stock_settings()
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesStock(client, settings)
        await adapter.prepare()
        hamburg = str(store.hamburg)  # type: ignore[attr-defined]

        async def found() -> list[str]:
            return list((await adapter.adjusted_since(0))["id"])

        yield Writer(
            lambda: adapter.adjust([Adjustment("c1", shirt, hamburg, 1000)]),
            shop.faults,
            "/stock_adjustments",
            found=found,
        )


WRITERS = (product_creation, customer_creation, customer_update, sale, adjustment)
