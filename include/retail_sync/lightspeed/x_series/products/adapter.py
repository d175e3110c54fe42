"""`XSeriesProducts`: the products of an X-Series store behind the face every system shows.

X-Series has no optimistic locking: `changed_since` shows what moved since the plan was read. Costs in requests:
a walk takes its pages and one empty page; `fetch` and `search` take one a product or SKU and one more a family;
a creation one (the first of each kind a second one, see `creations`) and one more where stock is counted; an update
one for each changed variant, or one where only the family changes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.adapter import EntityAdapter
from retail_sync.lightspeed.x_series.api.bodies import body_of
from retail_sync.lightspeed.x_series.api.capabilities import CAPABILITIES
from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.paging import SEARCH, Row, rows_of
from retail_sync.lightspeed.x_series.api.privacy import without_private
from retail_sync.lightspeed.x_series.api.references import Lookups, created_id, read_facts
from retail_sync.lightspeed.x_series.api.row_shapes import PRODUCT
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.lightspeed.x_series.api.version_feed import VersionFeed
from retail_sync.lightspeed.x_series.products import preflight
from retail_sync.lightspeed.x_series.products.creations import Creations, is_ours, matched
from retail_sync.lightspeed.x_series.products.read import is_part_of_family, product_id_of, to_tables
from retail_sync.lightspeed.x_series.products.requests_2026_07 import (
    ADD_VARIANT_PATH,
    ProductRequests,
    Target,
    Update,
    members_of,
    target_of,
)
from retail_sync.lightspeed.x_series.products.resolving import resolve
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.identifiers import matching_key
from retail_sync.records.ports.products import (
    ProductWrite,
    RawPage,
    Shown,
    VariantWrite,
    Written,
)
from retail_sync.records.products import Kind, ProductTables, column_of, merged_columns
from retail_sync.records.rows import is_stub, readable
from retail_sync.records.types import plain_value, same
from retail_sync.settings.models import SyncSettings

PATH = "/products"
CHOSEN_PARTS_SINCE = "2026-07"
"""Since this version a read may say what it wants of a product: not the till's images, but the parts of composites."""
SHOW_PARTS = {"includes[]": "composite_products"}
"""Described for the list; sent with reads of single products too, whose rows replace those of the list."""


class XSeriesProducts(VersionFeed, EntityAdapter[StoreFacts]):
    """The `ProductSystem` of one store. Keys are SKUs."""

    entity = "products"
    feed_name = "product"
    records = "products"
    path = PATH
    shape = PRODUCT
    capabilities = CAPABILITIES
    reference_type = StoreFacts
    preflight = preflight.check

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self._lookups = Lookups(client)
        self._creations = Creations(self._read_family)
        if client.connection.api_version >= CHOSEN_PARTS_SINCE:
            self.list_params = {"include_images": "false", **SHOW_PARTS}
            self.record_params = SHOW_PARTS

    # ------------------------------------------------------------ reading

    async def prepare(self) -> None:
        """Read the store's facts (retailer, outlets, taxes). Lookups are read when a write first needs them."""
        self.know(await read_facts(self._client, self._settings))

    def know(self, reference: StoreFacts) -> None:
        super().know(reference)
        self._requests = ProductRequests(reference, self._settings)

    async def server_time(self) -> datetime:
        """The clock of the store's server."""
        return (await self._client.get("/retailer")).server_time

    async def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        """The present state of whole products, a page for each. A product that is gone gives an empty page: its
        deletion is proven by the version feed, not by its absence."""
        async for page in self._pages_of(product_ids, self._read_family):
            yield page

    def shown(self, row: Mapping[str, Any]) -> Shown:
        names = (str(row["sku"]),) if row.get("sku") else ()
        return super().shown(row)._replace(parent=product_id_of(dict(row)), names=names)

    def to_records(self, rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        """See `reading`. Raises RuntimeError before `prepare`."""
        return to_tables(rows, self.known, self._settings)

    def kept(self, row: Row) -> Row:
        return without_private(row, self._private)

    # ------------------------------------------------------------ writing

    async def write(self, write: ProductWrite) -> Written:
        """Send what the write asks for. Raises DuplicateInTarget where something else holds its name or SKU, and
        UnknownOutcome where a creation was sent and no answer came."""
        sender = _Sender(self._client)
        if write.action == "create":
            return await self._create(write, sender)
        return await self._update(write, sender)

    async def find(self, write: ProductWrite) -> Written | None:
        """Whether the store already shows what the write wants; all of it, not a part."""
        rows = await self._rows_of(write)
        if not rows or (write.action == "create" and not is_ours(write, rows)):
            return None
        new = [v for v in write.variants if v.action == "create"]
        found = matched(new, rows)
        if len(found) < len(new):
            return None
        tables = self.to_records(rows)
        updated = {v.change_id: str(v.target_id) for v in write.variants if v.action == "update"}
        if write.action == "update" and not self._shows(write, tables, updated):
            return None
        return Written(
            product_id=product_id_of(rows[0]),
            version=_highest(tables),
            variant_ids={**updated, **found},
            after=tables,
            already_there=True,
        )

    # ------------------------------------------------------------ creation

    async def _create(self, write: ProductWrite, sender: _Sender) -> Written:
        ids = await resolve(write, self._lookups, sender.drop)
        body = self._requests.creation(write, ids, sender.drop)
        context = {"change": write.change_id or write.variants[0].change_id}
        wants_tracking = self._requests.wants_tracking(write)
        try:
            answer = await sender.post(PATH, body_of(body), context)
        except DuplicateInTarget:
            earlier = await self._creation_of_before(write, sender)
            if earlier is None:
                raise
            return earlier
        new_ids = _ids_of(answer)
        if not new_ids:
            raise UnknownOutcome("The creation answered without the ids of the new products.", system=SYSTEM)
        created, tracked = await self._creations.observe(write, new_ids, wants_tracking=wants_tracking)
        said = self._requests.carries_active(write)
        active = {v.change_id: v.fields.get("active") is not False for v in write.variants} if said else {}
        for update in self._requests.finishing(write, created, tracked=tracked, active=active):
            await sender.put(update)
        return sender.written(new_ids[0], created)

    async def _creation_of_before(self, write: ProductWrite, sender: _Sender) -> Written | None:
        """The name or a SKU is taken: by an earlier attempt of this write, which is then finished; None where it is
        taken by something else, or only a part of this product is there."""
        rows = await self._rows_of(write)
        created = matched(write.variants, rows) if is_ours(write, rows) else {}
        if len(created) < len(write.variants):
            return None
        state = {str(row["id"]): row for row in rows}
        active = {
            c: state[i].get("is_active", state[i].get("active")) is not False for c, i in created.items()
        }
        tracked = any(bool(row.get("has_inventory")) for row in rows)
        for update in self._requests.finishing(write, created, tracked=tracked, active=active):
            await sender.put(update)
        return sender.written(product_id_of(rows[0]), created, already_there=True)

    # ------------------------------------------------------------ update

    async def _update(self, write: ProductWrite, sender: _Sender) -> Written:
        ids = await resolve(write, self._lookups, sender.drop)
        targets = await self._targets(write)
        updates = self._requests.updates(write, ids, targets, sender.drop)
        additions = self._requests.additions(write, ids, sender.drop)
        for update in updates:
            await sender.put(update)
        variant_ids = {v.change_id: str(v.target_id) for v in write.variants if v.action == "update"}
        for addition in additions:
            try:
                answer = await sender.post(
                    ADD_VARIANT_PATH, body_of(addition.body), {"change": addition.change_id}
                )
            except ConfigurationFault as problem:
                raise _without_route(problem) from problem
            new_id = created_id(answer) or await self._id_of_added(write, addition.change_id)
            variant_ids[addition.change_id] = new_id
        return sender.written(str(write.target_id), variant_ids)

    async def _id_of_added(self, write: ProductWrite, change_id: str) -> str:
        """What adding a variant answers is not documented: where it says nothing, the family is read."""
        rows = await self._read_family(str(write.target_id))
        found = matched([v for v in write.variants if v.change_id == change_id], rows)
        if change_id not in found:
            raise UnknownOutcome(
                "A variant was added, but the family does not show it unmistakably.", system=SYSTEM
            )
        return found[change_id]

    async def _targets(self, write: ProductWrite) -> dict[str, Target]:
        """The present state of every variant that is written to: carried from the read, or read now where it has to be
        known and was not carried."""
        changed = {str(v.target_id): v for v in write.variants if v.action == "update"}
        others = [m for m in members_of(write) if m not in changed] if self._requests.retaxes(write) else []
        must_know = self._requests.retaxing_reads
        missing = [i for i, v in changed.items() if not _knows_enough(v)] + (others if must_know else [])
        targets = {i: target_of(i, v.current, v.carry) for i, v in changed.items()}
        targets |= {member: target_of(member, {}, {}) for member in others}
        for variant_id in missing:
            row = await self._one(variant_id)
            if row is None:
                raise TargetMissing(f"The variant {variant_id} is gone.", system=SYSTEM)
            variants = self.to_records([row]).variants
            fields = _plain_fields("variant", variants, variants.iloc[0])
            targets[variant_id] = target_of(variant_id, fields, json.loads(variants["carry"].iloc[0]))
        return targets

    def _shows(self, write: ProductWrite, tables: ProductTables, updated: Mapping[str, str]) -> bool:
        """Whether the records show every wanted value that the till can hold."""
        wanted: list[tuple[Kind, str, Mapping[str, Any]]] = [("product", str(write.target_id), write.fields)]
        wanted += [
            ("variant", updated[v.change_id], v.fields) for v in write.variants if v.change_id in updated
        ]
        for kind, record_id, fields in wanted:
            frame = tables.of(kind)
            rows = frame[frame["id"] == record_id]
            if rows.empty:
                return False
            shown = _plain_fields(kind, frame, rows.iloc[0])
            holdable = {name: value for name, value in fields.items() if name in frame.columns}
            if not all(
                same(column_of(kind, name), shown.get(name), value) for name, value in holdable.items()
            ):
                return False
        return True

    # ------------------------------------------------------------ requests that read

    async def _read_family(self, product_id: str) -> list[Row]:
        """The rows of a canonical product: one request for a standard product, two for a family.

        Families are found by their name, as the API does it. Where the parent was deleted alone, the search index
        knows its siblings.
        """
        row = await self._one(product_id)
        if row is None:
            return await self._siblings_in_index(product_id)
        if is_stub(row) or not is_part_of_family(row):
            return [row]
        answer = await self._client.get(PATH, {**self.record_params, "family_name": str(row.get("name"))})
        family = {str(r["id"]): r for r in readable(self.gated(rows_of(answer.value, PATH)))}
        own = [r for r in family.values() if product_id_of(r) == product_id_of(row)]
        return own if any(r["id"] == row["id"] for r in own) else [row, *own]

    async def _siblings_in_index(self, product_id: str) -> list[Row]:
        answer = await self._client.get(SEARCH, {"type": "products", "variant_parent_id": product_id})
        found = readable(self.gated(rows_of(answer.value, SEARCH)))
        return [row for row in found if not row.get("deleted_at")]

    async def _by_key(self, key: str) -> list[Row]:
        """Whole families that hold the SKU. The list finds it as it is spelled, the search index in lower case, so what
        it finds is compared: capitals tell two SKUs apart."""
        answer = await self._client.get(PATH, {**self.record_params, "sku": key})
        rows = readable(self.gated(rows_of(answer.value, PATH)))
        if not rows:
            answer = await self._client.get(SEARCH, {"type": "products", "sku": key.lower()})
            rows = readable(self.gated(rows_of(answer.value, SEARCH)))
        hits = [row for row in rows if matching_key(str(row.get("sku") or "")) == matching_key(key)]
        whole: dict[str, Row] = {}
        for product_id in dict.fromkeys(map(product_id_of, hits)):
            alone = [r for r in hits if product_id_of(r) == product_id and not is_part_of_family(r)]
            for row in alone or await self._read_family(product_id):
                whole[str(row["id"])] = row
        return list(whole.values())

    async def _rows_of(self, write: ProductWrite) -> list[Row]:
        """The rows of a write's product: by id, or for a creation by its SKUs and then by its name."""
        if write.target_id:
            return await self._read_family(write.target_id)
        for variant in write.variants:
            sku = variant.fields.get("sku")
            rows = await self._by_key(str(sku)) if sku else []
            ours = _family_of_ours(write, rows)
            if ours:
                return ours
        name = write.fields.get(f"name.{self._settings.shop.till_locale}")
        if not name:
            return []
        answer = await self._client.get(PATH, {"family_name": str(name)})
        return _family_of_ours(write, readable(self.gated(rows_of(answer.value, PATH))))


class _Sender:
    """Sends the requests of one write and keeps what the audit wants to know of them."""

    def __init__(self, client: XSeriesClient) -> None:
        self._client = client
        self._exchange_ids: list[str] = []
        self._dropped: list[tuple[str, str, str]] = []

    def drop(self, change_id: str, field: str, why: str) -> None:
        self._dropped.append((change_id, field, why))

    async def put(self, update: Update) -> None:
        context = {"change": update.change_ids[0]} if update.change_ids else {}
        self._kept(
            await self._client.put(f"{PATH}/{update.target_id}", body_of(update.body), context=context)
        )

    async def post(self, path: str, body: Any, context: Mapping[str, str]) -> Any:
        return self._kept(await self._client.post(path, body, context=context))

    def written(
        self, product_id: str, variant_ids: Mapping[str, str], *, already_there: bool = False
    ) -> Written:
        """The answers to writes do not show the result reliably (an update may answer with nothing), so there is no
        `after`; the next version feed brings it."""
        return Written(
            product_id=product_id,
            version=None,
            variant_ids=variant_ids,
            exchange_ids=tuple(self._exchange_ids),
            already_there=already_there,
            dropped=tuple(self._dropped),
        )

    def _kept(self, answer: Body) -> Any:
        self._exchange_ids.append(answer.exchange_id)
        return answer.value


def _without_route(problem: ConfigurationFault) -> SyncError:
    """A store that lacks this one address is set up well: only what needs it has to wait."""
    if problem.status != 404:
        return problem
    return RecordRejected(
        f"The store does not offer POST {ADD_VARIANT_PATH}, with which a variant is added to a product.",
        code="route_missing",
        system=SYSTEM,
        status=404,
        exchange_id=problem.exchange_id,
        remedy="Add the variant at the till: it is linked by its SKU then. Preflight says whether the store offers it.",
    )


def _ids_of(answer: Any) -> list[str]:
    data = answer.get("data") if isinstance(answer, Mapping) else answer
    if isinstance(data, list):
        return [found for entry in data if (found := created_id(entry))]
    found = created_id(data)
    return [found] if found else []


def _family_of_ours(write: ProductWrite, rows: Sequence[Row]) -> list[Row]:
    """Of these rows, the family this write created; [] where they are all somebody else's."""
    ours = {product_id_of(row) for row in rows if is_ours(write, [row])}
    return [row for row in rows if product_id_of(row) in ours]


def _knows_enough(variant: VariantWrite) -> bool:
    """Whether the list of codes that is sent back as a whole is known, where it is sent."""
    sends_codes = bool(variant.fields.get("sku")) or variant.fields.get("barcodes") is not None
    return not sends_codes or variant.carry.get("codes") is not None


def _plain_fields(kind: Kind, frame: pd.DataFrame, row: pd.Series) -> dict[str, Any]:
    return {name: plain_value(column_of(kind, name).type, row[name]) for name in merged_columns(kind, frame)}


def _highest(tables: ProductTables) -> int | None:
    version = tables.products["version"].max()
    return None if pd.isna(version) else int(version)
