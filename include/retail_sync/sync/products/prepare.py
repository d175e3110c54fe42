"""From staged pages to a stored plan: map, mirror, plan, write the plan down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Agreement, ChangeRow, Link, new_id
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.records.products import Kind, ProductTables, column_of, identity_columns, table
from retail_sync.records.types import DTYPES
from retail_sync.sync.engine.absence import Gone
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.decisions import decided_of
from retail_sync.sync.engine.plan import EntityPlan, counted, hold_draft
from retail_sync.sync.engine.removals import ALL, REMOVAL, waits_for_approval
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


def prepare(run: RunContext) -> EntityPlan:
    """Mirror what was read, and plan it together with what is due again. A run of keys looks only at what it read. What
    the read proved to be gone is in staging."""
    ledger, staging, settings = run.ledger, run.staging, run.settings
    limited = run.request.limited
    affected: dict[str, dict[Kind, set[str]]] = {s: {"product": set(), "variant": set()} for s in SYSTEMS}
    read: dict[str, int] = {}
    older = 0
    for system in SYSTEMS:
        tables = ProductTables(
            products=staging.read_table(f"{system}/products"),
            variants=staging.read_table(f"{system}/variants"),
        )
        tables = canonical(tables)
        seen = see(ledger, run.run_id, system, tables)
        older += sum(counts.older for counts in seen.values())
        for kind in KINDS:
            ids = set(tables.of(kind)["id"])
            affected[system][kind] |= ids
            read[f"{system} {kind}s"] = len(ids)
    unread = Unread.of(staging, SYSTEMS)
    recalled = 0 if limited else _recall(ledger, run.now(), affected)
    recalled += _bury(ledger, staging, affected)
    if not limited:
        recalled += _recall_removals(ledger, affected)
    scope = load_all(ledger) if run.request.full else load_scope(ledger, affected)
    given = PlanInput(
        sides=scope.sides,
        links=scope.links,
        affected=affected,
        settings=settings.products,
        till_locale=settings.shop.till_locale,
        decided=decided_of(ledger, ENTITY),
        # Who names a record by its key wants it tried.
        refused={} if limited else refused_of(ledger, ENTITY, run.now()),
        linked_elsewhere=scope.linked_elsewhere,
        capabilities={system: capabilities_of(staging, system) for system in SYSTEMS},
    )
    recalled = _only_known(given, read, recalled)
    plan = plan_products(given)
    return EntityPlan(
        read=read,
        older=older,
        recalled=recalled,
        matched=sum(1 for link in plan.new_links if link.kind == "variant"),
        dispositions=counted(plan.dispositions["disposition"]),
        warned=unread.counts,
        units=_units(plan, run.run_id),
        batch_size=settings.limits.batch_size,
        identity=lambda change: (change.kind, change.subject, change.system),
        holds=[hold_draft(hold) for hold in plan.holds],
        warnings=[hold_draft(warning) for warning in plan.warnings],
        also_held=unread.drafts(_KIND_OF_ROWS.__getitem__),
        considered=[
            *considered_subjects(affected),
            *([] if limited else [[REMOVAL, f"{system}:{ALL}"] for system in SYSTEMS]),
            *([] if limited else unread.settled(ledger, ENTITY, _all_ids(affected), full=False)),
        ],
        keep=lambda: _keep_links(ledger, run.run_id, plan),
        document={"dispositions": plan.dispositions.to_dict("list")},
    )


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
        system, record = hold.ref.system, hold.ref.id
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


def _units(plan: Plan, run_id: str) -> Iterable[list[ChangeRow]]:
    """The changes of each target product."""
    units: dict[str, list[ChangeRow]] = {}
    for change in plan.changes:
        row = ChangeRow(run_id=run_id, entity=ENTITY, **vars(change))
        units.setdefault(change.unit, []).append(row)
    return units.values()


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
