"""Bodies of product requests, strict: a field the API does not know can't be sent by mistake.

Only what was set is sent (`body_of`). Numbers are Decimals, which the transport writes digit for digit. There is no
field for stock amounts here: products never write inventory.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProductCode(Body):
    code: str
    type: Literal["CUSTOM", "EAN", "ISBN", "ITF", "JAN", "UPC"]


class OneTax(Body):
    tax_id: str


class OutletTax(Body):
    outlet_id: str
    tax_id: str


class Supplier(Body):
    supplier_id: str
    code: str | None = None
    price: Decimal | None = None


class Definition(Body):
    """An option's value, as creations spell it."""

    attribute_id: str
    value: str


class AttributeValue(Body):
    """An option's value, as updates spell it."""

    attribute_id: str
    attribute_value: str


class AttributeRef(Body):
    attribute_id: str


class Sellable(Body):
    """What creations and updates of one product share."""

    price_including_tax: Decimal | None = None
    price_excluding_tax: Decimal | None = None
    product_codes: list[ProductCode] | None = None
    all_outlets_tax: OneTax | None = None
    outlet_taxes: list[OutletTax] | None = None
    weight: Decimal | None = None
    weight_unit: str | None = None
    length: Decimal | None = None
    width: Decimal | None = None
    height: Decimal | None = None
    dimensions_unit: str | None = None


class VariantCreate(Sellable):
    """An entry of `variants` in a creation; the fields of a standard product stand at its top level."""

    sku: str | None = None
    supply_price: Decimal | None = None
    supplier_code: str | None = None
    variant_definitions: list[Definition] | None = None


class ProductCreate(VariantCreate):
    """`POST /products`. `track_inventory` was seen to be ignored by older versions (see `Creations`)."""

    name: str
    description: str | None = None
    brand_id: str | None = None
    product_category_id: str | None = None
    tag_ids: list[str] | None = None
    supplier_id: str | None = None
    source_id: str | None = None
    is_active: bool | None = None
    track_inventory: bool | None = None
    account_code_sale: str | None = None
    account_code_purchase: str | None = None
    loyalty_amount: Decimal | None = None
    variants: list[VariantCreate] | None = None


class Common(Body):
    """What an update changes for the whole family. An empty id or list removes; lists are replaced as a whole."""

    name: str | None = None
    description: str | None = None
    brand_id: str | None = None
    product_category_id: str | None = None
    tag_ids: list[str] | None = None
    product_suppliers: list[Supplier] | None = None
    track_inventory: bool | None = None
    variant_attributes: list[AttributeRef] | None = None
    account_code_sale: str | None = None
    account_code_purchase: str | None = None


class Details(Sellable):
    """What an update changes for one product. Lists are replaced as a whole."""

    is_active: bool | None = None
    loyalty_amount: Decimal | None = None
    product_suppliers: list[Supplier] | None = None
    variant_attribute_values: list[AttributeValue] | None = None


class ProductUpdate(Body):
    """`PUT /products/{id}`, and with a name in `common` the addition of one variant."""

    common: Common | None = None
    details: Details | None = None


def body_of(body: Body) -> dict[str, Any]:
    """The request body: what was set, and nothing else. Never None: the API has no use for null."""
    return body.model_dump(exclude_none=True)
