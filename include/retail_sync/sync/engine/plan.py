"""What every entity's plan is made with: its direction, its numbers, and what an earlier run left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, HoldDraft
from retail_sync.records.products import Kind
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.findings import Finding

FIRST_HOLDS = 10
"""Holds told in a log."""
SHOWN = 20
"""Changes told in a log."""

ALONG = "served along"
"""Mark of changes that were planned while the plan of their run was being written."""


def _by_unit(change: ChangeRow) -> Hashable:
    return change.unit


def _nothing() -> None:
    return


@dataclass(frozen=True, kw_only=True)
class EntityPlan:
    """What an entity wants written, kept and told; `store_plan` does it.

    Numbers: `read`, rows by what they are; `older`, rows behind what the mirror holds; `recalled`, records looked at
    though nothing of them was read; `dispositions`, records by what became of them; `matched`, pairs found;
    `warned`, warnings that are no findings; `details`, numbers of the entity's own.
    """

    read: Mapping[str, int] = field(default_factory=dict)
    older: int = 0
    recalled: int = 0
    matched: int = 0
    dispositions: Mapping[str, int] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    units: Iterable[Sequence[ChangeRow]] = ()
    """What is written together, in the order in which it is written. May be read once only."""
    batch_size: int = 1
    counts_changes: bool = False
    """Whether a batch is so many changes, and not so many units."""
    identity: Callable[[ChangeRow], Hashable] = _by_unit
    """What two plans of a run know a change by: one that has begun is not stored again."""
    settled_may_change: bool = False
    """Whether what this run has settled already may be written once more by it."""

    holds: Sequence[HoldDraft] = ()
    warnings: Sequence[HoldDraft] = ()
    also_held: Sequence[HoldDraft] = ()
    """Kept as holds, and counted among the warnings."""
    considered: Iterable[Sequence[str]] = ()
    """(kind, subject) of the holds that end unless they are held again."""
    keep: Callable[[], None] = _nothing
    """Stores links and agreed values; not called in a dry run."""
    windows: Mapping[str, Any] = field(default_factory=dict)
    """What the next run compares with."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """What later steps of this run need."""

    lines: Sequence[str] = ()
    head: Sequence[str] = ()
    shows: Sequence[Sequence[Any]] = ()
    """The first changes for a person, as a table with this `head`. Names records: for the log only."""
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class PlannedRun:
    """A plan in numbers (`summary`, which may leave the task), and what is told of it in the log only."""

    summary: dict[str, Any]
    first_holds: Sequence[Mapping[str, Any]]
    told: EntityPlan


def store_plan(run: RunContext, entity: str, plan: EntityPlan) -> PlannedRun:
    """Store a plan: its changes in the ledger, its numbers and holds in staging (document `plan`). What an earlier
    attempt at this run began stays as it is. In a dry run, and against the run's direction, changes are stored as
    `not_applied`; a dry run keeps nothing else."""
    bury_unsettled(run.ledger, run.run_id, entity)
    stored = _StoredChanges(run, plan)
    if not run.request.dry_run:
        plan.keep()
    if plan.windows:
        windows = {**run.ledger.runs.get(run.run_id).windows, **plan.windows}
        run.ledger.runs.set_windows(run.run_id, windows)
    first = sorted(plan.holds, key=lambda hold: hold.code == "waiting")[:FIRST_HOLDS]
    summary = {
        "read": dict(plan.read),
        "dispositions": dict(plan.dispositions),
        "changes": dict(sorted(stored.actions.items())),
        "holds": counted(hold.code for hold in plan.holds),
        "warnings": {**counted(one.code for one in plan.warnings), **plan.warned},
        "matched": plan.matched,
        "batches": stored.batches,
        "stored": stored.total,
        "older": plan.older,
        "recalled": plan.recalled,
        **plan.details,
    }
    first_holds = [{"label": str(one.label), "code": one.code, "message": one.message} for one in first]
    run.staging.write_document(
        "plan",
        {
            "summary": {**summary, "first_holds": first_holds},
            "holds": [asdict(one) for one in [*plan.holds, *plan.also_held]],
            "warnings": [asdict(one) for one in plan.warnings],
            "considered": [list(one) for one in plan.considered],
            **plan.document,
        },
    )
    return PlannedRun(summary, first_holds, plan)


class _StoredChanges:
    """Changes of a plan, stored as they come. `actions`: all that were planned, by system and action; `total`: changes
    the run has now; `batches`: that they make."""

    def __init__(self, run: RunContext, plan: EntityPlan) -> None:
        self.actions: Counter[str] = Counter()
        self.total = 0
        self.batches = 0
        self._plan = plan
        self._request = run.request
        taken_up = run.ledger.changes.taken_up(run.run_id)
        earlier = [change for change in taken_up if change.idempotency_key != ALONG]
        for change in earlier:
            self._count(change.batch)
        self._begun = {
            plan.identity(change)
            for change in taken_up
            if change.outcome == "planned" or not plan.settled_may_change
        }
        run.ledger.changes.store(self._rows(), replace_run=run.run_id)

    def _rows(self) -> Iterator[ChangeRow]:
        plan, filled, batch = self._plan, 0, 0
        for unit in plan.units:
            if filled >= plan.batch_size:
                filled, batch = 0, batch + 1
            filled += len(unit) if plan.counts_changes else 1
            for change in unit:
                self.actions[f"{change.system} {change.action}"] += 1
                if plan.identity(change) not in self._begun:
                    self._count(batch)
                    yield replace(change, batch=batch, outcome=self._request.outcome_in(change.system))

    def _count(self, batch: int) -> None:
        self.total += 1
        self.batches = max(self.batches, batch + 1)


def bury_unsettled(ledger: Ledger, run_id: str, entity: str) -> None:
    """Writes that a dead run began and never settled: both sides were read since, so this plan knows what came of
    them, and whatever is still missing is planned again. A worker of that run that is only paused writes nothing any
    more from here on. Raises LeaseHeld while it still may."""
    buried = [
        change.id
        for change in ledger.changes.unsettled(entity=entity)
        if change.run_id != run_id and ledger.runs.get(change.run_id).state != "running"
    ]
    if not buried:
        return
    ledger.leases.retire(entity, f"the plan of {run_id}")
    ledger.changes.settle(
        [
            ChangeOutcome(
                change_id=change_id,
                outcome="superseded",
                error="Its run ended before the answer came.",
                remedy=f"Nothing: both sides were read again and planned anew in run {run_id}.",
            )
            for change_id in buried
        ]
    )


def hold_draft(finding: Finding) -> HoldDraft:
    """A finding as the ledger keeps it."""
    return HoldDraft(
        kind=finding.kind,
        subject=finding.subject,
        code=finding.code,
        message=finding.message,
        severity=finding.severity,
        system=finding.system,
        source_id=finding.id,
        label=finding.label,
        field=finding.field or None,
        evidence=finding.evidence,
        release=finding.release,
    )


def counted(values: Iterable[Any]) -> dict[str, int]:
    """How often each value is there, by name."""
    return dict(sorted(Counter(map(str, values)).items()))


@dataclass(frozen=True)
class PlannedChange:
    """One planned write of one record.

    `subject` names the record it comes from (`system:id`); `unit` groups what is sent to one target product;
    `before`/`after` hold canonical plain values of the changed fields; `reasons` says why, per field.
    """

    kind: Kind
    subject: str
    label: str
    system: str
    action: Literal["create", "update", "deactivate"]
    unit: str
    source_id: str
    source_version: int | None
    target_id: str | None
    target_version: int | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reasons: Mapping[str, str]
    idempotency_key: str
