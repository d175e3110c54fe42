"""What the routes share: the store of an app, tokens and scopes, JSON in and out, paging."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as Dependency
from starlette.responses import Response

from sandbox.lightspeed.errors import ApiError, bad_request, not_found
from sandbox.lightspeed.numerals import decode, encode
from sandbox.lightspeed.rows import Row, Table
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.tokens import Access

LEGACY_VERSIONS = frozenset({"2.0", "2.1", "3.0"})
NEWEST_DATE_VERSION = "2026-07"
"""2026-10 has other product shapes, which this stand-in does not serve; earlier dates reach the same routes, as an
end-of-life version is answered by another one without a word."""

R = TypeVar("R", bound=Row)
Given = dict[str, Any]
Action = Callable[..., Response]
Body = Callable[[Request], Awaitable[Any]]


def store_of(request: Request) -> LightspeedStore:
    """The shop behind the app."""
    store: LightspeedStore = request.app.state.lightspeed_store
    return store


def scoped(*scopes: str) -> Dependency:
    """A route's guard: a version that is served, a valid token, and every scope named. Raises 404, 401 or 403."""

    async def guard(request: Request) -> None:
        check_version(request.path_params["version"])
        access = store_of(request).tokens.check(request.headers.get("authorization"))
        access.require(scopes)
        request.state.access = access

    dependency: Dependency = Depends(guard)
    return dependency


def routed(
    router: APIRouter, method: str, path: str, *scopes: str, body: Body | None = None, is_open: bool = False
) -> Callable[[Action], Action]:
    """A route that asks for these scopes, or for none and no token either where it `is_open`. Its function works under
    the store's lock; it gets the store, the request, what `body` reads of it, and the variables of the path."""

    def register(action: Action) -> Action:
        async def handler(request: Request) -> Response:
            given = [] if body is None else [await body(request)]
            named = {name: value for name, value in request.path_params.items() if name != "version"}
            store = store_of(request)
            with store.lock:
                return action(store, request, *given, **named)

        guard = [] if is_open else [scoped(*scopes)]
        router.add_api_route(path, handler, methods=[method], dependencies=guard)
        return action

    return register


def check_version(version: str) -> None:
    """Raises 404 for a version that isn't served here."""
    is_date = re.fullmatch(r"20\d\d-(01|04|07|10)", version) is not None
    if version not in LEGACY_VERSIONS and not (is_date and version <= NEWEST_DATE_VERSION):
        raise not_found(f"API version {version}")


def access_of(request: Request) -> Access:
    """The token the guard has let through."""
    access: Access = request.state.access
    return access


async def body_of(request: Request) -> Any:
    """The JSON of the request, fractions as Decimal. Raises 400."""
    try:
        return decode(await request.body())
    except ValueError as wrong:
        raise bad_request(f"Request body is not valid JSON: {wrong}") from None


async def object_of(request: Request) -> dict[str, Any]:
    """The JSON object of the request. Raises 400."""
    given = await body_of(request)
    if not isinstance(given, dict):
        raise bad_request("Request body must be a JSON object")
    return given


def answer(content: Any, status: int = 200) -> Response:
    """JSON."""
    return Response(encode(content), status, media_type="application/json")


def data(content: Any, status: int = 200) -> Response:
    """JSON inside `{"data": ...}`."""
    return answer({"data": content}, status)


def nothing(status: int) -> Response:
    """A status and no body."""
    return Response(status_code=status)


def number_of(request: Request, name: str, default: int | None = None) -> int | None:
    """A whole number of the query. Raises 400."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise bad_request(f"{name} must be a whole number")
    return int(text)


def flag_of(request: Request, name: str, default: bool = False) -> bool:
    """A yes or no of the query."""
    text = request.query_params.get(name)
    return default if text is None else text.lower() in ("true", "1")


def known_fields(request: Request, fields: dict[str, Any], dated: frozenset[str]) -> dict[str, Any]:
    """The fields that the version asked for knows: those that are `dated` are news to the legacy ones."""
    if not dated or request.path_params["version"] not in LEGACY_VERSIONS:
        return fields
    return {name: value for name, value in fields.items() if name not in dated}


def page_size_of(request: Request, default: int | None = None, most: int | None = None) -> int:
    """`page_size`, silently brought into range."""
    options = store_of(request).options
    size = number_of(request, "page_size", default or options.page_size_default)
    return max(1, min(size or 1, most or options.page_size_max))


def page_of(request: Request, table: Table[R], most: int | None = None) -> list[R]:
    """The rows `after`, `before`, `deleted` and `page_size` ask for, in ascending versions."""
    return table.page(
        number_of(request, "after", 0) or 0,
        number_of(request, "before"),
        flag_of(request, "deleted"),
        page_size_of(request, most=most),
    )


def envelope(
    request: Request, rows: Sequence[Row], wires: Iterable[Any], with_version: bool = True
) -> Response:
    """A list: its rows and the range of their versions, which is null and null on the page past the end."""
    content: dict[str, Any] = {"data": list(wires)}
    if with_version and not store_of(request).options.drop_version_envelope:
        versions = [row.version for row in rows]
        content["version"] = {"min": min(versions, default=None), "max": max(versions, default=None)}
    return answer(content)


def found(table: Table[R], row_id: str, kind: str) -> R:
    """The row. Raises 404."""
    row = table.find(row_id)
    if row is None:
        raise not_found(kind)
    return row


async def refused(_: Request, error: Exception) -> Response:
    """An `ApiError` as the answer it stands for."""
    assert isinstance(error, ApiError)
    return answer(error.body, error.status)


async def unknown_route(_: Request, error: Exception) -> Response:
    """404 and 405 of the router, in the API's way of saying so."""
    status = getattr(error, "status_code", 404)
    return answer({"error": "Method Not Allowed" if status == 405 else "Not Found"}, status)
