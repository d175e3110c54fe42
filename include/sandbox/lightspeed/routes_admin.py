"""Routes below `/_admin` for people and programs that run the stand-in: set a shop up, work in it, set switches.

They ask for no token. The same things can be done in Python on `LightspeedStore`. Rules of faults and the log of
requests are beside them, from `install_faults`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed.errors import bad_request, not_found
from sandbox.lightspeed.numerals import decimal_or_text_of
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import Given, data, found, number_of, object_of, routed, store_of

router = APIRouter(prefix="/_admin")
admin = partial(routed, router, is_open=True)

_ADDERS: dict[str, Callable[..., Any]] = {
    "outlets": LightspeedStore.add_outlet,
    "registers": LightspeedStore.add_register,
    "taxes": LightspeedStore.add_tax,
    "brands": LightspeedStore.add_brand,
    "tags": LightspeedStore.add_tag,
    "suppliers": LightspeedStore.add_supplier,
    "categories": LightspeedStore.add_category,
    "variant_attributes": LightspeedStore.add_variant_attribute,
    "tax_groups": LightspeedStore.add_tax_group,
    "customer_groups": LightspeedStore.add_customer_group,
    "customers": LightspeedStore.add_customer,
    "price_books": LightspeedStore.add_price_book,
    "payment_types": LightspeedStore.add_payment_type,
    "products": LightspeedStore.add_product_family,
}

COUNTED = (
    *("outlets", "registers", "taxes", "brands", "tags", "suppliers", "categories"),
    *("variant_attributes", "customers"),
)


@admin("GET", "/state")
def state(store: LightspeedStore, request: Request) -> Response:
    """What is in the shop, in figures."""
    counts = {name: len(getattr(store, name).live()) for name in COUNTED}
    live = store.products.live()
    families = len({product.family.id for product in live})
    counts |= {"products": len(live), "families": families, "stock": len(store.stock.live())}
    return data({"version": store.ticker.version, "retailer": store.retailer(), "counts": counts})


@admin("GET", "/options")
def get_options(store: LightspeedStore, request: Request) -> Response:
    """All switches."""
    return data(asdict(store.options))


@admin("POST", "/options", body=object_of)
def set_options(store: LightspeedStore, request: Request, given: Given) -> Response:
    """Sets the switches named in the body."""
    known = asdict(store.options)
    wrong = sorted(name for name in given if name not in known)
    if wrong:
        raise bad_request(f"There is no option {', '.join(wrong)}; there are {', '.join(known)}")
    for name, value in given.items():
        setattr(store.options, name, value)
    return data(asdict(store.options))


@router.get("/webhooks/deliveries")
async def deliveries(request: Request) -> Response:
    """What became of each delivery, oldest first; narrowed by `webhook_id`, `type` and `since` (a number `n`)."""
    wanted = {key: request.query_params.get(key) for key in ("webhook_id", "type")}
    since = number_of(request, "since", 0) or 0
    shown = [one.shown() for one in list(store_of(request).hooks.log) if one.n > since]
    return data([one for one in shown if all(value in (None, one[key]) for key, value in wanted.items())])


@router.post("/webhooks/flush")
async def flush(request: Request) -> Response:
    """An attempt now for all that waits, whatever it waits for. `done` is false where `?timeout=` (whole seconds, 30)
    was too short; `states` counts the deliveries of the log."""
    hooks = store_of(request).hooks
    done = await asyncio.to_thread(hooks.flush, float(number_of(request, "timeout", 30) or 0))
    return data({"done": done, "states": hooks.counts()})


@admin("POST", "/sell", body=object_of)
def sell(store: LightspeedStore, request: Request, given: Given) -> Response:
    """A simulated till: `quantity` (one) of `product_id` is sold at `outlet_id`, for cash, to `customer_id` if there is
    one. Answers the sale and the level that is left."""
    product_id, outlet_id, customer_id = (given.get(f"{key}_id") for key in ("product", "outlet", "customer"))
    quantity = decimal_or_text_of(given.get("quantity", 1))
    if not quantity:
        raise bad_request("quantity must be a number other than zero")
    _check(store, product_id)
    found(store.outlets, str(outlet_id), "Outlet")
    if customer_id is not None:
        _check_customer(store, customer_id)
    with _refusals():
        sale_id = store.sell(str(outlet_id), [(str(product_id), quantity)], customer=customer_id)
    level = store.stock_level(str(product_id), str(outlet_id))
    return data({"id": sale_id, "version": store.sales.rows[sale_id].version, "level": level}, 201)


@admin("GET", "/products/{product_id}")
def show_product(store: LightspeedStore, request: Request, product_id: str) -> Response:
    """A product, deleted or not."""
    _check(store, product_id)
    return data(store.product(product_id))


@admin("POST", "/products/{product_id}", body=object_of)
def edit_product(store: LightspeedStore, request: Request, given: Given, product_id: str) -> Response:
    """An assistant's edit; fields as in `LightspeedStore.edit_product`."""
    _check(store, product_id)
    with _refusals():
        store.edit_product(product_id, **given)
    return data(store.product(product_id))


@admin("DELETE", "/products/{product_id}")
def delete_product(store: LightspeedStore, request: Request, product_id: str) -> Response:
    """An assistant deletes a product, or with `?family=true` all of its family."""
    _check(store, product_id)
    store.delete_product(product_id, whole_family=request.query_params.get("family") == "true")
    return data({"id": product_id})


@admin("POST", "/stock", body=object_of)
def set_stock(store: LightspeedStore, request: Request, given: Given) -> Response:
    """A count: `product_id`, `outlet_id`, `level` as text or number."""
    _check(store, given.get("product_id"))
    store.set_stock(given["product_id"], given["outlet_id"], given["level"])
    return data({"level": store.stock_level(given["product_id"], given["outlet_id"])})


@admin("GET", "/customers/{customer_id}")
def show_customer(store: LightspeedStore, request: Request, customer_id: str) -> Response:
    """A customer, deleted or not."""
    _check_customer(store, customer_id)
    return data(store.customer(customer_id))


@admin("POST", "/customers/{customer_id}", body=object_of)
def edit_customer(store: LightspeedStore, request: Request, given: Given, customer_id: str) -> Response:
    """An assistant's edit; fields as in `LightspeedStore.edit_customer`, and `loyalty_balance`."""
    _check_customer(store, customer_id)
    with _refusals():
        if "loyalty_balance" in given:
            store.set_loyalty_balance(customer_id, given.pop("loyalty_balance"))
        if given:
            store.edit_customer(customer_id, **given)
    return data(store.customer(customer_id))


@admin("POST", "/customers/{customer_id}/merge", body=object_of)
def merge_customers(store: LightspeedStore, request: Request, given: Given, customer_id: str) -> Response:
    """`lost`, the id of another customer, is merged into this one; `take` names fields of the other that win."""
    _check_customer(store, customer_id)
    _check_customer(store, given.get("lost"))
    with _refusals():
        store.merge_customers(customer_id, given["lost"], take=given.get("take", ()))
    return data(store.customer(customer_id))


@admin("DELETE", "/customers/{customer_id}")
def delete_customer(store: LightspeedStore, request: Request, customer_id: str) -> Response:
    """An assistant deletes a customer."""
    _check_customer(store, customer_id)
    with _refusals():
        store.delete_customer(customer_id)
    return data({"id": customer_id})


@router.post("/{kind}")
async def add(request: Request, kind: str) -> Response:
    """Sets something up: fields are the arguments of `LightspeedStore.add_...`. Answers the id, or ids."""
    given, store = await object_of(request), store_of(request)
    if kind not in _ADDERS:
        raise not_found(f"/_admin/{kind}")
    try:
        return data(_ADDERS[kind](store, **given), 201)
    except (TypeError, ValueError, ArithmeticError) as wrong:
        raise bad_request(f"These fields make no {kind}: {wrong!r}") from None


@contextmanager
def _refusals() -> Iterator[None]:
    """What people may not do is answered with 400."""
    try:
        yield
    except (KeyError, ValueError, ArithmeticError) as wrong:
        raise bad_request(str(wrong)) from None


def _check(store: LightspeedStore, product_id: Any) -> None:
    if product_id not in store.products.rows:
        raise not_found("Product")


def _check_customer(store: LightspeedStore, customer_id: Any) -> None:
    if customer_id not in store.customers.rows:
        raise not_found("Customer")
