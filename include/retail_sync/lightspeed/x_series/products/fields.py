"""Where a mapped attribute (`attr.*`) lives in a product row, and what its place is called when it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retail_sync.records.products import Kind
from retail_sync.settings.models import SyncSettings


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
DEFAULT_UNITS = {"weight_unit": "KG", "dimensions_unit": "CM"}
"""Unit sent with a measure of a product that has none yet: the API takes no measure without one."""


def mapped_places(settings: SyncSettings, kind: Kind) -> dict[str, Place]:
    """Canonical field (`attr.material`) -> place, for the fields that live in a product row of this kind."""
    return {
        name: PLACES[setting.lightspeed]
        for name, setting in settings.products.fields.items()
        if name.startswith("attr.")
        and setting.lightspeed in PLACES
        and PLACES[setting.lightspeed].kind == kind
    }


def unknown_places(settings: SyncSettings) -> dict[str, str]:
    """Canonical field -> the place it names that does not exist."""
    return {
        name: setting.lightspeed
        for name, setting in settings.products.fields.items()
        if name.startswith("attr.") and setting.lightspeed and setting.lightspeed not in PLACES
    }
