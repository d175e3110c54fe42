"""Products and variants, the same columns whichever system they came from.

Two tables travel together (`ProductTables`): one row a product (what all variants share) and one row a variant
(what is scanned and sold). Column families end in `.*`: `name.en-GB`, `attr.material`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from retail_sync.records.types import DTYPES, Column, canonical_value

Kind = Literal["product", "variant"]

IDENTITY: tuple[Column, ...] = (
    Column("id", "text", "id in the source system; unique within kind and system", merged=False),
    Column(
        "version", "version", "the source's version of this row: only ever compared for order", merged=False
    ),
    Column("modified_at", "time", "source time of the last change, UTC", merged=False),
    Column("deleted_at", "time", "proof that the source deleted it; NA = not deleted", merged=False),
    Column(
        "carry",
        "json",
        "what only the adapter that read it needs to write it back; never compared",
        merged=False,
    ),
)

PRODUCT_COLUMNS: tuple[Column, ...] = (
    *IDENTITY,
    Column("key", "identifier", "stable key a person chose; used to match, never merged", merged=False),
    Column("listed", "flag", "inside the configured assortment", merged=False),
    Column("name.*", "text", "name in a locale"),
    Column("description.*", "text", "description in a locale"),
    Column("brand", "text", "brand name", compared="names"),
    Column("category", "text", "the category the till shows", compared="names"),
    Column("tags", "set", "tag names", compared="names"),
    Column("supplier", "text", "supplier name", compared="names"),
    Column("tax_class", "text", "name of the tax class in the configuration; `?…` where nothing maps it"),
    Column("options", "list", "names of the options that tell variants apart, in order"),
    Column("tracked", "flag", "stock is counted"),
    Column("published", "flag", "visible in the online shop"),
    Column("images", "list", "image addresses in order; written once at creation"),
    Column("attr.*", "json", "mapped attribute on product level"),
)

VARIANT_COLUMNS: tuple[Column, ...] = (
    *IDENTITY,
    Column("product_id", "text", "id of the product it belongs to, same system", merged=False),
    Column("sku", "identifier", "stock keeping unit; empty = has none", compared="identifiers"),
    Column(
        "barcodes",
        "set",
        "codes the till scans (digits as text, leading zeros kept), without the SKU itself",
        compared="codes",
    ),
    Column("option_values", "pairs", "[option name, value] in the product's option order"),
    Column("price", "money", "base price in minor units of `currency`, tax as the configuration declares"),
    Column("currency", "text", "ISO 4217 code of `price`", merged=False),
    Column("supply_price", "decimal", "what the shop pays, exact decimal in the till's currency"),
    Column("supplier_code", "text", "the supplier's own code"),
    Column("active", "flag", "can be sold at the till"),
    Column(
        "parts", "pairs", "parts of a composite: [variant id, quantity]; empty = it is none", merged=False
    ),
    Column("attr.*", "json", "mapped attribute on variant level"),
)

COLUMNS: dict[Kind, tuple[Column, ...]] = {"product": PRODUCT_COLUMNS, "variant": VARIANT_COLUMNS}


@dataclass
class ProductTables:
    """Products and variants of one system, as read."""

    products: pd.DataFrame
    variants: pd.DataFrame

    def of(self, kind: Kind) -> pd.DataFrame:
        return self.products if kind == "product" else self.variants


def column_of(kind: Kind, name: str) -> Column:
    """The declaration behind a column name. Raises KeyError for a name no declaration covers."""
    for column in COLUMNS[kind]:
        if column.name == name or (column.name.endswith(".*") and name.startswith(column.name[:-1])):
            return column
    raise KeyError(f"{name!r} is not a column of a {kind} record")


def merged_columns(kind: Kind, frame: pd.DataFrame) -> list[str]:
    """The columns of `frame` that the merge compares, in declaration order."""
    order = {column.name: position for position, column in enumerate(COLUMNS[kind])}
    names = [name for name in frame.columns if column_of(kind, name).merged]
    return sorted(names, key=lambda name: (order[column_of(kind, name).name], name))


def identity_columns(kind: Kind) -> list[str]:
    """The columns every table of this kind has."""
    return [c.name for c in COLUMNS[kind] if c in IDENTITY or c.name in ("product_id", "key", "listed")]


def table(kind: Kind, rows: list[dict[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """A canonical table with the right dtypes from plain rows (values not yet canonical).

    Identity columns are always there; other columns only where some row has them. Values that can't be of their
    type raise ValueError naming column and row id.
    """
    # Objects as they are: pandas would make a column of whole numbers with gaps one of floats.
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, dtype="object")
    identity = identity_columns(kind)
    columns = [*identity, *[str(name) for name in frame.columns if name not in identity]]
    out: dict[str, pd.Series] = {}
    for name in columns:
        declared = column_of(kind, name)
        if name not in frame.columns:
            out[name] = pd.Series([None] * len(frame), dtype=DTYPES[declared.type])
            continue
        values = []
        for position, cell in enumerate(frame[name].astype("object").tolist()):
            try:
                values.append(canonical_value(declared.type, cell))
            except (ValueError, TypeError) as problem:
                owner = frame["id"].iloc[position] if "id" in frame.columns else position
                raise ValueError(f"{kind} {owner}: column {name!r}: {problem}") from problem
        out[name] = pd.Series(values, dtype=DTYPES[declared.type])
    return pd.DataFrame(out, columns=columns)
