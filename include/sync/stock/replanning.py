"""Plan single articles anew from today's ledger, while a run writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from include.ledger.rows import ChangeOutcome, ChangeRow
from include.sync import outcomes
from include.sync.findings import Finding
from include.sync.stock.bench import Bench
from include.sync.stock.figures import work_out
from include.sync.stock.loading import load_given
from include.sync.stock.planning import plan_stock
from include.sync.stock.storing import change_rows


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


def replanned(bench: Bench, changes: Sequence[ChangeRow], products: Collection[str]) -> list[ChangeRow]:
    """These changes as today's ledger wants them. What is no longer needed is settled as already there, what may not
    be written any more as failed, which makes a hold of it."""
    if not changes:
        return []
    made, held = planned_now(bench, products)
    wanted = {change.unit: change for change in made}
    again: list[ChangeRow] = []
    settled: list[ChangeOutcome] = []
    for change in changes:
        now, finding = wanted.get(change.unit), held.get(str(change.source_id))
        if now is not None:
            again.append(
                replace(
                    change,
                    action=now.action,
                    target_id=now.target_id,
                    target_version=now.target_version,
                    before=now.before,
                    after=now.after,
                    reasons=now.reasons,
                )
            )
        elif finding is not None:
            settled.append(outcomes.held(change, finding))
        else:
            settled.append(outcomes.no_longer_needed(change))
    bench.ledger.changes.settle(settled)
    bench.ledger.changes.revise(again)
    return again
