"""Overview: is everything in sync, how old is the data, and does anything need a person?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from include.console import accounts, plots
from include.console.verdict import Facts, verdict_of
from include.console.visit import Looking, Visit
from include.ledger.health import CursorAt, Health, Point, Settled, Step
from include.ledger.rows import Run
from include.ledger.worklist import Worklist

router = APIRouter()

SPANS: dict[str, tuple[Step, timedelta, int]] = {
    "day": ("hour", timedelta(hours=1), 24),
    "fortnight": ("day", timedelta(days=1), 14),
}
"""What plots show: the step, its length, and how many."""


@dataclass(frozen=True)
class Card:
    """One entity. `changes`: outcomes of the last day by target; `drift`: the latest reconciliation, if any."""

    entity: str
    last: Run | None
    settled: Settled | None
    cursors: Sequence[CursorAt]
    linked: dict[str, int]
    held: dict[str, int]
    dismissed: int
    changes: dict[str, dict[str, int]]
    drift: Run | None

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
    waiting = {one.entity: one for one in ledger.inbox.waiting() if one.entity in visit.entities}
    notify = visit.settings.notify
    verdict = verdict_of(
        [_facts(card) for card in cards],
        now,
        old_after=timedelta(minutes=notify.data_older_than_minutes),
        holds_above=notify.holds_above,
        waiting_since=min((one.since for one in waiting.values()), default=None),
    )
    span = visit.query("span") if visit.query("span") in SPANS else "day"
    hour = now - timedelta(hours=1)
    told = [row for row in ledger.inbox.told() if row["entity"] in visit.entities]
    return visit.page(
        "overview.html",
        verdict=verdict,
        never=all(card.last is None for card in cards),
        cards=cards,
        accounts=accounts,
        load=health.load(hour),
        budgets=health.budgets(),
        events=sum(row["events"] for row in told),
        waiting=sum(one.events for one in waiting.values()),
        waiting_since=min((one.since for one in waiting.values()), default=None),
        answered_in=health.answered_in(hour),
        span=span,
        plots=_plots(health, visit.entities, span, now),
        width=plots.WIDTH,
        height=plots.HEIGHT,
    )


def _cards(visit: Visit, health: Health, now: datetime) -> list[Card]:
    settled, outcomes = health.settled(visit.entities), health.outcomes(now - timedelta(days=1))
    reasons = Worklist(visit.ledger.engine).reasons(visit.entities)
    cards = []
    for entity in visit.entities:
        runs = visit.ledger.last_runs(entity, 30)
        mine = [one for one in reasons if one.entity == entity]
        cards.append(
            Card(
                entity=entity,
                last=next((run for run in runs if run.dag_id != "reconcile"), None),
                settled=settled.get(entity),
                cursors=health.cursors(entity),
                linked=health.linked(entity),
                held={one.code: one.holds - one.dismissed for one in mine if one.holds > one.dismissed},
                dismissed=sum(one.dismissed for one in mine),
                changes={system: counts for (name, system), counts in outcomes.items() if name == entity},
                drift=next(
                    (run for run in runs if run.dag_id == "reconcile" and run.state == "succeeded"), None
                ),
            )
        )
    return cards


def _facts(card: Card) -> Facts:
    last = card.last
    failed = last is not None and last.state == "failed"
    return Facts(
        entity=card.entity,
        succeeded_at=card.settled.finished_at if card.settled else None,
        failed=(last.error or "it did not say why") if failed and last is not None else None,
        failed_run=last.id if last is not None else "",
        running=last is not None and last.state == "running",
        held=card.held,
    )


def _plots(health: Health, entities: Sequence[str], span: str, now: datetime) -> list[plots.Plot]:
    step, length, steps = SPANS[span]
    start = now.replace(minute=0, second=0, microsecond=0)
    if step == "day":
        start = start.replace(hour=0)
    since = start - length * (steps - 1)

    def drawn(title: str, points: Sequence[Point], only: Any = None) -> plots.Plot:
        by_time = {
            one.at: {name: count for name, count in one.values.items() if only is None or name in only}
            for one in points
        }
        return plots.plot(title, by_time, since, length, steps)

    return [
        drawn("Changes written, by entity", health.writes(since, step), frozenset(entities)),
        drawn("Requests, by system, and errors", health.requests(since, step)),
        drawn("Holds opened and released", health.held(since, step)),
    ]
