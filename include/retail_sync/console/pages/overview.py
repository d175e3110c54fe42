"""Overview: is everything in sync, how old is the data, and does anything need a person?"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from cachetools import TTLCache, cached
from fastapi import APIRouter
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.responses import Response

from retail_sync.console.views import accounts, plots
from retail_sync.console.views.verdict import Facts, verdict_of
from retail_sync.console.visit import Looking, Sent, Visit, required
from retail_sync.console.vocabulary import ago, lasting, system_title
from retail_sync.ledger.budget import lift_pause
from retail_sync.ledger.queries.health import CursorAt, Health, Point, Reconciled, Settled, Step, SystemLoad
from retail_sync.ledger.queries.hold_queue import Worklist
from retail_sync.ledger.rows import Run
from retail_sync.records.ports.products import SYSTEMS

log = logging.getLogger(__name__)
T = TypeVar("T")

router = APIRouter()
PREFLIGHT = "preflight"
"""Who may start this DAG may let requests go on: it asks both systems about everything, as they then do."""
COUNTS_SECONDS = 15.0
"""How old counts of links may be, and plots of hours."""
DAYS_SECONDS = 300.0
"""How old plots of days may be: they count most of the ledger."""

MOST_COUNTS = 200
"""Answers kept in each process."""


def _question(engine: Engine, question: Hashable, _: Callable[[], Any]) -> Hashable:
    """It must name all that its answer depends on, such as the entities that somebody may see."""
    return engine, question


@cached(TTLCache(MOST_COUNTS, COUNTS_SECONDS), key=_question, lock=threading.Lock())
def counted_lately(engine: Engine, question: Hashable, count: Callable[[], T]) -> T:
    """What is dear to count, counted at most once in some seconds."""
    return count()


@cached(TTLCache(MOST_COUNTS, DAYS_SECONDS), key=_question, lock=threading.Lock())
def counted_today(engine: Engine, question: Hashable, count: Callable[[], T]) -> T:
    return count()


SPANS: dict[str, tuple[Step, timedelta, int]] = {
    "day": ("hour", timedelta(hours=1), 24),
    "fortnight": ("day", timedelta(days=1), 14),
}
"""What plots show: the step, its length, and how many."""


@dataclass(frozen=True)
class Card:
    """One entity. `last`: its latest run, of whatever kind; `decisive`: the latest that was no dry run. `changes`:
    outcomes of the last day by target; `lately`: those of the last hour. `drift`: the latest reconciliation, if any."""

    entity: str
    last: Run | None
    decisive: Run | None
    aligned: bool
    settled: Settled | None
    cursors: Sequence[CursorAt]
    linked: dict[str, int]
    held: dict[str, int]
    dismissed: int
    changes: dict[str, dict[str, int]]
    lately: dict[str, dict[str, int]]
    drift: Reconciled | None

    @property
    def failed_share(self) -> float | None:
        """Of what was planned in the last day, the share that failed, in percent; None = nothing was planned."""
        outcomes = [one for counts in self.changes.values() for one in counts.items()]
        tried = sum(count for name, count in outcomes if name in ("applied", "already_there", "failed"))
        failed = sum(count for name, count in outcomes if name == "failed")
        return 100 * failed / tried if tried else None


@router.get("/")
def shown(visit: Looking) -> Response:
    """The page."""
    now = datetime.now(UTC)
    health, ledger = Health(visit.ledger.engine), visit.ledger
    cards = _cards(visit, health, now)
    told_of = [one for one in ledger.inbox.waiting() if one.entity in visit.entities]
    waiting = [one for one in told_of if one.aligned]
    waiting_since = min((one.since for one in waiting), default=None)
    notify = visit.settings.notify
    verdict = verdict_of(
        [_facts(card) for card in cards],
        now,
        old_after=timedelta(minutes=notify.data_older_than_minutes),
        holds_above=notify.holds_above,
        waiting_since=waiting_since,
    )
    span = visit.query("span") if visit.query("span") in SPANS else "day"
    hour = now - timedelta(hours=1)
    told = [row for row in ledger.inbox.told() if row["entity"] in visit.entities]
    return visit.page(
        "overview.html",
        verdict=verdict,
        never=all(card.last is None for card in cards),
        cards=cards,
        load=_load(health, hour),
        troubled={reason.entity for reason in verdict.reasons},
        lag=lag,
        age=age,
        budgets=health.budgets(),
        may_lift=visit.may(PREFLIGHT),
        events=sum(row["events"] for row in told),
        waiting=sum(one.events for one in waiting),
        waiting_since=waiting_since,
        unaligned=[one for one in told_of if not one.aligned],
        answered_in=health.answered_in(visit.entities, hour),
        span=span,
        plots=_plots(health, visit.entities, span, now),
        width=plots.WIDTH,
        height=plots.HEIGHT,
    )


@router.post("/pauses/{system}")
def lifted(visit: Looking, form: Sent, system: str) -> Response:
    """Somebody lets all tasks ask a system again before the time it told them to wait is over."""
    if system not in SYSTEMS:
        raise HTTPException(404)
    required(visit, PREFLIGHT)
    if not lift_pause(visit.ledger.engine, system):
        return visit.go("/", f"{system_title(system)} is not paused any more.")
    log.warning("%s lifted the pause that %s had asked for.", visit.person.name, system)
    return visit.go("/", f"Requests to {system_title(system)} go on within half a minute.")


def _cards(visit: Visit, health: Health, now: datetime) -> list[Card]:
    entities = visit.entities
    settled, aligned, drifted = (
        health.settled(entities),
        visit.ledger.inbox.aligned(entities),
        health.reconciled(entities),
    )
    of_day = health.outcomes(entities, now - timedelta(days=1))
    of_hour = health.outcomes(entities, now - timedelta(hours=1))
    reasons = Worklist(visit.ledger.engine).reasons(entities)
    cards = []
    for entity in entities:
        runs = [run for run in visit.ledger.runs.last(entity, 30) if run.purpose == "sync"]
        mine = [one for one in reasons if one.entity == entity]
        cards.append(
            Card(
                entity=entity,
                last=next(iter(runs), None),
                decisive=next((run for run in runs if not accounts.is_dry(run)), None),
                aligned=entity in aligned,
                settled=settled.get(entity),
                cursors=health.cursors(entity),
                linked=counted_lately(health.engine, ("linked", entity), partial(health.linked, entity)),
                held={one.code: one.holds - one.dismissed for one in mine if one.holds > one.dismissed},
                dismissed=sum(one.dismissed for one in mine),
                changes={system: counts for (name, system), counts in of_day.items() if name == entity},
                lately={system: counts for (name, system), counts in of_hour.items() if name == entity},
                drift=drifted.get(entity),
            )
        )
    return cards


def _load(health: Health, since: datetime) -> list[SystemLoad]:
    """Both systems, also where no request was made: it may be because they are paused."""
    found = {one.system: one for one in health.load(since)}
    return [found.pop(name, SystemLoad(name, 0, 0, None)) for name in SYSTEMS] + list(found.values())


def _facts(card: Card) -> Facts:
    last = card.decisive
    state = last.state if last else ""
    return Facts(
        entity=card.entity,
        as_of=card.settled.started_at if card.settled else None,
        aligned=card.aligned,
        failed=(last.error or "It did not say why.") if last and state == "failed" else None,
        to_do=accounts.to_do(last) if last and state == "failed" else "",
        run_id=last.id if last else "",
        running_since=last.started_at if last and state == "running" else None,
        refused=int(last.accounts.get("failed") or 0) if last and state == "succeeded" else 0,
        held=card.held,
    )


def age(moment: datetime, now: datetime) -> str:
    """How old what was read then is."""
    return lasting(max(0.0, (now - moment).total_seconds()))


def lag(one: CursorAt, now: datetime) -> str:
    """How far reading is behind. Cursors that are times say it themselves; of versions only since when there was
    nothing newer."""
    try:
        moment = datetime.fromisoformat(one.cursor)
    except ValueError:
        return f"last moved {ago(one.moved_at, now)}"
    if moment.tzinfo is None or one.cursor.isdigit():
        return f"last moved {ago(one.moved_at, now)}"
    return f"{age(moment, now)} behind"


def _plots(health: Health, entities: Sequence[str], span: str, now: datetime) -> list[plots.Plot]:
    step, length, steps = SPANS[span]
    start = now.replace(minute=0, second=0, microsecond=0)
    if step == "day":
        start = start.replace(hour=0)
    since = start - length * (steps - 1)

    def drawn(title: str, count: Callable[[], Sequence[Point]]) -> plots.Plot:
        counted = counted_today if step == "day" else counted_lately
        points = counted(health.engine, (title, tuple(entities), since, step), count)
        return plots.plot(title, {one.at: one.values for one in points}, since, length, steps)

    return [
        drawn("Changes written, by entity", partial(health.writes, entities, since, step)),
        drawn("Requests, by system", partial(health.requests, since, step)),
        drawn("Holds opened and released", partial(health.held, entities, since, step)),
    ]
