"""What is looked at before a customer is written, and what is left out because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retail_sync.records.customers import UNREADABLE
from retail_sync.settings.models.base import Severity
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.sync.customers.evidence import finding, rule_severity
from retail_sync.sync.customers.known import UNREADABLE_FIELDS, Known
from retail_sync.sync.engine.findings import Finding


def check(person: Known, fields: Iterable[str], settings: CustomerSettings) -> list[Finding]:
    """Findings about the values of `person` that are to go over: `drop field` leaves one out, `hold` keeps all
    back."""
    rules = settings.rules
    bad = set(person.identity.get(UNREADABLE_FIELDS, ()))
    found: list[Finding] = []
    for name in fields:
        if name not in bad:
            continue
        if name == "email":
            found += _finding(
                person, "email_invalid", rules.email_invalid, name, "The e-mail address is none."
            )
        elif name in ("phone", "mobile"):
            found += _finding(
                person,
                "phone_invalid",
                rules.phone_invalid,
                name,
                "The telephone number is none in its country.",
            )
        else:
            found += _finding(
                person, "country_missing", rules.country_missing, name, "The address names no country."
            )
    return found


def _finding(person: Known, code: str, severity: Severity, name: str, message: str) -> list[Finding]:
    level = rule_severity(severity)
    return [] if level is None else [finding(person, code, message, severity=level, field=name)]


def unreadable(clear: Mapping[str, Any], default_country: str | None) -> list[str]:
    """Fields of a clear customer that are not what they should be: no address, no number, an address without
    country."""
    found = [
        name for name in ("email", "phone", "mobile") if str(clear.get(name) or "").startswith(UNREADABLE)
    ]
    for name in ("billing_address", "shipping_address"):
        address = clear.get(name)
        if address and not address.get("country") and default_country is None:
            found.append(name)
    return found
