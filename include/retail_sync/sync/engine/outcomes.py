"""What comes of a change that is not simply applied, in words for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow
from retail_sync.records.errors import RecordRejected, SyncError


class Told(Protocol):
    """What a finding says, of whatever record."""

    @property
    def code(self) -> str: ...

    @property
    def message(self) -> str: ...

    @property
    def release(self) -> str: ...


def held(change: ChangeRow, finding: Told) -> ChangeOutcome:
    """A rule forbids it by now: failed, which makes a hold of it."""
    return ChangeOutcome(
        change_id=change.id,
        outcome="failed",
        error_code=finding.code,
        error=finding.message,
        remedy=finding.release,
    )


def no_longer_needed(change: ChangeRow) -> ChangeOutcome:
    """The target shows what was wanted."""
    return ChangeOutcome(change_id=change.id, outcome="already_there", result_id=change.target_id)


def superseded(change: ChangeRow, why: str, remedy: str) -> ChangeOutcome:
    """Not sent, and not lost."""
    return ChangeOutcome(change_id=change.id, outcome="superseded", error=why, remedy=remedy)


def failed(change: ChangeRow, problem: SyncError, exchanges: Sequence[str] = ()) -> ChangeOutcome:
    """The target refuses it. `exchanges`: of attempts before the one that failed."""
    return ChangeOutcome(
        change_id=change.id,
        outcome="failed",
        error_code=problem.code if isinstance(problem, RecordRejected) else type(problem).__name__,
        error=problem.message,
        remedy=problem.remedy,
        exchange_ids=list(dict.fromkeys([*exchanges, *problem.exchange_ids])),
    )
