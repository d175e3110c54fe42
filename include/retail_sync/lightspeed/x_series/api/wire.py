"""The small wire objects, read tolerantly: what is not needed is ignored, what may be missing has a default.

Product rows have no model: they are read a column at a time (`reading`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True
    )


class Currency(Wire):
    code: str = ""


class Retailer(Wire):
    """`GET /retailer`. `tax_exclusive` decides which side of a price the store keeps."""

    domain_prefix: str = ""
    name: str = ""
    currency: Currency = Currency()
    timezone: str | None = None
    tax_exclusive: bool = False
    discount_product_id: str | None = None
    no_tax_group_id: str | None = None


class Outlet(Wire):
    id: str
    name: str = ""
    default_tax_id: str | None = None
    """Deprecated in the description but still sent."""
    currency: str | None = None
    deleted_at: str | None = None


class TaxRate(Wire):
    rate: Decimal = Field(default=Decimal(0), ge=0, le=100, max_digits=40)
    rules: list[Any] | None = None


class Tax(Wire):
    """A tax or a group of taxes; `rates` add up. 0.15 = 15 %."""

    id: str
    name: str = ""
    is_default: bool = False
    rates: list[TaxRate] = Field(default_factory=list)
    deleted_at: str | None = None

    @property
    def rate(self) -> Decimal | None:
        """The rate as one number; None where it depends on the amount (US clothing thresholds)."""
        if any(rate.rules for rate in self.rates):
            return None
        return sum((rate.rate for rate in self.rates), Decimal(0))


class OutletTax(Wire):
    """`GET /outlet_taxes`: a tax of a product at an outlet that is not the outlet's default."""

    product_id: str
    outlet_id: str
    tax_id: str | None = None
    deleted_at: str | None = None


class PriceBook(Wire):
    """`GET /price_books`. `type` BASE is the one that holds the prices of the articles themselves. No outlets, or no
    groups: for all of them (inferred; official examples always name some)."""

    id: str
    name: str = ""
    type: str = "GENERAL"
    valid_from: str | None = None
    valid_to: str | None = None
    restrict_to_platform_key: str | None = None
    outlets: list[NamedId] | None = None
    customer_groups: list[NamedId] | None = None
    deleted_at: str | None = None


class NamedId(Wire):
    """A nested object of which only id and name count."""

    id: str
    name: str = ""


class Named(Wire):
    """Anything that is looked up by its name: brand, tag, supplier, category, variant attribute."""

    id: str
    name: str = ""
    leaf_category: bool = True
    deleted_at: str | None = None
