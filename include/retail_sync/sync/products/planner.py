"""From two sides and their links to a plan: what to write where, what to hold back, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from retail_sync.records.products import Kind
from retail_sync.records.refs import RecordRef
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import PlannedChange
from retail_sync.sync.products.creations import create_missing
from retail_sync.sync.products.deletions import follow_deletions, guard_removals
from retail_sync.sync.products.drafts import KINDS, Draft, RecordName, Work, product_of, waiting
from retail_sync.sync.products.pairing import pair
from retail_sync.sync.products.plan import LinkRef, Plan, PlanInput
from retail_sync.sync.products.refusals import leave_refused
from retail_sync.sync.products.revivals import switch_on_again
from retail_sync.sync.products.updates import merge_links
from retail_sync.sync.products.validation import check_rules
from retail_sync.sync.products.view import View


def plan_products(given: PlanInput) -> Plan:
    """The plan for everything `given.affected` names. Pure: nothing is read or written elsewhere."""
    view = View(given)
    pairing = pair(given, view)
    work = Work(given, view, pairing, holds=list(pairing.findings), warnings=list(pairing.warnings))
    _spread_blocks(work)
    merge_links(work)
    switch_on_again(work)
    follow_deletions(work)
    create_missing(work)
    check_rules(work)
    leave_refused(work)
    if given.guarded:
        guard_removals(work)
    return _finished(work)


def _spread_blocks(work: Work) -> None:
    """A blocked identity keeps its whole product back, on both sides."""
    held = {(f.kind, f.system, f.id) for f in work.holds}
    for finding in [f for f in work.holds if f.severity == "block"]:
        sides = [(finding.system, finding.id)]
        if "partner" in finding.evidence:
            partner = RecordRef.parse(str(finding.evidence["partner"]))
            sides.append((partner.system, partner.id))
        for system, variant in sides:
            product = work.view.product_of(system, variant)
            for kind, record in [
                ("product", product),
                *(("variant", v) for v in work.view.variants_of(system, product)),
            ]:
                if (kind, system, record) not in held and work.view.is_affected(system, kind, record):  # type: ignore[arg-type]
                    held.add((kind, system, record))
                    why = f"Its product is held: {finding.code}."
                    work.holds.append(replace(waiting(work, system, record, why), kind=kind))


def _finished(work: Work) -> Plan:
    changes = [_change(work, draft) for draft in work.drafts]
    new_links = [
        replace(link, base=dict(work.agreed.get((link.kind, link.commercetools_id, link.lightspeed_id), {})))
        for link in work.pairing.new()
    ]
    agreed: list[LinkRef] = []
    for link in (link for kind in KINDS for link in work.pairing.links[kind] if link.link_id is not None):
        pair = (link.kind, link.commercetools_id, link.lightspeed_id)
        if pair in work.agreed or pair in work.notes:
            base = {**link.base, **work.agreed.get(pair, {})}
            agreed.append(replace(link, base=base, resent=work.notes.get(pair, link.resent)))
    return Plan(
        changes=changes,
        holds=_unique(work.holds),
        warnings=_unique(work.warnings),
        new_links=new_links,
        agreed=agreed,
        retired=[link for link in work.pairing.retired if link.link_id is not None],
        dispositions=_dispositions(work),
    )


def _unique(findings: Iterable[Finding]) -> list[Finding]:
    seen: dict[tuple[str, str, str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.kind, finding.subject, finding.code, finding.field), finding)
    return list(seen.values())


def _change(work: Work, draft: Draft) -> PlannedChange:
    view = work.view
    source = view.row(draft.source, draft.kind, draft.source_id)
    target = view.row(draft.target, "product", draft.target_product) if draft.target_product else None
    own = view.row(draft.target, draft.kind, draft.target_id) if draft.target_id else None
    seen_in = own if own is not None else target
    return PlannedChange(
        kind=draft.kind,
        subject=draft.subject,
        label=view.label(draft.source, draft.kind, draft.source_id),
        system=draft.target,
        action=draft.action,
        unit=draft.unit,
        source_id=draft.source_id,
        source_version=_version(source),
        target_id=draft.target_id,
        target_version=_version(seen_in),
        before=draft.before,
        after=draft.after,
        reasons=draft.reasons,
        idempotency_key=f"{draft.source}-{draft.source_product}",
    )


def _version(row: Mapping[str, Any] | None) -> int | None:
    return None if row is None or pd.isna(row["version"]) else int(row["version"])


def _dispositions(work: Work) -> pd.DataFrame:
    """What became of every record this run looked at, on both sides. Nothing is left out: the rest is ignored."""
    partner = _partners(work)
    planned = {(d.source, d.kind, d.source_id) for d in work.drafts}
    planned |= {(d.target, d.kind, d.target_id) for d in work.drafts if d.target_id is not None}
    held = _held_records(work)
    rows: list[tuple[str, str, str, str, str]] = []
    for system, kinds in work.given.affected.items():
        for kind, ids in kinds.items():
            for record in sorted(ids):
                me: RecordName = (system, kind, record)
                other = partner.get(me)
                if me in planned or other in planned:
                    rows.append((*me, "planned", ""))
                elif me in held or other in held:
                    rows.append((*me, "held", held.get(me) or held[other or me]))
                elif other is not None:
                    rows.append((*me, "unchanged", ""))
                else:
                    rows.append((*me, "ignored", work.ignored.get(me) or _why_ignored(work, *me)))
    return pd.DataFrame(rows, columns=["system", "kind", "id", "disposition", "why"])


def _partners(work: Work) -> dict[RecordName, RecordName]:
    partner: dict[RecordName, RecordName] = {}
    for kind in KINDS:
        for link in work.pairing.links[kind]:
            left: RecordName = ("commercetools", kind, link.commercetools_id)
            right: RecordName = ("lightspeed", kind, link.lightspeed_id)
            partner[left], partner[right] = right, left
    return partner


def _held_records(work: Work) -> dict[RecordName, str]:
    """Every held record with the code that holds it; evidence may name a partner that is held with it."""
    held: dict[RecordName, str] = dict(work.withheld)
    for finding in work.holds:
        kind: Kind = "product" if finding.kind == "product" else "variant"
        held.setdefault((finding.system, kind, finding.id), finding.code)
        if "partner" in finding.evidence:
            partner = RecordRef.parse(str(finding.evidence["partner"]))
            held.setdefault((partner.system, kind, partner.id), finding.code)
    return held


def _why_ignored(work: Work, system: str, kind: Kind, record: str) -> str:
    if not work.view.is_live(system, kind, record):
        return "deleted and not linked"
    if not work.view.is_listed(system, product_of(work.view, kind, system, record)):
        return "not in the assortment"
    if kind == "product":
        return "none of its variants takes part"
    return "nothing to do"
