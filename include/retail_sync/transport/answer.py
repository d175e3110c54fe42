"""A system's answer, read with care."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from retail_sync.records.errors import ProtocolFault, SyncError, UnknownOutcome
from retail_sync.records.rows import UnreadableRows
from retail_sync.transport.bodies import Unreadable, parse
from retail_sync.transport.retry_after import retry_after_seconds

_MISSING: Any = object()


@dataclass(frozen=True)
class Answer:
    """One answer. `safe`: the request may be repeated without harm. `path` is what was asked for, without the query.
    `withheld`: its body may be read, but nothing of it may be told."""

    system: str
    method: str
    path: str
    status: int
    headers: httpx.Headers
    content: bytes = field(repr=False)
    exchange_id: str
    safe: bool
    parsed: Any = field(default=_MISSING, repr=False)
    withheld: bool = False
    unreadable: str = "not JSON"
    """Why its body can't be read, where it can't."""

    def json(self) -> Any:
        """The body as JSON, numbers with a fraction as Decimal.

        An empty or unreadable body raises ProtocolFault, or after a write UnknownOutcome: it was answered, but
        nobody can say what happened.
        """
        value = self._value()
        if value is not _MISSING:
            return value
        what = f"a body that is {self.unreadable}" if self.content else "an empty body"
        raise self._fault(f" with {what}")

    @contextmanager
    def as_described(self) -> Iterator[None]:
        """Around what is taken out of the body: where it is not what the API describes, ProtocolFault, or after a write
        UnknownOutcome, and no word of the body."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, UnreadableRows):
            raise self._fault(", and the answer is not what the API describes") from None

    def _fault(self, what: str) -> SyncError:
        kind = ProtocolFault if self.safe else UnknownOutcome
        return kind(
            f"{self.method} {self.path} answered {self.status}{what}.",
            system=self.system,
            status=self.status,
            exchange_id=self.exchange_id,
        )

    def json_or_none(self) -> Any:
        """The body as JSON, or None where it is empty or no JSON (error pages of a proxy). Never raises."""
        value = self._value()
        return None if value is _MISSING else value

    @property
    def is_readable(self) -> bool:
        """Whether the body is empty or JSON."""
        return not self.content or self._value() is not _MISSING

    @property
    def retry_after(self) -> float | None:
        """Seconds the system asks to wait."""
        return retry_after_seconds(self.headers, self.json_or_none())

    @property
    def text(self) -> str:
        """The first 500 characters of the body, for messages; not redacted."""
        return self.content[:2000].decode("utf-8", "replace")[:500]

    def _value(self) -> Any:
        if self.parsed is not _MISSING or not self.content:
            return self.parsed if self.content else _MISSING
        try:
            return parse(self.content)
        except Unreadable:
            return _MISSING


def answer_of(
    response: httpx.Response, *, system: str, method: str, path: str, safe: bool, withheld: bool = False
) -> Answer:
    return Answer(
        system=system,
        method=method,
        path=path,
        status=response.status_code,
        headers=response.headers,
        content=response.content,
        exchange_id=str(response.extensions.get("exchange_id", "")),
        safe=safe,
        parsed=response.extensions.get("parsed", _MISSING),
        withheld=withheld,
        unreadable=str(response.extensions.get("unreadable", "not JSON")),
    )
