"""Rows with a version, and tables that page through them in the order of their versions."""

from __future__ import annotations

import random
import uuid
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sandbox.clock import Clock

FIRST_VERSION = 27_561_000_000
"""Real versions are far above 32 bits, so these are too."""
LARGEST_JUMP = 50
TIMES = "created_at updated_at deleted_at"


@dataclass(kw_only=True, eq=False)
class Row:
    """What every entity has. Times are RFC 3339 text in UTC; `deleted_at` is set by a soft delete."""

    id: str
    version: int = 0
    created_at: str = ""
    updated_at: str = ""
    deleted_at: str | None = None


@dataclass(kw_only=True, eq=False)
class Record(Row):
    """A row of an entity that needs no rules of its own: its fields as they go over the wire."""

    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.fields.get("name", ""))

    def wire(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "id": self.id,
            **self.fields,
            **picked(self, TIMES),
            "version": self.version,
        }


def picked(row: object, names: str) -> dict[str, Any]:
    """These fields of a row (two at least), which the API calls the same."""
    given, values = _getter(names)
    return dict(zip(given, values(row), strict=True))


@cache
def _getter(names: str) -> tuple[list[str], attrgetter[Any]]:
    given = names.split()
    return given, attrgetter(*given)


class Ticker:
    """The one version counter of a retailer, its ids and its time. Repeatable from a seed."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.random = random.Random(seed)
        self.clock = clock
        self.version = FIRST_VERSION

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def now_text(self) -> str:
        """`2026-07-27T10:03:38+00:00`, as the descriptions print times."""
        return self.clock.now().isoformat(timespec="seconds")

    def stamp(self, row: Row) -> None:
        """Gives the row the next version; gaps are normal."""
        self.version += self.random.randint(1, LARGEST_JUMP)
        row.version = self.version
        row.updated_at = self.now_text()
        row.created_at = row.created_at or row.updated_at


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows by id, and a log of versions so that a page costs its own length, not the table's."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self.rows: dict[str, R] = {}
        self._versions: list[int] = []
        self._ids: list[str] = []
        self.on_touch: Callable[[R], None] | None = None
        """Told of each row that changed, in the middle of the change."""

    def add(self, row: R) -> R:
        self.rows[row.id] = row
        self.touch(row)
        return row

    def touch(self, row: R) -> None:
        """The row changed: it gets a new version and moves to the end of the feed."""
        self._ticker.stamp(row)
        self._versions.append(row.version)
        self._ids.append(row.id)
        if len(self._ids) > 4 * len(self.rows) + 1000:
            self._compact()
        if self.on_touch is not None:
            self.on_touch(row)

    def delete(self, row: R) -> None:
        row.deleted_at = self._ticker.now_text()
        self.touch(row)

    def find(self, row_id: Any) -> R | None:
        """The row unless it is unknown or deleted."""
        row = self.rows.get(row_id) if isinstance(row_id, str) else None
        return row if row is not None and row.deleted_at is None else None

    def live(self) -> list[R]:
        """Rows that are not deleted, oldest version first."""
        return self.all(deleted=False)

    def all(self, deleted: bool) -> list[R]:
        """All rows, or those that are not deleted, oldest version first."""
        return list(self._since(0, None, deleted))

    def page(self, after: int, before: int | None, deleted: bool, size: int) -> list[R]:
        """Rows with `after` < version < `before`, ascending, at most `size`."""
        found: list[R] = []
        for row in self._since(after, before, deleted):
            if len(found) == size:
                break
            found.append(row)
        return found

    def _since(self, after: int, before: int | None, deleted: bool) -> Iterator[R]:
        for place in range(bisect_right(self._versions, after), len(self._versions)):
            version = self._versions[place]
            if before is not None and version >= before:
                return
            row = self.rows[self._ids[place]]
            if row.version == version and (deleted or row.deleted_at is None):
                yield row

    def _compact(self) -> None:
        kept = sorted((row.version, row.id) for row in self.rows.values())
        self._versions = [version for version, _ in kept]
        self._ids = [row_id for _, row_id in kept]
