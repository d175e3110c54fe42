"""What the platform holds: projects, their collections of resources, and the switches tests turn.

What lives here: the nouns. Everything that differs between resources stands in a `Kind`; a `Collection` knows its
resources, their unique values and their order. What writes into collections is `writing`, what each resource makes of a
draft or an action stands in its own module, and `store` says which kinds there are and what shoppers do.
"""

from __future__ import annotations

import random
import threading
import uuid
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from sandbox.clock import Clock, to_millis
from sandbox.commercetools.errors import (
    ApiError,
    Json,
    concurrent_modification,
    duplicate_field,
    invalid_json,
    reference_not_found,
    resource_not_found,
)
from sandbox.commercetools.extensions import Extension
from sandbox.commercetools.shapes import Shape
from sandbox.commercetools.stock_rows import HeldStock

Values = Callable[[Json], Iterable[tuple[str, Any]]]
"""(field name as the error shows it, value) pairs of a resource."""

TOKEN_LIFETIME = 172_800.0
"""Seconds. 48 hours is what is widely seen; no official page states it."""

_encoder = msgspec.json.Encoder()


LockCode = Literal["ExactLockConflict", "ValidityLockConflict"]
Writing = Literal["update", "create"]


class PriceLock(NamedTuple):
    """One write that will find the SKU and scope being changed by another."""

    writing: Writing
    code: LockCode
    status: int


@dataclass
class Context:
    """Who writes, and into which project."""

    project: Project
    client_id: str = "seed"
    external_user_id: str | None = None

    def by(self) -> Json:
        """The value of `createdBy` and `lastModifiedBy`."""
        who: Json = {"clientId": self.client_id, "isPlatformClient": False}
        if self.external_user_id is not None:
            who["externalUserId"] = self.external_user_id
        return who

    def reference(self, given: Json, type_id: str) -> Json:
        """A stored reference from a resource identifier. Raises `ReferencedResourceNotFound`."""
        if given.get("typeId", type_id) != type_id:
            raise invalid_json(f"typeId: expected {type_id}, got {given['typeId']}")
        collection = self.project.by_type(type_id)
        found = collection.find(id=given.get("id"), key=given.get("key"))
        if found is None:
            raise reference_not_found(type_id, id=given.get("id"), key=given.get("key"))
        return {"typeId": type_id, "id": found["id"]}


@dataclass(frozen=True)
class Deed:
    """What somebody did to a resource, for the messages that tell more of it than before and after do.

    `actions`: update actions, as given. `from_draft`: it was created from a draft. `erased`: it was deleted for good.
    """

    actions: Sequence[Json] = ()
    from_draft: bool = False
    erased: bool = False


NOTHING_SAID = Deed()


@dataclass(frozen=True)
class Action:
    """One update action: what it does to a copy of the resource, and which fields it takes besides `action`."""

    apply: Callable[[Context, Json, Json], None]
    shape: Shape = Shape()


@dataclass(frozen=True)
class Kind:
    """What makes products differ from channels."""

    path: str
    type_id: str
    draft: Shape
    build: Callable[[Context, Json], Json]
    """Body of a new resource (without id, version, timestamps) from a draft that has the right shape."""
    actions: Mapping[str, Action]
    fields: frozenset[str]
    """Names that predicates and sort expressions may use."""
    scopes: tuple[str, ...]
    """What one of the scopes `view_...` or `manage_...` must be for."""
    is_read_by_managers_only: bool = False
    unique: Values = lambda resource: [("key", resource["key"])] if "key" in resource else []
    conflict: Callable[[Json, str, Any], ApiError] | None = None
    """The error for a duplicate value, where it is not `DuplicateField`."""
    check: Callable[[Context, Json], None] | None = None
    """What must hold for the whole resource once all actions are applied."""
    render: Callable[[Project, Json], Json] | None = None
    """The resource as answered, where that differs from what is stored."""
    created: Callable[[Context, Json], None] | None = None
    """Told once a draft has become a resource; fixtures put there whole are not told."""
    changed: Callable[[Project, Json | None, Json | None], None] | None = None
    """Told after each change: before (None: created) and after (None: deleted)."""
    check_delete: Callable[[Context, Json], None] | None = None
    kept_while_referenced: bool = False
    """Whether it can't be deleted while another resource refers to it."""
    query_view: Callable[[Json], Json] | None = None
    """The document that predicates see, where that differs from what is answered."""
    index: Callable[[Project, str, Any], set[str] | None] = lambda project, path, value: None
    """Ids among which every resource with this value at this path is found; None where there is no such index."""

    def scopes_to(self, act: Literal["view", "manage"]) -> tuple[str, ...]:
        """Scopes of which one is needed."""
        verb = "manage" if self.is_read_by_managers_only else act
        return tuple(f"{verb}_{what}" for what in self.scopes)


@dataclass
class Row:
    """A stored resource and what was computed from it, forgotten when it changes."""

    resource: Json
    rendered: dict[str, Json | None] = field(default_factory=dict)
    encoded: dict[str, msgspec.Raw] = field(default_factory=dict)

    def forget(self) -> None:
        self.rendered.clear()
        self.encoded.clear()


class Collection:
    """The resources of one kind in one project."""

    def __init__(self, project: Project, kind: Kind) -> None:
        self.project = project
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self._ids: list[str] = []
        self._times: list[tuple[str, str]] = []
        self._taken: dict[tuple[str, Any], str] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Json]:
        """Stored resources in the order of creation; not to be changed."""
        return (row.resource for row in self.rows.values())

    def find(self, *, id: str | None = None, key: str | None = None) -> Json | None:
        """The stored resource with this id or key."""
        found = id if id is not None else self._taken.get(("key", key))
        row = self.rows.get(found) if found is not None else None
        return row.resource if row is not None else None

    def find_by(self, name: str, value: Any) -> Json | None:
        """The stored resource that holds a unique value, for example `find_by("sku", "A-1")`."""
        found = self._taken.get((name, value))
        return self.rows[found].resource if found is not None else None

    def get(self, *, id: str | None = None, key: str | None = None) -> Json:
        """As `find`; raises `ResourceNotFound`."""
        found = self.find(id=id, key=key)
        if found is None:
            raise resource_not_found(id or key or "")
        return found

    def check_version(self, resource: Json, version: int) -> None:
        """Raises `ConcurrentModification` when somebody else wrote in between."""
        if version != resource["version"]:
            raise concurrent_modification(
                version, resource["version"], self.project.platform.tell_current_version
            )

    def restate(self, id: str, **fields: Any) -> None:
        """Sets what the platform itself says of a resource: no new version, and nobody is told."""
        row = self.rows.get(id)
        if row is not None:
            row.resource = {**row.resource, **fields}
            row.forget()

    def put(self, before: Json | None, after: Json | None, deed: Deed = NOTHING_SAID) -> None:
        old = set(self.kind.unique(before)) if before is not None else set()
        new = set(self.kind.unique(after)) if after is not None else set()
        if after is not None:
            self._claim(after, new - old)
        for entry in old - new:
            self._taken.pop(entry, None)
        for entry in new - old:
            self._taken[entry] = after["id"] if after is not None else ""
        if before is not None:
            self._drop_time(before)
        if after is None and before is not None:
            del self.rows[before["id"]]
            del self._ids[bisect_left(self._ids, before["id"])]
        elif after is not None:
            insort(self._times, (after["lastModifiedAt"], after["id"]))
            row = self.rows.get(after["id"])
            if row is None:
                self.rows[after["id"]] = Row(after)
                insort(self._ids, after["id"])
            else:
                row.resource = after
                row.forget()
        # Told first: what else moves by it (a product's availability) is told of after it.
        self.project.platform.on_change(self.project, self.kind, before, after, deed)
        if self.kind.changed is not None:
            self.kind.changed(self.project, before, after)

    def _claim(self, resource: Json, entries: set[tuple[str, Any]]) -> None:
        for name, value in sorted(entries, key=str):
            holder = self._taken.get((name, value))
            if holder is not None and holder != resource["id"]:
                raise (
                    self.kind.conflict(resource, name, value)
                    if self.kind.conflict
                    else duplicate_field(name, value)
                )

    def _drop_time(self, resource: Json) -> None:
        entry = (resource["lastModifiedAt"], resource["id"])
        position = bisect_left(self._times, entry)
        if position < len(self._times) and self._times[position] == entry:
            del self._times[position]

    def ids_from(self, bound: str | None) -> Iterator[str]:
        """Ids in ascending order, from `bound` on (inclusive)."""
        start = bisect_left(self._ids, bound) if bound is not None else 0
        return iter(self._ids[start:])

    def ids_by_time_from(self, bound: str | None) -> Iterator[str]:
        """Ids in the order of (lastModifiedAt, id), from the time `bound` on (inclusive)."""
        start = bisect_left(self._times, (bound, "")) if bound is not None else 0
        return (id for _, id in self._times[start:])

    def holders(self, name: str, value: Any) -> set[str]:
        """The id that holds a unique value, as a set of one or none."""
        found = self._taken.get((name, value))
        return {found} if found is not None else set()

    def among(self, path: str, value: Any) -> set[str] | None:
        """Ids among which every match of `path = value` is found; None if no index helps."""
        if path == "id":
            return {value} if value in self.rows else set()
        if path == "key":
            return self.holders("key", value)
        return self.kind.index(self.project, path, value)

    def rendered(
        self, row: Row, mode: str, render: Callable[[Project, Json], Json | None] | None
    ) -> Json | None:
        """The resource as a mode shows it, computed once; None where that mode does not show it."""
        if render is None:
            return row.resource
        if mode not in row.rendered:
            row.rendered[mode] = render(self.project, row.resource)
        return row.rendered[mode]

    def encoded(self, row: Row, mode: str, document: Json) -> msgspec.Raw:
        """The document as JSON text, computed once."""
        if mode not in row.encoded:
            row.encoded[mode] = msgspec.Raw(_encoder.encode(document))
        return row.encoded[mode]


class Project:
    """One project: its settings and its resources."""

    def __init__(self, platform: Platform, key: str, kinds: Iterable[Kind]) -> None:
        self.platform = platform
        self.key = key
        self.extensions: list[Extension] = []
        self.settings: Json = {
            "version": 1,
            "key": key,
            "name": key,
            "countries": ["DE", "GB"],
            "currencies": ["EUR", "GBP"],
            "languages": ["en", "de"],
            "createdAt": platform.now(),
            "messages": {"enabled": False, "deleteDaysAfterCreation": 15},
            "carts": {"deleteDaysAfterLastModification": 90, "countryTaxRateFallbackEnabled": False},
            "inventory": {"releaseExpiredReservations": True},
            "discounts": {"discountCombinationMode": "Stacking"},
            "productCatalogModel": "Classic",
        }
        self._by_sku: dict[str, dict[str, set[str]]] = {}
        self._collections = {kind.path: Collection(self, kind) for kind in kinds}
        self._types = {each.kind.type_id: each for each in self._collections.values()}
        self.held = HeldStock()

    def collection(self, path: str) -> Collection:
        """The collection served under this path. Raises `KeyError`."""
        return self._collections[path]

    def has(self, path: str) -> bool:
        return path in self._collections

    def by_type(self, type_id: str) -> Collection:
        """The collection of a reference's `typeId`."""
        found = self._types.get(type_id)
        if found is None:
            raise ApiError(
                400, "InvalidJsonInput", "Request body does not contain valid JSON.", typeId=type_id
            )
        return found

    def answer(self, type_id: str, id: str) -> Json | None:
        """The resource as the API answers it, for expanded references."""
        collection = self._types.get(type_id)
        found = collection.find(id=id) if collection is not None else None
        if collection is None or found is None:
            return None
        return collection.kind.render(self, found) if collection.kind.render is not None else found

    def resolved(self, context: Context, value: Any) -> Any:
        """A copy in which every resource identifier by key has become a reference by id."""
        if isinstance(value, list):
            return [self.resolved(context, item) for item in value]
        if isinstance(value, dict):
            if set(value) == {"typeId", "key"} and value["typeId"] != "store":
                return context.reference(value, value["typeId"])
            return {name: self.resolved(context, item) for name, item in value.items()}
        return value

    def ids_with_sku(self, path: str, sku: str | None) -> set[str]:
        """Ids of the resources of a collection that carry this SKU."""
        return self._by_sku.get(path, {}).get(sku or "", set())

    def note_sku(self, path: str, before: Json | None, after: Json | None) -> None:
        """Keeps the SKU index of a collection whose resources have one SKU."""
        old, new = ({each["sku"]} if each is not None else set() for each in (before, after))
        self.note_skus(path, (after or before or {})["id"], old, new)

    def note_skus(self, path: str, id: str, before: set[str], after: set[str]) -> None:
        """Keeps the SKU index of a collection: a resource went from these SKUs to those."""
        index = self._by_sku.setdefault(path, {})
        for sku in before - after:
            index[sku].discard(id)
        for sku in after - before:
            index.setdefault(sku, set()).add(id)

    def refuse_if_referenced(self, resource: Json) -> None:
        """Raises `ReferenceExists` while another resource refers to this one."""
        quoted = f'"{resource["id"]}"'.encode()
        for collection in self._collections.values():
            for other in collection:
                if other is not resource and quoted in msgspec.json.encode(other):
                    by = collection.kind.type_id
                    message = f"Can not delete '{resource['id']}': it is referenced by a {by}."
                    raise ApiError(400, "ReferenceExists", message, referencedBy=by)


Changed = Callable[[Project, Kind, Json | None, Json | None, Deed], None]


class Platform:
    """Time, chance and the projects. Its other attributes are switches, to be turned at any time; `lock` guards a
    series of calls."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self._random = random.Random(seed)
        self.projects: dict[str, Project] = {}
        self.on_change: Changed = lambda project, kind, before, after, deed: None
        """Told of each change, in the middle of it; before None: created, after None: deleted."""

        self.token_lifetime: float = TOKEN_LIFETIME
        """Seconds until a token expires."""
        self.latency: float = 0.0
        """Seconds that every API request takes longer."""
        self.rate: float | None = None
        """Requests a second from which on the answer is 503 `OverCapacity`; no limit is published."""
        self.capacity: int | None = None
        """Requests at the same time from which on the answer is 503 `OverCapacity`."""
        self.tell_current_version: bool = True
        """Whether a 409 says `currentVersion`, which is optional."""
        self.most_version_step: int = 5
        """Versions rise by one up to this number: only their order means something."""
        self.stock_bumps_products: bool = False
        """Whether writing inventory raises the version of the product with that SKU (inferred to happen)."""
        self.stock_moves_product_time: bool = True
        """Whether `lastModifiedAt` moves along then (unknown on the real API)."""
        self.reserved_orders: Literal["stand", "commit"] = "stand"
        """Whether what `ReserveOnOrder` reserves stands as a reservation (`quantityOnStock` stays) or is taken off
        both figures at once (left open by the documentation)."""
        self.order_stock_late: bool = False
        """Whether the effects of orders on stock wait for `settle_order_stock`; the real API takes up to 10 s."""
        self.sets_below_zero: bool = True
        """Whether `changeQuantity` and drafts take a quantity below zero (no least one is documented for them);
        `removeQuantity` is documented to lead there."""
        self.cancel_gives_back: bool = True
        """Whether cancelling an order gives its stock back (unknown on the real API)."""
        self.refuse_deleting_published: bool = True
        self.sync_info_appends: bool = True
        """Whether `updateSyncInfo` keeps earlier entries of the same channel (unknown on the real API)."""
        self.imports_taxed_prices: bool = True
        """Whether order import keeps `taxedPrice` of lines (since 3 September 2026), or ignores it as a member it does
        not know."""
        self.price_locks: list[PriceLock] = []
        """Writes of standalone prices that will be refused; see `lock_standalone_prices`."""
        self.validate_requests: Callable[[str, str, Any], str | None] | None = None
        """(method, path below the project, body) -> what is wrong with it, or None; see `spec.RequestValidator`."""

    def now(self) -> str:
        """The time as the API prints it."""
        return to_millis(self.clock.now())

    def new_id(self) -> str:
        """A UUID from the seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def version_step(self) -> int:
        return self._random.randint(1, self.most_version_step)
