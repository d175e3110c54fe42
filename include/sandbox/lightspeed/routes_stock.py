"""Routes of stock: the inventory records in three shapes, and signed adjustments."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed import stock
from sandbox.lightspeed.errors import bad_request
from sandbox.lightspeed.models import Stock
from sandbox.lightspeed.numerals import plain
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import (
    Given,
    answer,
    body_of,
    data,
    found,
    object_of,
    routed,
)
from sandbox.lightspeed.wire import stock_wire, stock_wire_2_0

router = APIRouter(prefix="/api/{version}")
READ, WRITE = ("inventory:read",), ("inventory:write",)
INVENTORY_SIZE, MOST_INVENTORY = 1000, 5000
LEVELS_SIZE, MOST_LEVELS, MOST_LEVEL_PRODUCTS = 100, 10_000, 1000


@routed(router, "POST", "/inventory", *READ, body=object_of)
def list_inventory(store: LightspeedStore, request: Request, given: Given) -> Response:
    """Paging in the body, newest first unless told otherwise, and a bare array."""
    size = _whole(given, "size", INVENTORY_SIZE, MOST_INVENTORY)
    after, before = _whole(given, "after", 0), given.get("before")
    rows = store.stock.page(after, before, given.get("include_deleted") is True, len(store.stock.rows))
    if given.get("product_id") is not None:
        ids = _family_of(store, given["product_id"]) if given.get("variants") else {given["product_id"]}
        rows = [row for row in rows if row.product_id in ids]
    if given.get("sort_direction", "desc") == "desc":
        rows = rows[::-1]
    return _records(store, rows[:size])


@routed(router, "GET", "/inventory/{product_id}", *READ)
def get_inventory(store: LightspeedStore, request: Request, product_id: str) -> Response:
    found(store.products, product_id, "Product")
    return _records(store, store.stock_of(product_id))


@routed(router, "GET", "/products/{product_id}/inventory", *READ)
def get_inventory_2_0(store: LightspeedStore, request: Request, product_id: str) -> Response:
    found(store.products, product_id, "Product")
    return data([stock_wire_2_0(row) for row in store.stock_of(product_id)])


@routed(router, "POST", "/inventory_levels", *READ, body=object_of)
def list_levels(store: LightspeedStore, request: Request, given: Given) -> Response:
    size, offset = _whole(given, "size", LEVELS_SIZE, MOST_LEVELS), _whole(given, "offset", 0)
    rows = [row for row in store.stock.live() if _wanted(store, given, row)]
    rows.sort(key=lambda row: (row.product_id, row.outlet_id))
    shown = rows[offset : offset + size]
    if not shown and offset > 0 and store.options.inventory_levels_null_past_end:
        return answer(None)
    return answer([_level_wire(store, row) for row in shown])


@routed(router, "GET", "/inventory_levels/{product_id}", *READ)
def get_levels(store: LightspeedStore, request: Request, product_id: str) -> Response:
    found(store.products, product_id, "Product")
    return answer([_level_wire(store, row) for row in store.stock_of(product_id)])


@routed(router, "POST", "/stock_adjustments", *WRITE, body=body_of)
def adjust(store: LightspeedStore, request: Request, given: Any) -> Response:
    return data([row.wire() for row in stock.adjust(store, given, store.user_id)], 201)


def _records(store: LightspeedStore, rows: list[Stock]) -> Response:
    wires = [stock_wire(row) for row in rows]
    return answer(wires if store.options.inventory_bare_array else {"data": wires})


def _level_wire(store: LightspeedStore, row: Stock) -> dict[str, Any]:
    product = store.products.rows[row.product_id]
    return {
        "location_id": row.outlet_id,
        "product_id": row.product_id,
        "root_product_id": product.family.parent_id,
        "current_inventory_level": plain(row.level),
        "average_cost": plain(row.average_cost),
        "total_cost": plain(row.average_cost * row.level),
        "reorder_threshold": None if row.reorder_point is None else plain(row.reorder_point),
    }


def _wanted(store: LightspeedStore, given: Given, row: Stock) -> bool:
    locations, products, roots = (
        _ids(given, key) for key in ("location_ids", "product_ids", "root_product_ids")
    )
    product = store.products.rows[row.product_id]
    return (
        (not locations or row.outlet_id in locations)
        and (not products or row.product_id in products)
        and (not roots or product.family.parent_id in roots)
        and (product.active or given.get("include_inactive") is True)
    )


def _ids(given: Given, key: str) -> list[Any]:
    ids = given.get(key) or []
    if not isinstance(ids, list) or len(ids) > MOST_LEVEL_PRODUCTS:
        raise bad_request(f"{key} must be a list of at most {MOST_LEVEL_PRODUCTS} ids")
    return ids


def _family_of(store: LightspeedStore, product_id: str) -> set[str]:
    product = store.products.rows.get(product_id)
    return set() if product is None else set(product.family.members)


def _whole(given: Given, key: str, default: int, most: int | None = None) -> int:
    value = given.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_request(f"{key} must be a whole number")
    return value if most is None else min(value, most)
