"""What a run of orders reads, from staged pages to staged documents: web orders, and the sales they became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from retail_sync.records.orders import Order
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.records.rows import read_apart
from retail_sync.records.sales import Register, Sale, SaleTerms, TillTax
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.transform import Transformed, newest_of
from retail_sync.sync.orders.plan import SOURCE

ORDERS, SALES = "commercetools", "lightspeed"
"""Names of the feeds: of their staged pages and of their cursors."""
UNKNOWN = "unknown-"
"""Begins what a row without an id is called."""


@dataclass(frozen=True)
class Read:
    """Everything one run read. `unreadable`: id, number and why of rows that are no orders."""

    orders: Mapping[str, Order]
    sales: Mapping[str, Sale]
    unreadable: Sequence[tuple[str, str, str]] = ()

    @classmethod
    def of(cls, staging: Staging) -> Read:
        return cls(
            {one["id"]: Order.model_validate(one) for one in staging.read_document(f"{ORDERS}/orders")},
            {one["id"]: Sale.model_validate(one) for one in staging.read_document(f"{SALES}/sales")},
            [(one[0], one[1], one[2]) for one in staging.read_document(f"{ORDERS}/unreadable")],
        )


def transform(
    staging: Staging, online: OnlineOrders, till: TillSales, pages: Mapping[str, int]
) -> list[Transformed]:
    """Map all staged pages to documents, and stage those."""
    return [_orders(staging, online, pages[ORDERS]), _sales(staging, till, pages[SALES])]


def _orders(staging: Staging, online: OnlineOrders, pages: int) -> Transformed:
    raw = [row for page in staging.pages(ORDERS, pages) for row in page]
    names = {id(row): str(row.get("id") or f"{UNKNOWN}{number}") for number, row in enumerate(raw)}
    rows = newest_of(raw, lambda row: names[id(row)], _version)
    orders, unreadable = read_apart(list(rows.values()), online.to_orders)
    staging.write_document(f"{ORDERS}/orders", [one.model_dump(mode="json") for one in orders])
    staging.write_document(f"{ORDERS}/unreadable", [[one.id, one.label, f"{one}."] for one in unreadable])
    return Transformed(ORDERS, len(raw), len(orders), len(raw) - len(rows))


def _sales(staging: Staging, till: TillSales, pages: int) -> Transformed:
    raw, ours = 0, []
    for page in staging.pages(SALES, pages):
        raw += len(page)
        # One that can't be read is held by the run of sales: whose it is, nobody can tell.
        ours += [sale for sale in read_apart(page, till.to_sales)[0] if is_ours(sale)]
    sales = newest_of(ours, lambda sale: sale.id, lambda sale: sale.version)
    staging.write_document(f"{SALES}/sales", [one.model_dump(mode="json") for one in sales.values()])
    return Transformed(SALES, raw, len(sales), len(ours) - len(sales), raw - len(ours))


def is_ours(sale: Sale) -> bool:
    """Whether a sale stands for a web order, or for what came back of one."""
    return sale.source_type == SOURCE


def stage_terms(staging: Staging, terms: SaleTerms) -> None:
    """Keep what the store says of itself, for the plan."""
    staging.write_document(f"{SALES}/terms", asdict(terms))


def staged_terms(staging: Staging) -> SaleTerms:
    return terms_of(staging.read_document(f"{SALES}/terms"))


def terms_of(document: Mapping[str, Any]) -> SaleTerms:
    """Terms as `stage_terms` keeps them."""
    return SaleTerms(
        **{
            **document,
            "registers": {name: Register(**one) for name, one in document["registers"].items()},
            "taxes": {
                name: TillTax(
                    one["id"],
                    one["name"],
                    Decimal(str(one["rate"])),
                    tuple((part, Decimal(str(share))) for part, share in one["parts"]),
                )
                for name, one in document["taxes"].items()
            },
        }
    )


def _version(row: Mapping[str, Any]) -> int:
    version = row.get("version")
    return version if isinstance(version, int) else 0
