"""Runs and their plans page by page, for people who look: every query stays within an index, however much there is.

Pages follow keys, not offsets: where the next page begins is a value of the last row of this one.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Engine, text

from retail_sync.ledger.bulk import storable_text
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.rows import ChangeRow, Run, RunState

RunKind = Literal["dry", "real"]
COUNTED = 10_000
"""Matching changes are counted up to here: a person needs to know no more."""
SAMPLED = 2_000
"""Changes that are looked at for the names of fields."""
PORTION = 1_000
"""Changes of an export read at once."""
APPLIED_BY = 5
"""Runs told that applied one plan."""
_IN_ORDER = "ORDER BY changes.batch, changes.unit, changes.id"
"""With the table's name: `id` alone would be the text that is selected."""


class RunPlace(NamedTuple):
    """Where in the list of runs a page ended."""

    started_at: datetime
    id: str


class ChangePlace(NamedTuple):
    """Where in a plan a page ended. `id` is a UUID."""

    batch: int
    id: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs: of these entities, begun within [since, until) (UTC)."""

    entities: Collection[str]
    state: RunState | None = None
    kind: RunKind | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeFilter:
    """Which changes of a run. `field`: those that touch it; `text`: those with it in label, ids, reasons or values,
    in any case. Empty: whatever it is."""

    system: str = ""
    action: str = ""
    kind: str = ""
    outcome: str = ""
    field: str = ""
    text: str = ""

    @property
    def limits(self) -> bool:
        return any(vars(self).values())


@dataclass(frozen=True, kw_only=True)
class FoundHold:
    """A hold as the page of the run that found it tells it; times in UTC."""

    id: int
    kind: str
    subject: str
    label: str | None
    code: str
    field: str | None
    message: str
    release: str | None
    first_seen_at: datetime
    due_at: datetime
    released_at: datetime | None


def _columns(row: type[Run] | type[ChangeRow] | type[FoundHold]) -> str:
    return ", ".join(one.name for one in fields(row))


_RUN, _HOLD = _columns(Run), _columns(FoundHold)
_CHANGE = _columns(ChangeRow).replace("id,", "id::text,", 1)


@dataclass(frozen=True)
class Browsing:
    engine: Engine

    def runs(self, wanted: RunFilter, after: RunPlace | None, limit: int) -> list[Run]:
        """Runs newest first, behind `after`. Index: runs (entity, started_at), once an entity."""
        conditions = ["entity = wanted.name"]
        values: dict[str, Any] = {"entities": sorted(wanted.entities), "limit": limit}
        if wanted.state:
            conditions.append("state = :state")
            values["state"] = wanted.state
        if wanted.kind:
            # What runs do not say is no: a run that erased somebody has no such param.
            dry = "COALESCE((params ->> 'dry_run')::boolean, false)"
            conditions.append(dry if wanted.kind == "dry" else f"NOT {dry}")
        if wanted.since:
            conditions.append("started_at >= :since")
            values["since"] = wanted.since
        if wanted.until:
            conditions.append("started_at < :until")
            values["until"] = wanted.until
        if after:
            conditions.append("started_at <= :at AND (started_at, id) < (:at, :id)")
            values |= {"at": after.started_at, "id": after.id}
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    f"""
                    SELECT found.* FROM unnest(CAST(:entities AS text[])) AS wanted(name)
                    CROSS JOIN LATERAL (
                        SELECT {_RUN} FROM runs WHERE {" AND ".join(conditions)}
                        ORDER BY started_at DESC, id DESC LIMIT :limit
                    ) AS found
                    ORDER BY started_at DESC, id DESC LIMIT :limit
                    """
                ),
                _storable(values),
            ).all()
        return [Run(**row._mapping) for row in rows]

    def run(self, run_id: str) -> Run | None:
        """A run, or None where the ledger has none of that id. Index: the primary key."""
        return next(iter(self._runs("id = :id", id=run_id)), None)

    def runs_of(self, dag_id: str, airflow_run_id: str) -> list[Run]:
        """The runs of one run of Airflow's, one an entity. Index: runs (dag_id, airflow_run_id)."""
        return self._runs(
            "dag_id = :dag_id AND airflow_run_id = :run_id ORDER BY started_at, id",
            dag_id=dag_id,
            run_id=airflow_run_id,
        )

    def applied_by(self, dry_run: Run) -> list[Run]:
        """The latest runs that were to apply the plan of a dry run. Index: runs (entity, started_at)."""
        return self._runs(
            "entity = :entity AND started_at >= :since AND params ->> 'plan' = :id "
            "ORDER BY started_at DESC, id DESC LIMIT :limit",
            entity=dry_run.entity,
            since=dry_run.started_at,
            id=dry_run.id,
            limit=APPLIED_BY,
        )

    def changes(
        self, run_id: str, wanted: ChangeFilter, after: ChangePlace | None, limit: int
    ) -> list[ChangeRow]:
        """Changes of a run in the order of batch and unit, behind `after`. Index: changes (run_id, batch)."""
        where, values = _matching(run_id, wanted)
        if after:
            where += " AND batch >= :batch AND (batch, unit, id) > (:batch, :unit, CAST(:id AS uuid))"
            values |= after._asdict()
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(f"SELECT {_CHANGE} FROM changes WHERE {where} {_IN_ORDER} LIMIT :limit"),
                {**_storable(values), "limit": limit},
            ).all()
        return [ChangeRow(**row._mapping) for row in rows]

    def every_change(self, run_id: str, wanted: ChangeFilter) -> Iterator[ChangeRow]:
        """All of them, a portion in memory at a time, each read in a transaction of its own."""
        place: ChangePlace | None = None
        while portion := self.changes(run_id, wanted, place, PORTION):
            yield from portion
            place = place_of(portion[-1])

    def count(self, run_id: str, wanted: ChangeFilter) -> int:
        """How many changes match, counted up to COUNTED + 1. Index: changes (run_id, batch)."""
        where, values = _matching(run_id, wanted)
        with transaction(self.engine) as connection:
            found: int = connection.execute(
                text(f"SELECT count(*) FROM (SELECT FROM changes WHERE {where} LIMIT :most) AS matching"),
                {**_storable(values), "most": COUNTED + 1},
            ).scalar_one()
        return found

    def fields(self, run_id: str) -> list[str]:
        """Names of fields that the first changes of a run touch. Index: changes (run_id, batch)."""
        with transaction(self.engine) as connection:
            return list(
                connection.execute(
                    text(
                        """
                        WITH first AS MATERIALIZED (
                            SELECT after FROM changes WHERE run_id = :run_id ORDER BY batch LIMIT :most
                        )
                        SELECT DISTINCT name FROM first, jsonb_object_keys(after) AS name ORDER BY name
                        """
                    ),
                    {"run_id": run_id, "most": SAMPLED},
                ).scalars()
            )

    def holds_of(self, run_id: str, after: int, limit: int) -> list[FoundHold]:
        """What this run found last, in the order of ids behind `after`: what a later run found again is that one's.
        Index: holds (run_id)."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    f"SELECT {_HOLD} FROM holds WHERE run_id = :run_id AND id > :after ORDER BY id LIMIT :limit"
                ),
                {"run_id": run_id, "after": after, "limit": limit},
            ).all()
        return [FoundHold(**row._mapping) for row in rows]

    def _runs(self, condition: str, **values: Any) -> list[Run]:
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(f"SELECT {_RUN} FROM runs WHERE {condition}"), _storable(values)
            ).all()
        return [Run(**row._mapping) for row in rows]


def place_of(change: ChangeRow) -> ChangePlace:
    """Where a page ends whose last row this is."""
    return ChangePlace(change.batch, change.id, change.unit)


def _matching(run_id: str, wanted: ChangeFilter) -> tuple[str, dict[str, Any]]:
    conditions, values = ["run_id = :run_id"], {"run_id": run_id}
    for name in ("system", "action", "kind", "outcome"):
        if value := getattr(wanted, name):
            conditions.append(f"{name} = :{name}")
            values[name] = value
    if wanted.field:
        conditions.append("(jsonb_exists(after, :field) OR jsonb_exists(before, :field))")
        values["field"] = wanted.field
    if wanted.text:
        places = (
            "label",
            "subject",
            "source_id",
            "target_id",
            "after::text",
            "before::text",
            "reasons::text",
        )
        conditions.append(f"({' OR '.join(f'{place} ILIKE :text' for place in places)})")
        values["text"] = f"%{_literally(wanted.text)}%"
    return " AND ".join(conditions), values


def _storable(values: dict[str, Any]) -> dict[str, Any]:
    """What people type may hold characters that no text of the database can."""
    return {name: storable_text(one) if isinstance(one, str) else one for name, one in values.items()}


def _literally(pattern: str) -> str:
    """Text as LIKE takes it for itself."""
    return "".join(f"\\{one}" if one in "\\%_" else one for one in pattern)
