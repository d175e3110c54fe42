"""What this package sends to commercetools, as strict models: an unknown field or a key outside the allowed pattern
is an error here, before a request is made.

Source: the commercetools API reference (product drafts and the product update actions used here). `staged` is always
sent, because the API's default (true) would leave a change invisible to customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    create_model,
    model_validator,
)

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.records.currencies import CURRENCY_PATTERN
from retail_sync.records.errors import RecordRejected

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", min_length=2, max_length=256)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{2,256}$")]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
LocalizedString = dict[str, str]

MAX_ACTIONS = 500
"""Update actions in one request; more are refused by the API."""
MAX_VARIANTS = 100
"""Variants of one product besides the master, and the limit of the whole product in Classic catalogues."""


class Draft(BaseModel):
    """A refused value is not quoted in errors: it may be personal."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

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


class _ScopedPrice(Draft):
    """What prices inside a variant and prices of their own have in common."""

    key: Key | None = None
    value: MoneyDraft | PreciseMoneyDraft
    country: Country | None = None
    customerGroup: Identifier | None = None
    channel: Identifier | None = None
    validFrom: str | None = None
    validUntil: str | None = None
    tiers: list[dict[str, Any]] | None = None


class PriceDraft(_ScopedPrice):
    discounted: dict[str, Any] | None = None
    custom: dict[str, Any] | None = None


class StandalonePriceDraft(_ScopedPrice):
    sku: str


Prices = Annotated[list[PriceDraft], Field(max_length=100)]
"""Of one variant."""


class CustomFieldsDraft(Draft):
    type: Identifier
    fields: dict[str, Any]


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
    prices: Prices = Field(default_factory=list)
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


class UpdateAction(Draft):
    """A change of one resource; made by an `UpdateActions`."""

    action: str


class UpdateActions:
    """The update actions of one kind of resource that are used here: of each its members and their types, in the order
    in which the API reference has them. A member that may be None may be left out. Called with the name of an action
    and its members, it makes one; an unknown member or a value of another type is an error."""

    def __init__(self, members: Mapping[str, Mapping[str, Any]]) -> None:
        self._models = {name: _model_of(name, types) for name, types in members.items()}

    def __call__(self, action: str, **members: Any) -> UpdateAction:
        return self._models[action](**members)


def _model_of(action: str, types: Mapping[str, Any]) -> type[UpdateAction]:
    optional = {name for name, type_ in types.items() if type_ is Any or type(None) in get_args(type_)}
    fields: dict[str, Any] = {
        "action": (Literal[action], action),
        **{name: (type_, None if name in optional else ...) for name, type_ in types.items()},
    }
    return create_model(action, __base__=UpdateAction, __module__=__name__, **fields)


class Update(Draft):
    """What one request changes of a resource, at the version that was seen."""

    version: int
    actions: list[SerializeAsAny[UpdateAction]] = Field(min_length=1, max_length=MAX_ACTIONS)


def update_body(version: int, *actions: UpdateAction) -> dict[str, Any]:
    """The body of an update."""
    return Update(version=version, actions=list(actions)).body()


_STAGED = {"staged": bool}

product_action = UpdateActions(
    {
        "changeName": {"name": LocalizedString, **_STAGED},
        "setDescription": {"description": LocalizedString | None, **_STAGED},
        "setMetaTitle": {"metaTitle": LocalizedString | None, **_STAGED},
        "setMetaDescription": {"metaDescription": LocalizedString | None, **_STAGED},
        "setMetaKeywords": {"metaKeywords": LocalizedString | None, **_STAGED},
        "addToCategory": {"category": Identifier, **_STAGED},
        "removeFromCategory": {"category": Identifier, **_STAGED},
        # Takes effect at once: a tax category can't be staged.
        "setTaxCategory": {"taxCategory": Identifier | None},
        # Without a value, these three take the attribute away.
        "setAttribute": {"variantId": int, "name": str, "value": Any, **_STAGED},
        "setAttributeInAllVariants": {"name": str, "value": Any, **_STAGED},
        "setProductAttribute": {"name": str, "value": Any, **_STAGED},
        "setSku": {"variantId": int, "sku": str, **_STAGED},
        "addVariant": {
            "sku": str | None,
            "key": Key | None,
            "prices": list[PriceDraft],
            "attributes": list[AttributeValue],
            **_STAGED,
        },
        "addPrice": {"variantId": int, "price": PriceDraft, **_STAGED},
        "changePrice": {"priceId": str, "price": PriceDraft, **_STAGED},
        "removePrice": {"priceId": str, **_STAGED},
        # Replaces all prices of a variant; each gets a new id.
        "setPrices": {"variantId": int, "prices": Prices, **_STAGED},
        "publish": {"scope": Literal["All"]},
        "unpublish": {},
    }
)
standalone_price_action = UpdateActions(
    {
        "changeValue": {"value": MoneyDraft | PreciseMoneyDraft, **_STAGED},
        # Replaces all of them.
        "setPriceTiers": {"tiers": list[dict[str, Any]]},
        "changeActive": {"active": bool},
    }
)
channel_action = UpdateActions({"addRoles": {"roles": list[str]}})


class ChannelReference(Draft):
    """A channel by its key, which (unlike other keys) may hold any signs."""

    typeId: Literal["channel"] = "channel"
    key: str


class ChannelDraft(Draft):
    key: str
    roles: list[str]


class CustomObjectDraft(Draft):
    container: Annotated[str, Field(pattern=r"^[-_~.a-zA-Z0-9]+$", min_length=1, max_length=256)]
    key: Annotated[str, Field(pattern=r"^[-_~.a-zA-Z0-9]+$", min_length=1, max_length=256)]
    value: Any


@contextmanager
def drafting(what: str) -> Iterator[None]:
    """Raises RecordRejected where a draft can't be made inside: it says which members the API would refuse, and never
    their values, which may be personal."""
    try:
        yield
    except ValidationError as problem:
        places = sorted({".".join(map(str, error["loc"])) for error in problem.errors(include_input=False)})
        raise RecordRejected(
            f"The {what} can't be written as it is; look at: {', '.join(places[:5])}.",
            code="unwritable",
            system=SYSTEM,
        ) from None
