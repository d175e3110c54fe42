"""What each system looked like when it was last seen. Older data never wins here."""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from retail_sync.ledger.bulk import Incoming, copy_in, copy_out, incoming, literal, storable_text
from retail_sync.ledger.engine import Bind, transaction
from retail_sync.ledger.rows import MirrorRow, SeenCounts
from retail_sync.ledger.statements import columns, execute, fetch, fetch_column, fetch_pairs
from retail_sync.records.identifiers import folded_key
from retail_sync.records.types import digest

_TYPES = {
    "id": "text", "parent_id": "text", "version": "bigint", "modified_at": "timestamptz", "deleted_at": "timestamptz",
    "label": "text", "label_key": "text", "keys": "text[]", "digest": "text", "fields": "jsonb", "carry": "jsonb",
    "identity": "jsonb",
}  # fmt: skip
_DATA = tuple(_TYPES)
_DERIVED = {"label_key", "keys"}
"""Columns that are worked out from a row; nobody reads them back."""
KeysOf = Callable[[MirrorRow], Iterable[str]]
"""What a row is found by: its identifiers in the form in which they are compared, with the name of their kind."""
_SIDES = {"commercetools": "commercetools_id", "lightspeed": "lightspeed_id"}
"""The column of a link that names each system's row."""
_LONGEST_KEY = 200
"""Characters of a key that are kept as they are: an index takes no long ones."""
_READ = columns(MirrorRow)
_FETCH_ROWS = 2000

# The one rule of order: by version; where one side has none, by time; a row that can't be placed never replaces
# one that can.
_NOT_OLDER = """
    CASE
        WHEN excluded.version IS NOT NULL AND held.version IS NOT NULL THEN excluded.version >= held.version
        WHEN excluded.modified_at IS NOT NULL AND held.modified_at IS NOT NULL
            THEN excluded.modified_at >= held.modified_at
        ELSE held.version IS NULL AND (held.modified_at IS NULL OR excluded.version IS NOT NULL)
    END
"""
_UPSERT = f"""
    INSERT INTO mirror AS held (entity, kind, system, {", ".join(_DATA)}, deletion, seen_at, run_id)
    SELECT DISTINCT ON (id) :entity, :kind, :system, {", ".join(_DATA)},
           CASE WHEN deleted_at IS NOT NULL THEN 'source' END, clock_timestamp(), :run_id
    FROM {{source}}
    ORDER BY id, version DESC NULLS LAST, modified_at DESC NULLS LAST, position DESC
    ON CONFLICT (entity, kind, system, id) DO UPDATE SET
        parent_id = excluded.parent_id, version = excluded.version, modified_at = excluded.modified_at,
        deleted_at = excluded.deleted_at, deletion = excluded.deletion, label = excluded.label,
        label_key = excluded.label_key, keys = excluded.keys,
        digest = excluded.digest, fields = excluded.fields, carry = excluded.carry, identity = excluded.identity,
        seen_at = excluded.seen_at, run_id = excluded.run_id,
        changed_at = CASE
            WHEN (held.digest, held.identity, held.parent_id, held.deleted_at IS NULL)
                IS DISTINCT FROM (excluded.digest, excluded.identity, excluded.parent_id, excluded.deleted_at IS NULL)
            THEN clock_timestamp() ELSE held.changed_at END
    WHERE {_NOT_OLDER}
    RETURNING id, (xmax = 0) AS inserted, digest, deleted_at
"""


@dataclass(frozen=True)
class Mirror:
    engine: Bind

    def see(
        self,
        entity: str,
        kind: str,
        system: str,
        run_id: str,
        rows: Sequence[MirrorRow],
        keys_of: KeysOf | None = None,
    ) -> SeenCounts:
        """Take in rows just read from `system`. An id given twice counts once, its newest row. `keys_of`: what each is
        to be found by (see `bearers`).

        A row older than the stored one (by version, else by `modified_at`) changes nothing; an equal one replaces
        it, because a changed mapping reads the same version differently.
        """
        if not rows:
            return SeenCounts()
        where = {"entity": entity, "kind": kind, "system": system, "run_id": run_id}
        with transaction(self.engine) as connection:
            given = _incoming(connection, rows, keys_of)
            bound = {**where, **given.values}
            # An array, not a join: right after a first load the planner knows nothing about the mirror, takes it
            # for one row, and joins row by row.
            before = {
                row[0]: (row[1], row[2])
                for row in connection.execute(
                    text(
                        f"""
                        SELECT id, digest, deleted_at FROM mirror
                        WHERE entity = :entity AND kind = :kind AND system = :system
                          AND id = ANY(ARRAY(SELECT id FROM {given.source}))
                        ORDER BY id FOR UPDATE
                        """
                    ),
                    bound,
                )
            }
            written = fetch(connection, _UPSERT.format(source=given.source), **bound)
        taken = {row[0] for row in written}
        older = tuple(sorted({storable_text(row.id) or "" for row in rows} - taken))
        new = sum(1 for row in written if row[1])
        same = sum(1 for row in written if not row[1] and before.get(row[0]) == (row[2], row[3]))
        return SeenCounts(
            new=new, changed=len(written) - new - same, same=same, older=len(older), older_ids=older
        )

    def read(
        self,
        entity: str,
        kind: str,
        system: str,
        ids: Collection[str] | None = None,
        parents: Collection[str] | None = None,
    ) -> list[MirrorRow]:
        """Rows of one side, deleted ones included, in the order of their ids; all, or those with one of `ids` or one
        of `parents` (both given: rows that meet either)."""
        return list(self.stream(entity, kind, system, ids, parents))

    def live_ids(self, entity: str, kind: str, system: str, *, parents: Collection[str]) -> set[str]:
        """Ids of the rows under these parents that are not deleted."""
        return set(self._live(entity, kind, system, "parent_id = ANY(:parents)", parents=list(parents)))

    def stream(
        self,
        entity: str,
        kind: str,
        system: str,
        ids: Collection[str] | None = None,
        parents: Collection[str] | None = None,
    ) -> Iterator[MirrorRow]:
        """As `read`, a few thousand rows in memory at a time."""
        given = {name: list(some) for name, some in (("id", ids), ("parent_id", parents)) if some is not None}
        narrowed = f"AND ({' OR '.join(f'{name} = ANY(:{name})' for name in given)})" if given else ""
        values = {"entity": entity, "kind": kind, "system": system, **given}
        with transaction(self.engine) as connection:
            result = connection.execute(
                text(
                    f"SELECT {_READ} FROM mirror WHERE entity = :entity AND kind = :kind AND system = :system "
                    f"{narrowed} ORDER BY id"
                ),
                values,
                # For this statement only: set on the connection it would make cursors of all that follow.
                execution_options={"stream_results": True, "yield_per": _FETCH_ROWS},
            )
            for row in result:
                yield MirrorRow(**row._mapping)

    def cells(
        self,
        entity: str,
        kind: str,
        system: str,
        *,
        fields: Collection[str] = (),
        identity: Collection[str] = (),
        ids: Collection[str] | None = None,
        labels: Collection[str] | None = None,
        alike: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """A few cells of many rows, as text (lists as JSON, flags as true and false; NA = unknown): id, parent_id,
        deleted_at, label, then the named `fields` and `identity` cells. All rows, deleted ones too, or those with one
        of `ids`, one of `labels` as it is spelled, or a label that is one of `alike` but for capitals and blanks
        (`folded_key`): candidates for whoever compares them."""
        names = [*fields, *identity]
        folded = None if alike is None else {folded_key(one) for one in alike}
        wanted = {"id": ids, "label": labels, "label_key": folded}
        given = {name: list(some) for name, some in wanted.items() if some is not None}
        chosen = [
            *(f"fields ->> {literal(name)}" for name in fields),
            *(f"identity ->> {literal(name)}" for name in identity),
        ]
        with transaction(self.engine) as connection:
            return copy_out(
                connection,
                f"SELECT id, parent_id, deleted_at, label{''.join(f', {one}' for one in chosen)} FROM mirror "
                "WHERE entity = %(entity)s AND kind = %(kind)s AND system = %(system)s"
                + "".join(f" AND {name} = ANY(%({name})s)" for name in given),
                {"id": "text", "parent_id": "text", "deleted_at": "time", "label": "text"}
                | dict.fromkeys(names, "text"),
                {"entity": entity, "kind": kind, "system": system, **given},
            )

    def keys(self, entity: str, kind: str, ids: Mapping[str, Collection[str]]) -> set[str]:
        """What these rows (ids by system) are found by, deleted ones too."""
        return {
            key
            for system, some in ids.items()
            if some
            for key in self._column(
                entity, kind, system, "DISTINCT unnest(keys)", "id = ANY(:ids)", ids=list(some)
            )
        }

    def bearers(self, entity: str, kind: str, keys: Collection[str]) -> dict[str, set[str]]:
        """Ids of rows of any system that bear one of these keys (see `see`), deleted ones too, by system."""
        found: dict[str, set[str]] = {}
        if not keys:
            return found
        rows = fetch(
            self.engine,
            "SELECT DISTINCT mirror.system, mirror.id FROM unnest(CAST(:keys AS text[])) AS wanted (key) "
            "JOIN mirror ON mirror.keys @> ARRAY[wanted.key] "
            "WHERE mirror.keys IS NOT NULL AND mirror.entity = :entity AND mirror.kind = :kind",
            entity=entity,
            kind=kind,
            keys=[_key_text(one) for one in keys],
        )
        for system, record in rows:
            found.setdefault(system, set()).add(record)
        return found

    def identities(
        self, entity: str, kind: str, system: str, name: str, ids: Collection[str]
    ) -> dict[str, Any]:
        """One identity cell of these rows, where they have it."""
        there = "id = ANY(:ids) AND identity ->> :name IS NOT NULL"
        return self._pairs(entity, kind, system, "id, identity -> :name", there, name=name, ids=list(ids))

    def parents(
        self,
        entity: str,
        kind: str,
        system: str,
        *,
        ids: Collection[str] | None = None,
        parents: Collection[str] | None = None,
    ) -> dict[str, str | None]:
        """The parent of each of these rows, or of all under these parents, deleted ones too, by id."""
        column, wanted = ("id", ids) if ids is not None else ("parent_id", parents)
        if not wanted:
            return {}
        among = f"{column} = ANY(:wanted)"
        return self._pairs(entity, kind, system, "id, parent_id", among, wanted=list(wanted))

    def count_linked(self, entity: str, kind: str, system: str) -> int:
        """How many rows of a system are there and linked."""
        (counted,) = self._linked(entity, kind, system, "count(*)", "", "mirror.deleted_at IS NULL")
        return int(counted)

    def linked_and_off(self, entity: str, kind: str, system: str, parent_kind: str, switch: str) -> set[str]:
        """Ids of linked rows of a system that are gone, or whose parent is switched off (identity cell `switch`)."""
        parent = (
            "LEFT JOIN mirror AS parent ON parent.entity = mirror.entity AND parent.kind = :parent_kind "
            "AND parent.system = mirror.system AND parent.id = mirror.parent_id"
        )
        off = "(mirror.deleted_at IS NOT NULL OR parent.identity ->> :switch = 'false')"
        return set(
            self._linked(
                entity, kind, system, "mirror.id", parent, off, parent_kind=parent_kind, switch=switch
            )
        )

    def _linked(
        self, entity: str, kind: str, system: str, select: str, join: str, condition: str, **values: Any
    ) -> list[Any]:
        """A column of the rows of one side that are linked and meet this condition."""
        return fetch_column(
            self.engine,
            f"SELECT {select} FROM links JOIN mirror USING (entity, kind) {join} "
            "WHERE links.entity = :entity AND links.kind = :kind AND links.retired_at IS NULL "
            f"AND mirror.system = :system AND mirror.id = links.{_SIDES[system]} AND {condition}",
            entity=entity,
            kind=kind,
            system=system,
            **values,
        )

    def listed(self, entity: str, kind: str, system: str, name: str) -> dict[str, str]:
        """The identity cell `name`, a list, as JSON text, of all rows that have something in it, by id. Index
        ix_mirror_parts."""
        cell, something = literal(name), f"identity -> {literal(name)} <> CAST('[]' AS jsonb)"
        return self._pairs(entity, kind, system, f"id, identity ->> {cell}", something)

    def changed(self, entity: str, since: datetime) -> dict[tuple[str, str], set[str]]:
        """Ids of rows that changed after `since` (ledger's clock), by (system, kind)."""
        rows = fetch(
            self.engine,
            "SELECT system, kind, id FROM mirror WHERE entity = :entity AND changed_at > :since",
            entity=entity,
            since=since,
        )
        found: dict[tuple[str, str], set[str]] = {}
        for system, kind, record in rows:
            found.setdefault((system, kind), set()).add(record)
        return found

    def turned(
        self, entity: str, kind: str, system: str, name: str, since: datetime, until: datetime
    ) -> set[str]:
        """Ids of live rows whose identity cell `name`, a list of times, has one after `since` and up to `until`.
        Index ix_mirror_turns."""
        within = (
            f"identity ? {literal(name)} AND EXISTS ("
            "SELECT FROM jsonb_array_elements_text(identity -> :name) AS turn "
            "WHERE CAST(turn AS timestamptz) > :since AND CAST(turn AS timestamptz) <= :until)"
        )
        return set(self._live(entity, kind, system, within, name=name, since=since, until=until))

    def unmet(
        self, entity: str, kind: str, system: str, met: Collection[str], *, seen_before: datetime
    ) -> set[str]:
        """Ids of live rows, last seen before that time (ledger's clock), that are not among `met`."""
        unmet = "seen_at < :seen_before AND NOT EXISTS (SELECT FROM met_ids WHERE met_ids.id = mirror.id)"
        with transaction(self.engine) as connection:
            execute(connection, "CREATE TEMP TABLE met_ids (id text PRIMARY KEY) ON COMMIT DROP")
            copy_in(connection, "met_ids", ("id",), ((one,) for one in {storable_text(one) for one in met}))
            return set(Mirror(connection)._live(entity, kind, system, unmet, seen_before=seen_before))

    def some_live(
        self, entity: str, kind: str, system: str, *, besides: Collection[str], count: int
    ) -> list[str]:
        """Ids of `count` live rows at most, those seen last first, that are not among `besides`."""
        some = "id <> ALL(:besides) ORDER BY seen_at DESC, id LIMIT :count"
        known = [storable_text(one) for one in besides]
        return self._live(entity, kind, system, some, besides=known, count=count)

    def living(self, entity: str, kind: str, system: str, ids: Collection[str]) -> set[str]:
        """Which of these rows are there and not deleted."""
        return set(self._live(entity, kind, system, "id = ANY(:ids)", ids=list(ids)))

    def called(self, entity: str, kind: str, system: str, names: Collection[str]) -> set[str]:
        """Ids of live rows whose label or id is one of these."""
        called = "(label = ANY(:names) OR id = ANY(:names))"
        return set(self._live(entity, kind, system, called, names=list(names)))

    def bearing(self, entity: str, kind: str, system: str, emails: Collection[str]) -> set[str]:
        """Ids of live rows with one of these e-mail tokens."""
        bearing = "identity #>> '{tokens,email,0}' <> '' AND identity #>> '{tokens,email,0}' = ANY(:emails)"
        return set(self._live(entity, kind, system, bearing, emails=list(emails)))

    def _live(self, entity: str, kind: str, system: str, condition: str, **values: Any) -> list[str]:
        """Ids of the rows that are not deleted and meet this condition, in its order."""
        live = f"deleted_at IS NULL AND {condition}"
        return self._column(entity, kind, system, "id", live, **values)

    def _column(
        self, entity: str, kind: str, system: str, select: str, condition: str, **values: Any
    ) -> list[Any]:
        """A column of the rows of one side that meet this condition, in its order."""
        statement = _of_side(select, condition)
        return fetch_column(self.engine, statement, entity=entity, kind=kind, system=system, **values)

    def _pairs(
        self, entity: str, kind: str, system: str, select: str, condition: str, **values: Any
    ) -> dict[str, Any]:
        """Two columns of the rows of one side that meet this condition: the first -> the second."""
        statement = _of_side(select, condition)
        return fetch_pairs(self.engine, statement, entity=entity, kind=kind, system=system, **values)

    def buried(self, entity: str, kind: str, system: str, ids: Collection[str]) -> dict[str, int | None]:
        """Which of these rows are deleted: id -> the version that was last seen."""
        deleted = "deleted_at IS NOT NULL AND id = ANY(:ids)"
        return self._pairs(entity, kind, system, "id, version", deleted, ids=list(ids))

    def mark_gone(
        self, entity: str, kind: str, system: str, proven: Collection[str], at: datetime
    ) -> list[str]:
        """Mark as deleted the rows whose system itself said, asked by their ids at `at`, that it does not have them;
        the ids marked. Absence from a list, a window or a page proves nothing."""
        vanished = fetch_column(
            self.engine,
            """
            UPDATE mirror SET deleted_at = :at, deletion = 'vanished', changed_at = clock_timestamp()
            WHERE entity = :entity AND kind = :kind AND system = :system
              AND deleted_at IS NULL AND id = ANY(:proven)
            RETURNING id
            """,
            entity=entity,
            kind=kind,
            system=system,
            at=at,
            proven=list(proven),
        )
        return sorted(vanished)

    def mark_childless(
        self, entity: str, kind: str, system: str, child_kind: str, children: Collection[str], at: datetime
    ) -> list[str]:
        """Mark as deleted the parents of these rows that have no live row left under them; the ids marked."""
        vanished = fetch_column(
            self.engine,
            """
            UPDATE mirror AS parent
            SET deleted_at = :at, deletion = 'vanished', changed_at = clock_timestamp()
            WHERE entity = :entity AND kind = :kind AND system = :system AND deleted_at IS NULL
              AND id IN (
                  SELECT parent_id FROM mirror AS child WHERE child.entity = :entity
                    AND child.kind = :child_kind AND child.system = :system AND child.id = ANY(:children))
              AND NOT EXISTS (
                  SELECT FROM mirror AS child WHERE child.entity = :entity AND child.kind = :child_kind
                    AND child.system = :system AND child.deleted_at IS NULL AND child.parent_id = parent.id)
            RETURNING id
            """,
            entity=entity,
            kind=kind,
            system=system,
            child_kind=child_kind,
            children=list(children),
            at=at,
        )
        return sorted(vanished)


def _of_side(select: str, condition: str) -> str:
    """Of one entity, kind and system, the rows that meet this condition."""
    return (
        f"SELECT {select} FROM mirror WHERE entity = :entity AND kind = :kind AND system = :system "
        f"AND {condition}"
    )


def _incoming(connection: Connection, rows: Sequence[MirrorRow], keys_of: KeysOf | None) -> Incoming:
    values = [(position, *_values(row, keys_of)) for position, row in enumerate(rows)]
    return incoming(connection, "incoming_mirror", {"position": "int", **_TYPES}, values)


def _values(row: MirrorRow, keys_of: KeysOf | None) -> Iterator[Any]:
    derived = {
        "label_key": folded_key(row.label) if row.label else None,
        "keys": sorted({_key_text(key) for key in keys_of(row)}) or None if keys_of else None,
    }
    for name in _DATA:
        yield derived[name] if name in _DERIVED else getattr(row, name)


def _key_text(key: str) -> str:
    """A key as it is kept."""
    return (storable_text(key) or "") if len(key) <= _LONGEST_KEY else digest({"key": key})
