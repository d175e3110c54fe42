"""Webhooks of the till: only those of who knows the secret are kept, and each once."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from urllib.parse import quote_plus, urlsplit

import httpx
import pytest

from retail_sync.transport.derived import address_secret
from retail_sync.webhooks import bodies
from retail_sync.webhooks.ports import ReceiverSecrets
from tests.webhooks.served import (
    PROJECT,
    SIGNING,
    WEBHOOK,
    Receiver,
    digest,
    form,
    settings_of,
    signature,
    stock,
)

PATH = "/lightspeed/main/inventory.update"


def test_a_signed_webhook_is_kept_and_rung_for_once(receiver: Receiver) -> None:
    assert receiver.webhook("inventory.update", stock(7)).status_code == 202
    assert receiver.webhook("inventory.update", stock(7)).status_code == 200, "known"
    assert receiver.rung == [frozenset({"inventory"})]
    assert receiver.kept("inventory") == ["inventory.update:stock-p1:7"]


def test_webhooks_in_the_wrong_order_are_all_kept(receiver: Receiver) -> None:
    assert [receiver.webhook("inventory.update", stock(n)).status_code for n in (9, 7, 8)] == [202] * 3
    assert len(receiver.kept("inventory")) == 3


def test_a_sale_concerns_every_entity_that_looks_at_sales(receiver: Receiver) -> None:
    assert receiver.webhook("sale.update", {"id": "s1", "version": 3}).status_code == 202
    assert receiver.rung == [frozenset({"inventory", "orders", "sales"})]


@pytest.mark.parametrize(
    "written",
    [
        lambda raw: digest(raw).hex(),
        lambda raw: digest(raw).hex().upper(),
        lambda raw: base64.b64encode(digest(raw)).decode(),
        lambda raw: base64.b64encode(digest(raw)).decode().rstrip("="),
    ],
    ids=["hex", "HEX", "base64", "base64 without padding"],
)
def test_a_signature_may_be_written_in_any_of_the_ways_it_is(receiver: Receiver, written: object) -> None:
    raw = form(stock(1))
    header = f"signature={written(raw)},algorithm=HMAC-SHA256"  # type: ignore[operator]
    assert receiver.post(PATH, raw, x_signature=header).status_code == 202


@pytest.mark.parametrize(
    "header",
    [
        signature(form(stock(1)), "another-secret"),
        signature(form(stock(2))),
        signature(form(stock(1)), algorithm="HMAC-SHA1"),
        signature(form(stock(1)), algorithm="none"),
        digest(form(stock(1))).hex(),
        "signature=,algorithm=HMAC-SHA256",
        "",
        None,
    ],
    ids=["secret", "other body", "algorithm", "none", "bare", "empty", "nothing", "unsigned"],
)
def test_a_forged_webhook_is_refused_without_a_word(receiver: Receiver, header: str | None) -> None:
    answer = receiver.post(PATH, form(stock(1)), **({} if header is None else {"x_signature": header}))
    assert (answer.status_code, answer.content) == (401, b"")
    assert receiver.kept("inventory") == [] and receiver.rung == []


def test_a_body_changed_on_its_way_is_refused(receiver: Receiver) -> None:
    raw = form(stock(1))
    for tampered in (raw + b"&", raw[:-1], raw.replace(b"stock", b"sTock")):
        assert receiver.post(PATH, tampered, x_signature=signature(raw)).status_code == 401


def test_nobody_is_believed_where_no_secret_is_known(receiver: Receiver) -> None:
    receiver.secrets = ReceiverSecrets(commercetools_project=PROJECT)
    for secret in (SIGNING, ""):
        raw = form(stock(1))
        assert receiver.post(PATH, raw, x_signature=signature(raw, secret)).status_code == 401
    receiver.settings = settings_of(allow_unsigned=True)
    for secret in ("", "None", address_secret("", "lightspeed/main/inventory.update")):
        assert receiver.post(f"{PATH}/{secret}", raw).status_code in (401, 404)
    assert receiver.kept("inventory") == []


def test_a_secret_that_was_changed_holds_at_once(receiver: Receiver) -> None:
    receiver.secrets = ReceiverSecrets(("new", SIGNING), WEBHOOK, None, PROJECT)
    assert receiver.webhook("inventory.update", stock(1), "new").status_code == 202
    assert receiver.webhook("inventory.update", stock(2), SIGNING).status_code == 202
    receiver.secrets = ReceiverSecrets(("new",), WEBHOOK, None, PROJECT)
    assert receiver.webhook("inventory.update", stock(3), SIGNING).status_code == 401


def test_unsigned_webhooks_need_the_permission_and_the_secret_of_their_own_address(
    receiver: Receiver,
) -> None:
    right = address_secret(WEBHOOK, "lightspeed/main/inventory.update")
    raw = form(stock(1))
    assert receiver.post(f"{PATH}/{right}", raw).status_code == 401, "not allowed"
    receiver.settings = settings_of(allow_unsigned=True)
    assert receiver.post(PATH, raw).status_code == 401, "no secret"
    assert receiver.post(f"{PATH}/{right[:-1]}", raw).status_code == 401
    assert receiver.post(f"{PATH}/{right.upper()}", raw).status_code == 401
    assert receiver.post(f"/lightspeed/main/sale.update/{right}", raw).status_code == 401, "another topic's"
    assert receiver.kept("inventory") == []
    assert receiver.post(f"{PATH}/{right}", raw).status_code == 202


@pytest.mark.parametrize(
    "path",
    [
        "/lightspeed/other/inventory.update",
        "/lightspeed/main/register_closure.create",
        "/lightspeed/main",
        "/lightspeed/main/inventory.update/",
        "/",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_is_not_there_is_not_there_even_for_who_knows_the_secret(receiver: Receiver, path: str) -> None:
    raw = form(stock(1))
    answer = receiver.post(path, raw, x_signature=signature(raw))
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not a form",
        b"type=inventory.update",
        b"payload=" + b"x",
        b"payload=%7B%22id%22",
        b"payload=" + quote_plus(json.dumps([stock(1)])).encode(),
        b"payload=null",
        b"payload=" + b"[" * 60_000,
        b"payload=" + b"%7B%22a%22%3A" * 5_000,
        b"payload=%FF%FE",
        b"\xff\xfe\x00",
        form(stock(1)) + b"&payload=%7B%7D",
        json.dumps(stock(1)).encode(),
    ],
    ids=[
        "empty",
        "no form",
        "no payload",
        "no JSON",
        "half a JSON",
        "array",
        "null",
        "deep array",
        "deep object",
        "not UTF-8 in the form",
        "not UTF-8",
        "two payloads",
        "JSON without a form",
    ],
)
def test_what_a_known_sender_sends_in_another_form_is_malformed(receiver: Receiver, raw: bytes) -> None:
    answer = receiver.post(PATH, raw, x_signature=signature(raw))
    assert (answer.status_code, answer.content) == (400, b"")
    assert receiver.post(PATH, raw).status_code == 401, "and only a known sender is told so"


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_that_is_too_long_is_refused(receiver: Receiver, chunked: bool) -> None:
    receiver.settings = settings_of(most_body_kilobytes=16)
    raw = b"payload=" + b"x" * (16 * 1024 - 8)
    for body, status in ((raw, 400), (raw + b"x", 413)):
        answer = receiver.post(PATH, _chunks(body) if chunked else body, x_signature=signature(body))
        assert (answer.status_code, answer.content) == (status, b"")


def test_a_body_is_not_read_for_longer_than_it_is_long_enough(receiver: Receiver) -> None:
    """The sender goes on for ever, or until the connection is closed."""
    receiver.settings = settings_of(most_body_kilobytes=16)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with contextlib.suppress(httpx.NetworkError):
        assert receiver.post(PATH, endless(), x_signature=signature(b"x")).status_code == 413
    assert receiver.webhook("inventory.update", stock(1)).status_code == 202


@pytest.mark.parametrize("path", [PATH, "/nowhere", f"{PATH}/{'0' * 40}", "/pubsub/main"])
def test_of_what_is_refused_by_its_head_no_endless_body_is_read(receiver: Receiver, path: str) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with contextlib.suppress(httpx.NetworkError):
        assert receiver.post(path, endless(), x_signature="x").status_code in (401, 404)
    assert receiver.webhook("inventory.update", stock(1)).status_code == 202


def test_a_body_that_does_not_come_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    address = urlsplit(receiver.url)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Signature: {signature(b'x')}\r\nContent-Length: 100\r\n\r\npayload="
    with socket.create_connection((address.hostname, address.port), timeout=20) as sender:
        sender.sendall(head.encode())
        answer = sender.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post_is_a_method(receiver: Receiver, method: str) -> None:
    answer = receiver.client.request(method, f"{receiver.url}{PATH}")
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", "POST")


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]
