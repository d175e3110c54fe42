"""The faces the two adapters show for stock, and the messages that cross them.

commercetools holds entries and orders, Lightspeed holds levels. Faces are structural, as those for products.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pandas as pd

from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import Askable, RawPage, Referenced, SystemName

Reserved = Literal["orders", "carts"]
"""What the difference between quantity on stock and available quantity of an entry stands for."""


@dataclass(frozen=True)
class EntryWrite:
    """One entry to be created (`entry_id` None) or set to `on_stock` units at the version the plan saw, when
    `seen_on_stock` were on stock.

    `change_id` travels with the exchange.
    """

    change_id: str
    sku: str
    channel: str
    on_stock: int
    entry_id: str | None = None
    seen_version: int | None = None
    seen_on_stock: int | None = None


@dataclass(frozen=True)
class EntryWritten:
    """The entry as the system answered, a row that `to_entries` maps (many at once), and the exchange."""

    row: Mapping[str, Any]
    exchange_id: str


@dataclass(frozen=True)
class Adjustment:
    """A signed difference (`quantity` in parts) of one level."""

    change_id: str
    product_id: str
    outlet_id: str
    quantity: int


@dataclass(frozen=True)
class Adjusted:
    """What was adjusted: ids of the adjustments by change, and the exchange."""

    ids: Mapping[str, str]
    exchange_id: str


@dataclass(frozen=True)
class Assortments:
    """Online product ids by selection key and by store key."""

    selections: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stores: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Buckets:
    """What the till knows beside its levels. Both tables: product_id, outlet_id, quantity (parts); `incoming` also has
    `due_at` (NA = not said)."""

    held: pd.DataFrame
    incoming: pd.DataFrame


class OnlineStock(Referenced, Protocol):
    """The system that shows stock: entries by SKU and channel, and the orders that hold goods."""

    system: SystemName

    @property
    def entries(self) -> Askable: ...

    @property
    def orders(self) -> Askable: ...

    async def prepare(self, *, writing: bool = False) -> None:
        """Read the channels. `writing`: the configured ones have to be there with their role; missing ones are
        created where the settings say so. Raises ConfigurationFault otherwise."""

    async def assortments(self) -> Assortments:
        """The members of every product selection and store that an offer names."""

    async def reserved(self) -> Reserved:
        """What entries have reserved in this project: `carts` where carts may reserve."""

    def to_entries(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame: ...

    def to_orders(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame: ...

    async def write(self, write: EntryWrite) -> EntryWritten:
        """Create or set one entry. Raises StaleTarget where its version has moved on, DuplicateInTarget where the pair
        has an entry already, TargetMissing where the entry is gone, UnknownOutcome where no answer came."""

    async def check(self) -> list[CheckResult]: ...


class TillStock(Referenced, Protocol):
    """The system that counts stock: levels by product and outlet."""

    system: SystemName

    @property
    def levels(self) -> Askable:
        """Levels are asked for by their product: their ids here are `retail_sync.ledger.inventory.level_id`."""

    async def prepare(self) -> None:
        """Read the outlets."""

    @property
    def outlets(self) -> Mapping[str, str]:
        """Outlet ids by location name. Raises ConfigurationFault for a location whose outlet does not exist."""

    def to_levels(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame: ...

    async def changed_since(self, cursor: str) -> RawPage:
        """Level rows that moved after `cursor`, with the cursor to ask from next time."""

    async def buckets(self, attributes: Collection[str], incoming: bool) -> Buckets:
        """Goods held by open sales with one of the `attributes`, and, if wanted, goods on their way."""

    async def adjust(self, adjustments: Sequence[Adjustment]) -> Adjusted:
        """Up to a thousand signed differences in one request, all or none. Raises RecordRejected where the system
        refuses them, UnknownOutcome where no answer came."""

    async def adjusted_since(self, version: int) -> pd.DataFrame:
        """Adjustments after this version: id, product_id, outlet_id, quantity (parts), version."""

    async def check(self) -> list[CheckResult]: ...
