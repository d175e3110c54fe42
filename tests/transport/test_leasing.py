"""Rule 17: a write is sent only under a fresh lease of its attempt, which is asked for right before its bytes leave."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from retail_sync.records.errors import LeaseLost, NotLeased, SyncError, UnknownOutcome
from retail_sync.records.leases import holding
from retail_sync.transport.auth import RotatingRefresh
from retail_sync.transport.budget import AdaptiveConcurrency
from tests.support.sinks import MemorySink
from tests.transport.doubles import TOKEN_URL, MemoryTokens, client, script, talking_server

pytestmark = pytest.mark.anyio
WRITING = ("POST", "PUT", "PATCH", "DELETE")
SAID = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def standing_lease() -> None:
    """Nobody may write here who holds no lease."""


@dataclass
class CountedLease:
    """Lost when it is asked for the n-th time (`lost_at`); `asked`: for how long it had to last each time."""

    lost_at: int | None = None
    name: str = "products"
    fence: int = 1
    asked: list[float] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)

    async def require(self, seconds: float) -> None:
        self.asked.append(seconds)
        if self.lost_at is not None and len(self.asked) >= self.lost_at:
            raise LeaseLost("Another worker has taken over.")

    def began(self, change_ids: Collection[str]) -> None:
        self.begun.update(change_ids)

    def has_begun(self, change_id: str) -> bool:
        return change_id in self.begun


@pytest.mark.parametrize("method", WRITING)
@pytest.mark.parametrize("safe", [True, False])
async def test_rule_17_what_writes_without_a_lease_is_not_sent(method: str, safe: bool) -> None:
    handler, seen = script()
    async with client(handler) as http:
        with pytest.raises(NotLeased, match="without a lease"):
            await http.request(method, "/products/1", json={}, safe=safe)
    assert seen == []


async def test_what_only_reads_needs_no_lease() -> None:
    handler, seen = script()
    async with client(handler) as http:
        await http.request("GET", "/products")
        await http.request("HEAD", "/products")
        await http.request("POST", "/inventory", json={}, safe=True, reads=True)
    assert len(seen) == 3


async def test_rule_17_what_names_a_change_is_sent_only_after_its_attempt_began() -> None:
    handler, seen = script()
    lease = CountedLease()
    async with client(handler) as http:
        with holding(lease):
            with pytest.raises(NotLeased, match="change c-1, of which no attempt was begun"):
                await http.request("POST", "/products", json={}, context={"change": "c-1"})
            lease.began(["c-1"])
            await http.request("POST", "/products", json={}, context={"change": "c-1"})
            await http.request(
                "POST", "/brands", json={}
            )  # what a write needs on the way has no change of its own
    assert [request.url.path for request in seen] == ["/my-project/products", "/my-project/brands"]


@pytest.mark.parametrize("method", WRITING)
async def test_rule_17_who_was_overtaken_sends_nothing_and_does_not_try_again(method: str) -> None:
    handler, seen = script()
    lease, sink = CountedLease(lost_at=1), MemorySink()
    async with client(handler, sink=sink, retries=3) as http:
        with holding(lease), pytest.raises(LeaseLost):
            await http.request(method, "/products/1", json={}, safe=True)
    assert (seen, len(lease.asked)) == ([], 1)
    assert "LeaseLost" in str(sink.exchanges[0].error)  # the audit trail shows that it was not sent


async def test_rule_17_each_repeat_asks_for_the_lease_again() -> None:
    handler, seen = script(503, 200)
    lease = CountedLease(lost_at=2)
    async with client(handler) as http:
        with holding(lease), pytest.raises(LeaseLost):
            await http.request("PUT", "/products/1", json={}, safe=True)
    assert len(seen) == 1


async def test_rule_17_the_lease_outlasts_the_time_out_of_the_request() -> None:
    handler, _ = script()
    lease = CountedLease()
    async with client(handler, timeout=7.5) as http:
        with holding(lease):
            await http.request("POST", "/products", json={})
    assert lease.asked == [7.5]


async def test_rule_17_the_lease_is_asked_for_after_every_wait() -> None:
    """After the place among requests under way, after the budget, after the token."""
    told: list[str] = []

    class Slow:
        async def acquire(self) -> None:
            told.append("budget")

        async def observe(self, **counts: Any) -> None:
            return

    class Told(CountedLease):
        async def require(self, seconds: float) -> None:
            told.append("lease")

    def handler(request: httpx.Request) -> httpx.Response:
        told.append(request.url.path)
        return httpx.Response(200, json={"access_token": "a", "refresh_token": "r-2", "expires_in": 600})

    async with client(
        handler, budget=Slow(), auth=_auth(MemoryTokens()), concurrency=AdaptiveConcurrency(1, 1)
    ) as http:
        with holding(Told()):
            await http.request("POST", "/products", json={})
    assert told == ["/oauth/token", "budget", "lease", "/my-project/products"]


async def test_rule_17_who_is_overtaken_while_it_waits_for_a_connection_writes_no_byte() -> None:
    """Asked once more when the connection stands: over the real network."""
    async with talking_server(SAID, SAID) as (url, heard), client(None, base=url) as http:
        lease = CountedLease(lost_at=2)
        with holding(lease), pytest.raises(LeaseLost):
            await http.request("POST", "/products", json={})
        assert len(lease.asked) == 2 and lease.asked[1] <= lease.asked[0]
        with holding(CountedLease()):
            await http.request("POST", "/products", json={})
    assert len(heard) == 1


async def test_rule_17_who_is_overtaken_between_head_and_body_sends_no_body() -> None:
    """They leave in two writes; other requests of the worker, or a stop of its process, may come in between. A server
    carries out no request whose body it lacks."""
    bodies: list[bytes | None] = []
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        try:
            bodies.append(await reader.readexactly(length))
            writer.write(SAID)
        except asyncio.IncompleteReadError as cut:
            bodies.append(cut.partial or None)
        finally:
            writer.close()
            closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client(None, base=url) as http:
        with holding(CountedLease(lost_at=3)), pytest.raises(LeaseLost):
            await http.request("POST", "/products", json={"name": "late"})
        await closed.wait()
        assert bodies == [None]
        with holding(CountedLease()):
            await http.request("POST", "/products", json={"name": "in time"})
    assert bodies[1:] == [b'{"name":"in time"}']


async def test_a_lost_lease_is_no_unknown_outcome() -> None:
    """The engine looks a target up after an unknown outcome, and settles: neither is this worker's any more."""
    assert not issubclass(LeaseLost, UnknownOutcome)
    assert issubclass(LeaseLost, SyncError)


# ---------------------------------------------------------------- token refresh


def _auth(store: MemoryTokens) -> RotatingRefresh:
    return RotatingRefresh(
        system="lightspeed", token_url=TOKEN_URL, client_id="app", client_secret="s", refresh_token="r-1",
        store=store, name="shop",
    )  # fmt: skip


async def test_rule_17_a_late_refresher_burns_no_refresh_token() -> None:
    """It was paused with the lock in hand: another worker used the same refresh token meanwhile."""
    handler, seen = script()

    class Overtaken(MemoryTokens):
        def lock(self, name: str) -> Any:
            inner = super().lock(name)

            class Late:
                async def __aenter__(self) -> CountedLease:
                    await inner.__aenter__()
                    return CountedLease(lost_at=1)

                async def __aexit__(self, *problem: Any) -> None:
                    await inner.__aexit__(*problem)

            return Late()

    async with client(handler, auth=_auth(Overtaken())) as http:
        with pytest.raises(LeaseLost):
            await http.request("GET", "/products")
    assert seen == []


async def test_rule_17_a_refresh_that_comes_late_uses_what_was_saved_meanwhile() -> None:
    """Somebody authorised the app anew while this worker's refresh was under way: what is stored is newer."""
    from retail_sync.transport.faces import Tokens

    store = MemoryTokens()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            store.kept["shop"] = Tokens("anew", None, "r-anew", 1)
            return httpx.Response(
                200, json={"access_token": "late", "refresh_token": "r-late", "expires_in": 600}
            )
        return httpx.Response(200, json={"sent": request.headers["authorization"]})

    async with client(handler, auth=_auth(store)) as http:
        answer = await http.request("GET", "/products")
    assert answer.json() == {"sent": "Bearer anew"}
    assert store.kept["shop"] == Tokens("anew", None, "r-anew")
