"""The readers of Lightspeed X-Series, in front of its stand-in."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.customers.adapter import XSeriesCustomers
from retail_sync.lightspeed.x_series.inventory.adapter import XSeriesStock
from retail_sync.lightspeed.x_series.prices.adapter import XSeriesPrices
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.records.ports.products import RawPage, Stream, Window
from retail_sync.records.products import ProductTables
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, StoreOptions, create_app
from tests.contracts.commercetools_readers import ids_of_table, json_of_table, uuid
from tests.contracts.readers import Hands, Json, Reader, Tape, paged
from tests.lightspeed import stocked, test_customers, test_prices, test_sales, till
from tests.lightspeed.till import Exchanges, Till
from tests.support.sinks import MemorySink

EVERYTHING = Window("0", None)
NESTED_SALE: Json = {
    "source": {
        "type": "USER",
        "id": "src-1",
        "outlet_id": "b1e04bd8-f019-11e3-a0f5-b8ca3a64f8f4",
        "register_id": "b1e198a9-f019-11e3-a0f5-b8ca3a64f8f4",
    },
    "totals": {"price_incl_tax": "14.85", "tax": "1.94", "loyalty": "0"},
    "return": {"original_sale_id": None, "return_sale_ids": ["b8ca3a65-0183-11e4-fbb5-000000000009"]},
    "attributes": ["layby"],
    "date": "2014-09-18T01:37:56+00:00",
    "deleted_at": None,
}
NESTED_LINE: Json = {
    "product": {"id": "188a87aa-06fe-11e4-a0f5-b8ca3a64f8f4"},
    "pricing": {"price": "4.30435", "discount": "0"},
    "tax": {"id": "b1d192bc-f019-11e3-a0f5-b8ca3a64f8f4", "amount": "0.64565"},
    "_metadata": {"sequence": 1},
}
NESTED_TENDER: Json = {
    "type": {"name": "Cash", "config_id": "b1e1d70e-f019-11e3-a0f5-b8ca3a64f8f4"},
    "date": "2014-09-18T01:37:54+00:00",
    "deleted_at": None,
}


def named(row: Json, number: int) -> Json:
    """Versions ascend as rows do."""
    return {**row, "id": uuid(number), "version": 10**12 + number}


def page(rows: Sequence[Any]) -> Json:
    versions = [row["version"] for row in rows if isinstance(row, dict) and isinstance(row["version"], int)]
    return {"data": list(rows), "version": {"min": min(versions), "max": max(versions)}}


END = json.dumps({"data": [], "version": {"min": None, "max": None}}).encode()


def opened(**options: Any) -> tuple[LightspeedStore, Till, Tape]:
    store = LightspeedStore(options=StoreOptions(**options))
    store.standard = store.add_tax("Standard", "0.19", is_default=True)  # type: ignore[attr-defined]
    store.reduced = store.add_tax("Reduced", "0.07")  # type: ignore[attr-defined]
    store.berlin = store.add_outlet("Berlin")  # type: ignore[attr-defined]
    store.hamburg = store.add_outlet("Hamburg")  # type: ignore[attr-defined]
    store.add_register("Till 1", store.berlin)  # type: ignore[attr-defined]
    faults = Faults()
    shop = Till(store, faults, "http://127.0.0.1:9", store.tokens.add_personal(), Exchanges())
    return store, shop, Tape(create_app(store, faults))


@asynccontextmanager
async def client_of(
    shop: Till, tape: Tape, settings: SyncSettings, version: str = "2026-07"
) -> AsyncIterator[XSeriesClient]:
    connection = LightspeedConnection(store_url=shop.url, personal_token=shop.token, api_version=version)
    client = XSeriesClient(
        connection, settings, budget=Unlimited(), sink=MemorySink(), transport=tape, backoff=0.001
    )
    async with client:
        yield client


def reader(
    feed: str,
    path: str,
    tape: Tape,
    stream: Stream,
    mapped: Callable[[Any], Any],
    met: Callable[[Any], set[str]],
    shown: Callable[[Any], str],
    hands: Hands,
    **more: Any,
) -> Reader:
    def walk() -> AsyncIterator[RawPage]:
        return stream.walk(EVERYTHING)

    return Reader(feed, path, tape, walk, mapped, page, END, named, uuid, met, shown, stream, hands, **more)


# ---------------------------------------------------------------- products and prices


def _hands_of_products(store: LightspeedStore) -> Hands:
    return Hands(
        make=lambda number: store.add_product_family(f"New {number}", sku=f"N-{number}", price="1")[0],
        edit=lambda id: store.edit_product(id, price="2"),
        delete=store.delete_product,
    )


def _catalogue(store: LightspeedStore) -> list[str]:
    tag, brand = store.add_tag("new"), store.add_brand("Acme")
    supplier = store.add_supplier("Globex")
    category = store.add_category("Wear")
    made = store.add_product_family(
        "Tee",
        sku="TEE",
        price="11.90",
        description="<p>Soft</p>",
        brand_id=brand,
        supplier_id=supplier,
        product_category_id=category,
        tag_ids=[tag],
    )
    store.set_outlet_tax(made[0], store.berlin, store.reduced)  # type: ignore[attr-defined]
    part = store.add_product_family("Part", sku="PART", price="1")
    store.add_composite("Set", [(part[0], 2)], sku="SET", price="3")
    colour = store.add_variant_attribute("Colour")
    family = store.add_product_family(
        "Jacket",
        variants=[
            {"sku": f"J-{n}", "price": "99", "variant_definitions": [{"attribute_id": colour, "value": word}]}
            for n, word in enumerate(("red", "blue"))
        ],
    )
    return [*made, *part, *family]


@asynccontextmanager
async def products(page_size: int = 1000) -> AsyncIterator[Reader]:
    store, shop, tape = opened()
    _catalogue(store)
    fields = {"attr.weight": {"commercetools": "attribute:weight", "lightspeed": "weight"}}
    settings = paged(till.make_settings(fields=fields), page_size)

    def alone(row: Json, number: int) -> Json:
        return {**named(row, number), "variant_parent_id": None, "has_variants": False}

    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesProducts(client, settings)
        await adapter.prepare()
        found = reader(
            "products",
            "/products",
            tape,
            adapter,
            adapter.to_records,
            _met_products,
            lambda tables: json_of_table(tables.products) + json_of_table(tables.variants),
            _hands_of_products(store),
        )
        found.named = alone
        yield found


def _met_products(tables: ProductTables) -> set[str]:
    return set(tables.variants["id"])


@asynccontextmanager
async def articles(page_size: int = 1000) -> AsyncIterator[Reader]:
    store, shop, tape = opened()
    _catalogue(store)
    settings = paged(test_prices.price_settings(test_prices.SHELF), page_size)
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesPrices(client, settings)
        await adapter.prepare()
        yield reader(
            "articles",
            "/products",
            tape,
            adapter.articles,
            adapter.to_articles,
            ids_of_table,
            json_of_table,
            _hands_of_products(store),
        )


@asynccontextmanager
async def book_lines(page_size: int = 1000) -> AsyncIterator[Reader]:
    store, shop, tape = opened()
    made = _catalogue(store)
    book = store.add_price_book("VIP")
    for article in made:
        store.set_book_price(book, article, "9.90", min_units=5, max_units=9)
    settings = paged(test_prices.price_settings(), page_size)
    articles: dict[str, str] = {}

    def priced(number: int) -> str:
        (article,) = store.add_product_family(f"New {number}", sku=f"N-{number}", price="1")
        line = store.set_book_price(book, article, "0.90")
        articles[line] = article
        return line

    def priced_again(line: str) -> None:
        store.set_book_price(book, articles[line], "0.80")

    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesPrices(client, settings)
        await adapter.prepare()
        found = reader(
            "price book lines",
            "/price_book_products",
            tape,
            adapter.entries,
            adapter.to_entries,
            ids_of_table,
            json_of_table,
            Hands(make=priced, edit=priced_again, kept=None),
            left_out=("price_book_id",),
        )
        found.named = lambda row, number: {**named(row, number), "price_book_id": book}
        yield found


# ---------------------------------------------------------------- stock


@asynccontextmanager
async def levels(page_size: int = 1000, version: str = "2026-07") -> AsyncIterator[Reader]:
    store, shop, tape = opened()
    for article in _catalogue(store)[:2]:
        store.set_stock(article, store.berlin, "7.5")  # type: ignore[attr-defined]
    settings = paged(stocked.stock_settings(), page_size)

    berlin: str = store.berlin  # type: ignore[attr-defined]

    def counted(number: int) -> str:
        (article,) = store.add_product_family(f"New {number}", sku=f"N-{number}", price="1")
        store.set_stock(article, berlin, "5")
        return str(article)

    def placed(row: Json, number: int) -> Json:
        return {**named(row, number), "product_id": uuid(number), "outlet_id": uuid(0)}

    async with client_of(shop, tape, settings, version) as client:
        adapter = XSeriesStock(client, settings)
        await adapter.prepare()
        found = reader(
            "levels",
            "/inventory",
            tape,
            adapter.levels,
            adapter.to_levels,
            lambda table: set(table["product_id"] + ":" + table["outlet_id"]),
            json_of_table,
            Hands(
                make=counted,
                edit=lambda article: store.set_stock(article, berlin, "3"),
                bearer="product_id",
                kept=None,
            ),
            identified_by=("product_id", "outlet_id"),
        )
        found.named = placed
        found.identity = lambda number: f"{uuid(number)}:{uuid(0)}"
        yield found


@asynccontextmanager
async def levels_of_older_versions(page_size: int = 1000) -> AsyncIterator[Reader]:
    async with levels(page_size, "2026-01") as found:
        yield found


# ---------------------------------------------------------------- people and sales


@asynccontextmanager
async def customers(page_size: int = 1000) -> AsyncIterator[Reader]:
    store, shop, tape = opened()
    test_customers.with_group(shop)
    texts = (
        *("first_name", "last_name", "company_name", "phone", "mobile", "email", "customer_code", "fax"),
        *("website", "note", "custom_field_1", "custom_field_2", "custom_field_4"),
    )
    store.add_customer(**{name: f"{name}@x.example" if name == "email" else name[:1] for name in texts})
    for name in ("Bob", "Cid"):
        store.add_customer(first_name=name)
    settings = paged(test_customers.customer_settings(), page_size)
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesCustomers(client, settings)
        await adapter.prepare()
        yield reader(
            "customers",
            "/customers",
            tape,
            adapter,
            adapter.to_customers,
            ids_of_table,
            json_of_table,
            Hands(
                make=lambda number: store.add_customer(first_name=f"New {number}"),
                edit=lambda id: store.edit_customer(id, last_name="Edited"),
                delete=store.delete_customer,
            ),
        )


@asynccontextmanager
async def sales(page_size: int = 1000) -> AsyncIterator[Reader]:
    store, shop, tape = opened()
    front = test_sales.Shop(shop)
    for _ in range(3):
        store.sell(front.berlin, [(front.tee, 2)], customer_id=front.guest)
    settings = paged(test_sales.sale_settings(limits={"lightspeed": {"retries": 2}}), page_size)
    async with client_of(shop, tape, settings) as client:
        adapter = XSeriesSales(client, settings)
        await adapter.prepare()
        yield reader(
            "sales",
            "/sales",
            tape,
            adapter.sales,
            adapter.to_sales,
            lambda documents: {one.id for one in documents},
            lambda documents: "".join(one.model_dump_json() for one in documents),
            Hands(
                make=lambda _number: store.sell(front.berlin, [(front.tee, 1)], state="parked"),
                edit=store.complete_sale,
                kept=None,
            ),
            rows=[test_sales.FLAT, _nested()],
        )


def _nested() -> Json:
    sale = {**copy.deepcopy(test_sales.FLAT), **NESTED_SALE}
    sale["line_items"] = [{**sale["line_items"][0], **NESTED_LINE}]
    sale["payments"] = [{**sale["payments"][0], **NESTED_TENDER}]
    return sale


READERS = (products, articles, book_lines, levels, levels_of_older_versions, customers, sales)
