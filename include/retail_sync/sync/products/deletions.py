"""What is gone on one side, or no longer offered: followed on the other side by policy, never by deleting."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.removals import REMOVAL, Part, guard
from retail_sync.sync.products.drafts import Draft, Work, product_of
from retail_sync.sync.products.plan import LinkRef


def follow_deletions(work: Work) -> None:
    view, settings = work.view, work.given.settings
    concerned = _products_concerned(work)
    held = {f"{f.system}:{f.id}" for f in work.holds} | {str(f.evidence.get("partner")) for f in work.holds}
    for link in work.pairing.links["variant"]:
        for source in view.systems:
            if f"{source}:{link.side(source)}" in held:
                continue
            target = "lightspeed" if source == "commercetools" else "commercetools"
            if f"{target}:{link.side(target)}" in held:
                continue
            here, there = link.side(source), link.side(target)
            if not view.is_live(target, "variant", there) or view.row(source, "variant", here) is None:
                continue
            if not (
                view.is_affected(source, "variant", here)
                or view.is_affected(target, "variant", there)
                or (target == "commercetools" and view.product_of(target, there) in concerned)
            ):
                continue
            deleted = view.is_deleted(source, "variant", here)
            left_assortment = not deleted and not view.is_listed(
                source, product_of(view, "variant", source, here)
            )
            if deleted and settings.deletions == "report":
                work.holds.append(_deleted_finding(work, link, source, target))
            elif deleted or (left_assortment and settings.assortment.leaving == "deactivate"):
                why = f"deleted in {source}" if deleted else f"left the assortment in {source}"
                _draft_deactivation(work, link, source, target, why)


def _products_concerned(work: Work) -> set[str]:
    """Online products of which a pair is looked at. They go as a whole, so all their pairs are looked at: it has to be
    remembered of each that it was we who switched it off."""
    view = work.view
    return {
        view.product_of("commercetools", link.commercetools_id)
        for link in work.pairing.links["variant"]
        if any(view.is_affected(system, "variant", link.side(system)) for system in view.systems)
    }


def _deleted_finding(work: Work, link: LinkRef, source: str, target: str) -> Finding:
    return Finding(
        kind="variant",
        system=source,
        id=link.side(source),
        label=work.view.label(target, "variant", link.side(target)),
        code="deleted",
        severity="hold",
        message=f"Deleted in {source}, still there in {target}. Reported only (products.deletions).",
        evidence={"partner": f"{target}:{link.side(target)}"},
    )


def _draft_deactivation(work: Work, link: LinkRef, source: str, target: str, why: str) -> None:
    view = work.view
    row = view.variant(target, link.side(target))
    if row is None or pd.isna(row.get("active")) or not bool(row["active"]):
        return
    product = str(row["product_id"])
    if target == "commercetools" and _something_still_sold(work, product):
        # Online a product goes as a whole; while a sister variant is sold this one can only be reported.
        work.warnings.append(replace(_deleted_finding(work, link, source, target), severity="warn"))
        return
    work.drafts.append(
        Draft(
            kind="variant",
            source=source,
            source_id=link.side(source),
            target=target,
            action="deactivate",
            link=link,
            target_id=link.side(target),
            target_product=product,
            source_product=product_of(view, "variant", source, link.side(source)),
            after={"active": False},
            before={"active": True},
            reasons={"active": why},
        )
    )


def _something_still_sold(work: Work, product: str) -> bool:
    view = work.view
    partners = {link.commercetools_id: link.lightspeed_id for link in work.pairing.links["variant"]}
    live = view.live_variants("commercetools")
    for record in live.index[live["product_id"] == product]:
        partner = partners.get(str(record))
        if partner is None:
            return True
        listed = view.is_listed("lightspeed", product_of(view, "variant", "lightspeed", partner))
        if not view.is_deleted("lightspeed", "variant", partner) and listed:
            return True
    return False


def guard_removals(work: Work) -> None:
    """Where most of a system's records would be switched off on the other side, none of them is, and a person looks."""
    view, settings = work.view, work.given.settings
    for source in view.systems:
        drafts = [one for one in work.drafts if one.action == "deactivate" and one.source == source]
        if not drafts:
            continue
        target = "lightspeed" if source == "commercetools" else "commercetools"
        part = Part(
            system=source,
            name=f"the articles of {source} that are linked",
            ids=[one.source_id for one in drafts],
            labels=[view.label(target, "variant", str(one.target_id)) for one in drafts],
            of=sum(
                view.is_live(target, "variant", link.side(target)) for link in work.pairing.links["variant"]
            )
            + work.given.linked_elsewhere(target),
        )
        finding = guard(
            part, settings.most_removed_percent, work.given.decided.removals, "products.most_removed_percent"
        )
        if finding is None:
            continue
        work.holds.append(finding)
        work.withheld |= {(source, one.kind, one.source_id): REMOVAL for one in drafts}
        stopped = {id(one) for one in drafts}
        work.drafts = [one for one in work.drafts if id(one) not in stopped]
