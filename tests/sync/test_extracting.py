"""A read that two tries of one task are at, and one whose staged pages are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.errors import StagedDataDamaged
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.sync.engine.extract import (
    Extracted,
    ReadElsewhere,
    extract_feed,
    forget_reading,
    read_so_far,
)
from retail_sync.sync.engine.staging import Staging

RUN = "products/1"


class Paged:
    """A feed of numbered rows, `size` a page. `before`: awaited before the page of that number is given."""

    def __init__(
        self, rows: int, size: int, before: dict[int, Callable[[], Awaitable[object]]] | None = None
    ):
        self.rows, self.size, self.before = rows, size, before or {}

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return None

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        return Window(lower=None, upper=str(self.rows))

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        first = int(position or 0)
        for number, start in enumerate(range(first, self.rows, self.size)):
            if number in self.before:
                await self.before[number]()
            end = min(start + self.size, self.rows)
            yield RawPage([{"id": id_} for id_ in range(start, end)], str(end), str(end), end == self.rows)

    def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        return self.walk(Window(lower=None, upper=None))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        opened.runs.open(RUN, "products", dag_id="products", airflow_run_id="1", mode="full", params={})
        yield opened


@pytest.fixture
def staging(ledger: Ledger, tmp_path: Path) -> Staging:
    return Staging(tmp_path, RUN, ledger.checkpoints)


async def read(ledger: Ledger, staging: Staging, feed: Paged) -> Extracted:
    return await extract_feed(ledger, staging, feed, entity="products", name="lightspeed", full=True)


def ids(staging: Staging, found: Extracted) -> list[int]:
    return [row["id"] for page in staging.pages("lightspeed", found.pages) for row in page]


def test_a_try_that_wakes_after_its_read_was_taken_over_mixes_no_page_into_it(
    ledger: Ledger, staging: Staging
) -> None:
    finished: list[Extracted] = []

    async def taken_over() -> None:
        # Pages of another size: numbers of pages do not mean the same rows.
        finished.append(await read(ledger, staging, Paged(100, 30)))

    with pytest.raises(ReadElsewhere):
        asyncio.run(read(ledger, staging, Paged(100, 10, {2: taken_over})))
    (found,) = finished
    assert read_so_far(ledger, RUN)["lightspeed"] == Extracted.of(
        "lightspeed", found.as_dict() | {"limited": False}
    )
    with pytest.raises(StagedDataDamaged):
        ids(staging, found)


def test_a_try_goes_on_after_the_last_page_it_finished(ledger: Ledger, staging: Staging) -> None:
    async def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(read(ledger, staging, Paged(50, 10, {3: killed})))
    found = asyncio.run(read(ledger, staging, Paged(50, 10)))
    assert (found.resumed_from, found.pages, ids(staging, found)) == (3, 5, list(range(50)))


def test_what_was_forgotten_is_read_from_the_beginning(ledger: Ledger, staging: Staging) -> None:
    first = asyncio.run(read(ledger, staging, Paged(50, 10)))
    forget_reading(ledger, RUN)
    assert read_so_far(ledger, RUN) == {}
    with pytest.raises(StagedDataDamaged, match="is to be read again"):
        ids(staging, first)
    again = asyncio.run(read(ledger, staging, Paged(60, 10)))
    assert (again.resumed_from, ids(staging, again)) == (0, list(range(60)))
