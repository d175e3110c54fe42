"""Between tables of prices and the ledger's mirror."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import MirrorRow, SeenCounts
from retail_sync.records.prices import loaded
from retail_sync.records.types import digest
from retail_sync.sync.engine.absence import Kept
from retail_sync.sync.engine.frames import cells, rows
from retail_sync.sync.prices.feeds import ARTICLES, ENTITY, ENTRIES, ONLINE

VARIANT, ARTICLE, ENTRY = "variant", "article", "entry"
PLACES = {VARIANT: ONLINE, ARTICLE: ARTICLES, ENTRY: ARTICLES}
"""The system that each kind of mirrored row is of."""
KEPT = {
    ONLINE: Kept(ENTITY, VARIANT, ONLINE, parts=True),
    ARTICLES: Kept(ENTITY, ARTICLE, ARTICLES),
    ENTRIES: Kept(ENTITY, ENTRY, ARTICLES, by_parent=True),
}
"""How the mirror keeps the records of each feed that shows everything there is."""

TURNS = "turns"
"""Times at which another online price begins to count, though nothing is written then."""


def known_standalone(ledger: Ledger, skus: Collection[str]) -> Mapping[str, str]:
    """The standalone prices that earlier reads showed of these SKUs: the SKU of each, by its id."""
    found = ledger.mirror.cells(ENTITY, VARIANT, ONLINE, fields=("standalone", "offers"), labels=skus)
    live = found[found["deleted_at"].isna() & found["standalone"].eq("true").fillna(False)]
    return {
        str(one["id"]): str(sku)
        for sku, offers in zip(live["label"], live["offers"], strict=True)
        for listed in json.loads(offers).values()
        for one in listed
    }


def see(books: Ledger | Together, run_id: str, kind: str, table: pd.DataFrame) -> SeenCounts:
    """Take in rows just read; older data never wins."""
    return books.mirror.see(ENTITY, kind, PLACES[kind], run_id, to_rows(kind, table))


def to_rows(kind: str, table: pd.DataFrame) -> list[MirrorRow]:
    """One mirror row a table row."""
    made = {VARIANT: _variant, ARTICLE: _article, ENTRY: _entry}[kind]
    return [made(row) for row in rows(table)]


def _variant(row: Mapping[str, Any]) -> MirrorRow:
    offers = loaded(row["offers"]) or {}
    fields = {
        "tax": row["tax"],
        "standalone": bool(row["standalone"]),
        "offers": offers,
        "elsewhere": loaded(row["elsewhere"]) or [],
    }
    turns = sorted(
        {t for listed in offers.values() for one in listed for t in (one["from"], one["until"]) if t}
    )
    return MirrorRow(
        id=row["id"],
        parent_id=row["product_id"],
        version=row["version"],
        modified_at=_moment(row["modified_at"]),
        deleted_at=_moment(row["deleted_at"]),
        label=row["sku"],
        digest=digest(fields),
        fields=fields,
        carry=loaded(row["carry"]),
        identity={TURNS: turns} if turns else {},
    )


def _article(row: Mapping[str, Any]) -> MirrorRow:
    fields = {
        "amount": row["amount"],
        "supply_price": row["supply_price"],
        "taxes": loaded(row["taxes"]) or {},
    }
    return MirrorRow(
        id=row["id"],
        version=row["version"],
        modified_at=_moment(row["modified_at"]),
        deleted_at=_moment(row["deleted_at"]),
        label=row["sku"],
        digest=digest(fields),
        fields=fields,
    )


def _entry(row: Mapping[str, Any]) -> MirrorRow:
    fields = {
        "book": row["book_id"],
        "amount": row["amount"],
        "tax": row["tax_id"],
        "min": row["min_units"],
        "max": row["max_units"],
    }
    return MirrorRow(
        id=row["id"],
        parent_id=row["product_id"],
        version=row["version"],
        modified_at=_moment(row["modified_at"]),
        deleted_at=_moment(row["deleted_at"]),
        digest=digest(fields),
        fields=fields,
    )


def _moment(cell: Any) -> datetime | None:
    return None if cell is None else pd.Timestamp(cell).to_pydatetime()


def read(
    ledger: Ledger | Together,
    kind: str,
    *,
    ids: Collection[str] | None = None,
    parents: Collection[str] | None = None,
) -> list[MirrorRow]:
    """Mirrored rows of one kind: all, or those of some ids or parents."""
    return ledger.mirror.read(ENTITY, kind, PLACES[kind], ids=ids, parents=parents)


def gone(row: MirrorRow, at: datetime) -> MirrorRow:
    """The row as one that is no longer there. Its version stays: only something newer brings it back."""
    return MirrorRow(
        id=row.id,
        parent_id=row.parent_id,
        version=row.version,
        modified_at=row.modified_at,
        deleted_at=at,
        label=row.label,
        digest=row.digest,
        fields=row.fields,
        carry=row.carry,
        identity=row.identity,
    )


def bury(
    books: Ledger | Together, run_id: str, kind: str, known: Iterable[MirrorRow], at: datetime
) -> list[str]:
    """Mark rows that are proven to be gone; ids of those that were not yet."""
    lost = [gone(row, at) for row in known if row.deleted_at is None]
    books.mirror.see(ENTITY, kind, PLACES[kind], run_id, lost)
    return [row.id for row in lost]


def absent_variants(ledger: Ledger, variants: pd.DataFrame) -> list[MirrorRow]:
    """Variants the mirror holds for products that were answered under their own address, and that are no longer among
    them: a product is always shown with all its variants. Not where the mirror has seen a newer version."""
    versions: dict[str, int] = dict(
        zip(cells(variants["product_id"]), cells(variants["version"]), strict=True)
    )
    if not versions:
        return []
    missing = ledger.mirror.live_ids(ENTITY, VARIANT, ONLINE, parents=list(versions)) - set(variants["id"])
    return [
        row
        for row in (read(ledger, VARIANT, ids=missing) if missing else ())
        if row.version is None or versions[str(row.parent_id)] >= row.version
    ]


def unread_entries(
    known: Sequence[MirrorRow], read_ids: Collection[str], products: Collection[str]
) -> list[MirrorRow]:
    """Lines of these articles that a read of all their lines did not meet."""
    met, asked = set(read_ids), set(products)
    return [row for row in known if row.parent_id in asked and row.id not in met and row.deleted_at is None]
