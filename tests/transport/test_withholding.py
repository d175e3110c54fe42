"""A request whose bodies hold personal data: they can be read, and nothing of them is kept or told."""

from __future__ import annotations

import pickle
import traceback

import httpx
import pytest

from include.records.errors import RecordRejected, SyncError
from include.transport.answer import Answer
from include.transport.exchanges import MemorySink
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
