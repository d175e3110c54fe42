"""Customers on paper: sealed as the reader seals them, without a system behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from retail_sync.ledger.rows import Link
from retail_sync.records.customers import NAMES, PRIVATE, clear_table, plain_address
from retail_sync.records.people import email_text, name_text, phone_text
from retail_sync.records.ports.products import SystemName
from retail_sync.records.sealing import Seal, clear_rows
from retail_sync.records.types import canonical_json
from retail_sync.settings.models.customers import CustomerSettings
from retail_sync.sync.customers.known import UNREADABLE_FIELDS, Known, known_of, to_rows
from retail_sync.sync.customers.validation import unreadable
from retail_sync.sync.customers.world import Ruling, Terms, World
from tests.support.links import pair
from tests.support.population import Population, Profile

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SEAL = Seal(b"0123456789abcdef0123456789abcdef", PRIVATE)
ALL = frozenset(NAMES) | {"external_id"}
TERMS: Mapping[SystemName, Terms] = {
    "commercetools": Terms(ALL, ALL),
    "lightspeed": Terms(ALL, ALL - {"loyalty_balance", "external_id"}),
}


def customer(system: SystemName, record: str, **fields: Any) -> Known:
    """A customer as the mirror holds it. Identity columns (`version`, `external_id`, ...) may be given too."""
    row = {"id": record, "version": 1, "modified_at": NOW, "takes_part": True, **fields}
    clear = clear_table([row])
    sealed = SEAL.table(clear)
    sealed[UNREADABLE_FIELDS] = [canonical_json(unreadable(one, None)) for one in clear_rows(clear)]
    (made,) = to_rows(sealed)
    return known_of(system, made)


def settings(**given: Any) -> CustomerSettings:
    fields = {
        name: {"owner": "newest"}
        for name in ("email", "first_name", "last_name", "phone", "mobile", "company", "date_of_birth")
    }
    return CustomerSettings.model_validate(
        {"fields": fields, "create": ["lightspeed", "commercetools"], "default_country": "DE", **given}
    )


def world(
    people: Iterable[Known],
    given: CustomerSettings | None = None,
    links: Iterable[Link] = (),
    ruling: Ruling | None = None,
    affected: Mapping[SystemName, Iterable[str]] | None = None,
) -> World:
    listed = list(people)
    sides: dict[SystemName, dict[str, Known]] = {
        system: {one.id: one for one in listed if one.system == system}
        for system in ("commercetools", "lightspeed")
    }
    return World(
        sides=sides,
        links=list(links),
        terms=TERMS,
        settings=given or settings(),
        affected={
            system: frozenset(sides[system]) if affected is None else frozenset(affected[system])
            for system in sides
        },
        ruling=ruling or Ruling(),
    )


def link(online: str, till: str, base: Mapping[str, Any] | None = None) -> Link:
    return pair(online, till, "customers", "customer", base=base or {}, matched_by="email", run_id="earlier")


def people_of(found: Population) -> list[Known]:
    """A whole population, profiles named by their positions."""
    return [
        customer(system, f"{prefix}{position}", **_fields(one))
        for system, prefix, side in (
            ("commercetools", "c", found.online),
            ("lightspeed", "l", found.till),
        )
        for position, one in enumerate(side)
    ]  # type: ignore[misc]


def _fields(one: Profile) -> dict[str, Any]:
    return {
        "email": email_text(one.email),
        "first_name": name_text(one.first_name),
        "last_name": name_text(one.last_name),
        "phone": phone_text(one.phone, "DE"),
        "loyalty_id": one.loyalty_id,
        "date_of_birth": one.date_of_birth,
        "shipping_address": plain_address(
            {"street": one.street, "city": one.city, "postcode": one.postcode, "country": "DE"}
        ),
    }
