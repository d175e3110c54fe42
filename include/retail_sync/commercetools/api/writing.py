"""What this package sends to commercetools, as strict models: an unknown field or a key outside the allowed pattern
is an error here, before a request is made.

Source: the commercetools API reference (product drafts and the product update actions used here). `staged` is always
sent, because the API's default (true) would leave a change invisible to customers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from retail_sync.records.currencies import CURRENCY_PATTERN

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", min_length=2, max_length=256)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{2,256}$")]
LocalizedString = dict[str, str]

MAX_ACTIONS = 500
"""Update actions in one request; more are refused by the API."""
MAX_VARIANTS = 100
"""Variants of one product besides the master, and the limit of the whole product in Classic catalogues."""


class Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def body(self) -> dict[str, Any]:
        """The JSON body: fields that were not given are left out, so that nothing is reset by accident. Decimals stay
        Decimals: the HTTP client sends exactly their digits."""
        return self.model_dump(exclude_none=True)


class Identifier(Draft):
    """A resource by id or by key, never both."""

    typeId: str
    id: str | None = None
    key: Key | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Identifier:
        if (self.id is None) == (self.key is None):
            raise ValueError("a resource identifier holds either an id or a key")
        return self


class MoneyDraft(Draft):
    currencyCode: Annotated[str, Field(pattern=CURRENCY_PATTERN)]
    centAmount: int


class PreciseMoneyDraft(Draft):
    """`preciseAmount` counts units of 10^-`fractionDigits`, more digits than the currency has."""

    type: Literal["highPrecision"] = "highPrecision"
    currencyCode: Annotated[str, Field(pattern=CURRENCY_PATTERN)]
    preciseAmount: int
    fractionDigits: Annotated[int, Field(ge=1, le=20)]


class PriceDraft(Draft):
    key: Key | None = None
    value: MoneyDraft | PreciseMoneyDraft
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    customerGroup: Identifier | None = None
    channel: Identifier | None = None
    validFrom: str | None = None
    validUntil: str | None = None
    discounted: dict[str, Any] | None = None
    tiers: list[dict[str, Any]] | None = None
    custom: dict[str, Any] | None = None


class AttributeValue(Draft):
    name: str
    value: Any


class Dimensions(Draft):
    w: int = 0
    h: int = 0


class ImageDraft(Draft):
    """The API demands dimensions; 0 by 0 says they are not known (inferred: importers of external images do so)."""

    url: str
    dimensions: Dimensions = Dimensions()


class VariantDraft(Draft):
    sku: str | None = None
    key: Key | None = None
    prices: list[PriceDraft] = Field(default_factory=list, max_length=100)
    attributes: list[AttributeValue] = Field(default_factory=list)
    images: list[ImageDraft] = Field(default_factory=list)


class ProductDraft(Draft):
    productType: Identifier
    key: Key
    name: LocalizedString
    slug: dict[str, Slug]
    description: LocalizedString | None = None
    metaTitle: LocalizedString | None = None
    metaDescription: LocalizedString | None = None
    metaKeywords: LocalizedString | None = None
    categories: list[Identifier] = Field(default_factory=list)
    taxCategory: Identifier | None = None
    attributes: list[AttributeValue] = Field(default_factory=list)
    masterVariant: VariantDraft
    variants: list[VariantDraft] = Field(default_factory=list, max_length=MAX_VARIANTS - 1)
    publish: bool


class StagedAction(Draft):
    staged: bool


class ChangeName(StagedAction):
    action: Literal["changeName"] = "changeName"
    name: LocalizedString


class SetDescription(StagedAction):
    action: Literal["setDescription"] = "setDescription"
    description: LocalizedString | None = None


class SetMetaTitle(StagedAction):
    action: Literal["setMetaTitle"] = "setMetaTitle"
    metaTitle: LocalizedString | None = None


class SetMetaDescription(StagedAction):
    action: Literal["setMetaDescription"] = "setMetaDescription"
    metaDescription: LocalizedString | None = None


class SetMetaKeywords(StagedAction):
    action: Literal["setMetaKeywords"] = "setMetaKeywords"
    metaKeywords: LocalizedString | None = None


class AddToCategory(StagedAction):
    action: Literal["addToCategory"] = "addToCategory"
    category: Identifier


class RemoveFromCategory(StagedAction):
    action: Literal["removeFromCategory"] = "removeFromCategory"
    category: Identifier


class SetTaxCategory(Draft):
    """Takes effect at once: a tax category can't be staged."""

    action: Literal["setTaxCategory"] = "setTaxCategory"
    taxCategory: Identifier | None = None


class SetAttribute(StagedAction):
    """Without `value` the attribute is removed."""

    action: Literal["setAttribute"] = "setAttribute"
    variantId: int
    name: str
    value: Any = None


class SetAttributeInAllVariants(StagedAction):
    action: Literal["setAttributeInAllVariants"] = "setAttributeInAllVariants"
    name: str
    value: Any = None


class SetProductAttribute(StagedAction):
    action: Literal["setProductAttribute"] = "setProductAttribute"
    name: str
    value: Any = None


class SetSku(StagedAction):
    action: Literal["setSku"] = "setSku"
    variantId: int
    sku: str


class AddVariant(StagedAction):
    action: Literal["addVariant"] = "addVariant"
    sku: str | None = None
    key: Key | None = None
    prices: list[PriceDraft] = Field(default_factory=list)
    attributes: list[AttributeValue] = Field(default_factory=list)


class AddPrice(StagedAction):
    action: Literal["addPrice"] = "addPrice"
    variantId: int
    price: PriceDraft


class ChangePrice(StagedAction):
    action: Literal["changePrice"] = "changePrice"
    priceId: str
    price: PriceDraft


class RemovePrice(StagedAction):
    action: Literal["removePrice"] = "removePrice"
    priceId: str


class SetPrices(StagedAction):
    """Replaces all prices of a variant; each gets a new id."""

    action: Literal["setPrices"] = "setPrices"
    variantId: int
    prices: list[PriceDraft] = Field(max_length=100)


class Publish(Draft):
    action: Literal["publish"] = "publish"
    scope: Literal["All"] = "All"


class Unpublish(Draft):
    action: Literal["unpublish"] = "unpublish"


Action = (
    ChangeName
    | SetDescription
    | SetMetaTitle
    | SetMetaDescription
    | SetMetaKeywords
    | AddToCategory
    | RemoveFromCategory
    | SetTaxCategory
    | SetAttribute
    | SetAttributeInAllVariants
    | SetProductAttribute
    | SetSku
    | AddVariant
    | AddPrice
    | ChangePrice
    | RemovePrice
    | SetPrices
    | Publish
    | Unpublish
)


class ProductUpdate(Draft):
    version: int
    actions: list[Action] = Field(min_length=1, max_length=MAX_ACTIONS)


class ChangeValue(StagedAction):
    """Of a standalone price."""

    action: Literal["changeValue"] = "changeValue"
    value: MoneyDraft | PreciseMoneyDraft


class SetPriceTiers(Draft):
    """Of a standalone price; replaces all of them."""

    action: Literal["setPriceTiers"] = "setPriceTiers"
    tiers: list[dict[str, Any]]


class ChangeActive(Draft):
    """Of a standalone price."""

    action: Literal["changeActive"] = "changeActive"
    active: bool


StandaloneAction = ChangeValue | SetPriceTiers | ChangeActive


class StandalonePriceUpdate(Draft):
    version: int
    actions: list[StandaloneAction] = Field(min_length=1, max_length=MAX_ACTIONS)


class StandalonePriceDraft(Draft):
    key: Key | None = None
    sku: str
    value: MoneyDraft | PreciseMoneyDraft
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    customerGroup: Identifier | None = None
    channel: Identifier | None = None
    validFrom: str | None = None
    validUntil: str | None = None
    tiers: list[dict[str, Any]] | None = None


class ChannelReference(Draft):
    """A channel by its key, which (unlike other keys) may hold any signs."""

    typeId: Literal["channel"] = "channel"
    key: str


class InventoryEntryDraft(Draft):
    sku: Annotated[str, Field(min_length=1)]
    key: Key
    supplyChannel: ChannelReference | None = None
    quantityOnStock: int


class ChangeQuantity(Draft):
    """Sets the quantity on stock; what is reserved stays so."""

    action: Literal["changeQuantity"] = "changeQuantity"
    quantity: int


class AddQuantity(Draft):
    """Raises the quantity on stock."""

    action: Literal["addQuantity"] = "addQuantity"
    quantity: int


class RemoveQuantity(Draft):
    """Lowers the quantity on stock, below zero where more is taken than there is."""

    action: Literal["removeQuantity"] = "removeQuantity"
    quantity: int


QuantityAction = ChangeQuantity | AddQuantity | RemoveQuantity


class InventoryEntryUpdate(Draft):
    version: int
    actions: list[QuantityAction] = Field(min_length=1, max_length=1)


class ChannelDraft(Draft):
    key: str
    roles: list[str]


class AddRoles(Draft):
    action: Literal["addRoles"] = "addRoles"
    roles: list[str] = Field(min_length=1)


class ChannelUpdate(Draft):
    version: int
    actions: list[AddRoles] = Field(min_length=1, max_length=1)


class CustomObjectDraft(Draft):
    container: Annotated[str, Field(pattern=r"^[-_~.a-zA-Z0-9]+$", min_length=1, max_length=256)]
    key: Annotated[str, Field(pattern=r"^[-_~.a-zA-Z0-9]+$", min_length=1, max_length=256)]
    value: Any
