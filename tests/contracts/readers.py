"""The readers of all adapters, as the suites see them. A further adapter joins with a function in `ADAPTERS`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from retail_sync.records.ports.products import RawPage
from retail_sync.settings.models import SyncSettings

Json = dict[str, Any]


class Tape(httpx.AsyncBaseTransport):
    """A stand-in behind which one list can be answered with other bytes. What the list showed itself is kept."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self.path = ""
        self.answers: list[bytes] = []
        self.shown: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.path and request.url.path.endswith(self.path) and self.answers:
            return httpx.Response(200, content=self.answers.pop(0))
        response = await self._inner.handle_async_request(request)
        if self.path and request.url.path.endswith(self.path):
            self.shown.append(json.loads(await response.aread()))
        return response


@dataclass(frozen=True)
class Hands:
    """What people do with the records of a feed, by the ids that its rows bear. `bearer`: the member of a row that
    holds such an id. `kept`: the id under which the ledger keeps it, and asks for it; None where it asks for none."""

    make: Callable[[int], str]
    edit: Callable[[str], Any]
    delete: Callable[[str], Any] | None = None
    bearer: str = "id"
    kept: Callable[[str], str] | None = str


def paged(settings: SyncSettings, page_size: int) -> SyncSettings:
    """These settings with pages of this size, and windows that reach up to the clock."""
    data = settings.model_dump(mode="json")
    data["limits"]["commercetools"] |= {"page_size": min(page_size, 500), "trail_seconds": 0}
    data["limits"]["lightspeed"] |= {"page_size": page_size}
    return SyncSettings.model_validate(data)


@dataclass
class Reader:
    """One feed of one adapter, open. `rows`: what the stand-in showed of it. `page`: a list answer of these rows.
    `end`: the answer after the last page, None where a page that is not full ends the walk. `name`: gives a copy of a
    row an identity of its own. `met`: identities in what was mapped. `stream`: the feed itself."""

    feed: str
    path: str
    tape: Tape
    walk: Callable[[], AsyncIterator[RawPage]]
    mapped: Callable[[Sequence[Mapping[str, Any]]], Any]
    page: Callable[[Sequence[Any]], Any]
    end: bytes | None
    named: Callable[[Json, int], Json]
    identity: Callable[[int], str]
    met: Callable[[Any], set[str]]
    shown: Callable[[Any], str]
    stream: Any
    hands: Hands
    rows: list[Json] = field(default_factory=list)
    identified_by: Sequence[str] = ("id",)
    bare: Callable[[Json], Json] = dict
    """Of a row what is tried."""
    left_out: Sequence[str] = ()
    """Members by which a walk leaves rows behind that are none of its business."""


Opened = AbstractAsyncContextManager[Reader]
