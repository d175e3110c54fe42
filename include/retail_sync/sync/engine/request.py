"""What one run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from retail_sync.ledger.rows import Mode, Outcome, Purpose

Direction = Literal["both", "to_lightspeed", "to_commercetools"]


@dataclass(frozen=True)
class RunRequest:
    """One run's order. `keys`: only these; then neither mode nor cursor counts. `since`: look back at least to then
    (UTC). `approve`, `reject`: what a person decides about keys that wait for it; a run that decides is one of these
    keys. `plan`: the run in the ledger whose plan is applied, a dry run; what to read is what that run read (see
    `as_seen`). `purpose`: what it is for; one that reconciles writes nothing."""

    mode: Mode = "delta"
    dry_run: bool = False
    since: datetime | None = None
    keys: tuple[str, ...] = ()
    direction: Direction = "both"
    approve: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    plan: str = ""
    purpose: Purpose = "sync"

    @property
    def full(self) -> bool:
        """Everything is read, so that what is absent is proven to be gone."""
        return self.mode == "full" and not self.keys

    @property
    def limited(self) -> bool:
        return bool(self.keys)

    def outcome_in(self, system: str) -> Outcome:
        """What is planned for a system is stored as: to be written, unless this run must not write there."""
        return "not_applied" if self.dry_run or self.direction not in ("both", f"to_{system}") else "planned"

    def as_params(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "mode": self.mode,
            "dry_run": self.dry_run,
            "since": self.since.isoformat() if self.since else None,
            "keys": list(self.keys),
            "direction": self.direction,
            **({"approve": list(self.approve)} if self.approve else {}),
            **({"reject": list(self.reject)} if self.reject else {}),
            **({"plan": self.plan} if self.plan else {}),
        }
