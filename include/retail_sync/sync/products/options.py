"""Options of linked products, brought to the ones both sides use.

A till's family names only the options that tell its variants apart, in its own order; online a product may also
carry an option that is the same for all its variants (every sock is grey). Such an option is no difference between
the sides, and neither is the order.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from retail_sync.records.types import canonical_json
from retail_sync.sync.products.view import View


def aligned_options(view: View, product: str, family: str) -> list[str] | None:
    """The options of `product` (commercetools) as `family` (Lightspeed) would name and order them; None where either
    side's are unknown. Options the family lacks are left out while they are the same for all variants."""
    online, till = (_names(view, s, i) for s, i in (("commercetools", product), ("lightspeed", family)))
    if online is None or till is None:
        return None
    telling = [name for name in online if name not in till and len(_values(view, product, name)) > 1]
    return [name for name in till if name in online] + telling


def align_product_options(view: View, left: pd.DataFrame, right: pd.DataFrame) -> pd.Series:
    """The `options` column of commercetools products beside their linked families."""
    cells: list[Any] = []
    for product, family, own in zip(left["id"], right["id"], left["options"], strict=True):
        options = aligned_options(view, str(product), str(family))
        cells.append(own if options is None else canonical_json(options))
    return pd.Series(cells, index=left.index, dtype="string")


def align_option_values(view: View, left: pd.DataFrame, right: pd.DataFrame) -> pd.Series:
    """The `option_values` column of commercetools variants beside their linked partners."""
    cells: list[Any] = []
    known: dict[tuple[str, str], list[str] | None] = {}
    for product, family, own in zip(
        left["product_id"], right["product_id"], left["option_values"], strict=True
    ):
        pair = (str(product), str(family))
        if pair not in known:
            known[pair] = aligned_options(view, *pair)
        options = known[pair]
        if options is None or pd.isna(own):
            cells.append(own)
            continue
        values = dict(json.loads(own))
        undeclared = set(values) - set(_names(view, "commercetools", str(product)) or ())
        names = [*options, *(name for name in values if name in undeclared)]
        cells.append(canonical_json([[name, values[name]] for name in names if name in values]))
    return pd.Series(cells, index=left.index, dtype="string")


def _names(view: View, system: str, product: str) -> list[str] | None:
    row = view.row(system, "product", product)
    text = row.get("options") if row is not None else None
    return json.loads(text) if isinstance(text, str) else None


def _values(view: View, product: str, option: str) -> set[str]:
    values = (view.row("commercetools", "variant", v) for v in view.variants_of("commercetools", product))
    pairs = (row.get("option_values") for row in values if row is not None)
    return {dict(json.loads(text)).get(option, "") for text in pairs if isinstance(text, str)}
