"""Building exchanges, and sinks that keep them in memory or not at all."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from retail_sync.transport.faces import Exchange, ExchangeSink
from retail_sync.transport.redaction import Redactor
from retail_sync.transport.withholding import Withhold

log = logging.getLogger(__name__)

CORRELATION_HEADERS = ("x-correlation-id", "x-request-id", "cf-ray")
"""Where systems put the name under which their support finds a request. The first one present counts."""


class NullSink:
    """Keeps nothing."""

    def record(self, exchange: Exchange) -> None:
        return


class MemorySink:
    """Keeps all exchanges in order; for tests and measurements."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def record(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def count(self, method: str | None = None, *, contains: str = "") -> int:
        """How many requests went out, by method and by a part of the address."""
        return sum(
            1
            for exchange in self.exchanges
            if (method is None or exchange.method == method) and contains in exchange.url
        )


def recorded(
    sink: ExchangeSink,
    request: httpx.Request,
    response: httpx.Response | None,
    *,
    id: str,
    system: str,
    redactor: Redactor,
    started_at: datetime,
    elapsed: float,
    error: str | None,
    withhold: Withhold,
) -> None:
    """Hand the record of one request to the sink. Never raises: a broken audit trail must not turn a write that
    succeeded into an unknown one. What can't be shown is recorded without its bodies."""
    shared: dict[str, Any] = {"id": id, "system": system, "started_at": started_at, "elapsed": elapsed}
    try:
        exchange = build_exchange(
            request, response, redactor=redactor, error=error, withhold=withhold, **shared
        )
    except Exception as problem:
        log.warning("exchange %s could not be shown: %s", id, type(problem).__name__)
        exchange = _bare_exchange(request, response, why=type(problem).__name__, **shared)
    try:
        sink.record(exchange)
    except Exception as problem:
        log.warning("exchange %s could not be recorded: %s", id, type(problem).__name__)


def _bare_exchange(
    request: httpx.Request, response: httpx.Response | None, *, why: str, **shared: Any
) -> Exchange:
    """Of a request that could not be shown: that it was sent, where to, and what was answered."""
    return Exchange(
        **shared,
        method=request.method,
        url=f"{request.url.scheme}://{urlsplit(str(request.url)).hostname}",
        status=response.status_code if response is not None else None,
        attempt=request.extensions.get("attempt", 1),
        request_headers={},
        request_body=None,
        response_headers={},
        response_body=None,
        correlation_id=None,
        error=f"the exchange could not be shown ({why})",
        context=dict(request.extensions.get("context", {})),
    )


def build_exchange(
    request: httpx.Request,
    response: httpx.Response | None,
    *,
    id: str,
    system: str,
    redactor: Redactor,
    started_at: datetime,
    elapsed: float,
    error: str | None,
    withhold: Withhold,
) -> Exchange:
    """The redacted record of one request. `withhold`: nothing of either body may be shown, or only its shape."""
    parsed = response.extensions.get("parsed") if response is not None else None
    sent = _sent(request)
    received = response.content if response is not None else b""

    def shown(content: bytes, headers: httpx.Headers, value: Any = None) -> str | None:
        if withhold == "shape":
            return redactor.shape(content, value)
        if withhold:
            return redactor.withheld(content)
        return redactor.body(content, headers.get("content-type", ""), value)

    return Exchange(
        id=id,
        system=system,
        method=request.method,
        url=redactor.url(str(request.url), withhold=withhold == "shape"),
        status=response.status_code if response is not None else None,
        started_at=started_at,
        elapsed=elapsed,
        attempt=request.extensions.get("attempt", 1),
        request_headers=redactor.headers(request.headers),
        request_body=shown(sent, request.headers),
        response_headers=redactor.headers(response.headers) if response is not None else {},
        response_body=shown(received, response.headers, parsed) if response is not None else None,
        correlation_id=_correlation_id(request, response),
        error=None if error is None else redactor.free_text(error),
        context=dict(request.extensions.get("context", {})),
    )


def _sent(request: httpx.Request) -> bytes:
    try:
        return request.content
    except (
        httpx.RequestNotRead
    ):  # a streamed upload: its content type is told, its bytes are nobody's business
        return b"\0" * int(request.headers.get("content-length", "0") or 0)


def _correlation_id(request: httpx.Request, response: httpx.Response | None) -> str | None:
    for headers in (response.headers if response is not None else None, request.headers):
        for name in CORRELATION_HEADERS:
            if headers is not None and headers.get(name):
                return str(headers[name])
    return None
