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
    Given,
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
    routed,
    store_of,
)

router = APIRouter(prefix="/api/{version}")
READ, WRITE = ("consignments:read",), ()
ONE = "/consignments/{consignment_id}"


async def _unwrapped(request: Request) -> dict[str, Any]:
    """The description wraps bodies in `data`, its examples do not: both are taken."""
    given = await object_of(request)
    inner = given.get("data")
    return inner if isinstance(inner, dict) else given


@routed(router, "GET", "/consignments", *READ)
def list_consignments(store: LightspeedStore, request: Request) -> Response:
    """Filtered before it is paged, so that only the end of the feed is an empty page."""
    query = request.query_params
    after, before = number_of(request, "after", 0) or 0, number_of(request, "before")
    table = store.consignments
    rows = [
        row
        for row in table.page(after, before, flag_of(request, "deleted"), len(table.rows))
        if all(query.get(name) in (None, row.fields[name]) for name in ("type", "status", "outlet_id"))
    ][: page_size_of(request)]
    return envelope(request, rows, [row.wire() for row in rows])


@routed(router, "POST", "/consignments", *WRITE, body=_unwrapped)
def create_consignment(store: LightspeedStore, request: Request, given: Given) -> Response:
    access_of(request).require((SCOPES[consignments.type_of(given)],))
    return data(consignments.create(store, given).wire(), 201)


@routed(router, "PUT", ONE, *WRITE, body=_unwrapped)
def update_consignment(
    store: LightspeedStore, request: Request, given: Given, consignment_id: str
) -> Response:
    consignment = _writable(request, consignment_id)
    consignments.update(store, consignment, given)
    return data(consignment.wire())


@routed(router, "DELETE", ONE, *WRITE)
def delete_consignment(store: LightspeedStore, request: Request, consignment_id: str) -> Response:
    consignments.delete(store, _writable(request, consignment_id))
    return nothing(204)


@routed(router, "GET", ONE + "/totals", *READ)
def get_totals(store: LightspeedStore, request: Request, consignment_id: str) -> Response:
    return data([totals_wire(found(store.consignments, consignment_id, "Consignment"))])


@routed(router, "GET", ONE + "/products", *READ)
def list_lines(store: LightspeedStore, request: Request, consignment_id: str) -> Response:
    consignment = found(store.consignments, consignment_id, "Consignment")
    after = number_of(request, "after", 0) or 0
    lines = sorted(consignment.lines.values(), key=lambda line: line.version)
    rows = [line for line in lines if line.version > after][: page_size_of(request)]
    return envelope(request, rows, [_wire(store, line) for line in rows])


@routed(router, "POST", ONE + "/products", *WRITE, body=_unwrapped)
def add_line(store: LightspeedStore, request: Request, given: Given, consignment_id: str) -> Response:
    consignment = _writable(request, consignment_id)
    return data(_wire(store, consignments.put_line(store, consignment, given, accumulate=True)))


@routed(router, "PUT", ONE + "/products/{product_id}", *WRITE, body=_unwrapped)
def update_line(
    store: LightspeedStore, request: Request, given: Given, consignment_id: str, product_id: str
) -> Response:
    consignment = _writable(request, consignment_id)
    line = consignments.put_line(store, consignment, given | {"product_id": product_id})
    return data(_wire(store, line))


@routed(router, "DELETE", ONE + "/products/{product_id}", *WRITE)
def delete_line(store: LightspeedStore, request: Request, consignment_id: str, product_id: str) -> Response:
    consignments.remove_line(store, _writable(request, consignment_id), product_id)
    return nothing(204)


@routed(router, "POST", ONE + "/bulk", *WRITE, body=body_of)
def put_lines(store: LightspeedStore, request: Request, given: Any, consignment_id: str) -> Response:
    """One product after the other: what is before a bad one stays (inferred)."""
    if isinstance(given, dict):
        given = given.get("data")
    if not isinstance(given, list):
        raise bad_request("An array of products is required")
    consignment = _writable(request, consignment_id)
    lines = [consignments.put_line(store, consignment, each, accumulate=True) for each in given]
    return data({line.product_id: _quantities(line) for line in lines})


def _writable(request: Request, consignment_id: str) -> Consignment:
    """The consignment, if the token may write its type. Raises 404 or 403."""
    consignment = found(store_of(request).consignments, consignment_id, "Consignment")
    access_of(request).require((SCOPES[consignment.type],))
    return consignment


def _wire(store: LightspeedStore, line: ConsignmentLine) -> dict[str, Any]:
    return line_wire(line, store.products.rows[line.product_id].sku)


def _quantities(line: ConsignmentLine) -> dict[str, Any]:
    quantities = {"count": text_of(line.count), "received": text_of(line.received)}
    return {key: value for key, value in quantities.items() if value is not None}
