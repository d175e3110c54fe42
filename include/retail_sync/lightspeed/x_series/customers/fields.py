"""Where each canonical field of a customer lives in a row of `/customers` (description of API 2.0, `Customer`).

`tax_id` of a row is the id of a tax rate, not the customer's VAT number, so that one needs a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from retail_sync.lightspeed.x_series.api.privacy import excluded_paths
from retail_sync.records.customers import CONSENTS, NAMES
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.customers import CUSTOM_PREFIX, TILL_PLACES, CustomerSettings

EXTERNAL_ID = "external_id"
FIXED: Mapping[str, str] = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company_name",
    "phone": "phone",
    "mobile": "mobile",
    "date_of_birth": "date_of_birth",
    "number": "customer_code",
    "loyalty_member": "enable_loyalty",
    "loyalty_balance": "loyalty_balance",
    "group": "customer_group_id",
    "consent_email": "do_not_email",
    "consent_sms": "enable_promotional_sms",
}
"""Fields with a place of their own."""
ADDRESSES = ("billing_address", "shipping_address")
ADDRESS_KINDS = ("physical", "postal")
ADDRESS_MEMBERS: Mapping[str, str] = {
    "street": "address_1",
    "extra": "address_2",
    "suburb": "suburb",
    "city": "city",
    "postcode": "postcode",
    "state": "state",
    "country": "country_id",
}
"""Parts of an address; `physical_` or `postal_` comes before each."""
READ_ONLY = frozenset({"loyalty_balance"})
"""Earned and spent in sales; there is no way to set it (guide "loyalty 101")."""
RECOGNISED_BY = frozenset({"email", "first_name", "last_name", "phone", "mobile", "number", "loyalty_id"})
"""Read even where nobody owns them: without them a customer is not recognised."""
OF_EVERY_ROW = ("id", "version", "updated_at", "deleted_at", "customer_group_id")
SIGNS_OF_A_WHOLE_ROW = ("version", "updated_at", "customer_group_id")
"""Shown by every official example of a customer, the shortest one too."""


@dataclass(frozen=True)
class Places:
    """Places as the configuration has them. `hidden`: wire fields that it keeps out altogether."""

    settings: CustomerSettings
    hidden: frozenset[str] = frozenset()

    @classmethod
    def of_settings(cls, settings: SyncSettings) -> Places:
        return cls(
            settings.customers,
            frozenset(path[0] for path in excluded_paths(settings) if len(path) == 1),
        )

    def wire(self, name: str) -> tuple[str, ...]:
        """The wire fields that hold a canonical field; none where it has no place."""
        if name in ADDRESSES:
            return tuple(f"{self.kind_of(name)}_{member}" for member in ADDRESS_MEMBERS.values())
        if name in CONSENTS and name.removeprefix("consent_") not in self.settings.consents:
            return ()
        if name in FIXED:
            return (FIXED[name],)
        place = (
            self.settings.external_id_field
            if name == EXTERNAL_ID
            else self.settings.place_of(name, "lightspeed")
        )
        return (place,) if place in TILL_PLACES else ()

    def kind_of(self, address: str) -> str:
        """Whether an address is the physical or the postal one."""
        places = self.settings.addresses
        return places.billing if address == "billing_address" else places.shipping

    @cached_property
    def holds(self) -> frozenset[str]:
        """Canonical fields that have a place. One of which the configuration hides a part has none: a half of an
        address is no address."""
        return frozenset(
            name
            for name in self._candidates()
            if name not in self.settings.exclude
            and (wire := self.wire(name))
            and not self.hidden.intersection(wire)
        )

    @cached_property
    def writes(self) -> frozenset[str]:
        return self.holds - READ_ONLY

    @cached_property
    def reads(self) -> frozenset[str]:
        """Those of `holds` that are read: with an owner, or needed to recognise somebody, or consents."""
        return frozenset(
            name
            for name in self.holds
            if name in RECOGNISED_BY
            or name in CONSENTS
            or name == EXTERNAL_ID
            or self.settings.owner_of(name) != "none"
        )

    @cached_property
    def countries(self) -> tuple[str, ...]:
        """Wire fields that say in which country a customer's telephone numbers are meant, the first one first."""
        found = [
            f"{self.kind_of(name)}_country_id" for name in ADDRESSES if name not in self.settings.exclude
        ]
        return tuple(name for name in dict.fromkeys(found) if name not in self.hidden)

    @cached_property
    def kept(self) -> frozenset[str]:
        """Wire fields that are read at all; the others stop at the reader."""
        wanted = {wire for name in self.reads for wire in self.wire(name)}
        return frozenset((*OF_EVERY_ROW, *self.countries, *wanted)) - self.hidden

    def is_whole(self, row: Mapping[str, object]) -> bool:
        """Whether a row is a whole customer, not what was left of one."""
        return all(name in row for name in SIGNS_OF_A_WHOLE_ROW if name not in self.hidden)

    def _candidates(self) -> Iterator[str]:
        yield from (name for name in NAMES if not name.startswith(CUSTOM_PREFIX))
        yield from (name for name in self.settings.fields if name.startswith(CUSTOM_PREFIX))
        yield EXTERNAL_ID
