"""Plan single articles anew from today's ledger, while a run writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from retail_sync.ledger.rows import ChangeRow
from retail_sync.sync.engine.apply import planned_again
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.inventory.availability import work_out
from retail_sync.sync.inventory.bench import Bench
from retail_sync.sync.inventory.change_rows import change_rows
from retail_sync.sync.inventory.loading import load_given
from retail_sync.sync.inventory.planner import plan_stock


def planned_now(bench: Bench, products: Collection[str]) -> tuple[list[ChangeRow], dict[str, Finding]]:
    """What the ledger says is to do for these articles now, and which of them are held."""
    if not products:
        return [], {}
    given = load_given(
        bench.ledger, bench.settings, bench.layout, datetime.now(UTC), products=products, offers=bench.offers
    )
    skus = set(given.articles["sku"].dropna())
    plan = plan_stock(work_out(given), bench.ledger.stock.entries(skus), bench.settings)
    made = list(change_rows(plan, bench.run_id, "planned", bench.settings.inventory.batch_size))
    return made, {finding.id: finding for finding in plan.holds}


def replanned(bench: Bench, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
    """What is left to do of these changes, as today's ledger wants them (see `planned_again`)."""
    made, held = planned_now(bench, {str(change.source_id) for change in changes})
    wanted = {change.unit: change for change in made}
    return planned_again(
        bench.ledger,
        changes,
        lambda change: wanted.get(change.unit),
        lambda change: held.get(str(change.source_id)),
    )
