"""Routes of price book entries, and the deletion of a price book, which only 2.0 knows.

Prices go in as the store's tax mode has them and come out without tax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sandbox.lightspeed import price_books, price_entries
from sandbox.lightspeed.errors import bad_request
from sandbox.lightspeed.models import PriceBookProduct
from sandbox.lightspeed.numerals import decode
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import (
    data,
    envelope,
    flag_of,
    found,
    number_of,
    object_of,
    page_size_of,
    routed,
)
from sandbox.lightspeed.wire import price_row_wire

router = APIRouter(prefix="/api/{version}")
READ = ("products:read:price_books",)
WRITE = (
    "products:write:price_books",
    "products:read",
)
DELETE = ("products:write:price_books",)
ENTRIES = "/price_books/{book_id}/products"
DELETING_VERSION = "2.0"


@routed(router, "GET", "/price_book_products", *READ)
def list_entries(store: LightspeedStore, request: Request) -> Response:
    """Entries of all books, in the order of their versions."""
    deleted = flag_of(request, "deleted") and store.options.deleted_price_book_rows_shown
    after, before = number_of(request, "after", 0) or 0, number_of(request, "before")
    rows = store.price_book_products.page(after, before, deleted, page_size_of(request))
    return envelope(request, rows, [price_row_wire(store, row) for row in rows])


@routed(router, "GET", "/products/{product_id}/price_book_products", *READ)
def list_entries_of_product(store: LightspeedStore, request: Request, product_id: str) -> Response:
    found(store.products, product_id, "Product")
    return _whole(store, store.price_book_products.of_product(product_id))


@routed(router, "GET", ENTRIES, *READ)
def list_entries_of_book(store: LightspeedStore, request: Request, book_id: str) -> Response:
    """All of a book, or with `product_ids=a,b` those of these products; no pages."""
    wanted = request.query_params.get("product_ids")
    book, rows = _book(store, book_id), store.price_book_products
    if not wanted:
        return _whole(store, rows.of_book(book.id))
    ids = dict.fromkeys(wanted.split(","))
    return _whole(store, [row for product_id in ids for row in rows.of_product(product_id, book.id)])


async def _given(request: Request) -> Any:
    """What `data` of the body holds. Where there is no body, a header named `data` holds the same."""
    header = request.headers.get("data")
    if header is None or await request.body():
        return (await object_of(request)).get("data")
    try:
        given = decode(header.encode())
    except ValueError as wrong:
        raise bad_request(f"The header data is not valid JSON: {wrong}") from None
    return given["data"] if isinstance(given, dict) and "data" in given else given


def _writes(method: str, write: Callable[[StoreState, Record, Any], int], done: str, *scopes: str) -> None:
    @routed(router, method, ENTRIES, *scopes, body=_given)
    def handler(store: LightspeedStore, request: Request, given: Any, book_id: str) -> Response:
        count = write(store, _book(store, book_id), given)
        return data({"message": f"{count} price book products were {done}."})


_writes("POST", price_entries.add, "added", *WRITE)
# PUT and PATCH are described in the same words and do the same.
_writes("PUT", price_entries.update, "updated", *WRITE)
_writes("PATCH", price_entries.update, "updated", *WRITE)
_writes("DELETE", price_entries.remove, "deleted", *DELETE)


@routed(router, "DELETE", "/price_books/{book_id}", *DELETE)
def delete_book(store: LightspeedStore, request: Request, book_id: str) -> Response:
    if request.path_params["version"] != DELETING_VERSION:
        raise HTTPException(405)
    book = _book(store, book_id)
    price_books.delete_book(store, book)
    return data(price_books.book_wire(store, book))


def _book(store: LightspeedStore, book_id: str) -> Record:
    return found(store.price_books, book_id, "Price book")


def _whole(store: LightspeedStore, rows: list[PriceBookProduct]) -> Response:
    return data([price_row_wire(store, row) for row in rows])
