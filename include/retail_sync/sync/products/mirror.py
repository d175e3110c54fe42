"""Between canonical tables and the ledger's mirror: rows in, rows out, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import MirrorRow, SeenCounts
from retail_sync.records.identifiers import code_key, folded_key, likeness, matching_key
from retail_sync.records.products import Kind, ProductTables, column_of, merged_columns, table
from retail_sync.records.types import digest
from retail_sync.sync.engine.closure import key
from retail_sync.sync.engine.frames import cells, plain_cells

ENTITY = "products"
KINDS: tuple[Kind, Kind] = ("product", "variant")
_IDENTITY = {"product": ("key", "listed"), "variant": ("currency", "parts")}


def to_mirror(kind: Kind, frame: pd.DataFrame) -> list[MirrorRow]:
    """One mirror row a table row. Unknown cells are left out of `fields`."""
    merged = _plain_columns(kind, frame, merged_columns(kind, frame))
    identity = _plain_columns(kind, frame, [name for name in _IDENTITY[kind] if name in frame.columns])
    carried = plain_cells("json", frame["carry"])
    parents = cells(frame["product_id"]) if kind == "variant" else [None] * len(frame)
    places = zip(
        cells(frame["id"]),
        plain_cells("version", frame["version"]),
        _moments(frame["modified_at"]),
        _moments(frame["deleted_at"]),
        parents,
        strict=True,
    )
    rows: list[MirrorRow] = []
    for position, (record, version, modified_at, deleted_at, parent) in enumerate(places):
        fields = {name: column[position] for name, column in merged.items() if column[position] is not None}
        rows.append(
            MirrorRow(
                id=str(record),
                parent_id=None if kind == "product" else str(parent),
                version=version,
                modified_at=modified_at,
                deleted_at=deleted_at,
                label=label_of(kind, fields),
                digest=digest(fields),
                fields=fields,
                carry=carried[position],
                identity={
                    name: column[position]
                    for name, column in identity.items()
                    if column[position] is not None
                },
            )
        )
    return rows


def _plain_columns(kind: Kind, frame: pd.DataFrame, names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: plain_cells(column_of(kind, name).type, frame[name]) for name in names}


def _moments(column: pd.Series) -> list[datetime | None]:
    return [None if cell is None else pd.Timestamp(cell).to_pydatetime() for cell in cells(column)]


def label_of(kind: Kind, fields: Mapping[str, Any]) -> str | None:
    """What people call the record: the SKU of a variant, a name of a product."""
    if kind == "variant":
        return fields.get("sku") or None
    return next((value for name, value in fields.items() if name.startswith("name.") and value), None)


def _keys_of_product(row: MirrorRow) -> Iterator[str]:
    """Its names, in any language, and its key."""
    for name, value in row.fields.items():
        if name.startswith("name.") and value:
            yield key("name", folded_key(str(value)))
    if row.identity.get("key"):
        yield key("key", matching_key(str(row.identity["key"])))


def _keys_of_variant(row: MirrorRow) -> Iterator[str]:
    """Its SKU, as it looks, and whatever a scanner finds it by."""
    sku = row.fields.get("sku")
    if sku:
        yield key("sku", likeness(str(sku)))
    for code in (sku, *(row.fields.get("barcodes") or ())):
        if code:
            yield key("code", folded_key(code_key(str(code))))


KEYS_OF = {"product": _keys_of_product, "variant": _keys_of_variant}
"""What records of each kind are found by. Two whose identifiers are the same, or look alike, under whatever settings,
have a key in common."""
PRODUCT_KEYS = ("name", "key")
VARIANT_KEYS = ("sku", "code")


def from_mirror(kind: Kind, rows: Iterable[MirrorRow]) -> pd.DataFrame:
    """The canonical table of mirrored rows."""
    plain: list[dict[str, Any]] = []
    for row in rows:
        plain.append(
            {
                "id": row.id,
                "version": row.version,
                "modified_at": row.modified_at,
                "deleted_at": row.deleted_at,
                "carry": row.carry,
                **({"product_id": row.parent_id} if kind == "variant" else {}),
                **row.identity,
                **row.fields,
            }
        )
    frame = table(kind, plain) if plain else table(kind, pd.DataFrame({"id": []}))
    for name in ("sku", "active") if kind == "variant" else ():
        if name not in frame.columns:
            frame[name] = pd.Series(pd.NA, index=frame.index, dtype="string" if name == "sku" else "boolean")
    if kind == "variant" and "barcodes" not in frame.columns:
        frame["barcodes"] = pd.Series(pd.NA, index=frame.index, dtype="string")
    return frame


def see(ledger: Ledger | Together, run_id: str, system: str, tables: ProductTables) -> dict[Kind, SeenCounts]:
    """Take in freshly read tables; older data never wins."""
    return see_rows(ledger, run_id, system, {kind: to_mirror(kind, tables.of(kind)) for kind in KINDS})


def see_rows(
    ledger: Ledger | Together, run_id: str, system: str, rows: Mapping[Kind, list[MirrorRow]]
) -> dict[Kind, SeenCounts]:
    """Take in rows just read or written; older data never wins."""
    return {
        kind: ledger.mirror.see(
            ENTITY, kind, system, run_id, _with_what_is_known(ledger, kind, system, rows[kind]), KEYS_OF[kind]
        )
        for kind in KINDS
    }


_KEPT: dict[Kind, str] = {"product": "listed", "variant": "parts"}
"""What some reads do not show: a part of a family not whether it is in the assortment, a search hit not the parts of a
composite."""


def _with_what_is_known(
    ledger: Ledger | Together, kind: Kind, system: str, rows: list[MirrorRow]
) -> list[MirrorRow]:
    """What a read does not show is as it was known before."""
    name = _KEPT[kind]
    unsure = [row.id for row in rows if name not in row.identity]
    if not unsure:
        return rows
    known = ledger.mirror.identities(ENTITY, kind, system, name, unsure)
    return [
        replace(row, identity={**row.identity, name: known[row.id]})
        if name not in row.identity and row.id in known
        else row
        for row in rows
    ]


def load_side(
    ledger: Ledger, system: str, products: Collection[str] | None = None, variants: Collection[str] = ()
) -> ProductTables:
    """One side as last seen: all of it, or whole products by their ids, and some variants beside them."""
    stream = ledger.mirror.stream
    if products is None:
        return ProductTables(
            products=from_mirror("product", stream(ENTITY, "product", system)),
            variants=from_mirror("variant", stream(ENTITY, "variant", system)),
        )
    return ProductTables(
        products=from_mirror("product", stream(ENTITY, "product", system, ids=products)),
        variants=from_mirror("variant", stream(ENTITY, "variant", system, ids=variants, parents=products)),
    )
