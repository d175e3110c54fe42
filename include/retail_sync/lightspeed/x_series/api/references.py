"""The small data of a store: its facts, read once in `prepare`, and its lookups (brands, tags, suppliers, categories,
variant attributes), read when a write first needs them and completed where a name is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import ValidationError

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.models import PAGE_SIZE, many, read_live
from retail_sync.lightspeed.x_series.api.paging import read_all, rows_of, walk_categories
from retail_sync.lightspeed.x_series.api.shapes import require_known_products
from retail_sync.lightspeed.x_series.api.store import StoreFacts, outlets_that_count, same_name
from retail_sync.lightspeed.x_series.api.wire import Named, Outlet, OutletTax, Retailer, Tax
from retail_sync.records.errors import ProtocolFault, RecordRejected, TargetMissing
from retail_sync.records.identifiers import is_uuid
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.creating import NotMade, made_once

LookupKind = Literal["brand", "tag", "supplier", "category", "variant attribute"]
PATHS: dict[LookupKind, str] = {
    "brand": "/brands",
    "tag": "/tags",
    "supplier": "/suppliers",
    "category": "/product_categories",
    "variant attribute": "/variant_attributes",
}


@dataclass(frozen=True)
class Found:
    """A lookup by name: its id, and the name as the till spells it."""

    id: str
    name: str


async def read_facts(client: XSeriesClient, settings: SyncSettings) -> StoreFacts:
    """Retailer, outlets and taxes: three short reads, and one more in a store that has taxes per product."""
    answers = await asyncio.gather(
        client.get("/retailer"),
        read_all(client, "/outlets", page_size=PAGE_SIZE),
        read_all(client, "/taxes", page_size=PAGE_SIZE, deleted=True),
    )
    retailer_body, outlet_rows, tax_rows = answers
    try:
        retailer = Retailer.model_validate(single_of(retailer_body.value, "/retailer"))
    except ValidationError:
        raise ProtocolFault(
            "What the store says of itself (GET /retailer) can't be read.", system=SYSTEM
        ) from None
    outlets = tuple(many(Outlet, outlet_rows))
    taxes = {tax.id: tax for tax in many(Tax, tax_rows)}
    return StoreFacts(
        retailer=retailer,
        outlets=outlets_that_count(outlets, settings),
        taxes=taxes,
        overrides=await _overrides(client),
        all_outlets=tuple(outlet for outlet in outlets if not outlet.deleted_at),
    )


async def _overrides(client: XSeriesClient) -> dict[str, dict[str, str]] | None:
    """Taxes per product and outlet, if product rows do not show them; None where rows do, or there are none.

    The description says that a product row shows `outlet_taxes` when it has some. One override is compared with its
    product to see whether this store keeps to that; only where it does not is the whole list read.
    """
    first = rows_of((await client.get("/outlet_taxes", {"page_size": 1, "after": 0})).value, "/outlet_taxes")
    if not first:
        return None
    try:
        product = single_of((await client.get(f"/products/{first[0].get('product_id')}")).value, "/products")
    except TargetMissing:
        product = {}
    if product.get("outlet_taxes"):
        return None
    overrides: dict[str, dict[str, str]] = {}
    for entry in await read_live(client, "/outlet_taxes", OutletTax):
        if entry.tax_id:
            overrides.setdefault(entry.product_id, {})[entry.outlet_id] = entry.tax_id
    return overrides


def single_of(value: Any, path: str) -> Mapping[str, Any]:
    """The one object of an answer, in or out of an envelope, or alone in a list. Raises ProtocolFault."""
    if isinstance(value, Mapping) and "data" in value:
        value = value["data"]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Mapping):
        raise ProtocolFault(f"GET {path}: the answer is no object.", system=SYSTEM)
    require_known_products([value], path)
    return value


class Lookups:
    """Names that have ids. Each kind is read once, when it is first needed; `ensure` creates what is missing, once,
    even when several writes ask at the same time, in this process or elsewhere."""

    def __init__(self, client: XSeriesClient) -> None:
        self._client = client
        self._known: dict[LookupKind, list[Named]] = {}
        self._not_made: dict[tuple[LookupKind, str], NotMade] = {}
        self._turns = {kind: asyncio.Lock() for kind in get_args(LookupKind)}

    async def ensure(self, kind: LookupKind, name: str, *, context: Mapping[str, str] | None = None) -> Found:
        """The lookup of that name, created if there is none.

        A name is the same whatever its capitals and outer space; the exact spelling is preferred. Raises
        RecordRejected where it can't be had: a category that has subcategories takes no products, and see `made_once`.
        """
        async with self._turns[kind]:
            if kind not in self._known:
                await self._read(kind)
            found = self._find(kind, name)
            if found is None:
                found = await self._create(kind, name.strip(), context)
            return found

    async def _read(self, kind: LookupKind) -> None:
        if kind == "category":
            rows = [row async for page in walk_categories(self._client) for row in page]
        elif kind == "variant attribute":
            rows = rows_of((await self._client.get(PATHS[kind])).value, PATHS[kind])
        else:
            rows = await read_all(self._client, PATHS[kind], page_size=PAGE_SIZE)
        self._known[kind] = [entry for entry in many(Named, rows) if not entry.deleted_at]

    def _find(self, kind: LookupKind, name: str) -> Found | None:
        wanted = same_name(name)
        same = [entry for entry in self._known[kind] if same_name(entry.name) == wanted]
        usable = [entry for entry in same if entry.leaf_category]
        if same and not usable:
            raise RecordRejected(
                f"The category {name!r} has subcategories, so no product can be put into it.",
                code="category_not_leaf",
                system=SYSTEM,
                remedy="Map the product to one of its subcategories, or give the category another name.",
            )
        usable.sort(key=lambda entry: entry.name != name)
        return Found(usable[0].id, usable[0].name) if usable else None

    async def _create(self, kind: LookupKind, name: str, context: Mapping[str, str] | None) -> Found:
        """Made once; where that did not come about, it is not tried again for every product that needs it."""
        if refused := self._not_made.get((kind, same_name(name))):
            raise refused

        async def send() -> Found | None:
            new_id = await self._send(kind, name, context)
            if new_id is not None:
                self._known[kind].append(Named(id=new_id, name=name))
            return Found(new_id, name) if new_id is not None else None

        async def look() -> Found | None:
            await self._read(kind)
            return self._find(kind, name)

        try:
            return await made_once(f"The {kind} {name!r}", system=SYSTEM, send=send, look=look)
        except NotMade as problem:
            self._not_made[kind, same_name(name)] = problem
            raise

    async def _send(self, kind: LookupKind, name: str, context: Mapping[str, str] | None) -> str | None:
        if kind == "category":
            body: dict[str, Any] = {"categories": [{"payload_id": "new", "name": name}]}
            return created_id(
                (await self._client.post("/product_categories/bulk", body, context=context)).value
            )
        return created_id((await self._client.post(PATHS[kind], {"name": name}, context=context)).value)


def created_id(value: Any) -> str | None:
    """The id in the answer to a creation, or None: `{"data": "<id>"}`, `{"data": {"id"}}`, `{"data": ["<id>"]}`,
    `{"data": [{"id"}]}`, nested once more for categories. All ids are UUIDs: what is none names nothing."""
    while isinstance(value, (Mapping, list)):
        if isinstance(value, list):
            value = value[0] if value else None
        elif "id" in value:
            value = value["id"]
        else:
            value = value.get("data", value.get("categories"))
    return value if isinstance(value, str) and is_uuid(value) else None
