"""Which till products go online, by the rule in `products.assortment.lightspeed`.

A page of the version feed shows only the variants that changed. A condition on SKUs that the shown part of a family
does not meet may be met by the part that is not shown: `listed` is then unknown, never False.
"""

from __future__ import annotations

import pandas as pd

from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.records.identifiers import matching_key
from retail_sync.settings.models.products import AssortmentRule


def listed(families: pd.DataFrame, rule: AssortmentRule) -> pd.Series:
    """A nullable flag for each family. `families` has the columns `tags`, `path` (category names from the root), `skus`
    (lists), `brand` (text), `complete` (all variants are shown), `special` (composite, or not for sale).

    A special product is listed only if the rule names one of its SKUs.
    """
    wanted_skus, unwanted_skus = ({*map(matching_key, skus)} for skus in (rule.skus, rule.exclude_skus))
    named = families["skus"].map(lambda skus: bool(wanted_skus & {*map(matching_key, skus)})).astype(bool)
    refused = families["skus"].map(lambda skus: bool(unwanted_skus & {*map(matching_key, skus)})).astype(bool)
    inside = pd.Series(True, index=families.index, dtype="boolean")
    for column, names in (("tags", rule.tags), ("path", rule.categories), ("brand", rule.brands)):
        if names:
            wanted = {same_name(name) for name in names}
            inside &= pd.Series(
                [_any_named(held, wanted) for held in families[column]], index=families.index, dtype="boolean"
            )
    if wanted_skus:
        inside &= named.astype("boolean").mask(~named & ~families["complete"], pd.NA)
    if unwanted_skus:
        inside &= (~refused).astype("boolean").mask(~refused & ~families["complete"], pd.NA)
    return inside.mask(families["special"] & ~named, False)


def _any_named(held: list[str] | str | None, wanted: set[str]) -> bool | None:
    """Whether one of the names is wanted; None where the names are not known."""
    if held is None:
        return None
    return any(same_name(name) in wanted for name in ([held] if isinstance(held, str) else held))
