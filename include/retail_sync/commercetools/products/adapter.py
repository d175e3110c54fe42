"""`CommercetoolsProducts`: the face of `retail_sync.records.ports.products.ProductSystem` for commercetools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd

from retail_sync.commercetools.api import queries, windows
from retail_sync.commercetools.api.catalogue import require_classic
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.discounts import external_discounts
from retail_sync.commercetools.api.projections import Projections
from retail_sync.commercetools.api.queries import Clock, Slice, one_of
from retail_sync.commercetools.api.references import References, read_references
from retail_sync.commercetools.api.writing import MAX_ACTIONS, update_body
from retail_sync.commercetools.products import preflight
from retail_sync.commercetools.products.drafts import product_draft, product_key
from retail_sync.commercetools.products.read import ProductReader
from retail_sync.commercetools.products.standalone_price import write_standalone
from retail_sync.commercetools.products.update_actions import Planned, Present, plan_update
from retail_sync.commercetools.products.values import Values
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.errors import RecordRejected, StaleTarget, SyncError, TargetMissing
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import (
    Asked,
    ProductWrite,
    RawPage,
    Shown,
    SystemName,
    VariantWrite,
    Window,
    Written,
)
from retail_sync.records.products import ProductTables, column_of
from retail_sync.records.types import canonical_value, plain_value, same
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.answer import Answer


class CommercetoolsProducts:
    """Products of one project. `prepare` comes first; the client is opened and closed by the caller.

    `clock`: how the server's time is asked for (see `queries.server_clock`). `now`: decides which dated prices count.
    """

    system: SystemName = "commercetools"
    whole_products = True

    def __init__(
        self,
        client: CommercetoolsClient,
        settings: SyncSettings,
        *,
        clock: Clock = "custom_object",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._now = now
        self._projections = Projections(client, settings)
        self.most_asked = settings.limits.commercetools.most_asked
        self._ready: tuple[ProductReader, Values] | None = None

    async def prepare(self) -> None:
        """Reads project, product types, tax categories, categories, and channels, stores, selections where named."""
        references = await read_references(self._client, self._settings)
        require_classic(references.project)
        self._know(references)

    def reference(self) -> Any:
        return to_document(self._reader.references)

    def use(self, reference: Any) -> None:
        self._know(from_document(References, reference))

    def _know(self, references: References) -> None:
        reader = ProductReader(self._settings, references, self._now)
        self._ready = reader, Values(reader)

    @property
    def _reader(self) -> ProductReader:
        return self._prepared[0]

    @property
    def _currencies(self) -> tuple[str]:
        return (self._reader.scope.currency,)

    @property
    def _values(self) -> Values:
        return self._prepared[1]

    @property
    def _prepared(self) -> tuple[ProductReader, Values]:
        if self._ready is None:
            raise RuntimeError("`prepare` has to be awaited before products are read or written.")
        return self._ready

    # ------------------------------------------------------------ reading

    async def server_time(self) -> datetime:
        return await queries.server_clock(self._client, use_object=self._clock == "custom_object")

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        return windows.window_behind(
            await self.server_time(), self._settings.limits.commercetools, cursor, full=full
        )

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return windows.cursor_at(since, cursor)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """A full walk (`lower` None) goes by id and has its cursor at the end; a delta is in order of time."""
        delta = window.lower is not None
        async for part in self._projections.walk(window, position, self._currencies):
            seen = part.position.partition("|")[0] if delta and part.position else None
            yield RawPage(part.rows, part.position, window.upper if part.last else seen, part.last)

    async def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        async for part in self._projections.by_ids(product_ids, self._currencies):
            yield _page(part)

    async def search(self, skus: Sequence[str]) -> AsyncIterator[RawPage]:
        async for part in self._projections.by_skus(skus, self._currencies):
            yield _page(part)

    def records_in(self, rows: Sequence[Mapping[str, Any]]) -> list[Shown]:
        return self._projections.variants_in(rows)

    async def ask_together(self, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        async for part in self._projections.with_variants(ids, self._currencies):
            yield part.rows

    async def ask_each(self, ids: Sequence[str]) -> Asked:
        return await self._projections.ask_each(ids, self._currencies)

    def to_records(self, rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        return self._reader.tables(rows)

    async def changed_since(self, cursor: str) -> RawPage | None:
        """None: every write carries the version it was planned on."""
        return None

    # ------------------------------------------------------------ writing

    async def write(self, write: ProductWrite) -> Written:
        return await (self._create(write) if write.action == "create" else self._update(write))

    async def find(self, write: ProductWrite) -> Written | None:
        if write.action == "create":
            return await self._find_created(write)
        return await self._find_updated(write)

    async def check(self) -> list[CheckResult]:
        return await preflight.check(self._client, self._settings)

    async def _create(self, write: ProductWrite) -> Written:
        draft, dropped = product_draft(write, self._values)
        answer = await self._client.post("/products", draft.body(), context=_context(write))
        with answer.as_described():
            product = self._projections.known(answer.json())
            numbers = [int(variant["id"]) for variant in _variants(product["masterData"]["staged"])]
            ids = {v.change_id: f"{product['id']}:{n}" for v, n in zip(write.variants, numbers, strict=True)}
        return await self._written(answer, product, ids, dropped, [answer.exchange_id])

    async def _update(self, write: ProductWrite) -> Written:
        if write.target_id is None:
            raise RecordRejected("An update names no product.", code="missing", system=SYSTEM)
        target = write.target_id
        write, present = await self._informed(write)
        planned = plan_update(write, self._values, present)
        await self._refuse_sku_changes(planned)
        exchanges: list[str] = []
        product: dict[str, Any] | None = None
        version = write.seen_version
        for start in range(0, len(planned.actions), MAX_ACTIONS):
            assert version is not None  # `_informed` sees to it
            body = update_body(version, *planned.actions[start : start + MAX_ACTIONS])
            answer = await self._client.post(f"/products/{target}", body, context=_context(write))
            with answer.as_described():
                product = self._projections.known(answer.json())
                version = int(product["version"])
            exchanges.append(answer.exchange_id)
        for change in planned.standalone:
            exchanges.append(
                await write_standalone(self._client, change, self._values.scope, _context(write))
            )
        if product is None:
            ids = {v.change_id: v.target_id for v in write.variants if v.target_id}
            return Written(
                product_id=target,
                version=version,
                variant_ids=ids,
                exchange_ids=exchanges,
                already_there=not exchanges,
                dropped=planned.dropped,
            )
        side = product["masterData"]["staged"]
        ids = _variant_ids(write, _variants(side))
        return await self._written(answer, product, ids, planned.dropped, exchanges)

    async def _written(
        self,
        answer: Answer,
        product: Mapping[str, Any],
        variant_ids: Mapping[str, str],
        dropped: Sequence[tuple[str, str, str]],
        exchanges: Sequence[str],
    ) -> Written:
        rows = await self._projections.finish([self._projections.of_product(product)], self._currencies)
        with answer.as_described():
            after = self.to_records(rows)
        return Written(
            product_id=str(product["id"]),
            version=int(product["version"]),
            variant_ids=variant_ids,
            exchange_ids=exchanges,
            after=after,
            dropped=dropped,
        )

    async def _informed(self, write: ProductWrite) -> tuple[ProductWrite, Present]:
        """The write with all its actions need: one look at the product where a variant is added (it has to repeat
        what all variants share), where private fields of a price would be lost, or where nothing was carried along."""
        prices = any("price" in v.fields for v in write.variants if v.action == "update")
        adds = any(v.action == "create" for v in write.variants)
        private = prices and self._projections.private.names_prices
        shared: Mapping[str, Any] = {}
        if adds or private or write.seen_version is None or "type" not in write.carry:
            row = await self._projections.one(str(write.target_id), self._currencies)
            if write.seen_version is not None and int(row["version"]) != write.seen_version:
                raise StaleTarget(
                    f"Product {write.target_id} is at version {row['version']}, the plan saw {write.seen_version}.",
                    code="stale",
                    system=SYSTEM,
                )
            write = self._with_carries(write, row, own_prices=private)
            shared = self._shared_attributes(row)
        return write, Present(shared, await self._external_discounts(write))

    def _with_carries(self, write: ProductWrite, row: dict[str, Any], *, own_prices: bool) -> ProductWrite:
        tables = self.to_records([row])
        product = plain_value("json", tables.products["carry"].iloc[0])
        carries = {
            id: plain_value("json", c)
            for id, c in zip(tables.variants["id"], tables.variants["carry"], strict=True)
        }
        variants: list[VariantWrite] = []
        for variant in write.variants:
            fresh = carries.get(variant.target_id, {})
            kept = dict(variant.carry or fresh)
            if own_prices and "price" in fresh:
                kept["price"] = fresh["price"]
            variants.append(replace(variant, carry=kept))
        return replace(
            write,
            carry=write.carry if "type" in write.carry else product,
            variants=variants,
            members=write.members or list(carries),
            seen_version=int(row["version"]),
        )

    def _shared_attributes(self, row: Mapping[str, Any]) -> dict[str, Any]:
        definitions = self._reader.references.definitions.get(row["productType"]["id"], {})
        attributes = (row.get("masterVariant") or {}).get("attributes") or ()
        return {
            a["name"]: a["value"]
            for a in attributes
            if a["name"] in definitions and definitions[a["name"]].attributeConstraint == "SameForAll"
        }

    async def _external_discounts(self, write: ProductWrite) -> frozenset[str]:
        carried = (v.carry.get("price") for v in write.variants if "price" in v.fields)
        return await external_discounts(self._client, [price for price in carried if price])

    async def _refuse_sku_changes(self, planned: Planned) -> None:
        """commercetools refuses to change a SKU that has inventory, and stock would stay behind at the old one."""
        for part in queries.in_batches(planned.skus_given_up):
            rows, _ = await self._client.page("/inventory", [("where", one_of("sku", part))], 1)
            if rows:
                raise RecordRejected(
                    f"SKU {rows[0]['sku']} has stock in commercetools and can't be changed.",
                    code="sku_change",
                    system=SYSTEM,
                    remedy="Move its inventory to the new SKU in commercetools first, or set the old SKU again.",
                )

    # ------------------------------------------------------------ finding

    async def _find_created(self, write: ProductWrite) -> Written | None:
        try:
            row = await self._projections.one(f"key={product_key(write)}", self._currencies)
        except TargetMissing:
            return None
        found = {variant.get("sku"): f"{row['id']}:{variant['id']}" for variant in _variants(row)}
        wanted = {v.change_id: v.fields.get("sku") for v in write.variants}
        if any(sku and sku not in found for sku in wanted.values()):
            return None
        by_position = [f"{row['id']}:{variant['id']}" for variant in _variants(row)]
        ids = {
            v.change_id: found[sku] if (sku := wanted[v.change_id]) else by_position[n]
            for n, v in enumerate(write.variants)
            if wanted[v.change_id] or n < len(by_position)
        }
        return await self._found(row, ids)

    async def _find_updated(self, write: ProductWrite) -> Written | None:
        try:
            row = await self._projections.one(str(write.target_id), self._currencies)
        except TargetMissing:
            return None
        unheld = {(change, name) for change, name, _ in self._planned_again(write)}
        tables = self.to_records([row])
        products = tables.products.set_index("id", drop=False)
        variants = tables.variants.set_index("id", drop=False)
        by_sku = {sku: id for sku, id in zip(variants["sku"], variants.index, strict=True) if sku}
        ids: dict[str, str] = {}
        if not _shows(
            "product", products.loc[str(write.target_id)], write.fields, write.change_id or "", unheld
        ):
            return None
        for variant in write.variants:
            id = variant.target_id or by_sku.get(variant.fields.get("sku"))
            if id is None or id not in variants.index:
                return None
            if not _shows("variant", variants.loc[id], variant.fields, variant.change_id, unheld):
                return None
            ids[variant.change_id] = str(id)
        return await self._found(row, ids)

    def _planned_again(self, write: ProductWrite) -> Sequence[tuple[str, str, str]]:
        """What could not be held then can't be expected to be there now."""
        try:
            return plan_update(write, self._values).dropped
        except SyncError:
            return ()

    async def _found(self, row: dict[str, Any], ids: Mapping[str, str]) -> Written:
        self._projections.private.remove([row])
        return Written(
            product_id=str(row["id"]),
            version=int(row["version"]),
            variant_ids=ids,
            after=self.to_records([row]),
            already_there=True,
        )


def _page(part: Slice) -> RawPage:
    return RawPage(part.rows, part.position, None, part.last)


def _context(write: ProductWrite) -> dict[str, str]:
    changes = [write.change_id, *(variant.change_id for variant in write.variants)]
    return {"change": next((change for change in changes if change), "")}


def _variants(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [variant for variant in (row.get("masterVariant"), *(row.get("variants") or ())) if variant]


def _variant_ids(write: ProductWrite, variants: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Ids of the written variants. New ones are told by their SKU; without one, by being new, in order."""
    all_ids = {f"{write.target_id}:{variant['id']}": variant.get("sku") for variant in variants}
    by_sku = {sku: id for id, sku in all_ids.items() if sku}
    known = {*write.members, *(v.target_id for v in write.variants if v.target_id)}
    taken = {by_sku.get(v.fields.get("sku")) for v in write.variants if v.action == "create"}
    nameless = iter([id for id in all_ids if id not in known and id not in taken])
    ids: dict[str, str] = {}
    for variant in write.variants:
        id = variant.target_id or by_sku.get(variant.fields.get("sku")) or next(nameless, None)
        if id is not None:
            ids[variant.change_id] = id
    return ids


def _shows(
    kind: Literal["product", "variant"],
    row: Any,
    fields: Mapping[str, Any],
    change_id: str,
    unheld: set[tuple[str, str]],
) -> bool:
    """Whether a canonical row shows the wanted values, as far as commercetools can hold them."""
    for name, wanted in fields.items():
        if (change_id, name) in unheld or name not in row.index or name in ("currency", "images"):
            continue
        if name in ("options", "option_values") and pd.isna(row[name]):
            continue  # not told of a product with a single variant
        column = column_of(kind, name)
        # JSON is compared as it is: a text would be taken for the text of some JSON.
        expected = (
            wanted
            if column.type == "json"
            else plain_value(column.type, canonical_value(column.type, wanted))
        )
        if not same(column, plain_value(column.type, row[name]), expected):
            return False
    return True
