"""What happened, newest first and page by page: to one record, to some, for one code, in one run, or at all.

Each kind of happening is read from its own index in the order of time, a page of each, and they are merged: what a page
costs does not grow with what the ledger holds. Where a page ended is a `Place`; the next one begins behind it.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Connection, Engine

from retail_sync.ledger.api_calls import CHANGE_OF_EXCHANGE
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.queries.search import COUNTED, ENTITY_OF_EXCHANGE, SYSTEMS
from retail_sync.ledger.rows import OUTCOMES, ChangeRow, Event, ExchangeHead, ExchangeRow, HoldHead, Link
from retail_sync.ledger.statements import columns, fetch, fetch_as, fetch_first_as, fetch_one, fetch_value

What = Literal["change", "decision", "event", "exchange", "hold", "link", "release", "unlink"]
WHATS: tuple[What, ...] = get_args(What)
HoldState = Literal["open", "released"]
Answer = Literal["answered", "refused"]
"""`refused`: status 400 and above, or no answer at all."""
RUNS_AT_ONCE = 24
"""Runs of an entity whose exchanges are looked through for one page."""
CHANGES_AT_ONCE = 200
"""Changes of a record whose exchanges are looked through for one page."""


class Place(NamedTuple):
    """Where a page ended: time, kind and id of its last row. Rows of one time are in the order of kind and id."""

    at: datetime
    what: str
    id: str


Row = ChangeRow | HoldHead | Decision | Event | ExchangeHead | Link


@dataclass(frozen=True)
class Happening:
    """One thing that happened at a time. A hold happens twice: as it is found (`hold`) and as it is released."""

    at: datetime
    what: What
    row: Row

    @property
    def place(self) -> Place:
        return Place(self.at, self.what, str(self.row.id))


@dataclass(frozen=True, kw_only=True)
class Records:
    """Records whose life is asked for. `ids`: (system, id) of each; `told`: those that senders of events know them by,
    which for a variant is its product."""

    ids: frozenset[tuple[str, str]]
    told: frozenset[tuple[str, str]] = frozenset()

    @property
    def subjects(self) -> list[str]:
        return sorted(f"{system}:{record}" for system, record in self.ids)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for. Empty collections mean all, except `entities`: those a person may see. Times are [since,
    until) in UTC. At most one of `records`, `code` and `run_id` is given; none: all there is.

    `everything_seen`: the person may see all entities, and so what belongs to none."""

    entities: Collection[str]
    whats: Collection[What] = ()
    systems: Collection[str] = ()
    outcomes: Collection[str] = ()
    hold_state: HoldState | None = None
    answer: Answer | None = None
    since: datetime | None = None
    until: datetime | None = None
    records: Records | None = None
    code: str = ""
    run_id: str = ""
    everything_seen: bool = False

    def asks_for(self, what: What) -> bool:
        """Whether happenings of a kind are asked for: an outcome of one kind leaves out the others."""
        if self.outcomes and what != "change":
            return False
        if self.hold_state and what not in ("hold", "release"):
            return False
        if self.answer and what != "exchange":
            return False
        return not self.whats or what in self.whats


class Page(NamedTuple):
    """Happenings newest first. `next`: where to go on; None: there is no more."""

    rows: list[Happening]
    next: Place | None


_CHANGE, _HELD, _DECISION = columns(ChangeRow), columns(HoldHead), columns(Decision)
_EVENT, _LINK = columns(Event), columns(Link)
_EXCHANGE = columns(ExchangeHead, made=CHANGE_OF_EXCHANGE)


@dataclass(frozen=True)
class Timeline:
    engine: Engine

    def page(self, wanted: Wanted, after: Place | None, limit: int) -> Page:
        """A page behind `after`."""
        if not wanted.entities:
            return Page([], None)
        found: list[Happening] = []
        horizon: datetime | None = None
        with transaction(self.engine) as connection:
            for read in (_changes, _holds, _releases, _decisions, _events, _links):
                found += read(_Asked(connection, wanted, after, limit + 1))
            if wanted.asks_for("exchange"):
                exchanges, horizon = _exchanges(_Asked(connection, wanted, after, limit + 1))
                found += exchanges
        found.sort(key=_order, reverse=True)
        if horizon is not None:
            # What is older than this was not looked for in every run yet.
            found = [one for one in found if one.at >= horizon]
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].place)
        return Page(found, Place(horizon, "", "") if horizon else None)

    def counts(self, wanted: Wanted) -> dict[str, int]:
        """How many changes, holds, decisions and events the wanted records have, counted up to COUNTED + 1. Indexes as
        for pages."""
        given = _values(wanted) | {"rows": COUNTED + 1}
        conditions = {
            "change": "changes WHERE subject = ANY(:subjects)",
            "hold": "holds WHERE subject = ANY(:subjects)",
            "decision": "decisions WHERE subject = ANY(:subjects)",
            "event": "inbox WHERE body ->> 'id' = ANY(:told)",
        }
        return {
            what: int(
                fetch_value(
                    self.engine,
                    f"SELECT count(*) FROM (SELECT FROM {one} AND entity = ANY(:entities) LIMIT :rows) "
                    "AS counted",
                    **given,
                )
            )
            for what, one in conditions.items()
        }

    def change(self, change_id: str) -> ChangeRow | None:
        """A change by its id (a UUID). Index: the primary key."""
        return fetch_first_as(
            ChangeRow,
            self.engine,
            f"SELECT {_CHANGE} FROM changes WHERE id = CAST(:id AS uuid)",
            id=change_id,
        )

    def exchange(self, exchange_id: str) -> tuple[ExchangeRow, str | None] | None:
        """An exchange as it was kept, and the entity it was made for (None: not known). Index: the primary key."""
        row = fetch_one(
            self.engine,
            f"SELECT {columns(ExchangeRow, made=CHANGE_OF_EXCHANGE)}, {ENTITY_OF_EXCHANGE} AS entity "
            "FROM exchanges WHERE id = :id",
            id=exchange_id,
        )
        if row is None:
            return None
        given = dict(row._mapping)
        entity = given.pop("entity")
        return ExchangeRow(**given), entity

    def exchanges_of(self, change: ChangeRow, limit: int) -> list[ExchangeHead]:
        """The requests made for a change, first one first: those that name it, and those it names. Indexes
        ix_exchanges_change, and the primary key."""
        return fetch_as(
            ExchangeHead,
            self.engine,
            f"(SELECT {_EXCHANGE} FROM exchanges WHERE context ->> 'change' = :change LIMIT :limit) UNION "
            f"(SELECT {_EXCHANGE} FROM exchanges WHERE id = ANY(:ids) LIMIT :limit) "
            "ORDER BY started_at, id LIMIT :limit",
            change=change.id,
            ids=list(change.exchange_ids),
            limit=limit,
        )


def _order(one: Happening) -> tuple[datetime, str, int, str]:
    key = one.row.id
    return one.at, one.what, key if isinstance(key, int) else 0, str(key)


@dataclass(frozen=True)
class _Asked:
    """One page of one kind under way."""

    connection: Connection
    wanted: Wanted
    after: Place | None
    limit: int

    @property
    def values(self) -> dict[str, Any]:
        return _values(self.wanted) | {"limit": self.limit}

    def window(self, what: What, at: str, key: str, cast: str) -> tuple[str, dict[str, Any]]:
        """Conditions (beginning with AND) for times and place. `at`, `key`: columns; `cast`: type of the id."""
        conditions: list[str] = []
        values: dict[str, Any] = {}
        if self.wanted.since:
            conditions.append(f"{at} >= :since")
            values["since"] = self.wanted.since
        if self.wanted.until:
            conditions.append(f"{at} < :until")
            values["until"] = self.wanted.until
        if self.after:
            values["at"] = self.after.at
            if what == self.after.what:
                conditions.append(f"({at}, {key}) < (:at, CAST(:last AS {cast}))")
                values["last"] = self.after.id
            else:
                conditions.append(f"{at} {'<=' if what < self.after.what else '<'} :at")
        return "".join(f" AND {one}" for one in conditions), values

    def read(
        self, what: What, made: Callable[..., Row], at: str, statement: str, more: Mapping[str, Any]
    ) -> list[Happening]:
        rows = fetch(self.connection, statement, **(self.values | dict(more)))
        return [Happening(getattr(row, at), what, made(**row._mapping)) for row in rows]


def _values(wanted: Wanted) -> dict[str, Any]:
    records = wanted.records or Records(ids=frozenset())
    return {
        "entities": sorted(wanted.entities),
        "systems": sorted(wanted.systems or SYSTEMS),
        "outcomes": sorted(wanted.outcomes or OUTCOMES),
        "subjects": list(records.subjects),
        "target_systems": [system for system, _ in sorted(records.ids)],
        "target_ids": [record for _, record in sorted(records.ids)],
        "told_systems": [system for system, _ in sorted(records.told | records.ids)],
        "told": [record for _, record in sorted(records.told | records.ids)],
        "code": wanted.code,
        "run_id": wanted.run_id,
    }


_EACH_ENTITY = "unnest(CAST(:entities AS text[])) AS wanted(entity)"
_EACH_SUBJECT = f"{_EACH_ENTITY} CROSS JOIN unnest(CAST(:subjects AS text[])) AS about(subject)"


def _each(places: str, columns: str, table: str, where: str, order: str) -> str:
    """The newest rows of each place, and of those the newest of all: every place is an index's own order."""
    return (
        f"SELECT found.* FROM {places} CROSS JOIN LATERAL (SELECT {columns} FROM {table} WHERE {where} "
        f"ORDER BY {order} LIMIT :limit) AS found ORDER BY {_bare(order)} LIMIT :limit"
    )


def _newest(columns: str, table: str, where: str, order: str) -> str:
    """The newest rows of all that meet a condition."""
    return f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order} LIMIT :limit"


def _bare(order: str) -> str:
    """Without the names of tables."""
    return ", ".join(part.rpartition(".")[2] for part in order.split(", "))


_CHANGES_ORDER = "changes.planned_at DESC, changes.id DESC"


def _changes(asked: _Asked) -> list[Happening]:
    """Indexes ix_changes_subject and ix_changes_target, ix_changes_error_code, or ix_changes_feed. The changes of a run
    are on its own page."""
    wanted = asked.wanted
    if not wanted.asks_for("change") or wanted.run_id:
        return []
    window, more = asked.window("change", "changes.planned_at", "changes.id", "uuid")
    filters = "changes.system = ANY(:systems) AND changes.outcome = ANY(:outcomes)" + window
    if wanted.code:
        refused = f"error_code = :code AND entity = ANY(:entities) AND {filters}"
        statement = _newest(_CHANGE, "changes", refused, _CHANGES_ORDER)
        return asked.read("change", ChangeRow, "planned_at", statement, more)
    if wanted.records is None:
        places = (
            f"{_EACH_ENTITY} CROSS JOIN unnest(CAST(:systems AS text[])) AS target(system) "
            "CROSS JOIN unnest(CAST(:outcomes AS text[])) AS came(outcome)"
        )
        where = (
            "changes.entity = wanted.entity AND changes.system = target.system "
            f"AND changes.outcome = came.outcome{window}"
        )
        statement = _each(places, _CHANGE, "changes", where, _CHANGES_ORDER)
        return asked.read("change", ChangeRow, "planned_at", statement, more)
    own = _each(
        _EACH_SUBJECT,
        _CHANGE,
        "changes",
        f"changes.entity = wanted.entity AND changes.subject = about.subject AND {filters}",
        _CHANGES_ORDER,
    )
    written = _each(
        "unnest(CAST(:target_systems AS text[]), CAST(:target_ids AS text[])) AS about(system, id)",
        _CHANGE,
        "changes",
        "changes.target_id = about.id AND changes.system = about.system AND changes.entity = ANY(:entities) "
        f"AND changes.subject <> ALL(:subjects) AND {filters}",
        _CHANGES_ORDER,
    )
    return [one for by in (own, written) for one in asked.read("change", ChangeRow, "planned_at", by, more)]


def _holds(asked: _Asked) -> list[Happening]:
    """Indexes ix_holds_subject, ix_holds_code, ix_holds_run_id, ix_holds_open or ix_holds_feed."""
    wanted = asked.wanted
    if not wanted.asks_for("hold"):
        return []
    window, more = asked.window("hold", "holds.first_seen_at", "holds.id", "bigint")
    filters = window
    if wanted.systems:
        filters += " AND holds.system = ANY(:systems)"
    if wanted.hold_state:
        filters += f" AND holds.released_at IS {'NOT ' if wanted.hold_state == 'released' else ''}NULL"
    order = "holds.first_seen_at DESC, holds.id DESC"
    if wanted.code or wanted.run_id:
        narrowed = "code = :code" if wanted.code else "run_id = :run_id"
        statement = _newest(_HELD, "holds", f"{narrowed} AND entity = ANY(:entities){filters}", order)
    elif wanted.records is None:
        statement = _each(_EACH_ENTITY, _HELD, "holds", f"holds.entity = wanted.entity{filters}", order)
    else:
        where = f"holds.entity = wanted.entity AND holds.subject = about.subject{filters}"
        statement = _each(_EACH_SUBJECT, _HELD, "holds", where, order)
    return asked.read("hold", HoldHead, "first_seen_at", statement, more)


def _releases(asked: _Asked) -> list[Happening]:
    """Only in the life of records: elsewhere a hold says itself that it is released. Index ix_holds_subject."""
    wanted = asked.wanted
    if wanted.records is None or not wanted.asks_for("release") or wanted.hold_state == "open":
        return []
    window, more = asked.window("release", "holds.released_at", "holds.id", "bigint")
    if wanted.systems:
        window += " AND holds.system = ANY(:systems)"
    where = (
        "holds.entity = wanted.entity AND holds.subject = about.subject "
        f"AND holds.released_at IS NOT NULL{window}"
    )
    statement = _each(_EACH_SUBJECT, _HELD, "holds", where, "holds.released_at DESC, holds.id DESC")
    return asked.read("release", HoldHead, "released_at", statement, more)


def _decisions(asked: _Asked) -> list[Happening]:
    """Indexes ix_decisions_entity_subject, or ix_decisions_decided_at."""
    wanted = asked.wanted
    if not wanted.asks_for("decision") or wanted.run_id:
        return []
    window, more = asked.window("decision", "decisions.decided_at", "decisions.id", "bigint")
    if wanted.systems:
        window += " AND split_part(decisions.subject, ':', 1) = ANY(:systems)"
    order = "decisions.decided_at DESC, decisions.id DESC"
    if wanted.records is None:
        narrowed = " AND code = :code" if wanted.code else ""
        statement = _newest(_DECISION, "decisions", f"entity = ANY(:entities){narrowed}{window}", order)
    else:
        where = f"decisions.entity = wanted.entity AND decisions.subject = about.subject{window}"
        statement = _each(_EACH_SUBJECT, _DECISION, "decisions", where, order)
    return asked.read("decision", Decision, "decided_at", statement, more)


def _events(asked: _Asked) -> list[Happening]:
    """Indexes ix_inbox_record, or ix_inbox_feed."""
    wanted = asked.wanted
    if not wanted.asks_for("event") or wanted.code or wanted.run_id:
        return []
    window, more = asked.window("event", "inbox.received_at", "inbox.id", "bigint")
    order = "inbox.received_at DESC, inbox.id DESC"
    if wanted.records is None:
        where = f"inbox.entity = wanted.entity AND inbox.source = ANY(:systems){window}"
        statement = _each(_EACH_ENTITY, _EVENT, "inbox", where, order)
    else:
        where = (
            "inbox.body ->> 'id' = about.id AND inbox.source = about.system AND inbox.source = ANY(:systems) "
            f"AND inbox.entity = ANY(:entities){window}"
        )
        places = "unnest(CAST(:told_systems AS text[]), CAST(:told AS text[])) AS about(system, id)"
        statement = _each(places, _EVENT, "inbox", where, order)
    return asked.read("event", Event, "received_at", statement, more)


def _links(asked: _Asked) -> list[Happening]:
    """Only in the life of records, which have few. Indexes ix_links_commercetools_id, ix_links_lightspeed_id."""
    wanted = asked.wanted
    if wanted.records is None or wanted.systems:
        return []
    rows = fetch_as(
        Link,
        asked.connection,
        f"SELECT {_LINK} FROM links WHERE commercetools_id = ANY(:ours) AND entity = ANY(:entities) UNION "
        f"SELECT {_LINK} FROM links WHERE lightspeed_id = ANY(:theirs) AND entity = ANY(:entities)",
        entities=sorted(wanted.entities),
        **{
            name: [record for system, record in wanted.records.ids if system == side]
            for name, side in (("ours", "commercetools"), ("theirs", "lightspeed"))
        },
    )
    found = (one for row in rows for one in _of_link(row))
    return [one for one in found if wanted.asks_for(one.what) and _is_within(one, wanted, asked.after)]


def _of_link(link: Link) -> Iterator[Happening]:
    # The base may hold a whole document, and is not shown.
    bare = replace(link, base={})
    if link.created_at:
        yield Happening(link.created_at, "link", bare)
    if link.retired_at:
        yield Happening(link.retired_at, "unlink", bare)


def _is_within(one: Happening, wanted: Wanted, after: Place | None) -> bool:
    if (wanted.since and one.at < wanted.since) or (wanted.until and one.at >= wanted.until):
        return False
    return after is None or one.place < after


_EXCHANGES_ORDER = "exchanges.started_at DESC, exchanges.id DESC"


def _exchanges(asked: _Asked) -> tuple[list[Happening], datetime | None]:
    """Exchanges, and back to when all of them were looked for (None: all there is). Indexes ix_exchanges_run,
    ix_exchanges_change (with ix_changes_subject), ix_exchanges_load or ix_exchanges_refused; of some entities by way of
    their latest runs, with ix_runs_entity_started_at."""
    wanted = asked.wanted
    window, more = asked.window("exchange", "exchanges.started_at", "exchanges.id", "text")
    filters = window
    if wanted.systems:
        filters += " AND exchanges.system = ANY(:systems)"
    if wanted.answer:
        refused = "(exchanges.status IS NULL OR exchanges.status >= 400)"
        filters += f" AND {refused if wanted.answer == 'refused' else 'exchanges.status < 400'}"
    horizon: datetime | None = None
    if wanted.code:
        return [], None
    if wanted.run_id:
        statement = _newest(_EXCHANGE, "exchanges", f"run_id = :run_id{filters}", _EXCHANGES_ORDER)
    elif wanted.records is not None:
        changes = _each(
            _EACH_SUBJECT,
            "changes.id, changes.planned_at",
            "changes",
            "changes.entity = wanted.entity AND changes.subject = about.subject",
            _CHANGES_ORDER,
        ).replace(":limit", ":changes_at_once")
        where = f"exchanges.context ->> 'change' = about.id::text{filters}"
        statement = _each(f"({changes}) AS about", _EXCHANGE, "exchanges", where, _EXCHANGES_ORDER)
        more["changes_at_once"] = CHANGES_AT_ONCE
    elif wanted.everything_seen:
        statement = _newest(_EXCHANGE, "exchanges", f"true{filters}", _EXCHANGES_ORDER)
    else:
        runs, horizon = _latest_runs(asked)
        statement = _each(
            "unnest(CAST(:runs AS text[])) AS about(run_id)",
            _EXCHANGE,
            "exchanges",
            f"exchanges.run_id = about.run_id{filters}",
            _EXCHANGES_ORDER,
        )
        more["runs"] = runs
    return asked.read("exchange", ExchangeHead, "started_at", statement, more), horizon


def _latest_runs(asked: _Asked) -> tuple[Sequence[str], datetime | None]:
    """The latest runs of each entity that began before the place, and since when these are all. Runs of an entity do
    not overlap, so that what an earlier one asked is older than the begin of the first of these."""
    until = asked.after.at if asked.after else asked.wanted.until
    rows = fetch(
        asked.connection,
        f"""
        SELECT found.* FROM {_EACH_ENTITY} CROSS JOIN LATERAL (
            SELECT id, entity, started_at FROM runs WHERE entity = wanted.entity
              AND (CAST(:before AS timestamptz) IS NULL OR started_at <= :before)
            ORDER BY started_at DESC LIMIT :runs_at_once
        ) AS found
        """,
        **asked.values,
        before=until,
        runs_at_once=RUNS_AT_ONCE,
    )
    begun: dict[str, list[datetime]] = {}
    for row in rows:
        begun.setdefault(row.entity, []).append(row.started_at)
    cut = [min(times) for times in begun.values() if len(times) == RUNS_AT_ONCE]
    horizon = max(cut, default=None)
    if horizon and asked.wanted.since and horizon <= asked.wanted.since:
        horizon = None
    return [row.id for row in rows], horizon
