"""Routes of products: list, one, create, change, delete, images, search."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from include.sandbox.lightspeed import catalogue
from include.sandbox.lightspeed.errors import bad_request
from include.sandbox.lightspeed.models import Product
from include.sandbox.lightspeed.numerals import decimal_of
from include.sandbox.lightspeed.rows import Record, Table
from include.sandbox.lightspeed.store import LightspeedStore
from include.sandbox.lightspeed.web import (
    access_of,
    answer,
    data,
    envelope,
    flag_of,
    found,
    nothing,
    number_of,
    object_of,
    page_of,
    page_size_of,
    scoped,
    store_of,
)
from include.sandbox.lightspeed.wire import image_wire, product_wire

router = APIRouter(prefix="/api/{version}")
READ, WRITE = scoped("products:read"), scoped("products:write")
MOST_SEARCH_RESULTS = 1000
CUSTOMER_FILTERS = ("customer_code", "email", "first_name", "last_name", "company_name", "mobile", "phone")


@router.get("/products", dependencies=[READ])
async def list_products(request: Request) -> Response:
    store = store_of(request)
    with store.lock:
        rows = _looked_up(store, request)
        if rows is None:
            rows = page_of(request, store.products)
        with_images = flag_of(request, "include_images", default=True)
        return envelope(request, rows, [product_wire(store, row, with_images) for row in rows])


def _looked_up(store: LightspeedStore, request: Request) -> list[Product] | None:
    """The products a `sku` (any code), `name` or `family_name` names: each overrides every other parameter."""
    sku = request.query_params.get("sku")
    if sku:
        ids = store.products_with_code(sku)
    else:
        name = request.query_params.get("name") or request.query_params.get("family_name")
        if not name:
            return None
        ids = {member for family in store.families_named(name) for member in family.members}
    return sorted((store.products.rows[product_id] for product_id in ids), key=lambda row: row.version)


@router.post("/products", dependencies=[WRITE])
async def create_products(request: Request) -> Response:
    given, store = await object_of(request), store_of(request)
    with store.lock:
        if "common" in given or "details" in given:
            # What the answer to an added variant holds is not documented; the ids, as for a new family, are a guess.
            return data([catalogue.add_variant(store, given).id])
        return data([product.id for product in catalogue.create(store, given)])


@router.get("/products/{product_id}", dependencies=[READ])
async def get_product(request: Request, product_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        return data(product_wire(store, found(store.products, product_id, "Product")))


@router.put("/products/{product_id}", dependencies=[WRITE])
async def update_product(request: Request, product_id: str) -> Response:
    given, store = await object_of(request), store_of(request)
    with store.lock:
        product = catalogue.update(store, product_id, given)
        mode = store.options.empty_put_answer
        store.product_updates += 1
        if mode == "always" or (mode == "alternate" and store.product_updates % 2 == 0):
            return nothing(200)
        return data(product_wire(store, product))


@router.delete("/products/{product_id}", dependencies=[WRITE])
async def delete_product(request: Request, product_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        catalogue.delete(store, product_id)
        return data({"id": product_id})


@router.delete("/products/{product_id}/all", dependencies=[WRITE])
async def delete_family(request: Request, product_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        catalogue.delete(store, product_id, whole_family=True)
        return data({"id": product_id})


@router.post("/products/{product_id}/actions/image_upload", dependencies=[WRITE])
async def upload_image(request: Request, product_id: str) -> Response:
    store = store_of(request)
    async with request.form() as form:
        upload = form.get("image")
        if not isinstance(upload, UploadFile):
            raise bad_request("The form field image must hold a file")
    with store.lock:
        product = found(store.products, product_id, "Product")
        image = catalogue.add_image(store, product, None, store.options.image_processing_reads)
        store.products.touch(product)
        return data(image_wire(store, image), 201)


@router.get("/product_images/{image_id}", dependencies=[READ])
async def get_image(request: Request, image_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        image = found(store.images, image_id, "Product image")
        wire = image_wire(store, image)
        image.reads_left = max(0, image.reads_left - 1)
        return data(wire)


@router.put("/product_images/{image_id}", dependencies=[WRITE])
async def move_image(request: Request, image_id: str) -> Response:
    given, store = await object_of(request), store_of(request)
    position = decimal_of(given.get("position"))
    if position is None:
        raise bad_request("position must be a number")
    with store.lock:
        image = found(store.images, image_id, "Product image")
        product = store.products.rows[image.product_id]
        product.image_ids.remove(image_id)
        product.image_ids.insert(int(position), image_id)
        store.images.touch(image)
        store.products.touch(product)
        return data(image_wire(store, image))


@router.delete("/product_images/{image_id}", dependencies=[WRITE])
async def delete_image(request: Request, image_id: str) -> Response:
    store = store_of(request)
    with store.lock:
        image = found(store.images, image_id, "Product image")
        product = store.products.rows[image.product_id]
        product.image_ids.remove(image_id)
        store.images.delete(image)
        store.products.touch(product)
        return nothing(204)


@router.get("/search", dependencies=[scoped()])
async def search(request: Request) -> Response:
    store, kind = store_of(request), request.query_params.get("type")
    if kind not in ("products", "customers"):
        raise bad_request("type must be one of products, customers")
    access_of(request).require((f"{kind}:read",))
    offset = number_of(request, "offset", 0) or 0
    size = page_size_of(request, most=MOST_SEARCH_RESULTS)
    with store.lock:
        table: Table[Any] = store.products if kind == "products" else store.customers
        rows = table.page(0, None, flag_of(request, "deleted"), len(table.rows))
        matches = _matching_products if kind == "products" else _matching_customers
        chosen = _ordered([row for row in matches(request, rows) if _id_fits(request, row.id)], request)
        shown = chosen[offset : offset + size]
        return answer(
            {"data": [product_wire(store, r) if isinstance(r, Product) else r.wire() for r in shown]}
        )


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


def _id_fits(request: Request, row_id: str) -> bool:
    wanted, unwanted = request.query_params.getlist("_id"), request.query_params.getlist("-_id")
    return (not wanted or row_id in wanted) and row_id not in unwanted


def _ordered(rows: list[Any], request: Request) -> list[Any]:
    key = request.query_params.get("order_by")
    if key is not None:
        rows = sorted(rows, key=lambda row: _order_of(row, key))
    return rows[::-1] if request.query_params.get("order_direction") == "desc" else rows


def _order_of(row: Any, key: str) -> tuple[bool, str]:
    value = (
        row.fields.get(key) if isinstance(row, Record) else getattr(row, key, getattr(row.family, key, None))
    )
    return value is None, f"{value:020}" if isinstance(value, Decimal | int) else str(value).lower()
