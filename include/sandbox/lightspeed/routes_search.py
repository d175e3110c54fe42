"""The route that searches products, customers and sales; other than the lists it pages by offset."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from include.sandbox.lightspeed.errors import bad_request
from include.sandbox.lightspeed.models import Product
from include.sandbox.lightspeed.rows import Record, Table
from include.sandbox.lightspeed.sale_search import matching_sales
from include.sandbox.lightspeed.sale_wire import sale_wire
from include.sandbox.lightspeed.store import LightspeedStore
from include.sandbox.lightspeed.web import (
    access_of,
    answer,
    flag_of,
    number_of,
    page_size_of,
    scoped,
    store_of,
)
from include.sandbox.lightspeed.wire import product_wire

router = APIRouter(prefix="/api/{version}")
MOST_SEARCH_RESULTS = 1000
CUSTOMER_FILTERS = ("customer_code", "email", "first_name", "last_name", "company_name", "mobile", "phone")


@router.get("/search", dependencies=[scoped()])
async def search(request: Request) -> Response:
    store, kind = store_of(request), request.query_params.get("type")
    if kind not in SEARCHED:
        raise bad_request(f"type must be one of {', '.join(SEARCHED)}")
    access_of(request).require((f"{kind}:read",))
    offset = number_of(request, "offset", 0) or 0
    size = page_size_of(request, most=MOST_SEARCH_RESULTS)
    with store.lock:
        table: Table[Any] = getattr(store, kind)
        rows = table.page(0, None, flag_of(request, "deleted"), len(table.rows))
        matches, wire = SEARCHED[kind]
        chosen = _ordered([row for row in matches(request, rows) if _id_fits(request, row.id)], request)
        return answer({"data": [wire(store, row) for row in chosen[offset : offset + size]]})


def _matching_products(request: Request, rows: list[Product]) -> list[Product]:
    """Each filter may be given several times; with a minus in front it excludes.

    SKUs are indexed in lower case and values are taken as they come: one with capitals finds nothing.
    """
    values: dict[str, Callable[[Product], set[str | None]]] = {
        "sku": lambda row: {(row.sku or "").lower()},
        "supplier_id": lambda row: {entry.supplier_id for entry in row.suppliers},
        "brand_id": lambda row: {row.family.brand_id},
        "tag_id": lambda row: set(row.family.tag_ids),
        "product_type_id": lambda row: {row.family.category_id},
        "variant_parent_id": lambda row: {row.parent_id},
    }
    for name, of in values.items():
        wanted, unwanted = (
            set(request.query_params.getlist(name)),
            set(request.query_params.getlist(f"-{name}")),
        )
        if wanted:
            rows = [row for row in rows if of(row) & wanted]
        if unwanted:
            rows = [row for row in rows if not of(row) & unwanted]
    return rows


def _matching_customers(request: Request, rows: list[Record]) -> list[Record]:
    for name in CUSTOMER_FILTERS:
        wanted = request.query_params.getlist(name)
        if wanted:
            rows = [row for row in rows if row.fields.get(name) in wanted]
    return rows


SEARCHED: dict[
    str, tuple[Callable[[Request, list[Any]], list[Any]], Callable[[LightspeedStore, Any], Any]]
] = {
    "sales": (matching_sales, sale_wire),
    "products": (_matching_products, product_wire),
    "customers": (_matching_customers, lambda _, row: row.wire()),
}
"""By `type`, which is the name of the table and of the scope as well: who chooses, and who prints."""


def _id_fits(request: Request, row_id: str) -> bool:
    wanted, unwanted = request.query_params.getlist("_id"), request.query_params.getlist("-_id")
    return (not wanted or row_id in wanted) and row_id not in unwanted


def _ordered(rows: list[Any], request: Request) -> list[Any]:
    key = request.query_params.get("order_by")
    if key is not None:
        rows = sorted(rows, key=lambda row: _order_of(row, key))
    return rows[::-1] if request.query_params.get("order_direction") == "desc" else rows


def _order_of(row: Any, key: str) -> tuple[bool, str]:
    if isinstance(row, Record):
        value = row.fields.get(key)
    else:
        value = getattr(row, key, getattr(getattr(row, "family", None), key, None))
    return value is None, f"{value:020}" if isinstance(value, Decimal | int) else str(value).lower()
