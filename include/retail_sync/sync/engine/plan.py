"""What every entity's plan is made with: its direction, its numbers, and what an earlier run left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, HoldDraft
from retail_sync.records.products import Kind
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.staging import Staging


@dataclass(frozen=True)
class PlanSummary:
    """The plan in numbers; the plan itself is in the ledger and in staging (`plan` document). `stored`: changes of this
    run in the ledger, those that an earlier attempt at the run had begun before it was planned again included."""

    read: dict[str, int]
    dispositions: dict[str, int]
    changes: dict[str, int]
    holds: dict[str, int]
    warnings: dict[str, int]
    matched: int
    batches: int
    stored: int
    older: int
    recalled: int
    first_holds: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def prepare_nothing(ledger: Ledger, staging: Staging, entity: str) -> PlanSummary:
    """The plan of an entity that the settings switch off: nothing was read, nothing is to be done."""
    bury_unsettled(ledger, staging.run_id, entity)
    summary = PlanSummary({}, {}, {}, {}, {}, matched=0, batches=0, stored=0, older=0, recalled=0)
    staging.write_document(
        "plan",
        {"summary": summary.as_dict(), "holds": [], "warnings": [], "considered": [], "dispositions": {}},
    )
    return summary


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
