"""What holds for every sender: nothing is thanked for before it is safe, nothing is told to strangers, and no flood,
loss or old event does harm."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from retail_sync.ledger.engine import connect
from retail_sync.ledger.inbox import Inbox
from retail_sync.lightspeed.x_series.events.notifications import Signature
from retail_sync.records.errors import ConfigurationFault
from retail_sync.transport.derived import address_secret
from retail_sync.webhooks import bodies
from retail_sync.webhooks.answers import ComeAgain, Refused
from retail_sync.webhooks.app import receiver_app
from retail_sync.webhooks.bodies import Strangers
from retail_sync.webhooks.counting import Tally
from retail_sync.webhooks.limiting import MOST_ADDRESSES, Refusals, Taken, origin_of
from retail_sync.webhooks.ports import Kept, Ports, ReceiverSecrets
from retail_sync.webhooks.workers import Workers
from sandbox.server import SandboxServer
from tests.webhooks.served import (
    EVENT_GRID,
    EVENTS,
    PUBSUB,
    SIGNING,
    WEBHOOK,
    Receiver,
    changed,
    cloud_event,
    form,
    kept_in,
    pushed,
    settings_of,
    signature,
    stock,
)

PATH = "/lightspeed/main/inventory.update"


# ---------------------------------------------------------------- nothing is lost


def test_while_the_ledger_is_down_events_are_put_off_and_taken_afterwards(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = Inbox(connect("postgresql://nobody:its-password@127.0.0.1:1/nothing"))
    right, receiver.keep = receiver.keep, lambda hints: kept_in(nowhere, hints)  # type: ignore[method-assign]
    answers = [receiver.webhook("inventory.update", stock(number)) for number in range(5)]
    assert [answer.status_code for answer in answers] == [503] * 5
    assert all(answer.headers["retry-after"] and not answer.content for answer in answers)
    assert receiver.rung == []
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "SystemUnavailable" in record.getMessage()
    assert "its-password" not in caplog.text and "stock-p1" not in caplog.text
    receiver.keep = right  # type: ignore[method-assign]
    assert receiver.webhook("inventory.update", stock(1)).status_code == 202


def test_a_ledger_that_does_not_answer_puts_events_off_and_still_rings_for_what_it_keeps_later(
    receiver: Receiver,
) -> None:
    go_on = threading.Event()
    right = receiver.keep

    def slow(hints: Any) -> Kept:
        go_on.wait(30)
        return right(hints)

    receiver.keep = slow  # type: ignore[method-assign]
    try:
        assert receiver.webhook("inventory.update", stock(1)).status_code == 503
    finally:
        go_on.set()
    receiver.keep = right  # type: ignore[method-assign]
    deadline = time.monotonic() + 20
    while not receiver.rung and time.monotonic() < deadline:
        time.sleep(0.01)
    assert receiver.rung == [frozenset({"inventory"})]
    assert receiver.webhook("inventory.update", stock(1)).status_code == 200, (
        "kept, though nobody was thanked"
    )


@pytest.mark.parametrize("what", ["settings", "secrets"])
def test_without_settings_or_secrets_everything_is_put_off(ledger: Any, what: str) -> None:
    def unreadable() -> Any:
        raise ConfigurationFault("no file, but a secret: hunter2")

    known = {"settings": lambda: settings_of(), "secrets": lambda: ReceiverSecrets()}
    ports = Ports(**{**known, what: unreadable}, keep=lambda hints: Kept(), ring=lambda told: None)
    with SandboxServer(receiver_app(ports)) as server:
        for path in (PATH, "/nowhere"):
            answer = httpx.post(f"{server.url}{path}", content=b"x")
            assert (answer.status_code, answer.content) == (503, b"")
            assert int(answer.headers["retry-after"]) > 0


def test_the_same_event_in_many_requests_at_once_is_kept_once(receiver: Receiver) -> None:
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(receiver.webhook, "inventory.update", stock(number % 4)) for number in range(40)]
        statuses = [one.result().status_code for one in sent]
    assert sorted(set(statuses)) == [200, 202] and statuses.count(202) == 4
    assert len(receiver.kept("inventory")) == 4


def test_more_work_than_can_be_done_is_put_off_at_once() -> None:
    async def crowded() -> None:
        workers, go_on = Workers(1, 2, 20.0, "ledger"), threading.Event()
        under_way = [asyncio.create_task(workers.do(go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ComeAgain):
            await workers.do(lambda: None)
        go_on.set()
        assert await asyncio.gather(*under_way) == [True, True]
        assert await workers.do(lambda: 7) == 7, "and there is room again"
        workers.close()

    asyncio.run(crowded())


# ---------------------------------------------------------------- age


def test_what_is_older_than_anybody_waits_for_is_thanked_for_and_not_kept(receiver: Receiver) -> None:
    receiver.settings = settings_of(PUBSUB, oldest_hours=24)
    now = datetime.now(UTC)
    for hours, status in ((25, 200), (23, 202)):
        sent_at = (now - timedelta(hours=hours)).isoformat()
        assert receiver.push(changed(hours, modifiedAt=sent_at)).status_code == status
    assert len(receiver.kept("inventory")) == 1


def test_an_event_from_the_future_comes_from_now(receiver: Receiver) -> None:
    receiver.settings = settings_of(PUBSUB)
    soon, far = datetime.now(UTC) + timedelta(minutes=2), datetime.now(UTC) + timedelta(days=400)
    for version, sent_at in ((1, soon), (2, far)):
        assert receiver.push(changed(version, modifiedAt=sent_at.isoformat())).status_code == 202
    first, second = [event.body["sent_at"] for event in receiver.ledger.inbox.claim("inventory", "test")]
    assert datetime.fromisoformat(first) == soon
    assert datetime.fromisoformat(second) <= datetime.now(UTC)


# ---------------------------------------------------------------- limits


def test_who_is_refused_too_often_is_told_so_and_a_genuine_neighbour_is_not(receiver: Receiver) -> None:
    receiver.settings = settings_of(PUBSUB, refused_per_minute=5)
    assert receiver.webhook("inventory.update", stock(0)).status_code == 202
    forged = [receiver.post(PATH, b"payload=1", x_signature="x").status_code for _ in range(8)]
    assert forged == [401] * 5 + [429] * 3
    assert receiver.post("/nowhere").status_code == 429, "whatever else it tries"
    assert receiver.webhook("inventory.update", stock(1)).status_code == 202, "from the same address"
    assert receiver.push(changed(1)).status_code == 202
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=elsewhere) as client:
        assert client.post(f"{receiver.url}{PATH}").status_code == 401, "another address"


def test_a_known_sender_that_sends_nonsense_is_not_taken_for_a_forger(receiver: Receiver) -> None:
    receiver.settings = settings_of(refused_per_minute=1)
    raw = b"payload=nonsense"
    assert {receiver.post(PATH, raw, x_signature=signature(raw)).status_code for _ in range(5)} == {400}


def test_more_events_than_are_taken_in_a_minute_are_put_off(receiver: Receiver) -> None:
    receiver.settings = settings_of(EVENT_GRID, events_per_minute=60)
    batch = b"[" + b",".join(_json(cloud_event(number)) for number in range(70)) + b"]"
    assert receiver.post(receiver.grid, batch).status_code == 202, "a batch is taken as a whole"
    answer = receiver.webhook("inventory.update", stock(1))
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert receiver.post(PATH, form(stock(1)), x_signature="x").status_code == 401
    assert len(receiver.kept("inventory")) == 70


def test_forgers_use_up_nothing_of_what_may_be_taken(receiver: Receiver) -> None:
    receiver.settings = settings_of(events_per_minute=60, refused_per_minute=1000)
    for _ in range(70):
        receiver.post(PATH, b"payload=1", x_signature="x")
    assert receiver.webhook("inventory.update", stock(1)).status_code == 202


def test_refusals_are_forgotten_after_a_minute_and_never_fill_the_memory() -> None:
    now = [0.0]
    refusals = Refusals(clock=lambda: now[0])
    assert [refusals.is_one_too_many("192.0.2.1", 2) for _ in range(4)] == [False, False, True, True]
    now[0] = 59.0
    assert refusals.is_one_too_many("192.0.2.1", 2)
    now[0] = 61.0
    assert not refusals.is_one_too_many("192.0.2.1", 2)
    for number in range(MOST_ADDRESSES * 2):
        refusals.is_one_too_many(f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}", 2)
    assert len(refusals) == MOST_ADDRESSES


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        (None, "not an address", True),
    ],
)
def test_whose_an_address_is(one: str | None, other: str, same: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is same


def test_what_was_taken_counts_for_a_minute() -> None:
    now = [0.0]
    taken = Taken(clock=lambda: now[0])
    for second in range(60):
        now[0] = float(second)
        assert taken.has_room(60)
        taken.add(1)
    assert not taken.has_room(60)
    now[0] = 60.0
    assert taken.has_room(60) and not taken.has_room(59)
    now[0] = 200.0
    assert taken.has_room(1)


# ---------------------------------------------------------------- bodies of strangers


def test_bodies_of_strangers_share_one_budget_and_who_takes_longest_is_given_up() -> None:
    """Six hundred connections of a megabyte each, none of them finished: the budget is what they hold in all."""
    strangers = Strangers(most=8 * 1024 * 1024)
    genuine = form(stock(1))

    async def crowd() -> tuple[list[Any], bytes]:
        slow = [
            asyncio.create_task(strangers.body_of(_slow(1024 * 1024), 1024, _nothing)) for _ in range(600)
        ]
        for _ in range(30):
            await asyncio.sleep(0)
        assert 0 < strangers.held <= 8 * 1024 * 1024
        signed = Signature(signature(genuine), (SIGNING,))
        body = await strangers.body_of(_whole(genuine), 1024, signed.update)
        assert signed.is_right()
        for one in slow:
            one.cancel()
        return await asyncio.gather(*slow, return_exceptions=True), body

    ends, body = asyncio.run(crowd())
    assert body == genuine, "a genuine webhook does not suffer"
    given_up = [one for one in ends if isinstance(one, ComeAgain)]
    assert len(given_up) == 600 - 8
    assert strangers.held == 0


def test_a_body_that_alone_is_longer_than_all_may_hold_is_given_up() -> None:
    async def alone() -> None:
        strangers = Strangers(most=10)
        with pytest.raises(ComeAgain):
            await strangers.body_of(_whole(b"x" * 11), 1024, _nothing)
        assert strangers.held == 0

    asyncio.run(alone())


@pytest.mark.parametrize("way", ["signed", "known"])
def test_a_body_that_comes_slowly_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    request = _slow(10)

    async def wait() -> None:
        reading = bodies.body_of(request, 1) if way == "known" else Strangers().body_of(request, 1, _nothing)
        with pytest.raises(Refused) as caught:
            await reading
        assert caught.value.status == 408

    asyncio.run(wait())


def test_of_an_address_that_was_refused_too_often_no_body_is_read(receiver: Receiver) -> None:
    """Every way in answers before a body came: the request announces a megabyte, and sends nothing of it."""
    receiver.settings = settings_of(PUBSUB, refused_per_minute=3)
    for _ in range(3):
        assert receiver.post(PATH, b"payload=1", x_signature=signature(b"x")).status_code == 401
    assert _answered_without_body(receiver, PATH, signature(b"x")) == 503, (
        "it may be genuine: it may come again"
    )
    assert _answered_without_body(receiver, PATH, "nonsense") == 429
    assert _answered_without_body(receiver, f"/pubsub/main/{'0' * 40}", "") == 429
    assert _answered_without_body(receiver, f"{PATH}/{'0' * 40}", "") == 429
    assert _answered_without_body(receiver, "/nowhere", "") == 429


def _answered_without_body(receiver: Receiver, path: str, header: str) -> int:
    url = httpx.URL(receiver.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(
            f"POST {url.path.rstrip('/')}{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
            f"X-Signature: {header}\r\n\r\n".encode()
        )
        begin = connection.recv(1000)
    return int(begin.split()[1])


def _nothing(_: bytes) -> None: ...


def _whole(content: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return Request({"type": "http", "headers": []}, receive)


def _slow(size: int) -> Request:
    """All of the body but its end."""
    parts = [b"x" * size]

    async def receive() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": True}
        await asyncio.sleep(600)
        raise AssertionError

    return Request({"type": "http", "headers": []}, receive)


HOSTILE = [
    '{"a":1e1000000000000000000}',
    '{"version":1e400}',
    '{"id":"\\ud83d","version":1}',
    '{"id":"a\\u0000b","version":"9999999999999999999999999999999"}',
    '{"version":' + "9" * 5000 + "}",
    "[" * 10_000 + "]" * 10_000,
    '{"a":' * 10_000 + "1" + "}" * 10_000,
    '{"version":1,"version":2}',
    '{"id":{"a":1},"version":[]}',
    '{"id":null,"version":true}',
    '{"a":NaN,"b":-Infinity}',
    '["a"]', '"text"', "null", "7", "", "{", "\ufeff{}",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("topic", ["inventory.update", "product.update", "customer.update"])
def test_hostile_json_of_a_known_sender_is_answered_for_good(
    receiver: Receiver, topic: str, text: str
) -> None:
    """503 would bring it back for 48 hours."""
    raw = f"payload={quote_plus(text)}".encode()
    answer = receiver.post(f"/lightspeed/main/{topic}", raw, x_signature=signature(raw))
    assert answer.status_code in (200, 202, 400)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("way", ["pubsub", "envelope", "eventgrid", "encoded"])
def test_hostile_json_of_a_known_queue_is_answered_for_good(receiver: Receiver, way: str, text: str) -> None:
    receiver.settings = settings_of(PUBSUB if way in ("pubsub", "envelope") else EVENT_GRID)
    path = f"/pubsub/main/{address_secret(EVENTS, 'pubsub/main')}"
    if way == "pubsub":
        answer = receiver.post(path, pushed(text.encode()))
    elif way == "envelope":
        answer = receiver.post(path, text.encode())
    elif way == "eventgrid":
        answer = receiver.post(receiver.grid, text.encode())
    else:
        encoded = base64.b64encode(text.encode()).decode()
        answer = receiver.post(receiver.grid, _json({"specversion": "1.0", "data_base64": encoded}))
    assert answer.status_code in (200, 202, 400)


# ---------------------------------------------------------------- what leaves


def test_every_answer_has_the_same_headers_and_says_nothing(receiver: Receiver) -> None:
    answers = [
        receiver.webhook("inventory.update", stock(1)),
        receiver.webhook("inventory.update", stock(1)),
        receiver.post(PATH, b"payload=1"),
        receiver.post("/no/such/place"),
        receiver.client.get(f"{receiver.url}{PATH}"),
    ]
    assert [one.status_code for one in answers] == [202, 200, 401, 404, 405]
    for answer in answers:
        assert answer.content == b""
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (answer.headers.get("connection") == "close") is (answer.status_code >= 400)
        assert not {"set-cookie", "server", "access-control-allow-origin", "location"} & set(answer.headers)


def test_a_flood_of_forgeries_does_not_fill_the_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="retail_sync")
    receiver.webhook("inventory.update", stock(1))
    for number in range(100):
        receiver.post(PATH, f"payload=secret-{number}".encode(), x_signature="x", user_agent="forger/1")
        receiver.post(f"/secret-path-{number}")
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("retail_sync.webhooks")]
    assert lines == [
        "Events, lightspeed inventory.update: 1 received.",
        "Events, the signature of a webhook is wrong: 1 refused.",
        "Events, no such address: 1 refused.",
    ]


def test_what_was_not_logged_at_once_is_logged_when_the_minute_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def flood() -> None:
        tally = Tally(every=0.01)
        for _ in range(50):
            tally.count(logging.WARNING, "no such address", refused=1)
        while len(caplog.records) < 2:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(flood(), 20))
    assert [one.getMessage() for one in caplog.records] == [
        "Events, no such address: 1 refused.",
        "Events, no such address: 49 refused.",
    ]


def test_the_secret_of_an_address_reaches_no_access_log() -> None:
    """Servers look at the address when the answer begins, or when it is done. Mounted and behind middleware, as in
    Airflow's API server."""
    seen: list[str] = []
    receiver = receiver_app(Ports(settings_of, ReceiverSecrets, lambda hints: Kept(), lambda told: None))
    app = FastAPI()
    app.mount("/hooks", receiver)

    @app.middleware("http")
    async def around(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        async def looking(message: Message) -> None:
            seen.append(scope["path"])
            await send(message)

        await app(scope, receive, looking if scope["type"] == "http" else send)
        if scope["type"] == "http":
            seen.append(scope["path"] + scope["raw_path"].decode())

    secret = address_secret(EVENTS, "pubsub/main")
    with SandboxServer(server) as served:
        for path in (f"/pubsub/main/{secret}", f"/pubsub/main/{secret}/", f"/elsewhere/{secret}?x=1"):
            httpx.post(f"{served.url}/hooks{path}")
    assert len(seen) == 9 and all(secret not in path and "***" in path for path in seen)


def test_secrets_are_not_shown_with_what_holds_them() -> None:
    shown = repr(ReceiverSecrets((SIGNING,), WEBHOOK, EVENTS, "goodstore"))
    assert "goodstore" in shown
    assert not any(secret in shown for secret in (SIGNING, WEBHOOK, EVENTS))


# ---------------------------------------------------------------- whatever comes

ANY_HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200)


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=3000) | st.binary(max_size=500).map(lambda raw: b"payload=" + raw),
    header=ANY_HEADER,
    way=st.sampled_from(["signed", "unsigned", "pubsub", "eventgrid", "forged", "anywhere"]),
    kind=st.sampled_from(["", "SubscriptionValidation", "Notification", "x"]),
)
def test_whatever_comes_is_answered_and_nothing_of_it_comes_back(
    receiver: Receiver, body: bytes, header: str, way: str, kind: str
) -> None:
    _sent_somehow(receiver, body, header, way, kind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["message", "data", "data_base64", "resource", "notificationType", "time", "id"])
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=JSON, way=st.sampled_from(["signed", "unsigned", "pubsub", "eventgrid"]))
def test_whatever_json_comes_is_answered_and_nothing_of_it_comes_back(
    receiver: Receiver, told: Any, way: str
) -> None:
    body = form(told) if way in ("signed", "unsigned") else _json(told)
    _sent_somehow(receiver, body, "x", way, "")


def _sent_somehow(receiver: Receiver, body: bytes, header: str, way: str, kind: str) -> None:
    receiver.settings = settings_of(
        EVENT_GRID if way == "eventgrid" else PUBSUB, allow_unsigned=True, refused_per_minute=10**6
    )
    path = {
        "unsigned": f"{PATH}/{address_secret(WEBHOOK, 'lightspeed/main/inventory.update')}",
        "pubsub": f"/pubsub/main/{address_secret(EVENTS, 'pubsub/main')}",
        "eventgrid": receiver.grid,
        "anywhere": "/" + header.replace("#", "").replace("?", ""),
    }.get(way, PATH)
    headers = {"x_signature": signature(body) if way == "signed" else header, "authorization": header}
    answer = receiver.post(path, body, **headers, **({"aeg_event_type": kind} if kind else {}))
    assert answer.status_code in (200, 202, 400, 401, 404)
    if not (way == "eventgrid" and kind == "SubscriptionValidation" and answer.status_code == 200):
        assert answer.content == b""


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
