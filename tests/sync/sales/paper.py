"""Sales, and both ends of their way, on paper: what a till answers, and an online shop that keeps what it is told and
can lose its answer."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from retail_sync.ledger import Ledger
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.errors import DuplicateInTarget, RecordRejected, TargetMissing, UnknownOutcome
from retail_sync.records.ports.orders import ImportedSale, Written
from retail_sync.records.ports.products import SYSTEMS, RawPage, Window
from retail_sync.records.rows import BadField, read_rows
from retail_sync.records.sales import ENTITY, Register, Sale, SaleLine, SaleTerms, TillTax
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.ruling import FORGOTTEN, IDENTITY
from retail_sync.sync.engine.context import Access
from retail_sync.sync.engine.run import EntityRun, Extracts, Planned
from retail_sync.sync.engine.settle import Audited
from retail_sync.sync.sales.feeds import SALES
from tests.support.builders.base import aligned
from tests.support.links import pair
from tests.support.runs import open_run, request_of, time_passes_after_errors

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, ADA_ONLINE = "till-ada", "online-ada"
TERMS = SaleTerms(
    currency="EUR",
    digits=2,
    user_id="user",
    no_tax_id="tax-0",
    outlets={"Berlin": "outlet-1"},
    registers={"Counter": Register("register-1", "Counter", "outlet-1", True)},
    payment_types={"Cash": "pay-cash", "Card": "pay-card"},
    taxes={
        "VAT 19": TillTax("tax-19", "VAT 19", Decimal("0.19")),
        "VAT 7": TillTax("tax-7", "VAT 7", Decimal("0.07")),
    },
    guest_id="till-walk-in",
)
_ids = itertools.count(1)


def settings(target: str = "orders", **sales: Any) -> SyncSettings:
    return SyncSettings.model_validate(
        {
            "locations": [{"name": "berlin", "outlet": "Berlin"}],
            "customers": {"default_country": "DE"},
            "sales": {"target": target, **sales},
        }
    )


def line(quantity: str = "1", gross: str = "11.90", **more: Any) -> SaleLine:
    """Units at a price with 19 % tax."""
    price = (Decimal(gross) / Decimal("1.19")).quantize(Decimal("0.00001"))
    return SaleLine(
        **{
            "product_id": "p-1",
            "quantity": Decimal(quantity),
            "price": price,
            "tax": Decimal(gross) - price,
            "tax_id": "tax-19",
            "name": "Jacket",
        }
        | more
    )


def sale(*lines: SaleLine, **more: Any) -> Sale:
    """A closed sale of Ada's, with the total its lines come to."""
    some = lines or (line(),)
    cent = Decimal("0.01")
    fields: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{next(_ids):012x}",
        "version": 1,
        "state": "closed",
        "outlet_id": "outlet-1",
        "customer_id": ADA,
        "number": "B-17",
        "sold_at": NOON,
        "lines": some,
        "total": sum((one.quantity * (one.price + one.tax) for one in some), Decimal(0)).quantize(cent),
        "tax": sum((one.quantity * one.tax for one in some), Decimal(0)).quantize(cent),
    }
    return Sale.model_validate(fields | more)


def later(one: Sale, **more: Any) -> Sale:
    """The sale as the till shows it after a change."""
    return one.model_copy(update={"version": (one.version or 0) + 1, **more})


@dataclass
class PaperShop:
    """An online shop: orders by number, entries by key. `lost`: so many writes take effect, but their answer is lost;
    `refused`: numbers of orders it does not take."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0
    lost: int = 0
    refused: set[str] = field(default_factory=set)
    blind: int = 0
    """So many look-ups find nothing."""
    vanishes: bool = False
    """An order is deleted right after it was found."""
    asked: int = 0
    """Imports that were sent, whatever came of them."""

    async def prepare(self, *, writing: bool = False) -> None:
        return

    def _answer(self, written: Written) -> Written:
        self.writes += 1
        if self.lost:
            self.lost -= 1
            raise UnknownOutcome("The connection was cut.")
        return written

    async def find_imported(self, number: str) -> Written | None:
        if self.blind:
            self.blind -= 1
            return None
        found = self.orders.pop(number, None) if self.vanishes else self.orders.get(number)
        return Written(found["id"], 1) if found else None

    async def import_sale(self, change_id: str, sale: ImportedSale) -> Written:
        self.asked += 1
        if sale.number in self.refused:
            raise RecordRejected("No.", code="refused")
        if sale.number in self.orders:
            raise DuplicateInTarget("The number is taken.")
        made = f"order-{len(self.orders) + 1}"
        self.orders[sale.number] = {"id": made, "sale": sale, "state": sale.state}
        return self._answer(Written(made, 1, ["exchange"]))

    async def close_imported(self, change_id: str, number: str, *, cancelled: bool) -> Written:
        if number not in self.orders:
            raise TargetMissing("There is no such order.")
        self.orders[number]["state"] = "Cancelled" if cancelled else "Complete"
        return self._answer(Written(self.orders[number]["id"], 2))

    async def pay_imported(self, change_id: str, number: str) -> Written:
        if number not in self.orders:
            raise TargetMissing("There is no such order.")
        order = self.orders[number]
        if order.get("paid", order["sale"].payment_state) == "Paid":
            return Written(order["id"], 1)
        order["paid"] = "Paid"
        return self._answer(Written(order["id"], 2))

    async def put_entry(self, change_id: str, key: str, value: Mapping[str, Any]) -> Written:
        self.entries[key] = dict(value)
        return self._answer(Written(f"object-{key}", 1))


@dataclass
class PaperTill:
    """A till that shows `pages` of sales. Wire rows are documents already; one that is `broken` is no sale."""

    pages: Sequence[list[dict[str, Any]]] = ()
    terms: SaleTerms = TERMS

    async def prepare(self, *, writing: bool = False) -> None:
        return

    def reference(self) -> Any:
        return {}

    def use(self, reference: Any) -> None:
        return

    @property
    def sales(self) -> PaperTill:
        return self

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        return Window(cursor, None)

    async def walk(self, window: Window, position: str | None = None) -> AsyncIterator[RawPage]:
        for number, rows in enumerate(self.pages, 1):
            yield RawPage(rows, str(number), str(number), number == len(self.pages))

    def to_sales(self, rows: Sequence[Mapping[str, Any]]) -> list[Sale]:
        return read_rows(rows, self._sales, system="lightspeed", what="sales", label="number")

    @staticmethod
    def _sales(rows: Sequence[Mapping[str, Any]]) -> list[Sale]:
        for one in rows:
            if "broken" in one:
                raise BadField("date", one["broken"])
        return [Sale.model_validate(one) for one in rows]


@dataclass(frozen=True)
class PaperAccess:
    """The way to both ends. See `retail_sync.sync.engine.context.Access`."""

    shop: PaperShop
    till: PaperTill

    @asynccontextmanager
    async def storefront(self, email_token: Any = None) -> AsyncIterator[Any]:
        yield SimpleNamespace(orders=self.shop)

    @asynccontextmanager
    async def point_of_sale(self) -> AsyncIterator[Any]:
        yield self.closed_point_of_sale()

    def closed_point_of_sale(self) -> Any:
        return SimpleNamespace(sales=self.till)


@dataclass
class Desk:
    """Runs of sales, one after the other, over a ledger in which they were aligned before."""

    ledger: Ledger
    staging: Path
    settings: SyncSettings
    shop: PaperShop = field(default_factory=PaperShop)
    till: PaperTill = field(default_factory=PaperTill)
    clock_ahead: timedelta = timedelta(0)
    runs: int = 0
    current: EntityRun = field(init=False)
    extracts: Extracts = field(init=False)

    def __post_init__(self) -> None:
        aligned(self.ledger, ENTITY, **{SALES: "0"})

    def access(self) -> PaperAccess:
        return PaperAccess(self.shop, self.till)

    def run(self, *sales: Sale, **how: Any) -> Planned:
        """A whole run that reads these sales; its accounts must add up."""
        planned = self.plan(*sales, **how)
        self.load(planned)
        self.audit()
        return planned

    def plan(
        self,
        *sales: Sale,
        broken: Sequence[Sale] = (),
        before: Sequence[Sale] = (),
        dry_run: bool = False,
        full: bool = False,
    ) -> Planned:
        """`broken`: sales of a second page that can't be read; `before`: such ones of the first page."""
        unread = {"broken": "it has no date"}
        pages = ((before, unread), (sales, {}), (broken, unread))
        self.till.pages = [[one.model_dump(mode="json") | more for one in page] for page, more in pages]
        self.runs += 1
        self.current = open_run(
            self,
            ENTITY,
            request_of("full" if full else "delta", dry_run=dry_run),
            run_id=f"{ENTITY}/{self.runs}",
            connect=lambda _context, _systems: cast(Access, self.access()),
        )
        self.extracts = {system: self.current.extract(system) for system in SYSTEMS}
        self.current.transform(self.extracts)
        return self.again()

    def again(self) -> Planned:
        """Plan what is staged (once more)."""
        return self.current.plan(self.extracts)

    def load(self, planned: Planned) -> None:
        for batch in planned.batches:
            with time_passes_after_errors(self.ledger):
                self.current.load(batch, self.extracts)

    def audit(self) -> Audited:
        return self.current.settle(self.extracts)

    def link(self, till: str = ADA, online: str = ADA_ONLINE) -> None:
        """Customers found out who is who."""
        self.ledger.links.add(
            [pair(online, till, CUSTOMERS, CUSTOMER, matched_by="email", run_id="customers/1")]
        )

    def unlink(self) -> None:
        for link in self.ledger.links.read(CUSTOMERS, CUSTOMER):
            self.ledger.links.retire(link.id)

    def forget(self, till: str = ADA) -> None:
        """Keep somebody out, as the DAG `forget` does."""
        self.unlink()
        self.ledger.decisions.add(
            CUSTOMERS,
            [
                Decision(
                    subject=f"{SALES}:{till}",
                    code=IDENTITY,
                    field="",
                    verdict="reject",
                    about="identity",
                    by="test",
                    note=FORGOTTEN,
                    run_id="forget/1",
                )
            ],
        )

    def article(self, system: str, record: str, sku: str, **more: Any) -> None:
        """A variant as `products` has read it."""
        row = MirrorRow(id=record, label=sku, digest=digest({"sku": sku}), fields={"sku": sku}, **more)
        self.ledger.mirror.see("products", "variant", system, "products/1", [row])

    @property
    def orders(self) -> list[ImportedSale]:
        return [one["sale"] for one in self.shop.orders.values()]
