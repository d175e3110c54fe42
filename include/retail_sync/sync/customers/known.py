"""Customers as the ledger knows them: mirrored rows, sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import MirrorRow, SeenCounts
from retail_sync.records.customers import ENTITY, IDENTITY, KIND, column_of
from retail_sync.records.ports.products import SystemName, other, system_named
from retail_sync.records.sealing import is_sealed, tokens_of
from retail_sync.records.types import digest, plain_value
from retail_sync.sync.engine.closure import key
from retail_sync.sync.engine.frames import rows

UNREADABLE_FIELDS = "unreadable"
"""Identity cell: fields whose values could not be read as what they should be."""
_OWN = {column.name for column in IDENTITY} | {"tokens", UNREADABLE_FIELDS}


@dataclass(frozen=True)
class Known:
    """One customer of one system as last seen. `fields`: plain values, private ones sealed; a missing one is
    unknown."""

    system: SystemName
    id: str
    version: int | None
    modified_at: datetime | None
    deleted_at: datetime | None
    fields: Mapping[str, Any]
    identity: Mapping[str, Any]
    carry: Mapping[str, Any]

    @cached_property
    def tokens(self) -> Mapping[str, frozenset[str]]:
        """What it is recognised by (see `retail_sync.records.customers.TOKENS`)."""
        return {name: frozenset(found) for name, found in (self.identity.get("tokens") or {}).items()}

    @property
    def lives(self) -> bool:
        return self.deleted_at is None

    @property
    def takes_part(self) -> bool:
        return bool(self.identity.get("takes_part", True))

    @property
    def external_id(self) -> str:
        """The id of the partner, as far as this side names it."""
        return str(self.identity.get("external_id") or "")

    @property
    def subject(self) -> str:
        return f"{self.system}:{self.id}"

    @property
    def label(self) -> str:
        """What a person knows it by: its number, else its id. Never a name."""
        number = self.fields.get("number")
        return str(number) if number and not is_sealed(number) else self.id


def to_rows(sealed: pd.DataFrame) -> list[MirrorRow]:
    """One mirror row a row of a sealed table."""
    kinds = {str(name): column_of(str(name)).type for name in sealed.columns if name not in _OWN}
    return [_mirror_row(row, kinds) for row in rows(sealed)]


def _mirror_row(row: Mapping[str, Any], kinds: Mapping[str, str]) -> MirrorRow:
    fields = {
        name: plain_value(kind, _typed(kind, row[name]))
        for name, kind in kinds.items()
        if row[name] is not None
    }
    identity = {
        "tokens": tokens_of(row["tokens"]),
        "takes_part": True if row["takes_part"] is None else bool(row["takes_part"]),
        **({"external_id": row["external_id"]} if row["external_id"] else {}),
    }
    bad = plain_value("json", row[UNREADABLE_FIELDS])
    if bad:
        identity[UNREADABLE_FIELDS] = bad
    number = fields.get("number")
    made = MirrorRow(
        id=str(row["id"]),
        version=None if row["version"] is None else int(row["version"]),
        modified_at=_moment(row["modified_at"]),
        deleted_at=_moment(row["deleted_at"]),
        label=str(number) if number and not is_sealed(number) else None,
        digest=digest(fields),
        fields=fields,
        carry=plain_value("json", row["carry"]),
        identity=identity,
    )
    # Of who is deleted nothing is kept but the proof of it.
    return made if made.deleted_at is None else emptied(made, made.deleted_at)


def _typed(kind: str, cell: Any) -> Any:
    """A sealed cell of a field of any type is a text of JSON where the type is kept as such."""
    if kind == "json" and isinstance(cell, str) and cell.startswith("~"):
        return f'"{cell}"'
    return cell


def _moment(cell: Any) -> datetime | None:
    return None if cell is None else pd.Timestamp(cell).to_pydatetime()


def see(books: Ledger | Together, run_id: str, system: str, sealed: pd.DataFrame) -> SeenCounts:
    """Take in customers just read; older data never wins."""
    return see_rows(books, run_id, system, to_rows(sealed))


def see_rows(books: Ledger | Together, run_id: str, system: str, mirrored: Sequence[MirrorRow]) -> SeenCounts:
    """As `see`, of mirrored rows."""
    return books.mirror.see(ENTITY, KIND, system, run_id, mirrored, partial(_keys_of, system_named(system)))


IDENTIFYING_KEYS = ("id", "email", "loyalty_id", "number", "phone_names")
"""Keys by which one person may be known to be another, and by which pairs are found."""
SHARED_KEYS = ("phones", "full_name")
"""Keys that several people bear, and that still keep somebody from being made anew."""


def _keys_of(system: SystemName, row: MirrorRow) -> Iterator[str]:
    """What a customer is found by: itself, the partner it names, and its tokens."""
    yield key("id", f"{system}:{row.id}")
    if row.identity.get("external_id"):
        yield key("id", f"{other(system)}:{row.identity['external_id']}")
    for name, tokens in (row.identity.get("tokens") or {}).items():
        if name in (*IDENTIFYING_KEYS, *SHARED_KEYS):
            yield from (key(name, token) for token in tokens)


def known_of(system: SystemName, row: MirrorRow) -> Known:
    """A mirrored row."""
    return Known(
        system=system,
        id=row.id,
        version=row.version,
        modified_at=row.modified_at,
        deleted_at=row.deleted_at,
        fields=row.fields,
        identity=row.identity,
        carry=row.carry or {},
    )


def load_side(ledger: Ledger, system: SystemName, ids: Collection[str] | None = None) -> dict[str, Known]:
    """One side as last seen, by id: everybody, deleted ones too, or some."""
    return {row.id: known_of(system, row) for row in ledger.mirror.stream(ENTITY, KIND, system, ids)}


def bury(books: Ledger | Together, run_id: str, system: str, gone: Iterable[str], at: datetime) -> None:
    """Mark customers as deleted that are proven to be gone, and keep nothing of them but their ids."""
    known = [row for row in books.mirror.read(ENTITY, KIND, system, ids=list(gone)) if row.deleted_at is None]
    see_rows(books, run_id, system, [emptied(row, at) for row in known])


def emptied(row: MirrorRow, at: datetime) -> MirrorRow:
    """The row of one who is gone. Its version stays: only something newer brings it back."""
    return replace(
        row,
        deleted_at=row.deleted_at or at,
        label=None,
        digest=digest({}),
        fields={},
        identity={},
        carry=None,
    )
