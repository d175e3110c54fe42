"""The account of a run as sums that a person can add up, and what to do where it went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from retail_sync.console.vocabulary import many, number
from retail_sync.ledger.rows import ChangeCount, Run

ANYBODY = "not recorded"


@dataclass(frozen=True)
class Sum:
    """`left` and `right` are counts by name that have to come to the same; `about` says what is counted."""

    about: str
    left: Sequence[tuple[str, int]]
    right: Sequence[tuple[str, int]]

    @property
    def totals(self) -> tuple[int, int]:
        return sum(count for _, count in self.left), sum(count for _, count in self.right)

    @property
    def adds_up(self) -> bool:
        return self.totals[0] == self.totals[1]


def sums_of(run: Run) -> list[Sum]:
    """Both sums of a run; none while it has no account."""
    given = run.accounts
    if "changes" not in given:
        return []

    def counts(*names: tuple[str, str]) -> list[tuple[str, int]]:
        return [(words, int(given.get(name) or 0)) for words, name in names]

    settled = counts(
        ("Applied", "applied"),
        ("Already there", "already_there"),
        ("Failed", "failed"),
        ("Not applied", "not_applied"),
    )
    return [
        Sum(
            "Records",
            counts(("Read", "read"), ("Due again or changed since", "recalled")),
            counts(
                ("Unchanged", "unchanged"), ("Planned", "planned"), ("Held", "held"), ("Ignored", "ignored")
            ),
        ),
        Sum("Changes", counts(("Planned", "changes")), settled),
    ]


def adds_up(run: Run) -> bool:
    """False only where there is an account and it does not add up."""
    return all(one.adds_up for one in sums_of(run))


def path_of(run_id: str) -> str:
    """The page of a run within the console. Ids of runs hold slashes, colons and plus signs."""
    return f"/runs/{quote(run_id, safe='/:+')}"


def asked_by(run: Run) -> str:
    """Who triggered the run, as Airflow knew them then."""
    return str(run.params.get("asked_by") or run.params.get("by") or ANYBODY)


def is_dry(run: Run) -> bool:
    return bool(run.params.get("dry_run"))


def seconds(run: Run) -> float | None:
    """How long the run took; None while it runs."""
    return (run.finished_at - run.started_at).total_seconds() if run.finished_at else None


def kind_of(run: Run) -> str:
    """`full dry run`, `run of 3 keys`, `delta run with a plan`: what it was asked to do, in a few words."""
    keys = run.params.get("keys") or ()
    scope = f"run of {many(len(keys), 'key')}" if keys else f"{run.mode} run"
    if is_dry(run):
        scope = f"dry {scope}" if keys else f"{run.mode} dry run"
    return f"{scope} with a plan" if run.params.get("plan") else scope


def sentence(run: Run) -> tuple[str, str]:
    """What came of the run, and how good that is (good, warn, bad)."""
    given = run.accounts
    if run.state == "running":
        return "The run is under way. Load this page again to see more.", "warn"
    if run.state == "failed" and run.params.get("plan") and not _begun(given):
        return "The run failed, and nothing was written.", "bad"
    if run.state == "failed":
        return "The run failed.", "bad"
    changes, held = int(given.get("changes") or 0), int(given.get("holds") or 0)
    kept = f" {many(held, 'hold')} kept back what could not be done." if held else ""
    if is_dry(run):
        plan = f"It would make {many(changes, 'change')}." if changes else "There is nothing to do."
        return f"Dry run, nothing was written. {plan}{kept}", "good"
    if not changes:
        return f"There was nothing to write.{kept}", "warn" if held else "good"
    done = int(given.get("applied") or 0) + int(given.get("already_there") or 0)
    failed = int(given.get("failed") or 0)
    bad = f", {number(failed)} failed" if failed else ""
    return (
        f"{done} of {many(changes, 'change')} done{bad}.{kept}",
        "warn" if failed or held else "good",
    )


def to_do(run: Run) -> str:
    """What a person does about a run that failed."""
    given = run.accounts
    if run.remedy:
        return run.remedy
    if not adds_up(run) or given.get("unsettled"):
        return (
            "Clear the first task of the run that did not succeed, with what comes after it. Nothing is skipped: the "
            "cursors did not move."
        )
    if run.params.get("plan") and not _begun(given):
        return "Make a new dry run, look at its plan, and apply that one."
    return (
        "Look at the failed changes and the holds below. What is written stays written, and the next run takes up the "
        "rest by itself."
    )


def would_write(run: Run, counts: Iterable[ChangeCount]) -> list[tuple[str, str, int]]:
    """What applying the plan of a dry run writes: system, action, how many; only the direction it was asked for."""
    direction = str(run.params.get("direction") or "both")
    found: dict[tuple[str, str], int] = {}
    for one in counts:
        if direction in ("both", f"to_{one.system}"):
            found[(one.system, one.action)] = found.get((one.system, one.action), 0) + one.count
    return [(system, action, count) for (system, action), count in sorted(found.items())]


def windows_of(run: Run) -> list[tuple[str, str, str]]:
    """What was read: feed, from, to. What else a run noted beside its windows is left out."""
    return [
        (str(name), str(one.get("lower") or "the beginning"), str(one.get("upper") or "the end"))
        for name, one in run.windows.items()
        if isinstance(one, Mapping) and {"lower", "upper"} <= one.keys()
    ]


def _begun(given: Mapping[str, Any]) -> bool:
    return any(given.get(name) for name in ("applied", "already_there", "failed", "unsettled"))
