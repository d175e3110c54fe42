"""An answer's body, read only as far as it may be: bounded as it comes and as it is when it is unpacked.

httpx unpacks a compressed piece whole, so that 400 KB of gzip become 860 MB before anybody can say stop. Here a piece
is unpacked only up to the bound.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import httpx

_ANY = zlib.MAX_WBITS | 32
"""gzip or zlib, as the first bytes say."""
ACCEPTED = "gzip, deflate"
"""What requests ask for; anything else can't be unpacked in parts here."""

_UNPACKED_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class AnswerTooLarge(httpx.RequestError):
    """The body is longer than is taken; nothing of it was kept."""


async def read_within(response: httpx.Response, most: int) -> httpx.Response:
    """The response with its whole body, unpacked, of at most `most` bytes. Raises AnswerTooLarge, or
    `httpx.DecodingError` for a body that can't be unpacked."""
    if response.is_stream_consumed:  # it never came over a wire
        if len(response.content) > most:
            raise _too_large(most)
        return response
    unpacked = _Unpacked(response.headers.get("content-encoding", ""), most)
    async for piece in response.aiter_raw():
        unpacked.take(piece)
    return httpx.Response(
        response.status_code,
        headers=[
            (k, v) for k, v in response.headers.raw if k.decode("latin-1").lower() not in _UNPACKED_HEADERS
        ],
        content=unpacked.whole(),
        extensions=response.extensions,
    )


class _Unpacked:
    def __init__(self, encoding: str, most: int) -> None:
        self._most = most
        self._raw = 0
        self._kept = bytearray()
        self._unpack: Callable[[bytes], None] = self._keep
        kind = encoding.strip().lower()
        self._packed: zlib._Decompress | None = None
        if kind in ("gzip", "x-gzip", "deflate"):
            self._packed = zlib.decompressobj(_ANY)
            self._unpack = self._inflate
        elif kind not in ("", "identity"):
            raise httpx.DecodingError("the body comes in an encoding that was not asked for")

    def take(self, piece: bytes) -> None:
        self._raw += len(piece)
        if self._raw > self._most:
            raise _too_large(self._most)
        if piece:
            self._unpack(piece)

    def whole(self) -> bytes:
        if self._packed is not None and self._raw and not self._packed.eof:
            raise httpx.DecodingError("the compressed body ends too early")
        return bytes(self._kept)

    def _keep(self, piece: bytes) -> None:
        self._kept += piece
        if len(self._kept) > self._most:
            raise _too_large(self._most)

    def _inflate(self, piece: bytes) -> None:
        assert self._packed is not None
        room = self._most - len(self._kept) + 1
        try:
            self._keep(self._packed.decompress(piece, room))
        except zlib.error:
            if self._kept:
                raise httpx.DecodingError("the compressed body can't be unpacked") from None
            # Some servers send `deflate` without the wrapping that belongs to it.
            self._packed = zlib.decompressobj(-zlib.MAX_WBITS)
            self._unwrapped(piece, room)

    def _unwrapped(self, piece: bytes, room: int) -> None:
        assert self._packed is not None
        try:
            self._keep(self._packed.decompress(piece, room))
        except zlib.error:
            raise httpx.DecodingError("the compressed body can't be unpacked") from None


def _too_large(most: int) -> AnswerTooLarge:
    return AnswerTooLarge(f"the answer is longer than {most} bytes")
