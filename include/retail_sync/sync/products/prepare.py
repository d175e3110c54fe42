"""From staged pages to a stored plan: map, mirror, plan, write the plan down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Agreement, ChangeRow, Link, new_id
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.records.products import Kind, ProductTables, column_of, identity_columns, table
from retail_sync.records.types import DTYPES
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.decisions import decided_of
from retail_sync.sync.engine.plan import PlanSummary, bury_unsettled, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, waits_for_approval
from retail_sync.sync.engine.request import Direction
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.unreadable import Unread, is_unreadable
from retail_sync.sync.products.mirror import ENTITY, KINDS, see
from retail_sync.sync.products.plan import LinkRef, Plan, PlanInput
from retail_sync.sync.products.planner import plan_products
from retail_sync.sync.products.refusals import refused_of
from retail_sync.sync.products.scope import load_all, load_scope


def keep_capabilities(staging: Staging, system: SystemName, capabilities: Capabilities) -> None:
    """Stage what a system can do, for the plan, which opens no system."""
    staging.write_document(f"{system}/capabilities", to_document(capabilities))


def capabilities_of(staging: Staging, system: SystemName) -> Capabilities:
    return from_document(Capabilities, staging.read_document(f"{system}/capabilities"))


def prepare_plan(
    ledger: Ledger,
    staging: Staging,
    settings: SyncSettings,
    *,
    now: datetime,
    dry_run: bool,
    direction: Direction = "both",
    limited: bool = False,
    full: bool = False,
) -> PlanSummary:
    """Mirror what was read, plan it together with what is due again, and store the plan.

    `limited`: a `keys` run looks only at what it read, not at everything that is due. `full`: everything was read; any
    other run loads only what its records depend on. In a dry run the plan is
    stored as `not_applied`, and no link or base value is kept. What the read proved to be gone is in staging.
    """
    run_id = staging.run_id
    affected: dict[str, dict[Kind, set[str]]] = {s: {"product": set(), "variant": set()} for s in SYSTEMS}
    read: dict[str, int] = {}
    older = 0
    for system in SYSTEMS:
        tables = ProductTables(
            products=staging.read_table(f"{system}/products"),
            variants=staging.read_table(f"{system}/variants"),
        )
        tables = canonical(tables)
        seen = see(ledger, run_id, system, tables)
        older += sum(counts.older for counts in seen.values())
        for kind in KINDS:
            ids = set(tables.of(kind)["id"])
            affected[system][kind] |= ids
            read[f"{system} {kind}s"] = len(ids)
    unread = Unread.of(staging, SYSTEMS)
    recalled = 0 if limited else _recall(ledger, now, affected)
    recalled += _bury(ledger, staging, affected)
    if not limited:
        recalled += _recall_removals(ledger, affected)
    scope = load_all(ledger) if full else load_scope(ledger, affected)
    given = PlanInput(
        sides=scope.sides,
        links=scope.links,
        affected=affected,
        settings=settings.products,
        till_locale=settings.shop.till_locale,
        decided=decided_of(ledger, ENTITY),
        # Who names a record by its key wants it tried.
        refused={} if limited else refused_of(ledger, ENTITY, now),
        linked_elsewhere=scope.linked_elsewhere,
        capabilities={system: capabilities_of(staging, system) for system in SYSTEMS},
    )
    recalled = _only_known(given, read, recalled)
    plan = plan_products(given)
    bury_unsettled(ledger, run_id, ENTITY)
    batches, stored = _store(ledger, run_id, plan, settings, dry_run=dry_run, direction=direction)
    if not dry_run:
        _keep_links(ledger, run_id, plan)
    summary = PlanSummary(
        read=read,
        dispositions=counted(plan.dispositions["disposition"]),
        changes=counted(f"{c.system} {c.action}" for c in plan.changes),
        holds=counted(h.code for h in plan.holds),
        warnings={**counted(w.code for w in plan.warnings), **unread.counts},
        matched=sum(1 for link in plan.new_links if link.kind == "variant"),
        batches=batches,
        stored=stored,
        older=older,
        recalled=recalled,
        first_holds=[
            {"label": h.label, "code": h.code, "message": h.message}
            for h in [*(h for h in plan.holds if h.code != "waiting"), *plan.holds][:10]
        ],
    )
    staging.write_document(
        "plan",
        {
            "summary": summary.as_dict(),
            "holds": [
                asdict(one)
                for one in [*map(hold_draft, plan.holds), *unread.drafts(_KIND_OF_ROWS.__getitem__)]
            ],
            "warnings": [asdict(draft) for draft in map(hold_draft, plan.warnings)],
            "considered": [
                *considered_subjects(affected),
                *([] if limited else [[REMOVAL, f"{system}:{ALL}"] for system in SYSTEMS]),
                *([] if limited else unread.settled(ledger, ENTITY, _all_ids(affected), full=False)),
            ],
            "dispositions": plan.dispositions.to_dict("list"),
        },
    )
    return summary


_KIND_OF_ROWS: Mapping[str, Kind] = {"commercetools": "product", "lightspeed": "variant"}
"""What a row of each system is."""


def _all_ids(affected: Mapping[str, Mapping[Kind, set[str]]]) -> set[str]:
    return {one for kinds in affected.values() for ids in kinds.values() for one in ids}


def canonical(tables: ProductTables) -> ProductTables:
    """Tables read back from Parquet with their canonical dtypes."""
    return ProductTables(
        products=_canonical("product", tables.products), variants=_canonical("variant", tables.variants)
    )


def _canonical(kind: Kind, frame: pd.DataFrame) -> pd.DataFrame:
    """Cells were canonical when they were staged: where columns kept their dtypes nothing is left to do."""
    kept = all(frame[name].dtype == DTYPES[column_of(kind, name).type] for name in frame.columns)
    return frame if kept and set(identity_columns(kind)) <= set(frame.columns) else table(kind, frame)


def _recall(ledger: Ledger, now: datetime, affected: dict[str, dict[Kind, set[str]]]) -> int:
    """What is due again by itself joins the run, as last seen."""
    recalled = 0
    for hold in ledger.holds.due(ENTITY, now):
        if is_unreadable(hold):
            continue
        system, record = hold.subject.split(":", 1)
        kind: Kind = "product" if hold.kind == "product" else "variant"
        if record not in affected[system][kind]:
            affected[system][kind].add(record)
            recalled += 1
    return recalled


def _recall_removals(ledger: Ledger, affected: dict[str, dict[Kind, set[str]]]) -> int:
    """Removals that wait for a person are looked at together, all of them, by every run."""
    joined = 0
    for system in waits_for_approval(ledger.holds.open_holds(ENTITY)):
        waiting = ledger.mirror.linked_and_off(ENTITY, "variant", system, "product", "listed")
        joined += len(waiting - affected[system]["variant"])
        affected[system]["variant"] |= waiting
    return joined


def _bury(ledger: Ledger, staging: Staging, affected: dict[str, dict[Kind, set[str]]]) -> int:
    """What the read has proven to be gone joins the run, so that the deletion policy can speak."""
    joined = 0
    for system, kinds in affected.items():
        gone = Gone.of(staging, system)
        of_variants = (ENTITY, "variant", system)
        buried: dict[Kind, list[str]] = {"variant": ledger.mirror.mark_gone(*of_variants, gone.ids, gone.at)}
        buried["product"] = ledger.mirror.mark_childless(
            ENTITY, "product", system, "variant", buried["variant"], gone.at
        )
        for kind in KINDS:
            joined += len(set(buried[kind]) - kinds[kind])
            kinds[kind] |= set(buried[kind])
    return joined


def _only_known(given: PlanInput, read: dict[str, int], recalled: int) -> int:
    """A hold whose record no longer exists in the mirror has nothing to look at; it is not counted as recalled."""
    lost = 0
    for system, kinds in given.affected.items():
        for kind, ids in kinds.items():
            unknown = ids - set(given.sides[system].of(kind)["id"])
            lost += len(unknown)
            ids -= unknown
    return recalled - lost


def _store(
    ledger: Ledger, run_id: str, plan: Plan, settings: SyncSettings, *, dry_run: bool, direction: Direction
) -> tuple[int, int]:
    """Store the plan's changes; how many batches they make, and how many changes the run has now."""
    units = list(dict.fromkeys(change.unit for change in plan.changes))
    size = settings.limits.batch_size
    batch_of = {unit: position // size for position, unit in enumerate(units)}
    earlier = ledger.changes.taken_up(run_id)
    begun = {(row.kind, row.subject, row.system) for row in earlier}
    rows = [
        ChangeRow(
            run_id=run_id,
            batch=batch_of[change.unit],
            entity=ENTITY,
            kind=change.kind,
            subject=change.subject,
            label=change.label,
            system=change.system,
            action=change.action,
            unit=change.unit,
            source_id=change.source_id,
            source_version=change.source_version,
            target_id=change.target_id,
            target_version=change.target_version,
            before=change.before,
            after=change.after,
            reasons=change.reasons,
            idempotency_key=change.idempotency_key,
            outcome="not_applied" if dry_run or not _allowed(direction, change.system) else "planned",
        )
        for change in plan.changes
        if (change.kind, change.subject, change.system) not in begun
    ]
    ledger.changes.store(rows, replace_run=run_id)
    batches = max([1, -(-len(units) // size), *(row.batch + 1 for row in earlier)])
    return batches, len(rows) + len(earlier)


def _allowed(direction: Direction, target: str) -> bool:
    return direction == "both" or direction == f"to_{target}"


def _keep_links(ledger: Ledger, run_id: str, plan: Plan) -> None:
    for link in plan.retired:
        if link.link_id:
            ledger.links.retire(link.link_id)
    wanted = [link.parent or (link.commercetools_id, link.lightspeed_id) for link in plan.new_links]
    standing = ledger.links.read(ENTITY, "product", commercetools_ids={online for online, _ in wanted})
    products = {(row.commercetools_id, row.lightspeed_id): row.id for row in standing}
    fresh = [link for link in plan.new_links if link.kind == "product"]
    made: list[Link] = []
    for link in fresh:
        pair = (link.commercetools_id, link.lightspeed_id)
        products[pair] = products.get(pair) or new_id()
        made.append(_link(link, run_id, products[pair], None))
    made.extend(
        _link(link, run_id, new_id(), products.get(link.parent) if link.parent else None)
        for link in plan.new_links
        if link.kind == "variant"
    )
    ledger.links.add(made)
    ledger.links.agree(
        [Agreement(link.link_id, link.base, link.resent) for link in plan.agreed if link.link_id]
    )


def _link(link: LinkRef, run_id: str, link_id: str, parent_id: str | None) -> Link:
    return Link(
        id=link_id,
        entity=ENTITY,
        kind=link.kind,
        commercetools_id=link.commercetools_id,
        lightspeed_id=link.lightspeed_id,
        parent_id=parent_id,
        base=dict(link.base),
        matched_by=link.matched_by,
        resent=dict(link.resent),
        run_id=run_id,
    )


def considered_subjects(affected: dict[str, dict[Kind, set[str]]]) -> list[list[str]]:
    return [
        [kind, f"{system}:{record}"]
        for system, kinds in sorted(affected.items())
        for kind, ids in sorted(kinds.items())
        for record in sorted(ids)
    ]
