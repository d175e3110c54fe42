"""The face every adapter shows for products, and the messages that cross it.

The engine plans in canonical records; an adapter turns a `ProductWrite` into its system's requests and says what
came of it. Faces are structural (`Protocol`): an adapter imports this module, never the engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.products import ProductTables

SystemName = Literal["commercetools", "lightspeed"]
SYSTEMS: tuple[SystemName, SystemName] = ("commercetools", "lightspeed")
_BY_NAME: dict[str, SystemName] = {system: system for system in SYSTEMS}


def system_named(name: str) -> SystemName:
    """The system of that name, where a name comes from a table or a text. Raises KeyError for any other."""
    return _BY_NAME[name]


def other(system: SystemName) -> SystemName:
    return "lightspeed" if system == "commercetools" else "commercetools"


@dataclass(frozen=True)
class Window:
    """What one walk reads: from `lower` (None = everything) to `upper`, both in the system's own cursor terms
    (a timestamp text or a version number as text). `next_cursor` may be known only at the end of a walk; the
    walk's last page then carries it."""

    lower: str | None
    upper: str | None


@dataclass(frozen=True)
class RawPage:
    """One page as the system sent it, private fields already removed. `position` resumes the walk after this page;
    `cursor` is where the next window may start once everything up to this page is safe; None = not known yet."""

    rows: list[dict[str, Any]]
    position: str
    cursor: str | None
    last: bool


@dataclass(frozen=True)
class VariantWrite:
    """One variant inside a `ProductWrite`.

    `fields`: canonical plain values (see `plain_value`) to set: all known ones for `create`, changed ones for `update`.
    `current`: the target's canonical fields as the plan saw them ({} for `create`).
    `carry`: what the adapter's own read put into the `carry` column of this variant ({} for `create`).
    """

    change_id: str
    action: Literal["create", "update"]
    target_id: str | None
    fields: Mapping[str, Any]
    current: Mapping[str, Any] = field(default_factory=dict)
    carry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProductWrite:
    """Everything one target product needs in one go.

    `action` `create` makes a product with its variants; `update` changes product fields (may be none) and/or variants.
    `idempotency_key` is stored by the caller before the first attempt and must let `find` recognise the result.
    `fields`/`current`/`carry` as in `VariantWrite`, for the product record; `change_id` is None where the product
    record itself is unchanged. `members` are the target ids of all variants the target product has today.
    `seen_version`: the version the plan saw; a system with optimistic locking sends it.
    """

    action: Literal["create", "update"]
    idempotency_key: str
    change_id: str | None
    target_id: str | None
    seen_version: int | None
    fields: Mapping[str, Any]
    current: Mapping[str, Any] = field(default_factory=dict)
    carry: Mapping[str, Any] = field(default_factory=dict)
    variants: Sequence[VariantWrite] = ()
    members: Sequence[str] = ()


@dataclass(frozen=True)
class Written:
    """What a write came to. `variant_ids` maps change_id to the target id. `after` holds the target as it answered
    (None where the answer does not show it). `dropped` names fields the system cannot hold: (change_id, field, why)."""

    product_id: str
    version: int | None
    variant_ids: Mapping[str, str]
    exchange_ids: Sequence[str] = ()
    after: ProductTables | None = None
    already_there: bool = False
    dropped: Sequence[tuple[str, str, str]] = ()


class Shown(NamedTuple):
    """A record as a raw row shows it. `parent`: the product of a variant. `names`: identifiers that no two living
    records of its system should share, as the mirror labels records; `tokens`: those of people, sealed e-mail
    addresses. `deleted`: the row itself says that the record is gone."""

    id: str
    version: int | None
    deleted: bool = False
    parent: str | None = None
    names: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What came of asking for records by their ids, each alone. `rows`: what exists, as the system sent it. `gone`: ids
    that the system itself says it does not have."""

    rows: list[dict[str, Any]]
    gone: list[str]


class Stream(Protocol):
    """What is read by windows: a system's products, or one feed of its stock. All methods may raise the errors of
    `retail_sync.records.errors`."""

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        """A cursor no later than both `since` and `cursor` (never forward: nothing may be skipped); None = read
        everything, where the system's cursor can't be derived from a time."""

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """The window a run reads: capped at the system's own clock or version at run start, with overlap."""

    def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """Pages of the window in cursor order, resumable from `position`; raises ProtocolFault if it can't advance.
        Deleted rows are included where the system shows them."""

    def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """What belongs to these keys now (for `keys` runs and look-ups): whole products by SKU, entries and orders by
        SKU, levels by product id."""


class Askable(Stream, Protocol):
    """A feed whose records can be asked for by their ids: that a list does not show a record proves nothing."""

    @property
    def most_asked(self) -> int:
        """How many records may be asked for one by one in one read."""

    def records_in(self, rows: Sequence[Mapping[str, Any]], /) -> list[Shown]:
        """The records that raw rows show, by the ids under which the mirror keeps them."""

    def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[list[dict[str, Any]]]:
        """Rows of these records, many to a request. What is missing from the answers may still exist. Yields nothing
        where the system has no such request."""

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """These records, each asked for alone. What is neither shown nor gone was not answered about."""


class Referenced(Protocol):
    """What maps rows to records, and has to know something of its system to do so."""

    def reference(self) -> Any:
        """What `prepare` has read, as a JSON document."""

    def use(self, reference: Any, /) -> None:
        """Be ready to map with what another one's `reference` gave, instead of `prepare`: nothing is asked of the
        system."""


class ProductSystem(Askable, Referenced, Protocol):
    """A system that holds products."""

    system: SystemName
    capabilities: Capabilities

    async def prepare(self) -> None:
        """Read the small reference data the mapping needs (taxes, categories, brands, attributes...)."""

    async def server_time(self) -> datetime: ...

    def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        """The present state of named products (whole products with all variants)."""

    def to_records(self, rows: Sequence[Mapping[str, Any]]) -> ProductTables:
        """Wire rows -> canonical tables (pure; needs `prepare` first). Raises UnreadableRows, which names those that
        can't be read (see `retail_sync.records.rows`)."""

    async def changed_since(self, cursor: str) -> RawPage | None:
        """Rows changed after `cursor` (the read the plan was made from), for systems without optimistic locking;
        None where each write is guarded by its version."""

    async def write(self, write: ProductWrite) -> Written: ...

    async def find(self, write: ProductWrite) -> Written | None:
        """Look whether an earlier attempt of this very write took effect: the target shows the wanted values.
        None = it did not (or only in part: then the caller reads and merges again)."""

    async def check(self) -> list[CheckResult]:
        """Preflight: connection, scopes, catalogue model, every mapped name exists."""
