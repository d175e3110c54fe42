"""What is repeated and what is not, what an answer means, and what is told about it."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from decimal import Decimal
from typing import Any

import httpx
import pytest

from retail_sync.records.errors import (
    ConfigurationFault,
    ProtocolFault,
    RateLimited,
    RecordRejected,
    StaleTarget,
    SyncError,
    SystemUnavailable,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.transport.answer import Answer
from retail_sync.transport.budget import AdaptiveConcurrency
from retail_sync.transport.faces import Exchange
from tests.support.sinks import MemorySink
from tests.transport.doubles import client, script

pytestmark = pytest.mark.anyio

NEVER_SENT = (httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full"))
MAYBE_EXECUTED = (
    httpx.ReadTimeout("silence"),
    httpx.WriteTimeout("stuck"),
    httpx.ReadError("reset"),
    httpx.WriteError("broken pipe"),
    httpx.RemoteProtocolError("server disconnected without sending a response"),
)


# ---------------------------------------------------------------- reads


@pytest.mark.parametrize("trouble", [*NEVER_SENT, *MAYBE_EXECUTED, 429, 500, 502, 503, 504, 408], ids=repr)
async def test_a_read_is_repeated_after_anything_that_may_pass(trouble: Any) -> None:
    handler, seen = script(trouble, trouble)
    async with client(handler) as one:
        assert (await one.request("GET", "/products")).json() == {"ok": True}
    assert len(seen) == 3


@pytest.mark.parametrize("body", [b'{"results":[{"id', b"<html>Bad Gateway</html>", b"\xff\xfe\x00", b"NaN"])
async def test_a_read_with_an_unreadable_body_is_repeated_and_then_a_fault_of_the_protocol(
    body: bytes,
) -> None:
    handler, seen = script(*[httpx.Response(200, content=body) for _ in range(3)])
    async with client(handler) as one:
        with pytest.raises(ProtocolFault, match="not JSON"):
            await one.request("GET", "/products")
    assert len(seen) == 3


async def test_a_read_gives_up_after_its_repeats_with_an_error_airflow_retries() -> None:
    handler, seen = script(503, 503, 503)
    async with client(handler) as one:
        with pytest.raises(SystemUnavailable) as caught:
            await one.request("GET", "/products")
    assert len(seen) == 3
    assert caught.value.status == 503
    assert caught.value.exchange_id


async def test_an_empty_page_is_not_an_empty_list() -> None:
    handler, _ = script(httpx.Response(200))
    async with client(handler) as one:
        answer = await one.request("GET", "/products")
        assert answer.json_or_none() is None
        with pytest.raises(ProtocolFault, match="empty body"):
            answer.json()


# ---------------------------------------------------------------- writes


@pytest.mark.parametrize("trouble", [*MAYBE_EXECUTED, 500, 502, 503, 504, 408, 520], ids=repr)
async def test_a_write_that_may_have_been_executed_is_never_sent_twice(trouble: Any) -> None:
    handler, seen = script(trouble)
    async with client(handler) as one:
        with pytest.raises(UnknownOutcome) as caught:
            await one.request("POST", "/products", json={})
    assert len(seen) == 1
    assert caught.value.exchange_id


@pytest.mark.parametrize("body", [b'{"id": "4', b"<html>ok</html>"])
async def test_a_write_answered_with_an_unreadable_body_has_an_unknown_outcome(body: bytes) -> None:
    handler, seen = script(httpx.Response(200, content=body))
    async with client(handler) as one:
        with pytest.raises(UnknownOutcome):
            await one.request("POST", "/products", json={})
    assert len(seen) == 1


async def test_a_write_with_an_empty_answer_succeeds_until_somebody_needs_the_answer() -> None:
    handler, _ = script(httpx.Response(204), httpx.Response(200))
    async with client(handler) as one:
        assert (await one.request("DELETE", "/products/1")).status == 204
        answer = await one.request("POST", "/products", json={})
        with pytest.raises(UnknownOutcome):
            answer.json()


@pytest.mark.parametrize("trouble", [*NEVER_SENT, 429], ids=repr)
async def test_a_write_that_was_certainly_not_executed_is_repeated(trouble: Any) -> None:
    handler, seen = script(trouble, trouble)
    async with client(handler) as one:
        assert (await one.request("POST", "/products", json={})).status == 200
    assert len(seen) == 3


async def test_a_503_is_repeated_for_a_write_only_where_the_adapter_knows_nothing_was_executed() -> None:
    def overloaded(answer: Answer) -> SyncError | None:
        return SystemUnavailable("overloaded", system="commercetools")

    handler, seen = script(503)
    async with client(handler, classify=overloaded) as one:
        assert (await one.request("POST", "/products", json={})).status == 200
    assert len(seen) == 2
    handler, seen = script(502)
    async with client(handler, classify=overloaded) as one:
        with pytest.raises(UnknownOutcome):
            await one.request("POST", "/products", json={})
    assert len(seen) == 1


async def test_a_write_declared_safe_is_repeated_like_a_read() -> None:
    handler, seen = script(httpx.ReadTimeout("silence"), 500)
    async with client(handler) as one:
        assert (await one.request("PUT", "/products/1", json={"a": 1}, safe=True)).status == 200
    assert [request.content for request in seen] == [b'{"a":1}'] * 3


# ---------------------------------------------------------------- waiting


async def test_an_order_to_wait_is_obeyed_and_pauses_everybody() -> None:
    told: list[dict[str, Any]] = []

    class Listening:
        async def acquire(self) -> None: ...

        async def observe(self, **news: Any) -> None:
            told.append(news)

    handler, _ = script(httpx.Response(429, headers={"Retry-After": "0.05"}))
    started = asyncio.get_running_loop().time()
    async with client(handler, budget=Listening()) as one:
        await one.request("POST", "/products", json={})
    assert asyncio.get_running_loop().time() - started >= 0.05
    assert told == [{"limit": None, "remaining": None, "retry_after": 0.05}]


async def test_a_long_wait_is_left_to_the_scheduler() -> None:
    handler, seen = script(httpx.Response(429, headers={"Retry-After": "300"}))
    async with client(handler) as one:
        with pytest.raises(RateLimited) as caught:
            await one.request("GET", "/products")
    assert caught.value.retry_after == 300
    assert len(seen) == 1


async def test_the_systems_own_count_reaches_the_budget_and_each_attempt_is_paid_for() -> None:
    log: list[Any] = []

    class Counting:
        async def acquire(self) -> None:
            log.append("acquire")

        async def observe(self, **news: Any) -> None:
            log.append((news["limit"], news["remaining"]))

    counts = {"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "349"}
    handler, _ = script(500, httpx.Response(200, json=[], headers=counts))
    async with client(handler, budget=Counting()) as one:
        await one.request("GET", "/products")
    assert log == ["acquire", "acquire", (350, 349)]


@pytest.mark.parametrize("trouble", [429, 502, 503, 504, httpx.ReadTimeout("silence")], ids=repr)
async def test_overload_halves_what_may_be_under_way(trouble: Any) -> None:
    crowd = AdaptiveConcurrency(8, 8)
    handler, _ = script(trouble)
    async with client(handler, concurrency=crowd, retries=0) as one:
        with pytest.raises(SyncError):
            await one.request("GET", "/products")
    assert crowd.allowed == 4


# ---------------------------------------------------------------- meanings


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RecordRejected),
        (401, ConfigurationFault),
        (403, ConfigurationFault),
        (404, TargetMissing),
        (409, StaleTarget),
        (422, RecordRejected),
        (302, ConfigurationFault),
    ],
)
async def test_a_status_the_adapter_says_nothing_about_is_read_plainly(
    status: int, kind: type[SyncError]
) -> None:
    handler, seen = script(status)
    async with client(handler) as one:
        with pytest.raises(kind) as caught:
            await one.request("POST", "/products", json={})
    assert len(seen) == 1
    assert (caught.value.status, caught.value.system) == (status, "commercetools")
    assert caught.value.exchange_id
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


async def test_the_adapters_reading_counts_and_sees_the_body() -> None:
    def classify(answer: Answer) -> SyncError | None:
        body = answer.json_or_none()
        return RecordRejected(body["message"], code="DuplicateField") if body else None

    handler, _ = script(
        httpx.Response(400, json={"message": "taken"}), httpx.Response(400, html="<html>proxy</html>")
    )
    async with client(handler, classify=classify) as one:
        with pytest.raises(RecordRejected, match="taken"):
            await one.request("POST", "/products", json={})
        with pytest.raises(RecordRejected, match="answered 400"):
            await one.request("POST", "/products", json={})


async def test_a_status_the_caller_allows_is_an_answer() -> None:
    handler, _ = script(404)
    async with client(handler) as one:
        assert (await one.request("GET", "/products/key=x", allow=(404,))).status == 404


async def test_redirects_are_not_followed() -> None:
    handler, seen = script(httpx.Response(307, headers={"Location": "https://evil.example/"}))
    async with client(handler, auth=httpx.BasicAuth("id", "secret")) as one:
        with pytest.raises(ConfigurationFault, match="redirect"):
            await one.request("POST", "/products", json={})
    assert len(seen) == 1


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("path", "full"),
    [
        ("/products", "https://api.shop.example/my-project/products"),
        ("/products/key=a%2Fb", "https://api.shop.example/my-project/products/key=a%2Fb"),
        ("/a b", "https://api.shop.example/my-project/a%20b"),
        ("https://api.shop.example/next?after=1", "https://api.shop.example/next?after=1"),
    ],
)
async def test_paths_are_appended_to_the_base_and_keep_their_escapes(path: str, full: str) -> None:
    handler, seen = script()
    async with client(handler) as one:
        await one.request("GET", path)
    assert str(seen[0].url) == full


@pytest.mark.parametrize("path", ["products", "//evil.example/x", "/../other/products", "/a/./b", "/a\nb"])
async def test_a_path_that_leads_astray_rejects_the_record_and_sends_nothing(path: str) -> None:
    handler, seen = script()
    async with client(handler) as one:
        with pytest.raises(RecordRejected, match="can't be asked for"):
            await one.request("GET", path)
    assert seen == []


@pytest.mark.parametrize("link", ["https://evil.example/my-project", "http://api.shop.example/x"])
async def test_a_paging_link_to_another_host_is_not_followed(link: str) -> None:
    handler, seen = script()
    async with client(handler) as one:
        with pytest.raises(ProtocolFault, match="another host"):
            await one.request("GET", link)
    assert seen == []


# ---------------------------------------------------------------- numbers


async def test_numbers_travel_exactly_in_both_directions() -> None:
    handler, seen = script(
        httpx.Response(200, content=b'{"price": 26.086960000000000000001, "count": 27561014304}')
    )
    async with client(handler) as one:
        answer = await one.request(
            "POST", "/x", json={"price": Decimal("0.10"), "tiny": Decimal("1E-8"), "text": "ü"}
        )
    assert seen[0].content.decode() == '{"price":0.10,"tiny":0.00000001,"text":"ü"}'
    assert answer.json() == {"price": Decimal("26.086960000000000000001"), "count": 27561014304}


# ---------------------------------------------------------------- exchanges


async def test_every_attempt_is_an_exchange_linked_to_run_and_change() -> None:
    sink = MemorySink()
    handler, _ = script(503, httpx.Response(200, json={"id": "1"}, headers={"X-Correlation-ID": "c-1"}))
    async with client(handler, sink=sink) as one:
        answer = await one.request(
            "GET", "/products", params={"limit": 500}, context={"run": "7", "change": "9"}
        )
    first, second = sink.exchanges
    assert (first.status, first.attempt, second.attempt) == (503, 1, 2)
    assert second.context == {"run": "7", "change": "9"}
    assert second.id == answer.exchange_id != first.id
    assert second.url == "https://api.shop.example/my-project/products?limit=500"
    assert second.correlation_id == "c-1"
    assert json.loads(second.response_body or "") == {"id": "1"}
    assert second.started_at.tzinfo is not None
    assert sink.count("GET", contains="/products") == 2


async def test_a_request_without_an_answer_is_an_exchange_that_says_why() -> None:
    sink = MemorySink()
    handler, _ = script(httpx.ReadTimeout("silence"))
    async with client(handler, sink=sink, retries=0) as one:
        with pytest.raises(UnknownOutcome) as caught:
            await one.request("POST", "/products", json={"name": "x"})
    exchange = sink.exchanges[0]
    assert (exchange.status, exchange.error) == (None, "ReadTimeout: silence")
    assert exchange.request_body == '{"name":"x"}'
    assert caught.value.exchange_id == exchange.id


async def test_a_cancelled_request_is_recorded_too() -> None:
    sink, started = MemorySink(), asyncio.Event()

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

    one = client(None, sink=sink)
    one._client._transport._inner = Hanging()  # type: ignore[attr-defined]
    async with one:
        task = asyncio.create_task(one.request("POST", "/products", json={}))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert sink.exchanges[0].error == "cancelled before an answer came"


async def test_a_broken_audit_trail_does_not_turn_a_success_into_an_unknown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(MemorySink):
        def record(self, exchange: Exchange) -> None:
            raise OSError("disk full of secrets")

    handler, _ = script()
    async with client(handler, sink=Broken()) as one:
        assert (await one.request("POST", "/products", json={})).status == 200
    assert "could not be recorded: OSError" in caplog.text
    assert "secrets" not in caplog.text


async def test_no_secret_reaches_exchanges_errors_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    secret = "s3cr3t-value/+="
    sink = MemorySink()
    echo = httpx.Response(400, json={"message": f"bad token {secret}", "token": "other-token"})
    handler, _ = script(httpx.ConnectError(f"proxy said {secret}"), httpx.ReadError(f"{secret}"), echo)
    caplog.set_level(logging.DEBUG, logger="retail_sync")
    async with client(handler, sink=sink, secrets=[secret], headers={"X-Key": secret}) as one:
        with pytest.raises(RecordRejected) as caught:
            await one.request(
                "GET", f"/x/{secret.replace('/', '%2F')}", params={"q": secret}, headers={"Cookie": "abc"}
            )
    for text in (*map(repr, sink.exchanges), str(caught.value), caplog.text):
        assert secret not in text
        assert "s3cr3t-value" not in text
        assert "other-token" not in text
        assert "'abc'" not in text


async def test_a_credential_with_a_line_break_is_a_fault_of_the_connection_that_does_not_quote_it() -> None:
    async with client(None, headers={"X-Key": "abc\ndef-secret"}, base="http://127.0.0.1:9") as one:
        with pytest.raises((ConfigurationFault, SystemUnavailable)) as caught:
            await one.request("GET", "/x")
    assert "def-secret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_private_fields_are_taken_out_of_exchanges_but_not_out_of_answers() -> None:
    sink = MemorySink()
    handler, _ = script(httpx.Response(200, json={"custom": {"fields": {"note": "psst"}}}))
    async with client(handler, sink=sink, redact_fields=["custom.fields.note"]) as one:
        answer = await one.request("GET", "/x")
    assert answer.json()["custom"]["fields"]["note"] == "psst"
    assert "psst" not in repr(sink.exchanges)
