"""Building exchanges, and a sink that keeps none."""

from __future__ import annotations

import logging
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Attempt:
    """One request as it went: under which name, when, how long it took, and how it ended. `withhold`: nothing of either
    body may be shown, or only its shape."""

    id: str
    system: str
    started_at: datetime
    elapsed: float
    error: str | None
    withhold: Withhold


def record(
    sink: ExchangeSink,
    attempt: Attempt,
    request: httpx.Request,
    response: httpx.Response | None,
    redactor: Redactor,
) -> None:
    """Hand the record of one request to the sink. Never raises: a broken audit trail must not turn a write that
    succeeded into an unknown one. What can't be shown is recorded without its bodies."""
    try:
        shown = _shown(attempt, request, response, redactor)
    except Exception as problem:
        why = type(problem).__name__
        log.warning("exchange %s could not be shown: %s", attempt.id, why)
        url = f"{request.url.scheme}://{urlsplit(str(request.url)).hostname}"
        shown = {"url": url, "error": f"the exchange could not be shown ({why})"}
    bare: dict[str, Any] = {
        "request_headers": {},
        "request_body": None,
        "response_headers": {},
        "response_body": None,
        "correlation_id": None,
    }
    try:
        sink.record(
            Exchange(
                id=attempt.id,
                system=attempt.system,
                method=request.method,
                status=response.status_code if response is not None else None,
                started_at=attempt.started_at,
                elapsed=attempt.elapsed,
                attempt=request.extensions.get("attempt", 1),
                context=dict(request.extensions.get("context", {})),
                **{**bare, **shown},
            )
        )
    except Exception as problem:
        log.warning("exchange %s could not be recorded: %s", attempt.id, type(problem).__name__)


def _shown(
    attempt: Attempt, request: httpx.Request, response: httpx.Response | None, redactor: Redactor
) -> dict[str, Any]:
    """What of a request and its response may be shown, redacted."""

    def body(content: bytes, headers: httpx.Headers, value: Any = None) -> str | None:
        if attempt.withhold == "shape":
            return redactor.shape(content, value)
        if attempt.withhold:
            return redactor.withheld(content)
        return redactor.body(content, headers.get("content-type", ""), value)

    shown: dict[str, Any] = {
        "url": redactor.url(str(request.url), withhold=attempt.withhold == "shape"),
        "request_headers": redactor.headers(request.headers),
        "request_body": body(_sent(request), request.headers),
        "correlation_id": _correlation_id(request, response),
        "error": None if attempt.error is None else redactor.free_text(attempt.error),
    }
    if response is not None:
        shown["response_headers"] = redactor.headers(response.headers)
        shown["response_body"] = body(response.content, response.headers, response.extensions.get("parsed"))
    return shown


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
