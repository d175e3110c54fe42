"""The small data of a store that sales refer to, as it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.models import many, read_live
from retail_sync.lightspeed.x_series.api.outlets import read_outlets
from retail_sync.lightspeed.x_series.api.paging import search
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.lightspeed.x_series.api.wire import Named, Outlet, Retailer, Tax, TaxRate, Wire
from retail_sync.records.errors import ProtocolFault, TargetMissing
from retail_sync.records.identifiers import is_uuid, matching_key
from retail_sync.settings.models import SyncSettings

RETAILER = "/retailer"
REGISTERS = "/registers"
PAYMENT_TYPES = "/payment_types"
TAXES = "/taxes"
USERS = "/users"
USER = "/user"
CUSTOMERS = "/customers"
W = TypeVar("W", bound=Wire)


class RegisterRow(Named):
    """`GET /registers`. One that does not say whether it is open is taken to be: a closed one refuses the sale."""

    outlet_id: str = ""
    is_open: bool | None = None


class RateOfTax(TaxRate):
    id: str = ""


class TaxOfParts(Tax):
    """A tax with the ids of the rates it is made of."""

    rates: list[RateOfTax] = Field(default_factory=list)  # type: ignore[assignment]


class UserRow(Wire):
    """A user, of whom only what settings can name is kept."""

    id: str
    username: str = ""
    display_name: str = ""
    enabled: bool | None = None
    deleted_at: str | None = None


class Article(Wire):
    """A product that the settings name by SKU. `has_inventory`: whether the till counts its stock."""

    id: str
    sku: str | None = None
    has_inventory: bool = False
    deleted_at: str | None = None


@dataclass(frozen=True)
class References:
    """What was read. `users`: those the settings may mean, or the one the connection belongs to. `articles`: living
    products by each SKU the settings name; `guests`: ids of living customers the settings may mean."""

    retailer: Retailer
    outlets: Sequence[Outlet] = ()
    registers: Sequence[RegisterRow] = ()
    payment_types: Sequence[Named] = ()
    taxes: Sequence[TaxOfParts] = ()
    users: Sequence[UserRow] = ()
    articles: Mapping[str, Sequence[Article]] = field(default_factory=dict)
    guests: Sequence[str] = ()


async def read_references(client: XSeriesClient, settings: SyncSettings) -> References:
    """What the settings need: of a store whose sales nobody reads or writes only its currency, users, articles and the
    guest only where orders are exported. Raises ConfigurationFault for a missing scope."""
    orders = settings.orders
    retailer_answer = await client.get(RETAILER)
    retailer = _as(Retailer, single_of(retailer_answer.value, RETAILER), RETAILER)
    if not is_used(settings):
        return References(retailer)
    outlets, registers, payment_types, taxes = await asyncio.gather(
        read_outlets(client),
        read_live(client, REGISTERS, RegisterRow),
        read_live(client, PAYMENT_TYPES, Named),
        read_live(client, TAXES, TaxOfParts),
    )
    if not orders.exported:
        return References(retailer, outlets, registers, payment_types, taxes)
    skus = sorted(orders.service_skus)
    articles = await asyncio.gather(*(read_articles(client, sku) for sku in skus))
    return References(
        retailer,
        outlets,
        registers,
        payment_types,
        taxes,
        users=await read_users(client, orders.user),
        articles=dict(zip(skus, articles, strict=True)),
        guests=await read_guests(client, orders.customers.guest),
    )


def is_used(settings: SyncSettings) -> bool:
    """Whether sales are written, or read for anything."""
    return settings.orders.exported or settings.sales.target != "none"


async def read_users(client: XSeriesClient, name: str | None) -> list[UserRow]:
    """The users of that id, username or display name; without a name the one the connection belongs to."""
    if not name:
        answer = await client.get(USER, withhold=True)
        return [_as(UserRow, single_of(answer.value, USER), USER)]
    rows = await read_live(client, USERS, UserRow, withhold=True)
    return [
        row
        for row in rows
        if row.id == name or same_name(name) in (same_name(row.username), same_name(row.display_name))
    ]


async def read_articles(client: XSeriesClient, sku: str) -> list[Article]:
    """Living products with exactly this SKU. The index knows SKUs in small letters."""
    found = many(Article, await search(client, "products", "sku", sku.lower()))
    return [one for one in found if not one.deleted_at and matching_key(one.sku or "") == matching_key(sku)]


async def read_guests(client: XSeriesClient, name: str | None) -> list[str]:
    """Ids of the living customers with this id or code: nothing else of them is kept."""
    if not name:
        return []
    if is_uuid(name):
        path = f"{CUSTOMERS}/{name}"
        try:
            row = single_of((await client.get(path, withhold="shape")).value, CUSTOMERS)
        except TargetMissing:
            return []
        return [] if row.get("deleted_at") else [str(row.get("id"))]
    rows = await search(client, "customers", "customer_code", name, withhold="shape")
    return [
        str(row["id"])
        for row in rows
        if row.get("id")
        and not row.get("deleted_at")
        and same_name(str(row.get("customer_code") or "")) == same_name(name)
    ]


def _as(kind: type[W], row: Mapping[str, Any], path: str) -> W:
    try:
        return kind.model_validate(row)
    except ValidationError:
        raise ProtocolFault(f"GET {path} can't be read.", system=SYSTEM) from None
