"""A small commercetools project behind HTTP, and the adapter under test in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import SecretStr

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.ports.products import ProductWrite, RawPage, VariantWrite, Written
from retail_sync.records.products import Kind, ProductTables, column_of
from retail_sync.records.types import plain_value
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from sandbox.commercetools import CommercetoolsStore, RequestValidator, create_app
from sandbox.faults import Faults
from tests.support.sinks import MemorySink


class Prepared(Protocol):
    @property
    def prepare(self) -> Callable[..., Awaitable[None]]: ...


T = TypeVar("T")
A = TypeVar("A", bound=Prepared)
Json = dict[str, Any]
OFFICIAL_BODIES = Path(__file__).parents[3] / "shared" / "specs" / "commercetools" / "requests.schema.json"
PROJECT = "little-shop"


def _attribute(name: str, type_: str | Json, constraint: str = "None", **more: Any) -> Json:
    shape = {"name": type_} if isinstance(type_, str) else type_
    return {"name": name, "label": {"en-GB": name}, "type": shape, "attributeConstraint": constraint, **more}


SIZES = [
    {"key": key, "label": {"en-GB": label, "de-DE": f"{label} (DE)"}}
    for key, label in (("s", "Small"), ("m", "Medium"), ("l", "Large"))
]
BRANDS = [{"key": "acme", "label": "Acme"}, {"key": "globex", "label": "Globex"}]
GEAR: list[Json] = [
    _attribute("brand", {"name": "enum", "values": BRANDS}, "SameForAll"),
    _attribute("care", "ltext", "SameForAll"),
    _attribute("color", "ltext"),
    _attribute("size", {"name": "lenum", "values": SIZES}),
    _attribute("ean", "text"),
    _attribute("codes", {"name": "set", "elementType": {"name": "text"}}),
    _attribute("cost", "money"),
    _attribute("weight", "number"),
    _attribute("waterproof", "boolean"),
    _attribute("labels", {"name": "set", "elementType": {"name": "text"}}, "SameForAll"),
    _attribute("material", "text"),
    _attribute("secret", "text"),
]
FIELDS: Json = {
    "brand": {"commercetools": "attribute:brand"},
    "tags": {"commercetools": "attribute:labels"},
    "barcodes": {"commercetools": "attribute:ean"},
    "supply_price": {
        "commercetools": "attribute:cost",
        "transforms": [{"kind": "money_decimal", "currency": "EUR"}],
    },
    "attr.material": {"commercetools": "attribute:material", "lightspeed": "account_code"},
    "attr.weight": {"commercetools": "attribute:weight", "lightspeed": "weight"},
}
OPTIONS: list[Json] = [{"name": "Colour", "attribute": "color"}, {"name": "Size", "attribute": "size"}]


def settings(**products: Any) -> SyncSettings:
    """The usual configuration of the little shop; `limits` and `privacy` may be given too."""
    limits = products.pop("limits", {})
    privacy = products.pop("privacy", ())
    price = {"currency": "EUR", "country": "DE", **products.pop("price", {})}
    plain: Json = {
        "shop": {"locales": ["en-GB", "de-DE"], "till_locale": "en-GB"},
        "limits": {"commercetools": {"retries": 2, **limits}},
        "privacy": {"exclude": {"commercetools": privacy}},
        "products": {
            "fields": {**FIELDS, **products.pop("fields", {})},
            "options": OPTIONS,
            "product_type": "gear",
            "tax_classes": [
                {"name": "Standard", "commercetools": "standard", "lightspeed": "VAT 19"},
                {"name": "On top", "commercetools": "on-top", "lightspeed": "VAT 19 net"},
            ],
            "price": price,
            **products,
        },
    }
    return SyncSettings.model_validate(plain)


@cache
def official_bodies() -> RequestValidator | None:
    """Checks every body that is sent against the official description, where that is at hand."""
    return RequestValidator(OFFICIAL_BODIES) if OFFICIAL_BODIES.exists() else None


class World:
    """The project, its faults, and a way to run the adapter against it."""

    def __init__(self) -> None:
        self.store = CommercetoolsStore(PROJECT, seed=7)
        self.store.validate_requests = official_bodies()
        self.faults = Faults()
        self.app = create_app(self.store, self.faults)
        self.sink = MemorySink()
        self.url: str | None = None
        self._fill()

    def _fill(self) -> None:
        store = self.store
        store.set_project(
            currencies=["EUR", "GBP", "JPY"], countries=["DE", "GB"], languages=["en-GB", "de-DE"]
        )
        for key, included in (("standard", True), ("on-top", False), ("unmapped", True)):
            rate = {"name": "VAT", "amount": 0.19, "includedInPrice": included, "country": "DE"}
            store.create("tax-categories", {"key": key, "name": key.title(), "rates": [rate]})
        store.create("product-types", {"key": "gear", "name": "Gear", "description": "", "attributes": GEAR})
        store.create("product-types", {"key": "plain", "name": "Plain", "description": "", "attributes": []})
        for key, name, parent in (
            ("wear", "Wear", None),
            ("jackets", "Jackets", "wear"),
            ("sale", "Sale", None),
        ):
            draft: Json = {"key": key, "name": {"en-GB": name}, "slug": {"en-GB": key}}
            if parent:
                draft["parent"] = {"typeId": "category", "key": parent}
            store.create("categories", draft)
        store.create("channels", {"key": "web", "roles": ["ProductDistribution"]})
        store.create("channels", {"key": "warehouse", "roles": ["InventorySupply"]})

    # ------------------------------------------------------------ what is in the project

    def product(self, *variants: Json, key: str = "jacket", **more: Any) -> Json:
        """Puts a published product there and returns it."""
        drafts = list(variants) or [variant("J-1")]
        draft: Json = {
            "productType": {"typeId": "product-type", "key": "gear"},
            "key": key,
            "name": {"en-GB": key.title()},
            "slug": {"en-GB": f"slug-{key}"},
            "taxCategory": {"typeId": "tax-category", "key": "standard"},
            "masterVariant": drafts[0],
            "variants": drafts[1:],
            "publish": True,
            **more,
        }
        return self.store.create(
            "products", {name: value for name, value in draft.items() if value is not None}
        )

    def edit(self, product: Json, *actions: Json) -> Json:
        """Somebody else's edit."""
        return self.store.update("products", list(actions), id=product["id"])

    def stored(self, product_id: str) -> Json:
        found = self.store.get("products", id=product_id)
        assert found is not None
        return found

    def id_of(self, path: str, key: str) -> str:
        found = self.store.get(path, key=key)
        assert found is not None
        return str(found["id"])

    def requests(self, method: str, path: str) -> list[Any]:
        return [r for r in self.faults.requests if r.method == method and path in r.path]

    # ------------------------------------------------------------ the adapter in front of it

    def connection(self, **more: Any) -> CommercetoolsConnection:
        known = self.store.credentials()
        url = self.url or "http://127.0.0.1:9"
        fields: Json = {
            "api_url": url,
            "auth_url": url,
            "project_key": known["project_key"],
            "client_id": known["client_id"],
            "client_secret": SecretStr(known["client_secret"]),
        }
        return CommercetoolsConnection(**{**fields, **more})

    def client(self, config: SyncSettings, **connection: Any) -> CommercetoolsClient:
        return CommercetoolsClient(
            self.connection(**connection),
            config.limits.commercetools,
            sink=self.sink,
            budget=Unlimited(),
            private=config.privacy.exclude.get("commercetools", ()),
            transport=None if self.url else httpx.ASGITransport(app=self.app),
            backoff=0.01,
        )

    def using(
        self,
        make: Callable[[CommercetoolsClient, SyncSettings], A],
        use: Callable[[A], Awaitable[T]],
        config: SyncSettings,
        *,
        prepared: bool = True,
        connection: Mapping[str, Any] = MappingProxyType({}),
        **prepare: Any,
    ) -> T:
        """Runs `use` with an adapter of this configuration, which is prepared first."""

        async def main() -> T:
            async with self.client(config, **connection) as client:
                adapter = make(client, config)
                if prepared:
                    await adapter.prepare(**prepare)
                return await use(adapter)

        return asyncio.run(main())

    def run(
        self,
        use: Callable[[CommercetoolsProducts], Awaitable[T]],
        config: SyncSettings | None = None,
        **more: Any,
    ) -> T:
        """Runs `use` with a prepared adapter; `more` goes to the adapter."""
        return self.using(partial(CommercetoolsProducts, **more), use, config or settings())

    def read(self, config: SyncSettings | None = None, **more: Any) -> ProductTables:
        """Everything, as canonical tables."""

        async def use(adapter: CommercetoolsProducts) -> ProductTables:
            rows = [row for page in await pages(adapter) for row in page.rows]
            return adapter.to_records(rows)

        return self.run(use, config, **more)

    def write(self, write: ProductWrite, config: SyncSettings | None = None) -> Written:
        return self.run(lambda adapter: adapter.write(write), config)

    def change(
        self,
        product_id: str,
        fields: Json | None = None,
        variants: dict[str, Json] | None = None,
        *,
        new: Sequence[Json] = (),
        config: SyncSettings | None = None,
    ) -> Written:
        """Reads the product, as a plan would have, and writes these canonical fields."""
        return self.write(self.planned(product_id, fields, variants, new=new, config=config), config)

    def planned(
        self,
        product_id: str,
        fields: Json | None = None,
        variants: dict[str, Json] | None = None,
        *,
        new: Sequence[Json] = (),
        config: SyncSettings | None = None,
    ) -> ProductWrite:
        tables = self.read(config)
        own = tables.variants[tables.variants["product_id"] == product_id].set_index("id", drop=False)
        product = tables.products.set_index("id", drop=False).loc[product_id]
        updates = [
            VariantWrite(
                change_id=f"change-{sku}",
                action="update",
                target_id=str(row["id"]),
                fields=wanted,
                current=plain("variant", row),
                carry=plain_value("json", row["carry"]),
            )
            for sku, wanted in (variants or {}).items()
            for _, row in own[own["sku"] == sku].iterrows()
        ]
        assert len(updates) == len(variants or {}), "a variant of that SKU is missing"
        return ProductWrite(
            action="update",
            idempotency_key="lightspeed-77",
            change_id="change-product" if fields else None,
            target_id=product_id,
            seen_version=int(product["version"]),
            fields=fields or {},
            current=plain("product", product),
            carry=plain_value("json", product["carry"]),
            variants=[*updates, *(creation(f"new-{n}", wanted) for n, wanted in enumerate(new))],
            members=list(own["id"]),
        )


def variant(sku: str | None = None, price: int | None = 1999, **attributes: Any) -> Json:
    draft: Json = {"attributes": [{"name": name, "value": value} for name, value in attributes.items()]}
    if sku:
        draft["sku"] = sku
    if price is not None:
        draft["prices"] = [{"value": {"currencyCode": "EUR", "centAmount": price}, "country": "DE"}]
    return draft


def creation(change_id: str, fields: Json) -> VariantWrite:
    return VariantWrite(change_id=change_id, action="create", target_id=None, fields=fields)


def new_product(fields: Json, *variants: Json, key: str = "lightspeed-77") -> ProductWrite:
    return ProductWrite(
        action="create",
        idempotency_key=key,
        change_id="change-product",
        target_id=None,
        seen_version=None,
        fields=fields,
        variants=[creation(f"change-{n}", wanted) for n, wanted in enumerate(variants)],
    )


def plain(kind: Kind, row: Any) -> Json:
    """A table row as plain values; unknown ones left out."""
    values = {str(name): plain_value(column_of(kind, str(name)).type, row[name]) for name in row.index}
    return {name: value for name, value in values.items() if value is not None}


def rows_of(pages: Sequence[RawPage]) -> list[Json]:
    return [row for page in pages for row in page.rows]


async def rows_in(pages: AsyncIterator[RawPage]) -> list[Json]:
    return [row async for page in pages for row in page.rows]


async def pages(
    adapter: CommercetoolsProducts, cursor: str | None = None, position: str | None = None
) -> list[RawPage]:
    window = await adapter.open_window(cursor, full=cursor is None)
    return [page async for page in adapter.walk(window, position=position)]


def product_row(tables: ProductTables, key: str = "jacket") -> Json:
    found = tables.products[tables.products["key"] == key]
    assert len(found) == 1
    return plain("product", found.iloc[0])


def variant_row(tables: ProductTables, sku: str = "J-1") -> Json:
    found = tables.variants[tables.variants["sku"] == sku]
    assert len(found) == 1
    return plain("variant", found.iloc[0])
