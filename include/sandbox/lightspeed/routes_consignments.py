"""Routes of consignments. Which scope a write needs depends on the type of the consignment."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed import consignments
from sandbox.lightspeed.consignment_rows import (
    SCOPES,
    Consignment,
    ConsignmentLine,
    line_wire,
    text_of,
    totals_wire,
)
from sandbox.lightspeed.errors import bad_request
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import (
    access_of,
    body_of,
    data,
    envelope,
    flag_of,
    found,
    nothing,
    number_of,
    object_of,
    page_size_of,
    scoped,
    store_of,
)

router = APIRouter(prefix="/api/{version}")
READ, WRITE = scoped("consignments:read"), scoped()
ONE = "/consignments/{consignment_id}"


@router.get("/consignments", dependencies=[READ])
async def list_consignments(request: Request) -> Response:
    """Filtered before it is paged, so that only the end of the feed is an empty page."""
    store, query = store_of(request), request.query_params
    after, before = number_of(request, "after", 0) or 0, number_of(request, "before")
    with store.lock:
        table = store.consignments
        rows = [
            row
            for row in table.page(after, before, flag_of(request, "deleted"), len(table.rows))
            if all(query.get(name) in (None, row.fields[name]) for name in ("type", "status", "outlet_id"))
        ][: page_size_of(request)]
        return envelope(request, rows, [row.wire() for row in rows])


@router.post("/consignments", dependencies=[WRITE])
async def create_consignment(request: Request) -> Response:
    given, store = _unwrapped(await object_of(request)), store_of(request)
    with store.lock:
        access_of(request).require((SCOPES[consignments.type_of(given)],))
        return data(consignments.create(store, given).wire(), 201)


@router.get(ONE, dependencies=[READ])
async def get_consignment(request: Request, consignment_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        return data(found(store.consignments, consignment_id, "Consignment").wire())


@router.put(ONE, dependencies=[WRITE])
async def update_consignment(request: Request, consignment_id: str) -> Response:
    given, store = _unwrapped(await object_of(request)), store_of(request)
    with store.lock:
        consignment = _writable(request, consignment_id)
        consignments.update(store, consignment, given)
        return data(consignment.wire())


@router.delete(ONE, dependencies=[WRITE])
async def delete_consignment(request: Request, consignment_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        consignments.delete(store, _writable(request, consignment_id))
        return nothing(204)


@router.get(ONE + "/totals", dependencies=[READ])
async def get_totals(request: Request, consignment_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        return data([totals_wire(found(store.consignments, consignment_id, "Consignment"))])


@router.get(ONE + "/products", dependencies=[READ])
async def list_lines(request: Request, consignment_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        consignment = found(store.consignments, consignment_id, "Consignment")
        after = number_of(request, "after", 0) or 0
        lines = sorted(consignment.lines.values(), key=lambda line: line.version)
        rows = [line for line in lines if line.version > after][: page_size_of(request)]
        return envelope(request, rows, [_wire(store, line) for line in rows])


@router.post(ONE + "/products", dependencies=[WRITE])
async def add_line(request: Request, consignment_id: str) -> Response:
    given, store = _unwrapped(await object_of(request)), store_of(request)
    with store.lock:
        consignment = _writable(request, consignment_id)
        return data(_wire(store, consignments.put_line(store, consignment, given, accumulate=True)))


@router.put(ONE + "/products/{product_id}", dependencies=[WRITE])
async def update_line(request: Request, consignment_id: str, product_id: str) -> Response:
    given, store = _unwrapped(await object_of(request)), store_of(request)
    with store.lock:
        consignment = _writable(request, consignment_id)
        line = consignments.put_line(store, consignment, given | {"product_id": product_id})
        return data(_wire(store, line))


@router.delete(ONE + "/products/{product_id}", dependencies=[WRITE])
async def delete_line(request: Request, consignment_id: str, product_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        consignments.remove_line(store, _writable(request, consignment_id), product_id)
        return nothing(204)


@router.post(ONE + "/bulk", dependencies=[WRITE])
async def put_lines(request: Request, consignment_id: str) -> Response:
    """One product after the other: what is before a bad one stays (inferred)."""
    given, store = await body_of(request), store_of(request)
    if isinstance(given, dict):
        given = given.get("data")
    if not isinstance(given, list):
        raise bad_request("An array of products is required")
    with store.lock:
        consignment = _writable(request, consignment_id)
        lines = [consignments.put_line(store, consignment, each, accumulate=True) for each in given]
        return data({line.product_id: _quantities(line) for line in lines})


def _writable(request: Request, consignment_id: str) -> Consignment:
    """The consignment, if the token may write its type. Raises 404 or 403."""
    consignment = found(store_of(request).consignments, consignment_id, "Consignment")
    access_of(request).require((SCOPES[consignment.type],))
    return consignment


def _unwrapped(given: dict[str, Any]) -> dict[str, Any]:
    """The description wraps bodies in `data`, its examples do not: both are taken."""
    inner = given.get("data")
    return inner if isinstance(inner, dict) else given


def _wire(store: LightspeedStore, line: ConsignmentLine) -> dict[str, Any]:
    return line_wire(line, store.products.rows[line.product_id].sku)


def _quantities(line: ConsignmentLine) -> dict[str, Any]:
    quantities = {"count": text_of(line.count), "received": text_of(line.received)}
    return {key: value for key, value in quantities.items() if value is not None}
