"""Sales, and both ends of their way, on paper: what a till answers, and an online shop that keeps what it is told and
can lose its answer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from retail_sync.ledger import Ledger
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.errors import DuplicateInTarget, RecordRejected, TargetMissing, UnknownOutcome
from retail_sync.records.ports.orders import ImportedSale, OnlineOrders, TillSales, Written
from retail_sync.records.rows import BadField, read_rows
from retail_sync.records.sales import ENTITY, Register, Sale, SaleLine, SaleTerms, TillTax
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.ruling import FORGOTTEN, IDENTITY
from retail_sync.sync.engine.apply import apply_batch
from retail_sync.sync.engine.context import Connect, RunContext, WriteContext
from retail_sync.sync.engine.plan import PlannedRun, store_plan
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.settle import Audited, audit
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.sales.apply import SaleWriter
from retail_sync.sync.sales.feeds import SALES, stage_terms, transform
from retail_sync.sync.sales.prepare import prepare

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


class PaperTill:
    """Wire rows are documents already; one that is `broken` is no sale."""

    def to_sales(self, rows: Sequence[Mapping[str, Any]]) -> list[Sale]:
        return read_rows(rows, self._sales, system="lightspeed", what="sales", label="number")

    @staticmethod
    def _sales(rows: Sequence[Mapping[str, Any]]) -> list[Sale]:
        for one in rows:
            if "broken" in one:
                raise BadField("date", one["broken"])
        return [Sale.model_validate(one) for one in rows]


@dataclass
class Desk:
    """Runs of sales, one after the other, over a ledger."""

    ledger: Ledger
    folder: Path
    settings: SyncSettings
    shop: PaperShop = field(default_factory=PaperShop)
    runs: int = 0
    staging: Staging | None = None

    def run(self, *sales: Sale, **how: Any) -> PlannedRun:
        """A whole run that reads these sales; its accounts must add up."""
        summary = self.plan(*sales, **how)
        self.load(summary)
        self.audit(**{name: value for name, value in how.items() if name in ("dry_run", "full")})
        return summary

    def plan(
        self,
        *sales: Sale,
        broken: Sequence[Sale] = (),
        before: Sequence[Sale] = (),
        dry_run: bool = False,
        full: bool = False,
    ) -> PlannedRun:
        """`broken`: sales of a second page that can't be read; `before`: such ones of the first page."""
        self.runs += 1
        run_id = f"sales/{self.runs}"
        self.ledger.runs.open(
            run_id,
            ENTITY,
            dag_id="sales",
            airflow_run_id=run_id,
            mode="full" if full else "delta",
            params={"dry_run": dry_run},
        )
        self.staging = Staging(self.folder, run_id, self.ledger.checkpoints)
        stage_terms(self.staging, TERMS)
        pages = [before, sales, broken]
        for number, page in enumerate(pages):
            rows = [one.model_dump(mode="json") for one in page]
            if page is not sales:
                rows = [{**row, "broken": "it has no date"} for row in rows]
            self.staging.write_page(SALES, number, rows)
        transform(self.staging, cast(TillSales, PaperTill()), len(pages))
        return self.again(dry_run=dry_run, full=full)

    def again(self, *, dry_run: bool = False, full: bool = False) -> PlannedRun:
        """Plan what is staged (once more)."""
        run = self.context(RunRequest(mode="full" if full else "delta", dry_run=dry_run))
        return store_plan(run, ENTITY, prepare(run))

    def context(self, request: RunRequest) -> RunContext:
        assert self.staging is not None
        return RunContext(
            run_id=f"sales/{self.runs}",
            task="load",
            request=request,
            settings=self.settings,
            ledger=self.ledger,
            staging=self.staging,
            connect=cast(Connect, None),
            secret_key=lambda: "",
        )

    def load(self, planned: PlannedRun) -> None:
        run = self.context(RunRequest())
        for batch in range(planned.summary["batches"]):
            writer = SaleWriter(WriteContext(run, cast(OnlineOrders, self.shop), None))
            asyncio.run(apply_batch(run, batch, writer))

    def audit(self, dry_run: bool = False, full: bool = False) -> Audited:
        assert self.staging is not None
        return audit(
            self.ledger,
            self.staging,
            self.settings,
            cursors={SALES: str(self.runs)},
            dry_run=dry_run,
            full=full,
            limited=False,
            entity=ENTITY,
        )

    def link(self, till: str = ADA, online: str = ADA_ONLINE) -> None:
        """Customers found out who is who."""
        self.ledger.links.add(
            [
                Link(
                    entity=CUSTOMERS,
                    kind=CUSTOMER,
                    commercetools_id=online,
                    lightspeed_id=till,
                    matched_by="email",
                    run_id="customers/1",
                )
            ]
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
