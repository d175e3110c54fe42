"""A lease that never runs out, for tests of what lies below the engine; and time that passes for leases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text

from retail_sync.ledger.ledger import Ledger


@dataclass
class StandingLease:
    """The right to write whatever a test writes."""

    name: str = "a test"
    fence: int = 1

    async def require(self, seconds: float) -> None:
        return

    def began(self, change_ids: Collection[str]) -> None:
        return

    def has_begun(self, change_id: str) -> bool:
        return True


def let_leases_run_out(ledger: Ledger) -> None:
    """The time of every lease is over by the ledger's clock."""
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE leases SET until = least(until, clock_timestamp())"))
