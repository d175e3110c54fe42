"""Walks over collections by keyset: never by offset, which ends at 10,000 and skips rows that move.

* A full walk goes by `id`: `sort=id asc`, `id > "last"`.
* A delta goes by `(lastModifiedAt, id)` within `[lower, upper)`. A row that changes during the walk leaves the window
  upwards and is caught by the next one; in a window without an upper end it moves to the end of the walk instead.
  `lastModifiedAt` alone would lose rows that share a timestamp at a page's end.

A walk may be told to `withhold`: its rows hold personal data, so nothing of them, or only their shape, is kept with
the exchanges.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from include.commercetools.client import CommercetoolsClient
from include.commercetools.connection import SYSTEM
from include.commercetools.writing import CustomObjectDraft
from include.records import checks
from include.records.errors import ConfigurationFault, ProtocolFault, TargetMissing
from include.records.face import Asked, RawPage, Window
from include.records.rows import readable, unread_ids
from include.transport.paging import LoopGuard
from include.transport.withholding import Withhold

CLOCK_CONTAINER = "retail-sync"
CLOCK_KEY = "clock"
LONGEST_PREDICATE = 6_000
"""Characters that the identifiers of one query may take in the address, percent-encoded: gateways commonly take 8 KB of
request line (inferred; the vendor's own sync cuts at 10,000), and the path, the other conditions and the sort need room
beside them."""
MOST_IDENTIFIERS = 150
"""Identifiers in one `in (...)` (inferred: 100 to 200 are known to work well)."""

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,256}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Slice:
    """Some rows of a walk; `position` is where it goes on; `last`: there are no more."""

    rows: Rows
    position: str
    last: bool


def quoted(value: str) -> str:
    """A text literal of a query predicate."""
    return json.dumps(value, ensure_ascii=False)


def moment(at: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`, the form in which the API sends and compares timestamps."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_moment(text: str) -> datetime:
    """A timestamp of the API. Raises ProtocolFault, which does not repeat what it is not."""
    if checks.moment(text) is not None or not text:
        raise ProtocolFault("A timestamp can't be read.", system=SYSTEM)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ProtocolFault("A timestamp has no time zone.", system=SYSTEM)
    return at.astimezone(UTC)


def shifted(cursor: str, seconds: float) -> str:
    return moment(parse_moment(cursor) + timedelta(seconds=seconds))


async def by_id(
    client: CommercetoolsClient,
    path: str,
    *,
    page_size: int,
    where: Sequence[str] = (),
    params: Sequence[tuple[str, str]] = (),
    position: str | None = None,
    key: str = "id",
    withhold: Withhold = False,
) -> AsyncIterator[Slice]:
    """Everything, in id order, going on after `position` (the last id seen). `key` is the dotted field to walk by."""
    guard = LoopGuard(SYSTEM, f"walk of {path}", ascending=False)
    last = position or None
    if last is not None:
        guard.step(last)
    outer, _, inner = key.rpartition(".")
    while True:
        above = [] if last is None else [f"{inner} > {quoted(last)}"]
        keyset = [f"{outer}({test})" if outer else test for test in above]
        rows, granted = await client.page(
            path,
            [*params, ("sort", f"{key} asc"), *_where([*where, *keyset])],
            page_size,
            withhold=withhold,
        )
        ended = len(rows) < granted
        reached = next((id for row in reversed(rows) if (id := _dig(row, key))), None)
        if reached is not None:
            last = reached
            guard.step(last)
        elif not ended:
            raise _stuck(path)
        yield Slice(rows, last or "", ended)
        if ended:
            return


async def by_time(
    client: CommercetoolsClient,
    path: str,
    *,
    lower: str,
    upper: str | None,
    page_size: int,
    where: Sequence[str] = (),
    params: Sequence[tuple[str, str]] = (),
    position: str | None = None,
    withhold: Withhold = False,
) -> AsyncIterator[Slice]:
    """What changed in `[lower, upper)`, or since `lower` where `upper` is None, in `(lastModifiedAt, id)` order;
    `position` is `timestamp|id`."""
    guard = LoopGuard(SYSTEM, f"delta of {path}", ascending=False)
    if position:
        guard.step(position)
    while True:
        tests = [*where, f"lastModifiedAt >= {quoted(lower)}"]
        if upper is not None:
            tests.append(f"lastModifiedAt < {quoted(upper)}")
        if position:
            at, _, seen = position.partition("|")
            tests.append(
                f"(lastModifiedAt > {quoted(at)} or (lastModifiedAt = {quoted(at)} and id > {quoted(seen)}))"
            )
        sort = [("sort", "lastModifiedAt asc"), ("sort", "id asc")]
        asked = [*params, *sort, *_where(tests)]
        rows, granted = await client.page(path, asked, page_size, withhold=withhold)
        ended = len(rows) < granted
        reached = next((place for row in reversed(rows) if (place := _place_of(row, lower, upper))), None)
        if reached is not None:
            position = reached
            guard.step(position)
        elif not ended:
            raise _stuck(path)
        yield Slice(rows, position or "", ended)
        if ended:
            return


def in_window(
    client: CommercetoolsClient,
    path: str,
    window: Window,
    *,
    page_size: int,
    params: Sequence[tuple[str, str]] = (),
    position: str | None = None,
    withhold: Withhold = False,
) -> AsyncIterator[Slice]:
    """Everything by id, or what changed in the window by time."""
    if window.lower is None or window.upper is None:
        return by_id(client, path, page_size=page_size, params=params, position=position, withhold=withhold)
    return by_time(
        client,
        path,
        lower=window.lower,
        upper=window.upper,
        page_size=page_size,
        params=params,
        position=position,
        withhold=withhold,
    )


async def one_after_the_other(walks: Sequence[AsyncIterator[Slice]]) -> AsyncIterator[Slice]:
    """Several walks as one: only its very end is marked as the last."""
    for number, walk in enumerate(walks, start=1):
        async for part in walk:
            yield replace(part, last=part.last and number == len(walks))


async def each(
    client: CommercetoolsClient,
    path: str,
    names: Sequence[str],
    params: Sequence[tuple[str, str]] = (),
    *,
    withhold: Withhold = False,
) -> list[dict[str, Any] | None]:
    """One request for each resource, by id or `key=...`, in their order; None where 404 says that there is none."""

    async def alone(name: str) -> dict[str, Any] | None:
        try:
            answer = await client.get(f"{path}/{name}", list(params), withhold=withhold)
        except TargetMissing:
            return None
        found: dict[str, Any] = answer.json()
        return found

    return await asyncio.gather(*map(alone, names))


async def asked(
    client: CommercetoolsClient,
    path: str,
    ids: Sequence[str],
    params: Sequence[tuple[str, str]] = (),
    *,
    withhold: Withhold = False,
) -> Asked:
    """The same, as what is there and which of them are not."""
    answers = await each(client, path, ids, params, withhold=withhold)
    return Asked(
        [row for row in answers if row is not None],
        [one for one, row in zip(ids, answers, strict=True) if row is None],
    )


async def none_overlooked(
    ids: Collection[str], together: AsyncIterator[Rows], each: Callable[[Sequence[str]], Awaitable[Asked]]
) -> AsyncIterator[RawPage]:
    """These resources as they are now. `together`: the answers about all of them. That it lacks one is no proof that it
    is gone, so what it does not show is asked for by its own id (`each`)."""
    missing = set(ids)
    async for rows in together:
        missing -= {str(row["id"]) for row in readable(rows)} | unread_ids(rows)
        yield RawPage(rows, position="", cursor=None, last=False)
    rows = (await each(sorted(missing))).rows if missing else []
    yield RawPage(rows, position="", cursor=None, last=True)


async def everything(
    client: CommercetoolsClient,
    path: str,
    *,
    where: Sequence[str] = (),
    page_size: int = 500,
    key: str = "id",
) -> Rows:
    """All rows of a small collection."""
    return [
        row
        async for part in by_id(client, path, page_size=page_size, where=where, key=key)
        for row in part.rows
    ]


def in_batches(
    identifiers: Iterable[str], most: int = MOST_IDENTIFIERS, *, mentions: int = 1
) -> list[list[str]]:
    """Distinct identifiers in groups that fit one query, by the length they have once encoded. `mentions`: how often
    the query names each. An identifier that is too long for any is alone."""
    batches: list[list[str]] = []
    room = 0
    for identifier in dict.fromkeys(identifiers):
        size = mentions * len(quote(f"{quoted(identifier)},", safe=""))
        if not batches or len(batches[-1]) * mentions >= most or size > room:
            batches.append([])
            room = LONGEST_PREDICATE
        batches[-1].append(identifier)
        room -= size
    return batches


def one_of(field: str, values: Sequence[str]) -> str:
    return f"{field} in ({','.join(quoted(value) for value in values)})"


async def server_clock(client: CommercetoolsClient, *, use_object: bool = True) -> datetime:
    """The time of the platform itself, so that this machine's clock never decides what a window holds.

    Upserts one custom object and reads its `lastModifiedAt`, which is made where the timestamps of products are made;
    without `use_object`, or without the scope for it, takes the `Date` header of a small read (whole seconds).
    """
    if use_object:
        draft = CustomObjectDraft(container=CLOCK_CONTAINER, key=CLOCK_KEY, value=token_hex(8))
        try:
            # The object's value means nothing, only its timestamp does: it may be repeated, and anybody may set it.
            answer = await client.post("/custom-objects", draft.body(), safe=True, reads=True)
            with answer.as_described():
                told = answer.json()["lastModifiedAt"]
            return parse_moment(told)
        except ConfigurationFault as fault:
            if fault.status != 403:
                raise
    answer = await client.get("")
    return date_of(answer.headers.get("date"))


def date_of(header: str | None) -> datetime:
    try:
        return parsedate_to_datetime((header or "")[:64]).astimezone(UTC)
    except (ValueError, OverflowError, IndexError):
        raise ProtocolFault(
            "The API sent no readable Date header, so its clock is not known.",
            system=SYSTEM,
            remedy="Give the API client the scope manage_key_value_documents: then a custom object tells the time.",
        ) from None


def _where(tests: Iterable[str]) -> list[tuple[str, str]]:
    """One predicate with `and`: that several `where` parameters are joined so is not documented."""
    joined = " and ".join(tests)
    return [("where", joined)] if joined else []


def _dig(row: dict[str, Any], key: str) -> str | None:
    """Where a walk by this key stands after the row; None for a row that does not show it."""
    value: Any = row
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _place_of(row: dict[str, Any], lower: str, upper: str | None) -> str | None:
    """Where a walk by time stands after the row. A time outside of what was asked for is none: believed, it would
    carry the cursor past everything that is still to come."""
    at, id = row.get("lastModifiedAt"), _dig(row, "id")
    if id is None or not isinstance(at, str) or not _MOMENT.fullmatch(at):
        return None
    if at < lower or (upper is not None and at >= upper) or checks.moment(at) is not None:
        return None
    return f"{at}|{id}"


def _stuck(path: str) -> ProtocolFault:
    return ProtocolFault(
        f"{path}: no row of a whole page shows where to go on.",
        system=SYSTEM,
        remedy="Nothing was skipped. Run it again; if it happens again, the API changed and the adapter has to follow.",
    )
