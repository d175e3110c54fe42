"""Rows that can't be read, from the task that maps pages to the hold that names them.

An odd value costs the record it is in and no other: the rest of its page is read, planned and written. What is held
this way is seen, and so it has not vanished; it is read again when it changes, by a full run, or by a run with its key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Hold, HoldDraft
from retail_sync.records.rows import CODE, Row, UnreadableRow, read_apart
from retail_sync.sync.engine.staging import Staging

T = TypeVar("T")
NAMELESS = "unknown"
"""Stands for rows that do not show an id: they are held together, one hold a feed."""


def mapped_apart(
    staging: Staging,
    feed: str,
    pages: Iterable[Sequence[Row]],
    mapped: Callable[[Sequence[Row]], T],
    key: Callable[[T], Collection[str]] = lambda part: (),
) -> list[T]:
    """What `mapped` makes of each page; what can't be read is staged for the plan.

    Pages are in the order of changes: a row that a later page shows in order is no longer unreadable. `key`: ids in
    what was mapped.
    """
    parts: list[T] = []
    held: dict[str, UnreadableRow] = {}
    nameless: list[UnreadableRow] = []
    for rows in pages:
        part, bad = read_apart(rows, mapped)
        parts.append(part)
        for one in key(part) if held else ():
            held.pop(one, None)
        for row in bad:
            if row.id:
                held[row.id] = row
            else:
                nameless.append(row)
    stage_unread(staging, feed, [asdict(row) for row in [*held.values(), *nameless]])
    return parts


def stage_unread(staging: Staging, feed: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep the rows of a feed that can't be read, as the fields of `UnreadableRow`, for the plan."""
    staging.write_document(_document(feed), list(rows))


@dataclass(frozen=True)
class Unread:
    """Rows of one run that can't be read, by feed. A feed is named after its system (`lightspeed_price_books`)."""

    rows: Mapping[str, Sequence[UnreadableRow]] = field(default_factory=dict)

    @classmethod
    def of(cls, staging: Staging, feeds: Iterable[str]) -> Unread:
        return cls(
            {feed: [UnreadableRow(**row) for row in staging.read_document(_document(feed))] for feed in feeds}
        )

    @property
    def counts(self) -> dict[str, int]:
        """For the warnings of a summary."""
        found = sum(map(len, self.rows.values()))
        return {CODE: found} if found else {}

    def drafts(self, kind_of: Callable[[str], str]) -> list[HoldDraft]:
        """The holds. `kind_of`: the kind of record of a feed."""
        drafts: list[HoldDraft] = []
        for feed, rows in self.rows.items():
            named = [row for row in rows if row.id]
            drafts += [
                _draft(kind_of(feed), feed, row.id, row.label or row.id, f"{row}.", row) for row in named
            ]
            if len(named) < len(rows):
                first = next(row for row in rows if not row.id)
                what = f"{len(rows) - len(named)} rows do not show which record they are; the first: {first}."
                drafts.append(_draft(kind_of(feed), feed, NAMELESS, NAMELESS, what, first))
        return drafts

    def settled(self, ledger: Ledger, entity: str, read: Collection[str], *, full: bool) -> list[list[str]]:
        """Kind and subject of earlier holds of this kind whose records were read now. `read`: ids of records that
        were; `full`: whatever there is was read."""
        met = set(read)
        return [
            [hold.kind, hold.subject]
            for hold in ledger.holds.open_holds(entity)
            if is_unreadable(hold) and (full or hold.source_id == NAMELESS or hold.source_id in met)
        ]


def is_unreadable(hold: Hold) -> bool:
    """Whether a hold waits for its record to be read, not for a plan: planned as last seen, it would look mended."""
    return hold.code == CODE


def _draft(kind: str, feed: str, id: str, label: str, message: str, row: UnreadableRow) -> HoldDraft:
    system = feed.partition("_")[0]
    return HoldDraft(
        kind=kind,
        subject=f"{system}:{id}",
        code=CODE,
        message=f"It can't be read: {message}",
        system=system,
        source_id=id,
        label=label,
        field=row.field or None,
        evidence={"feed": feed},
        release="Correct the value in its source system; the record is read again when it changes, or by a full run.",
    )


def _document(feed: str) -> str:
    return f"{feed}/unreadable"
