"""What holds for every sender: nothing is thanked for before it is safe, nothing is told to strangers, and no flood,
loss or old event does harm."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from include.ledger.engine import connect
from include.ledger.inbox import Inbox
from include.receiver.answers import ComeAgain
from include.receiver.app import receiver_app
from include.receiver.counting import Tally
from include.receiver.limiting import MOST_ADDRESSES, Refusals, Taken, origin_of
from include.receiver.ports import Ports, ReceiverSecrets
from include.receiver.workers import Workers
from include.records.errors import ConfigurationFault
from include.sandbox.server import SandboxServer
from include.transport.derived import address_secret
from tests.receiver.served import (
    ENTITIES,
    EVENT_GRID,
    EVENTS,
    PUBSUB,
    SIGNING,
    WEBHOOK,
    Receiver,
    changed,
    cloud_event,
    form,
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
    right, receiver.keep = receiver.keep, lambda hints: nowhere.keep(hints, ENTITIES)  # type: ignore[method-assign]
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

    def slow(hints: Any) -> frozenset[str]:
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
    ports = Ports(**{**known, what: unreadable}, keep=lambda hints: frozenset(), ring=lambda told: None)
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
        assert not {"set-cookie", "server", "access-control-allow-origin", "location"} & set(answer.headers)


def test_a_flood_of_forgeries_does_not_fill_the_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="include")
    for number in range(100):
        receiver.post(PATH, f"payload=secret-{number}".encode(), x_signature="x", user_agent="forger/1")
        receiver.post(f"/secret-path-{number}")
    receiver.webhook("inventory.update", stock(1))
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("include.receiver")]
    assert lines == [
        "Events, the signature of a webhook is wrong: 1 refused.",
        "Events, no such address: 1 refused.",
        "Events, lightspeed inventory.update: 1 received.",
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
    receiver = receiver_app(Ports(settings_of, ReceiverSecrets, lambda hints: frozenset(), lambda told: None))
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


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
