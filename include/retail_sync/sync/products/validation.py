"""The rules, applied to what is about to be written: fields dropped, records held, products blocked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pandas as pd

from retail_sync.records.products import Kind, column_of
from retail_sync.records.types import DTYPES, canonical_value
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.matching import explode_json
from retail_sync.sync.products.drafts import NOT_BLOCKING, Draft, Work, product_of, report, waiting
from retail_sync.sync.products.rules import Desired, check


def check_rules(work: Work) -> None:
    for target in work.view.systems:
        drafts = [d for d in work.drafts if d.target == target and d.action != "deactivate"]
        if not drafts:
            continue
        findings = check(_desired(work, target, drafts), work.given.settings)
        of_record: dict[tuple[str, str], list[Draft]] = defaultdict(list)
        for draft in drafts:
            of_record[(draft.kind, draft.subject)].append(draft)
        for finding in findings:
            report(work, finding)
            if finding.severity == "drop field":
                _drop_field(of_record[(finding.kind, finding.subject)], finding)
        _hold_back(work, drafts, findings)
    work.drafts = [draft for draft in work.drafts if draft.after or draft.action == "create"]


def _drop_field(drafts: list[Draft], finding: Finding) -> None:
    """`drafts`: those of the record that was found wanting."""
    for draft in drafts:
        if finding.field in draft.after:
            if finding.code == "barcode_invalid" and finding.evidence.get("barcodes"):
                wrong = set(finding.evidence["barcodes"])
                draft.after["barcodes"] = [c for c in draft.after["barcodes"] if c not in wrong]
                # With no code left nothing is known of what the target should show: an empty value is not sent.
                if draft.after["barcodes"] and draft.after["barcodes"] != draft.before.get("barcodes"):
                    continue
            draft.after.pop(finding.field)
            draft.before.pop(finding.field, None)
            draft.reasons.pop(finding.field, None)


def _hold_back(work: Work, drafts: list[Draft], findings: list[Finding]) -> None:
    """A held record's drafts go; a blocked product takes all its variants along; none is created without a product."""
    blocked: dict[tuple[str, str], Finding] = {}
    held: set[tuple[str, str]] = set()
    for finding in findings:
        if finding.severity in NOT_BLOCKING:
            continue
        held.add((finding.kind, finding.subject))
        if finding.severity == "block" or finding.kind == "product":
            product = product_of(work.view, finding.kind, finding.system, finding.id)  # type: ignore[arg-type]
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
                work.holds.append(replace(waiting(work, draft.source, draft.source_id, why), kind=draft.kind))
    _hold_childless(work, drafts, new_products, gone)
    work.drafts = [draft for draft in work.drafts if id(draft) not in gone]


def _hold_childless(
    work: Work, drafts: list[Draft], new_products: set[tuple[str, str]], gone: set[int]
) -> None:
    """A product of which every variant is held is not created empty."""
    left: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        if id(draft) not in gone:
            left[(draft.source, draft.source_product)].append(draft)
    for source, product in sorted(new_products):
        own = left[(source, product)]
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


def _desired(work: Work, target: str, drafts: list[Draft]) -> Desired:
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
            standing = _its_product(draft)
            rows["product"].append({**_desired_row(work, standing), "changed": frozenset()})
    live = work.view.live_variants(target)
    # Variants that are already there and stay as they are count too, where a limit counts variants.
    updated = {d.target_id for d in drafts if d.kind == "variant" and d.target_id is not None}
    untouched = live[~live.index.isin(updated)].groupby("product_id").size()
    for row in rows["product"]:
        row["standing"] = int(untouched.get(row["target_id"], 0)) if row["target_id"] is not None else 0
    name_column = f"name.{work.given.till_locale}"
    source = "lightspeed" if target == "commercetools" else "commercetools"
    queued = _queued(work, source, target, drafts)
    can = work.given.capabilities.get(target)
    return Desired(
        target=target,
        products=_frame("product", rows["product"]),
        variants=_frame("variant", rows["variant"]),
        taken=_taken(live),
        rivals=_rivals(work, source, queued),
        namesakes=_namesakes(work, source, queued, drafts, name_column),
        names=_names(work.view.live_products(target), name_column),
        name_column=name_column,
        families=target == "lightspeed",
        max_variants=can.max_variants if can else None,
        max_options=can.max_options if can else None,
    )


def _its_product(draft: Draft) -> Draft:
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


def _desired_row(work: Work, draft: Draft) -> dict[str, Any]:
    view = work.view
    current = view.fields(draft.target, draft.kind, draft.target_id) if draft.target_id else {}
    source = view.row(draft.source, draft.kind, draft.source_id)
    row: dict[str, Any] = {**current, **draft.after}
    row.update(
        source=draft.source,
        source_id=draft.source_id,
        label=view.label(draft.source, draft.kind, draft.source_id),
        new=draft.action == "create",
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


def _queued(work: Work, source: str, target: str, drafts: list[Draft]) -> pd.DataFrame:
    """Variants of the source that wait to be made in the target and that this plan does not look at: of two that can't
    both be there neither goes over, whichever of them moved."""
    view = work.view
    queued = view.eligible_variants(source)
    if target not in work.given.settings.create:
        return queued.iloc[:0]
    drafted = {draft.source_id for draft in drafts if draft.kind == "variant" and draft.source == source}
    linked = {link.side(source) for link in work.pairing.links["variant"]}
    held = {finding.id for finding in work.holds if finding.system == source and finding.kind == "variant"}
    queued = queued[~queued.index.isin(drafted | linked | held)]
    sold = {product for product in queued["product_id"].unique() if view.is_sold(source, str(product))}
    return queued[queued["product_id"].isin(sold)]


def _rivals(work: Work, source: str, queued: pd.DataFrame) -> pd.DataFrame:
    """Columns `code`, `owner` (label)."""
    if queued.empty:
        return pd.DataFrame({"code": [], "owner": []}, dtype="object")
    codes = _taken(queued)
    codes["owner"] = [work.view.label(source, "variant", str(owner)) for owner in codes["owner"]]
    return codes


def _namesakes(
    work: Work, source: str, queued: pd.DataFrame, drafts: list[Draft], name_column: str
) -> pd.DataFrame:
    """Columns `name`, `owner` (label): products that wait to be made as a whole."""
    known = {draft.source_product for draft in drafts if draft.source == source}
    known |= {link.side(source) for link in work.pairing.links["product"]}
    products = work.view.live_products(source)
    names = _names(products[products.index.isin(set(queued["product_id"]) - known)], name_column)
    names["owner"] = [work.view.label(source, "product", str(owner)) for owner in names["owner"]]
    return names


def _taken(live: pd.DataFrame) -> pd.DataFrame:
    skus = live[["id", "sku"]].rename(columns={"sku": "code"}).assign(what="sku")
    codes = explode_json(live, "barcodes").rename(columns={"value": "code"}).assign(what="barcode")
    both = pd.concat([skus, codes], ignore_index=True).rename(columns={"id": "owner"})
    both = both[both["code"].notna() & (both["code"].astype("string") != "")]
    return both.astype("object")


def _names(live: pd.DataFrame, name_column: str) -> pd.DataFrame:
    if name_column not in live.columns:
        return pd.DataFrame({"name": [], "owner": []}, dtype="object")
    named = live.loc[live[name_column].notna(), ["id", name_column]]
    return named.rename(columns={"id": "owner", name_column: "name"})
