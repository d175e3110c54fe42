"""What commercetools answers, as tolerant models: unknown fields are ignored, enums are open, and a field that a
catalogue model or a scope may leave out is optional (a Modular catalogue has no `masterVariant` at all).

Source: the commercetools API reference (types product, product-type, tax-category, category, channel, store,
product-selection, project).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

LocalizedString = dict[str, str]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Reference(Wire):
    """A pointer to another resource; `obj` only where it was expanded."""

    typeId: str = ""
    id: str


def _not_a_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is not a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_not_a_flag), Field(ge=-(2**63), lt=2**63)]
"""A 64-bit number; true is none."""
Digits = Annotated[int, BeforeValidator(_not_a_flag), Field(ge=0, le=20)]
"""Fraction digits of money: high precision has up to 20."""


class Money(Wire):
    """`centAmount` counts units of 10^-fractionDigits; for `highPrecision` it is rounded and `preciseAmount` exact."""

    type: str = "centPrecision"
    currencyCode: str
    centAmount: Whole
    fractionDigits: Digits = 2
    preciseAmount: Whole | None = None


class Price(Wire):
    id: str = ""
    key: str | None = None
    value: Money
    country: str | None = None
    channel: Reference | None = None
    customerGroup: Reference | None = None
    validFrom: str | None = None
    validUntil: str | None = None
    recurrencePolicy: Any = None
    tiers: list[dict[str, Any]] | None = None
    custom: dict[str, Any] | None = None
    discounted: dict[str, Any] | None = None
    standalone: int | None = None
    """Version of the standalone price behind it; None = embedded in the variant. Set by the reader, not by the API."""


class Variant(Wire):
    """Prices, attributes and images stay as they are: a page holds thousands of them, of which a few are looked at."""

    id: Whole
    sku: str | None = None
    prices: list[Any] | None = None
    attributes: list[Any] | None = None
    images: list[Any] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Attribute values by name."""
        return named_values(self.attributes)

    @property
    def image_urls(self) -> list[str]:
        return [str(i["url"]) for i in self.images or () if isinstance(i, dict) and i.get("url")]


class ProductProjection(Wire):
    """The flat view of one side (current or staged) of a product."""

    id: str
    version: Whole
    key: str | None = None
    lastModifiedAt: str
    productType: Reference
    name: LocalizedString = Field(default_factory=dict)
    description: LocalizedString | None = None
    slug: LocalizedString | None = None
    categories: list[Reference] | None = None
    metaTitle: LocalizedString | None = None
    metaDescription: LocalizedString | None = None
    metaKeywords: LocalizedString | None = None
    published: bool | None = None
    hasStagedChanges: bool | None = None
    taxCategory: Reference | None = None
    priceMode: str | None = None
    masterVariant: Variant | None = None
    variants: list[Variant] | None = None
    attributes: list[Any] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Values of product-level attributes by name."""
        return named_values(self.attributes)


def named_values(attributes: Iterable[Any] | None) -> dict[str, Any]:
    return {a["name"]: a.get("value") for a in attributes or () if isinstance(a, dict) and "name" in a}


class AttributeType(Wire):
    """`name` is open: text, ltext, enum, lenum, number, boolean, money, date, time, reference, set, nested."""

    name: str
    elementType: AttributeType | None = None
    values: list[dict[str, Any]] | None = None


class AttributeDefinition(Wire):
    name: str
    type: AttributeType
    attributeConstraint: str = "None"
    level: str = "Variant"
    isRequired: bool = False

    @property
    def shared(self) -> bool:
        """All variants of a product hold the same value."""
        return self.level == "Product" or self.attributeConstraint == "SameForAll"


class ProductType(Wire):
    id: str
    key: str | None = None
    name: str = ""
    attributes: list[AttributeDefinition] | None = None


Share = Annotated[Decimal, Field(ge=0, le=100, max_digits=40)]
"""A rate of tax: 0.19."""


class SubRate(Wire):
    name: str = ""
    amount: Share


class TaxRate(Wire):
    name: str = ""
    amount: Share
    """A share such as 0.19."""
    includedInPrice: bool
    country: str
    state: str | None = None
    subRates: list[SubRate] | None = None


class TaxCategory(Wire):
    id: str
    key: str | None = None
    name: str = ""
    rates: list[TaxRate] | None = None


class Category(Wire):
    id: str
    key: str | None = None
    name: LocalizedString = Field(default_factory=dict)
    orderHint: str = ""
    parent: Reference | None = None
    ancestors: list[Reference] | None = None


class Channel(Wire):
    id: str
    version: Whole
    key: str
    roles: list[str] | None = None


class ProductSelection(Wire):
    id: str
    key: str | None = None
    productCount: int = 0
    mode: str | None = None
    type: str | None = None

    @property
    def excludes(self) -> bool:
        """It lists what is *not* in the catalogue (deprecated kind, still around)."""
        return "individualExclusion" in (self.mode, self.type)


class CustomerGroup(Wire):
    id: str
    key: str | None = None
    name: str = ""


class FieldType(Wire):
    """`name` is open: Boolean, String, Number, Money, Enum, Date ... (API reference, type FieldType)."""

    name: str


class FieldDefinition(Wire):
    name: str
    type: FieldType
    required: bool = False


class CustomType(Wire):
    id: str
    key: str = ""
    resourceTypeIds: list[str] | None = None
    fieldDefinitions: list[FieldDefinition] | None = None

    @property
    def definitions(self) -> dict[str, FieldDefinition]:
        return {one.name: one for one in self.fieldDefinitions or ()}


class SelectionSetting(Wire):
    productSelection: Reference
    active: bool = True


class Store(Wire):
    id: str
    key: str
    distributionChannels: list[Reference] | None = None
    productSelections: list[SelectionSetting] | None = None


class InventoryConfiguration(Wire):
    """Of carts that reserve stock (`ReserveOnCart`): how long (None = they can't), and whether what expired is given
    back."""

    reservationExpirationInMinutes: int | None = None
    releaseExpiredReservations: bool = True


class Project(Wire):
    key: str
    name: str = ""
    currencies: list[str] = Field(default_factory=list)
    countries: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    productCatalogModel: str | None = None
    inventory: InventoryConfiguration | None = None


def exact_amount(value: Money) -> Decimal:
    """The exact amount in major units, also for high precision."""
    counted = value.preciseAmount if value.preciseAmount is not None else value.centAmount
    return Decimal(counted).scaleb(-value.fractionDigits)
