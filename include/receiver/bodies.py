"""Reading a request's body, no more of it and no longer than is allowed."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from include.receiver.answers import TOO_LONG, TOO_SLOW, Refused

BODY_SECONDS = 10.0
"""Senders wait for their answer 5 s (Lightspeed) to 30 s; one that takes longer to say it holds memory for nothing."""


async def body_of(request: Request, most_kilobytes: int) -> bytes:
    """The whole body. Raises Refused for one that is too long, whether or not its length is told beforehand, and for
    one that does not come."""
    most = most_kilobytes * 1024
    told = request.headers.get("content-length", "")
    # Whatever else the header says, the server has to make sense of it.
    if told.isascii() and told.isdigit() and (len(told) > len(str(most)) or int(told) > most):
        raise _too_long()
    parts, length = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                length += len(part)
                if length > most:
                    raise _too_long()
                parts.append(part)
    except TimeoutError:
        raise Refused(TOO_SLOW, "the body did not come", closing=True) from None
    return b"".join(parts)


def _too_long() -> Refused:
    return Refused(TOO_LONG, "the body is too long", closing=True)
