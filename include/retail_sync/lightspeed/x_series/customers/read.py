"""Rows of `/customers` as clear rows of customers.

A row with a value of another kind than described is unreadable, and the others go on. Null is known to be empty. So is
a text that a whole row leaves out: official examples of the list, of creations and of updates leave out every text that
is empty, in one list beside a row that shows them all (inferred, not said in words). Any other field that a row does
not show is unknown, and so is everything that a cut row does not show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.lightspeed.x_series.api.row_shapes import CUSTOMER
from retail_sync.lightspeed.x_series.customers.fields import ADDRESS_MEMBERS, ADDRESSES, EXTERNAL_ID, Places
from retail_sync.lightspeed.x_series.customers.groups import Groups
from retail_sync.records.customers import clear_table, plain_address
from retail_sync.records.people import balance_text, email_text, name_text, phone_text
from retail_sync.records.rows import read_rows
from retail_sync.records.types import decimal_text

COUNTRY = re.compile(r"[A-Za-z]{2}")
"""ISO 3166-1 alpha-2, as `_country_id` is described."""
_NAMES = frozenset({"first_name", "last_name", "company"})
_PHONES = frozenset({"phone", "mobile"})


def customers_table(rows: Sequence[Mapping[str, Any]], places: Places, groups: Groups | None) -> pd.DataFrame:
    """A clear table of wire rows. `groups`: None where groups are not read. Raises UnreadableRows."""
    return read_rows(
        rows,
        lambda sound: clear_table([_clear(row, places, groups) for row in sound]),
        system=SYSTEM,
        what="customers",
        shape=CUSTOMER,
    )


def _clear(row: Mapping[str, Any], places: Places, groups: Groups | None) -> dict[str, Any]:
    group_id = row.get("customer_group_id")
    found = {
        "id": str(row["id"]),
        "version": whole(row.get("version")),
        "modified_at": _moment(row.get("updated_at")),
        "deleted_at": _moment(row.get("deleted_at")),
        "carry": {"customer_group_id": str(group_id)} if group_id else {},
        "takes_part": True,
    }
    for name in sorted(places.reads):
        value = _value(name, row, places, groups)
        if value is not None:
            found[name] = value
    return found


def _value(name: str, row: Mapping[str, Any], places: Places, groups: Groups | None) -> Any:
    """The value of a field; None = unknown."""
    if name in ADDRESSES:
        return _address(row, places, name)
    wire = places.wire(name)[0]
    if name == "loyalty_balance":
        amount = number(row.get(wire))
        return None if amount is None else balance_text(decimal_text(amount))
    if name in ("loyalty_member", "consent_sms"):
        return _flag(row.get(wire))
    if name == "consent_email":
        refused = _flag(row.get(wire))
        return None if refused is None else not refused
    text = _text_of(row, wire, places)
    return None if text is None else _read_text(name, text, row, places, groups)


def _read_text(
    name: str, text: str, row: Mapping[str, Any], places: Places, groups: Groups | None
) -> str | None:
    if name == "email":
        return email_text(text)
    if name in _NAMES:
        return name_text(text)
    if name in _PHONES:
        return phone_text(text, _country_of_phones(row, places))
    if name == "date_of_birth":
        return _day(text)
    if name == "group":
        return "" if not text else groups.key_of(text) if groups else None
    return text or (None if name == EXTERNAL_ID else "")


def _address(row: Mapping[str, Any], places: Places, name: str) -> dict[str, str] | None:
    """An address as one value; unknown where a part of it is not shown, or its country is in a form nobody described.
    Where it names no country, that of the configuration is meant."""
    kind = places.kind_of(name)
    parts: dict[str, str] = {}
    for part, member in ADDRESS_MEMBERS.items():
        text = _text_of(row, f"{kind}_{member}", places)
        if text is None:
            return None
        parts[part] = text
    country = parts["country"].strip()
    if country and not COUNTRY.fullmatch(country):
        return None
    return plain_address({**parts, "country": country or places.settings.default_country})


def _country_of_phones(row: Mapping[str, Any], places: Places) -> str | None:
    named = (str(row.get(field) or "").strip() for field in places.countries)
    return next((country for country in named if COUNTRY.fullmatch(country)), places.settings.default_country)


def _text_of(row: Mapping[str, Any], wire: str, places: Places) -> str | None:
    """A text; None = unknown."""
    told = row.get(wire)
    if told is None:
        return "" if wire in row or places.is_whole(row) else None
    if isinstance(told, bool) or not isinstance(told, (str, int)):
        return None
    return str(told)


def _flag(told: Any) -> bool | None:
    """Booleans; API 0.9 and some rows since have 0 and 1."""
    return {"true": True, "1": True, "false": False, "0": False}.get(str(told).casefold())


def _day(text: str) -> str | None:
    """A date, of which a time of day is not looked at."""
    if not text.strip():
        return ""
    try:
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        return None


def _moment(told: Any) -> datetime | None:
    """A moment; without a zone it is UTC, as all times of the API are."""
    if not told:
        return None
    moment = datetime.fromisoformat(told)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
