"""A till of the sandbox, an adapter that speaks to it over HTTP, and planned writes to hand it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pandas as pd

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import ProductWrite, RawPage, VariantWrite
from retail_sync.records.products import Kind, column_of, merged_columns
from retail_sync.records.types import plain_value
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from retail_sync.transport.faces import Exchange
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore

T = TypeVar("T")
A = TypeVar("A", bound=Any)
_numbers = itertools.count(1)


@dataclass
class Exchanges:
    """An `ExchangeSink` that keeps what it is told."""

    kept: list[Exchange] = field(default_factory=list)

    def record(self, exchange: Exchange) -> None:
        self.kept.append(exchange)


@dataclass
class Till:
    """A store behind a real HTTP server."""

    store: LightspeedStore
    faults: Faults
    url: str
    token: str
    exchanges: Exchanges = field(default_factory=Exchanges)
    connection: LightspeedConnection | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """Further arguments for the adapter."""
    last_sent: list[str] = field(default_factory=list)
    """What a test wants to remember of `sent()`."""

    def use(
        self,
        adapter_of: Callable[[XSeriesClient, SyncSettings], A],
        settings: SyncSettings,
        work: Callable[[A], Awaitable[T]],
        *,
        version: str = "2026-07",
        prepared: bool = True,
        **preparing: Any,
    ) -> T:
        """The result of `work` with an adapter. What it takes to prepare it does not count as sent."""

        async def body() -> T:
            connection = self.connection or LightspeedConnection(
                store_url=self.url, personal_token=self.token, api_version=version
            )
            options = {"budget": Unlimited(), "sink": self.exchanges, **self.more}
            async with XSeriesClient(connection, settings, **options) as client:
                adapter = adapter_of(client, settings)
                if prepared:
                    await adapter.prepare(**preparing)
                self.exchanges.kept.clear()
                return await work(adapter)

        return asyncio.run(body())

    def run(self, settings: SyncSettings, work: Callable[[XSeriesProducts], Awaitable[T]]) -> T:
        """As `use`, with the adapter of products."""
        return self.use(XSeriesProducts, settings, work)

    def sent(self, method: str = "") -> list[str]:
        """`METHOD path` of the requests since the adapter was prepared."""
        shown = [f"{e.method} {httpx.URL(e.url).path}" for e in self.exchanges.kept]
        return [line for line in shown if line.startswith(method)]


TAX_CLASSES = [
    {"name": "standard", "commercetools": "standard", "lightspeed": "Standard"},
    {"name": "reduced", "commercetools": "reduced", "lightspeed": "Reduced"},
]


def make_settings(**products: Any) -> SyncSettings:
    more = {name: products.pop(name) for name in ("privacy", "locations", "limits") if name in products}
    return SyncSettings.model_validate({"products": {"tax_classes": TAX_CLASSES, **products}, **more})


def creation(fields: dict[str, Any], *variants: dict[str, Any], key: str | None = None) -> ProductWrite:
    number = next(_numbers)
    return ProductWrite(
        action="create",
        idempotency_key=key or f"key-{number}",
        change_id=f"p{number}",
        target_id=None,
        seen_version=None,
        fields=fields,
        variants=[
            VariantWrite(f"p{number}v{i}", "create", None, variant) for i, variant in enumerate(variants)
        ],
    )


def update(
    records: Any,
    product_id: str,
    fields: dict[str, Any] | None = None,
    variants: dict[str, dict[str, Any]] | None = None,
    new: list[dict[str, Any]] | None = None,
) -> ProductWrite:
    """The write that changes `fields` of a product as it was read, and `variants` (by SKU), and adds `new` ones."""
    product = record(records.products, "product", id=product_id)
    members = records.variants[records.variants["product_id"] == product_id]
    changed = [(record(members, "variant", sku=sku), wanted) for sku, wanted in (variants or {}).items()]
    number = next(_numbers)
    return ProductWrite(
        action="update",
        idempotency_key=f"key-{number}",
        change_id=f"p{number}" if fields else None,
        target_id=product_id,
        seen_version=int(product["version"]),
        fields=fields or {},
        current=plain("product", records.products, product),
        carry=plain_value("json", product["carry"]),
        variants=[
            *[
                VariantWrite(
                    f"p{number}v{i}",
                    "update",
                    str(row["id"]),
                    wanted,
                    current=plain("variant", members, row),
                    carry=plain_value("json", row["carry"]),
                )
                for i, (row, wanted) in enumerate(changed)
            ],
            *[VariantWrite(f"p{number}n{i}", "create", None, wanted) for i, wanted in enumerate(new or [])],
        ],
        members=list(members["id"]),
    )


def record(frame: pd.DataFrame, kind: Kind, **where: str) -> pd.Series:
    ((column, value),) = where.items()
    found = frame[frame[column] == value]
    assert len(found) == 1, f"{len(found)} {kind} records with {column} {value}"
    return found.iloc[0]


def plain(kind: Kind, frame: pd.DataFrame, row: pd.Series) -> dict[str, Any]:
    """Known merged values, as the mirror keeps them."""
    values = {n: plain_value(column_of(kind, n).type, row[n]) for n in merged_columns(kind, frame)}
    return {name: value for name, value in values.items() if value is not None}


async def rows_of(pages: AsyncIterator[RawPage]) -> list[dict[str, Any]]:
    return [row async for page in pages for row in page.rows]


def told(found: Iterable[CheckResult]) -> dict[tuple[str, str], str]:
    """What preflight says, by level and subject."""
    return {(one.level, one.subject): f"{one.finding} {one.remedy}".strip() for one in found}


async def read_all(adapter: XSeriesProducts, after: str | None = None) -> Any:
    window = await adapter.open_window(after, full=after is None)
    return adapter.to_records(await rows_of(adapter.walk(window)))
