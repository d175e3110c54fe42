"""Refusals of the API: a status and the JSON body that goes with it."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """The request is refused with this status and body."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def bad_request(message: str) -> ApiError:
    """400: the request can't be read."""
    return ApiError(400, {"error": message})


def unauthorized() -> ApiError:
    """401: no token, an unknown one, or one that has expired or was revoked."""
    return ApiError(401, {"error": "Access token is not valid"})


def forbidden() -> ApiError:
    """403: the token lacks a scope."""
    return ApiError(403, {"error": "permission denied"})


def not_found(kind: str) -> ApiError:
    """404 for an id that names nothing alive."""
    return ApiError(404, {"error": f"{kind} not found"})


def conflict(message: str) -> ApiError:
    """409: something of that name is there already."""
    return ApiError(409, {"error": message})


def invalid(message: str, **fields: Any) -> ApiError:
    """422: readable, but against a rule. `fields` names the fields at fault."""
    body: dict[str, Any] = {"error": message}
    if fields:
        body["fields"] = fields
    return ApiError(422, body)
