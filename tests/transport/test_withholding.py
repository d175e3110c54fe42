"""A request whose bodies hold personal data: they can be read, and nothing of them is kept or told."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.errors import RecordRejected, SyncError
from retail_sync.transport.answer import Answer
from retail_sync.transport.redaction import Redactor
from tests.support.sinks import MemorySink
from tests.transport.doubles import client, script

pytestmark = pytest.mark.anyio

NAME = "Ada Byron, Geheimweg 7"


def refuses(answer: Answer) -> SyncError:
    return RecordRejected(f"No: {answer.text}", code="refused", details=answer.json(), remedy="Look it up.")


async def test_a_withheld_body_can_be_read_and_only_its_size_is_kept() -> None:
    handler, _ = script(httpx.Response(200, json={"name": NAME}))
    sink = MemorySink()
    async with client(handler, sink=sink) as http:
        answer = await http.request("POST", "/x", json={"for": NAME}, safe=True, withhold=True)
    assert answer.json() == {"name": NAME}
    (kept,) = sink.exchanges
    assert [b and b.endswith("bytes, withheld]") for b in (kept.request_body, kept.response_body)] == [
        True
    ] * 2
    assert NAME not in repr(kept) + repr(answer)


async def test_every_repeat_withholds_as_well() -> None:
    handler, _ = script(httpx.Response(502, text=NAME), httpx.Response(200, text=NAME), 200)
    sink = MemorySink()
    async with client(handler, sink=sink) as http:
        await http.request("GET", "/x", withhold=True)
    assert len(sink.exchanges) == 3 and NAME not in repr(sink.exchanges)


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_an_error_keeps_its_kind_and_remedy_but_no_word_of_the_answer(status: int) -> None:
    handler, _ = script(*[httpx.Response(status, json={"message": NAME})] * 3)
    async with client(handler, classify=refuses) as http:
        with pytest.raises(RecordRejected) as fault:
            await http.request("GET", "/x", withhold=True)
    told = "".join(traceback.format_exception(fault.value)) + repr(vars(fault.value))
    assert NAME not in told and str(status) in told
    assert (fault.value.code, fault.value.remedy, fault.value.status) == ("refused", "Look it up.", status)
    assert NAME not in str(pickle.loads(pickle.dumps(fault.value)))


async def test_other_requests_of_the_same_client_are_kept_as_ever() -> None:
    handler, _ = script(httpx.Response(200, json={"name": NAME}), httpx.Response(200, json={"name": NAME}))
    sink = MemorySink()
    async with client(handler, sink=sink) as http:
        await http.request("GET", "/x", withhold=True)
        await http.request("GET", "/x")
    assert [NAME in (e.response_body or "") for e in sink.exchanges] == [False, True]


# ---------------------------------------------------------------- as a shape

SENT = {
    "version": 7,
    "actions": [
        {"action": "changeEmail", "email": "zoë.quill@byron.example"},
        {
            "action": "addAddress",
            "address": {"country": "GB", "streetName": NAME, "custom": {"fields": {"id": "x"}}},
        },
    ],
}
REFUSED = {
    "statusCode": 400,
    "message": f"{NAME} is taken.",
    "errors": [{"code": "DuplicateField", "field": "email", "duplicateValue": "zoë.quill@byron.example"}],
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=30)
UUID = "0b1f4a3e-9c57-4d5e-8a57-0123456789ab"


async def test_a_shape_tells_which_actions_were_sent_and_which_error_came_back_but_nobodys_name() -> None:
    handler, _ = script(httpx.Response(400, json=REFUSED))
    sink = MemorySink()
    async with client(handler, sink=sink) as http:
        with pytest.raises(RecordRejected) as fault:
            await http.request("POST", "/x", json=SENT, withhold="shape")
    (kept,) = sink.exchanges
    assert json.loads(kept.request_body or "") == {
        "version": 7,
        "actions": [
            {"action": "changeEmail", "email": "***"},
            {
                "action": "addAddress",
                "address": {"country": "***", "streetName": "***", "custom": {"fields": {"id": "***"}}},
            },
        ],
    }
    assert json.loads(kept.response_body or "") == {
        "statusCode": 400,
        "message": "***",
        "errors": [{"code": "DuplicateField", "field": "email", "duplicateValue": "***"}],
    }
    told = repr(kept) + str(fault.value) + repr(vars(fault.value))
    assert "Byron" not in told and "quill" not in told


@pytest.mark.parametrize(
    "address", ["o'brien+x@shop.example", "jörg@bücher.example", 'a"b@x.example', "李@例子.公司"]
)
async def test_an_address_that_is_looked_up_never_reaches_the_exchange_or_the_log(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    handler, seen = script(httpx.Response(200, json={"results": [{"email": address}]}))
    sink = MemorySink()
    where = f"lowercaseEmail = {json.dumps(address, ensure_ascii=False)}"
    with caplog.at_level(logging.DEBUG):
        async with client(handler, sink=sink) as http:
            await http.request("GET", "/x", params={"where": where, "email": address}, withhold="shape")
    assert parse_qs(seen[0].url.query.decode())["where"] == [where]
    (kept,) = sink.exchanges
    assert parse_qs(urlsplit(kept.url).query) == {"where": ['lowercaseEmail = "***"'], "email": ["***"]}
    assert json.loads(kept.response_body or "") == {"results": [{"email": "***"}]}
    assert "where" not in caplog.text and address not in caplog.text


@given(TEXT, st.booleans())
def test_no_text_of_a_query_survives_its_shape(text: str, quoted: bool) -> None:
    value = f"email = {json.dumps(text, ensure_ascii=False)}" if quoted else text
    shown = Redactor().url(str(httpx.URL("https://x.example/c", params={"where": value})), withhold=True)
    assert parse_qs(urlsplit(shown).query) in ({"where": ['email = "***"']}, {"where": ["***"]})


def test_ids_and_times_of_a_query_are_shown() -> None:
    asked = {
        "where": f'id > "{UUID}" and lastModifiedAt >= "2026-01-01T00:00:00.000Z" and number = 5',
        "limit": "500",
    }
    shown = Redactor().url(str(httpx.URL("https://x.example/c", params=asked)), withhold=True)
    assert parse_qs(urlsplit(shown).query) == {
        "where": [f'id > "{UUID}" and lastModifiedAt >= "2026-01-01T00:00:00.000Z" and number = "***"'],
        "limit": ["500"],
    }


@given(
    st.recursive(
        st.one_of(TEXT, st.integers(10_000, 10**9), st.booleans()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["email", "name", "phone", "fields", "value"]), inner, max_size=3
            ),
        ),
        max_leaves=8,
    )
)
def test_a_shape_holds_no_value_of_a_member_nobody_listed(value: Any) -> None:
    kept = Redactor(cap=1_000_000).shape(json.dumps({"who": value}).encode()) or ""

    def leaves(one: Any) -> list[Any]:
        if isinstance(one, dict):
            return [leaf for inner in one.values() for leaf in leaves(inner)]
        return [leaf for inner in one for leaf in leaves(inner)] if isinstance(one, list) else [one]

    assert set(leaves(json.loads(kept))) <= {"***"}


async def test_a_body_without_a_shape_is_withheld_whole() -> None:
    handler, _ = script(httpx.Response(200, text=NAME))
    sink = MemorySink()
    async with client(handler, sink=sink) as http:
        await http.request("GET", "/x", withhold="shape", expect_json=False)
    assert (sink.exchanges[0].response_body or "").endswith("bytes, withheld]")
