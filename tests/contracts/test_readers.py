"""Whatever comes in whatever field: one record is held, by its id, its field and why; all others are read.

Every reader of every adapter reads pages in which one place of a row holds a hostile value, for every place and every
value, from the bytes of the answer to the staged table. Nothing but errors of ours leaves, nothing hostile is told, and
no cursor is led astray.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from retail_sync.records.odd import REASONS
from retail_sync.records.rows import UNREAD, UnreadableRow, read_apart
from retail_sync.records.types import canonical_json
from tests.contracts.adapters import ADAPTERS, EVERY_READER
from tests.contracts.hostile import CANARY, Case, Text, cases
from tests.contracts.readers import Json, Opened, Reader

pytestmark = pytest.mark.anyio

AT_ONCE = 60
"""Cases on one page: two sound rows stand around them."""
FEWEST = 20_000
"""Cases of all readers together."""


async def open_rows(reader: Reader) -> list[Json]:
    """What the stand-in itself shows, and rows of other shapes that the reader knows."""
    reader.tape.path = reader.path
    async for _ in reader.walk():
        pass
    shown = [row for answer in reader.tape.shown for row in _rows_in(answer)]
    assert len(shown) >= 2, "the stand-in shows too little"
    return [reader.bare(row) for row in [*reader.rows, *shown]]


def _rows_in(answer: Any) -> list[Json]:
    if isinstance(answer, dict):
        answer = answer.get("results", answer.get("data")) or []
    return list(answer)


@pytest.mark.parametrize("opened", EVERY_READER)
async def test_a_hostile_value_in_any_field_holds_its_own_row_and_no_other(
    opened: Callable[[], Opened], caplog: pytest.LogCaptureFixture, record_property: Any
) -> None:
    async with opened() as reader:
        rows = await open_rows(reader)
        tried = cases(rows)
        caplog.set_level(logging.DEBUG)
        for start in range(0, len(tried), AT_ONCE):
            await _read(reader, rows, tried[start : start + AT_ONCE], caplog)
            caplog.clear()
    record_property("cases", len(tried))


async def _read(
    reader: Reader, rows: Sequence[Json], batch: Sequence[tuple[Json, Case]], caplog: pytest.LogCaptureFixture
) -> None:
    text = Text()
    sound = [reader.named(rows[-1], 1), reader.named(rows[-1], len(batch) + 2)]
    hostile = [text.put(reader.named(row, n), case) for n, (row, case) in enumerate(batch, start=2)]
    pages = [reader.page([sound[0], *hostile, sound[1]])]
    reader.tape.answers = [text.of(pages[0]), *([reader.end] if reader.end else [])]
    read: list[Json] = []
    reached: list[str] = []
    async for page in reader.walk():
        read += json.loads(canonical_json(page.rows))  # as staging keeps them
        reached += [page.position, page.cursor or ""]
    left = sum(1 for _, case in batch if case.path and case.path[0] in reader.left_out)
    assert len(batch) + 2 - left <= len(read) <= len(batch) + 2, (
        f"rows were lost: {[str(case) for _, case in batch]}"
    )
    found, held = read_apart(read, reader.mapped)
    met, named = reader.met(found), {one.id for one in held if one.id}
    for n in (1, len(batch) + 2):
        assert reader.identity(n) in met, f"a sound row was not read beside {[str(c) for _, c in batch]}"
    _all_accounted_for(reader, batch, met, named, held)
    shown = reader.shown(found)
    shown.encode()
    for sign in (f'"{UNREAD}"', *REASONS, "\\u0000", "\\ud83d"):
        assert sign not in shown, f"{sign} was read as a value"
    told = " ".join([caplog.text, *map(repr, held)])
    for hostile_text in (CANARY, "99999-01"):
        where = told.find(hostile_text)
        assert where < 0, f"{hostile_text} was told: {told[max(0, where - 200) : where + 200]}"
    assert not any("99999" in place or "0001-01" in place for place in reached), reached


def _all_accounted_for(
    reader: Reader,
    batch: Sequence[tuple[Json, Case]],
    met: set[str],
    named: set[str],
    held: Sequence[UnreadableRow],
) -> None:
    """Each row is read or held by its id; only where the id itself is hostile it is held without one, or read under
    another that may be one."""
    lost = [
        case
        for n, (_, case) in enumerate(batch, start=2)
        if reader.identity(n) not in met and reader.identity(n) not in named
    ]
    for case in lost:
        ours = not case.path or case.path[0] in (*reader.identified_by, *reader.left_out)
        assert ours, f"{case}: neither read nor held by its id"
    lost = [case for case in lost if not case.path or case.path[0] not in reader.left_out]
    others = (met | named) - {reader.identity(n) for n in range(1, len(batch) + 3)}
    nameless = sum(1 for one in held if not one.id)
    assert len(lost) <= nameless + len(others), ([str(case) for case in lost], nameless, others)
    assert all(one.why for one in held)


async def test_the_cases_are_as_many_as_were_promised() -> None:
    count = 0
    for opened in (one for readers in ADAPTERS.values() for one in readers):
        async with opened() as reader:
            count += len(cases(await open_rows(reader)))
    assert count >= FEWEST
