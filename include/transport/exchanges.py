"""Building exchanges, and sinks that keep them in memory or not at all."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from include.transport.faces import Exchange, ExchangeSink
from include.transport.redaction import Redactor
from include.transport.withholding import Withhold

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


def hand_over(sink: ExchangeSink, exchange: Exchange) -> None:
    """Give an exchange to its sink. A broken audit trail must not turn a write that succeeded into an unknown one,
    so a sink that raises against its contract is reported and survived."""
    try:
        sink.record(exchange)
    except Exception as problem:
        log.warning("exchange %s could not be recorded: %s", exchange.id, type(problem).__name__)


def build_exchange(
    request: httpx.Request,
    response: httpx.Response | None,
    *,
    id: str,
    system: str,
    redactor: Redactor,
    started_at: datetime,
    elapsed: float,
    attempt: int,
    context: Mapping[str, str],
    error: str | None,
    withhold: Withhold,
    parsed: Any = None,
) -> Exchange:
    """The redacted record of one request. `withhold`: nothing of either body may be shown, or only its shape."""
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
        attempt=attempt,
        request_headers=redactor.headers(request.headers),
        request_body=shown(sent, request.headers),
        response_headers=redactor.headers(response.headers) if response is not None else {},
        response_body=shown(received, response.headers, parsed) if response is not None else None,
        correlation_id=_correlation_id(request, response),
        error=None if error is None else redactor.free_text(error),
        context=dict(context),
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
