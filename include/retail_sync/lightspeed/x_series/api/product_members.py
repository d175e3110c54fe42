"""Members of a product row that a mapped attribute can live in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retail_sync.records.products import Kind


@dataclass(frozen=True)
class Place:
    """`read`: the field of a product row. `write`: the field of a request, inside `common` (shared by a family) or
    `details` (one variant). `unit`: the field that must go along with a measure."""

    kind: Kind
    read: str
    write: str
    type: Literal["text", "number"]
    unit: str | None = None


PLACES: dict[str, Place] = {
    place.read: place
    for place in (
        Place("product", "account_code", "account_code_sale", "text"),
        Place("product", "account_code_purchase", "account_code_purchase", "text"),
        Place("variant", "loyalty_amount", "loyalty_amount", "number"),
        Place("variant", "weight", "weight", "number", unit="weight_unit"),
        Place("variant", "length", "length", "number", unit="dimensions_unit"),
        Place("variant", "width", "width", "number", unit="dimensions_unit"),
        Place("variant", "height", "height", "number", unit="dimensions_unit"),
        Place("variant", "weight_unit", "weight_unit", "text"),
        Place("variant", "dimensions_unit", "dimensions_unit", "text"),
    )
}
"""Request and row fields of the official descriptions of API 2.0 and 2.1."""
