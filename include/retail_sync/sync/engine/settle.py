"""The end of a run: holds and cursors in one transaction, accounts that must add up, a summary for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow, HoldDraft
from retail_sync.records.errors import ProtocolFault, SyncError
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.removals import stopped
from retail_sync.sync.engine.report import Accounts, accounts_of, told
from retail_sync.sync.engine.staging import Staging


class RunFailed(SyncError):
    """The run as a whole failed: accounts that don't add up, changes left open, or too many failures."""

    default_remedy = (
        "Read the summary above, then clear the failed task in Airflow; what is applied stays applied."
    )


@dataclass(frozen=True)
class Audited:
    accounts: Accounts
    summary: str
    open_holds: int
    cursors: Mapping[str, str]


PlaceOf = Callable[[ChangeRow], str | None]


def nowhere(_change: ChangeRow) -> str | None:
    return None


def audit(
    ledger: Ledger,
    staging: Staging,
    settings: SyncSettings,
    *,
    cursors: Mapping[str, str | None],
    dry_run: bool,
    full: bool,
    limited: bool,
    entity: str,
    along: int = 0,
    place_of: PlaceOf = nowhere,
) -> Audited:
    """Settle the run. Cursors move only when nothing is left open, and only together with the holds. `along`: changes
    that were planned while the plan was being written, besides those the plan counts. `place_of`: where a failed change
    was to go, if a record is written to several places, each of which may refuse it.

    Raises RunFailed (after storing everything) where the accounts don't add up, too large a share failed, or removals
    wait for a person.
    """
    run_id = staging.run_id
    document = staging.read_document("plan")
    outcomes: dict[str, int] = {str(o): n for o, n in ledger.changes.counts(run_id).items()}
    open_changes = outcomes.get("planned", 0)
    drafts = [HoldDraft(**draft) for draft in document["holds"]]
    drafts.extend(_failed_hold(change, place_of) for change in ledger.changes.read(run_id, outcome="failed"))
    counted = {**document["summary"], "stored": document["summary"]["stored"] + along}
    accounts = accounts_of(counted, outcomes, len(drafts))
    problem = _problem(accounts, settings) or _removals_stopped(document["holds"], dry_run=dry_run)
    # Where the accounts don't add up, something was lost: the next run has to read all of it again.
    # A run that was told to write in one direction only left the other direction's changes undone.
    restricted = outcomes.get("not_applied", 0) > 0
    safe = accounts.add_up and not (dry_run or limited or open_changes or restricted)
    moved = {system: cursor for system, cursor in cursors.items() if cursor is not None} if safe else {}
    settled = ledger.runs.settle(
        run_id,
        entity,
        cursors=moved,
        holds=drafts,
        considered=[(kind, subject) for kind, subject in document["considered"]],
        baseline=safe and full,
        first_retry=timedelta(minutes=settings.holds.first_retry_minutes),
        longest=timedelta(hours=settings.holds.longest_retry_hours),
    )
    open_holds = sum(ledger.holds.counts(entity).values())
    summary = told(entity, accounts, document["summary"])
    if dry_run:
        summary = "Dry run, nothing was written.\n" + summary
    ledger.runs.finish(
        run_id,
        "failed" if problem else "succeeded",
        accounts.as_dict(),
        summary,
        problem.message if problem else None,
        problem.remedy if problem else None,
    )
    if problem:
        raise problem
    return Audited(accounts, summary, open_holds, settled.cursors)


def _failed_hold(change: ChangeRow, place_of: PlaceOf) -> HoldDraft:
    source = change.ref.system
    return HoldDraft(
        kind=change.kind,
        subject=change.subject,
        code=change.error_code or "failed",
        message=change.error or "The write failed.",
        severity="hold",
        system=source,
        source_id=change.source_id,
        label=change.label,
        field=place_of(change),
        evidence={"wanted": dict(change.after), "target": change.system, "change": change.id},
        release=change.remedy,
    )


def _removals_stopped(holds: Sequence[Mapping[str, Any]], *, dry_run: bool) -> SyncError | None:
    """The run has written what is safe to write, and says aloud what it has not."""
    found = stopped(holds)
    if not found or dry_run:
        return None
    return RunFailed(
        " ".join(found),
        remedy="Everything else was written. Look whether they are really gone: if they are, approve these removals at "
        "the hold in the console (Holds, code removal); otherwise bring them back, and run again.",
    )


def _problem(accounts: Accounts, settings: SyncSettings) -> SyncError | None:
    if not accounts.add_up:
        return ProtocolFault(
            "The accounts do not add up: " + " ".join(accounts.problems()),
            remedy="Clear the first unfinished task of this run in Airflow. Nothing is skipped: the cursors stay.",
        )
    share = accounts.failed / accounts.changes if accounts.changes else 0.0
    if accounts.failed >= settings.limits.failed_least and share > settings.limits.failed_share:
        return RunFailed(
            f"{accounts.failed} of {accounts.changes} changes failed, more than {settings.limits.failed_share:.0%}.",
            remedy="Look at the holds: if they share one cause, mend it; they are tried again by themselves.",
        )
    return None
