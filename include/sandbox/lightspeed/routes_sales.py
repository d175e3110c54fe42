"""Routes of sales. `/search?type=sales` is beside the other searches."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed import sales
from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.web import data, envelope, found, object_of, page_of, scoped, store_of

router = APIRouter(prefix="/api/{version}")
READ, WRITE = scoped("sales:read"), scoped("sales:write")


@router.get("/sales", dependencies=[READ])
async def list_sales(request: Request) -> Response:
    """Dates in the query are accepted and change nothing, as on the real API."""
    store = store_of(request)
    with store.lock:
        rows = page_of(request, store.sales)
        return envelope(request, rows, [sale_wire(store, row) for row in rows])


@router.post("/sales", dependencies=[WRITE])
async def save_sale(request: Request) -> Response:
    given, store = await object_of(request), store_of(request)
    with store.lock:
        return data(sale_wire(store, sales.save(store, given)))


@router.get("/sales/{sale_id}", dependencies=[READ])
async def get_sale(request: Request, sale_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        return data(sale_wire(store, found(store.sales, sale_id, "Sale")))


@router.put("/sales/{sale_id}", dependencies=[WRITE])
async def replace_sale(request: Request, sale_id: str) -> Response:
    given, store = await object_of(request), store_of(request)
    with store.lock:
        return data(sale_wire(store, sales.replace(store, found(store.sales, sale_id, "Sale"), given)))


@router.post("/sales/{sale_id}/actions/return", dependencies=[scoped("sales:write", "users:read")])
async def return_sale(request: Request, sale_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        return data(sale_wire(store, sales.start_return(store, found(store.sales, sale_id, "Sale"))))
