"""Reading a request's body, no more of it and no longer than is allowed.

Whose a body is, most senders say in the address or in a header: then it is read when that is known. A signed webhook is
known by its body alone, so anybody can make us read one. What is held for those who are not known yet has one limit for
all of them together (`Strangers`); where it is reached, whoever has taken longest is given up. A genuine webhook comes
within milliseconds, so strangers that hold connections open keep each other out, and nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from retail_sync.webhooks.answers import TOO_LONG, TOO_SLOW, ComeAgain, Refused

BODY_SECONDS = 10.0
"""Senders wait for their answer 5 s (Lightspeed) to 30 s; one that takes longer to say it holds memory for nothing."""
STRANGERS_BYTES = 32 * 1024 * 1024
"""Bodies of all whose signature is not known yet, in this process. Three of the longest that can be allowed."""


@dataclass(eq=False)
class _Body:
    """A body under way. `given_up`: others needed the room."""

    ends: asyncio.Timeout
    content: bytearray = field(default_factory=bytearray)
    given_up: bool = False

    def give_up(self) -> None:
        self.given_up = True
        self.content = bytearray()
        if not self.ends.expired():
            self.ends.reschedule(asyncio.get_running_loop().time())


class Strangers:
    """Bodies of senders that are not known yet. Belongs to one event loop."""

    def __init__(self, most: int = STRANGERS_BYTES) -> None:
        self._most = most
        self._bodies: list[_Body] = []
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes."""
        return self._held

    async def body_of(self, request: Request, most_kilobytes: int, hashes: Callable[[bytes], None]) -> bytes:
        """As `body_of` below; each part is given to `hashes` as it comes. Raises ComeAgain where it was given up."""
        body: _Body | None = None
        try:
            async with asyncio.timeout(BODY_SECONDS) as ends:
                body = _Body(ends)
                self._bodies.append(body)
                async for part in _parts(request, most_kilobytes):
                    hashes(part)
                    self._take(body, part)
        except TimeoutError:
            if body is None or not body.given_up:
                raise Refused(TOO_SLOW, "the body did not come") from None
        finally:
            if body is not None and not body.given_up:
                self._drop(body)
        if body.given_up:
            raise ComeAgain("bodies of senders not known yet: too many at once")
        return bytes(body.content)

    def _take(self, body: _Body, part: bytes) -> None:
        if body.given_up:
            return
        body.content += part
        self._held += len(part)
        while self._held > self._most:
            oldest = self._bodies[0]
            self._drop(oldest)
            oldest.give_up()

    def _drop(self, body: _Body) -> None:
        self._bodies.remove(body)
        self._held -= len(body.content)


async def body_of(request: Request, most_kilobytes: int) -> bytes:
    """The whole body of a known sender, who has room of its own. Raises Refused for one that is too long, whether or
    not its length is told beforehand, and for one that does not come."""
    return await Strangers(most_kilobytes * 1024).body_of(request, most_kilobytes, lambda part: None)


async def _parts(request: Request, most_kilobytes: int) -> AsyncIterator[bytes]:
    most = most_kilobytes * 1024
    told = request.headers.get("content-length", "")
    # Whatever else the header says, the server has to make sense of it.
    if told.isascii() and told.isdigit() and (len(told) > len(str(most)) or int(told) > most):
        raise _too_long()
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise _too_long()
        yield part


def _too_long() -> Refused:
    return Refused(TOO_LONG, "the body is too long")
