"""Settings of the customers entity: who owns which field, how the same person is found, what stays private."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from retail_sync.settings.models.base import Owner, Settings, SystemName

MatchStep = Literal["external_id", "loyalty_id", "number", "email", "phone_name"]
CustomerFieldName = Literal[
    "email",
    "first_name",
    "last_name",
    "company",
    "tax_id",
    "phone",
    "mobile",
    "date_of_birth",
    "billing_address",
    "shipping_address",
    "number",
    "loyalty_id",
    "loyalty_member",
    "loyalty_balance",
    "group",
    "store",
    "language",
]
"""Fields that may stand under `customers.fields`, beside `custom.<your name>`; tests compare them with the
records."""
CustomerSeverity = Literal["hold", "drop field", "warn", "off"]
CUSTOMER_FIELDS: tuple[str, ...] = get_args(CustomerFieldName)
PERSONAL_FIELDS = (
    "email",
    "first_name",
    "last_name",
    "company",
    "tax_id",
    "phone",
    "mobile",
    "date_of_birth",
    "billing_address",
    "shipping_address",
    "loyalty_id",
    "custom.*",
)
"""The default of `customers.hash`."""
CUSTOM_PREFIX = "custom."
ONLINE_CUSTOM = "custom:"
"""`custom:<name>` is a custom field of commercetools customers."""
TILL_PLACES = (
    "custom_field_1",
    "custom_field_2",
    "custom_field_3",
    "custom_field_4",
    "note",
    "gender",
    "website",
    "twitter",
    "fax",
)
"""Fields of a Lightspeed customer that a setting may name. `customer_code` is the place of `number`."""
NEEDS_A_PLACE = {
    "commercetools": ("loyalty_id", "loyalty_member", "loyalty_balance"),
    "lightspeed": ("tax_id", "loyalty_id", "store", "language"),
}
"""Fields without a place of their own in that system: they sync only where the setting names one."""


class CustomerField(Settings):
    """One field of a customer: whose value counts, and where it lives where it has no place of its own."""

    owner: Owner = "newest"
    """Whose value counts. `newest`: the side that changed it last; `review`: a person decides when both changed;
    `none`: not synced."""
    commercetools: str | None = Field(default=None, pattern="^custom:.+$")
    """`custom:<name>`: the custom field of commercetools customers that holds it. Telephone numbers live in the
    default address where this is empty."""
    lightspeed: str | None = None
    """`custom_field_1` to `custom_field_4`, `note`, `gender`, `website`, `twitter` or `fax`."""


class GroupPair(Settings):
    """One customer group by its name in each system."""

    commercetools: str
    """Key of the commercetools customer group."""
    lightspeed: str
    """Name of the Lightspeed customer group."""


class Consent(Settings):
    """One consent to marketing. Withdrawn on either side it is withdrawn on both, whoever owns what."""

    commercetools: str = Field(pattern="^custom:.+$")
    """`custom:<name>`: the boolean custom field that holds it."""
    trusted: tuple[SystemName, ...] = ("commercetools",)
    """Where consent is really asked for: only a yes given there counts. At a till, a customer nobody has asked is not
    opted out, which is no consent; name `lightspeed` only if the till does ask."""


class AddressPlaces(Settings):
    """Which address of the till is which online."""

    billing: Literal["postal", "physical"] = "postal"
    """Holds the default billing address."""
    shipping: Literal["postal", "physical"] = "physical"
    """Holds the default shipping address."""


class CustomerDeletions(Settings):
    """What a proven deletion does in the other system."""

    in_commercetools: Literal["report", "anonymise", "delete"] = "report"
    """A customer deleted online, at the till: `report` holds it for a person, `anonymise` overwrites everything
    personal there and then deletes the profile, `delete` deletes it as it is."""
    in_lightspeed: Literal["report", "delete", "erase"] = "report"
    """A customer deleted at the till, online: `report` holds it, `delete` deletes the account, `erase` also asks
    commercetools to erase personal data."""
    most_removed_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(5)
    """Where a run would carry over deletions of more than this share of the linked customers (at least 20 of them), it
    carries over none and fails; a person approves them at the hold."""


class CustomerRules(Settings):
    """What is checked before a customer is written, and what a finding does: `hold` keeps the customer back, `drop
    field` leaves the field out, `warn` only reports."""

    email_invalid: CustomerSeverity = "drop field"
    """An e-mail address that is none."""
    phone_invalid: CustomerSeverity = "drop field"
    """A telephone number that is none in its country."""
    country_missing: CustomerSeverity = "drop field"
    """An address without a country, which commercetools needs."""


class CustomerSettings(Settings):
    """Customers: nothing syncs until a field has an owner."""

    fields: dict[str, CustomerField] = Field(default_factory=dict)
    """Canonical field -> its owner and places: `email`, `first_name`, `last_name`, `company`, `tax_id`, `phone`,
    `mobile`, `date_of_birth`, `billing_address`, `shipping_address`, `number`, `loyalty_id`, `loyalty_member`,
    `loyalty_balance`, `group`, `store`, `language`, `custom.<your name>`. A field that is not named does not sync."""
    create: tuple[SystemName, ...] = ()
    """Systems in which missing customers are created."""
    match: tuple[MatchStep, ...] = ("external_id", "loyalty_id", "number", "email", "phone_name")
    """How customers without a link find their partner, in order. Each step matches uniquely or holds the customer."""
    mark: bool = True
    """Where neither side of a pair names the other yet: write the till's id into the `externalId` of the online
    customer or, where that is taken, the online id into `external_id_field`."""
    external_id_field: str | None = None
    """Field of the till (`custom_field_1` to `custom_field_4`) that names the online customer; empty = none."""
    stores: tuple[str, ...] = ()
    """commercetools store keys: only their customers, and those of no store, take part; empty = all."""
    create_in_store: str | None = None
    """Store key that new online customers belong to; empty = none."""
    groups: tuple[GroupPair, ...] = ()
    """Customer groups by their names in both systems. A group that is not paired is left alone on either side."""
    addresses: AddressPlaces = AddressPlaces()
    """Which address of the till is which online."""
    default_country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    """ISO 3166-1 code of addresses and telephone numbers that name no country."""
    consents: dict[Literal["email", "sms"], Consent] = Field(default_factory=dict)
    """Consents to marketing that sync."""
    marketing: dict[str, Literal["email", "sms"]] = Field(default_factory=dict)
    """Fields that are only for marketing (`custom.<your name>`) -> the consent without which they do not flow."""
    exclude: tuple[str, ...] = ()
    """Canonical fields that stop at the reader: never staged, compared or written."""
    hash: tuple[str, ...] = PERSONAL_FIELDS
    """Canonical fields of which staging and ledger only hold keyed digests. A run reads the values again where it
    writes them."""
    one_way: dict[str, SystemName] = Field(default_factory=dict)
    """Canonical field -> the only system it may be written to."""
    deletions: CustomerDeletions = CustomerDeletions()
    """What a proven deletion does in the other system."""
    rules: CustomerRules = CustomerRules()
    """What is checked before anything is written, and what a finding does."""
    clock_skew_seconds: int = Field(default=120, ge=0)
    """With owner `newest`: two changes closer than this are a conflict for a person."""

    @property
    def synced(self) -> bool:
        """Whether anything of a customer flows at all."""
        return any(one.owner != "none" for one in self.fields.values())

    def owner_of(self, name: str) -> Owner:
        """Who owns a field. A loyalty balance is the till's, whatever is set: it can't be written there."""
        setting = self.fields.get(name)
        if setting is None or name in self.exclude:
            return "none"
        return "lightspeed" if name == "loyalty_balance" and setting.owner != "none" else setting.owner

    def may_write(self, name: str, target: SystemName) -> bool:
        """Whether a field may flow to a system at all, whoever owns it."""
        return self.one_way.get(name, target) == target and name not in self.exclude

    def place_of(self, name: str, system: SystemName) -> str | None:
        """The place a setting names for a field in a system."""
        setting = self.fields.get(name)
        return None if setting is None else getattr(setting, system)

    @model_validator(mode="after")
    def _fields_are_known(self) -> CustomerSettings:
        for where, names in (
            ("fields", list(self.fields)),
            ("exclude", list(self.exclude)),
            ("one_way", list(self.one_way)),
            ("hash", [name for name in self.hash if name != "custom.*"]),
        ):
            unknown = sorted(n for n in names if n not in CUSTOMER_FIELDS and not n.startswith(CUSTOM_PREFIX))
            if unknown:
                raise ValueError(
                    f"{where}: there is no field {', '.join(unknown)}; use one of {', '.join(CUSTOMER_FIELDS)}, or "
                    "custom.<your name>"
                )
        return self
