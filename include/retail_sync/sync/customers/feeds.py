"""The only door through which customers come in: sealed as soon as they are mapped, before anything is kept of
them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from retail_sync.records.customers import IDENTITY, column_of, source_of_key
from retail_sync.records.ports.customers import CustomerSystem
from retail_sync.records.ports.products import Asked, RawPage, Shown, SystemName, Window
from retail_sync.records.rows import UNREAD, read_apart
from retail_sync.records.sealing import Seal, clear_rows, is_sealed, tokens_of
from retail_sync.records.types import DTYPES, canonical_json
from retail_sync.sync.customers.known import UNREADABLE_FIELDS
from retail_sync.sync.customers.validation import unreadable
from retail_sync.sync.engine.frames import cells, rows
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.transform import Transformed, stage_table
from retail_sync.sync.engine.unreadable import stage_unread

Clear = Mapping[str, Any]
"""One customer as plain clear values. Lives in the memory of a task, and is never part of anything that is stored."""


@dataclass(frozen=True)
class Door:
    """One system's customers, as whoever keeps them may see them. `Askable`: what it walks is sealed."""

    adapter: CustomerSystem
    seal: Seal
    default_country: str | None = None
    forgotten: frozenset[str] = frozenset()
    """Subjects who were erased: they come in no more."""

    @property
    def system(self) -> SystemName:
        return self.adapter.system

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return self.adapter.cursor_at(since, cursor)

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        return await self.adapter.open_window(cursor, full=full)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        async for page in self.adapter.walk(window, position=position):
            yield self._sealed(page)

    async def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        async for page in self.adapter.search(keys):
            yield self._sealed(page)

    # --- whom a read does not show ---

    @property
    def most_asked(self) -> int:
        return self.adapter.most_asked

    def records_in(self, sealed: Sequence[Mapping[str, Any]], /) -> list[Shown]:
        """The customers of sealed rows. Two who live should not share an e-mail address, nor a number."""
        return [_shown(row) for row in sealed]

    async def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[list[dict[str, Any]]]:
        async for wire in self.adapter.ask_together(ids):
            yield self._kept(wire)

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        asked = await self.adapter.ask_each(ids)
        return Asked(self._kept(asked.rows), asked.gone)

    def _sealed(self, page: RawPage) -> RawPage:
        return RawPage(self._kept(page.rows), position=page.position, cursor=page.cursor, last=page.last)

    def _kept(self, wire: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rows as they may be kept; of what can't be read, which customer it is and why."""
        sealed, bad = read_apart(wire, self.sealed)
        return [*as_pages(sealed), *({UNREAD: asdict(one), "id": one.id} for one in bad)]

    def sealed(self, wire: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Wire rows as a sealed table."""
        return self.read(wire)[1]

    def read(self, wire: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Clear], pd.DataFrame]:
        """Wire rows as clear customers, by id, and as a sealed table."""
        clear = self._let_in(wire)
        people = clear_rows(clear)
        sealed = self.seal.table(clear, people)
        sealed[UNREADABLE_FIELDS] = pd.Series(
            [canonical_json(unreadable(row, self.default_country)) for row in people],
            dtype="string",
            index=clear.index,
        )
        return {str(row["id"]): row for row in people}, sealed

    def _let_in(self, wire: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        clear = self.adapter.to_customers(wire)
        kept = [f"{self.system}:{record}" not in self.forgotten for record in clear["id"]]
        clear = clear[kept].reset_index(drop=True)
        if "number" in clear:
            # Who has the key of a creation for a number names the one it was made from.
            keys = [source_of_key(self.system, number or "") or pd.NA for number in cells(clear["number"])]
            clear["external_id"] = clear["external_id"].fillna(pd.Series(keys, dtype="string"))
        return clear


def _shown(row: Mapping[str, Any]) -> Shown:
    number = row.get("number")
    emails = tokens_of(row.get("tokens")).get("email") or ()
    return Shown(
        id=str(row["id"]),
        version=row.get("version"),
        deleted=row.get("deleted_at") is not None,
        names=(str(number),) if number and not is_sealed(number) else (),
        tokens=tuple(map(str, emails)),
    )


def as_pages(sealed: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a sealed table as JSON-ready values, in which nothing is lost: times as text, unknown cells left
    out."""
    flags = {name for name in map(str, sealed.columns) if _is_flag(name)}
    return [
        {
            name: cell.isoformat() if isinstance(cell, datetime) else bool(cell) if name in flags else cell
            for name, cell in row.items()
            if cell is not None
        }
        for row in rows(sealed)
    ]


def _is_flag(name: str) -> bool:
    return name not in ("tokens", UNREADABLE_FIELDS) and column_of(name).type == "flag"


def table_of_pages(pages: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The sealed table of rows that were staged. Sealed cells of any type are texts."""
    names = [column.name for column in IDENTITY] + ["tokens", UNREADABLE_FIELDS]
    names += sorted({name for row in pages for name in row} - set(names))
    return pd.DataFrame({name: _column(name, [row.get(name) for row in pages]) for name in names})


def _column(name: str, cells: Sequence[Any]) -> pd.Series:
    kind = "text" if name in ("tokens", UNREADABLE_FIELDS) else column_of(name).type
    if any(isinstance(cell, str) and cell.startswith("~") for cell in cells):
        kind = "text"
    if kind == "time":
        moments = pd.to_datetime(pd.Series(list(cells), dtype="object"), utc=True, format="ISO8601")
        return moments.astype("datetime64[us, UTC]")
    return pd.Series(list(cells), dtype=DTYPES[kind])


def transform(staging: Staging, system: str, pages: int) -> Transformed:
    """The sealed pages of one system as one table, newest row of each customer only."""
    raw: list[Mapping[str, Any]] = []
    held: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(row for page in staging.pages(system, pages) for row in page):
        bad = row.get(UNREAD)
        if bad is not None:
            held[bad["id"] or f"{number}"] = bad
        else:
            held.pop(str(row["id"]), None)
            raw.append(row)
    stage_unread(staging, system, held.values())
    return stage_table(staging, f"{system}/customers", table_of_pages(raw), len(raw))
