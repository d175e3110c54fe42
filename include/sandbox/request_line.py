"""The longest request line a gateway lets through: what is longer never reaches the API."""

from __future__ import annotations

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST = 8192
"""Bytes of `METHOD target HTTP/1.1`. Neither vendor documents a limit; 8 KB is what nginx and most load balancers take
by default."""
_PAGE = "<html><head><title>414 Request-URI Too Large</title></head><body><h1>414</h1></body></html>"


class RequestLineLimit:
    """Answers 414 with a page of HTML, as a gateway does, where the request line is longer than `LONGEST`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _length(scope) > LONGEST:
            await HTMLResponse(_PAGE, status_code=414)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _length(scope: Scope) -> int:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return len(scope["method"]) + len(path) + len("?") + len(scope["query_string"]) + len("  HTTP/1.1")
