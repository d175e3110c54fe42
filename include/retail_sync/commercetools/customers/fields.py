"""Where each canonical field of a customer lives online: in members of its own, in an address, or in a custom field
that a setting names; and what of it may be read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retail_sync.commercetools.api.privacy import PrivateFields
from retail_sync.records.customers import CONSENTS, FIELDS
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.customers import ONLINE_CUSTOM

ADDRESS_MEMBERS = (
    "streetName",
    "streetNumber",
    "additionalStreetInfo",
    "additionalAddressInfo",
    "city",
    "postalCode",
    "state",
    "region",
    "country",
)
"""Members of an address that canonical parts are made of (API reference, type BaseAddress)."""
_DEFAULTS = ("defaultBillingAddressId", "defaultShippingAddressId")
_IN_ADDRESS = tuple(f"addresses.{name}" for name in ("id", *ADDRESS_MEMBERS))

TEXTS: dict[str, str] = {
    "email": "email",
    "first_name": "firstName",
    "last_name": "lastName",
    "company": "companyName",
    "tax_id": "vatId",
    "date_of_birth": "dateOfBirth",
    "number": "customerNumber",
    "language": "locale",
    "external_id": "externalId",
}
"""Canonical text fields with a member of their own (API reference, type Customer)."""
PHONES = ("phone", "mobile")
USES: dict[str, str] = {"billing_address": "Billing", "shipping_address": "Shipping"}
"""Canonical addresses, by the use commercetools knows them under."""
_MEMBERS: dict[str, tuple[str, ...]] = {
    **{name: (member,) for name, member in TEXTS.items()},
    "billing_address": (*_IN_ADDRESS, _DEFAULTS[0]),
    "shipping_address": (*_IN_ADDRESS, _DEFAULTS[1]),
    **{name: ("addresses.id", f"addresses.{name}", "addresses.country", *_DEFAULTS) for name in PHONES},
    "group": ("customerGroup", "customerGroupAssignments"),
    "store": ("stores",),
}
_MOVABLE = frozenset({*PHONES, "first_name", "last_name", "company", "tax_id", "date_of_birth", "language"})
"""Fields with a place of their own that may live in a custom field instead; loyalty and `custom.*` live only there."""
_RECOGNISED = ("email", "first_name", "last_name", "phone", "mobile", "number", "loyalty_id")
"""What a customer is recognised by: read even where it has no owner."""
_ALWAYS = ("id", "version", "key", "lastModifiedAt", "externalId", "stores")


class CustomerPlaces:
    """The places of one configuration.

    A field that `privacy.exclude` touches, even in part, has none: what may be missing from a row is not known to be
    empty, and half an address is no address.
    """

    def __init__(self, settings: SyncSettings) -> None:
        self.settings = settings.customers
        self.private = PrivateFields(settings.privacy.exclude.get("commercetools", ()))
        named = [*(column.name for column in FIELDS if column.name != "custom.*"), "external_id"]
        named += [name for name in self.settings.fields if name.startswith("custom.")]
        self.custom: dict[str, str] = {
            name: place for name in named if (place := self._custom_place(name)) is not None
        }
        """Canonical field -> the custom field it lives in."""
        self.holds = frozenset(name for name in named if self._is_held(name))
        """Canonical fields with a place."""
        self.mapped = frozenset(name for name in self.holds if self._is_wanted(name))
        """Those of them that are read."""
        self.needed: dict[str, str] = {
            name: place for name, place in self.custom.items() if name in self.mapped
        }
        """The custom fields that are read or written."""
        self._kept = self._members()

    def _custom_place(self, name: str) -> str | None:
        place: str | None = None
        if name in CONSENTS:
            consent = self.settings.consents.get(name.removeprefix("consent_"))  # type: ignore[call-overload]
            place = consent.commercetools if consent else None
        elif name in _MOVABLE or name not in _MEMBERS:
            place = self.settings.place_of(name, "commercetools")
        return place.removeprefix(ONLINE_CUSTOM) if place else None

    def _is_held(self, name: str) -> bool:
        if name in self.settings.exclude:
            return False
        if name in self.custom:
            return not self.private.hides(f"custom.fields.{self.custom[name]}")
        return name in _MEMBERS and not any(self.private.hides(member) for member in _MEMBERS[name])

    def _is_wanted(self, name: str) -> bool:
        return name in (*_RECOGNISED, *CONSENTS, "external_id") or self.settings.owner_of(name) != "none"

    def _members(self) -> dict[str, set[str]]:
        """Members of a row that stay, with those of their own members that do; none named = all."""
        kept: dict[str, set[str]] = {name: set() for name in _ALWAYS}
        for name in self.mapped - self.custom.keys():
            for member in _MEMBERS[name]:
                outer, _, inner = member.partition(".")
                kept.setdefault(outer, set())
                if inner:
                    kept[outer].add(inner)
        return kept

    def trimmed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A wire row with nothing in it that is not mapped: no password hash, no salutation, no excluded field."""
        whole = [dict(row)]
        self.private.remove(whole)
        kept: dict[str, Any] = {}
        for name, inner in self._kept.items():
            if name not in whole[0]:
                continue
            value = whole[0][name]
            if inner and isinstance(value, list):
                value = [{key: one[key] for key in inner if key in one} for one in value]
            kept[name] = value
        custom = whole[0].get("custom")
        if self.needed and isinstance(custom, dict):
            fields = custom.get("fields") or {}
            wanted = set(self.needed.values())
            kept["custom"] = {
                "type": custom.get("type"),
                "fields": {name: value for name, value in fields.items() if name in wanted},
            }
        return kept
