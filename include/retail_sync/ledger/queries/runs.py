"""Runs and their plans page by page, for people who look: every query stays within an index, however much there is.

Pages follow keys, not offsets: where the next page begins is a value of the last row of this one.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from sqlalchemy import Engine

from retail_sync.ledger.rows import ChangeRow, HoldHead, Run, RunState
from retail_sync.ledger.statements import columns, fetch_as, fetch_column, fetch_value, literally

RunKind = Literal["dry", "real"]
COUNTED = 10_000
"""Matching changes are counted up to here: a person needs to know no more."""
SAMPLED = 2_000
"""Changes that are looked at for the names of fields."""
PORTION = 1_000
"""Changes of an export read at once."""
APPLIED_BY = 5
"""Runs told that applied one plan."""


Conditions = tuple[list[str], dict[str, Any]]
"""SQL (boolean) about a change, all of which hold, and what is bound with it."""


class Matching(Protocol):
    """Which changes of a run."""

    def conditions(self) -> Conditions: ...


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

    def conditions(self) -> Conditions:
        plain = ("system", "action", "kind", "outcome")
        conditions = [f"{name} = :{name}" for name in plain if getattr(self, name)]
        values: dict[str, Any] = {name: getattr(self, name) for name in (*plain, "field")}
        if self.field:
            conditions.append("(jsonb_exists(after, :field) OR jsonb_exists(before, :field))")
        if self.text:
            conditions.append(says("reasons::text"))
            values["text"] = f"%{literally(self.text)}%"
        return conditions, values


def says(*more: str) -> str:
    """SQL (boolean): the text that is looked for is in a change's label, ids or values, or in `more` of it."""
    places = ("label", "subject", "source_id", "target_id", "after::text", "before::text", *more)
    return f"({' OR '.join(f'{place} ILIKE :text' for place in places)})"


_RUN, _HOLD, _CHANGE = columns(Run), columns(HoldHead), columns(ChangeRow)


class Plans:
    """Runs and what they planned, for all who look at them; changes in the order of batch and unit."""

    engine: Engine

    def changes(
        self, run_id: str, wanted: Matching, after: ChangePlace | None, limit: int
    ) -> list[ChangeRow]:
        """Changes of a run behind `after`. Index: changes (run_id, batch)."""
        where, values = _matching(run_id, wanted)
        if after:
            where += " AND batch >= :batch AND (batch, unit, id) > (:batch, :unit, CAST(:id AS uuid))"
            values |= after._asdict()
        return self._changes(f"{where} ORDER BY batch, unit, id LIMIT :limit", **values, limit=limit)

    def every_change(self, run_id: str, wanted: Matching) -> Iterator[ChangeRow]:
        """All of them, a portion in memory at a time, each read in a transaction of its own."""
        place: ChangePlace | None = None
        while portion := self.changes(run_id, wanted, place, PORTION):
            yield from portion
            place = place_of(portion[-1])

    def count(self, run_id: str, wanted: Matching) -> int:
        """How many changes match, counted up to COUNTED + 1. Index: changes (run_id, batch)."""
        where, values = _matching(run_id, wanted)
        found: int = fetch_value(
            self.engine,
            f"SELECT count(*) FROM (SELECT FROM changes WHERE {where} LIMIT :most) AS matching",
            **values,
            most=COUNTED + 1,
        )
        return found

    def _runs(self, condition: str, **values: Any) -> list[Run]:
        return fetch_as(Run, self.engine, f"SELECT {_RUN} FROM runs WHERE {condition}", **values)

    def _changes(self, condition: str, **values: Any) -> list[ChangeRow]:
        return fetch_as(ChangeRow, self.engine, f"SELECT {_CHANGE} FROM changes WHERE {condition}", **values)


def _matching(run_id: str, wanted: Matching) -> tuple[str, dict[str, Any]]:
    conditions, values = wanted.conditions()
    return " AND ".join(["run_id = :run_id", *conditions]), {**values, "run_id": run_id}


@dataclass(frozen=True)
class Browsing(Plans):
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
        return fetch_as(
            Run,
            self.engine,
            f"""
            SELECT found.* FROM unnest(CAST(:entities AS text[])) AS wanted(name)
            CROSS JOIN LATERAL (
                SELECT {_RUN} FROM runs WHERE {" AND ".join(conditions)}
                ORDER BY started_at DESC, id DESC LIMIT :limit
            ) AS found
            ORDER BY started_at DESC, id DESC LIMIT :limit
            """,
            **values,
        )

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

    def fields(self, run_id: str) -> list[str]:
        """Names of fields that the first changes of a run touch. Index: changes (run_id, batch)."""
        return fetch_column(
            self.engine,
            """
                WITH first AS MATERIALIZED (
                    SELECT after FROM changes WHERE run_id = :run_id ORDER BY batch LIMIT :most
                )
                SELECT DISTINCT name FROM first, jsonb_object_keys(after) AS name ORDER BY name
                """,
            run_id=run_id,
            most=SAMPLED,
        )

    def holds_of(self, run_id: str, after: int, limit: int) -> list[HoldHead]:
        """What this run found last, in the order of ids behind `after`: what a later run found again is that one's.
        Index: holds (run_id)."""
        return fetch_as(
            HoldHead,
            self.engine,
            f"SELECT {_HOLD} FROM holds WHERE run_id = :run_id AND id > :after ORDER BY id LIMIT :limit",
            run_id=run_id,
            after=after,
            limit=limit,
        )


def place_of(change: ChangeRow) -> ChangePlace:
    """Where a page ends whose last row this is."""
    return ChangePlace(change.batch, change.id, change.unit)
