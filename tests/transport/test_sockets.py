"""The same rules over real connections: cut, silent, dripping and truncated answers."""

from __future__ import annotations

import asyncio
import socket

import pytest

from retail_sync.records.errors import SystemUnavailable, UnknownOutcome
from tests.support.sinks import MemorySink
from tests.transport.doubles import client, talking_server

pytestmark = pytest.mark.anyio

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
CUT = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"ok":'
CUT_CHUNK = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ok"\r\n'
NO_ANSWER = b""
GARBAGE = b"SSH-2.0-OpenSSH\r\n\r\n"
BROKEN_GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"


@pytest.mark.parametrize("broken", [CUT, CUT_CHUNK, NO_ANSWER, GARBAGE, BROKEN_GZIP])
async def test_a_read_survives_a_broken_answer_and_a_write_does_not_guess(broken: bytes) -> None:
    async with talking_server(broken, OK) as (base, heard), client(None, base=base) as one:
        assert (await one.request("GET", "/products")).json() == {"ok": True}
        assert len(heard) == 2
    async with talking_server(broken, OK) as (base, heard), client(None, base=base) as one:
        with pytest.raises(UnknownOutcome):
            await one.request("POST", "/products", json={})
        assert len(heard) == 1


async def test_silence_is_bounded() -> None:
    sink = MemorySink()
    async with (
        talking_server(None, OK) as (base, heard),
        client(None, base=base, timeout=1, sink=sink) as one,
    ):
        assert (await one.request("GET", "/products")).status == 200
        assert len(heard) == 2
    assert "ReadTimeout" in (sink.exchanges[0].error or "")


async def test_an_answer_that_drips_for_ever_is_bounded_as_a_whole() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client(None, base=base, timeout=1) as one:
        with pytest.raises(UnknownOutcome, match="no complete answer within"):
            await one.request("POST", "/products", json={})  # it would drip for half an hour


async def test_a_refused_connection_is_not_an_unknown_outcome() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with client(None, base=base) as one:
            with pytest.raises(SystemUnavailable, match="could not be sent"):
                await one.request("POST", "/products", json={})


async def test_connections_are_reused() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(OK)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client(None, base=base) as one:
        for _ in range(10):
            await one.request("GET", "/products")
    assert connections == 1


async def test_the_proxy_of_the_environment_is_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with talking_server(OK) as (base, _), client(None, base=base, retries=0) as one:
        assert (await one.request("GET", "/products")).status == 200
