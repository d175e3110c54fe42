"""The readers of commercetools, in front of its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.customers.adapter import CommercetoolsCustomers
from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.commercetools.orders.redact import trimmed
from retail_sync.commercetools.prices.adapter import CommercetoolsPrices
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.ports.products import RawPage, Stream, Window
from retail_sync.records.products import ProductTables
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from sandbox.commercetools.baskets import Basket, Extra, Item, Shipped
from tests.commercetools import ordered, peopled, stocked, test_prices, world
from tests.commercetools.world import World
from tests.contracts.readers import Hands, Json, Reader, Tape, paged

AT = "2026-03-01T12:00:00.000Z"
EVERYTHING = Window(None, "2999-01-01T00:00:00.000Z")
DELTA = Window("2000-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z")


def uuid(number: int) -> str:
    """Identities in the order of their numbers: the lists are."""
    return str(UUID(int=0x7000_0000_0000_4000_8000_0000_0000_0000 + number))


def named(row: Json, number: int) -> Json:
    return {**row, "id": uuid(number)}


def page(rows: Sequence[Any]) -> Json:
    return {"limit": 500, "offset": 0, "count": len(rows), "results": list(rows)}


@asynccontextmanager
async def client_of(shop: World, settings: SyncSettings) -> AsyncIterator[tuple[CommercetoolsClient, Tape]]:
    tape = Tape(shop.app)
    client = CommercetoolsClient(
        shop.connection(),
        settings.limits.commercetools,
        sink=shop.sink,
        budget=Unlimited(),
        transport=tape,
        backoff=0.001,
    )
    async with client:
        yield client, tape


def reader(
    feed: str,
    path: str,
    tape: Tape,
    stream: Stream,
    mapped: Callable[[Any], Any],
    met: Callable[[Any], set[str]],
    shown: Callable[[Any], str],
    window: Window,
    hands: Hands,
    bare: Callable[[Json], Json] = dict,
) -> Reader:
    def walk() -> AsyncIterator[RawPage]:
        return stream.walk(window)

    return Reader(
        feed, path, tape, walk, mapped, page, None, named, uuid, met, shown, stream, hands, bare=bare
    )


def hands(
    shop: World,
    resource: str,
    make: Callable[[int], Json],
    action: Json,
    kept: Callable[[str], str] = str,
) -> Hands:
    return Hands(
        make=lambda number: str(make(number)["id"]),
        edit=lambda id: shop.store.update(resource, [action], id=id),
        delete=lambda id: shop.store.delete(resource, id=id),
        kept=kept,
    )


def _hands_of_products(shop: World) -> Hands:
    def make(number: int) -> Json:
        return shop.product(world.variant(f"N-{number}"), key=f"new-{number}")

    action: Json = {"action": "changeName", "name": {"en-GB": "Edited"}, "staged": False}

    def delete(id: str) -> None:
        shop.store.update("products", [{"action": "unpublish"}], id=id)
        shop.store.delete("products", id=id)

    found = hands(shop, "products", make, action, kept="{}:1".format)
    return replace(found, delete=delete)


def _hands_of_orders(shop: World) -> Hands:
    def make(_number: int) -> Json:
        return ordered.place(shop, ordered.ONE)

    return hands(shop, "orders", make, {"action": "changeOrderState", "orderState": "Confirmed"})


def ids_of_table(table: Any) -> set[str]:
    return set(table["id"])


def json_of_table(table: Any) -> str:
    return str(table.to_json(date_format="iso"))


# ---------------------------------------------------------------- products and prices


def _price(cents: int, **more: Any) -> Json:
    return {"value": {"currencyCode": "EUR", "centAmount": cents}, "country": "DE", **more}


SHARED: Json = {
    "brand": "acme",
    "care": {"en-GB": "Wash", "de-DE": "Waschen"},
    "labels": ["new", "warm"],
}


def _catalogue() -> World:
    shop = World()
    shop.store.create("customer-groups", {"key": "vip", "groupName": "VIP"})
    full = {
        **world.variant(
            "J-1",
            price=None,
            **SHARED,
            color={"en-GB": "Red"},
            size="m",
            ean="4006381333931",
            codes=["4006381333931", "x"],
            cost={"currencyCode": "EUR", "centAmount": 900},
            weight=1.5,
            waterproof=True,
            material="wool",
        ),
        "prices": [
            _price(1999),
            _price(
                1799,
                customerGroup={"typeId": "customer-group", "key": "vip"},
                channel={"typeId": "channel", "key": "web"},
                validFrom=AT,
                validUntil="2027-03-01T12:00:00.000Z",
                tiers=[{"minimumQuantity": 5, "value": {"currencyCode": "EUR", "centAmount": 1500}}],
            ),
        ],
        "images": [{"url": "https://x.example/1.jpg", "dimensions": {"w": 1, "h": 1}}],
    }
    shop.product(
        full,
        {**world.variant("J-2", **SHARED), "prices": [_price(500)]},
        key="jacket",
        description={"en-GB": "Warm", "de-DE": "Warm"},
        metaTitle={"en-GB": "Jacket"},
        categories=[{"typeId": "category", "key": "jackets"}],
    )
    shop.product(world.variant("T-1", 500), key="shirt")
    shop.product(world.variant("C-1", 700), key="cap")
    return shop


def _met_products(tables: ProductTables) -> set[str]:
    return set(tables.products["id"])


def _shown_products(tables: ProductTables) -> str:
    return json_of_table(tables.products) + json_of_table(tables.variants)


@asynccontextmanager
async def products(window: Window = EVERYTHING, page_size: int = 500) -> AsyncIterator[Reader]:
    shop, settings = _catalogue(), paged(world.settings(), page_size)
    async with client_of(shop, settings) as (client, tape):
        adapter = CommercetoolsProducts(client, settings, now=lambda: datetime(2026, 4, 1, tzinfo=UTC))
        await adapter.prepare()
        yield reader(
            "products",
            "/product-projections",
            tape,
            adapter,
            adapter.to_records,
            _met_products,
            _shown_products,
            window,
            _hands_of_products(shop),
        )


@asynccontextmanager
async def changed_products(page_size: int = 500) -> AsyncIterator[Reader]:
    async with products(DELTA, page_size) as found:
        yield found


@asynccontextmanager
async def prices(page_size: int = 500) -> AsyncIterator[Reader]:
    shop, settings = _catalogue(), paged(test_prices.price_settings(), page_size)
    async with client_of(shop, settings) as (client, tape):
        adapter = CommercetoolsPrices(client, settings)
        await adapter.prepare()
        yield reader(
            "prices",
            "/product-projections",
            tape,
            adapter.products,
            adapter.to_variants,
            lambda table: set(table["product_id"]),
            json_of_table,
            EVERYTHING,
            _hands_of_products(shop),
        )


# ---------------------------------------------------------------- stock


def _stocked() -> World:
    shop = World()
    stocked.fill(shop)
    for sku in ("J-1", "J-2", "J-3"):
        stocked.stock(shop, sku, "berlin", 7)
    return shop


@asynccontextmanager
async def entries(page_size: int = 500) -> AsyncIterator[Reader]:
    shop, settings = _stocked(), paged(stocked.stock_settings(), page_size)
    async with client_of(shop, settings) as (client, tape):
        adapter = CommercetoolsStock(client, settings)
        await adapter.prepare()
        yield reader(
            "inventory entries",
            "/inventory",
            tape,
            adapter.entries,
            adapter.to_entries,
            ids_of_table,
            json_of_table,
            EVERYTHING,
            hands(
                shop,
                "inventory",
                lambda n: stocked.stock(shop, f"N-{n}", "berlin", n),
                {"action": "addQuantity", "quantity": 1},
            ),
        )


@asynccontextmanager
async def orders_of_stock(page_size: int = 500) -> AsyncIterator[Reader]:
    shop, settings = _sold(), paged(stocked.stock_settings(), page_size)
    async with client_of(shop, settings) as (client, tape):
        adapter = CommercetoolsStock(client, settings)
        await adapter.prepare()
        yield reader(
            "orders of stock",
            "/orders",
            tape,
            adapter.orders,
            adapter.to_orders,
            ids_of_table,
            json_of_table,
            DELTA,
            _hands_of_orders(shop),
            _bare_order,
        )


def _bare_order(row: Json) -> Json:
    """What stock reads of an order, and some of what it leaves behind: whole orders have a reader of their own."""
    kept = (
        "id",
        "version",
        "createdAt",
        "lastModifiedAt",
        "orderNumber",
        "orderState",
        "inventoryMode",
        "syncInfo",
    )
    line = ("id", "quantity", "inventoryMode", "supplyChannel", "state")
    return {
        **{name: row[name] for name in (*kept, "customerEmail", "shippingAddress") if name in row},
        "lineItems": [
            {**{name: one[name] for name in line if name in one}, "variant": {"sku": one["variant"]["sku"]}}
            for one in row["lineItems"]
        ],
    }


# ---------------------------------------------------------------- orders


RETURNED: Json = {
    "returnTrackingId": "r-1",
    "returnDate": AT,
    "items": [
        {
            "id": uuid(91),
            "type": "LineItemReturnItem",
            "lineItemId": uuid(92),
            "quantity": 1,
            "shipmentState": "Returned",
            "paymentState": "Initial",
            "lastModifiedAt": AT,
            "createdAt": AT,
        }
    ],
}


def _sold() -> World:
    shop = ordered.selling()
    rich = Basket(
        (Item("J-1", 3, channel="berlin", sold_by="eu", groups=((2, 1500), (1, 1000))), Item("T-1")),
        extras=(Extra("wrapping", 200, name="Gift wrapping", rate=0.19),),
        shipped=Shipped("dhl"),
        total_discount=100,
    )
    for basket in (rich, ordered.ONE, ordered.ONE):
        placed = ordered.place(shop, basket)
        ordered.act(shop, placed, ordered.marking(externalId="s-1", syncedAt=AT))
    return shop


@asynccontextmanager
async def orders(page_size: int = 500) -> AsyncIterator[Reader]:
    shop, settings = _sold(), paged(ordered.settings(orders={"since": "2020-01-01"}), page_size)
    async with client_of(shop, settings) as (client, tape):
        adapter = CommercetoolsOrders(client, settings)
        await adapter.prepare()
        yield reader(
            "orders",
            "/orders",
            tape,
            adapter.orders,
            adapter.to_orders,
            lambda documents: {one.id for one in documents},
            lambda documents: "".join(one.model_dump_json() for one in documents),
            EVERYTHING,
            _hands_of_orders(shop),
            lambda row: {**trimmed(row), "customerEmail": row.get("customerEmail"), "returnInfo": [RETURNED]},
        )


# ---------------------------------------------------------------- customers


@asynccontextmanager
async def customers(page_size: int = 500) -> AsyncIterator[Reader]:
    shop, settings = peopled.people(), peopled.settings()
    peopled.customer(
        shop,
        **peopled.at_home(),
        **peopled.custom(
            card="4711",
            member=True,
            balance={"currencyCode": "EUR", "centAmount": 150},
            size="M",
            visits=3,
            newsletter=True,
        ),
        firstName="Ada",
        lastName="Byron",
        companyName="Engines",
        vatId="DE1",
        dateOfBirth="1990-12-10",
        customerNumber="k-1",
        externalId="ls-1",
        key="ls-1",
        locale="en-GB",
        customerGroup={"typeId": "customer-group", "key": "vip"},
        stores=[{"typeId": "store", "key": "berlin"}],
    )
    for name in ("bob", "cid"):
        peopled.customer(shop, f"{name}@shop.example")
    settings = paged(settings, page_size)
    async with client_of(shop, settings) as (client, tape):
        adapter = CommercetoolsCustomers(client, settings)
        await adapter.prepare()
        yield reader(
            "customers",
            "/customers",
            tape,
            adapter,
            adapter.to_customers,
            ids_of_table,
            json_of_table,
            EVERYTHING,
            hands(
                shop,
                "customers",
                lambda n: peopled.customer(shop, f"n{n}@shop.example"),
                {"action": "setTitle", "title": "Dr"},
            ),
        )


READERS = (products, changed_products, prices, entries, orders_of_stock, orders, customers)
