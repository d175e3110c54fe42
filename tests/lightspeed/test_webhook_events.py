"""Deliveries of webhooks: what they hint at, under which id, and whether they are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.lightspeed.x_series.events.notifications import TOPICS, Signature, hint_of
from retail_sync.records.events import UnreadableEvent

SALE = {"id": "7f1c9a52-0000-4000-8000-0a58a9feac02", "version": 27561020001, "status": "CLOSED"}
PERSON = {
    "id": "0a6f6e36-8b54-11ea-f3d6-9fe0c8e0d6e1",
    "first_name": "Ada",
    "last_name": "Byron",
    "email": "ada@private.example",
    "balance": 0,
    "updated_at": "2026-11-23 08:30:01",
}


def form(payload: Any, **more: str) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return urlencode({"payload": text, **more}).encode()


def signed(raw: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), raw, hashlib.sha256).digest()


# ---------------------------------------------------------------- what it hints at


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_the_address_says_which_entities_look(topic: str) -> None:
    hint = hint_of(topic, form(SALE))
    assert (hint.source, hint.topic, hint.entities) == ("lightspeed", topic, TOPICS[topic])
    assert (hint.resource_id, hint.version) == (SALE["id"], SALE["version"])


def test_a_delivery_that_is_repeated_is_the_same_event_whatever_else_its_form_says() -> None:
    for payload in (SALE, PERSON):
        topic = "customer.update" if payload is PERSON else "sale.update"
        first = hint_of(topic, form(payload, environment="prod", retailer_id="r1"))
        assert hint_of(topic, form(payload, retailer_id="r1", attempt="2")).event_id == first.event_id


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_another_version_is_another_event(topic: str) -> None:
    later = {**SALE, "version": SALE["version"] + 1}  # type: ignore[operator]
    assert hint_of(topic, form(SALE)).event_id != hint_of(topic, form(later)).event_id


def test_the_same_record_under_another_topic_is_another_event() -> None:
    sent, received = (hint_of(f"consignment.{what}", form(SALE)) for what in ("send", "receive"))
    assert sent.event_id != received.event_id


def test_a_customer_has_no_version_and_two_states_of_one_are_two_events() -> None:
    before, after = (hint_of("customer.update", form({**PERSON, "balance": n})) for n in (0, 5))
    assert before.resource_id == after.resource_id == PERSON["id"]
    assert before.event_id != after.event_id


def test_a_new_price_without_a_new_version_of_the_product_is_another_event() -> None:
    product = {"id": "p-red", "version": 7, "price_book_entries": [{"price": 26.08}]}
    cheaper = {**product, "price_book_entries": [{"price": 20}]}
    assert (
        hint_of("product.update", form(product)).event_id != hint_of("product.update", form(cheaper)).event_id
    )


def test_a_version_as_text_is_the_version() -> None:
    as_text = hint_of("inventory.update", form({"id": "i1", "version": "27561020002", "count": "9"}))
    as_number = hint_of("inventory.update", form({"id": "i1", "version": 27561020002, "count": 9}))
    assert as_text.version == as_number.version == 27561020002
    assert as_text.event_id == as_number.event_id


@pytest.mark.parametrize("version", [None, True, -1, 1.5, "1e3", 2**63, [], {"n": 1}])
def test_what_is_no_version_is_not_taken_for_one(version: Any) -> None:
    hint = hint_of("sale.update", form({"id": "s1", "version": version}))
    assert hint.version is None and ":sha256:" in hint.event_id


def test_the_time_a_record_was_changed_is_not_taken_for_the_time_of_sending() -> None:
    assert hint_of("customer.update", form({**PERSON, "updated_at": "2001-01-01 00:00:00"})).sent_at is None


def test_nothing_personal_is_in_a_hint() -> None:
    shown = repr(hint_of("customer.update", form({**PERSON, "note": "Rue du Lac 7"})))
    assert not any(word in shown for word in ("Ada", "Byron", "ada@", "Rue du Lac", "2026-11-23"))


def test_an_id_that_looks_like_a_mail_address_stays_out_of_the_hint() -> None:
    hint = hint_of("customer.update", form({"id": "ada@private.example", "version": 3}))
    assert hint.resource_id is None and "ada" not in hint.event_id


# ---------------------------------------------------------------- what can't be read


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"payload=%ff%fe",
        b"other=1",
        b"payload=",
        b"payload=ada%40private.example",
        b"payload=%5B%5D",
        b"payload=null",
        b"payload=%7B%7D",
        form(SALE) + b"&" + form(SALE),
        form("[" * 20_000),
        json.dumps(SALE).encode(),
        b"&".join(b"a=1" for _ in range(1000)) + b"&" + form(SALE),
    ],
)
def test_what_is_no_delivery_is_refused_without_repeating_it(raw: bytes) -> None:
    with pytest.raises(UnreadableEvent) as refused:
        hint_of("customer.update", raw)
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None and refused.value.__suppress_context__ is (
        refused.value.__context__ is not None
    )


def test_a_topic_nobody_follows_is_refused_without_repeating_it() -> None:
    with pytest.raises(UnreadableEvent) as refused:
        hint_of("ada@private.example", form(SALE))
    assert "ada" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.sampled_from(sorted(TOPICS)), st.one_of(json_values, st.fixed_dictionaries({"id": json_values})))
def test_any_json_is_a_hint_or_unreadable(topic: str, payload: Any) -> None:
    raw = urlencode({"payload": json.dumps(payload)}, errors="surrogatepass").encode()
    try:
        hint = hint_of(topic, raw)
    except UnreadableEvent:
        return
    assert hint.event_id.startswith(f"{topic}:") and hint.event_id.isascii()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_hint_or_unreadable(raw: bytes) -> None:
    try:
        hint_of("sale.update", b"payload=" + raw)
    except UnreadableEvent:
        return


# ---------------------------------------------------------------- signatures


@pytest.mark.parametrize(
    "written",
    [
        lambda mac: mac.hex(),
        lambda mac: mac.hex().upper(),
        lambda mac: base64.b64encode(mac).decode(),
        lambda mac: base64.b64encode(mac).decode().rstrip("="),
    ],
    ids=["hex", "HEX", "base64", "base64 without its end"],
)
def test_a_signature_is_right_however_its_bytes_are_written(written: Any) -> None:
    raw = form(SALE)
    mac = written(signed(raw, "our-secret"))
    assert signature_is_right(raw, f"signature={mac},algorithm=HMAC-SHA256", ["our-secret"])
    assert signature_is_right(raw, f"algorithm=hmac-sha256, signature={mac}", ["older", "our-secret"])
    assert not signature_is_right(raw, f"signature={mac},algorithm=HMAC-SHA256", ["another-secret"])
    assert not signature_is_right(raw + b"&a=1", f"signature={mac},algorithm=HMAC-SHA256", ["our-secret"])


def test_no_secret_and_an_empty_secret_sign_nothing() -> None:
    raw = form(SALE)
    header = f"signature={hmac.new(b'', raw, hashlib.sha256).hexdigest()},algorithm=HMAC-SHA256"
    assert not signature_is_right(raw, header, [])
    assert not signature_is_right(raw, header, [""])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "signature=",
        "signature={mac}",
        "{mac}",
        "signature={mac},algorithm=none",
        "signature={mac},algorithm=HMAC-SHA1",
        "signature={mac},signature={mac},algorithm=HMAC-SHA256",
        "signature=é{mac},algorithm=HMAC-SHA256",
        "signature={mac}00,algorithm=HMAC-SHA256",
        "signature=" + "é" * 64 + ",algorithm=HMAC-SHA256",
    ],
)
def test_what_is_no_signature_header_is_not_right(header: str | None) -> None:
    raw = form(SALE)
    mac = signed(raw, "our-secret").hex()
    shown = header.replace("{mac}", mac) if header else header
    assert not signature_is_right(raw, shown, ["our-secret"])


@given(st.text(max_size=120) | st.none())
def test_any_header_is_right_or_not(header: str | None) -> None:
    assert not signature_is_right(b"payload=1", header, ["our-secret"])


def signature_is_right(raw: bytes, header: str | None, secrets: list[str]) -> bool:
    """As the receiver finds out: while the body comes in parts."""
    signature = Signature(header, secrets)
    for start in range(0, len(raw), 3):
        signature.update(raw[start : start + 3])
    return signature.is_right()
