"""From identifiers to links: which variants and which products are the same, and what stands in the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd

from retail_sync.records.identifiers import code_key, likeness, matching_key
from retail_sync.records.products import Kind
from retail_sync.settings.models.base import Severity
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.decisions import BY_HAND, about_match
from retail_sync.sync.engine.findings import Finding, FindingSeverity
from retail_sync.sync.engine.matching import Ambiguity, Matches, alike, explode_json, match
from retail_sync.sync.engine.skus import sku_key_of, sku_keys
from retail_sync.sync.products.ours import switched_off, why_off
from retail_sync.sync.products.plan import LinkRef, PlanInput
from retail_sync.sync.products.view import View

LOOKS_ALIKE = "sku_looks_alike"


@dataclass
class Pairing:
    """`links`: every link that counts for this run, planned ones included. `findings` hold what can't be paired;
    `warnings` hold nothing."""

    links: dict[Kind, list[LinkRef]] = field(default_factory=lambda: {"product": [], "variant": []})
    retired: list[LinkRef] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def new(self) -> list[LinkRef]:
        return [link for kind in ("product", "variant") for link in self.links[kind] if link.link_id is None]


def pair(given: PlanInput, view: View) -> Pairing:
    """Match what is unlinked, check that families stay together, retire links of things that were made anew."""
    pairing = Pairing()
    kept, pairing.retired = _still_valid(given, view)
    pairing.findings.extend(_moved_away(kept, view, given.settings))
    pairing.links["variant"] = [link for link in kept if link.kind == "variant"]
    gone = {id(link) for link in pairing.retired}
    pairing.links["product"] = [link for link in given.links["product"] if id(link) not in gone]
    found, ambiguous = _match_variants(given, view, pairing.links["variant"])
    for finding in _ambiguity_findings(ambiguous, given, view, [*pairing.links["variant"], *found]):
        (pairing.warnings if finding.severity == "warn" else pairing.findings).append(finding)
    found = [link for link in found if not _identities_disagree(link, view, pairing.findings)]
    found = [_with_our_doings(link, pairing.retired) for link in found]
    _join_families(found, view, pairing, given.settings.rules.sku_moved)
    if "key" in given.settings.match:
        _match_products_by_key(given, view, pairing)
    return pairing


def as_hold(severity: Severity) -> Literal["block", "hold"]:
    """No question of identity is answered by leaving a field out or by a warning: what is not a block is a hold."""
    return "block" if severity == "block" else "hold"


def _still_valid(given: PlanInput, view: View) -> tuple[list[LinkRef], list[LinkRef]]:
    """Links whose deleted side was made anew under the same SKU are retired, so that matching finds the new one."""
    reborn: dict[str, set[str]] = {}
    for system in ("commercetools", "lightspeed"):
        reborn[system] = set(sku_keys(view.live_variants(system)["sku"]).dropna())
    kept: list[LinkRef] = []
    retired: list[LinkRef] = []
    for link in given.links["variant"]:
        made_anew = False
        for system in ("commercetools", "lightspeed"):
            row = view.variant(system, link.side(system))
            if (
                row is None
                or pd.isna(row["deleted_at"])
                or pd.isna(row["sku"])
                or matching_key(row["sku"]) not in reborn[system]
            ):
                continue
            # Under another product that still lives beside the old one it is a move, for a person to judge.
            heirs = view.live_variants(system)
            heirs = heirs[(sku_keys(heirs["sku"]) == matching_key(row["sku"])).fillna(False)]
            same_product = bool((heirs["product_id"] == row["product_id"]).any())
            made_anew = made_anew or same_product or not view.lives(system, str(row["product_id"]))
        (retired if made_anew else kept).append(link)
    gone = {link.parent for link in retired if link.parent}
    alive = {link.parent for link in kept if link.parent}
    for link in given.links["product"]:
        pair_ids = (link.commercetools_id, link.lightspeed_id)
        dead = any(not view.lives(s, link.side(s)) for s in ("commercetools", "lightspeed"))
        if pair_ids in gone and pair_ids not in alive and dead:
            retired.append(link)
    return kept, retired


def _with_our_doings(link: LinkRef, retired: list[LinkRef]) -> LinkRef:
    """What we switched off because its partner was gone stays our doing when the partner was made anew."""
    resent = dict(link.resent)
    for old in retired:
        for system in ("commercetools", "lightspeed"):
            why = why_off(old.resent, system)
            if why is not None and old.kind == link.kind and old.side(system) == link.side(system):
                resent = switched_off(resent, system, why)
    return replace(link, resent=resent)


def _moved_away(links: list[LinkRef], view: View, settings: ProductSettings) -> list[Finding]:
    """A linked article was deleted and its SKU lives on in another product of the same system: a person decides."""
    findings: list[Finding] = []
    if settings.rules.sku_moved == "off":
        return findings
    for system in view.systems:
        live = view.live_variants(system)
        by_sku = live["id"].groupby(sku_keys(live["sku"])).agg(list)
        other = "lightspeed" if system == "commercetools" else "commercetools"
        for link in links:
            row = view.variant(system, link.side(system))
            if row is None or pd.isna(row["deleted_at"]) or pd.isna(row["sku"]):
                continue
            for heir in by_sku.get(matching_key(row["sku"]), []):
                findings.append(
                    Finding(
                        kind="variant",
                        system=system,
                        id=str(heir),
                        label=str(row["sku"]),
                        code="sku_moved",
                        severity=as_hold(settings.rules.sku_moved),
                        message="The SKU moved to another product.",
                        field="sku",
                        evidence={
                            "now": view.describe(system, "variant", str(heir)),
                            "before": view.describe(system, "variant", link.side(system)),
                            "partner": f"{other}:{link.side(other)}",
                        },
                    )
                )
    return findings


def _match_variants(
    given: PlanInput, view: View, linked: list[LinkRef]
) -> tuple[list[LinkRef], list[Ambiguity]]:
    """Pairs found by identifiers, and chosen by a person among those that could not be told apart; for all others a
    pair that was chosen is as good as a link."""
    order = tuple(step for step in given.settings.match if step != "key")
    keys = {"sku": sku_key_of(given.settings), "barcode": code_key}
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    for system in ("commercetools", "lightspeed"):
        eligible = view.eligible_variants(system)
        tables[system] = {
            "sku": eligible[["id", "sku"]].rename(columns={"sku": "value"}),
            "barcode": explode_json(eligible, "barcodes"),
        }
    chosen: list[LinkRef] = []
    while True:
        taken = {s: {link.side(s) for link in [*linked, *chosen]} for s in view.systems}
        matches = match(
            tables["commercetools"],
            tables["lightspeed"],
            taken["commercetools"],
            taken["lightspeed"],
            order,
            keys,
        )
        more = _chosen(given, [*matches.ambiguous, *_alike(given, tables, matches, taken)], taken)
        if not more:
            break
        chosen += more
    found = [
        LinkRef("variant", str(row.commercetools_id), str(row.lightspeed_id), None, str(row.matched_by))
        for row in matches.pairs.itertuples(index=False)
    ]
    ambiguous = [*matches.ambiguous, *_alike(given, tables, matches, taken)]
    looked_at = [
        link
        for link in [*chosen, *found]
        if any(view.is_affected(s, "variant", link.side(s)) for s in view.systems)
    ]
    affected = [a for a in ambiguous if view.is_affected(a.system, "variant", a.id)]
    return looked_at, affected


def _alike(
    given: PlanInput, tables: dict[str, dict[str, pd.DataFrame]], matches: Matches, taken: dict[str, set[str]]
) -> list[Ambiguity]:
    """Records that no identifier matched, and whose SKUs only look alike."""
    if given.settings.rules.sku_looks_alike == "off" or "sku" not in given.settings.match:
        return []
    settled = {
        system: taken[system]
        | set(matches.pairs[f"{system}_id"])
        | {one.id for one in matches.ambiguous if one.system == system}
        for system in tables
    }
    return alike(
        tables["commercetools"]["sku"],
        tables["lightspeed"]["sku"],
        settled["commercetools"],
        settled["lightspeed"],
        "sku",
        likeness,
    )


def _chosen(given: PlanInput, ambiguous: list[Ambiguity], taken: dict[str, set[str]]) -> list[LinkRef]:
    """Pairs that a person made out of what is ambiguous. Where two decisions would give one record two partners, the
    later one counts."""
    said: dict[tuple[str, str], int] = {}
    for one in ambiguous:
        decision = given.decided.partner(f"{one.system}:{one.id}", _about(one))
        theirs = "lightspeed" if one.system == "commercetools" else "commercetools"
        if (
            decision is None
            or decision.field in taken[theirs]
            or decision.field not in one.candidates[theirs]
        ):
            continue
        pair = (one.id, decision.field) if one.system == "commercetools" else (decision.field, one.id)
        said[pair] = max(said.get(pair, 0), decision.id or 0)
    chosen: dict[str, LinkRef] = {}
    for online, till in sorted(said, key=lambda pair: (-said[pair], pair)):
        sides = {f"commercetools:{online}", f"lightspeed:{till}"}
        if not sides & chosen.keys():
            chosen |= dict.fromkeys(sides, LinkRef("variant", online, till, None, BY_HAND))
    return list({id(link): link for link in chosen.values()}.values())


def _about(ambiguity: Ambiguity) -> str:
    """What a decision about these candidates is about."""
    return about_match(ambiguity.identifier, ambiguity.value, ambiguity.candidates)


def _ambiguity_findings(
    ambiguous: list[Ambiguity], given: PlanInput, view: View, linked: list[LinkRef]
) -> list[Finding]:
    partners = {
        (s, link.side(s)): f"{o}:{link.side(o)}"
        for link in linked
        for s, o in (("commercetools", "lightspeed"), ("lightspeed", "commercetools"))
    }

    def candidate(system: str, record: str) -> dict[str, Any]:
        """A record as evidence; whom it is linked with says that it can't be chosen."""
        partner = partners.get((system, record))
        return {**view.describe(system, "variant", record), **({"linked": partner} if partner else {})}

    return [
        Finding(
            kind="variant",
            system=a.system,
            id=a.id,
            label=view.label(a.system, "variant", a.id),
            code=LOOKS_ALIKE if a.alike else "ambiguous",
            severity=_severity_of(a, given.settings),
            message=_looks_alike_message(a, view)
            if a.alike
            else f"{a.identifier.capitalize()} {a.value} is borne by several articles; none is chosen.",
            field="sku" if a.identifier == "sku" else "barcodes",
            evidence={
                "identifier": a.identifier,
                "value": a.value,
                "candidates": {s: [candidate(s, i) for i in ids] for s, ids in a.candidates.items()},
                "about": _about(a),
            },
        )
        for a in ambiguous
    ]


def _severity_of(ambiguity: Ambiguity, settings: ProductSettings) -> FindingSeverity:
    """What only looks alike may be different things, so a warning is enough where the settings say so."""
    severity = settings.rules.sku_looks_alike
    return "warn" if ambiguity.alike and severity == "warn" else "hold"


def _looks_alike_message(ambiguity: Ambiguity, view: View) -> str:
    theirs = "lightspeed" if ambiguity.system == "commercetools" else "commercetools"
    own = view.label(ambiguity.system, "variant", ambiguity.id)
    others = ", ".join(repr(view.label(theirs, "variant", i)) for i in ambiguity.candidates[theirs])
    return f"SKU {own!r} looks like {others} in {theirs} and is not the same."


def _identities_disagree(link: LinkRef, view: View, findings: list[Finding]) -> bool:
    """A pair found by SKU whose barcodes have nothing in common is not taken for the same thing."""
    left, right = (view.codes(s, link.side(s)) for s in ("commercetools", "lightspeed"))
    if link.matched_by != "sku" or not left or not right or left & right:
        return False
    findings.append(
        Finding(
            kind="variant",
            system="commercetools",
            id=link.commercetools_id,
            label=view.label("commercetools", "variant", link.commercetools_id),
            code="identity_conflict",
            severity="hold",
            message="Same SKU on both sides, but the barcodes have nothing in common.",
            field="barcodes",
            evidence={
                "commercetools": view.describe("commercetools", "variant", link.commercetools_id),
                "lightspeed": view.describe("lightspeed", "variant", link.lightspeed_id),
                "partner": f"lightspeed:{link.lightspeed_id}",
            },
        )
    )
    return True


def _join_families(found: list[LinkRef], view: View, pairing: Pairing, moved_severity: Severity) -> None:
    """Variant pairs say which products are the same; a product must end in exactly one family and the other way."""
    families: dict[str, dict[str, set[str]]] = {s: defaultdict(set) for s in ("commercetools", "lightspeed")}
    for link in pairing.links["product"]:
        families["commercetools"][link.commercetools_id].add(link.lightspeed_id)
        families["lightspeed"][link.lightspeed_id].add(link.commercetools_id)
    parents = {id(link): view.parents(link) for link in [*pairing.links["variant"], *found]}
    for link in found:
        product, family = parents[id(link)]
        families["commercetools"][product].add(family)
        families["lightspeed"][family].add(product)
    products = {(p.commercetools_id, p.lightspeed_id) for p in pairing.links["product"]}
    moved = [link for link in pairing.links["variant"] if _moved(link, parents[id(link)], products, view)]
    if moved_severity == "off":
        moved = []
    for link in moved:
        finding = _split_finding(link, parents[id(link)], families, view, "sku_moved")
        pairing.findings.append(replace(finding, severity=as_hold(moved_severity)))
    moved_ids = {id(link) for link in moved}
    pairing.links["variant"] = [link for link in pairing.links["variant"] if id(link) not in moved_ids]
    for link in found:
        product, family = parents[id(link)]
        torn = len(families["commercetools"][product]) > 1 or len(families["lightspeed"][family]) > 1
        if torn and (product, family) not in products:
            pairing.findings.append(_split_finding(link, (product, family), families, view, "split_family"))
            continue
        if (product, family) not in products:
            products.add((product, family))
            pairing.links["product"].append(LinkRef("product", product, family, None, link.matched_by))
        pairing.links["variant"].append(
            LinkRef(
                "variant",
                link.commercetools_id,
                link.lightspeed_id,
                None,
                link.matched_by,
                resent=link.resent,
                parent=(product, family),
            )
        )


def _moved(link: LinkRef, parents: tuple[str, str], products: set[tuple[str, str]], view: View) -> bool:
    both_live = all(view.is_live(s, "variant", link.side(s)) for s in ("commercetools", "lightspeed"))
    affected = any(view.is_affected(s, "variant", link.side(s)) for s in ("commercetools", "lightspeed"))
    return both_live and affected and parents not in products


def _split_finding(
    link: LinkRef, parents: tuple[str, str], families: dict[str, dict[str, set[str]]], view: View, code: str
) -> Finding:
    product, family = parents
    evidence: dict[str, Any] = {
        "product": view.describe("commercetools", "product", product),
        "its families": [
            view.describe("lightspeed", "product", f)
            for f in sorted(families["commercetools"][product] | {family})
        ],
        "family": view.describe("lightspeed", "product", family),
        "its products": [
            view.describe("commercetools", "product", p)
            for p in sorted(families["lightspeed"][family] | {product})
        ],
        "partner": f"lightspeed:{link.lightspeed_id}",
    }
    words = {
        "sku_moved": "The article moved to another product on one side.",
        "split_family": "The variants of one product are spread over several products on the other side.",
    }
    return Finding(
        kind="variant",
        system="commercetools",
        id=link.commercetools_id,
        label=view.label("commercetools", "variant", link.commercetools_id),
        code=code,
        severity="hold",
        message=words[code],
        evidence=evidence,
    )


def _match_products_by_key(given: PlanInput, view: View, pairing: Pairing) -> None:
    """Products of one key are the same, where one that bears it is looked at or has lost its partner."""
    touched = _keys_touched(given, view, pairing)
    tables = {
        s: view.eligible_products(s)[["id", "key"]].rename(columns={"key": "value"}) for s in view.systems
    }
    matches = match(
        {"key": tables["commercetools"]},
        {"key": tables["lightspeed"]},
        {link.commercetools_id for link in pairing.links["product"]},
        {link.lightspeed_id for link in pairing.links["product"]},
        ("key",),
        {"key": matching_key},
    )
    for row in matches.pairs.itertuples(index=False):
        pair = (str(row.commercetools_id), str(row.lightspeed_id))
        if _key_of(view, "commercetools", pair[0]) in touched:
            pairing.links["product"].append(LinkRef("product", *pair, None, "key"))


def _keys_touched(given: PlanInput, view: View, pairing: Pairing) -> set[str]:
    """Keys of the products that are looked at, themselves or by a variant, and of those whose link has just ended."""
    products: set[tuple[str, str]] = set()
    for system in view.systems:
        products |= {(system, one) for one in given.affected[system]["product"]}
        products |= {(system, view.product_of(system, one)) for one in given.affected[system]["variant"]}
        products |= {(system, link.side(system)) for link in pairing.retired if link.kind == "product"}
    return {key for system, one in products if (key := _key_of(view, system, one))}


def _key_of(view: View, system: str, product: str) -> str:
    row = view.row(system, "product", product)
    return "" if row is None or pd.isna(row["key"]) else matching_key(row["key"])
