"""One record as it stands on both sides: what each system showed last, whom it is linked with, what was agreed on."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.queries.search import SYSTEMS
from retail_sync.ledger.queries.timeline import Records
from retail_sync.ledger.rows import Link
from retail_sync.ledger.statements import columns, fetch, fetch_first_as, fetch_one, fetch_pairs, fetch_value

PRIVATE = "customers"
"""The entity whose values are never read for people."""
MOST_MEMBERS = 200
"""Variants of one product that are listed."""
_LINKED_AS: Mapping[str, str] = {"prices": "products", "inventory": "products"}
"""Entities whose records are linked as those of another one."""
_FAMILY: Mapping[str, tuple[str, ...]] = {
    "products": ("products", "prices", "inventory"),
    "orders": ("orders", "sales"),
}
"""Entities that speak of the same ids."""
_KINDS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("orders", "order"): {"commercetools": "order", "lightspeed": "sale"},
    ("prices", "article"): {"commercetools": "variant", "lightspeed": "article"},
}
"""What a record is called on each side, where that differs; by entity and the kind that tells it apart."""


class Address(NamedTuple):
    """Which record: what `/records/...` names."""

    entity: str
    kind: str
    system: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """A record as one system showed it last. `fields` is empty for customers; `document`: the order or the sale as it
    was read, where one is kept."""

    address: Address
    label: str | None
    parent_id: str | None
    version: int | None
    modified_at: datetime | None
    deleted_at: datetime | None
    deletion: str | None
    seen_at: datetime
    changed_at: datetime
    run_id: str
    fields: Mapping[str, Any]
    key: str | None
    document: Mapping[str, Any] | None


class Member(NamedTuple):
    """A variant of a product."""

    address: Address
    label: str | None
    gone: bool


class Entry(NamedTuple):
    """A stock entry of the online shop."""

    id: str
    channel: str
    on_stock: int
    available: int
    seen_at: datetime
    gone_at: datetime | None


class Level(NamedTuple):
    """A level of the till; None: it was not counted."""

    outlet_id: str
    level: int | None
    seen_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class BothSides:
    """`link`: the one in force. `places`: where each side's record is, known or not; `sides`: those that were seen.
    `family`: entities in which it may have a life, its own first. `articles`: SKUs of the articles a sale names, by the
    till's id."""

    address: Address
    link: Link | None
    places: Mapping[str, Address]
    sides: Mapping[str, Side]
    family: tuple[str, ...]
    members: tuple[Member, ...] = ()
    entries: tuple[Entry, ...] = ()
    levels: tuple[Level, ...] = ()
    told: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    articles: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What people call it: as the side shows it that was asked for, else as the other does; else its id."""
        order = sorted(self.sides, key=lambda system: system != self.address.system)
        return next((label for one in order if (label := self.sides[one].label)), None) or self.address.id

    @property
    def is_private(self) -> bool:
        return self.address.entity == PRIVATE

    @property
    def sku(self) -> str:
        """The SKU of a variant, online where it is known there."""
        if self.address.kind not in ("variant", "article", "stock"):
            return ""
        return next((label for one in SYSTEMS if one in self.sides and (label := self.sides[one].label)), "")

    def records(self) -> Records:
        """What its timeline is asked with."""
        ids = frozenset((system, one.id) for system, one in self.places.items())
        return Records(ids=ids, told=self.told)


def both_sides(engine: Engine, address: Address) -> BothSides | None:
    """The record, or None where neither mirror nor links, changes, holds or decisions know it.

    Indexes: the primary keys of mirror and stock_levels, uq_links_commercetools_id, uq_links_lightspeed_id,
    ix_mirror_entity_system_parent_id, ix_stock_entries_sku_channel, and those of holds and changes by subject."""
    address = Address(address.entity, address.kind, address.system, address.id)
    if address.system not in SYSTEMS:
        return None
    with transaction(engine) as connection:
        link = _link(connection, address)
        places = _places(address, link)
        sides = {
            system: side for system, one in places.items() if (side := _side(connection, one)) is not None
        }
        if not sides and link is None and not _has_a_past(connection, address):
            return None
        family = next((one for one in _FAMILY.values() if address.entity in one), (address.entity,))
        made = BothSides(
            address=address,
            link=link,
            places=places,
            sides=sides,
            family=(address.entity, *(one for one in family if one != address.entity)),
            told=frozenset((one.address.system, one.parent_id) for one in sides.values() if one.parent_id)
            if address.kind in ("variant", "article", "stock")
            else frozenset(),
        )
        if address.kind == "product":
            return replace(made, members=_members(connection, places))
        if made.family[-1] in ("orders", "sales"):
            return replace(made, articles=_articles(connection, sides))
        if not made.sku:
            return made
        till = places.get("lightspeed")
        return replace(
            made, entries=_entries(connection, made.sku), levels=_levels(connection, till) if till else ()
        )


def _link(connection: Connection, address: Address) -> Link | None:
    kinds = {address.kind, "variant" if address.entity in _LINKED_AS else "sale"}
    return fetch_first_as(
        Link,
        connection,
        f"SELECT {columns(Link)} FROM links WHERE entity = :entity AND kind = ANY(:kinds) "
        f"AND {address.system}_id = :id AND retired_at IS NULL LIMIT 1",
        entity=_LINKED_AS.get(address.entity, address.entity),
        kinds=sorted(kinds),
        id=address.id,
    )


def _places(address: Address, link: Link | None) -> dict[str, Address]:
    if link is None:
        return {address.system: address}
    ids = {"commercetools": link.commercetools_id, "lightspeed": link.lightspeed_id}
    return {
        system: Address(address.entity, kind_at(address.entity, address.kind, system), system, record)
        for system, record in ids.items()
    }


def kind_at(entity: str, kind: str, system: str) -> str:
    """What a record is called on that side."""
    for (one, _), names in _KINDS.items():
        if one == entity and kind in names.values():
            return names[system]
    return kind


def _side(connection: Connection, one: Address) -> Side | None:
    # Stock has rows of its own; who the article is, its products' row says.
    read = Address("products", "variant", one.system, one.id) if one.entity == "inventory" else one
    shown = "'{}'::jsonb" if one.entity in (PRIVATE, "inventory") else "fields"
    row = fetch_one(
        connection,
        f"""
        SELECT label, parent_id, version, modified_at, deleted_at, deletion, seen_at, changed_at, run_id,
            {shown} AS fields, COALESCE(identity ->> 'key', identity ->> 'number') AS key,
            CASE WHEN entity IN ('orders', 'sales') THEN carry -> 'document' END AS document
        FROM mirror WHERE entity = :entity AND kind = :kind AND system = :system AND id = :id
        """,
        **read._asdict(),
    )
    return Side(address=one, **row._mapping) if row else None


def _has_a_past(connection: Connection, address: Address) -> bool:
    """Whether anything is known of a record that was never seen, or is forgotten."""
    return bool(
        fetch_value(
            connection,
            f"""
            SELECT EXISTS (SELECT FROM changes WHERE entity = :entity AND subject = :subject)
                OR EXISTS (SELECT FROM holds WHERE entity = :entity AND subject = :subject)
                OR EXISTS (SELECT FROM decisions WHERE entity = :entity AND subject = :subject)
                OR EXISTS (SELECT FROM changes WHERE target_id = :id AND entity = :entity AND system = :system)
                OR EXISTS (SELECT FROM links WHERE {address.system}_id = :id AND entity = :entity)
            """,
            **address._asdict(),
            subject=f"{address.system}:{address.id}",
        )
    )


def _members(connection: Connection, places: Mapping[str, Address]) -> tuple[Member, ...]:
    found: list[Member] = []
    for system, one in places.items():
        rows = fetch(
            connection,
            "SELECT id, label, deleted_at IS NOT NULL AS gone FROM mirror WHERE entity = 'products' "
            "AND system = :system AND parent_id = :id AND kind = 'variant' ORDER BY label, id LIMIT :most",
            system=system,
            id=one.id,
            most=MOST_MEMBERS,
        )
        found += [Member(Address("products", "variant", system, row.id), row.label, row.gone) for row in rows]
    return tuple(found)


def _articles(connection: Connection, sides: Mapping[str, Side]) -> dict[str, str]:
    documents = [one.document for one in sides.values() if one.document]
    named = {str(line.get("product_id")) for one in documents for line in one.get("lines") or ()}
    return fetch_pairs(
        connection,
        "SELECT id, label FROM mirror WHERE entity = 'products' AND kind = 'variant' "
        "AND system = 'lightspeed' AND id = ANY(:ids) AND label IS NOT NULL",
        ids=sorted(named),
    )


def _entries(connection: Connection, sku: str) -> tuple[Entry, ...]:
    rows = fetch(
        connection,
        "SELECT id, channel, on_stock, available, seen_at, gone_at FROM stock_entries "
        "WHERE sku = :sku ORDER BY channel, id LIMIT :most",
        sku=sku,
        most=MOST_MEMBERS,
    )
    return tuple(Entry(*row) for row in rows)


def _levels(connection: Connection, till: Address) -> tuple[Level, ...]:
    rows = fetch(
        connection,
        "SELECT outlet_id, level, seen_at, deleted_at FROM stock_levels "
        "WHERE product_id = :id ORDER BY outlet_id LIMIT :most",
        id=till.id,
        most=MOST_MEMBERS,
    )
    return tuple(Level(*row) for row in rows)
