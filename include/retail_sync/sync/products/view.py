"""Both sides as last seen, with the questions planning asks of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from retail_sync.records.identifiers import code_key
from retail_sync.records.products import Kind, column_of, merged_columns
from retail_sync.records.types import plain_value
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.products.plan import LinkRef, PlanInput

SHOWN = ("sku", "barcodes", "option_values", "price", "brand")


class View:
    """Read-only look-ups over a `PlanInput`. Frames are indexed by record id."""

    systems = ("commercetools", "lightspeed")

    def __init__(self, given: PlanInput) -> None:
        self._given = given
        self.frames: dict[str, dict[Kind, pd.DataFrame]] = {
            system: {
                "product": _indexed(given.sides[system].products),
                "variant": _indexed(given.sides[system].variants),
            }
            for system in self.systems
        }

    @cached_property
    def _live(self) -> dict[str, dict[Kind, pd.DataFrame]]:
        return {
            system: {kind: frame[frame["deleted_at"].isna()] for kind, frame in kinds.items()}
            for system, kinds in self.frames.items()
        }

    def live_variants(self, system: str) -> pd.DataFrame:
        return self._live[system]["variant"]

    def live_products(self, system: str) -> pd.DataFrame:
        return self._live[system]["product"]

    @cached_property
    def _unlisted(self) -> dict[str, set[str]]:
        out: dict[str, set[str]] = {}
        for system in self.systems:
            products = self.frames[system]["product"]
            out[system] = set(products.index[(products["listed"] == False).fillna(False).astype(bool)])  # noqa: E712
        return out

    def is_listed(self, system: str, product_id: str) -> bool:
        return product_id not in self._unlisted[system]

    def eligible_variants(self, system: str) -> pd.DataFrame:
        """Live variants of listed products."""
        live = self.live_variants(system)
        return live[~live["product_id"].isin(self._unlisted[system])]

    def eligible_products(self, system: str) -> pd.DataFrame:
        live = self.live_products(system)
        return live[~live.index.isin(self._unlisted[system])]

    def lives(self, system: str, product_id: str) -> bool:
        """A product lives while any of its variants does."""
        return product_id in self._living_products[system]

    @cached_property
    def _living_products(self) -> dict[str, set[str]]:
        return {system: set(self.live_variants(system)["product_id"]) for system in self.systems}

    def variants_of(self, system: str, product: str) -> list[str]:
        """Ids of the live variants of a product."""
        return self._variants_of[system].get(product, [])

    @cached_property
    def _variants_of(self) -> dict[str, dict[str, list[str]]]:
        out: dict[str, dict[str, list[str]]] = {}
        for system in self.systems:
            live = self.live_variants(system)
            own = out.setdefault(system, {})
            for variant, product in zip(live["id"], live["product_id"], strict=True):
                own.setdefault(str(product), []).append(str(variant))
        return out

    def is_sold(self, system: str, product: str) -> bool:
        """Whether any live variant of the product is active: online it is published as a whole while one is sold."""
        return product in self._sold[system]

    @cached_property
    def _sold(self) -> dict[str, set[str]]:
        out: dict[str, set[str]] = {}
        for system in self.systems:
            live = self.live_variants(system)
            out[system] = set(live.loc[live["active"].fillna(False).astype(bool), "product_id"])
        return out

    def is_live(self, system: str, kind: Kind, record: str) -> bool:
        return record in self._live[system][kind].index

    def is_deleted(self, system: str, kind: Kind, record: str) -> bool:
        """Only with proof: a record nobody has seen yet is unknown, not deleted."""
        row = self.row(system, kind, record)
        return row is not None and bool(pd.notna(row["deleted_at"]))

    def variant(self, system: str, record: str) -> Mapping[str, Any] | None:
        return self.row(system, "variant", record)

    def row(self, system: str, kind: Kind, record: str) -> Mapping[str, Any] | None:
        """The cells of one record; None where nobody has seen it."""
        return self._rows[system][kind].get(record)

    @cached_property
    def _rows(self) -> dict[str, dict[Kind, dict[str, dict[str, Any]]]]:
        # One pass a frame: a look-up by label in a DataFrame costs a hundred times as much.
        return {
            system: {kind: {str(row["id"]): row for row in rows(frame)} for kind, frame in kinds.items()}
            for system, kinds in self.frames.items()
        }

    def parents(self, link: LinkRef) -> tuple[str, str]:
        return self.product_of("commercetools", link.commercetools_id), self.product_of(
            "lightspeed", link.lightspeed_id
        )

    def product_of(self, system: str, variant: str) -> str:
        """The product a variant belongs to; empty where nobody has seen the variant."""
        row = self.variant(system, variant)
        return str(row["product_id"]) if row is not None else ""

    def is_affected(self, system: str, kind: Kind, record: str) -> bool:
        return record in self._given.affected[system][kind]

    def codes(self, system: str, record: str) -> set[str]:
        """The barcodes of a variant in the form in which they are compared."""
        row = self.variant(system, record)
        text = row.get("barcodes") if row is not None else None
        return set(map(code_key, json.loads(text))) if isinstance(text, str) else set()

    def label(self, system: str, kind: Kind, record: str) -> str:
        """What a person calls the record: its SKU or its name, else its id."""
        row = self.row(system, kind, record)
        if row is None:
            return record
        if kind == "variant":
            sku = row.get("sku")
            if pd.notna(sku) and sku:
                return str(sku)
            product = self.label(system, "product", str(row["product_id"]))
            return f"{product}, variant {record.rpartition(':')[2][:8]} without SKU"
        for column in (f"name.{self._given.till_locale}", *[c for c in row if c.startswith("name.")]):
            if pd.notna(row.get(column)) and row[column]:
                return str(row[column])
        return record

    def describe(self, system: str, kind: Kind, record: str) -> dict[str, Any]:
        """A record in a few fields, as evidence beside a hold."""
        row = self.row(system, kind, record)
        told: dict[str, Any] = {"system": system, "id": record, "label": self.label(system, kind, record)}
        if row is not None:
            for name in SHOWN:
                if pd.notna(row.get(name)):
                    told[name] = plain_value(column_of(kind, name).type, row[name])
            if kind == "variant":
                told["product"] = self.label(system, "product", str(row["product_id"]))
        return told

    def fields(self, system: str, kind: Kind, record: str) -> dict[str, Any]:
        """The known merged fields of a record as plain values."""
        row = self.row(system, kind, record)
        if row is None:
            return {}
        return {
            name: plain_value(column_of(kind, name).type, row[name])
            for name in self.merged(system, kind)
            if pd.notna(row[name])
        }

    def merged(self, system: str, kind: Kind) -> list[str]:
        return self._merged[system][kind]

    @cached_property
    def _merged(self) -> dict[str, dict[Kind, list[str]]]:
        return {s: {k: merged_columns(k, f) for k, f in kinds.items()} for s, kinds in self.frames.items()}


def _indexed(frame: pd.DataFrame) -> pd.DataFrame:
    twice = frame["id"].duplicated(keep="last")
    return frame[~twice].set_index("id", drop=False)
