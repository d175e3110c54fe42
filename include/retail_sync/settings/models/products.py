"""Settings of the products entity: what syncs, who owns which field, how fields are mapped, what is checked."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from retail_sync.settings.models.base import Currency, Owner, Settings, Severity, SystemName
from retail_sync.settings.models.transforms import Transform


class FieldSetting(Settings):
    """One canonical field: who owns it, where it lives in each system, how it is transformed."""

    owner: Owner = "commercetools"
    """Whose value counts. `newest`: the side changed last; `review`: a person decides when both changed; `none`: not
    synced."""
    commercetools: str | None = None
    """Where commercetools holds it: a projection field (`name`, `description`, `categories`, `taxCategory`) or
    `attribute:<name>`. Empty = commercetools does not hold it."""
    lightspeed: str | None = None
    """Where Lightspeed holds it (only for `attr.*` fields; the others have their fixed place): `account_code`,
    `account_code_purchase`, `supplier_code`, `weight`, ..."""
    transforms: tuple[Transform, ...] = ()
    """commercetools value -> canonical value, in order; reversed when writing to commercetools."""


class OptionSetting(Settings):
    """An option that tells variants apart (Colour, Size): at most three reach Lightspeed."""

    name: str = Field(min_length=1, max_length=64)
    """Name of the Lightspeed variant attribute and of the canonical option."""
    attribute: str
    """commercetools variant attribute that holds it."""
    transforms: tuple[Transform, ...] = ()
    """commercetools value -> what the till shows, in order; reversed when writing to commercetools."""
    owner: Owner = "commercetools"
    """Whose value counts; the same for all options."""


class TaxClass(Settings):
    """One tax class by its name in each system."""

    name: str
    """Canonical name, shown in plans and holds."""
    commercetools: str
    """Key (or, where it has none, name) of the commercetools tax category."""
    lightspeed: str
    """Name of the Lightspeed tax."""


class AssortmentRule(Settings):
    """A product is listed when it meets every given condition; an empty rule lists everything."""

    product_selections: tuple[str, ...] = ()
    """commercetools product selection keys (any of them)."""
    stores: tuple[str, ...] = ()
    """commercetools store keys: a product in any active selection of any of them."""
    categories: tuple[str, ...] = ()
    """Category keys (or names where they have none); a subcategory counts."""
    tags: tuple[str, ...] = ()
    """Lightspeed tags (any of them)."""
    brands: tuple[str, ...] = ()
    """Lightspeed brands (any of them)."""
    attribute: str | None = None
    """Name of a commercetools attribute that must equal `attribute_value`."""
    attribute_value: str | int | bool | None = None
    """The value it must have: an enum by its key."""
    skus: tuple[str, ...] = ()
    """Only products that hold one of these SKUs."""
    exclude_skus: tuple[str, ...] = ()
    """Never products that hold one of these SKUs."""


class Assortment(Settings):
    """Which products sync at all."""

    commercetools: AssortmentRule = AssortmentRule()
    """Which commercetools products go to the tills."""
    lightspeed: AssortmentRule = AssortmentRule()
    """Which Lightspeed products go online."""
    leaving: Literal["deactivate", "keep"] = "deactivate"
    """What happens in the other system to a product that leaves the assortment. Never deleted."""


class PriceSetting(Settings):
    """The base price that belongs to the product itself. Lists of prices are in `prices`."""

    owner: Owner = "commercetools"
    """Whose price counts. `none`: the price only goes along when an article is created, as its first one; so it has to
    be where a list of `prices` has the till's own price."""
    tax: Literal["included", "excluded"] = "included"
    """Whether the canonical price holds the tax. The exact side: choose what the owner of the price enters."""
    currency: Currency = "EUR"
    """ISO 4217 code of the currency the tills sell in, in capital letters, such as EUR; or the name commercetools has
    for it where the project counts it in whole units (HUF0)."""
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    """Country of the commercetools price that counts (a price without country counts where none has it)."""
    channel: str | None = None
    """Key of the distribution channel of the commercetools price; empty = the price without channel."""
    staged: bool = False
    """Write prices to the staged side only and leave publishing to a person."""


class ProductRules(Settings):
    """What is checked before a product is written, and what a finding does.

    `block` keeps the whole product back, `hold` the record, `drop field` leaves the field out, `warn` only reports.
    """

    sku_missing: Severity = "hold"
    """A variant has no SKU."""
    sku_duplicate: Severity = "hold"
    """Two records of one system have the same SKU."""
    sku_looks_alike: Severity = "hold"
    """Two SKUs, of both systems or of one, differ in nothing a person sees easily: capitals, letters of other alphabets
    that look Latin, kinds of dashes, marks of direction. `off` and `warn` take them for different ones."""
    swapped: Severity = "hold"
    """Records exchange SKUs, barcodes or names, or one takes what another is only about to give up: the other system
    takes no value twice. `off` and `warn` send them all the same, in no certain order."""
    sku_moved: Severity = "block"
    """A SKU belongs to another product than before. `block` keeps both products back whole, `hold` the variant."""
    barcode_invalid: Severity = "drop field"
    """A barcode has a wrong length or check digit."""
    barcode_duplicate: Severity = "hold"
    """Two products carry the same barcode, or one is the SKU of another: one scan, two products."""
    price_missing: Severity = "hold"
    """There is no price in the currency and country of `products.price`."""
    price_not_positive: Severity = "hold"
    """The price is zero or less."""
    price_currency: Severity = "hold"
    """The price is in another currency."""
    price_not_exact: Severity = "hold"
    """The price has more digits than its currency, or converting it for tax and back gives another price."""
    tax_class_unmapped: Severity = "block"
    """No entry of `products.tax_classes` names its tax."""
    too_many_variants: Severity = "block"
    """More variants than the other system takes."""
    too_many_options: Severity = "block"
    """More than three options tell the variants apart."""
    option_missing: Severity = "hold"
    """A variant has no value for an option its siblings have."""
    options_duplicate: Severity = "hold"
    """Two variants of one product have the same options."""
    options_changed: Severity = "block"
    """The options of a family changed; Lightspeed can't change them later."""
    name_missing: Severity = "block"
    """There is no name in the till's locale."""
    name_too_long: Severity = "block"
    """The name is longer than `products.rules_max_name`."""
    name_duplicate: Severity = "block"
    """Two products have the same name; a Lightspeed family is known by its name."""
    required_attribute_missing: Severity = "block"
    """A field of `products.required_attributes` is empty."""
    html_unsafe: Severity = "drop field"
    """A name or description holds a script or other active content. It is left out; with `warn` it is sent as it is."""
    value_not_kept: Severity = "hold"
    """The other system does not keep a value as it was sent (see `products.resend_limit`)."""
    lookup_missing: Severity = "drop field"
    """A lookup table or an enum does not name a value."""


class ProductSettings(Settings):
    """Products and variants."""

    assortment: Assortment = Assortment()
    """Which products sync at all."""
    create: tuple[SystemName, ...] = ("lightspeed", "commercetools")
    """Systems in which missing products are created."""
    match: tuple[Literal["key", "sku", "barcode"], ...] = ("sku", "barcode")
    """How records without a link find their partner, in order. Each step matches uniquely or holds the record."""
    sku_capitals_count: bool = True
    """Whether SKUs that differ in nothing but capitals are different ones. If so, two such records are held as
    `sku_looks_alike`; if not, they are the same, and each side keeps its spelling."""
    projection: Literal["current", "staged"] = "current"
    """Which side of commercetools products is read: what customers see, or the draft."""
    write: Literal["live", "staged", "publish"] = "live"
    """How content reaches commercetools: `live` changes current and staged alike, `staged` leaves it to a person,
    `publish` publishes products that had no staged changes of somebody else."""
    product_type: str | None = None
    """Key of the commercetools product type for products that come from the till; needed to create them."""
    fields: dict[str, FieldSetting] = Field(default_factory=dict)
    """Canonical field -> its owner and places: `name`, `description`, `brand`, `category`, `tags`, `supplier`,
    `tax_class`, `barcodes`, `supply_price`, `supplier_code`, `tracked`, `active`, `attr.<your name>`, ..."""
    options: tuple[OptionSetting, ...] = ()
    """What tells variants apart, in the order the till shows it."""
    barcodes_multiple: bool = False
    """Whether the commercetools barcode attribute holds a set; otherwise only the first barcode syncs."""
    price: PriceSetting = PriceSetting()
    """The base price."""
    tax_classes: tuple[TaxClass, ...] = ()
    """Taxes by their names in both systems."""
    tracked_by_default: bool = True
    """Whether Lightspeed counts stock of products created there."""
    rules: ProductRules = ProductRules()
    """What is checked before anything is written, and what a finding does."""
    rules_max_name: int = Field(default=255, gt=0)
    """Longest product name the till takes. Undocumented for Lightspeed; 255 is the usual column width."""
    required_attributes: tuple[str, ...] = ()
    """Canonical fields without which nothing new is created."""
    deletions: Literal["deactivate", "report"] = "deactivate"
    """What a proven deletion in one system does in the other: unpublish or deactivate, or only report. Never delete."""
    most_removed_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(20)
    """A run that would switch off more than this share of the linked articles (at least 20 of them), because they are
    gone from one system or left its assortment, switches off none and fails; a person approves them at the hold."""
    clock_skew_seconds: int = Field(default=120, ge=0)
    """With owner `newest`: two changes closer than this are a conflict for a person."""
    resend_limit: int = Field(default=3, ge=1)
    """How often the same value may be written to the same field again before the record is held (the target alters
    it)."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> ProductSettings:
        for what, names in (
            ("options", [option.name for option in self.options]),
            ("tax_classes", [tax.name for tax in self.tax_classes]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: named twice: {', '.join(twice)}; give each its own name")
        return self

    @property
    def published_as_a_whole(self) -> bool:
        """Whether `active` online says that a product is published, and is no attribute of each variant."""
        setting = self.fields.get("active")
        return setting is None or not (setting.commercetools or "").startswith("attribute:")

    def tax_class_at_the_till(self, name: str) -> str:
        """The first tax class with the same Lightspeed tax as `name`: classes that the till can't tell apart are one
        class wherever the two sides are compared."""
        taxes = {tax.name: tax.lightspeed for tax in self.tax_classes}
        return next((tax.name for tax in self.tax_classes if tax.lightspeed == taxes.get(name)), name)

    def owner_of(self, field: str) -> Owner:
        """Who owns a canonical field (`name.en-GB` falls back to `name`); price and options have their own setting."""
        if field == "price":
            return self.price.owner
        if field in ("options", "option_values"):
            return self.options[0].owner if self.options else "commercetools"
        setting = self.fields.get(field) or self.fields.get(field.split(".", 1)[0])
        return setting.owner if setting else DEFAULT_OWNERS.get(field.split(".", 1)[0], "none")


DEFAULT_OWNERS: dict[str, Owner] = {
    "name": "commercetools",
    "description": "commercetools",
    "brand": "commercetools",
    "category": "commercetools",
    "tags": "commercetools",
    "supplier": "lightspeed",
    "tax_class": "commercetools",
    "sku": "review",
    "barcodes": "newest",
    "supply_price": "lightspeed",
    "supplier_code": "lightspeed",
    "tracked": "lightspeed",
    "active": "commercetools",
}
"""Owner of a field the configuration does not mention. It still syncs only where both systems hold it."""
