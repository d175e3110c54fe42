"""Walks over lists, with every exception to the documented rule that was met.

The rule: `{"data": [...], "version": {"min", "max"}}`, ascending by version; ask again with `after=<max>` until
`data` is empty. Exceptions: no envelope version (the greatest version of the rows counts), a bare array, a page that
is null, lists without any version (the whole list at once), and categories (nested twice, cursor by id).

A page is not taken for the last one because it is short: how full a page has to be is not documented.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import whole
from retail_sync.lightspeed.x_series.api.shapes import require_known_products
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.rows import gated
from retail_sync.transport.paging import LoopGuard
from retail_sync.transport.withholding import Withhold

Row = dict[str, Any]
SEARCH = "/search"
SEARCH_PAGE_SIZE = 100
"""Records with one identifier: more than a few of them are a mistake of the shop."""
CATEGORY_PAGE_SIZE = 1000
"""The documented maximum of `/product_categories`."""


@dataclass(frozen=True)
class VersionPage:
    """One page and the cursor after it (None: the list has no versions, so it came whole)."""

    rows: list[Row]
    cursor: int | None
    exchange_id: str


async def walk_versions(
    client: XSeriesClient,
    path: str,
    *,
    after: int = 0,
    page_size: int,
    deleted: bool = False,
    params: Mapping[str, str] | None = None,
    whole_list_allowed: bool = False,
    withhold: Withhold = False,
) -> AsyncIterator[VersionPage]:
    """Pages of a version feed, each with at least one row, in ascending versions. Paging goes in the address.

    Raises ProtocolFault where the cursor can't advance. `whole_list_allowed`: a list whose rows carry no version
    is taken as complete (the docs show `/taxes` and `/tags` so).
    """
    query: dict[str, str | int] = {**(params or {}), "page_size": page_size}
    if deleted:
        query["deleted"] = "true"

    async def read(reached: int) -> Body:
        return await client.get(path, {**query, "after": reached}, withhold=withhold)

    async for page in pages_by_version(read, path, after=after, whole_list_allowed=whole_list_allowed):
        yield page


async def pages_by_version(
    read: Callable[[int], Awaitable[Body]], path: str, *, after: int, whole_list_allowed: bool = False
) -> AsyncIterator[VersionPage]:
    """As `walk_versions`, for a list that is asked for in its own way: `read` takes the version to go on from."""
    guard = LoopGuard(SYSTEM, f"walk of {path}", ascending=True)
    guard.step(after)
    while True:
        answer = await read(after)
        rows = rows_of(answer.value, path)
        if not rows:
            return
        cursor = next_cursor(answer.value, rows)
        if cursor is None:
            if not whole_list_allowed:
                raise ProtocolFault(f"{path}: neither the page nor its rows carry a version.", system=SYSTEM)
            yield VersionPage(rows, None, answer.exchange_id)
            return
        guard.step(cursor)
        yield VersionPage(rows, cursor, answer.exchange_id)
        after = cursor


def rows_of(value: Any, path: str) -> list[Row]:
    """The rows of a list answer: enveloped, bare, or null; what is no object among them stands for itself. Raises
    ProtocolFault for anything else."""
    if isinstance(value, Mapping) and "data" in value:
        value = value["data"]
    if value is None:
        return []
    if not isinstance(value, list):
        raise ProtocolFault(f"GET {path}: the answer is no list of objects.", system=SYSTEM)
    rows = gated(value)
    require_known_products(rows, path)
    return rows


def next_cursor(value: Any, rows: list[Row]) -> int | None:
    """Where to go on: the greatest version the envelope or a row names. Of a row only one that its place in the order
    allows: a single version that is far too large would carry the cursor past everything that is still to come."""
    envelope = value.get("version") if isinstance(value, Mapping) else None
    told = whole(envelope.get("max")) if isinstance(envelope, Mapping) else None
    versions = [version for row in rows if (version := whole(row.get("version"))) is not None]
    in_order = [
        version
        for n, version in enumerate(versions)
        if all(version <= later for later in versions[n + 1 :][:1])
    ]
    return max([*in_order, *([told] if told is not None else [])], default=None)


async def read_all(
    client: XSeriesClient, path: str, *, page_size: int, deleted: bool = False, withhold: Withhold = False
) -> list[Row]:
    """All rows of a short list, whether it has versions or comes whole."""
    pages = walk_versions(
        client, path, page_size=page_size, deleted=deleted, whole_list_allowed=True, withhold=withhold
    )
    return [row async for page in pages for row in page.rows]


async def search(
    client: XSeriesClient, kind: str, field: str, value: str, *, withhold: Withhold = False
) -> list[Row]:
    """What the index finds by one field. It lags behind, or may look for words only: who asks compares."""
    found: list[Row] = []
    while True:
        query: dict[str, str | int] = {
            "type": kind,
            field: value,
            "page_size": SEARCH_PAGE_SIZE,
            "offset": len(found),
        }
        rows = rows_of((await client.get(SEARCH, query, withhold=withhold)).value, SEARCH)
        found += rows
        if len(rows) < SEARCH_PAGE_SIZE:
            return found


async def walk_categories(client: XSeriesClient) -> AsyncIterator[list[Row]]:
    """All product categories; the cursor is the last id."""
    path = "/product_categories"
    guard = LoopGuard(SYSTEM, f"GET {path}")
    after: str | None = None
    while True:
        query: dict[str, str | int] = {"page_size": CATEGORY_PAGE_SIZE}
        if after is not None:
            query["after"] = after
        answer = await client.get(path, query)
        rows, info = _categories_of(answer.value, path)
        if rows:
            yield rows
        after = str(info.get("last_seen") or (rows[-1].get("id") if rows else ""))
        if not info.get("has_next") or not after:
            return
        guard.step(after)


def _categories_of(value: Any, path: str) -> tuple[list[Row], Mapping[str, Any]]:
    """Rows and paging information, however deep they are nested."""
    info: Mapping[str, Any] = {}
    while isinstance(value, Mapping):
        if isinstance(value.get("page_info"), Mapping):
            info = value["page_info"]
        if "categories" not in value and "data" not in value:
            raise ProtocolFault(f"GET {path}: the answer holds no categories.", system=SYSTEM)
        value = value["categories"] if "categories" in value else value["data"]
    return rows_of(value, path), info
