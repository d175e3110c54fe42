"""What the API makes of a customer that is written: known fields, nothing like a card number, a code, a full name."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from sandbox.lightspeed.errors import ApiError, bad_request, invalid
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]

ADDRESS_PARTS = ("address_1", "address_2", "suburb", "city", "postcode", "state", "country_id")
ADDRESS_FIELDS = tuple(f"{kind}_{part}" for kind in ("physical", "postal") for part in ADDRESS_PARTS)
CUSTOM_FIELDS = tuple(f"custom_field_{number}" for number in range(1, 5))
TEXT_FIELDS = (
    *(
        "first_name",
        "last_name",
        "company_name",
        "email",
        "phone",
        "mobile",
        "fax",
        "twitter",
        "website",
        "note",
    ),
    *("gender", "date_of_birth", *ADDRESS_FIELDS, *CUSTOM_FIELDS),
)
"""Text or null; null clears."""
FLAGS = ("enable_loyalty", "do_not_email", "enable_promotional_sms")
WRITABLE = frozenset(
    (*TEXT_FIELDS, *FLAGS, "customer_code", "customer_group_id", "on_account_limit", "tax_id")
)
FIGURES = ("balance", "loyalty_balance", "year_to_date")
"""What only sales move."""
DATED_FIELDS = frozenset({"enable_promotional_sms"})
"""Fields that the date versions know and the older ones do not."""

REDACTED = "[REDACTED]"
"""What stands in place of a card number. That it is replaced without a word is official, by what is not."""
CARD_NUMBER = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
GUARDED = frozenset(("first_name", "last_name", "company_name", "note", *ADDRESS_FIELDS, *CUSTOM_FIELDS))
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def redact(given: Given) -> Given:
    """Text that looks like a card number is replaced, in the fields people write into."""
    return {
        key: CARD_NUMBER.sub(_without_card, value) if isinstance(value, str) and key in GUARDED else value
        for key, value in given.items()
    }


def _without_card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in match.group() if digit.isdigit()][::-1]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return REDACTED if (sum(digits[::2]) + sum(doubled)) % 10 == 0 else match.group()


def customer_fields(store: StoreState, given: Given, row: Record | None, *, checked: bool = True) -> Given:
    """The fields to keep of a new customer, or of a change to one. Raises 400 for what is of the wrong kind; unless
    `checked`, a code may be somebody else's whatever the options say."""
    unknown = sorted(given.keys() - WRITABLE - {"name", *FIGURES})
    if unknown and store.options.reject_unknown_fields:
        raise invalid(f"{', '.join(unknown)}: unknown field", **dict.fromkeys(unknown, "Unknown"))
    given = redact({key: value for key, value in given.items() if key in WRITABLE})
    _check(store, given)
    # Neither may be empty: what is left empty gets what a new customer gets, or stays.
    for key in ("customer_code", "customer_group_id"):
        if not given.get(key, True):
            del given[key]
    if row is None:
        missing = [key for key in ("first_name", "last_name") if key not in given]
        if missing:
            raise bad_request(f"{', '.join(missing)} required")
        given = _defaults(store, given) | given
    if checked and store.options.duplicate_customer_codes == "reject" and "customer_code" in given:
        _refuse_taken_code(store, given["customer_code"], row)
    full = (row.fields if row else {}) | given
    given["name"] = " ".join(part for part in (full.get("first_name"), full.get("last_name")) if part)
    return given


def _defaults(store: StoreState, given: Given) -> Given:
    return {
        **dict.fromkeys(TEXT_FIELDS),
        **dict.fromkeys(FLAGS, False),
        **dict.fromkeys(FIGURES, 0),
        "customer_code": given.get("customer_code") or _new_code(store, given),
        "customer_group_id": store.all_customers_id,
        "on_account_limit": None,
        "tax_id": None,
    }


def _new_code(store: StoreState, given: Given) -> str:
    tail = "".join(store.ticker.random.choices(CODE_LETTERS, k=4))
    return f"{given.get('first_name') or 'UNNAMED'}-{tail}"


def _refuse_taken_code(store: StoreState, code: str, row: Record | None) -> None:
    wanted = code.casefold()
    if any(
        other is not row and other.fields["customer_code"].casefold() == wanted
        for other in store.customers.live()
    ):
        raise bad_request(f"customer_code {code} already exists")


def _check(store: StoreState, given: Given) -> None:
    """Only that a wrong `tax_id` is refused, and with which status, is official; the others follow it."""
    for key in (*TEXT_FIELDS, "customer_code", "customer_group_id", "tax_id"):
        if not isinstance(given.get(key), str | None):
            raise bad_request(f"{key} must be text")
    for key in FLAGS:
        if not isinstance(given.get(key, False), bool):
            raise bad_request(f"{key} must be true or false")
    if given.get("gender") not in (None, "M", "F"):
        raise bad_request("gender must be M, F or null")
    if given.get("date_of_birth") and not _is_day(given["date_of_birth"]):
        raise bad_request("date_of_birth must be a date")
    group = given.get("customer_group_id")
    if group and store.customer_groups.find(group) is None:
        raise bad_request("customer_group_id is unknown")
    tax = given.get("tax_id")
    if tax is not None and store.taxes.find(tax) is None:
        raise ApiError(400, {"errors": {"tax_id": ["Tax not found"]}})


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
