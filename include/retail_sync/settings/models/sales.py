"""Settings of the sales entity: what becomes of in-store sales online."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from retail_sync.settings.models.base import Settings


class SaleFields(Settings):
    """Names of custom fields (type String) of an imported order; empty: not kept."""

    sale: str | None = None
    """Id of the sale."""
    outlet: str | None = None
    """Name of the outlet."""
    tenders: str | None = None
    """Payment types and amounts."""
    loyalty: str | None = None
    """Loyalty earned."""


class SaleSettings(Settings):
    """In-store sales: none leaves the till until `target` says what they become."""

    target: Literal["none", "orders", "entries"] = "none"
    """`orders`: imported commercetools orders; `entries`: custom objects."""
    since: date | None = None
    """Sales from before this day (UTC) are left alone; empty: all are taken."""
    anonymous: bool = False
    """Whether sales without a linked customer are taken too."""
    prefix: str = Field(default="POS-", pattern=r"^[A-Za-z0-9_-]{2,20}$")
    """Begins the number of an imported order: no order with it is ever exported to the till."""
    container: str = Field(default="lightspeed-sales", pattern=r"^[A-Za-z0-9_~.-]+$")
    """Container of the custom objects."""
    stores: dict[str, str] = Field(default_factory=dict)
    """Location -> commercetools store key of its imported orders."""
    type: str | None = None
    """Key of the commercetools type that declares `fields`."""
    fields: SaleFields = SaleFields()
    """Custom fields of an imported order."""
    line_taxes: Literal["as sold", "derived"] = "as sold"
    """Taxes of an imported order's lines: `as sold`, the till's own amounts (`taxedPrice`, which order import takes
    since 3 September 2026), or `derived` by commercetools from the rates, for a project that refuses the field."""
    batch_size: int = Field(default=200, ge=1)
    """Sales per load task."""
