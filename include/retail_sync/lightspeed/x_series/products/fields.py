"""Where a mapped attribute (`attr.*`) lives in a product row, and what its place is called when it is written."""

from __future__ import annotations

from retail_sync.lightspeed.x_series.api.product_members import PLACES, Place
from retail_sync.records.products import Kind
from retail_sync.settings.models import SyncSettings

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
