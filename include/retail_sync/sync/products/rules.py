"""Will it scan at the till, will it sell online: what is checked before a product is written.

Every rule looks at the records as they would be in the target (`Desired`) and at everything the target already
holds, and answers with findings. Severities come from `products.rules`; a rule set to `off` is not run.
Codes are the names of `ProductRules`.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
from stdnum import ean

from retail_sync.records.currencies import minor_digits
from retail_sync.records.identifiers import code_key, folded_key, likeness
from retail_sync.records.types import decimal_text
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.products.swaps import Claim, circles, claims

UNSAFE_HTML = re.compile(r"<\s*(?:script|iframe|object|embed)\b|\bon\w+\s*=|javascript:", re.IGNORECASE)
GTIN_LENGTHS = frozenset({8, 12, 13, 14})


@dataclass
class Desired:
    """What a plan wants to be true in `target` after it is applied.

    `products` / `variants`: canonical columns plus `source_id`, `source`, `label`, `new` (flag), `product` (key of the
    product row a variant belongs to; products carry it too) and `target_id` (NA for new ones). `touched`: columns set
    of changed fields per row (`changed`, a frozenset; None for new rows means all).
    `taken`: identifiers everything else in the target bears: columns `code`, `owner` (target variant id), `what` (sku,
    barcode).
    `rivals`: those of records that belong into the target as well and wait to be made there, whether this plan looks at
    them or not: columns `code`, `owner` (label).
    `names`: families in the target: columns `name`, `owner` (target product id). `namesakes`: names of those that wait
    to be made there, as `rivals`.
    """

    target: str
    products: pd.DataFrame
    variants: pd.DataFrame
    taken: pd.DataFrame
    rivals: pd.DataFrame
    names: pd.DataFrame
    namesakes: pd.DataFrame
    name_column: str
    families: bool
    """Whether the target tells products apart by name (a till) or not."""
    max_variants: int | None = None
    max_options: int | None = None


Rule = Callable[[Desired, ProductSettings], Iterator[tuple[str, int, str, str, dict[str, object]]]]
"""Yields (kind, row position, field, message, evidence)."""


def check(desired: Desired, settings: ProductSettings) -> list[Finding]:
    """All findings, in rule order."""
    findings: list[Finding] = []
    severities = settings.rules.model_dump()
    for code, rule in RULES.items():
        severity = severities[code]
        if severity == "off":
            continue
        for kind, position, field, message, evidence in rule(desired, settings):
            frame = desired.products if kind == "product" else desired.variants
            row = frame.iloc[position]
            findings.append(
                Finding(
                    kind=kind,
                    system=str(row["source"]),
                    id=str(row["source_id"]),
                    label=str(row["label"]),
                    code=code,
                    severity=severity,
                    message=message,
                    field=field,
                    evidence=dict(evidence),
                )
            )
    return findings


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name in frame.columns:
        return frame[name]
    return pd.Series(pd.NA, index=frame.index, dtype="object")


def _concerned(frame: pd.DataFrame, field: str) -> pd.Series:
    """Rows for which `field` is about to be written: new ones, or those whose change holds it."""
    if frame.empty:
        return pd.Series([], index=frame.index, dtype=bool)
    return pd.Series(
        [
            bool(new) or field in (changed or ())
            for new, changed in zip(frame["new"].tolist(), frame["changed"].tolist(), strict=True)
        ],
        index=frame.index,
        dtype=bool,
    )


def _positions(mask: pd.Series) -> list[int]:
    return [int(position) for position in mask.fillna(False).astype(bool).to_numpy().nonzero()[0]]


def _sku_missing(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    sku = _column(d.variants, "sku")
    for p in _positions((sku.isna() | (sku == "")) & _concerned(d.variants, "sku")):
        yield "variant", p, "sku", "The variant has no SKU; nothing would find it again.", {}


def _codes(d: Desired) -> list[tuple[int, str, str]]:
    """Every code the written variants would answer to at a scanner: position, code, what it is."""
    codes: list[tuple[int, str, str]] = []
    sku, barcodes = _column(d.variants, "sku").tolist(), _column(d.variants, "barcodes").tolist()
    for position, (own, more) in enumerate(zip(sku, barcodes, strict=True)):
        if pd.notna(own) and own:
            codes.append((position, str(own), "sku"))
        if pd.notna(more):
            codes.extend((position, code, "barcode") for code in json.loads(more))
    return codes


def _key_of(s: ProductSettings) -> Callable[[str], str]:
    """The form in which SKUs and barcodes are compared where a scanner would find both."""
    return code_key if s.sku_capitals_count else lambda code: folded_key(code_key(code))


def _duplicates(d: Desired, s: ProductSettings, what: str) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Positions whose `what` code is borne by another record: in the target, or among what is, or waits, to be
    written."""
    codes, key_of = _codes(d), _key_of(s)
    own = d.variants["target_id"].tolist()
    concerned = _concerned(d.variants, "sku" if what == "sku" else "barcodes").tolist()
    bearers: dict[str, set[int]] = defaultdict(set)
    for position, code, _ in codes:
        bearers[key_of(code)].add(position)
    taken, rivals = _owners(d.taken, key_of), _owners(d.rivals, key_of)
    written = {str(t) for t in own if pd.notna(t)}
    for position, code, kind in codes:
        if kind != what or not concerned[position]:
            continue
        key = key_of(code)
        others = sorted(bearers[key] - {position})
        holders = sorted(o for o in taken.get(key, ()) if o != own[position] and o not in written)
        waiting = sorted(rivals.get(key, ()))
        if others or holders or waiting:
            labels = [str(d.variants.iloc[p]["label"]) for p in others] + waiting
            yield position, code, {"code": code, "also_on": labels, f"also_in_{d.target}": holders}


def _owners(borne: pd.DataFrame, key_of: Callable[[str], str]) -> dict[str, set[str]]:
    """Who bears each code, in the form in which codes are compared."""
    owners: dict[str, set[str]] = defaultdict(set)
    for code, owner in zip(borne["code"].tolist(), borne["owner"].tolist(), strict=True):
        owners[key_of(code)].add(owner)
    return owners


def _sku_duplicate(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    for p, code, evidence in _duplicates(d, s, "sku"):
        yield "variant", p, "sku", f"SKU {code} is borne by more than one article.", evidence


def _sku_looks_alike(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    """A SKU that is about to be written beside another one that nobody tells apart at a glance."""
    concerned = _concerned(d.variants, "sku").tolist()
    own = d.variants["target_id"].tolist()
    written = {str(t) for t in own if pd.notna(t)}
    skus = [(position, code) for position, code, what in _codes(d) if what == "sku"]
    wanted = {likeness(code) for position, code in skus if concerned[position]}
    if not wanted:
        return
    key_of = _key_of(s)
    alike: dict[str, dict[str, str]] = defaultdict(dict)
    rows = zip(d.taken["code"].tolist(), d.taken["owner"].tolist(), d.taken["what"].tolist(), strict=True)
    for code, owner, what in rows:
        if what == "sku" and owner not in written and (seen := likeness(code)) in wanted:
            alike[seen][str(owner)] = code
    for position, code in skus:
        alike[likeness(code)][str(position)] = code
    for position, code in skus:
        others = {
            other: spelled
            for other, spelled in alike[likeness(code)].items()
            if other not in (str(position), own[position]) and key_of(spelled) != key_of(code)
        }
        if concerned[position] and others:
            named = ", ".join(repr(one) for one in sorted(set(others.values())))
            yield (
                "variant",
                position,
                "sku",
                f"SKU {code!r} looks like {named} in {d.target} and is not the same.",
                {"sku": code, "looks_like": sorted(set(others.values()))},
            )


def _barcode_duplicate(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    for p, code, evidence in _duplicates(d, s, "barcode"):
        yield "variant", p, "barcodes", f"Code {code} would scan as more than one article.", evidence


def _swapped(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    """Codes and names that the target takes once each and that another record, which is to get others, still has."""
    for kind, found in (("variant", _code_claims(d, s)), ("product", _name_claims(d))):
        labels = (d.variants if kind == "variant" else d.products)["label"].tolist()
        around = circles(found)
        for claim in found:
            bearers = [str(labels[one]) for one in claim.bearers]
            circle = [str(labels[one]) for one in around.get(claim.wanted_by, ())]
            message = (
                f"{', '.join(circle)} exchange their values of {claim.field}; {d.target} takes none twice."
                if circle
                else f"{claim.value} is still borne by {', '.join(bearers)} in {d.target}, which is to get another "
                "value first."
            )
            evidence: dict[str, object] = {"value": claim.value, "borne_by": bearers, "exchange": circle}
            yield kind, claim.wanted_by, claim.field, message, evidence


def _code_claims(d: Desired, s: ProductSettings) -> list[Claim]:
    """Of codes a scanner finds; online only the SKU has to be its variant's own."""
    key_of = _key_of(s)
    changed = {what: _concerned(d.variants, field).tolist() for what, field in _FIELD_OF.items()}
    codes = [(p, _FIELD_OF[what], code, what) for p, code, what in _codes(d) if d.families or what == "sku"]
    if not any(changed[what][p] for p, _, _, what in codes):
        return []
    kept: dict[str, set[int]] = defaultdict(set)
    for position, _, code, _ in codes:
        kept[key_of(code)].add(position)
    positions = {str(t): p for p, t in enumerate(d.variants["target_id"].tolist()) if pd.notna(t)}
    borne: dict[str, set[int]] = defaultdict(set)
    taken = zip(d.taken["code"].tolist(), d.taken["owner"].tolist(), d.taken["what"].tolist(), strict=True)
    for code, owner, what in taken:
        if str(owner) in positions and (d.families or what == "sku"):
            borne[key_of(code)].add(positions[str(owner)])
    wanted = [(p, field, code, key_of(code)) for p, field, code, what in codes if changed[what][p]]
    return claims(wanted, borne, kept)


_FIELD_OF = {"sku": "sku", "barcode": "barcodes"}


def _name_claims(d: Desired) -> list[Claim]:
    """Of names, by which a till tells families apart."""
    if not d.families or d.products.empty:
        return []
    names = [folded_key(str(n)) if pd.notna(n) else "" for n in _column(d.products, d.name_column).tolist()]
    changed = _concerned(d.products, d.name_column).tolist()
    kept: dict[str, set[int]] = defaultdict(set)
    for position, name in enumerate(names):
        kept[name].add(position)
    positions = {str(t): p for p, t in enumerate(d.products["target_id"].tolist()) if pd.notna(t)}
    borne: dict[str, set[int]] = defaultdict(set)
    for name, owner in zip(d.names["name"].tolist(), d.names["owner"].tolist(), strict=True):
        if str(owner) in positions:
            borne[folded_key(str(name))].add(positions[str(owner)])
    wanted = [(p, d.name_column, name, name) for p, name in enumerate(names) if name and changed[p]]
    return claims(wanted, borne, kept)


def _barcode_invalid(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    barcodes = _column(d.variants, "barcodes")
    texts = barcodes.tolist()
    for p in _positions(barcodes.notna() & _concerned(d.variants, "barcodes")):
        wrong = [code for code in json.loads(texts[p]) if not scans(code)]
        if wrong:
            yield (
                "variant",
                p,
                "barcodes",
                f"Barcode {', '.join(wrong)}: the check digit is wrong or it can't be scanned.",
                {"barcodes": wrong},
            )


def scans(code: str) -> bool:
    """Whether a till can scan `code`: printable without spaces, and a GTIN's check digit is right where it looks
    like a GTIN (8, 12, 13 or 14 digits; GS1 General Specifications)."""
    if (
        not code
        or len(code) > 64
        or not code.isascii()
        or not code.isprintable()
        or any(c.isspace() for c in code)
    ):
        return False
    if code.isdigit() and len(code) in GTIN_LENGTHS:
        return bool(ean.is_valid(code))
    return True


def _price_missing(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    price = _column(d.variants, "price")
    for p in _positions(price.isna() & d.variants["new"].astype(bool)):
        message = f"No base price in {s.price.currency}" + (
            f" for {s.price.country}." if s.price.country else "."
        )
        yield "variant", p, "price", message, {}


def _price_not_positive(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    price = _column(d.variants, "price")
    for p in _positions((price.fillna(1) <= 0) & _concerned(d.variants, "price")):
        yield "variant", p, "price", "The price is zero or below.", {"price": int(price.iloc[p])}


def _price_currency(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    currency = _column(d.variants, "currency")
    wrong = currency.notna() & (currency != s.price.currency) & _concerned(d.variants, "price")
    for p in _positions(wrong & _column(d.variants, "price").notna()):
        found = str(currency.iloc[p])
        yield (
            "variant",
            p,
            "price",
            f"The price is in {found}, expected {s.price.currency}.",
            {"currency": found},
        )


def _price_not_exact(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    carry, price = _column(d.variants, "carry"), _column(d.variants, "price")
    texts = carry.tolist()
    digits = minor_digits(s.price.currency)
    for p in _positions(carry.notna() & _concerned(d.variants, "price")):
        carried = json.loads(texts[p])
        if carried.get("price_exact") is False:
            kept = str(carried.get("price_kept"))
            taken = decimal_text(Decimal(int(price.iloc[p])).scaleb(-digits))
            yield (
                "variant",
                p,
                "price",
                f"{kept} would be taken over as {taken}; converted for tax and back that is another price.",
                {"kept": kept, "taken_as": taken},
            )


def _tax_class_unmapped(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    tax = _column(d.products, "tax_class").astype("string")
    for p in _positions(tax.str.startswith("?") & _concerned(d.products, "tax_class")):
        unknown = str(tax.iloc[p])[1:]
        yield "product", p, "tax_class", f"Tax class {unknown!r} is not mapped.", {"tax_class": unknown}


def _too_many_variants(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    if d.max_variants is None:
        return
    counts = Counter(d.variants["product"].tolist())
    products = zip(d.products["product"].tolist(), d.products["standing"].tolist(), strict=True)
    for p, (product, standing) in enumerate(products):
        count = counts[product] + int(standing)
        if count > d.max_variants and _has_new(d, product):
            yield (
                "product",
                p,
                "",
                f"The product has {count} variants, {d.max_variants} are possible.",
                {"variants": count},
            )


def _has_new(d: Desired, product: object) -> bool:
    return bool(d.variants.loc[d.variants["product"] == product, "new"].any())


def _too_many_options(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    if d.max_options is None:
        return
    options = _column(d.products, "options")
    texts = options.tolist()
    for p in _positions(options.notna() & _concerned(d.products, "options")):
        names = json.loads(texts[p])
        if len(names) > d.max_options:
            yield (
                "product",
                p,
                "options",
                f"{len(names)} options ({', '.join(names)}); the till takes {d.max_options}.",
                {"options": names},
            )


def _options_changed(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    for p in _positions(~d.products["new"].astype(bool) & _concerned(d.products, "options")):
        if d.families:
            wanted = json.loads(d.products["options"].iloc[p])
            yield (
                "product",
                p,
                "options",
                "The options of an existing family would change.",
                {"wanted": wanted},
            )


def _option_sets(d: Desired) -> pd.DataFrame:
    values = _column(d.variants, "option_values")
    return pd.DataFrame(
        {
            "position": range(len(d.variants)),
            "product": d.variants["product"].to_numpy(),
            "pairs": [json.loads(v) if pd.notna(v) else None for v in values.tolist()],
        }
    )


def _option_missing(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    if not d.families or d.variants.empty:
        return
    options = {
        product: json.loads(names)
        for product, names in zip(
            d.products["product"].tolist(), _column(d.products, "options").tolist(), strict=True
        )
        if pd.notna(names)
    }
    concerned = _concerned(d.variants, "option_values").tolist()
    for position, product, pairs in _option_sets(d).itertuples(index=False):
        wanted = options.get(product, [])
        if pairs is None or not wanted or not concerned[position]:
            continue
        missing = [name for name in wanted if not dict(pairs).get(name)]
        if missing:
            yield (
                "variant",
                position,
                "option_values",
                f"No value for {', '.join(missing)}, which its sister variants have.",
                {"missing": missing},
            )


def _options_duplicate(
    d: Desired, s: ProductSettings
) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    if not d.families or d.variants.empty:
        return
    sets = _option_sets(d)
    sets = sets[sets["pairs"].notna()]
    sets["key"] = [json.dumps(sorted(map(tuple, pairs))) for pairs in sets["pairs"]]
    concerned = _concerned(d.variants, "option_values")
    twins = sets[sets.duplicated(["product", "key"], keep=False)]
    for _, group in twins.groupby(["product", "key"]):
        positions = group["position"].tolist()
        for position in positions:
            if not concerned.iloc[position]:
                continue
            others = [str(d.variants.iloc[p]["label"]) for p in positions if p != position]
            words = ", ".join(f"{k}={v}" for k, v in group["pairs"].iloc[0]) or "none at all"
            yield (
                "variant",
                position,
                "option_values",
                f"Same options ({words}) as {', '.join(others)}.",
                {"same_as": others},
            )


def _name_missing(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    name = _column(d.products, d.name_column)
    missing = (name.isna() | (name.astype("string") == "")) & _concerned(d.products, d.name_column)
    for p in _positions(missing & (d.products["new"].astype(bool) | name.notna())):
        yield "product", p, d.name_column, "The product has no name in the till's language.", {}


def _name_too_long(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    if not d.families:
        return
    length = _column(d.products, d.name_column).astype("string").str.len()
    for p in _positions((length > s.rules_max_name) & _concerned(d.products, d.name_column)):
        yield (
            "product",
            p,
            d.name_column,
            f"The name has {int(length.iloc[p])} characters, the till takes {s.rules_max_name}.",
            {"length": int(length.iloc[p])},
        )


def _folded(names: pd.Series) -> pd.Series:
    keys = [None if pd.isna(name) else folded_key(str(name)) for name in names.tolist()]
    return pd.Series(keys, index=names.index, dtype="string")


def _name_duplicate(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    if not d.families or d.products.empty:
        return
    name = _folded(_column(d.products, d.name_column))
    concerned = _concerned(d.products, d.name_column)
    names, own = name.tolist(), d.products["target_id"].tolist()
    written: dict[str, list[int]] = defaultdict(list)
    for p in _positions(name.notna() & (name != "")):
        written[names[p]].append(p)
    taken = _folded(d.names["name"]).tolist()
    by_name: dict[str, set[str]] = defaultdict(set)
    for value, owner in zip(taken, d.names["owner"].tolist(), strict=True):
        by_name[value].add(owner)
    queued: dict[str, set[str]] = defaultdict(set)
    for value, label in zip(
        _folded(d.namesakes["name"]).tolist(), d.namesakes["owner"].tolist(), strict=True
    ):
        queued[value].add(label)
    targets = {str(t) for t in own if pd.notna(t)}
    for p in _positions(concerned & name.notna()):
        others = [i for i in written.get(names[p], []) if i != p]
        holders = sorted(o for o in by_name.get(names[p], ()) if o != own[p] and o not in targets)
        waiting = sorted(queued.get(names[p], ()))
        if others or holders or waiting:
            labels = [str(d.products.iloc[i]["label"]) for i in others] + waiting
            yield (
                "product",
                p,
                d.name_column,
                f"Another product is called {d.products[d.name_column].iloc[p]!r}.",
                {"also": labels, f"also_in_{d.target}": holders},
            )


def _required(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    for field in s.required_attributes:
        for kind, frame in (("product", d.products), ("variant", d.variants)):
            if field not in frame.columns:
                continue
            value = frame[field]
            empty = value.isna() | value.astype("string").isin(["", "[]", '""'])
            for p in _positions(empty & frame["new"].astype(bool)):
                yield kind, p, field, f"{field} is required and empty.", {}


def _html_unsafe(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    for column in [c for c in d.products.columns if c.startswith(("name.", "description."))]:
        text = d.products[column].astype("string")
        for p in _positions(text.str.contains(UNSAFE_HTML, na=False) & _concerned(d.products, column)):
            yield "product", p, column, "The text holds a script or an event handler.", {}


def _lookup_missing(d: Desired, s: ProductSettings) -> Iterator[tuple[str, int, str, str, dict[str, object]]]:
    for kind, frame in (("product", d.products), ("variant", d.variants)):
        carry = _column(frame, "carry")
        texts = carry.tolist()
        for p in _positions(carry.notna()):
            for field, value in (json.loads(texts[p]).get("lookup_missing") or {}).items():
                message = f"{field}: the lookup table has no entry for {value!r}."
                yield kind, p, field, message, {"value": value}


RULES: dict[str, Rule] = {
    "sku_missing": _sku_missing,
    "sku_duplicate": _sku_duplicate,
    "sku_looks_alike": _sku_looks_alike,
    "swapped": _swapped,
    "barcode_invalid": _barcode_invalid,
    "barcode_duplicate": _barcode_duplicate,
    "price_missing": _price_missing,
    "price_not_positive": _price_not_positive,
    "price_currency": _price_currency,
    "price_not_exact": _price_not_exact,
    "tax_class_unmapped": _tax_class_unmapped,
    "too_many_variants": _too_many_variants,
    "too_many_options": _too_many_options,
    "options_changed": _options_changed,
    "option_missing": _option_missing,
    "options_duplicate": _options_duplicate,
    "name_missing": _name_missing,
    "name_too_long": _name_too_long,
    "name_duplicate": _name_duplicate,
    "required_attribute_missing": _required,
    "html_unsafe": _html_unsafe,
    "lookup_missing": _lookup_missing,
}
"""Rules that look at records. `sku_moved` and `value_not_kept` come from matching and merging."""
