"""Routes of the shop itself: retailer, the user at hand, taxes, tax overrides, categories, webhooks, tokens."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed import tree
from sandbox.lightspeed.errors import ApiError, bad_request, conflict
from sandbox.lightspeed.numerals import decimal_of
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import (
    Given,
    access_of,
    answer,
    data,
    envelope,
    found,
    nothing,
    object_of,
    page_of,
    page_size_of,
    routed,
    store_of,
)
from sandbox.lightspeed.wire import category_wire, outlet_tax_wire

tokens_router = APIRouter()
router = APIRouter(prefix="/api/{version}")
WEBHOOKS = ("webhooks",)
CATEGORY_PAGE = 1000
WEBHOOK_TYPES = frozenset(
    {
        "sale.update",
        "product.update",
        "customer.update",
        "inventory.update",
        "register_closure.create",
        "consignment.send",
        "consignment.receive",
    }
)


@tokens_router.post("/api/1.0/token")
async def token(request: Request) -> Response:
    """The refresh of an access token; the code of a first authorization needs a browser and is not served."""
    form = {
        key: values[-1] for key, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()
    }
    if form.get("grant_type") != "refresh_token":
        raise ApiError(400, {"error": "unsupported_grant_type", "error_description": "Use refresh_token."})
    store = store_of(request)
    with store.lock:
        given = (form.get("client_id", ""), form.get("client_secret", ""), form.get("refresh_token", ""))
        return answer(store.tokens.refresh(*given))


@routed(router, "GET", "/retailer", "retailer:read", "payment_types:read")
def get_retailer(store: LightspeedStore, request: Request) -> Response:
    return data(store.retailer())


@routed(router, "GET", "/user", "users:read")
def get_user(store: LightspeedStore, request: Request) -> Response:
    return data(store.users.rows[store.user_id].wire())


@routed(router, "PUT", "/registers/{register_id}/actions/open", "registers:write")
def open_register(store: LightspeedStore, request: Request, register_id: str) -> Response:
    row = found(store.registers, register_id, "Register")
    store.open_register(row.id)
    return data(row.wire())


@routed(router, "PUT", "/registers/{register_id}/actions/close", "registers:write")
def close_register(store: LightspeedStore, request: Request, register_id: str) -> Response:
    """What was counted is not looked at."""
    row = found(store.registers, register_id, "Register")
    store.close_register(row.id)
    return data(row.wire())


@routed(router, "POST", "/taxes", "taxes:write", body=object_of)
def create_tax(store: LightspeedStore, request: Request, given: Given) -> Response:
    name, rate = given.get("name"), decimal_of(given.get("rate"))
    if not isinstance(name, str) or not name or rate is None or rate < 0:
        raise bad_request("name and rate are required")
    if any(tax.name == name for tax in store.taxes.live()):
        raise conflict(f"A tax named {name} already exists")
    return data(store.taxes.rows[store.add_tax(name, rate)].wire(), 201)


@routed(router, "GET", "/outlet_taxes", "outlets:read")
def list_outlet_taxes(store: LightspeedStore, request: Request) -> Response:
    outlet_id = request.query_params.get("outlet_id")
    # Filtered page by page, so a page may be short: only an empty range of versions is the end.
    rows = page_of(request, store.outlet_taxes)
    return envelope(request, rows, [outlet_tax_wire(r) for r in rows if outlet_id in (None, r.outlet_id)])


@routed(router, "GET", "/product_categories", "products:read")
def list_categories(store: LightspeedStore, request: Request) -> Response:
    """Sorted by path; the cursor is the id seen last, not a version."""
    query = request.query_params
    size = page_size_of(request, default=CATEGORY_PAGE)
    rows = tree.listed(store, query.get("parent"), query.get("include", "family"))
    ids = [row.id for row in rows]
    start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    shown = rows[start : start + size]
    content = {
        "page_info": {"has_next": start + size < len(rows), "last_seen": shown[-1].id if shown else None},
        "data": {"categories": [category_wire(store, row) for row in shown]},
    }
    return data(content) if store.options.categories_double_nested else answer(content)


@routed(router, "POST", "/product_categories/bulk", "products:write", body=object_of)
def save_categories(store: LightspeedStore, request: Request, given: Given) -> Response:
    return data(tree.save(store, given.get("categories")))


@routed(router, "DELETE", "/product_categories/bulk", "products:write", body=object_of)
def delete_categories(store: LightspeedStore, request: Request, given: Given) -> Response:
    return data({"categories": tree.delete(store, given.get("category_ids"))})


async def _webhook(request: Request) -> dict[str, Any]:
    given = await object_of(request)
    if given.get("type") not in WEBHOOK_TYPES:
        raise bad_request(f"type must be one of {', '.join(sorted(WEBHOOK_TYPES))}")
    if not isinstance(given.get("url"), str) or not given["url"].startswith(("http://", "https://")):
        raise bad_request("url must be an address")
    if not isinstance(given.get("active"), bool):
        raise bad_request("active must be true or false")
    return {key: given[key] for key in ("type", "url", "active")}


@routed(router, "GET", "/webhooks", *WEBHOOKS)
def list_webhooks(store: LightspeedStore, request: Request) -> Response:
    return data([_webhook_wire(store, row) for row in _own_webhooks(request)])


@routed(router, "POST", "/webhooks", *WEBHOOKS, body=_webhook)
def create_webhook(store: LightspeedStore, request: Request, given: Given) -> Response:
    if any(
        row.fields["type"] == given["type"] and row.fields["url"] == given["url"]
        for row in _own_webhooks(request)
    ):
        raise conflict("A webhook of this type and url already exists")
    row = Record(id=store.new_id(), fields=given | {"application": access_of(request).application})
    return data(_webhook_wire(store, store.webhooks.add(row)), 201)


@routed(router, "GET", "/webhooks/{webhook_id}", *WEBHOOKS)
def get_webhook(store: LightspeedStore, request: Request, webhook_id: str) -> Response:
    return data(_webhook_wire(store, _own_webhook(request, webhook_id)))


@routed(router, "PUT", "/webhooks/{webhook_id}", *WEBHOOKS, body=_webhook)
def update_webhook(store: LightspeedStore, request: Request, given: Given, webhook_id: str) -> Response:
    row = _own_webhook(request, webhook_id)
    row.fields |= given
    store.webhooks.touch(row)
    return data(_webhook_wire(store, row))


@routed(router, "DELETE", "/webhooks/{webhook_id}", *WEBHOOKS)
def delete_webhook(store: LightspeedStore, request: Request, webhook_id: str) -> Response:
    store.webhooks.delete(_own_webhook(request, webhook_id))
    return nothing(200)


def _own_webhooks(request: Request) -> list[Record]:
    """An application sees its own webhooks only."""
    mine = access_of(request).application
    return [row for row in store_of(request).webhooks.live() if row.fields["application"] == mine]


def _own_webhook(request: Request, webhook_id: str) -> Record:
    row = next((row for row in _own_webhooks(request) if row.id == webhook_id), None)
    if row is None:
        raise ApiError(404, {"error": "Webhook not found"})
    return row


def _webhook_wire(store: LightspeedStore, row: Record) -> dict[str, Any]:
    kept = {key: row.fields[key] for key in ("type", "url", "active")}
    return {"id": row.id, "retailer_id": store.retailer_id, **kept}
