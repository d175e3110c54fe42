"""Whatever the other side sends is bounded: sizes, depths, numbers, waits, what is looked at for the log."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.errors import ProtocolFault, RateLimited, RecordRejected, UnknownOutcome
from retail_sync.records.odd import DEEP, NO_NUMBER, NUMBER, TEXT, TWICE, odd, reason_of
from retail_sync.transport import redaction, withholding
from retail_sync.transport.auth import ClientCredentials
from retail_sync.transport.bodies import Unreadable, encode, parse
from retail_sync.transport.bounds import (
    LONGEST_WAIT_SECONDS,
    MARGIN_FOR_SECRETS,
    MEGABYTE,
    MOST_DEPTH,
    MOST_DIGITS,
    MOST_VALUES,
)
from retail_sync.transport.faces import Exchange
from retail_sync.transport.redaction import MASK, Redactor
from retail_sync.transport.retry_after import retry_after_seconds
from retail_sync.transport.wire import rate_limit_headers
from tests.support.sinks import MemorySink
from tests.transport.doubles import TOKEN_URL, client, script, talking_server

pytestmark = pytest.mark.anyio


# ---------------------------------------------------------------- numbers, depth, members, texts


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9" * MOST_DIGITS, int("9" * MOST_DIGITS)),
        ("9" * (MOST_DIGITS + 1), odd(NUMBER)),
        ("9" * 5_000, odd(NUMBER)),
        ("-" + "9" * MOST_DIGITS, -int("9" * MOST_DIGITS)),
        (f"1e{MOST_DIGITS - 1}", Decimal(f"1e{MOST_DIGITS - 1}")),
        (f"1e{MOST_DIGITS}", odd(NUMBER)),
        (f"1e-{MOST_DIGITS}", Decimal(f"1e-{MOST_DIGITS}")),
        (f"1e-{MOST_DIGITS + 1}", odd(NUMBER)),
        ("0." + "1" * MOST_DIGITS, Decimal("0." + "1" * MOST_DIGITS)),
        ("0." + "1" * (MOST_DIGITS + 1), odd(NUMBER)),
        ("1e400", odd(NUMBER)),
        ("1e1500000000", odd(NUMBER)),
        ("1e999999999999999999", odd(NUMBER)),
        ("1e1000000000000000000", odd(NUMBER)),
        ("NaN", odd(NO_NUMBER)),
        ("-Infinity", odd(NO_NUMBER)),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_number_beyond_the_bound_costs_its_place_in_the_document_and_nothing_else(
    text: str, value: Any
) -> None:
    assert parse(f'{{"a": {text}, "b": 7}}'.encode()) == {"a": value, "b": 7}


@pytest.mark.parametrize("pair", ["[]", '{"a":}'], ids=["lists", "objects"])
def test_a_value_nested_deeper_than_the_bound_is_replaced_and_the_rows_beside_it_are_read(pair: str) -> None:
    opening, closing = pair[:-1], pair[-1]

    def page(levels: int) -> bytes:
        return f'{{"results": [{opening * levels}1{closing * levels}, {{"id": "x"}}]}}'.encode()

    def deepest(value: Any) -> Any:
        while isinstance(value, (list, dict)) and value and reason_of(value) is None:
            value = value[0] if isinstance(value, list) else value["a"]
        return value

    fits = parse(page(MOST_DEPTH - 2))["results"]
    assert (deepest(fits[0]), fits[1]) == (1, {"id": "x"})
    for levels in (MOST_DEPTH - 1, 10_000):
        read = parse(page(levels))["results"]
        assert (deepest(read[0]), read[1]) == (odd(DEEP), {"id": "x"})


def test_brackets_inside_texts_are_no_depth() -> None:
    text = '[[[{{{"\\' * 1_000
    assert parse(json.dumps({"a": text}).encode()) == {"a": text}


def test_a_member_that_is_there_twice_counts_neither_way() -> None:
    assert parse(b'{"id": "a", "price": 1, "price": 2, "id": "a"}') == {"id": odd(TWICE), "price": odd(TWICE)}


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (rb'{"a": "Shoe\ud83d"}', odd(TEXT)),
        (rb'{"a": "\ude00x"}', odd(TEXT)),
        (rb'{"a": "\uD83D\uD83D"}', odd(TEXT)),
        (rb'{"a": "\ud83d\ude00\ude00"}', odd(TEXT)),
        (rb'{"a": "x\u0000"}', odd(TEXT)),
        (b'{"a": "\xed\xa0\xbd"}', odd(TEXT)),
        (rb'{"a": "\ud83d\ude00"}', "\U0001f600"),
        (rb'{"a": "\\ud83d"}', r"\ud83d"),
        (rb'{"a": ["b", "\u0000"]}', ["b", odd(TEXT)]),
    ],
)
def test_a_text_that_cannot_be_stored_costs_its_place_in_the_document_and_nothing_else(
    content: bytes, value: Any
) -> None:
    assert parse(content) == {"a": value}


def test_a_name_that_cannot_be_stored_is_shown_with_a_replacement() -> None:
    assert parse(rb'{"a\ud83d": 1}') == {"a\ufffd": 1}


@pytest.mark.parametrize("content", [b"", b"[", b"nul", b"\xff", b"1e400", b"'a'", b"[1,]", b"\x00"])
def test_what_can_not_be_read_at_all_is_one_error_that_quotes_nothing(content: bytes) -> None:
    with pytest.raises(Unreadable) as told:
        parse(content)
    assert str(told.value).startswith("not JSON")


@pytest.mark.parametrize("piece", [b"[],", b"1,", b'"",'])
def test_the_number_of_values_is_bounded(piece: bytes) -> None:
    with pytest.raises(Unreadable, match=f"more than {MOST_VALUES} values"):
        parse(b"[" + piece * (MOST_VALUES + 1) + b"1]")


def test_of_an_object_that_pretends_to_be_ours_no_word_is_repeated() -> None:
    assert reason_of(parse(b'{"a": {"$unreadable": "Ada Byron"}}')["a"]) is None


@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(10**40), 10**40),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        ),
        lambda inner: st.one_of(
            st.lists(inner),
            st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner
            ),
        ),
    )
)
def test_everything_within_the_bounds_is_read_as_it_was_written(value: Any) -> None:
    wrapped = {"a": value}
    for ascii_only in (True, False):
        assert parse(json.dumps(wrapped, ensure_ascii=ascii_only).encode()) == wrapped


@pytest.mark.parametrize("value", ["Shoe\ud83d", Decimal("1e400"), Decimal("NaN"), float("inf"), {1, 2}])
async def test_what_cannot_be_sent_is_refused_by_name_before_anything_is_sent(value: Any) -> None:
    handler, seen = script()
    async with client(handler) as one:
        with pytest.raises(RecordRejected) as told:
            await one.request("POST", "/x", json={"a": value})
        with pytest.raises(RecordRejected, match="can't be asked for"):
            await one.request("GET", "/x", params={"where": "Shoe\ud83d"})
        with pytest.raises(RecordRejected, match="can't be asked for"):
            await one.request("GET", "/x", params={"where": "a" * 70_000})
    assert told.value.code == "unsendable" and "Shoe" not in str(told.value)
    assert not seen
    with pytest.raises((TypeError, ValueError)):
        encode(value)


# ---------------------------------------------------------------- the size of an answer


def streamed(pieces: Iterator[bytes], **headers: str) -> httpx.MockTransport:
    """Answers in pieces that are made only when they are read."""

    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=stream()))


def over(transport: httpx.AsyncBaseTransport, most: int, **options: Any) -> Any:
    return client(None, **{"retries": 2, **options}, most_bytes=most, inner=transport)


def bomb(size: int) -> bytes:
    return gzip.compress(b'{"a": "' + b"x" * size + b'"}')


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "identity"])
@pytest.mark.parametrize("more", [0, 1])
async def test_an_answer_of_the_bound_is_read_and_one_byte_more_is_refused(encoding: str, more: int) -> None:
    most = 100_000
    body = json.dumps({"a": "x" * (most + more - len('{"a": ""}'))}).encode()
    assert len(body) == most + more
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
        "identity": body,
    }[encoding]
    name = encoding.removeprefix("raw ")
    pieces = iter([packed[:5], packed[5:50], packed[50:]])
    async with over(streamed(pieces, **{"content-encoding": name}), most) as one:
        if not more:
            assert len((await one.request("GET", "/x")).json()["a"]) == most - len('{"a": ""}')
            return
        with pytest.raises(ProtocolFault, match=f"longer than {most} bytes") as told:
            await one.request("GET", "/x")
    assert "answer_megabytes" in told.value.remedy


async def test_a_gzip_bomb_of_400_kb_never_becomes_860_mb() -> None:
    packed = bomb(300 * MEGABYTE)
    tracemalloc.start()
    try:
        async with over(streamed(iter([packed]), **{"content-encoding": "gzip"}), 4 * MEGABYTE) as one:
            with pytest.raises(ProtocolFault, match="longer than"):
                await one.request("GET", "/x")
        assert tracemalloc.get_traced_memory()[1] < 40 * MEGABYTE
    finally:
        tracemalloc.stop()


async def test_an_endless_body_is_read_up_to_the_bound_and_not_asked_for_again() -> None:
    made = 0

    def endless() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * 65_536

    sink = MemorySink()
    async with over(streamed(endless()), MEGABYTE, sink=sink) as one:
        with pytest.raises(ProtocolFault, match="longer than"):
            await one.request("GET", "/x")
    assert made <= 18
    assert len(sink.exchanges) == 1


async def test_a_write_with_an_endless_answer_has_an_unknown_outcome() -> None:
    async with over(streamed(iter([b"x" * 2_000_000])), MEGABYTE) as one:
        with pytest.raises(UnknownOutcome):
            await one.request("POST", "/x", json={})


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
async def test_an_encoding_nobody_asked_for_is_refused(encoding: str) -> None:
    async with over(streamed(iter([b"{}"]), **{"content-encoding": encoding}), MEGABYTE, retries=0) as one:
        with pytest.raises(Exception, match="brought no complete answer") as told:
            await one.request("GET", "/x")
    assert "encoding" in str(told.value)


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(b'{"a": 1}', mtime=0)[:-12]], ids=["no gzip", "cut"]
)
async def test_a_body_that_cannot_be_unpacked_is_asked_for_again(packed: bytes) -> None:
    sink = MemorySink()
    answers = iter([packed, gzip.compress(b'{"a": 1}')])
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=_Bytes(next(answers)))
    )
    async with over(transport, MEGABYTE, sink=sink) as one:
        assert (await one.request("GET", "/x")).json() == {"a": 1}
    assert len(sink.exchanges) == 2


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


async def test_over_a_real_socket_a_chunked_answer_stops_at_the_bound_and_a_packed_one_is_unpacked() -> None:
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    chunks = b"".join(b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(40))
    whole = head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with (
        talking_server(whole, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks) as (
            address,
            asked,
        ),
        client(None, base=address, most_bytes=MEGABYTE) as one,
    ):
        assert (await one.request("GET", "/x")).json() == {"a": 1}
        with pytest.raises(ProtocolFault, match="longer than"):
            await one.request("GET", "/x")
    assert b"accept-encoding: gzip, deflate" in asked[0].lower()


# ---------------------------------------------------------------- waits and counts


@pytest.mark.parametrize("told", ["31536000", "1e300", "9" * 60, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_order_to_wait_is_believed_up_to_the_bound(told: str) -> None:
    assert 900 <= LONGEST_WAIT_SECONDS <= 3600
    assert retry_after_seconds(httpx.Headers({"retry-after": told})) == LONGEST_WAIT_SECONDS
    assert retry_after_seconds(httpx.Headers({"retry-after": str(int(LONGEST_WAIT_SECONDS) - 1)})) == (
        LONGEST_WAIT_SECONDS - 1
    )


@pytest.mark.parametrize("told", ["9" * 5_000, "1e1000000000000000000", [1], {"a": 1}, True, odd(NUMBER)])
def test_an_order_nobody_can_read_is_none(told: Any) -> None:
    assert retry_after_seconds(httpx.Headers(), {"retry-after": told}) is None


@pytest.mark.parametrize(
    ("told", "count"),
    [("300", 300), ("999999999", 999_999_999), ("9" * 10, None), ("9" * 5_000, None), ("-1", None)],
)
def test_a_count_in_a_header_is_bounded(told: str, count: int | None) -> None:
    assert rate_limit_headers({"x-ratelimit-limit": told}) == (count, None)


async def test_a_header_of_5000_digits_does_not_stop_what_it_came_with() -> None:
    handler, _ = script(httpx.Response(200, json={"ok": True}, headers={"X-RateLimit-Limit": "9" * 5_000}))
    async with client(handler) as one:
        assert (await one.request("POST", "/x", json={})).json() == {"ok": True}


async def test_a_pause_of_a_year_is_told_as_half_an_hour() -> None:
    handler, _ = script(*[httpx.Response(429, headers={"Retry-After": "31536000"})] * 3)
    async with client(handler) as one:
        with pytest.raises(RateLimited) as told:
            await one.request("GET", "/x")
    assert told.value.retry_after == LONGEST_WAIT_SECONDS


@pytest.mark.parametrize("life", ["1e400", "9" * 40, "1e63", "[]", '{"a": 1}', "true", '"x"', "-1e63"])
async def test_a_token_whose_life_makes_no_sense_is_used_as_one_without_end(life: str) -> None:
    token = httpx.Response(200, content=f'{{"access_token": "abc", "expires_in": {life}}}'.encode())
    handler, seen = script(token)
    auth = ClientCredentials(system="x", token_url=TOKEN_URL, client_id="a", client_secret="secret")
    async with client(handler, auth=auth) as one:
        assert (await one.request("GET", "/x")).status == 200
    assert seen[1].headers["authorization"] == "Bearer abc"


# ---------------------------------------------------------------- what is looked at for the log


HOSTILE_TEXTS = {
    "unbroken": lambda n: "a" * n,
    "at signs": lambda n: "a@" * (n // 2),
    "dots": lambda n: "a." * (n // 2),
    "escaped at signs": lambda n: "%40" * (n // 3),
    "words and escapes": lambda n: "a%40b" * (n // 5),
    "nearly an address": lambda n: "%40" + "a" * n,
    "tokens": lambda n: "token " * (n // 6),
    "token and blanks": lambda n: "token=x" + " " * n,
    "quotes": lambda n: '"' * n,
    "escaped quotes": lambda n: '"' + '\\"' * (n // 2),
    "digits": lambda n: "1." * (n // 2),
    "dashes": lambda n: "-" * n,
}
EXPRESSIONS = [redaction._EMAIL, redaction._SECRET_MEMBER, withholding._LITERAL]


@pytest.mark.parametrize("shape", HOSTILE_TEXTS)
@pytest.mark.parametrize("expression", EXPRESSIONS, ids=["email", "secret", "literal"])
def test_every_expression_over_strangers_texts_takes_time_in_proportion_to_them(
    expression: Any, shape: str
) -> None:
    """A quadratic one takes 4,096 times as long for a text 64 times as long, a linear one 64 times. CPU time, the
    best of several, and far from either."""

    def best(size: int, turns: int) -> float:
        text = HOSTILE_TEXTS[shape](size)
        took = []
        for _ in range(turns):
            began = time.process_time_ns()
            expression.sub("", text)
            took.append(time.process_time_ns() - began)
        return max(min(took), 1)

    assert best(256_000, 3) < 640 * max(best(4_000, 20), 20_000)


@pytest.mark.parametrize("size", [20_000, 1_000_000])
@pytest.mark.parametrize("shape", HOSTILE_TEXTS)
def test_of_a_long_body_only_the_beginning_is_looked_at(
    shape: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0
    masked = Redactor._masked

    def counting(self: Redactor, text: str) -> str:
        nonlocal looked_at
        looked_at += len(text)
        return masked(self, text)

    monkeypatch.setattr(Redactor, "_masked", counting)
    kept = Redactor(["geheim-123"], cap=16_384).body(HOSTILE_TEXTS[shape](size).encode(), "text/html")
    assert kept is not None and len(kept) <= 17_000
    assert looked_at <= 16_384 + 2 * MARGIN_FOR_SECRETS


@pytest.mark.parametrize("kind", ["application/json", "text/html", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("before", [0, 900, 990, 999, 1_000, 1_000 + 2 * MARGIN_FOR_SECRETS - 5])
def test_no_secret_shows_in_half_where_a_long_body_is_cut(kind: str, before: int) -> None:
    secret = "s3cr3t-value-which-is-long"
    text = "x" * before + secret * 3 + "y" * 100_000
    body = json.dumps({"a": text}) if kind.endswith("json") else f"a={text}"
    kept = Redactor([secret], cap=1_000).body(body.encode(), kind) or ""
    assert "s3cr3t" not in kept


@pytest.mark.parametrize(
    "text",
    [
        "a@b.de+c@d.de",
        "a%40b.de%22%2Cfoo%40bar.com",
        "x@y@z.com",
        "ann@example.com,bob@example.com",
        "<a@b.co>",
    ],
)
def test_no_address_is_left_of_texts_with_several(text: str) -> None:
    shown = Redactor().free_text(f"told {text} end")
    assert MASK in shown and "told " in shown
    for part in ("b.de", "d.de", "bar.com", "z.com", "example.com", "b.co"):
        assert part not in shown


# ---------------------------------------------------------------- logging never stops what it logs


async def test_a_write_whose_exchange_cannot_be_shown_still_succeeds_and_is_recorded_bare(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise UnicodeEncodeError("utf-8", "x", 0, 1, "Ada Byron")

    monkeypatch.setattr(Redactor, "body", broken)
    handler, seen = script(httpx.Response(201, json={"id": "7"}))
    sink = MemorySink()
    async with client(handler, sink=sink) as one:
        answer = await one.request("POST", "/x", json={"a": 1}, context={"change": "c1"})
    assert answer.json() == {"id": "7"} and len(seen) == 1
    (kept,) = sink.exchanges
    assert (kept.status, kept.method, kept.context) == (201, "POST", {"change": "c1"})
    assert kept.request_body is None and "Ada" not in repr(kept)
    assert kept.id == answer.exchange_id


@pytest.mark.parametrize("withhold", [False, True, "shape"])
@pytest.mark.parametrize(
    "content",
    [
        rb'{"name": "Shoe\ud83d", "a": ["\ude00"]}',
        b'{"a": 1e1500000000}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a": NaN, "a": 2}',
        rb'{"\ud83d": "\u0000"}',
        b"\xff\xfe",
        b"x" * 300_000,
    ],
    ids=["surrogate", "exponent", "depth", "twice", "name", "bytes", "long"],
)
async def test_whatever_is_answered_to_a_write_its_exchange_is_recorded(
    content: bytes, withhold: Any
) -> None:
    handler, _ = script(httpx.Response(200, content=content))
    sink = MemorySink()
    async with client(handler, sink=sink) as one:
        answer = await one.request("POST", "/x", json={}, withhold=withhold, expect_json=False)
    (kept,) = sink.exchanges
    assert kept.status == 200 and answer.exchange_id == kept.id
    assert kept.error is None
    kept.response_body.encode()  # type: ignore[union-attr]


async def test_a_sink_that_raises_changes_nothing() -> None:
    class Broken:
        def record(self, exchange: Exchange) -> None:
            raise RuntimeError("no room")

    handler, _ = script(201)
    async with client(handler, sink=Broken()) as one:  # type: ignore[arg-type]
        assert (await one.request("POST", "/x", json={})).status == 201


# ---------------------------------------------------------------- exchanges of customers


HOSTILE_SHAPE = {
    "field": "Ada.Byron",
    "country": "Byronshire",
    "version": 4930123456,
    "id": "ada.byron",
    "code": "Geheimweg-7",
    "typeId": "Byron",
    "action": "BelovedAda",
    "createdAt": "Ada",
    "count": 493012345678,
    "currentVersion": "Ada",
    "updated_at": "1815-12-10",
}


async def test_a_hostile_answer_about_a_customer_leaves_only_its_shape() -> None:
    handler, _ = script(
        httpx.Response(400, json={"errors": [HOSTILE_SHAPE], **HOSTILE_SHAPE}),
        httpx.Response(200, json={"results": [HOSTILE_SHAPE]}),
    )
    sink = MemorySink()
    async with client(handler, sink=sink) as one:
        with pytest.raises(RecordRejected):
            await one.request("POST", "/x", json={}, withhold="shape")
        await one.request("GET", "/x", withhold="shape")
    masked = dict.fromkeys(HOSTILE_SHAPE, MASK)
    assert [json.loads(kept.response_body or "") for kept in sink.exchanges] == [
        {"errors": [masked], **masked},
        {"results": [masked]},
    ]


async def test_what_the_vocabulary_of_the_api_says_is_still_shown() -> None:
    told = {
        "statusCode": 409,
        "errors": [{"code": "ConcurrentModification", "currentVersion": 8, "field": "email"}],
        "id": "0b1f4a3e-9c57-4d5e-8a57-0123456789ab",
        "lastModifiedAt": "2026-01-01T00:00:00.000Z",
        "version": 12,
    }
    handler, _ = script(httpx.Response(200, json=told))
    sink = MemorySink()
    async with client(handler, sink=sink) as one:
        await one.request("GET", "/x", withhold="shape")
    assert json.loads(sink.exchanges[0].response_body or "") == told
