"""Tokens: fetched once, renewed in time, never lost, never shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from retail_sync.records.errors import (
    ConfigurationFault,
    ProtocolFault,
    RateLimited,
    SystemUnavailable,
)
from retail_sync.transport.auth import Bearer, ClientCredentials, RotatingRefresh
from retail_sync.transport.faces import Tokens
from tests.support.sinks import MemorySink
from tests.transport.doubles import TOKEN_URL, MemoryTokens, client

pytestmark = pytest.mark.anyio


@dataclass
class Server:
    """An API and its token endpoint. A refresh token works once; a new access token ends the one before it."""

    expires_in: Any = 1800
    refresh_token: str | None = None
    token_answers: list[httpx.Response | Exception] = field(default_factory=list)
    access_token: str = "none"
    issued: int = 0
    token_requests: list[dict[str, list[str]]] = field(default_factory=list)
    calls: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.001)
        if str(request.url) == TOKEN_URL:
            return self.token(request)
        self.calls += 1
        if request.headers.get("Authorization") != f"Bearer {self.access_token}":
            return httpx.Response(401, json={"error": "invalid_token"})
        return httpx.Response(200, json={"ok": True})

    def token(self, request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        self.token_requests.append(form)
        if self.token_answers:
            answer = self.token_answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if self.refresh_token is not None and form.get("refresh_token") != [self.refresh_token]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.issued += 1
        self.access_token = f"access-{self.issued}-secret"
        body: dict[str, Any] = {"access_token": self.access_token, "token_type": "Bearer"}
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        if self.refresh_token is not None:
            self.refresh_token = body["refresh_token"] = f"refresh-{self.issued}-secret"
        return httpx.Response(200, json=body)

    def revoke(self) -> None:
        self.access_token = "revoked"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def credentials(clock: Clock | None = None) -> ClientCredentials:
    return ClientCredentials(
        system="commercetools",
        token_url=TOKEN_URL,
        client_id="id",
        client_secret="client-secret-1",
        scopes=["view_products:p", "manage_orders:p"],
        clock=clock or Clock(),
    )


def rotating(
    store: MemoryTokens, first: str = "refresh-0-secret", clock: Clock | None = None
) -> RotatingRefresh:
    return RotatingRefresh(
        system="lightspeed",
        token_url=TOKEN_URL,
        client_id="id",
        client_secret="client-secret-1",
        refresh_token=first,
        store=store,
        name="lightspeed_default",
        clock=clock or Clock(),
    )


# ---------------------------------------------------------------- client credentials


async def test_one_token_serves_all_requests_that_start_together() -> None:
    server = Server()
    async with client(server, auth=credentials()) as one:
        await asyncio.gather(*(one.request("GET", "/products") for _ in range(20)))
    assert (server.issued, server.calls) == (1, 20)
    assert server.token_requests[0] == {
        "grant_type": ["client_credentials"],
        "scope": ["view_products:p manage_orders:p"],
    }


@pytest.mark.parametrize(("life", "early"), [(172_800, 300), (1000, 100)])
async def test_a_token_is_renewed_shortly_before_it_ends(life: int, early: int) -> None:
    server, clock = Server(expires_in=life), Clock()
    async with client(server, auth=credentials(clock)) as one:
        await one.request("GET", "/products")
        clock.now += life - early - 1
        await one.request("GET", "/products")
        assert server.issued == 1
        clock.now += 2
        await one.request("GET", "/products")
    assert (server.issued, server.calls) == (2, 3)


async def test_a_401_renews_once_for_all_and_the_write_is_sent_again() -> None:
    server = Server()
    async with client(server, auth=credentials()) as one:
        await one.request("GET", "/products")
        server.revoke()
        await asyncio.gather(*(one.request("POST", "/products", json={}) for _ in range(5)))
    assert server.issued == 2


async def test_a_401_that_a_new_token_does_not_cure_stops_with_what_to_do() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        ok = str(request.url) == TOKEN_URL
        return httpx.Response(200 if ok else 401, json={"access_token": f"t{len(seen)}", "expires_in": 99})

    seen: list[httpx.Request] = []
    async with client(handler, auth=credentials()) as one:
        with pytest.raises(ConfigurationFault, match="Check the credentials"):
            await one.request("GET", "/products")
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            httpx.Response(401, json={"error": "invalid_client"}),
            ConfigurationFault,
            "client id and client secret",
        ),
        (httpx.Response(400, json={"error": "invalid_scope"}), ConfigurationFault, "correct `scopes`"),
        (httpx.Response(404, html="<html>"), ConfigurationFault, "token address"),
        (httpx.Response(302, headers={"Location": "/"}), ConfigurationFault, "token address"),
        (httpx.Response(200, html="<html>welcome"), ProtocolFault, "may lead to a web page"),
        (httpx.Response(200, json={"access_token": None}), ProtocolFault, "without a readable token"),
    ],
)
async def test_a_refused_token_request_says_what_to_do(
    answer: httpx.Response, kind: type[Exception], words: str
) -> None:
    server = Server(token_answers=[answer])
    async with client(server, auth=credentials()) as one:
        with pytest.raises(kind, match=words):
            await one.request("POST", "/products", json={})
    assert server.calls == 0


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(503), httpx.Response(429), httpx.ReadTimeout("silence"), httpx.ReadError("cut")],
    ids=repr,
)
async def test_trouble_at_the_token_endpoint_proves_the_write_was_never_sent_so_it_is_repeated(
    trouble: Any,
) -> None:
    server = Server(token_answers=[trouble])
    async with client(server, auth=credentials()) as one:
        assert (await one.request("POST", "/products", json={})).status == 200
    assert (server.calls, len(server.token_requests)) == (1, 2)


async def test_a_token_endpoint_that_asks_for_a_long_wait_is_obeyed() -> None:
    server = Server(token_answers=[httpx.Response(429, headers={"Retry-After": "900"})])
    async with client(server, auth=credentials()) as one:
        with pytest.raises(RateLimited) as caught:
            await one.request("GET", "/products")
    assert caught.value.retry_after == 900


async def test_token_requests_are_recorded_without_their_bodies() -> None:
    sink = MemorySink()
    async with client(Server(), auth=credentials(), sink=sink) as one:
        await one.request("GET", "/products")
    token, call = sink.exchanges
    assert (token.url, token.status) == (TOKEN_URL, 200)
    assert "withheld" in (token.request_body or "")
    assert "withheld" in (token.response_body or "")
    for shown in map(repr, sink.exchanges):
        assert "-secret" not in shown
    assert call.request_headers["authorization"] == "***"


# ---------------------------------------------------------------- rotating refresh tokens


async def test_two_workers_refresh_once_and_share_what_came() -> None:
    server, store = Server(refresh_token="refresh-0-secret"), MemoryTokens()
    async with client(server, auth=rotating(store)) as one, client(server, auth=rotating(store)) as two:
        await asyncio.gather(*(each.request("GET", "/products") for each in (one, two) for _ in range(5)))
        server.revoke()
        await asyncio.gather(*(each.request("GET", "/products") for each in (one, two) for _ in range(5)))
    assert server.issued == 2
    assert store.kept["lightspeed_default"].refresh_token == "refresh-2-secret"


async def test_the_new_pair_is_saved_before_it_is_used() -> None:
    server, store = Server(refresh_token="refresh-0-secret"), MemoryTokens(broken=1)
    async with client(server, auth=rotating(store)) as one:
        with pytest.raises(ConnectionError):
            await one.request("GET", "/products")
        assert server.calls == 0
        assert (await one.request("GET", "/products")).status == 200
    assert server.issued == 1
    assert store.kept["lightspeed_default"].access_token == server.access_token


async def test_a_stored_token_that_is_still_good_needs_no_refresh() -> None:
    server, store, clock = (
        Server(refresh_token="refresh-0-secret", access_token="good"),
        MemoryTokens(),
        Clock(),
    )
    store.kept["lightspeed_default"] = Tokens(
        "good", datetime.fromtimestamp(clock.now + 600, UTC), "refresh-0-secret"
    )
    async with client(server, auth=rotating(store, clock=clock)) as one:
        await one.request("GET", "/products")
    assert server.token_requests == []


async def test_a_refused_stored_token_gives_way_to_the_connections_after_a_new_authorisation() -> None:
    server, store = Server(refresh_token="refresh-new-secret"), MemoryTokens()
    store.kept["lightspeed_default"] = Tokens("old", datetime.fromtimestamp(0, UTC), "refresh-dead-secret")
    async with client(server, auth=rotating(store, first="refresh-new-secret")) as one:
        assert (await one.request("GET", "/products")).status == 200
    assert [form["refresh_token"][0] for form in server.token_requests] == [
        "refresh-dead-secret",
        "refresh-new-secret",
    ]


async def test_the_store_is_read_again_before_giving_up() -> None:
    server, store = Server(refresh_token="refresh-peer-secret"), MemoryTokens()
    store.kept["lightspeed_default"] = Tokens("old", datetime.fromtimestamp(0, UTC), "refresh-dead-secret")

    class PeerSaves(MemoryTokens):
        async def load(self, name: str) -> Tokens | None:
            found = await store.load(name)
            if server.token_requests:  # somebody without our lock refreshed meanwhile
                return Tokens("old", datetime.fromtimestamp(0, UTC), "refresh-peer-secret")
            return found

    async with client(server, auth=rotating(PeerSaves(), first="refresh-dead-secret")) as one:
        assert (await one.request("GET", "/products")).status == 200


async def test_when_no_refresh_token_is_accepted_a_person_must_authorise_again() -> None:
    server, store = Server(refresh_token="somebody-elses"), MemoryTokens()
    async with client(server, auth=rotating(store)) as one:
        with pytest.raises(ConfigurationFault, match="Authorise the app again"):
            await one.request("GET", "/products")
    assert (len(server.token_requests), server.calls) == (1, 0)
    assert "scope" not in server.token_requests[0]


async def test_a_lost_answer_to_a_refresh_is_tried_again_with_the_same_token() -> None:
    server = Server(refresh_token="refresh-0-secret", token_answers=[httpx.ReadTimeout("silence")])
    async with client(server, auth=rotating(MemoryTokens())) as one:
        assert (await one.request("POST", "/sales", json={})).status == 200
    assert len(server.token_requests) == 2


async def test_an_outage_of_the_token_endpoint_is_no_reason_to_authorise_again() -> None:
    server = Server(refresh_token="refresh-0-secret", token_answers=[httpx.Response(502) for _ in range(3)])
    async with client(server, auth=rotating(MemoryTokens())) as one:
        with pytest.raises(SystemUnavailable):
            await one.request("GET", "/products")


async def test_a_token_without_an_end_is_used_until_it_is_refused() -> None:
    server, clock = Server(refresh_token="refresh-0-secret", expires_in=None), Clock()
    async with client(server, auth=rotating(MemoryTokens(), clock=clock)) as one:
        await one.request("GET", "/products")
        clock.now += 10**7
        await one.request("GET", "/products")
    assert server.issued == 1


# ---------------------------------------------------------------- fixed tokens


async def test_a_personal_token_is_sent_and_hidden() -> None:
    sink = MemorySink()
    server = Server(access_token="lsxs_pt_abcdef")
    async with client(server, auth=Bearer("lsxs_pt_abcdef", system="lightspeed"), sink=sink) as one:
        assert (await one.request("GET", "/products")).status == 200
    assert "lsxs_pt_abcdef" not in repr(sink.exchanges)


@pytest.mark.parametrize("token", ["", "a b", "tok\nen", "tökèn"])
def test_a_token_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        Bearer(token, system="lightspeed")
    assert not token or token not in str(caught.value)
