"""What is known of single SKUs: how they are found, what was last written for each, what holds them back.

For people who look at one article at a time; every query goes by an index on the SKU or the record.
"""

# ruff: noqa: S608 - conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from retail_sync.ledger.rows import HoldHead, Outcome, RunState
from retail_sync.ledger.statements import columns, fetch, fetch_as, literally


@dataclass(frozen=True, kw_only=True)
class FoundSku:
    """A SKU as it is sold online. `name` is that of its product; `till_sku` is told where the till calls it otherwise.
    `online`, `at_till`: whether a live record of that side is behind it."""

    sku: str
    name: str
    till_sku: str
    online: bool
    at_till: bool
    linked: bool


@dataclass(frozen=True, kw_only=True)
class LastWrite:
    """The latest change of one stock entry or level that came to `outcome`. `dry`: its run was not to write."""

    unit: str
    action: str
    outcome: Outcome
    after: Mapping[str, Any]
    run_id: str
    run_state: RunState
    dry: bool
    attempt: int
    error: str | None
    remedy: str | None
    planned_at: datetime
    settled_at: datetime | None


def find_skus(engine: Engine, begins: str, most: int) -> list[FoundSku]:
    """SKUs that begin with a text, in any case, on either side; in the order of the alphabet, at most `most`.

    Index ix_mirror_sku.
    """
    return _found(
        engine,
        "lower(hit.label) LIKE lower(:begins) ORDER BY lower(hit.label), hit.label LIMIT :rows",
        most,
        begins=f"{literally(begins)}%",
        # A SKU has a record on each side, and every side may hold some more under it.
        rows=most * 4,
    )


def exact_skus(engine: Engine, skus: Collection[str]) -> list[FoundSku]:
    """Which of these texts are SKUs, online or at the till. Index ix_mirror_entity_label."""
    wanted = list(skus)
    return _found(engine, "hit.label = ANY(:skus)", 4 * len(wanted), skus=wanted)


def _found(engine: Engine, condition: str, most: int, **values: Any) -> list[FoundSku]:
    rows = fetch(
        engine,
        f"""
        WITH hit AS (
            SELECT system, id, parent_id, label FROM mirror AS hit
            WHERE entity = 'products' AND kind = 'variant' AND deleted_at IS NULL AND label <> ''
              AND {condition}
        )
        SELECT hit.system, hit.label, online.label AS sku, family.label AS name,
            till_link.id IS NOT NULL OR online_link.id IS NOT NULL AS linked
        FROM hit
        LEFT JOIN links AS till_link ON hit.system = 'lightspeed' AND till_link.entity = 'products'
            AND till_link.kind = 'variant' AND till_link.lightspeed_id = hit.id AND till_link.retired_at IS NULL
        LEFT JOIN links AS online_link ON hit.system = 'commercetools' AND online_link.entity = 'products'
            AND online_link.kind = 'variant' AND online_link.commercetools_id = hit.id
            AND online_link.retired_at IS NULL
        LEFT JOIN mirror AS online ON online.entity = 'products' AND online.kind = 'variant'
            AND online.system = 'commercetools' AND online.id = till_link.commercetools_id
        LEFT JOIN mirror AS family ON family.entity = 'products' AND family.kind = 'product'
            AND family.system = hit.system AND family.id = hit.parent_id
        ORDER BY lower(hit.label), hit.label, hit.system
        """,
        **values,
    )
    found: dict[str, FoundSku] = {}
    for row in rows:
        sku = row.sku or row.label
        known = found.get(sku)
        at_till = row.system == "lightspeed"
        found[sku] = FoundSku(
            sku=sku,
            name=(known.name if known else "") or row.name or "",
            till_sku=(known.till_sku if known else "") or (row.label if at_till and row.label != sku else ""),
            online=not at_till or bool(row.sku) or bool(known and known.online),
            at_till=at_till or row.linked or bool(known and known.at_till),
            linked=row.linked or bool(known and known.linked),
        )
    return list(found.values())[:most]


def last_writes(engine: Engine, skus: Collection[str]) -> list[LastWrite]:
    """For each entry and level of these SKUs the latest change of each outcome, dry runs apart; newest first.

    Index ix_changes_label.
    """
    return fetch_as(
        LastWrite,
        engine,
        """
        SELECT * FROM (
            SELECT DISTINCT ON (changes.unit, changes.outcome, dry)
                changes.unit, changes.action, changes.outcome, changes.after, changes.run_id,
                runs.state AS run_state, COALESCE((runs.params ->> 'dry_run')::boolean, false) AS dry,
                changes.attempt, changes.error, changes.remedy, changes.planned_at, changes.settled_at
            FROM changes JOIN runs ON runs.id = changes.run_id
            WHERE changes.entity = 'inventory' AND changes.label = ANY(:skus) AND changes.label IS NOT NULL
            ORDER BY changes.unit, changes.outcome, dry, changes.planned_at DESC, changes.id DESC
        ) AS latest
        ORDER BY planned_at DESC, unit
        """,
        skus=list(skus),
    )


def open_holds_of(engine: Engine, subjects: Collection[str]) -> list[HoldHead]:
    """Open holds of stock of these articles (`lightspeed:<id>`). Index uq_holds_open."""
    return _holds(
        engine,
        "entity = 'inventory' AND kind = 'stock' AND subject = ANY(:subjects) AND released_at IS NULL",
        subjects=list(subjects),
    )


def open_holds_called(engine: Engine, entity: str, labels: Collection[str]) -> list[HoldHead]:
    """Open holds of an entity by what people call the record. Looks through the open holds of the entity, by index
    ix_holds_due."""
    return _holds(
        engine,
        "entity = :entity AND label = ANY(:labels) AND released_at IS NULL",
        entity=entity,
        labels=list(labels),
    )


def held_first(engine: Engine, entity: str, most: int) -> list[HoldHead]:
    """Open holds of an entity that are due first. Index ix_holds_due."""
    return _holds(
        engine,
        "entity = :entity AND released_at IS NULL ORDER BY due_at LIMIT :most",
        entity=entity,
        most=most,
    )


def _holds(engine: Engine, condition: str, **values: Any) -> list[HoldHead]:
    return fetch_as(
        HoldHead,
        engine,
        f"SELECT {columns(HoldHead)} FROM holds WHERE {condition}",
        **values,
    )
