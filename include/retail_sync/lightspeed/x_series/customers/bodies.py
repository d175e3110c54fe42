"""What is sent to `/customers`: canonical values as the till has them, in strict bodies.

Source: `CustomerBase` of API 2.0, whose shape the date versions kept; `enable_promotional_sms` is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.bodies import Body
from retail_sync.lightspeed.x_series.customers.fields import (
    ADDRESS_KINDS,
    ADDRESS_MEMBERS,
    ADDRESSES,
    READ_ONLY,
    Places,
)
from retail_sync.lightspeed.x_series.customers.groups import Groups
from retail_sync.lightspeed.x_series.customers.read import COUNTRY
from retail_sync.records.customers import UNREADABLE
from retail_sync.records.errors import RecordRejected
from retail_sync.settings.models.customers import TILL_PLACES

GENDERS = ("M", "F")
ANONYMOUS = "ANON-"
"""Begins the customer code of somebody who was made unrecognisable."""
NAMES_OF_A_CUSTOMER = ("first_name", "last_name")
"""Keys that the description wants in every body, null included. That an update keeps what it leaves out is inferred
(reference, section 9), these two as well, so they are sent only where an update without them is refused."""
PERSONAL = (
    *NAMES_OF_A_CUSTOMER,
    *("email", "phone", "mobile", "company_name", "date_of_birth"),
    *(f"{kind}_{member}" for kind in ADDRESS_KINDS for member in ADDRESS_MEMBERS.values()),
    *TILL_PLACES,
)
"""Everything that may say who somebody is, whether or not it is synced."""


class CustomerBody(Body):
    """`POST /customers`, `PUT /customers/{id}`. Null empties a field. There is no `tax_id` (a tax rate, not the
    customer's number) and no figure that only sales move."""

    first_name: str | None = None
    last_name: str | None = None
    customer_code: str | None = None
    customer_group_id: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    fax: str | None = None
    company_name: str | None = None
    date_of_birth: str | None = None
    gender: Literal["M", "F"] | None = None
    note: str | None = None
    website: str | None = None
    twitter: str | None = None
    custom_field_1: str | None = None
    custom_field_2: str | None = None
    custom_field_3: str | None = None
    custom_field_4: str | None = None
    enable_loyalty: bool | None = None
    do_not_email: bool | None = None
    enable_promotional_sms: bool | None = None
    physical_address_1: str | None = None
    physical_address_2: str | None = None
    physical_suburb: str | None = None
    physical_city: str | None = None
    physical_postcode: str | None = None
    physical_state: str | None = None
    physical_country_id: str | None = None
    postal_address_1: str | None = None
    postal_address_2: str | None = None
    postal_suburb: str | None = None
    postal_city: str | None = None
    postal_postcode: str | None = None
    postal_state: str | None = None
    postal_country_id: str | None = None


@dataclass
class Sent:
    """Wire values of a write, and the fields that the till can't hold, with why."""

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    dropped: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The request body: what was set, null included. Raises RecordRejected, which says of no value what it is."""
        try:
            return CustomerBody(**self.values).model_dump(exclude_unset=True)
        except ValidationError as problem:
            wrong = sorted({str(error["loc"][0]) for error in problem.errors()})
            raise RecordRejected(
                f"The customer can't be written: {', '.join(wrong)} can't be sent as they are.",
                code="unwritable",
                system=SYSTEM,
            ) from None


class _Dropped(Exception):
    """The till can't hold a value; the text says why and never what it is."""


def sent_of(fields: Mapping[str, Any], places: Places, groups: Groups | None) -> Sent:
    """Wire values for canonical ones (unknown ones are left out)."""
    sent = Sent()
    for name, value in fields.items():
        if value is None:
            continue
        try:
            sent.values |= _values(name, value, places, groups)
        except _Dropped as why:
            sent.dropped[name] = str(why)
    return sent


def creation_of(fields: Mapping[str, Any], key: str, places: Places, groups: Groups | None) -> Sent:
    """A new customer: found again by its code where it has no number, and asked by nobody whether it may be written
    to."""
    sent = sent_of(fields, places, groups)
    first: dict[str, Any] = {**dict.fromkeys(NAMES_OF_A_CUSTOMER), "customer_code": key}
    if "consent_email" in places.writes:
        first["do_not_email"] = True
    if "consent_sms" in places.writes:
        first["enable_promotional_sms"] = False
    sent.values = {**first, **sent.values}
    return sent


def anonymous(customer_id: str, places: Places) -> Sent:
    """A customer of whom nothing personal is left. The code has the end of the id: ids of one store begin alike."""
    values: dict[str, Any] = dict.fromkeys(PERSONAL)
    values |= {"do_not_email": True, "customer_code": f"{ANONYMOUS}{customer_id.rpartition('-')[2]}"}
    if "consent_sms" in places.writes:
        values["enable_promotional_sms"] = False
    return Sent(values)


def _values(name: str, value: Any, places: Places, groups: Groups | None) -> dict[str, Any]:
    if name in READ_ONLY:
        raise _Dropped("it is earned and spent at the till, and can't be set")
    if name not in places.writes:
        raise _Dropped("the till has no place for it")
    if name in ADDRESSES:
        return _address(value, places.kind_of(name))
    wire = places.wire(name)[0]
    if isinstance(value, bool):
        return {wire: not value if name == "consent_email" else value}
    text = str(value)
    if text.startswith(UNREADABLE) and name in ("email", "phone", "mobile"):
        raise _Dropped("it could not be read as what it should be")
    if name == "group":
        return {wire: _group(text, groups)}
    if name == "number" and not text:
        raise _Dropped("a customer at the till always has a code")
    if wire == "gender" and text and text not in GENDERS:
        raise _Dropped("the till knows M, F and nothing else there")
    return {wire: text or None}


def _group(key: str, groups: Groups | None) -> str:
    found = groups.id_of(key) if groups else None
    if found is None:
        raise _Dropped("the till has no group for it" if key else "the till has no group of everybody")
    return found


def _address(value: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """All parts of an address: two halves of two addresses make none."""
    parts = {f"{kind}_{member}": value.get(part) or None for part, member in ADDRESS_MEMBERS.items()}
    country = parts[f"{kind}_country_id"]
    if country is not None and not COUNTRY.fullmatch(str(country)):
        raise _Dropped("its country is no ISO 3166-1 code")
    return parts
