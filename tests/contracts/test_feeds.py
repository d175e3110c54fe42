"""What every feed of every adapter promises: a walk reads each record once and goes on where it stopped, a cursor never
hides what happens after it, an edit in between costs no other record, and a deletion can be seen."""

from __future__ import annotations

import json
from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from retail_sync.records.errors import ConfigurationFault, ProtocolFault
from retail_sync.records.ports.products import RawPage, Window
from tests.contracts.adapters import EVERY_READER
from tests.contracts.readers import Json, Reader

pytestmark = pytest.mark.anyio

Opens = Callable[..., AbstractAsyncContextManager[Reader]]
every_feed = pytest.mark.parametrize("opens", EVERY_READER)
either_way = pytest.mark.parametrize("mode", ["full", "delta"])
SMALL = 3
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
SOMEDAY = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
async def feed(opens: Opens) -> AsyncIterator[Reader]:
    """A feed of more records than a page holds."""
    async with opens(page_size=SMALL) as reader:
        for number in range(2 * SMALL + 1):
            reader.hands.make(number)
        yield reader


async def everything(feed: Reader) -> list[RawPage]:
    return [page async for page in feed.stream.walk(await window_of(feed, "full"))]


async def window_of(feed: Reader, mode: str) -> Window:
    """Everything there is, by a full read or by a delta from long ago."""
    window: Window = await feed.stream.open_window(None, full=True)
    if mode == "delta":
        now = [page async for page in feed.stream.walk(window)][-1].cursor
        window = await feed.stream.open_window(feed.stream.cursor_at(LONG_AGO, str(now)), full=False)
    return window


async def since(feed: Reader, cursor: str | None) -> list[RawPage]:
    await sleep(0.002)  # windows end before the millisecond in which they are opened
    window = await feed.stream.open_window(cursor, full=False)
    return [page async for page in feed.stream.walk(window)]


def ids(feed: Reader, pages: Sequence[RawPage]) -> list[str]:
    return [str(row[feed.hands.bearer]) for page in pages for row in page.rows]


def text(pages: Sequence[RawPage]) -> list[str]:
    """Rows as staging would keep them: a record may be shown by several."""
    return [json.dumps(row, sort_keys=True, default=str) for page in pages for row in page.rows]


@every_feed
async def test_a_walk_reads_every_record_once(feed: Reader) -> None:
    made = feed.hands.make(99)
    pages = await everything(feed)
    found = text(pages)
    assert len(found) == len(set(found)) > 2 * SMALL
    assert made in ids(feed, pages)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) > 2 and pages[-1].cursor is not None


@either_way
@every_feed
async def test_a_walk_goes_on_where_it_stopped(feed: Reader, mode: str) -> None:
    """With all that was left; what moved for two reasons may be shown for the second one again."""
    window = await window_of(feed, mode)
    pages = [page async for page in feed.stream.walk(window)]
    for stopped in range(1, len(pages)):
        rest = feed.stream.walk(window, position=pages[stopped - 1].position)
        again = text([page async for page in rest])
        assert set(text(pages[stopped:])) <= set(again) <= set(text(pages))


@every_feed
async def test_what_happens_after_a_walk_is_in_the_next_window(feed: Reader) -> None:
    edited = feed.hands.make(98)
    cursor = (await everything(feed))[-1].cursor
    feed.hands.edit(edited)
    made = feed.hands.make(99)
    pages = await since(feed, cursor)
    assert {edited, made} <= set(ids(feed, pages))
    before = text(pages)
    assert set(text(await since(feed, pages[-1].cursor))) <= set(before), "nothing happened since"


@either_way
@every_feed
async def test_an_edit_during_a_walk_costs_no_record(feed: Reader, mode: str) -> None:
    """The edited one may move behind the walk, or behind its window; then the next one has it."""
    moved = feed.hands.make(98)
    known = set(ids(feed, await everything(feed)))
    window = await window_of(feed, mode)
    pages: list[RawPage] = []
    async for page in feed.stream.walk(window):
        if not pages:
            feed.hands.edit(moved)
        pages.append(page)
    assert known - set(ids(feed, pages)) <= {moved}
    assert moved in ids(feed, [*pages[1:], *await since(feed, pages[-1].cursor)])


@every_feed
async def test_a_cursor_for_a_time_is_never_later_than_the_one_that_was_reached(feed: Reader) -> None:
    cursor = str((await everything(feed))[-1].cursor)
    made = feed.hands.make(99)
    for moment in (LONG_AGO, SOMEDAY):
        assert made in ids(feed, await since(feed, feed.stream.cursor_at(moment, cursor)))


@every_feed
async def test_a_cursor_of_another_system_is_told_and_reads_nothing(feed: Reader) -> None:
    strange = "2026-11-23T00:00:00.000Z" if str((await everything(feed))[-1].cursor).isdigit() else "4711"
    with pytest.raises((ConfigurationFault, ProtocolFault)):
        await since(feed, strange)


@either_way
@every_feed
async def test_a_server_that_repeats_a_page_stops_the_walk(feed: Reader, mode: str) -> None:
    window = await window_of(feed, mode)
    feed.tape.path = feed.path
    await everything(feed)
    full = next(answer for answer in feed.tape.shown if _rows(answer))
    feed.tape.answers = [json.dumps(full).encode()] * 40
    with pytest.raises(ProtocolFault, match="advance"):
        [page async for page in feed.stream.walk(window)]


def _rows(answer: Any) -> Sequence[Json]:
    return (answer.get("results") or answer.get("data") or []) if isinstance(answer, dict) else answer


@every_feed
async def test_a_deletion_can_be_seen(feed: Reader) -> None:
    """In the next window, or by asking for the record by its id; what is there is never taken for gone."""
    delete, kept_as = feed.hands.delete, feed.hands.kept
    if delete is None or kept_as is None:
        pytest.skip("its records are never deleted")
    kept, lost = feed.hands.make(98), feed.hands.make(99)
    cursor = (await everything(feed))[-1].cursor
    delete(lost)
    shown = [row for page in await since(feed, cursor) for row in page.rows if row["id"] == lost]
    told = [row for row in shown if row.get("deleted_at")]
    if not told:
        assert (await feed.stream.ask_each([kept_as(kept), kept_as(lost)])).gone == [kept_as(lost)]


@every_feed
async def test_who_asks_for_records_is_told_of_each_what_became_of_it(feed: Reader) -> None:
    kept_as = feed.hands.kept
    if kept_as is None:
        pytest.skip("nobody asks for its records by their ids")
    made, nobody = feed.hands.make(99), kept_as(str(uuid4()))
    asked = await feed.stream.ask_each([kept_as(made), nobody])
    assert [str(row["id"]) for row in asked.rows] == [made]
    assert asked.gone == [nobody]
