"""Misbehaviour on demand: rules, decided from a seed, that a stand-in obeys before it answers.

`install_faults(app, faults)` must be the last thing done to an app, so that the fault layer is its outermost
middleware. Everything below `/_admin` goes past the faults and past the request log.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADMIN_PREFIX = "/_admin"
CUT = "sandbox.cut"
"""Scope key under which `include.sandbox.server` puts the function that closes the connection at once."""

LOGGED_REQUESTS = 200_000
LOGGED_BODY_CHARS = 100_000

FaultKind = Literal[
    "status",  # this status without touching the app; the body is the rule's
    "429",  # too many requests, with Retry-After as seconds or as an HTTP date
    "timeout_before",  # nothing is executed; the connection is closed without an answer after `delay`
    "timeout_after",  # the request is executed; the answer is thrown away and the connection closed after `delay`
    "cut",  # the request is executed; half of the body is sent, then the connection is closed
    "truncate_json",  # the request is executed; the body ends half-way but the message looks complete
    "html",  # a web page instead of JSON, without touching the app; status 200 or what `status` says
    "slow",  # the normal answer, `delay` seconds later
    "drop_fields",  # the normal answer without the fields named in `fields`, at any depth
]


class FaultRule(BaseModel):
    """One rule: which requests it meets, how often, and what happens to them."""

    model_config = ConfigDict(extra="forbid")

    match: str = ""
    """Regular expression searched in the path; empty meets every path."""
    query: str | None = None
    """Regular expression searched in the raw query string."""
    body_match: str | None = None
    """Regular expression searched in the request body."""
    method: str | None = None
    kind: FaultKind
    times: int | None = 1
    """How often the rule strikes; null is always."""
    after: int = 0
    """How many matching requests pass untouched first."""
    probability: float = Field(default=1.0, ge=0, le=1)
    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = None
    delay: float = 0.0
    retry_after: float = 1.0
    """Seconds to wait that a `429` (or a `status` with `retry_after_style` set) announces."""
    retry_after_style: Literal["seconds", "date", "none"] | None = None
    fields: list[str] = []


_RULES = TypeAdapter(list[FaultRule])


@dataclass
class LoggedRequest:
    """What a client sent, in the order of arrival, and what became of it."""

    n: int
    method: str
    path: str
    query: str
    status: int | None
    """Null: no status has left, because the answer is still due or the connection was closed."""
    fault: str | None
    at: str
    millis: float | None
    body: str
    headers: dict[str, str]


@dataclass
class _Placed:
    rule: FaultRule
    seen: int = 0
    hits: int = 0


class Faults:
    """The rules in force and the log of requests of one app. Safe to use from the test's thread while the app runs."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._placed: list[_Placed] = []
        self._log: deque[LoggedRequest] = deque(maxlen=LOGGED_REQUESTS)
        self._count = 0

    def add(self, *rules: FaultRule | dict[str, Any]) -> None:
        """Puts rules in force behind those already there; of several that meet a request the first one strikes."""
        checked = [rule if isinstance(rule, FaultRule) else FaultRule.model_validate(rule) for rule in rules]
        with self._lock:
            self._placed.extend(_Placed(rule) for rule in checked)

    def clear(self) -> None:
        """Takes every rule out of force."""
        with self._lock:
            self._placed.clear()

    def counts(self) -> list[dict[str, Any]]:
        """The rules in force with `seen` (requests that matched) and `hits` (requests that were struck)."""
        with self._lock:
            return [{**p.rule.model_dump(mode="json"), "seen": p.seen, "hits": p.hits} for p in self._placed]

    @property
    def requests(self) -> list[LoggedRequest]:
        """Requests so far, oldest first."""
        with self._lock:
            return list(self._log)

    def clear_requests(self) -> None:
        """Forgets the requests logged so far and counts from one again."""
        with self._lock:
            self._log.clear()
            self._count = 0

    def strike(self, method: str, path: str, query: str, body: bytes) -> FaultRule | None:
        """The rule that meets this request, counted as used; none if the request may pass."""
        with self._lock:
            for placed in self._placed:
                rule = placed.rule
                if not _meets(rule, method, path, query, body):
                    continue
                placed.seen += 1
                if placed.seen <= rule.after or (rule.times is not None and placed.hits >= rule.times):
                    continue
                if rule.probability < 1.0 and self._random.random() >= rule.probability:
                    continue
                placed.hits += 1
                return rule
        return None

    def log(self, request: LoggedRequest) -> None:
        """Writes one request into the log and numbers it."""
        with self._lock:
            self._count += 1
            request.n = self._count
            self._log.append(request)


def _meets(rule: FaultRule, method: str, path: str, query: str, body: bytes) -> bool:
    if rule.method is not None and rule.method.upper() != method:
        return False
    if re.search(rule.match, path) is None:
        return False
    if rule.query is not None and re.search(rule.query, query) is None:
        return False
    return rule.body_match is None or re.search(rule.body_match, body.decode("utf-8", "replace")) is not None


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
            await self.app(scope, receive, answer.send)
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
        kept = _Kept()
        await self.app(scope, receive, kept.send)
        await asyncio.sleep(rule.delay)
        if rule.kind == "timeout_after":
            await _cut(scope)
        elif rule.kind == "cut":
            await answer.send_start(kept.status, kept.headers)
            await answer.send_part(kept.body[: max(1, len(kept.body) // 2)])
            await _cut(scope)
        elif rule.kind == "truncate_json":
            await answer.send_whole(kept.status, kept.headers, kept.body[: len(kept.body) // 2])
        else:
            await answer.send_whole(kept.status, kept.headers, _without_fields(kept.body, set(rule.fields)))


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
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
    """Closes the connection without another byte; needs the protocol class of `include.sandbox.server`."""
    close = scope.get(CUT)
    if close is None:
        raise ConnectionCut(
            "Serve this app with include.sandbox.server.SandboxServer to cut connections silently."
        )
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
