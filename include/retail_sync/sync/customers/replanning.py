"""Changes planned anew from what the ledger holds now."""

from __future__ import annotations

from collections.abc import Sequence

from retail_sync.ledger.rows import ChangeRow
from retail_sync.sync.customers.bench import Bench
from retail_sync.sync.customers.loading import load_world
from retail_sync.sync.customers.planner import change_row, plan_customers
from retail_sync.sync.customers.prepare import keep_links
from retail_sync.sync.engine.apply import planned_again
from retail_sync.sync.engine.findings import Finding


def replanned(bench: Bench, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
    """What is left to do of these changes (see `planned_again`). A pair that was found meanwhile is linked."""
    affected: dict[str, set[str]] = {"commercetools": set(), "lightspeed": set()}
    for change in changes:
        source = "lightspeed" if change.system == "commercetools" else "commercetools"
        affected[source].add(str(change.source_id))
        if change.target_id:
            affected[change.system].add(change.target_id)
    world = load_world(
        bench.ledger,
        bench.settings,
        bench.terms,
        {"commercetools": affected["commercetools"], "lightspeed": affected["lightspeed"]},
    )
    plan = plan_customers(world)
    with bench.ledger.together() as books:
        keep_links(books, bench.run_id, plan)
    made: dict[tuple[str, str], ChangeRow] = {
        (one.target, one.source.id): change_row(one, bench.run_id, "planned", 0) for one in plan.changes
    }
    held: dict[str, Finding] = {}
    for finding in plan.holds:
        held.setdefault(finding.subject, finding)
        if "partner" in finding.evidence:
            held.setdefault(str(finding.evidence["partner"]), finding)
    return planned_again(
        bench.ledger,
        changes,
        lambda change: made.get((change.system, str(change.source_id))),
        lambda change: held.get(change.subject),
    )
