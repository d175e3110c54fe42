"""Customers, the same columns whichever system they came from.

A table of customers comes in two forms. *Clear*, as an adapter maps it: it lives in the memory of one task and goes
nowhere else. *Sealed*, as it is staged, mirrored, compared and planned with: cells of private fields hold keyed
digests (see `retail_sync.records.sealing`). Which fields are private is a setting; all that speak of a person are,
unless it says otherwise.

An unreadable e-mail or phone number keeps its text behind a `?`, so that it never equals a readable one and is never
written anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.records.types import DTYPES, Column, canonical_value

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
"""Both systems name their records by UUIDs."""
ENTITY = "customers"
KIND = "customer"
CREATION_KEYS = {"lightspeed": "ct-", "commercetools": "ls-"}
"""What the key of a customer begins with that was made in a system; the id of its source follows. At the till it is the
customer code of who has no number."""
EXTERNAL_ID = "external_id"
"""The field in which one side names the other."""
UNREADABLE = "?"
"""Begins a value that could not be read as what it should be."""

IDENTITY: tuple[Column, ...] = (
    Column("id", "text", "id in the source system; unique within the system", merged=False),
    Column("version", "version", "the source's version: only ever compared for order", merged=False),
    Column("modified_at", "time", "source time of the last change, UTC", merged=False),
    Column("deleted_at", "time", "proof that the source deleted it; NA = not deleted", merged=False),
    Column("carry", "json", "ids that only the adapter needs to write it back; never personal", merged=False),
    Column("takes_part", "flag", "inside the configured stores", merged=False),
    Column("external_id", "text", "the partner's id, as far as this side names it", merged=False),
)

FIELDS: tuple[Column, ...] = (
    Column("email", "text", "e-mail address; capitals tell no two apart", compared="names"),
    Column("first_name", "text", "given name"),
    Column("last_name", "text", "family name"),
    Column("company", "text", "name of the company"),
    Column("tax_id", "text", "the customer's VAT number"),
    Column("phone", "text", "telephone number, E.164"),
    Column("mobile", "text", "mobile number, E.164"),
    Column("date_of_birth", "text", "ISO date"),
    Column("billing_address", "json", "the default billing address, see ADDRESS_PARTS"),
    Column("shipping_address", "json", "the default shipping address, see ADDRESS_PARTS"),
    Column("number", "text", "customer number, customer code", compared="identifiers"),
    Column("loyalty_id", "text", "number of a loyalty card"),
    Column("loyalty_member", "flag", "takes part in the loyalty programme"),
    Column(
        "loyalty_balance",
        "text",
        "plain decimal of the shop's currency that the programme owes; empty = unset",
    ),
    Column("group", "text", "the one customer group, by its online key; empty = none"),
    Column("store", "text", "online store key; empty = all stores"),
    Column("language", "text", "locale"),
    Column("consent_email", "flag", "may be written to for marketing"),
    Column("consent_sms", "flag", "may get marketing messages by SMS"),
    Column("custom.*", "text", "a field of the shop's own"),
)
NAMES = tuple(column.name for column in FIELDS)
CONSENTS = ("consent_email", "consent_sms")

PERSON: tuple[str, ...] = (
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
)
"""Fields that say who somebody is."""
PRIVATE: tuple[str, ...] = (*PERSON, "loyalty_id", "custom.*")
"""Fields that speak of a person."""

ADDRESS_PARTS = ("street", "extra", "suburb", "city", "postcode", "state", "country")
"""Parts of an address; texts, empty where there is none. `street` holds the number too; `country` is ISO 3166-1
alpha-2. An address is one value: two halves of two addresses make none. A wholly empty address is `{}`."""

TOKENS: dict[str, str] = {
    "email": "e-mail address, folded",
    "phones": "all readable numbers",
    "names": "words of the name, folded",
    "full_name": "the whole name, folded",
    "phone_names": "each number together with the name",
    "number": "customer number",
    "loyalty_id": "loyalty number",
}
"""What a customer is recognised by: sets of keyed digests, whether or not the fields they come from are private. They
are in the column `tokens` of a sealed table: a JSON object, name -> sorted list."""


_COLUMNS = {column.name: column for column in (*IDENTITY, *FIELDS)}


def column_of(name: str) -> Column:
    """The declared column of a field. Raises KeyError for a name nobody declared."""
    found = _COLUMNS.get(name)
    if found is not None:
        return found
    if name.startswith("custom.") and len(name) > len("custom."):
        return _COLUMNS["custom.*"]
    raise KeyError(name)


def is_private(name: str, private: Iterable[str]) -> bool:
    """Whether `private` names the field; `custom.*` names all of that family."""
    listed = set(private)
    return name in listed or (name.startswith("custom.") and "custom.*" in listed)


def source_of_key(system: str, number: str) -> str:
    """The id that a number names which is the key of a creation; empty for any other number."""
    source = number.removeprefix(CREATION_KEYS[system])
    return source if source != number and _ID.fullmatch(source) else ""


def clear_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of canonical values (a missing key is unknown) as a clear table: all of IDENTITY, and the fields that any
    row has."""
    names = [column.name for column in IDENTITY]
    names += sorted({name for row in rows for name in row} - set(names))
    return pd.DataFrame(
        {
            name: pd.Series(
                [canonical_value(column_of(name).type, row.get(name)) for row in rows],
                dtype=DTYPES[column_of(name).type],
            )
            for name in names
        }
    )


def plain_address(parts: Mapping[str, Any]) -> dict[str, str]:
    """An address as it is compared: all parts as texts, `{}` where all are empty."""
    kept = {name: " ".join(str(parts.get(name) or "").split()) for name in ADDRESS_PARTS}
    kept["country"] = kept["country"].upper()
    return kept if any(value for name, value in kept.items() if name != "country") else {}
