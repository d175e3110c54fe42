"""From staged pages to staged records: what counts where a record came twice, and what is told of a mapping."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.unreadable import mapped_apart

T = TypeVar("T")

_AGE = ("version", "modified_at")
"""What says which of two rows of a record is newer. Where neither does, it is the one that was read later."""


@dataclass(frozen=True)
class Transformed:
    """What mapping gave for one table (or list of documents). `repeated`: rows that came twice, of which only the
    newest counts. `others`: rows that are none of the entity's records, or none at all."""

    table: str
    raw_rows: int = 0
    records: int = 0
    repeated: int = 0
    others: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For the log of a task."""
        return {
            "table": self.table,
            "rows read": self.raw_rows,
            "records": self.records,
            "came twice": self.repeated,
            "others": self.others,
        }


def newest(table: pd.DataFrame, key: Sequence[str] = ("id",)) -> pd.DataFrame:
    """The newest row of each record, in the order in which they were read."""
    age = [name for name in _AGE if name in table.columns]
    ordered = table.sort_values(age, kind="stable", na_position="first") if age else table
    return ordered.drop_duplicates(list(key), keep="last").sort_index().reset_index(drop=True)


def newest_of(
    documents: Iterable[T], key: Callable[[T], str], version: Callable[[T], int | None]
) -> dict[str, T]:
    """The newest of documents, by their keys."""
    found: dict[str, T] = {}
    for document in documents:
        held = found.get(key(document))
        if held is None or (version(document) or 0) >= (version(held) or 0):
            found[key(document)] = document
    return found


def stage_table(
    staging: Staging, name: str, table: pd.DataFrame, raw_rows: int, key: Sequence[str] = ("id",)
) -> Transformed:
    """Stage the newest row of each record under a name."""
    kept = newest(table, key)
    staging.write_table(name, kept)
    return Transformed(name, raw_rows, len(kept), len(table) - len(kept))


def map_feeds(
    staging: Staging,
    name: str,
    mapped: Callable[[Sequence[Mapping[str, Any]]], pd.DataFrame],
    feeds: Mapping[str, int],
    key: Collection[str] = ("id",),
) -> Transformed:
    """Map the staged pages of feeds to one canonical table, and stage it. `feeds`: number of pages, by feed; of rows
    that are equally new, the one of the later feed counts."""
    parts = [
        part
        for feed, pages in feeds.items()
        for part in mapped_apart(staging, feed, staging.pages(feed, pages), mapped)
    ]
    table = pd.concat(parts, ignore_index=True) if parts else mapped([])
    return stage_table(staging, name, table, len(table), list(key))
