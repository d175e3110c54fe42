"""Which products belong to the tills' assortment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from retail_sync.commercetools.api.wire import ProductProjection, Variant
from retail_sync.commercetools.products.references import References
from retail_sync.records.identifiers import matching_key
from retail_sync.settings.models.products import AssortmentRule


def variants_of(product: ProductProjection) -> list[Variant]:
    """Master first. A SKU may sit in either place."""
    return [*([product.masterVariant] if product.masterVariant else []), *(product.variants or ())]


def listed(
    products: Sequence[ProductProjection], table: pd.DataFrame, rule: AssortmentRule, references: References
) -> pd.Series:
    """Whether each product meets every condition of the rule. `table` holds the canonical columns of `products`."""
    result = pd.Series(True, index=range(len(products)), dtype="boolean")
    ids = pd.Series([product.id for product in products], dtype="object")
    members = references.listed_by(rule.product_selections, rule.stores)
    if members is not None:
        result &= ids.isin(members)
    if rule.categories:
        below = _with_descendants(rule.categories, references)
        result &= pd.Series(
            [any(c.id in below for c in product.categories or ()) for product in products], dtype=bool
        )
    if rule.tags:
        result &= _any_of(table, "tags", rule.tags)
    if rule.brands:
        brands = table["brand"] if "brand" in table else pd.Series(pd.NA, index=result.index, dtype="string")
        result &= brands.isin(rule.brands)
    if rule.attribute is not None:
        result &= pd.Series(
            [_has_value(p, rule.attribute, rule.attribute_value) for p in products], dtype=bool
        )
    if rule.skus:
        result &= _holds(products, rule.skus)
    if rule.exclude_skus:
        result &= ~_holds(products, rule.exclude_skus)
    return result


def _with_descendants(names: Iterable[str], references: References) -> frozenset[str]:
    roots = {
        c.id for c in references.categories.values() if any(references.category_is(c, name) for name in names)
    }
    return frozenset(
        category.id
        for category in references.categories.values()
        if category.id in roots or any(ancestor.id in roots for ancestor in category.ancestors or ())
    )


def _holds(products: Sequence[ProductProjection], skus: Iterable[str]) -> pd.Series:
    wanted = frozenset(map(matching_key, skus))
    return pd.Series(
        [any(matching_key(v.sku or "") in wanted for v in variants_of(product)) for product in products],
        dtype=bool,
    )


def _any_of(table: pd.DataFrame, column: str, wanted: Iterable[str]) -> pd.Series:
    names = frozenset(wanted)
    if column not in table:
        return pd.Series(False, index=range(len(table)), dtype=bool)
    return pd.Series(
        [pd.notna(cell) and bool(names & set(json.loads(cell))) for cell in table[column]], dtype=bool
    )


def _has_value(product: ProductProjection, name: str, wanted: str | int | bool | None) -> bool:
    holders = [product.values, *(variant.values for variant in variants_of(product))]
    return any(_equals(values[name], wanted) for values in holders if name in values)


def _equals(value: Any, wanted: str | int | bool | None) -> bool:
    """An enum equals by key or label, a localized text in any locale, a set where one of its values equals."""
    if isinstance(value, list):
        return any(_equals(item, wanted) for item in value)
    if isinstance(value, dict):
        return any(_equals(item, wanted) for item in value.values())
    return type(value) is type(wanted) and value == wanted
