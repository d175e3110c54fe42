"""Nothing secret or private gets into an exchange, whatever form it comes in."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retail_sync.transport.redaction import MASK, Redactor, is_secret_name

SECRET = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*"),
    min_size=8,
    max_size=24,
).filter(lambda text: sum(map(str.isalnum, text)) >= 6)
WORDS = st.text(alphabet="abcdefgh XYZ\n", max_size=12)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1000, 1000), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


def planted(value: Any, secret: str) -> Any:
    """`value` with the secret somewhere in each text and as a key."""
    if isinstance(value, str):
        return f"{value}{secret}{value}"
    if isinstance(value, list):
        return [*(planted(item, secret) for item in value), secret]
    if isinstance(value, dict):
        return {**{key: planted(item, secret) for key, item in value.items()}, f"k{secret}": 1}
    return value


@given(SECRET, JSON)
@example("abcdef12", {"a": ["x"]})
def test_a_planted_secret_never_appears_in_a_json_body(secret: str, value: Any) -> None:
    body = json.dumps({"deep": planted(value, secret)}).encode()
    kept = Redactor([secret]).body(body, "application/json")
    assert kept is not None
    assert secret.lower() not in kept.lower()
    assert json.dumps(secret)[1:-1].lower() not in kept.lower()


@given(SECRET, st.integers(1, 200))
def test_a_cut_leaves_no_part_of_a_secret_that_was_whole(secret: str, cap: int) -> None:
    text = f"before {secret} after {secret}"
    kept = Redactor([secret], cap=cap).body(json.dumps({"a": text}).encode(), "application/json") or ""
    assert (
        secret[:6] not in kept
        or secret[:6] in f'{{"a":"before {MASK} after {MASK}"}}…[cut; the body has  bytes]'
    )


@given(SECRET)
def test_a_planted_secret_never_appears_in_addresses_headers_forms_and_error_pages(secret: str) -> None:
    redactor = Redactor([secret])
    address = (
        f"https://api.example.com/p/{quote(secret, safe='')}?{urlencode({'q': f'a {secret}', 'x': '1'})}"
    )
    page = f"<html><p>{html.escape(secret)}</p><a href='?{urlencode({'k': secret})}'>{secret}</a>"
    form = urlencode({"note": secret, "n": "1"}).encode()
    for shown in (
        redactor.url(address),
        " ".join(redactor.headers({"X-Echo": f"got {secret}"}).values()),
        redactor.body(page.encode(), "text/html") or "",
        redactor.body(form, "application/x-www-form-urlencoded") or "",
    ):
        for spelling in (secret, quote(secret, safe=""), html.escape(secret)):
            assert spelling.lower() not in shown.lower()


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Set-Cookie", "access_token", "refreshToken", "client-secret", "X-Api-Key", "password"],
)
def test_names_that_carry_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)
    redactor = Redactor()
    assert redactor.headers({name: "abc"}) == {name: MASK}
    assert f"{name}={MASK}" in redactor.url(f"https://x.example.com/?{name}=abc&page=2")
    assert json.loads(redactor.body(json.dumps({"a": [{name: "abc"}]}).encode()) or "") == {
        "a": [{name: MASK}]
    }


def test_the_user_name_and_fragment_of_an_address_vanish_and_mails_are_masked() -> None:
    shown = Redactor().url(
        "https://user:pw@x.example.com/customers/ann@example.com?where=email%3D%22a.b%40c.de%22#t"
    )
    assert shown == f"https://x.example.com/customers/{MASK}?where=email%3D%22{MASK}%22"


def test_private_fields_are_found_by_path_anywhere_and_by_attribute_name() -> None:
    redactor = Redactor(private=["custom.fields.note", "attributes.margin", "email"])
    body = {
        "results": [
            {"custom": {"fields": {"note": "psst", "open": 1}}, "email": "a@example.com", "note": "public"},
            {"attributes": [{"name": "margin", "value": 12}, {"name": "color", "value": "red"}]},
        ],
        "actions": [{"action": "setCustomField", "name": "note", "value": "psst"}],
    }
    kept = json.loads(redactor.body(json.dumps(body).encode()) or "")
    assert kept["results"][0] == {
        "custom": {"fields": {"note": MASK, "open": 1}},
        "email": MASK,
        "note": "public",
    }
    assert kept["results"][1]["attributes"] == [
        {"name": "margin", "value": MASK},
        {"name": "color", "value": "red"},
    ]
    assert kept["actions"][0]["value"] == MASK


def test_an_unreadable_body_that_names_a_private_field_is_withheld() -> None:
    kept = Redactor(private=["custom.fields.note"]).body(
        b'{"custom": {"fields": {"note": "psst', "application/json"
    )
    assert kept is not None
    assert "psst" not in kept
    assert "withheld" in kept


def test_unreadable_bodies_lose_tokens_and_mail_addresses() -> None:
    kept = Redactor().body(
        b'{"access_token":"abc.def","mail":"ann@example.com", Authorization: Bearer abcdefghijkl123'
    )
    assert kept is not None
    assert "abc.def" not in kept
    assert "ann@" not in kept
    assert "abcdefghijkl123" not in kept


def test_of_a_long_list_the_first_items_are_kept_and_the_rest_is_counted() -> None:
    rows = [{"id": number, "name": "x" * 50} for number in range(500)]
    kept = Redactor(cap=2000).body(json.dumps({"results": rows}).encode()) or ""
    assert len(kept.encode()) < 2100
    assert "more items cut" in kept
    assert json.loads(kept)["results"][0] == rows[0]


def test_a_long_text_is_cut_with_the_length_it_had() -> None:
    kept = Redactor(cap=100).body(json.dumps("ü" * 5000).encode()) or ""
    assert kept.startswith('"üüü')
    assert "the body has 30002 bytes" in kept
    assert len(kept.encode()) < 160


def test_pictures_and_empty_bodies_are_not_kept() -> None:
    redactor = Redactor()
    assert redactor.body(b"\x89PNG", "image/png") == "[image/png, 4 bytes]"
    assert redactor.body(b"", "application/json") is None
    assert Redactor(cap=0).body(b"{}") is None
