"""What is only on one side and belongs on both."""

from __future__ import annotations

from retail_sync.records.products import Kind, column_of
from retail_sync.records.refs import RecordRef
from retail_sync.records.types import written
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.products.drafts import Draft, Work, waiting
from retail_sync.sync.products.plan import LinkRef


def create_missing(work: Work) -> None:
    for source in work.view.systems:
        _create_from(work, source)


def _create_from(work: Work, source: str) -> None:
    view, settings = work.view, work.given.settings
    target = "lightspeed" if source == "commercetools" else "commercetools"
    linked = {link.side(source) for link in work.pairing.links["variant"]}
    held = {f.id for f in work.holds if f.system == source and f.kind == "variant"}
    held |= {RecordRef.parse(str(f.evidence["partner"])).id for f in work.holds if _partner_in(f, source)}
    live = view.live_variants(source)
    loose = live[~live.index.isin(linked | held)]
    affected = {i for i in loose.index if view.is_affected(source, "variant", str(i))}
    touched = set(loose.loc[loose.index.isin(affected), "product_id"])
    loose = loose[loose["product_id"].isin(touched)]
    product_links = {link.side(source): link for link in work.pairing.links["product"]}
    missing: dict[str, list[str]] = {}
    for record, product_id in zip(loose["id"].tolist(), loose["product_id"].tolist(), strict=True):
        missing.setdefault(str(product_id), []).append(str(record))
    active = set(loose.loc[loose["active"].fillna(True).astype(bool), "product_id"])
    for product, variants in missing.items():
        reason = _why_not_created(work, source, target, product, active=product in active)
        if reason:
            work.ignored.update({(source, "variant", i): reason for i in variants})
            work.ignored.setdefault((source, "product", product), reason)
            continue
        if target == "commercetools" and product not in product_links and settings.product_type is None:
            work.holds.append(_no_product_type(work, source, product))
            work.holds.extend(waiting(work, source, i) for i in variants)
            continue
        _draft_creation(work, source, target, product, variants, product_links.get(product))


def _partner_in(finding: Finding, system: str) -> bool:
    return finding.kind == "variant" and str(finding.evidence.get("partner", "")).startswith(f"{system}:")


def _why_not_created(work: Work, source: str, target: str, product: str, *, active: bool) -> str:
    if not work.view.is_listed(source, product):
        return "not in the assortment"
    if target not in work.given.settings.create:
        return f"products.create does not name {target}"
    if not active:
        return "not active; goes over once it is"
    return ""


def _no_product_type(work: Work, source: str, product: str) -> Finding:
    return Finding(
        kind="product",
        system=source,
        id=product,
        label=work.view.label(source, "product", product),
        code="no_product_type",
        severity="hold",
        message="There is no product type to create it with online.",
    )


def _draft_creation(
    work: Work, source: str, target: str, product: str, variants: list[str], link: LinkRef | None
) -> None:
    view = work.view
    target_product = link.side(target) if link else None
    if target_product is not None and not view.lives(target, target_product):
        why = f"Its product was deleted in {target}."
        work.holds.extend(waiting(work, source, i, why) for i in variants)
        return
    if link is None:
        work.drafts.append(_creation(work, "product", source, product, target, product, None))
    for record in variants:
        work.drafts.append(_creation(work, "variant", source, record, target, product, target_product))


ALWAYS_GIVEN = frozenset({"images", "published", "options", "option_values", "price"})
"""What a new record gets though nobody owns it: it could not be shown or sold without."""


def _creation(
    work: Work, kind: Kind, source: str, record: str, target: str, product: str, target_product: str | None
) -> Draft:
    fields = {
        name: written(column_of(kind, name), value)
        for name, value in work.view.fields(source, kind, record).items()
        if work.given.settings.owner_of(name) != "none" or name in ALWAYS_GIVEN
    }
    if (
        target == "commercetools"
        and "active" in fields
        and work.given.settings.owner_of("active") != "commercetools"
        and work.given.settings.published_as_a_whole
    ):
        fields["active"] = work.view.is_sold(source, product)  # as the merge will see it
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
