"""What reconciliations found, for people who look: their changes page by page, counts of them, and which side moved.

A reconciliation is a dry run in full, made to say what differs; its changes are what would bring both sides together.
Pages follow keys, not offsets.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine

from retail_sync.ledger.queries.runs import COUNTED, Conditions, Plans, says
from retail_sync.ledger.rows import ChangeRow, Run
from retail_sync.ledger.statements import fetch, fetch_pairs, fetch_value, literally

SINCE = 1_000
"""Runs since a reconciliation are counted up to here."""

# What differs, by the names that `retail_sync.sync.queries.drift` gives.
_FIELDS = """CASE
    WHEN changes.kind = 'stock' AND changes.action = 'adjust' THEN ARRAY['level']
    WHEN changes.kind = 'stock'
        THEN ARRAY[COALESCE(NULLIF(regexp_replace(changes.unit, '^.*@', ''), ''), '(no channel)')]
    WHEN changes.kind = 'price' THEN ARRAY['list ' || (changes.after ->> 'list')]
    WHEN changes.kind IN ('order', 'sale') THEN ARRAY['(' || changes.action || ')']
    WHEN changes.kind = 'customer' AND changes.action <> 'update' THEN ARRAY['(the customer)']
    WHEN changes.action = 'create' THEN ARRAY['(the record)']
    ELSE ARRAY(SELECT jsonb_object_keys(changes.after))
END"""
# Names of the locations behind a figure; of a level, the id of its outlet.
_PLACES = """CASE
    WHEN changes.kind <> 'stock' THEN ARRAY[]::text[]
    WHEN changes.action = 'adjust' THEN ARRAY[regexp_replace(changes.unit, '^.*@', '')]
    ELSE ARRAY(SELECT jsonb_path_query(changes.reasons, '$.figure.places[*].location') #>> '{}')
END"""


@dataclass(frozen=True, kw_only=True)
class DriftFilter:
    """Which changes of a reconciliation. `field`: as a difference is named; `locations`: a location's name and the id
    of its outlet; `text`: in label, ids or values, in any case. Empty: whatever it is."""

    field: str = ""
    system: str = ""
    locations: Collection[str] = ()
    text: str = ""

    def conditions(self) -> Conditions:
        tests = {
            "system": "system = :system",
            "field": f":field = ANY({_FIELDS})",
            "locations": f"{_PLACES} && CAST(:locations AS text[])",
            "text": says(),
        }
        values = {
            **vars(self),
            "locations": sorted(self.locations),
            "text": f"%{literally(self.text)}%",
        }
        return [test for name, test in tests.items() if getattr(self, name)], values


class Counts(NamedTuple):
    """Differences by (system, field) and by location (or id of an outlet) of `changes` changes, COUNTED at most."""

    changes: int
    by_field: Mapping[tuple[str, str], int]
    by_location: Mapping[str, int]


class Record(NamedTuple):
    """A row of the mirror."""

    entity: str
    kind: str
    system: str
    id: str


class Moved(NamedTuple):
    """When a record was last seen to have changed by us, by which run it was seen last, and what its system says."""

    changed_at: datetime
    modified_at: datetime | None
    label: str | None


class Linked(NamedTuple):
    """The link of a record: what its values were when both sides last agreed."""

    commercetools_id: str
    lightspeed_id: str
    base: Mapping[str, Any]


@dataclass(frozen=True)
class Drifting(Plans):
    engine: Engine

    def reconciliations(self, entity: str, limit: int) -> list[Run]:
        """Reconciliations of an entity, newest first, whatever became of them. Index: ix_runs_reconciled, or runs
        (entity, started_at)."""
        return self._runs(
            "entity = :entity AND purpose = 'reconcile' ORDER BY started_at DESC, id DESC LIMIT :limit",
            entity=entity,
            limit=limit,
        )

    def newest(self, entity: str) -> Run | None:
        """The newest reconciliation of an entity that ended well. Index: as of `reconciliations`."""
        newest = (
            "entity = :entity AND purpose = 'reconcile' AND state = 'succeeded' "
            "ORDER BY started_at DESC, id DESC LIMIT 1"
        )
        return next(iter(self._runs(newest, entity=entity)), None)

    def run(self, run_id: str) -> Run | None:
        """A reconciliation by its id. Index: the primary key."""
        return next(iter(self._runs("id = :id AND purpose = 'reconcile'", id=run_id)), None)

    def wrote_since(self, run: Run) -> int:
        """How many later runs of its entity wrote something, counted up to SINCE. Index: runs (entity, started_at)."""
        found: int = fetch_value(
            self.engine,
            "SELECT count(*) FROM (SELECT FROM runs WHERE entity = :entity AND started_at > :at "
            "AND (accounts ->> 'applied')::bigint > 0 LIMIT :most) AS later",
            entity=run.entity,
            at=run.started_at,
            most=SINCE,
        )
        return found

    def counts(self, run_id: str) -> Counts:
        """What the first COUNTED changes of a run differ in. Index: changes (run_id, batch)."""
        rows = fetch(
            self.engine,
            f"""
            WITH first AS MATERIALIZED (
                SELECT system, {_FIELDS} AS fields, {_PLACES} AS places
                FROM changes WHERE run_id = :run_id ORDER BY batch LIMIT :most
            )
            SELECT 'change' AS about, '' AS system, '' AS name, count(*) AS number FROM first
            UNION ALL SELECT 'field', system, name, count(*) FROM first, unnest(fields) AS name GROUP BY 2, 3
            UNION ALL SELECT 'place', '', name, count(*) FROM first, unnest(places) AS name GROUP BY 3
            """,
            run_id=run_id,
            most=COUNTED,
        )
        return Counts(
            sum(row.number for row in rows if row.about == "change"),
            {(row.system, row.name): row.number for row in rows if row.about == "field"},
            {row.name: row.number for row in rows if row.about == "place"},
        )

    def chosen(self, ids: Collection[str]) -> list[ChangeRow]:
        """Changes of reconciliations by their ids (UUIDs). Index: the primary keys of changes and runs."""
        return self._changes(
            "changes.id = ANY(CAST(:ids AS uuid[])) AND EXISTS "
            "(SELECT FROM runs WHERE runs.id = changes.run_id AND runs.purpose = 'reconcile') "
            "ORDER BY changes.entity, changes.batch, changes.unit, changes.id",
            ids=sorted(ids),
        )

    # --- which side moved, and what has been done since ---

    def moved(self, records: Collection[Record]) -> dict[Record, Moved]:
        """When these records last changed. Index: the primary key of mirror."""
        wanted = sorted(set(records))
        if not wanted:
            return {}
        rows = fetch(
            self.engine,
            """
            SELECT entity, kind, system, id, changed_at, modified_at, label
            FROM unnest(CAST(:entities AS text[]), CAST(:kinds AS text[]), CAST(:systems AS text[]),
                        CAST(:ids AS text[])) AS given(entity, kind, system, id)
            JOIN mirror USING (entity, kind, system, id)
            """,
            entities=[record.entity for record in wanted],
            kinds=[record.kind for record in wanted],
            systems=[record.system for record in wanted],
            ids=[record.id for record in wanted],
        )
        return {Record(*row[:4]): Moved(*row[4:]) for row in rows}

    def linked(self, entity: str, kind: str, commercetools_ids: Collection[str]) -> dict[str, Linked]:
        """Links in force by the id in commercetools. Index: uq_links_commercetools_id."""
        rows = fetch(
            self.engine,
            "SELECT commercetools_id, lightspeed_id, base FROM links WHERE entity = :entity "
            "AND kind = :kind AND commercetools_id = ANY(:ids) AND retired_at IS NULL",
            entity=entity,
            kind=kind,
            ids=sorted(commercetools_ids),
        )
        return {row.commercetools_id: Linked(*row) for row in rows}

    def entries(self, ids: Collection[str]) -> dict[str, Moved]:
        """When these stock entries last changed. Index: the primary key."""
        rows = fetch(
            self.engine,
            "SELECT id, changed_at, modified_at, sku FROM stock_entries WHERE id = ANY(:ids)",
            ids=sorted(ids),
        )
        return {row.id: Moved(*row[1:]) for row in rows}

    def levels(self, product_ids: Collection[str]) -> dict[tuple[str, str], datetime]:
        """When the levels of these articles last changed, by article and outlet. Index: the primary key."""
        rows = fetch(
            self.engine,
            "SELECT product_id, outlet_id, changed_at FROM stock_levels WHERE product_id = ANY(:ids)",
            ids=sorted(product_ids),
        )
        return {(row.product_id, row.outlet_id): row.changed_at for row in rows}

    def written_since(self, changes: Sequence[ChangeRow]) -> dict[tuple[str, str], datetime]:
        """When something was last written for the records of these changes after they were planned, by entity and
        subject. Index: ix_changes_subject."""
        wanted = sorted({(one.entity, one.subject) for one in changes if one.planned_at})
        if not wanted:
            return {}
        rows = fetch(
            self.engine,
            """
            SELECT given.entity, given.subject, later.settled_at
            FROM unnest(CAST(:entities AS text[]), CAST(:subjects AS text[])) AS given(entity, subject)
            CROSS JOIN LATERAL (
                SELECT COALESCE(settled_at, planned_at) AS settled_at FROM changes
                WHERE entity = given.entity AND subject = given.subject AND planned_at > :since
                    AND outcome IN ('applied', 'already_there')
                ORDER BY planned_at DESC, id DESC LIMIT 1
            ) AS later
            """,
            entities=[entity for entity, _ in wanted],
            subjects=[subject for _, subject in wanted],
            since=min(one.planned_at for one in changes if one.planned_at),
        )
        return {(row.entity, row.subject): row.settled_at for row in rows}

    def skus_of_products(self, system: str, ids: Collection[str]) -> dict[str, str]:
        """A SKU of each of these products that has one, the first by alphabet. Index: mirror (entity, system,
        parent_id)."""
        return fetch_pairs(
            self.engine,
            "SELECT parent_id, min(fields ->> 'sku') AS sku FROM mirror WHERE entity = 'products' "
            "AND system = :system AND parent_id = ANY(:ids) AND kind = 'variant' AND deleted_at IS NULL "
            "AND fields ->> 'sku' <> '' GROUP BY parent_id",
            system=system,
            ids=sorted(ids),
        )

    def skus_of_variants(self, system: str, ids: Collection[str]) -> dict[str, str]:
        """The SKU of each of these variants that has one. Index: the primary key of mirror."""
        return fetch_pairs(
            self.engine,
            "SELECT id, fields ->> 'sku' AS sku FROM mirror WHERE entity = 'products' AND kind = 'variant' "
            "AND system = :system AND id = ANY(:ids) AND fields ->> 'sku' <> ''",
            system=system,
            ids=sorted(ids),
        )
