"""What a sender is answered: a status, and next to nothing else.

An answer never repeats what came, and never says which check failed. Modules raise `Refused` or `ComeAgain`, whose
`reason` is for the log alone: one of a few fixed sentences.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
AGAIN_SECONDS = 30
"""When a sender may come again after 503. Lightspeed and Event Grid follow a plan of their own."""
REFUSED_SECONDS = 60

KEPT, KNOWN = 202, 200
MALFORMED, UNKNOWN_SENDER, NO_SUCH_ADDRESS, TOO_SLOW, TOO_LONG = 400, 401, 404, 408, 413
TOO_MANY_REFUSED, LATER = 429, 503


class Refused(Exception):
    """This request will never be taken, as it is."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


class ComeAgain(Exception):
    """This request can't be taken now, for no fault of its own."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def answer(
    status: int, headers: Mapping[str, str] | None = None, body: bytes = b"", media_type: str | None = None
) -> Response:
    """The answer. Whatever was not taken closes its connection: what of its body was not read would be read by the
    server, for as long as the sender goes on."""
    closing = {"Connection": "close"} if status >= MALFORMED else {}
    return Response(body, status, headers={**HEADERS, **closing, **(headers or {})}, media_type=media_type)
