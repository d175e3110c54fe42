"""Which articles a channel may offer: by selection, store, category, tag, attribute or list of SKUs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from retail_sync.records.identifiers import matching_key
from retail_sync.records.ports.inventory import Assortments
from retail_sync.settings.models.inventory import Offer
from retail_sync.sync.engine.skus import sku_keys
from retail_sync.sync.inventory.rules import Numbers, exploded_tags

OFFER_COLUMNS = ("kind", "key", "online_product")
"""`kind`: selection or store; `key`: its key; one row a member."""


def offers_table(found: Assortments) -> pd.DataFrame:
    """Members of selections and stores as a table (OFFER_COLUMNS)."""
    rows = [
        (kind, key, product)
        for kind, groups in (("selection", found.selections), ("store", found.stores))
        for key, products in groups.items()
        for product in sorted(products)
    ]
    return pd.DataFrame(rows, columns=list(OFFER_COLUMNS), dtype="string")


def offered(offer: Offer, articles: pd.DataFrame, members: pd.DataFrame | None) -> Numbers:
    """For each article whether it meets every condition. Without the members of its selections (an explanation from the
    ledger alone) these conditions are taken as met."""
    meets = np.ones(len(articles), dtype=bool)
    for kind, keys in (("selection", offer.product_selections), ("store", offer.stores)):
        if keys and members is not None:
            own = members[(members["kind"] == kind) & members["key"].isin(list(keys))]["online_product"]
            meets &= _truth(articles["online_product"].isin(set(own)))
    if offer.categories:
        wanted = {name.casefold() for name in offer.categories}
        meets &= _truth(articles["category"].str.casefold().isin(wanted))
    if offer.tags:
        tags = exploded_tags(articles["tags"])
        having = tags[tags.isin({name.casefold() for name in offer.tags})].index.unique()
        meets &= np.isin(np.arange(len(articles)), having)
    if offer.attribute is not None:
        meets &= np.array(
            [_equals(cell, offer.attribute_value) for cell in articles[offer.attribute]], dtype=bool
        )
    if offer.skus:
        meets &= _truth(sku_keys(articles["sku"]).isin(list(map(matching_key, offer.skus))))
    if offer.exclude_skus:
        meets &= ~_truth(sku_keys(articles["sku"]).isin(list(map(matching_key, offer.exclude_skus))))
    return meets


def _truth(column: pd.Series) -> Numbers:
    return column.fillna(False).to_numpy(dtype=bool)


def _equals(cell: Any, wanted: Any) -> bool:
    """Attribute cells are JSON or its text; an enum counts by key or label, a set where one of its values does."""
    if pd.isna(cell):
        return False
    try:
        value = json.loads(cell)
    except ValueError:
        value = cell
    return _same(value, wanted)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(_same(item, wanted) for item in value)
    if isinstance(value, dict):
        return any(_same(item, wanted) for item in value.values())
    return type(value) is type(wanted) and bool(value == wanted)
