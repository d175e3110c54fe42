"""Misbehaviour on demand: the layer of a stand-in that obeys fault rules before it answers.

`install_faults(app, faults)` must be the last thing done to an app, so that the fault layer is its outermost
middleware. Everything below `/_admin` goes past the faults and past the request log.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.fault_rules import (
    ADMIN_PREFIX,
    CUT,
    LISTS,
    LOGGED_BODY_CHARS,
    FaultKind,
    FaultRule,
    Faults,
    LoggedRequest,
)

__all__ = [
    "ADMIN_PREFIX",
    "CUT",
    "ConnectionCut",
    "FaultKind",
    "FaultMiddleware",
    "FaultRule",
    "Faults",
    "LoggedRequest",
    "install_faults",
]

_RULES = TypeAdapter(list[FaultRule])


class ConnectionCut(Exception):
    """The connection was closed on purpose, and the server at hand offers no way to do it silently."""


class FaultMiddleware:
    """Pure ASGI: reads the request, asks the rules, and spoils the answer where one strikes."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(ADMIN_PREFIX):
            await self.app(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:
            return
        method, path = scope["method"], scope["path"]
        query = scope["query_string"].decode("latin-1")
        rule = self.faults.strike(method, path, query, body)
        entry = LoggedRequest(
            n=0,
            method=method,
            path=path,
            query=query,
            status=None,
            fault=rule.kind if rule is not None else None,
            at=datetime.now(UTC).isoformat(),
            millis=None,
            body=body[:LOGGED_BODY_CHARS].decode("utf-8", "replace"),
            headers=_logged_headers(scope),
        )
        self.faults.log(entry)
        await self._answer(rule, scope, _Replay(body, receive), _Answer(send, entry))

    async def _answer(self, rule: FaultRule | None, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if rule is None:
            await self._answer_truly(scope, receive, answer)
            return
        if rule.kind in ("status", "429", "html"):
            await asyncio.sleep(rule.delay)
            await answer.send_whole(*_prepared(rule))
            return
        if rule.kind == "timeout_before":
            await asyncio.sleep(rule.delay)
            await _cut(scope)
            return
        if rule.kind == "slow":
            await asyncio.sleep(rule.delay)
            await self.app(scope, receive, answer.send)
            return
        kept = await self._kept(scope, receive)
        await asyncio.sleep(rule.delay)
        if rule.kind == "status_after":
            await answer.send_whole(*_prepared(rule))
        elif rule.kind == "timeout_after":
            await _cut(scope)
        elif rule.kind == "cut":
            await answer.send_start(kept.status, kept.headers)
            await answer.send_part(kept.body[: max(1, len(kept.body) // 2)])
            await _cut(scope)
        elif rule.kind == "truncate_json":
            await answer.send_whole(kept.status, kept.headers, kept.body[: len(kept.body) // 2])
        elif rule.kind in LISTS:
            await answer.send_whole(kept.status, kept.headers, self.faults.spoiled(rule, kept.body))
        else:
            await answer.send_whole(kept.status, kept.headers, _without_fields(kept.body, set(rule.fields)))

    async def _answer_truly(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if not self.faults.shows_the_past:
            await self.app(scope, receive, answer.send)
            return
        kept = await self._kept(scope, receive)
        self.faults.remember(kept.body)
        await answer.send_whole(kept.status, kept.headers, kept.body)

    async def _kept(self, scope: Scope, receive: Receive) -> _Kept:
        kept = _Kept()
        await self.app(scope, receive, kept.send)
        return kept


async def _read_body(receive: Receive) -> bytes | None:
    """None where the connection ended before the body did: no server carries out half a request."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


class _Replay:
    """Hands the body that was read here to the app once more, then whatever the server says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()


class _Answer:
    """The way to the client, noting the status that leaves."""

    def __init__(self, send: Send, entry: LoggedRequest) -> None:
        self._send = send
        self._entry = entry
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        # Noted before it leaves, so that whoever has the answer also finds it in the log.
        if message["type"] == "http.response.start":
            self._entry.status = message["status"]
            self._entry.millis = round((time.perf_counter() - self._started) * 1000, 3)
        await self._send(message)

    async def send_start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def send_part(self, body: bytes, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def send_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        plain = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        await self.send_start(status, [*plain, (b"content-length", str(len(body)).encode())])
        await self.send_part(body, more=False)


class _Kept:
    """An answer of the app that is held back."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


async def _cut(scope: Scope) -> None:
    """Closes the connection without another byte; needs the protocol class of `sandbox.server`."""
    close = scope.get(CUT)
    if close is None:
        raise ConnectionCut("Serve this app with sandbox.server.SandboxServer to cut connections silently.")
    close()
    await asyncio.sleep(
        0.01
    )  # lets the event loop tell the server that the connection is gone, before we return


def _prepared(rule: FaultRule) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    headers = {name.lower(): value for name, value in rule.headers.items()}
    if rule.kind == "html":
        status = rule.status or 200
        page = rule.body if isinstance(rule.body, str) else _PAGE
        headers.setdefault("content-type", "text/html; charset=utf-8")
        return status, _encoded(headers), page.encode()
    status = rule.status or (429 if rule.kind == "429" else 503)
    style = rule.retry_after_style or ("seconds" if rule.kind == "429" else "none")
    if style == "seconds":
        headers.setdefault("retry-after", f"{rule.retry_after:g}")
    elif style == "date":
        moment = datetime.now(UTC) + timedelta(seconds=rule.retry_after)
        headers.setdefault("retry-after", format_datetime(moment, usegmt=True))
    body = (
        rule.body if rule.body is not None else {"statusCode": status, "message": "Ordered by a fault rule."}
    )
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return status, _encoded(headers), body.encode()
    headers.setdefault("content-type", "application/json")
    return status, _encoded(headers), json.dumps(body).encode()


_PAGE = (
    "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
)


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _logged_headers(scope: Scope) -> dict[str, str]:
    """Headers a test may ask about; the one that carries a secret is left out."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name != b"authorization"
    }


def _without_fields(body: bytes, names: set[str]) -> bytes:
    try:
        document = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_pruned(document, names)).encode()


def _pruned(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [_pruned(item, names) for item in value]
    return value


def install_faults(app: FastAPI, faults: Faults) -> None:
    """Makes `app` obey `faults` and answer for them below `/_admin`. Call it last; `app.state.faults` holds them."""

    async def rules(request: Request) -> Response:
        if request.method == "POST":
            try:
                given = _RULES.validate_json(await request.body())
            except ValidationError as wrong:
                return JSONResponse({"message": str(wrong)}, status_code=400)
            faults.add(*given)
        elif request.method == "DELETE":
            faults.clear()
        return JSONResponse(faults.counts())

    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            faults.clear_requests()
            return JSONResponse([])
        return JSONResponse([asdict(entry) for entry in _selected(faults.requests, request)])

    app.state.faults = faults
    app.router.routes[:0] = [
        Route(f"{ADMIN_PREFIX}/faults", rules, methods=["GET", "POST", "DELETE"]),
        Route(f"{ADMIN_PREFIX}/requests", requests, methods=["GET", "DELETE"]),
    ]
    app.add_middleware(FaultMiddleware, faults=faults)


def _selected(entries: Iterable[LoggedRequest], request: Request) -> list[LoggedRequest]:
    """The log narrowed by `method`, `path` (regular expression) and `since` (a number `n`), all optional."""
    method, path = request.query_params.get("method"), request.query_params.get("path")
    since = int(request.query_params.get("since", "0"))
    return [
        entry
        for entry in entries
        if entry.n > since
        and (method is None or entry.method == method.upper())
        and (path is None or re.search(path, entry.path) is not None)
    ]
