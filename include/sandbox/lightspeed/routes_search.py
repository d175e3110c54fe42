"""The route that searches products, customers and sales; other than the lists it pages by offset."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed.customer_rules import DATED_FIELDS
from sandbox.lightspeed.errors import bad_request
from sandbox.lightspeed.models import Product
from sandbox.lightspeed.rows import Record, Table
from sandbox.lightspeed.sale_rows import Sale
from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.tables import FILTERS
from sandbox.lightspeed.web import (
    R,
    access_of,
    answer,
    flag_of,
    known_fields,
    number_of,
    page_size_of,
    scoped,
    store_of,
)
from sandbox.lightspeed.wire import answered_product

router = APIRouter(prefix="/api/{version}")
MOST_SEARCH_RESULTS = 1000


@router.get("/search", dependencies=[scoped()])
async def search(request: Request) -> Response:
    store, kind = store_of(request), request.query_params.get("type")
    if kind not in SEARCHED:
        raise bad_request(f"type must be one of {', '.join(SEARCHED)}")
    access_of(request).require((f"{kind}:read",))
    offset = number_of(request, "offset", 0) or 0
    size = page_size_of(request, most=MOST_SEARCH_RESULTS)
    with store.lock:
        matches, wire = SEARCHED[kind]
        rows = matches(request, store)
        chosen = _ordered([row for row in rows if _id_fits(request, row.id)], request)
        return answer({"data": [wire(request, row) for row in chosen[offset : offset + size]]})


def _all(request: Request, table: Table[R]) -> list[R]:
    return table.all(flag_of(request, "deleted"))


def _matching_products(request: Request, store: LightspeedStore) -> list[Product]:
    """Each filter may be given several times; with a minus in front it excludes.

    SKUs are indexed in lower case and values are taken as they come: one with capitals finds nothing.
    """
    rows = _all(request, store.products)
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


def _matching_customers(request: Request, store: LightspeedStore) -> list[Record]:
    given = {name: request.query_params.getlist(name) for name in FILTERS}
    filters = {name: values for name, values in given.items() if values}
    return store.customers.search(filters, flag_of(request, "deleted"))


SEARCHED: dict[str, tuple[Callable[[Request, LightspeedStore], list[Any]], Callable[[Request, Any], Any]]] = {
    "sales": (
        lambda request, store: matching_sales(request, _all(request, store.sales)),
        lambda request, row: sale_wire(store_of(request), row),
    ),
    "products": (_matching_products, lambda request, row: answered_product(store_of(request), row)),
    "customers": (
        _matching_customers,
        lambda request, row: known_fields(request, row.wire(), DATED_FIELDS),
    ),
}
"""By `type`, which is the name of the scope as well: who chooses, and who prints."""


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


_VALUES: dict[str, Callable[[Sale], set[str | None]]] = {
    "state": lambda sale: {sale.state},
    "status": lambda sale: {sale.status},
    "attributes": lambda sale: set(sale.attributes),
    "outlet_id": lambda sale: {sale.outlet_id},
    "register_id": lambda sale: {sale.register_id},
    "customer_id": lambda sale: {sale.customer_id},
    "user_id": lambda sale: {sale.user_id},
    "invoice_number": lambda sale: {sale.invoice_number},
    "product_id": lambda sale: {line.product_id for line in sale.lines},
    "payment_type_id": lambda sale: {each.config_id for each in sale.payments},
}


def matching_sales(request: Request, sales: list[Sale]) -> list[Sale]:
    """Each filter may be given several times: one of the values must fit. Raises 400 for a date that is none."""
    for name, of in _VALUES.items():
        wanted = set(request.query_params.getlist(name))
        if wanted:
            sales = [sale for sale in sales if of(sale) & wanted]
    since, until = _moment(request, "date_from"), _moment(request, "date_to")
    if since is not None:
        sales = [sale for sale in sales if datetime.fromisoformat(sale.date) >= since]
    if until is not None:
        sales = [sale for sale in sales if datetime.fromisoformat(sale.date) <= until]
    return sales


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"{name} must be a date") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
