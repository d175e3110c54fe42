"""The HTTP face: `/oauth/token` and everything below `/{projectKey}`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.commercetools import writing
from sandbox.commercetools.baskets import Basket
from sandbox.commercetools.custom_objects import CUSTOM_OBJECTS, upsert
from sandbox.commercetools.errors import (
    ApiError,
    Json,
    invalid_input,
    invalid_json,
    malformed,
    no_such_uri,
    resource_not_found,
)
from sandbox.commercetools.places import ASSIGNED
from sandbox.commercetools.prices import selected_price
from sandbox.commercetools.products import (
    PROJECTION_FIELDS,
    current_projection,
    staged_projection,
    with_selected_prices,
)
from sandbox.commercetools.query import (
    Parameters,
    Query,
    expanded,
    flag,
    read_query,
    run_query,
    run_query_on,
)
from sandbox.commercetools.standalone_prices import PATH as STANDALONE_PATH
from sandbox.commercetools.standalone_prices import refuse_locked
from sandbox.commercetools.state import Collection, Context, Project
from sandbox.commercetools.store import CommercetoolsStore
from sandbox.commercetools.subscription_routes import ADMIN_ROUTES
from sandbox.commercetools.subscriptions import DISTURBED, HEALTHY, SUBSCRIPTIONS, create, to_try_out
from sandbox.faults import Faults, install_faults
from sandbox.request_line import RequestLineLimit

CHECK_OUT = "/_admin/check-out"
CORRELATION = "x-correlation-id"
EXTERNAL_USER = "x-external-user-id"
HEALTH = [SUBSCRIPTIONS.path, "health"]

UNSERVED = (
    "localeProjection",
    "storeProjection",
    "filter[attributes]",
    "priceCustomerGroup",
    "priceRecurrencePolicy",
)
"""Projection parameters that exist and are refused here, so that nobody believes they had an effect."""

_encoder = msgspec.json.Encoder()


@dataclass
class Call:
    """One request, read."""

    method: str
    store: CommercetoolsStore
    project: Project
    segments: list[str]
    parameters: Parameters
    body: bytes
    context: Context
    tried: Json | None = None
    """The subscription whose destination has been tried out for this request."""

    def json(self) -> Any:
        """The body. Raises `InvalidJsonInput`."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise invalid_json(str(error)) from error

    def parameter(self, name: str) -> str | None:
        return next((value for given, value in self.parameters if given == name), None)

    def expand(self) -> list[str]:
        return [value for name, value in self.parameters if name == "expand"]


def create_app(store: CommercetoolsStore, faults: Faults) -> FastAPI:
    """The stand-in as an ASGI app. `app.state.store` is the store."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store.deliveries.open()
        yield
        await asyncio.to_thread(store.deliveries.close)

    app = FastAPI(
        title="commercetools stand-in", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.state.store = store
    gate = _Gate(store)

    async def token(request: Request) -> Response:
        body = await request.body()
        try:
            with store.lock:
                answer = store.authority.grant(request.headers, body, request.url.query, store.token_lifetime)
        except ApiError as error:
            return _error(error, request)
        return _answer(200, answer, request)

    async def shop(request: Request) -> Response:
        """A check-out from outside: the body is a `Basket`. No part of the API, where a cart becomes an order."""
        body = await request.body()
        try:
            with store.lock:
                token = store.authority.read(request.headers)
                store.authority.demand(token, store.project_key, ("manage_orders",))
                answer = store.check_out(msgspec.json.decode(body, type=Basket))
        except msgspec.ValidationError as problem:
            return _error(invalid_json(str(problem)), request)
        except ApiError as error:
            return _error(error, request)
        return _answer(201, answer, request)

    async def project(request: Request) -> Response:
        body = await request.body()
        try:
            async with gate:
                status, answer = await _handle(store, request, body)
                if request.method == "HEAD" and isinstance(answer, dict) and answer.get("count") == 0:
                    status = 404
        except ApiError as error:
            return _error(error, request)
        return _answer(status, answer, request)

    app.router.routes.extend(
        [
            Route("/oauth/token", token, methods=["POST"]),
            Route(CHECK_OUT, shop, methods=["POST"]),
            *ADMIN_ROUTES,
            Route("/{path:path}", project, methods=["GET", "HEAD", "POST", "DELETE"]),
        ]
    )
    app.add_middleware(RequestLineLimit)
    install_faults(app, faults)
    return app


class _Gate:
    """Lets in as many requests as the store's switches allow."""

    def __init__(self, store: CommercetoolsStore) -> None:
        self._store = store
        self._inside = 0
        self._tokens = 0.0
        self._filled = time.monotonic()

    async def __aenter__(self) -> None:
        capacity = self._store.capacity
        if (capacity is not None and self._inside >= capacity) or not self._within_rate():
            raise ApiError(
                503, "OverCapacity", "The service is having trouble handling the load. Please retry later."
            )
        self._inside += 1
        if self._store.latency:
            await asyncio.sleep(self._store.latency)

    async def __aexit__(self, *error: object) -> None:
        self._inside -= 1

    def _within_rate(self) -> bool:
        rate = self._store.rate
        if rate is None:
            return True
        now = time.monotonic()
        self._tokens = min(max(rate, 1.0), self._tokens + (now - self._filled) * rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _answer(status: int, document: Any, request: Request) -> Response:
    content = b"" if request.method == "HEAD" else _encoder.encode(document)
    return Response(content, status, headers=_headers(request), media_type="application/json; charset=utf-8")


def _error(error: ApiError, request: Request) -> Response:
    response = _answer(error.status, error.body(), request)
    response.headers.update(error.headers)
    return response


def _headers(request: Request) -> dict[str, str]:
    given = request.headers.get(CORRELATION)
    store: CommercetoolsStore = request.app.state.store
    return {"X-Correlation-ID": given or f"sandbox/{store.new_id()}"}


async def _handle(store: CommercetoolsStore, request: Request, body: bytes) -> tuple[int, Any]:
    with store.lock:
        call, handler = _read(store, request, body)
        if not _must_try_out(call):
            return handler(call)
    # Somebody else's queue is waited for without the lock, and without holding up other requests.
    assert call.tried is not None
    await asyncio.to_thread(store.deliveries.try_out, call.project.key, call.tried)
    with store.lock:
        return handler(call)


def _must_try_out(call: Call) -> bool:
    """Whether the request gives a subscription a destination, which `call.tried` then has."""
    if call.method != "POST" or call.segments[0] != SUBSCRIPTIONS.path:
        return False
    collection = call.project.collection(SUBSCRIPTIONS.path)
    found = _named(collection, call.segments[1]) if call.segments[1:] else None
    call.tried = to_try_out(call.context, collection, found, call.json())
    return call.tried is not None


def _read(store: CommercetoolsStore, request: Request, body: bytes) -> tuple[Call, Handler]:
    """The request, and who answers it. Raises what it is refused with before anybody looks at what it asks for."""
    key, *segments = request.scope["path"].strip("/").split("/")
    project = store.projects.get(key)
    if project is not None and request.method == "GET" and segments[:1] + segments[2:] == HEALTH:
        return Call("GET", store, project, segments, [], b"", Context(project)), _health
    token = store.authority.read(request.headers)
    if project is None:
        raise no_such_uri(request.scope["path"])
    context = Context(project, token.client_id, request.headers.get(EXTERNAL_USER))
    method = "GET" if request.method == "HEAD" else request.method
    call = Call(method, store, project, segments, request.query_params.multi_items(), body, context)
    scopes, handler = _routed(call)
    store.authority.demand(token, key, scopes)
    if store.validate_requests is not None and body:
        wrong = store.validate_requests(method, "/".join(segments), call.json())
        if wrong is not None:
            raise invalid_json(wrong)
    return call, handler


Handler = Callable[[Call], tuple[int, Any]]


def _routed(call: Call) -> tuple[tuple[str, ...], Handler]:
    """The scopes of which one is needed, and who answers."""
    match call.method, call.segments:
        case "GET", []:
            return ("view_project_settings",), _project
        case "GET", ["product-projections", *_]:
            staged = flag(call.parameters, "staged", default=False)
            scopes = ("view_products",) if staged else ("view_products", "view_published_products")
            return scopes, _projections
        case "GET", ["product-selections", _, "products"]:
            return ("view_product_selections",), _selected_products
        case _, ["custom-objects", *_]:
            kind = CUSTOM_OBJECTS
            return kind.scopes_to("view" if call.method == "GET" else "manage"), _custom_objects
        case "POST", [SUBSCRIPTIONS.path, *rest] if len(rest) <= 1:
            return SUBSCRIPTIONS.scopes_to("manage"), _subscriptions
        case _, [path, *rest] if call.project.has(path) and len(rest) <= 1:
            kind = call.project.collection(path).kind
            return kind.scopes_to("view" if call.method == "GET" else "manage"), _resources
    raise no_such_uri("/" + "/".join([call.project.key, *call.segments]))


def _project(call: Call) -> tuple[int, Any]:
    return 200, call.project.settings


# --- any collection --------------------------------------------------------------------------------------------------


def _resources(call: Call) -> tuple[int, Any]:
    collection = call.project.collection(call.segments[0])
    match call.method, call.segments[1:]:
        case "GET", []:
            return 200, _queried(call, collection)
        case "POST", [] | ["import"]:
            if (collection.kind.path == "orders") != (call.segments[1:] == ["import"]):
                raise invalid_input("The sandbox makes orders by import only (POST /orders/import).")
            draft = _object(call)
            if collection.kind.path == STANDALONE_PATH:
                collection.kind.draft.check(draft)
                refuse_locked(call.store, "create", draft)
            created = writing.create(collection, call.context, draft)
            answer = _shown(call, collection, created)
            return 201, {"customer": answer} if collection.kind.path == "customers" else answer
        case "GET", [name]:
            return 200, _shown(call, collection, _named(collection, name))
        case "POST", [name]:
            resource = _named(collection, name)
            update = _object(call)
            if collection.kind.path == STANDALONE_PATH:
                refuse_locked(call.store, "update", resource)
            changed = writing.update(
                collection, call.context, resource, update.get("version"), update.get("actions")
            )
            return 200, _shown(call, collection, changed)
        case "DELETE", [name]:
            resource = _named(collection, name)
            answer = _shown(call, collection, resource)
            # Erased or not, nothing of it is left here; subscriptions are told the difference.
            erased = flag(call.parameters, "dataErasure", default=False)
            writing.delete(collection, call.context, resource, _version(call), erased=erased)
            return 200, answer
    raise no_such_uri("/" + "/".join([call.project.key, *call.segments]))


def _object(call: Call) -> Json:
    document = call.json()
    if not isinstance(document, dict):
        raise invalid_json("expected an object")
    return document


def _version(call: Call) -> int:
    given = call.parameter("version")
    if given is None or not given.isdigit():
        raise malformed("version", "a number is required.")
    return int(given)


def _named(collection: Collection, name: str) -> Json:
    """The resource that the last part of the path names: an id, `key=`, or `order-number=`."""
    prefix, is_named, value = name.partition("=")
    if not is_named:
        return collection.get(id=name)
    if prefix == "key" or (prefix == "order-number" and collection.kind.path == "orders"):
        return collection.get(key=value)
    raise resource_not_found(name)


def _queried(call: Call, collection: Collection) -> Json:
    query = read_query(call.parameters, collection.kind.fields)
    return run_query(collection, query, "answer", collection.kind.render).body()


def _shown(call: Call, collection: Collection, resource: Json) -> Json:
    render = collection.kind.render
    document = render(call.project, resource) if render is not None else resource
    return expanded(call.project, document, call.expand())


# --- product projections ---------------------------------------------------------------------------------------------


def _projections(call: Call) -> tuple[int, Any]:
    for name in UNSERVED:
        if call.parameter(name) is not None:
            raise malformed(name, "the sandbox does not serve this parameter.")
    staged = flag(call.parameters, "staged", default=False)
    mode, render = ("staged", staged_projection) if staged else ("current", current_projection)
    products = call.project.collection("products")
    choose = _price_choice(call)
    if not call.segments[1:]:
        query = read_query(call.parameters, PROJECTION_FIELDS)
        if choose is None:
            return 200, run_query(products, query, mode, render).body()
        # `price` is no part of what is cached, nor of what predicates see.
        page = run_query(products, query, mode, render)
        page.results = [with_selected_prices(_plain(item), choose) for item in page.results]
        return 200, page.body()
    if len(call.segments) > 2:
        raise no_such_uri("/" + "/".join([call.project.key, *call.segments]))
    product = _named(products, call.segments[1])
    document = products.rendered(products.rows[product["id"]], mode, render)
    if document is None:
        raise resource_not_found(call.segments[1])
    if choose is not None:
        document = with_selected_prices(document, choose)
    return 200, expanded(call.project, document, call.expand())


def _plain(item: Any) -> Json:
    decoded: Json = msgspec.json.decode(item) if isinstance(item, msgspec.Raw) else item
    return decoded


def _price_choice(call: Call) -> Callable[[list[Json]], Json | None] | None:
    currency, country, channel = (
        call.parameter(f"price{name}") for name in ("Currency", "Country", "Channel")
    )
    if currency is None:
        if country is not None or channel is not None:
            raise malformed("priceCurrency", "it is required for price selection.")
        return None
    now = call.store.now()
    return lambda prices: selected_price(prices, currency, country, channel, now)


# --- product selections and custom objects ---------------------------------------------------------------------------


def _selected_products(call: Call) -> tuple[int, Any]:
    selection = _named(call.project.collection("product-selections"), call.segments[1])
    query = read_query(call.parameters, frozenset({"product", "variantSelection", "variantExclusion"}))
    return 200, run_query_on(call.project, selection[ASSIGNED].values(), query).body()


def _custom_objects(call: Call) -> tuple[int, Any]:
    collection = call.project.collection(CUSTOM_OBJECTS.path)
    match call.method, call.segments[1:]:
        case "POST", []:
            stored, is_new = upsert(call.context, collection, _object(call))
            return (201 if is_new else 200), stored
        case "GET", []:
            return 200, _queried(call, collection)
        case "GET", [container]:
            return 200, _in_container(call, collection, container)
        case "GET", [container, key]:
            return 200, _custom_object(collection, container, key)
        case "DELETE", [container, key]:
            found = _custom_object(collection, container, key)
            version = _version(call) if call.parameter("version") is not None else found["version"]
            return 200, writing.delete(collection, call.context, found, version)
    raise no_such_uri("/" + "/".join([call.project.key, *call.segments]))


def _in_container(call: Call, collection: Collection, container: str) -> Json:
    given = [
        *call.parameters,
        ("where", "container = :sandboxContainer"),
        ("var.sandboxContainer", container),
    ]
    query: Query = read_query(given, collection.kind.fields)
    return run_query(collection, query, "answer").body()


def _custom_object(collection: Collection, container: str, key: str) -> Json:
    found = collection.find_by("place", (container, key))
    if found is None:
        raise resource_not_found(f"{container}/{key}")
    return found


# --- subscriptions ---------------------------------------------------------------------------------------------------


def _subscriptions(call: Call) -> tuple[int, Any]:
    """Creation and updates; where a destination was tried out, its receiver hears of it now."""
    collection = call.project.collection(SUBSCRIPTIONS.path)
    if call.segments[1:]:
        status, answer = _resources(call)
        stored = collection.get(id=answer["id"])
    else:
        stored = create(call.context, collection, _object(call), call.tried)
        status, answer = 201, _shown(call, collection, stored)
    if call.tried is not None:
        call.store.deliveries.greet(call.project.key, stored)
    return status, answer


def _health(call: Call) -> tuple[int, Any]:
    """For monitoring, which has no token: the status as a status code."""
    status = _named(call.project.collection(SUBSCRIPTIONS.path), call.segments[1])["status"]
    return {HEALTHY: 200, DISTURBED: 503}.get(status, 400), {}
