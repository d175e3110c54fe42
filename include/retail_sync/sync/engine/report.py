"""The accounts of a run, and whether they add up.

    read + recalled = unchanged + planned + held + ignored          (records)
    changes         = applied + already there + failed + not applied (writes)

The left sides come from what was staged and planned, the right sides from dispositions and from what the ledger
says of each change: if they differ, something was lost on the way and the run fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MATCHED = {"products": "variants"}
"""What is matched of an entity, where it is not the entity itself."""


@dataclass(frozen=True)
class Accounts:
    """All counts of one run. Records are counted on both sides, so a linked pair that was read twice counts twice."""

    read: int
    recalled: int
    unchanged: int
    planned: int
    held: int
    ignored: int
    changes: int
    applied: int
    already_there: int
    failed: int
    not_applied: int
    unsettled: int
    holds: int

    def problems(self) -> list[str]:
        """Sentences that say where the accounts do not add up; empty when they do."""
        out: list[str] = []
        records = self.unchanged + self.planned + self.held + self.ignored
        if self.read + self.recalled != records:
            out.append(f"{self.read} read + {self.recalled} recalled records, but {records} accounted for.")
        settled = self.applied + self.already_there + self.failed + self.not_applied
        if self.changes != settled:
            out.append(
                f"{self.changes} changes planned, but {settled} settled ({self.unsettled} still open)."
            )
        if self.held and not self.holds:
            out.append(f"{self.held} records held, but no hold says why.")
        return out

    @property
    def add_up(self) -> bool:
        return not self.problems()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "add_up": self.add_up}


def accounts_of(summary: Mapping[str, Any], outcomes: Mapping[str, int], holds: int) -> Accounts:
    """Accounts from the plan's summary, the ledger's counts per outcome and the number of holds."""
    dispositions = summary["dispositions"]
    return Accounts(
        read=sum(summary["read"].values()),
        recalled=summary["recalled"],
        unchanged=dispositions.get("unchanged", 0),
        planned=dispositions.get("planned", 0),
        held=dispositions.get("held", 0),
        ignored=dispositions.get("ignored", 0),
        changes=summary["stored"],
        applied=outcomes.get("applied", 0),
        already_there=outcomes.get("already_there", 0),
        failed=outcomes.get("failed", 0),
        not_applied=outcomes.get("not_applied", 0) + outcomes.get("superseded", 0),
        unsettled=outcomes.get("planned", 0),
        holds=holds,
    )


def told(entity: str, accounts: Accounts, summary: Mapping[str, Any]) -> str:
    """The run in a few lines, as a person reads it in a log or a note."""
    lines = [
        f"{entity}: {accounts.read} records read"
        + (f", {accounts.recalled} due again" if accounts.recalled else "")
        + f": {accounts.unchanged} unchanged, {accounts.planned} planned, {accounts.held} held, "
        f"{accounts.ignored} ignored.",
        f"{accounts.changes} changes: {accounts.applied} applied, {accounts.already_there} already there, "
        f"{accounts.failed} failed, {accounts.not_applied} not applied.",
    ]
    if summary["changes"]:
        lines.append(
            "Planned: " + ", ".join(f"{count} {what}" for what, count in summary["changes"].items()) + "."
        )
    if summary["matched"]:
        lines.append(f"{summary['matched']} {MATCHED.get(entity, entity)} matched for the first time.")
    if summary["holds"]:
        lines.append(
            "Held: " + ", ".join(f"{count} {code}" for code, count in summary["holds"].items()) + "."
        )
    if summary["warnings"]:
        lines.append("Warnings: " + ", ".join(f"{n} {code}" for code, n in summary["warnings"].items()) + ".")
    lines.extend(
        f"  {hold['label']}: {hold['message']} ({hold['code']})" for hold in summary["first_holds"][:5]
    )
    lines.extend(accounts.problems())
    return "\n".join(lines)
