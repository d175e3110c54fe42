"""`CommercetoolsProducts`: the face of `retail_sync.records.ports.products.ProductSystem` for commercetools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.adapters import EntityAdapter
from retail_sync.commercetools.api.capabilities import CAPABILITIES
from retail_sync.commercetools.api.catalogue import require_classic
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.discounts import external_discounts
from retail_sync.commercetools.api.projections import STANDALONE_PRICES, ProductFeed, Projections
from retail_sync.commercetools.api.queries import one_of
from retail_sync.commercetools.api.variants import variants_in
from retail_sync.commercetools.api.writing import StandalonePriceDraft, standalone_price_action, update_body
from retail_sync.commercetools.products import preflight
from retail_sync.commercetools.products.drafts import product_draft, product_key
from retail_sync.commercetools.products.read import ProductReader
from retail_sync.commercetools.products.references import References, read_references
from retail_sync.commercetools.products.update_actions import Planned, Present, StandaloneChange, plan_update
from retail_sync.commercetools.products.values import Values
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.errors import RecordRejected, SyncError, TargetMissing
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import (
    ProductWrite,
    RawPage,
    VariantWrite,
    Written,
)
from retail_sync.records.products import ProductTables, column_of
from retail_sync.records.refs import VariantKey
from retail_sync.records.types import canonical_value, plain_value, same
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.answer import Answer


class CommercetoolsProducts(ProductFeed, EntityAdapter[ProductReader]):
    """Products of one project. `now`: decides which dated prices count."""

    capabilities = CAPABILITIES

    def __init__(
        self,
        client: CommercetoolsClient,
        settings: SyncSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        projections = Projections(client, settings, (settings.products.price.currency,))
        super().__init__(client, settings, projections)
        self._now = now

    async def prepare(self) -> None:
        """Reads project, product types, tax categories, categories, and channels, stores, selections where named."""
        references = await read_references(self._client, self._settings)
        require_classic(references.project)
        self._prepared = ProductReader(self._settings, references, self._now)

    def reference(self) -> Any:
        return to_document(self._prepared.references)

    def use(self, reference: Any) -> None:
        self._prepared = ProductReader(self._settings, from_document(References, reference), self._now)

    @property
    def _values(self) -> Values:
        return Values(self._prepared)

    # ------------------------------------------------------------ reading

    def to_records(self, rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        return self._prepared.tables(rows)

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
            numbers = [int(variant["id"]) for variant in variants_in(product["masterData"]["staged"])]
            ids = {
                v.change_id: str(VariantKey(product["id"], n))
                for v, n in zip(write.variants, numbers, strict=True)
            }
        return await self._written(answer, product, ids, dropped, [answer.exchange_id])

    async def _update(self, write: ProductWrite) -> Written:
        if write.target_id is None:
            raise RecordRejected("An update names no product.", code="missing", system=SYSTEM)
        target = write.target_id
        write, present = await self._informed(write)
        planned = plan_update(write, self._values, present)
        await self._refuse_sku_changes(planned)
        product, answers = await self._projections.update(
            target, write.seen_version, planned.actions, _context(write)
        )
        exchanges = [answer.exchange_id for answer in answers]
        for change in planned.standalone:
            exchanges.append(await self._write_standalone(change, _context(write)))
        if product is None:
            ids = {v.change_id: v.target_id for v in write.variants if v.target_id}
            return Written(
                product_id=target,
                version=write.seen_version,
                variant_ids=ids,
                exchange_ids=exchanges,
                already_there=not exchanges,
                dropped=planned.dropped,
            )
        side = product["masterData"]["staged"]
        ids = _variant_ids(write, variants_in(side))
        return await self._written(answers[-1], product, ids, planned.dropped, exchanges)

    async def _written(
        self,
        answer: Answer,
        product: Mapping[str, Any],
        variant_ids: Mapping[str, str],
        dropped: Sequence[tuple[str, str, str]],
        exchanges: Sequence[str],
    ) -> Written:
        rows = await self._projections.finish([self._projections.of_product(product)])
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

    async def _write_standalone(self, change: StandaloneChange, context: Mapping[str, str]) -> str:
        """Changes the price, or makes it where the variant has none in the base scope; the exchange's id. Its own
        version guards it: StaleTarget where somebody changed it since it was read."""
        path, price = STANDALONE_PRICES, change.price
        if change.price_id is not None and change.version is not None:
            staged = self._values.scope.staged
            action = standalone_price_action("changeValue", value=price.value, staged=staged)
            path, body = f"{path}/{change.price_id}", update_body(change.version, action)
        else:
            body = StandalonePriceDraft(
                sku=change.sku, value=price.value, country=price.country, channel=price.channel
            ).body()
        return (await self._client.post(path, body, context=context)).exchange_id

    async def _informed(self, write: ProductWrite) -> tuple[ProductWrite, Present]:
        """The write with all its actions need: one look at the product where a variant is added (it has to repeat
        what all variants share), where private fields of a price would be lost, or where nothing was carried along."""
        prices = any("price" in v.fields for v in write.variants if v.action == "update")
        adds = any(v.action == "create" for v in write.variants)
        private = prices and self._projections.private.names_prices
        shared: Mapping[str, Any] = {}
        if adds or private or write.seen_version is None or "type" not in write.carry:
            row = await self._projections.one(str(write.target_id), write.seen_version)
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
        definitions = self._prepared.references.definitions.get(row["productType"]["id"], {})
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
            row = await self._projections.one(f"key={product_key(write)}")
        except TargetMissing:
            return None
        found = {
            variant.get("sku"): str(VariantKey(row["id"], variant["id"])) for variant in variants_in(row)
        }
        wanted = {v.change_id: v.fields.get("sku") for v in write.variants}
        if any(sku and sku not in found for sku in wanted.values()):
            return None
        by_position = [str(VariantKey(row["id"], variant["id"])) for variant in variants_in(row)]
        ids = {
            v.change_id: found[sku] if (sku := wanted[v.change_id]) else by_position[n]
            for n, v in enumerate(write.variants)
            if wanted[v.change_id] or n < len(by_position)
        }
        return await self._found(row, ids)

    async def _find_updated(self, write: ProductWrite) -> Written | None:
        try:
            row = await self._projections.one(str(write.target_id))
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


def _context(write: ProductWrite) -> dict[str, str]:
    changes = [write.change_id, *(variant.change_id for variant in write.variants)]
    return {"change": next((change for change in changes if change), "")}


def _variant_ids(write: ProductWrite, variants: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Ids of the written variants. New ones are told by their SKU; without one, by being new, in order."""
    all_ids = {
        str(VariantKey(str(write.target_id), variant["id"])): variant.get("sku") for variant in variants
    }
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
