"""One HTTP server for many tests, each of which puts an app of its own behind it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Stage:
    """Passes every request to the app of the test at hand, while the server stays."""

    app: ASGIApp
    url: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)
