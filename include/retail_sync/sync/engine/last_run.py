"""What the last run that settled everything knew: for entities that compare their rules with those of the last run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Run

LATEST_RUNS = 50
"""How far back the last settled run is looked for."""
OVERLAP = timedelta(minutes=10)
"""How far a look at what changed in the ledger goes back behind the last one: a transaction may show a change with the
time at which it began."""


def last_settled(ledger: Ledger, entity: str) -> Mapping[str, Any] | None:
    """The windows of the last run of an entity that settled everything, and what it noted beside them; None = there was
    none lately."""
    run = last_settled_run(ledger, entity)
    return None if run is None else dict(run.windows)


def last_settled_run(ledger: Ledger, entity: str) -> Run | None:
    """The last run of an entity that settled everything."""
    for run in ledger.runs.last(entity, LATEST_RUNS):
        params = run.params
        if run.state == "succeeded" and not params.get("dry_run") and not params.get("keys"):
            return run
    return None
