"""Routes of sales. `/search?type=sales` is beside the other searches."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed import sales
from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import Given, data, found, object_of, routed

router = APIRouter(prefix="/api/{version}")
READ, WRITE = ("sales:read",), ("sales:write",)


@routed(router, "POST", "/sales", *WRITE, body=object_of)
def save_sale(store: LightspeedStore, request: Request, given: Given) -> Response:
    return data(sale_wire(store, sales.save(store, given)))


@routed(router, "PUT", "/sales/{sale_id}", *WRITE, body=object_of)
def replace_sale(store: LightspeedStore, request: Request, given: Given, sale_id: str) -> Response:
    return data(sale_wire(store, sales.replace(store, found(store.sales, sale_id, "Sale"), given)))


@routed(router, "POST", "/sales/{sale_id}/actions/return", "sales:write", "users:read")
def return_sale(store: LightspeedStore, request: Request, sale_id: str) -> Response:
    return data(sale_wire(store, sales.start_return(store, found(store.sales, sale_id, "Sale"))))
