"""Linked records: what moves from which side to the other, and what a person has to settle."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from retail_sync.records.products import Kind, column_of
from retail_sync.records.types import (
    DTYPES,
    canonical_json,
    canonical_value,
    comparing,
    digest,
    plain_value,
    written,
)
from retail_sync.sync.engine.decisions import CONFLICT, about_conflict
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.merge import FieldDecision, merge_field
from retail_sync.sync.products.drafts import KINDS, Draft, Work, product_of, report
from retail_sync.sync.products.options import align_option_values, align_product_options
from retail_sync.sync.products.ours import ACTIVE
from retail_sync.sync.products.plan import LinkRef
from retail_sync.sync.products.revivals import offered, shows_already
from retail_sync.sync.products.rules import scans
from retail_sync.sync.products.view import View


def merge_links(work: Work) -> None:
    held = {finding.subject for finding in work.holds}
    for kind in KINDS:
        links = [link for link in work.pairing.links[kind] if _to_merge(link, work, held)]
        if links:
            _merge_kind(work, kind, links)


def _to_merge(link: LinkRef, work: Work, held: set[str]) -> bool:
    view = work.view
    sides = [(s, link.side(s)) for s in view.systems]
    if any(f"{s}:{i}" in held or not view.is_live(s, link.kind, i) for s, i in sides):
        return False
    if not all(view.is_listed(s, product_of(view, link.kind, s, i)) for s, i in sides):
        return False
    return any(view.is_affected(s, link.kind, i) for s, i in sides)


def _merge_kind(work: Work, kind: Kind, links: list[LinkRef]) -> None:
    view, settings = work.view, work.given.settings
    left = (
        view.frames["commercetools"][kind]
        .loc[[link.commercetools_id for link in links]]
        .reset_index(drop=True)
    )
    right = view.frames["lightspeed"][kind].loc[[link.lightspeed_id for link in links]].reset_index(drop=True)
    if kind == "product" and "options" in left.columns:
        left["options"] = align_product_options(view, left, right)
    if kind == "variant" and "option_values" in left.columns:
        left["option_values"] = align_option_values(view, left, right)
    if kind == "variant" and settings.rules.barcode_invalid == "drop field":
        for system, frame in (("commercetools", left), ("lightspeed", right)):
            _leave_out_unscannable(work, system, frame)
    skew = pd.Timedelta(seconds=settings.clock_skew_seconds)
    per_pair: dict[int, dict[str, FieldDecision]] = {}
    shared = [n for n in view.merged("commercetools", kind) if n in view.merged("lightspeed", kind)]
    for name in shared:
        owner = settings.owner_of(name)
        if owner == "none":
            continue
        ours, theirs = left[name], right[name]
        if name == ACTIVE:
            ours, theirs = offered(work, links, left, right)
        decision = merge_field(
            name,
            owner,
            ours,
            theirs,
            _bases(links, kind, name),
            left["modified_at"],
            right["modified_at"],
            skew,
            key=comparing(column_of(kind, name), capitals_count=settings.sku_capitals_count),
        )
        _remember_agreement(work, kind, links, decision)
        _settle_conflicts(work, links, decision)
        for position in decision.left.index[
            decision.to_lightspeed | decision.to_commercetools | decision.conflict
        ]:
            per_pair.setdefault(int(position), {})[name] = decision
    for position, decisions in per_pair.items():
        _draft_updates(work, links[position], position, decisions)


def _leave_out_unscannable(work: Work, system: str, frame: pd.DataFrame) -> None:
    """Codes that don't go over take no part in the comparison either: that the other side lacks them is no edit."""
    if "barcodes" not in frame.columns:
        return
    cells = frame["barcodes"].astype("object")
    for position, text in enumerate(cells):
        codes = json.loads(text) if isinstance(text, str) else []
        wrong = [code for code in codes if not scans(code)]
        if wrong:
            cells.iloc[position] = canonical_json([code for code in codes if code not in wrong])
            report(work, _unscannable(work, system, str(frame["id"].iloc[position]), wrong))
    frame["barcodes"] = cells.astype("string")


def _unscannable(work: Work, system: str, variant: str, wrong: list[str]) -> Finding:
    return Finding(
        kind="variant",
        system=system,
        id=variant,
        label=work.view.label(system, "variant", variant),
        code="barcode_invalid",
        severity="drop field",
        message=f"Barcode {', '.join(wrong)}: the check digit is wrong or it can't be scanned.",
        field="barcodes",
        evidence={"barcodes": wrong},
    )


def _bases(links: list[LinkRef], kind: Kind, name: str) -> pd.Series:
    column = column_of(kind, name)
    cells = [canonical_value(column.type, link.base[name]) if name in link.base else None for link in links]
    return pd.Series(cells, dtype=DTYPES[column.type])


def _remember_agreement(work: Work, kind: Kind, links: list[LinkRef], decision: FieldDecision) -> None:
    """Where both sides show the same value, that value is the new base, however it came about."""
    type_name = column_of(kind, decision.name).type
    for position in decision.left.index[decision.agreed]:
        link = links[int(position)]
        value = plain_value(type_name, decision.left[position])
        if decision.name not in link.base or link.base[decision.name] != value:
            work.agreed.setdefault((kind, link.commercetools_id, link.lightspeed_id), {})[decision.name] = (
                value
            )


def _settle_conflicts(work: Work, links: list[LinkRef], decision: FieldDecision) -> None:
    """Where a person said which of these two values counts, it goes over."""
    for position in decision.conflict.index[decision.conflict]:
        link = links[int(position)]
        subject = f"commercetools:{link.commercetools_id}"
        said = work.given.decided.winner(subject, decision.name, _about(link, decision, position))
        if said is not None:
            decision.settle(position, *said)


def _about(link: LinkRef, decision: FieldDecision, position: int) -> str:
    """What a decision about this conflict is about."""
    type_name = column_of(link.kind, decision.name).type
    left, right, base = (
        plain_value(type_name, side[position]) for side in (decision.left, decision.right, decision.base)
    )
    pair = (link.commercetools_id, link.lightspeed_id)
    return about_conflict(link.kind, pair, decision.name, left, right, base)


def _moment(cell: Any) -> str | None:
    return None if pd.isna(cell) else pd.Timestamp(cell).isoformat()


def _draft_updates(work: Work, link: LinkRef, position: int, decisions: dict[str, FieldDecision]) -> None:
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
            column = column_of(link.kind, name)
            standing = plain_value(column.type, loses[position])
            value = written(column, plain_value(column.type, wins[position]), standing)
            if name == ACTIVE and shows_already(view, target, link, value):
                continue
            if _never_took(link, source, target, name, view) or _resent_too_often(
                work, link, target, name, value
            ):
                continue
            after[name], before[name] = value, standing
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
                    target_product=product_of(view, link.kind, target, link.side(target)),
                    source_product=product_of(view, link.kind, source, link.side(source)),
                    after=after,
                    before=before,
                    reasons=reasons,
                )
            )
    for name, decision in decisions.items():
        if bool(decision.conflict[position]):
            _hold_conflict(work, link, name, decision, position)


def _never_took(link: LinkRef, source: str, target: str, name: str, view: View) -> bool:
    """Whether the source shows another value only because it could not hold what the target shows."""
    sent = link.resent.get(f"{source}.{name}") or {}
    shown = view.fields(target, link.kind, link.side(target)).get(name)
    return bool(sent.get("dropped")) and sent.get("digest") == digest({name: shown})


def _resent_too_often(work: Work, link: LinkRef, target: str, name: str, value: Any) -> bool:
    """Whether writing the value is in vain: the target said that it can't hold it, its answer to the write showed
    another value, or it was written again and again and shows another value each time."""
    sent = link.resent.get(f"{target}.{name}")
    settings = work.given.settings
    if not sent or sent.get("digest") != digest({name: value}):
        return False
    source = "lightspeed" if target == "commercetools" else "commercetools"
    finding = Finding(
        kind=link.kind,
        system=source,
        id=link.side(source),
        label=work.view.label(source, link.kind, link.side(source)),
        code="not_held",
        severity="warn",
        message=f"{name} stays different: {target} does not take it ({sent.get('dropped')}).",
        field=name,
        evidence={"written": value, "partner": f"{target}:{link.side(target)}"},
    )
    if sent.get("dropped"):
        report(work, finding)
        return True
    severity = settings.rules.value_not_kept
    times = int(sent.get("times", 0))
    if severity == "off" or not (sent.get("altered") or times >= settings.resend_limit):
        return False
    told = (
        f"{name} was written to {target}, which keeps another value."
        if sent.get("altered")
        else f"{name} was written to {target} {times} times and shows another value each time."
    )
    report(work, replace(finding, code="value_not_kept", severity=severity, message=told))
    return True


def _disagreement(name: str, decision: FieldDecision, position: int) -> str:
    if pd.notna(decision.base[position]):
        return f"{name} was changed on both sides."
    return f"{'SKUs differ' if name == 'sku' else f'{name} differs'} and nothing was agreed yet."


def _hold_conflict(work: Work, link: LinkRef, name: str, decision: FieldDecision, position: int) -> None:
    type_name = column_of(link.kind, name).type
    work.holds.append(
        Finding(
            kind=link.kind,
            system="commercetools",
            id=link.commercetools_id,
            label=work.view.label("commercetools", link.kind, link.commercetools_id),
            code=CONFLICT,
            severity="hold",
            message=_disagreement(name, decision, position),
            field=name,
            evidence={
                "commercetools": plain_value(type_name, decision.left[position]),
                "lightspeed": plain_value(type_name, decision.right[position]),
                "last agreed": plain_value(type_name, decision.base[position]),
                "partner": f"lightspeed:{link.lightspeed_id}",
                "changed": {
                    "commercetools": _moment(decision.left_time[position]),
                    "lightspeed": _moment(decision.right_time[position]),
                },
                "about": _about(link, decision, position),
                # Whose value may go over: a field that can be in conflict is owned by neither side.
                "sides": ["left", "right"],
            },
        )
    )
