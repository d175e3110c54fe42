"""From two sides and their links to a plan: what to write where, what to hold back, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd

from include.records.products import Kind, column_of
from include.records.types import DTYPES, canonical_json, canonical_value, digest, plain_value
from include.sync.findings import Finding
from include.sync.merging import FieldDecision, merge_field
from include.sync.pairing import Pairing, pair
from include.sync.plan import LinkRef, Plan, PlanInput, PlannedChange
from include.sync.rules import Desired, check
from include.sync.view import View

KINDS: tuple[Kind, Kind] = ("product", "variant")
NOT_BLOCKING = frozenset({"warn", "drop field"})


@dataclass
class Draft:
    """A change in the making."""

    kind: Kind
    source: str
    source_id: str
    target: str
    action: Literal["create", "update", "deactivate"]
    link: LinkRef | None
    target_id: str | None
    target_product: str | None
    source_product: str
    after: dict[str, Any]
    before: dict[str, Any]
    reasons: dict[str, str]

    @property
    def subject(self) -> str:
        return f"{self.source}:{self.source_id}"

    @property
    def unit(self) -> str:
        if self.target_product is not None:
            return f"{self.target}:{self.target_product}"
        return f"{self.target}:new:{self.source}:{self.source_product}"


@dataclass
class _Work:
    given: PlanInput
    view: View
    pairing: Pairing
    drafts: list[Draft] = field(default_factory=list)
    holds: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    agreed: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    ignored: dict[tuple[str, str, str], str] = field(default_factory=dict)


def plan_products(given: PlanInput) -> Plan:
    """The plan for everything `given.affected` names. Pure: nothing is read or written elsewhere."""
    view = View(given)
    pairing = pair(given, view)
    work = _Work(given, view, pairing, holds=list(pairing.findings))
    _merge_links(work)
    _follow_deletions(work)
    _create_missing(work)
    _check_rules(work)
    return _finished(work)


# --- linked records ---------------------------------------------------------------------------------------------


def _merge_links(work: _Work) -> None:
    held = {finding.subject for finding in work.holds}
    for kind in KINDS:
        links = [link for link in work.pairing.links[kind] if _to_merge(link, work, held)]
        if links:
            _merge_kind(work, kind, links)


def _to_merge(link: LinkRef, work: _Work, held: set[str]) -> bool:
    view = work.view
    sides = [(s, link.side(s)) for s in view.systems]
    if any(f"{s}:{i}" in held or not view.is_live(s, link.kind, i) for s, i in sides):
        return False
    if not all(view.is_listed(s, _product_of(view, link.kind, s, i)) for s, i in sides):
        return False
    return any(view.is_affected(s, link.kind, i) for s, i in sides)


def _product_of(view: View, kind: Kind, system: str, record: str) -> str:
    if kind == "product":
        return record
    return str(view.frames[system]["variant"]["product_id"].get(record))


def _merge_kind(work: _Work, kind: Kind, links: list[LinkRef]) -> None:
    view, settings = work.view, work.given.settings
    left = (
        view.frames["commercetools"][kind]
        .loc[[link.commercetools_id for link in links]]
        .reset_index(drop=True)
    )
    right = view.frames["lightspeed"][kind].loc[[link.lightspeed_id for link in links]].reset_index(drop=True)
    skew = pd.Timedelta(seconds=settings.clock_skew_seconds)
    per_pair: dict[int, dict[str, FieldDecision]] = {}
    shared = [n for n in view.merged("commercetools", kind) if n in view.merged("lightspeed", kind)]
    for name in shared:
        owner = settings.owner_of(name)
        if owner == "none":
            continue
        theirs = right[name]
        if name == "active" and owner != "commercetools":
            theirs = _sold_at_all(view, right)
        decision = merge_field(
            name,
            owner,
            left[name],
            theirs,
            _bases(links, kind, name),
            left["modified_at"],
            right["modified_at"],
            skew,
        )
        _remember_agreement(work, kind, links, decision)
        for position in decision.left.index[
            decision.to_lightspeed | decision.to_commercetools | decision.conflict
        ]:
            per_pair.setdefault(int(position), {})[name] = decision
    for position, decisions in per_pair.items():
        _draft_updates(work, links[position], position, decisions)


def _sold_at_all(view: View, right: pd.DataFrame) -> pd.Series:
    """Online a product is published or not as a whole: it is, while any of its variants is sold at the till."""
    live = view.live_variants("lightspeed")
    any_active = live.groupby("product_id")["active"].any()
    return right["product_id"].map(any_active).astype("boolean")


def _bases(links: list[LinkRef], kind: Kind, name: str) -> pd.Series:
    column = column_of(kind, name)
    cells = [canonical_value(column.type, link.base[name]) if name in link.base else None for link in links]
    return pd.Series(cells, dtype=DTYPES[column.type])


def _remember_agreement(work: _Work, kind: Kind, links: list[LinkRef], decision: FieldDecision) -> None:
    """Where both sides show the same value, that value is the new base, however it came about."""
    type_name = column_of(kind, decision.name).type
    for position in decision.left.index[decision.agreed]:
        link = links[int(position)]
        value = plain_value(type_name, decision.left[position])
        if decision.name not in link.base or link.base[decision.name] != value:
            work.agreed.setdefault((kind, link.commercetools_id, link.lightspeed_id), {})[decision.name] = (
                value
            )


def _draft_updates(work: _Work, link: LinkRef, position: int, decisions: dict[str, FieldDecision]) -> None:
    view = work.view
    for target in view.systems:
        source = "lightspeed" if target == "commercetools" else "commercetools"
        after: dict[str, Any] = {}
        before: dict[str, Any] = {}
        reasons: dict[str, str] = {}
        for name, decision in decisions.items():
            goes = decision.to_lightspeed if target == "lightspeed" else decision.to_commercetools
            if not bool(goes[position]):
                continue
            wins, loses = (
                (decision.left, decision.right) if target == "lightspeed" else (decision.right, decision.left)
            )
            type_name = column_of(link.kind, name).type
            value = plain_value(type_name, wins[position])
            if _resent_too_often(work, link, target, name, value):
                continue
            after[name], before[name] = value, plain_value(type_name, loses[position])
            reasons[name] = decision.reason(position)
        if after:
            work.drafts.append(
                Draft(
                    kind=link.kind,
                    source=source,
                    source_id=link.side(source),
                    target=target,
                    action="update",
                    link=link,
                    target_id=link.side(target),
                    target_product=_product_of(view, link.kind, target, link.side(target)),
                    source_product=_product_of(view, link.kind, source, link.side(source)),
                    after=after,
                    before=before,
                    reasons=reasons,
                )
            )
    for name, decision in decisions.items():
        if bool(decision.conflict[position]):
            _hold_conflict(work, link, name, decision, position)


def _resent_too_often(work: _Work, link: LinkRef, target: str, name: str, value: Any) -> bool:
    """The same value, written again and again without being kept: the target alters it, so stop writing it."""
    sent = link.resent.get(f"{target}.{name}")
    settings = work.given.settings
    if settings.rules.value_not_kept == "off" or not sent or sent.get("digest") != digest({name: value}):
        return False
    if int(sent.get("times", 0)) < settings.resend_limit:
        return False
    source = "lightspeed" if target == "commercetools" else "commercetools"
    _report(
        work,
        Finding(
            kind=link.kind,
            system=source,
            id=link.side(source),
            label=work.view.label(source, link.kind, link.side(source)),
            code="value_not_kept",
            severity=settings.rules.value_not_kept,
            message=f"{name} was written to {target} {sent['times']} times and shows another value each time.",
            field=name,
            evidence={"written": value, "partner": f"{target}:{link.side(target)}"},
        ),
    )
    return True


def _hold_conflict(work: _Work, link: LinkRef, name: str, decision: FieldDecision, position: int) -> None:
    type_name = column_of(link.kind, name).type
    work.holds.append(
        Finding(
            kind=link.kind,
            system="commercetools",
            id=link.commercetools_id,
            label=work.view.label("commercetools", link.kind, link.commercetools_id),
            code="conflict",
            severity="hold",
            message=f"{name} was changed on both sides.",
            field=name,
            evidence={
                "commercetools": plain_value(type_name, decision.left[position]),
                "lightspeed": plain_value(type_name, decision.right[position]),
                "last agreed": plain_value(type_name, decision.base[position]),
                "partner": f"lightspeed:{link.lightspeed_id}",
            },
        )
    )


# --- what is gone, or no longer offered ---------------------------------------------------------------------------


def _follow_deletions(work: _Work) -> None:
    view, settings = work.view, work.given.settings
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
            if not (view.is_affected(source, "variant", here) or view.is_affected(target, "variant", there)):
                continue
            deleted = view.is_deleted(source, "variant", here)
            left_assortment = not deleted and not view.is_listed(
                source, _product_of(view, "variant", source, here)
            )
            if deleted and settings.deletions == "report":
                work.holds.append(_deleted_finding(work, link, source, target))
            elif deleted or (left_assortment and settings.assortment.leaving == "deactivate"):
                why = f"deleted in {source}" if deleted else f"left the assortment in {source}"
                _draft_deactivation(work, link, source, target, why)


def _deleted_finding(work: _Work, link: LinkRef, source: str, target: str) -> Finding:
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


def _draft_deactivation(work: _Work, link: LinkRef, source: str, target: str, why: str) -> None:
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
            source_product=_product_of(view, "variant", source, link.side(source)),
            after={"active": False},
            before={"active": True},
            reasons={"active": why},
        )
    )


def _something_still_sold(work: _Work, product: str) -> bool:
    view = work.view
    partners = {link.commercetools_id: link.lightspeed_id for link in work.pairing.links["variant"]}
    live = view.live_variants("commercetools")
    for record in live.index[live["product_id"] == product]:
        partner = partners.get(str(record))
        if partner is None:
            return True
        listed = view.is_listed("lightspeed", _product_of(view, "variant", "lightspeed", partner))
        if not view.is_deleted("lightspeed", "variant", partner) and listed:
            return True
    return False


# --- what is missing on the other side ------------------------------------------------------------------------------


def _create_missing(work: _Work) -> None:
    for source in work.view.systems:
        _create_from(work, source)


def _create_from(work: _Work, source: str) -> None:
    view, settings = work.view, work.given.settings
    target = "lightspeed" if source == "commercetools" else "commercetools"
    linked = {link.side(source) for link in work.pairing.links["variant"]}
    held = {f.id for f in work.holds if f.system == source and f.kind == "variant"}
    held |= {str(f.evidence["partner"]).split(":", 1)[1] for f in work.holds if _partner_in(f, source)}
    live = view.live_variants(source)
    loose = live[~live.index.isin(linked | held)]
    affected = {i for i in loose.index if view.is_affected(source, "variant", str(i))}
    touched = set(loose.loc[loose.index.isin(affected), "product_id"])
    loose = loose[loose["product_id"].isin(touched)]
    product_links = {link.side(source): link for link in work.pairing.links["product"]}
    for product_id, variants in loose.groupby("product_id", sort=False):
        product = str(product_id)
        reason = _why_not_created(work, source, target, product, variants)
        if reason:
            work.ignored.update({(source, "variant", str(i)): reason for i in variants.index})
            work.ignored.setdefault((source, "product", product), reason)
            continue
        if target == "commercetools" and product not in product_links and settings.product_type is None:
            work.holds.append(_no_product_type(work, source, product))
            work.holds.extend(_waiting(work, source, str(i)) for i in variants.index)
            continue
        _draft_creation(work, source, target, product, variants, product_links.get(product))


def _partner_in(finding: Finding, system: str) -> bool:
    return finding.kind == "variant" and str(finding.evidence.get("partner", "")).startswith(f"{system}:")


def _why_not_created(work: _Work, source: str, target: str, product: str, variants: pd.DataFrame) -> str:
    if not work.view.is_listed(source, product):
        return "not in the assortment"
    if target not in work.given.settings.create:
        return f"products.create does not name {target}"
    if not (variants["active"].fillna(True).astype(bool)).any():
        return "not active; goes over once it is"
    return ""


def _no_product_type(work: _Work, source: str, product: str) -> Finding:
    return Finding(
        kind="product",
        system=source,
        id=product,
        label=work.view.label(source, "product", product),
        code="no_product_type",
        severity="hold",
        message="There is no product type to create it with online.",
    )


def _waiting(work: _Work, system: str, variant: str, why: str = "Its product is held.") -> Finding:
    return Finding(
        kind="variant",
        system=system,
        id=variant,
        label=work.view.label(system, "variant", variant),
        code="waiting",
        severity="hold",
        message=why,
    )


def _draft_creation(
    work: _Work, source: str, target: str, product: str, variants: pd.DataFrame, link: LinkRef | None
) -> None:
    view = work.view
    target_product = link.side(target) if link else None
    if target_product is not None and not view.lives(target, target_product):
        why = f"Its product was deleted in {target}."
        work.holds.extend(_waiting(work, source, str(i), why) for i in variants.index)
        return
    if link is None:
        work.drafts.append(_creation(work, "product", source, product, target, product, None))
    for record in variants.index:
        work.drafts.append(_creation(work, "variant", source, str(record), target, product, target_product))


def _creation(
    work: _Work, kind: Kind, source: str, record: str, target: str, product: str, target_product: str | None
) -> Draft:
    fields = {
        name: value
        for name, value in work.view.fields(source, kind, record).items()
        if work.given.settings.owner_of(name) != "none"
        or name in ("images", "published", "options", "option_values")
    }
    return Draft(
        kind=kind,
        source=source,
        source_id=record,
        target=target,
        action="create",
        link=None,
        target_id=None,
        target_product=target_product,
        source_product=product,
        after=fields,
        before={},
        reasons={"": f"only in {source}"},
    )


# --- rules ----------------------------------------------------------------------------------------------------------


def _report(work: _Work, finding: Finding) -> None:
    (work.warnings if finding.severity in NOT_BLOCKING else work.holds).append(finding)


def _check_rules(work: _Work) -> None:
    for target in work.view.systems:
        drafts = [d for d in work.drafts if d.target == target and d.action != "deactivate"]
        if not drafts:
            continue
        findings = check(_desired(work, target, drafts), work.given.settings)
        for finding in findings:
            _report(work, finding)
            if finding.severity == "drop field":
                _drop_field(drafts, finding)
        _hold_back(work, drafts, findings)
    work.drafts = [draft for draft in work.drafts if draft.after or draft.action == "create"]


def _drop_field(drafts: list[Draft], finding: Finding) -> None:
    for draft in drafts:
        if draft.subject == finding.subject and draft.kind == finding.kind and finding.field in draft.after:
            if finding.code == "barcode_invalid" and finding.evidence.get("barcodes"):
                wrong = set(finding.evidence["barcodes"])
                draft.after["barcodes"] = [c for c in draft.after["barcodes"] if c not in wrong]
                if draft.action == "create" or draft.after["barcodes"] != draft.before.get("barcodes"):
                    continue
            draft.after.pop(finding.field)
            draft.before.pop(finding.field, None)
            draft.reasons.pop(finding.field, None)


def _hold_back(work: _Work, drafts: list[Draft], findings: list[Finding]) -> None:
    """A held record's drafts go; a blocked product takes all its variants with it; nobody is created without a product."""
    blocked: dict[tuple[str, str], Finding] = {}
    held: set[tuple[str, str]] = set()
    for finding in findings:
        if finding.severity in NOT_BLOCKING:
            continue
        held.add((finding.kind, finding.subject))
        if finding.severity == "block" or finding.kind == "product":
            product = _product_of(work.view, finding.kind, finding.system, finding.id)  # type: ignore[arg-type]
            blocked.setdefault((finding.system, product), finding)
    new_products = {
        (d.source, d.source_product) for d in drafts if d.kind == "product" and d.action == "create"
    }
    gone: set[int] = set()
    for draft in drafts:
        key = (draft.source, draft.source_product)
        block = blocked.get(key)
        whole = block is not None and (block.severity == "block" or key in new_products)
        if (draft.kind, draft.subject) in held or whole:
            gone.add(id(draft))
            if (draft.kind, draft.subject) not in held:
                held.add((draft.kind, draft.subject))
                why = f"Its product is held: {block.code}." if block else "Its product is held."
                work.holds.append(
                    replace(_waiting(work, draft.source, draft.source_id, why), kind=draft.kind)
                )
    for source, product in sorted(new_products):
        own = [d for d in drafts if (d.source, d.source_product) == (source, product) and id(d) not in gone]
        if own and not any(d.kind == "variant" for d in own):
            gone.update(id(d) for d in own)
            work.holds.append(
                Finding(
                    kind="product",
                    system=source,
                    id=product,
                    label=work.view.label(source, "product", product),
                    code="no_variants_left",
                    severity="hold",
                    message="All its variants are held.",
                )
            )
    work.drafts = [draft for draft in work.drafts if id(draft) not in gone]


def _desired(work: _Work, target: str, drafts: list[Draft]) -> Desired:
    """The written records as they would be in the target afterwards, with what the target holds beside them."""
    rows: dict[Kind, list[dict[str, Any]]] = {"product": [], "variant": []}
    for draft in drafts:
        rows[draft.kind].append(_desired_row(work, draft))
    # A variant's rules look at its product: bring in the products whose own record is not written.
    present = {row["product"] for row in rows["product"]}
    for draft in drafts:
        key = f"{draft.source}:{draft.source_product}"
        if draft.kind == "variant" and key not in present and draft.target_product is not None:
            present.add(key)
            standing = replace_draft_with_product(draft)
            rows["product"].append({**_desired_row(work, standing), "changed": frozenset()})
    live = work.view.live_variants(target)
    standing_counts = live.groupby("product_id").size()
    for row in rows["product"]:
        row["standing"] = int(standing_counts.get(row["target_id"], 0)) if row["target_id"] is not None else 0
    updated = {d.target_id for d in drafts if d.kind == "variant" and d.target_id is not None}
    for row in rows["product"]:
        if row["target_id"] is not None:
            own = live.index[live["product_id"] == row["target_id"]] if updated else []
            row["standing"] -= sum(1 for i in own if i in updated)
    name_column = f"name.{work.given.till_locale}"
    return Desired(
        target=target,
        products=_frame("product", rows["product"]),
        variants=_frame("variant", rows["variant"]),
        taken=_taken(live),
        names=_names(work.view.live_products(target), name_column),
        name_column=name_column,
        families=target == "lightspeed",
    )


def replace_draft_with_product(draft: Draft) -> Draft:
    """The product record of a variant's draft, unchanged, so that rules can look at it."""
    return replace(
        draft,
        kind="product",
        source_id=draft.source_product,
        action="update",
        target_id=draft.target_product,
        after={},
        before={},
        reasons={},
    )


def _desired_row(work: _Work, draft: Draft) -> dict[str, Any]:
    view = work.view
    current = view.fields(draft.target, draft.kind, draft.target_id) if draft.target_id else {}
    source = view.row(draft.source, draft.kind, draft.source_id)
    extra = {} if draft.action == "create" else None
    row: dict[str, Any] = {**current, **draft.after}
    row.update(
        source=draft.source,
        source_id=draft.source_id,
        label=view.label(draft.source, draft.kind, draft.source_id),
        new=extra is not None,
        changed=frozenset(draft.after),
        product=f"{draft.source}:{draft.source_product}",
        target_id=draft.target_id,
        carry=source["carry"] if source is not None else None,
    )
    if draft.kind == "variant" and source is not None:
        row["currency"] = source.get("currency")
    return row


def _frame(kind: Kind, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rules see list-typed fields as canonical JSON text, as in every canonical table."""
    plain = {
        "source",
        "source_id",
        "label",
        "new",
        "changed",
        "product",
        "target_id",
        "standing",
        "carry",
        "currency",
    }
    names = list(dict.fromkeys(name for row in rows for name in row))
    base = ["source", "source_id", "label", "new", "changed", "product", "target_id", "standing"]
    out: dict[str, pd.Series] = {}
    for name in dict.fromkeys([*base, *names]):
        cells = [row.get(name) for row in rows]
        if name in plain:
            out[name] = pd.Series(cells, dtype="boolean" if name == "new" else "object")
            continue
        type_name = column_of(kind, name).type
        out[name] = pd.Series([canonical_value(type_name, cell) for cell in cells], dtype=DTYPES[type_name])
    return pd.DataFrame(out)


def _taken(live: pd.DataFrame) -> pd.DataFrame:
    from include.sync.matching import explode_json

    skus = live[["id", "sku"]].rename(columns={"sku": "code"})
    codes = explode_json(live, "barcodes").rename(columns={"value": "code"})
    both = pd.concat([skus, codes], ignore_index=True).rename(columns={"id": "owner"})
    both = both[both["code"].notna() & (both["code"].astype("string") != "")]
    return both.astype("object")


def _names(live: pd.DataFrame, name_column: str) -> pd.DataFrame:
    if name_column not in live.columns:
        return pd.DataFrame({"name": [], "owner": []}, dtype="object")
    named = live.loc[live[name_column].notna(), ["id", name_column]]
    return named.rename(columns={"id": "owner", name_column: "name"})


# --- the finished plan ------------------------------------------------------------------------------------------------


def _finished(work: _Work) -> Plan:
    changes = [_change(work, draft) for draft in work.drafts]
    new_links = [
        replace(link, base=dict(work.agreed.get((link.kind, link.commercetools_id, link.lightspeed_id), {})))
        for link in work.pairing.new()
    ]
    agreed = [
        replace(
            link, base={**link.base, **work.agreed[(link.kind, link.commercetools_id, link.lightspeed_id)]}
        )
        for kind in KINDS
        for link in work.pairing.links[kind]
        if link.link_id is not None and (link.kind, link.commercetools_id, link.lightspeed_id) in work.agreed
    ]
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


def _change(work: _Work, draft: Draft) -> PlannedChange:
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


def _version(row: pd.Series | None) -> int | None:
    return None if row is None or pd.isna(row["version"]) else int(row["version"])


def _dispositions(work: _Work) -> pd.DataFrame:
    """What became of every record this run looked at, on both sides. Nothing is left out: the rest is ignored."""
    partner: dict[tuple[str, Kind, str], tuple[str, Kind, str]] = {}
    for kind in KINDS:
        for link in work.pairing.links[kind]:
            left: tuple[str, Kind, str] = ("commercetools", kind, link.commercetools_id)
            right: tuple[str, Kind, str] = ("lightspeed", kind, link.lightspeed_id)
            partner[left], partner[right] = right, left
    planned = {(d.source, d.kind, d.source_id) for d in work.drafts}
    planned |= {(d.target, d.kind, d.target_id) for d in work.drafts if d.target_id is not None}
    held: dict[tuple[str, str, str], str] = {}
    for finding in work.holds:
        held.setdefault((finding.system, finding.kind, finding.id), finding.code)
        if "partner" in finding.evidence:
            system, record = str(finding.evidence["partner"]).split(":", 1)
            held.setdefault((system, finding.kind, record), finding.code)
    rows: list[tuple[str, str, str, str, str]] = []
    for system, kinds in work.given.affected.items():
        for kind, ids in kinds.items():
            for record in sorted(ids):
                me = (system, kind, record)
                other = partner.get(me)
                if me in planned or other in planned:
                    rows.append((*me, "planned", ""))
                elif me in held or (other is not None and other in held):
                    rows.append((*me, "held", held.get(me) or held[other]))  # type: ignore[index]
                elif other is not None:
                    rows.append((*me, "unchanged", ""))
                else:
                    rows.append((*me, "ignored", work.ignored.get(me) or _why_ignored(work, *me)))
    return pd.DataFrame(rows, columns=["system", "kind", "id", "disposition", "why"])


def _why_ignored(work: _Work, system: str, kind: Kind, record: str) -> str:
    if not work.view.is_live(system, kind, record):
        return "deleted and not linked"
    if not work.view.is_listed(system, _product_of(work.view, kind, system, record)):
        return "not in the assortment"
    if kind == "product":
        return "none of its variants takes part"
    return "nothing to do"


def fingerprint(change: PlannedChange) -> str:
    """Stable identity of a planned change, for comparing plans."""
    return digest(
        {"subject": change.subject, "system": change.system, "after": canonical_json(dict(change.after))}
    )
