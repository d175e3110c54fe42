"""SKUs in the form in which they are compared; what is compared is never an address
(`retail_sync.records.identifiers`)."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.identifiers import folded_key, matching_key
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.models.products import ProductSettings

Key = Callable[[str], str]


def sku_key_of(settings: ProductSettings) -> Key:
    """The form in which these settings compare SKUs."""
    return matching_key if settings.sku_capitals_count else folded_key


def sku_keys(skus: pd.Series, key: Key = matching_key) -> pd.Series:
    """The keys of a column of SKUs; NA where a record has none."""
    keys = [None if pd.isna(sku) else key(sku) or None for sku in skus.tolist()]
    return pd.Series(keys, index=skus.index, dtype="string")


def spellings(ledger: Ledger, settings: ProductSettings, skus: Collection[str]) -> list[str]:
    """These SKUs as a person typed them, and as either system spells them, each once: what a look-up has to ask for."""
    if not skus:
        return []
    key = sku_key_of(settings)
    wanted = set(map(key, skus))
    known: list[str] = []
    for system in SYSTEMS:
        labels = ledger.mirror.cells("products", "variant", system, alike=skus)["label"].dropna()
        known += [str(label) for label in labels if key(label) in wanted]
    return list(dict.fromkeys([*skus, *sorted(known)]))
