"""Routes of products: list, one, create, change, delete, images."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from sandbox.lightspeed import catalogue
from sandbox.lightspeed.errors import bad_request
from sandbox.lightspeed.models import Product
from sandbox.lightspeed.numerals import decimal_of
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import (
    Given,
    data,
    envelope,
    flag_of,
    found,
    nothing,
    object_of,
    page_of,
    routed,
)
from sandbox.lightspeed.wire import answered_product, image_wire

router = APIRouter(prefix="/api/{version}")
READ, WRITE = ("products:read",), ("products:write",)


@routed(router, "GET", "/products", *READ)
def list_products(store: LightspeedStore, request: Request) -> Response:
    rows = _looked_up(store, request)
    if rows is None:
        rows = page_of(request, store.products)
    with_images = flag_of(request, "include_images", default=True)
    return envelope(request, rows, [answered_product(store, row, with_images) for row in rows])


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


@routed(router, "POST", "/products", *WRITE, body=object_of)
def create_products(store: LightspeedStore, request: Request, given: Given) -> Response:
    if "common" in given or "details" in given:
        # What the answer to an added variant holds is not documented; the ids, as for a new family, are a guess.
        return data([catalogue.add_variant(store, given).id])
    return data([product.id for product in catalogue.create(store, given)])


@routed(router, "PUT", "/products/{product_id}", *WRITE, body=object_of)
def update_product(store: LightspeedStore, request: Request, given: Given, product_id: str) -> Response:
    product = catalogue.update(store, product_id, given)
    mode = store.options.empty_put_answer
    store.product_updates += 1
    if mode == "always" or (mode == "alternate" and store.product_updates % 2 == 0):
        return nothing(200)
    return data(answered_product(store, product))


@routed(router, "DELETE", "/products/{product_id}", *WRITE)
def delete_product(store: LightspeedStore, request: Request, product_id: str) -> Response:
    catalogue.delete(store, product_id)
    return data({"id": product_id})


@routed(router, "DELETE", "/products/{product_id}/all", *WRITE)
def delete_family(store: LightspeedStore, request: Request, product_id: str) -> Response:
    catalogue.delete(store, product_id, whole_family=True)
    return data({"id": product_id})


async def _picture(request: Request) -> UploadFile:
    async with request.form() as form:
        upload = form.get("image")
        if not isinstance(upload, UploadFile):
            raise bad_request("The form field image must hold a file")
        return upload


@routed(router, "POST", "/products/{product_id}/actions/image_upload", *WRITE, body=_picture)
def upload_image(store: LightspeedStore, request: Request, picture: UploadFile, product_id: str) -> Response:
    """What the picture shows is not looked at."""
    product = found(store.products, product_id, "Product")
    image = catalogue.add_image(store, product, None, store.options.image_processing_reads)
    store.products.touch(product)
    return data(image_wire(store, image), 201)


@routed(router, "GET", "/product_images/{image_id}", *READ)
def get_image(store: LightspeedStore, request: Request, image_id: str) -> Response:
    image = found(store.images, image_id, "Product image")
    wire = image_wire(store, image)
    image.reads_left = max(0, image.reads_left - 1)
    return data(wire)


@routed(router, "PUT", "/product_images/{image_id}", *WRITE, body=object_of)
def move_image(store: LightspeedStore, request: Request, given: Given, image_id: str) -> Response:
    position = decimal_of(given.get("position"))
    if position is None:
        raise bad_request("position must be a number")
    image = found(store.images, image_id, "Product image")
    product = store.products.rows[image.product_id]
    product.image_ids.remove(image_id)
    product.image_ids.insert(int(position), image_id)
    store.images.touch(image)
    store.products.touch(product)
    return data(image_wire(store, image))


@routed(router, "DELETE", "/product_images/{image_id}", *WRITE)
def delete_image(store: LightspeedStore, request: Request, image_id: str) -> Response:
    image = found(store.images, image_id, "Product image")
    product = store.products.rows[image.product_id]
    product.image_ids.remove(image_id)
    store.images.delete(image)
    store.products.touch(product)
    return nothing(204)
