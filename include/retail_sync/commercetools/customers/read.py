"""Wire rows of customers -> clear rows.

What the API omits of a member of its own is known to be empty: it always sends what there is. A custom field that is
omitted is empty where the customer's type defines it, and where the customer has no type but some type of customers
defines it (one can be set); under a type that lacks it, it is unknown: it could not be written there either. A flag
or an amount that is omitted is unknown: nobody has said no, and nothing is not zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.wire import Money, Reference, Whole, Wire, exact_amount
from retail_sync.commercetools.customers.fields import PHONES, TEXTS, USES
from retail_sync.commercetools.customers.references import CustomerReferences
from retail_sync.records.customers import column_of, plain_address, source_of_key
from retail_sync.records.people import balance_text, email_text, name_text, phone_text
from retail_sync.records.types import clean_text, decimal_text


class _Assignment(Wire):
    customerGroup: Reference


class _StoreKey(Wire):
    key: str


class _Custom(Wire):
    type: Reference
    fields: dict[str, Any] | None = None


class Customer(Wire):
    """A customer, as far as it is mapped (API reference, type Customer). Addresses stay as they are sent."""

    id: str
    version: Whole
    lastModifiedAt: str
    email: str = ""
    firstName: str | None = None
    lastName: str | None = None
    companyName: str | None = None
    vatId: str | None = None
    dateOfBirth: str | None = None
    customerNumber: str | None = None
    locale: str | None = None
    externalId: str | None = None
    key: str | None = None
    addresses: list[dict[str, Any]] | None = None
    defaultBillingAddressId: str | None = None
    defaultShippingAddressId: str | None = None
    customerGroup: Reference | None = None
    customerGroupAssignments: list[_Assignment] | None = None
    stores: list[_StoreKey] | None = None
    custom: _Custom | None = None

    def default_of(self, use: str) -> str | None:
        """Id of the default address of a use (`Billing` or `Shipping`)."""
        return self.defaultBillingAddressId if use == "Billing" else self.defaultShippingAddressId

    @property
    def store_keys(self) -> list[str]:
        return [one.key for one in self.stores or ()]


def customer_of(row: Mapping[str, Any]) -> Customer:
    """Raises ValidationError, without any value, for a row that can't be read."""
    return Customer.model_validate(row)


def address_parts(address: Mapping[str, Any]) -> dict[str, str]:
    """The canonical parts of a wire address, texts as they are compared."""
    street = " ".join(
        text for name in ("streetName", "streetNumber") if (text := str(address.get(name) or "").strip())
    )
    parts = {
        "street": street,
        "extra": address.get("additionalStreetInfo"),
        "suburb": address.get("additionalAddressInfo"),
        "city": address.get("city"),
        "postcode": address.get("postalCode"),
        "state": address.get("state") or address.get("region"),
        "country": address.get("country"),
    }
    return {name: " ".join(clean_text(str(value or "")).split()) for name, value in parts.items()}


def in_order(
    addresses: Sequence[Mapping[str, Any]], shipping: str | None, billing: str | None
) -> Iterator[Mapping[str, Any]]:
    """Addresses in the order in which a telephone number is looked for: default shipping, default billing, others."""
    for id in (shipping, billing):
        yield from (one for one in addresses if id is not None and one.get("id") == id)
    yield from (one for one in addresses if one.get("id") not in (shipping, billing))


class CustomerRows:
    """Maps rows, with what `prepare` read."""

    def __init__(self, references: CustomerReferences) -> None:
        self._references = references
        self._places = references.places
        self._settings = references.places.settings

    def rows(self, wire: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Clear rows for `clear_table`; a missing key is unknown."""
        return [self.row(customer_of(self._places.trimmed(row))) for row in wire]

    def row(self, one: Customer) -> dict[str, Any]:
        stores = self._settings.stores
        known: dict[str, Any] = {
            "id": one.id,
            "version": one.version,
            "modified_at": one.lastModifiedAt,
            "carry": {"billing": one.defaultBillingAddressId, "shipping": one.defaultShippingAddressId},
            "takes_part": not stores or not one.store_keys or bool(set(stores) & set(one.store_keys)),
        }
        for name in self._places.mapped:
            value = self._custom(name, one) if name in self._places.custom else self._standard(name, one)
            if value is not None:
                known[name] = value
        if not known.get("external_id"):
            # Who was made here of somebody bears that in the key, whether or not partners are named elsewhere.
            known["external_id"] = source_of_key(SYSTEM, one.key or "")
        return known

    def _standard(self, name: str, one: Customer) -> Any:
        if name in TEXTS:
            text = str(getattr(one, TEXTS[name]) or "")
            return email_text(text) if name == "email" else name_text(text)
        if name in USES:
            default = one.default_of(USES[name])
            held = next((a for a in one.addresses or () if default and a.get("id") == default), None)
            return plain_address(address_parts(held)) if held else {}
        if name in PHONES:
            return self._phone(name, one)
        if name == "group":
            return self._group(one)
        return next(iter(one.store_keys), "")

    def _phone(self, name: str, one: Customer) -> str:
        found = in_order(one.addresses or (), one.defaultShippingAddressId, one.defaultBillingAddressId)
        return next((text for address in found if (text := self.phone_in(address, name))), "")

    def phone_in(self, address: Mapping[str, Any], name: str) -> str:
        """A telephone number of an address, as it is compared."""
        country = str(address.get("country") or "") or self._settings.default_country
        return phone_text(str(address.get(name) or ""), country)

    def _group(self, one: Customer) -> str | None:
        """Key of the one group; None = in a group that has no key, or that the settings do not name."""
        held = one.customerGroup or next((a.customerGroup for a in one.customerGroupAssignments or ()), None)
        if held is None:
            return ""
        key = self._references.groups[held.id].key if held.id in self._references.groups else None
        named = {pair.commercetools for pair in self._settings.groups}
        return key if key and (not named or key in named) else None

    def _custom(self, name: str, one: Customer) -> Any:
        place, kind = self._places.custom[name], column_of(name).type
        value = ((one.custom.fields if one.custom else None) or {}).get(place)
        if value is not None:
            return self._canonical(name, kind, value)
        if kind != "text":
            return None
        if one.custom is None:
            return "" if self._references.defined(place) else None
        type_ = self._references.types.get(one.custom.type.id)
        return "" if type_ is not None and place in type_.definitions else None

    def _canonical(self, name: str, kind: str, value: Any) -> Any:
        """The canonical value of a custom field; None where it is of a type that can't be read as such."""
        if kind == "flag":
            return value if isinstance(value, bool) else None
        if name == "loyalty_balance":
            amount = _amount(value)
            return None if amount is None else balance_text(amount)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, Decimal)):
            return decimal_text(value)
        if not isinstance(value, str):
            return None
        if name in PHONES:
            return phone_text(value, self._settings.default_country)
        return name_text(value) if name in TEXTS else clean_text(value)


def _amount(value: Any) -> str | None:
    try:
        if isinstance(value, dict):
            return decimal_text(exact_amount(Money.model_validate(value)))
        if isinstance(value, (int, Decimal, str)) and not isinstance(value, bool):
            return decimal_text(Decimal(value))
    except (ValidationError, InvalidOperation, ValueError):
        return None
    return None
