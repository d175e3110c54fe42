"""Routes below `/_admin` for those who run the stand-in: deliveries, their switches, and the receivers behind topics.

They ask for no token. The same things can be done in Python on `CommercetoolsStore.deliveries`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.commercetools.deliveries import Deliveries
from sandbox.commercetools.destinations import PushEndpoints
from sandbox.commercetools.errors import ApiError, Json, invalid_json, resource_not_found
from sandbox.commercetools.store import CommercetoolsStore
from sandbox.fault_rules import ADMIN_PREFIX

Answer = Callable[[Request], Awaitable[Response]]


async def options(request: Request) -> Response:
    """All switches (`DeliveryOptions`); a POST sets those named in the body."""
    deliveries = _deliveries(request)
    if request.method == "POST":
        deliveries.configure(**await _object(request))
    return JSONResponse(deliveries.options.model_dump())


async def push_endpoints(request: Request) -> Response:
    """The receivers behind topics (`PushEndpoints`), without their secrets; a POST adds to them."""
    carrier = _deliveries(request).carrier
    if request.method == "POST":
        carrier.set_endpoints(PushEndpoints.model_validate(await _object(request)))
    elif request.method == "DELETE":
        carrier.clear_endpoints()
    return JSONResponse(carrier.endpoints.shown())


async def log(request: Request) -> Response:
    """The deliveries so far, oldest first, narrowed by `key` of the subscription and `since` (a number `n`)."""
    deliveries = _deliveries(request)
    if request.method == "DELETE":
        deliveries.clear_log()
    key, since = request.query_params.get("key"), int(request.query_params.get("since", "0"))
    found = [each for each in deliveries.log if each.n > since and key in (None, each.key)]
    return JSONResponse([each.shown() for each in found])


async def flush(request: Request) -> Response:
    """An attempt now for all that waits; answers when it was made, with figures."""
    return JSONResponse(await asyncio.to_thread(_deliveries(request).flush))


async def status(request: Request) -> Response:
    """`{"status": ...}` for the subscription with this key; `?project=` of another project."""
    store: CommercetoolsStore = request.app.state.store
    project = request.query_params.get("project", store.project_key)
    if project not in store.projects:
        raise resource_not_found(project)
    given = await _object(request)
    found = store.deliveries.set_status(request.path_params["key"], str(given.get("status")), project)
    return JSONResponse({"key": found["key"], "status": found["status"]})


def _deliveries(request: Request) -> Deliveries:
    store: CommercetoolsStore = request.app.state.store
    return store.deliveries


async def _object(request: Request) -> Json:
    given = await request.json()
    if not isinstance(given, dict):
        raise invalid_json("expected an object")
    return given


def _refusing(answer: Answer) -> Answer:
    """The same, with refusals in the words of the API."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except ApiError as refused:
            problem = refused
        except (ValidationError, ValueError, TimeoutError) as wrong:
            problem = invalid_json(str(wrong))
        return JSONResponse(problem.body(), status_code=problem.status)

    return answered


def _route(path: str, answer: Answer, *methods: str) -> Route:
    return Route(f"{ADMIN_PREFIX}/{path}", _refusing(answer), methods=list(methods))


ADMIN_ROUTES = (
    _route("options", options, "GET", "POST"),
    _route("push-endpoints", push_endpoints, "GET", "POST", "DELETE"),
    _route("subscriptions/deliveries", log, "GET", "DELETE"),
    _route("subscriptions/flush", flush, "POST"),
    _route("subscriptions/{key}/status", status, "POST"),
)
