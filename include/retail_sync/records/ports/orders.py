"""The faces the two adapters show for documents (web orders, sales), and the messages that cross them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from retail_sync.records.orders import Order
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import Askable, RawPage, Referenced, Stream, SystemName
from retail_sync.records.sales import Sale, SaleTerms


@dataclass(frozen=True)
class Written:
    """What a write came to: id and version of what was written, and the exchanges."""

    id: str
    version: int | None
    exchange_ids: Sequence[str] = ()


@dataclass(frozen=True)
class OrderUpdate:
    """What is set on one order, at the version that was seen: the mark of our channel (`external_id`), states; what
    is None stays."""

    change_id: str
    order_id: str
    seen_version: int
    external_id: str | None = None
    marked_at: datetime | None = None
    state: str | None = None
    """As the shop names it (Complete)."""
    shipment_state: str | None = None
    """As the shop names it (Delivered)."""


@dataclass(frozen=True)
class ImportedLine:
    """A line of an in-store sale. Amounts in minor units, tax included; `quantity` may be negative. `parts` of a unit
    that is not whole are told in `name`."""

    sku: str | None
    name: str
    quantity: int
    unit: int
    net: int
    gross: int
    rate: Decimal


@dataclass(frozen=True)
class ImportedSale:
    """An in-store sale as an order of the online shop. `fields`: values by the shop's names of custom fields.
    `portions`: (rate, name, tax, net) of the whole. `store`: key."""

    number: str
    customer_id: str | None
    currency: str
    country: str | None
    lines: Sequence[ImportedLine]
    net: int
    gross: int
    portions: Sequence[tuple[Decimal, str, int, int]]
    completed_at: datetime
    store: str | None = None
    state: str = "Complete"
    payment_state: str = "Paid"
    fields: Mapping[str, Any] = field(default_factory=dict)


class OnlineOrders(Referenced, Protocol):
    """The system that sells online: its orders, and a place for in-store sales."""

    system: SystemName

    async def prepare(self, *, writing: bool = False) -> None:
        """Read what the mapping needs: channels, stores. Raises ConfigurationFault where the settings name what is
        not there (the channel of marks with its role), and `writing` needs it."""

    @property
    def orders(self) -> Askable:
        """Rows are cut down before they leave: nobody's name, address, e-mail address or card is in them. `search`
        takes order numbers and ids."""

    def to_orders(self, rows: Sequence[Mapping[str, Any]]) -> list[Order]:
        """Wire rows -> documents (pure; needs `prepare` first). Raises UnreadableRows (see
        `retail_sync.records.rows`)."""

    def fetch(self, ids: Collection[str], /) -> AsyncIterator[RawPage]:
        """These orders as they are now. What is not among them was asked for by its own id, and is gone."""

    async def update(self, update: OrderUpdate) -> Written:
        """Raises StaleTarget where the order moved on, TargetMissing, RecordRejected, UnknownOutcome."""

    async def find_imported(self, number: str) -> Written | None:
        """The order with that number, if there is one."""

    async def import_sale(self, change_id: str, sale: ImportedSale) -> Written:
        """Raises DuplicateInTarget where the number is taken, RecordRejected, UnknownOutcome. The order holds no
        stock and is marked as imported."""

    async def close_imported(self, change_id: str, number: str, *, cancelled: bool) -> Written:
        """Set the state of an imported order whose sale was voided. Raises TargetMissing."""

    async def pay_imported(self, change_id: str, number: str) -> Written:
        """An imported order that was due is Paid: its sale on account was settled. Raises TargetMissing."""

    async def put_entry(self, change_id: str, key: str, value: Mapping[str, Any]) -> Written:
        """Create or replace an entry of the container of in-store sales. The same key twice is one entry."""

    async def check(self) -> list[CheckResult]: ...


class TillSales(Referenced, Protocol):
    """The system of the tills: sales, written and read."""

    system: SystemName

    async def prepare(self, *, writing: bool = False) -> None:
        """Read retailer, outlets, registers, payment types, taxes, the user and the service articles. Raises
        ConfigurationFault where the settings name what is not there, and `writing` needs it."""

    @property
    def terms(self) -> SaleTerms: ...

    @property
    def sales(self) -> Stream:
        """Rows are cut down before they leave. `search` takes invoice numbers and ids."""

    def to_sales(self, rows: Sequence[Mapping[str, Any]]) -> list[Sale]:
        """Wire rows -> documents (pure; needs `prepare` first). Raises UnreadableRows (see
        `retail_sync.records.rows`)."""

    async def find(self, sale_id: str) -> Sale | None:
        """The sale of that id as it is now; None: there is none."""

    async def add(self, change_id: str, sale: Sale) -> tuple[Sale, Sequence[str]]:
        """Write a sale that is not there, under the id it names; the sale as the till answered, and the exchanges.
        Never sent again by itself. Raises DuplicateInTarget, RecordRejected (register closed, tender or tax unknown),
        UnknownOutcome where no answer came."""

    async def replace(self, change_id: str, sale: Sale) -> tuple[Sale, Sequence[str]]:
        """Write the whole sale anew: lines and tenders are those with the ids they carry, what is not sent is gone.
        Raises TargetMissing, RecordRejected, UnknownOutcome."""

    async def start_return(self, change_id: str, sale_id: str) -> tuple[Sale, Sequence[str]]:
        """A parked sale with what of that sale has not come back yet, as negative lines; earlier parked ones of the
        same sale are voided. Raises RecordRejected where nothing is left."""

    async def check(self) -> list[CheckResult]: ...
