"""Stock of a large shop: articles, outlets, channels, what each channel has to show, and the ledger's rows of both."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from retail_sync.ledger.bulk import copy_frame_in
from retail_sync.ledger.ledger import Ledger
from retail_sync.records.inventory import BUCKET_COLUMNS, PARTS, stock_table
from retail_sync.records.types import canonical_json
from retail_sync.sync.inventory.channel_assortment import OFFER_COLUMNS
from tests.benchmarks.shop import PROSE

OUTLETS = tuple(f"Shop {number}" for number in range(1, 6))
CHANNELS: Mapping[str, tuple[int, ...]] = {"web": (0, 1, 2, 3, 4), "corner": (0,), "market": (1, 2)}
"""Positions of the outlets that a channel shows."""
FRAGILE_EVERY, RARE_EVERY = 20, 1000
"""Every twentieth article has the tag of an override, every thousandth SKU is named by one."""
RARE_AT_MOST = 3
Numbers = np.ndarray[Any, np.dtype[Any]]


def settings_of(articles: int) -> dict[str, Any]:
    """One channel that sums all outlets, one of a single outlet, one with overrides by tag and by SKU."""
    rare = [sku_of(number) for number in range(0, articles, RARE_EVERY)]
    return {
        "locations": [{"name": name, "outlet": name} for name in OUTLETS],
        "inventory": {
            "channels": [
                {"key": key, "locations": [OUTLETS[at] for at in places]} for key, places in CHANNELS.items()
            ],
            "overrides": [
                {"tags": ["fragile"], "channels": ["market"], "buffer_units": 1},
                {"skus": rare, "channels": ["market"], "show_at_most": RARE_AT_MOST},
            ],
        },
    }


def sku_of(number: int) -> str:
    return f"LS-{number:06d}"


def tags_of(number: int) -> list[str]:
    return ["outdoor", "fragile"] if number % FRAGILE_EVERY == 0 else ["outdoor"]


def first_levels(articles: int) -> Numbers:
    """Units of each article (row) at each outlet (column): 0 to 12."""
    number = np.arange(articles)[:, None]
    return (number * 7 + np.arange(len(OUTLETS)) * 5 + number // 13) % 13


def figures(levels: Numbers) -> dict[str, Numbers]:
    """What each channel has to show: the rules of `settings_of`, written down once more."""
    shown = {key: levels[:, list(places)].sum(axis=1) for key, places in CHANNELS.items()}
    number = np.arange(len(levels))
    market = np.maximum(shown["market"] - (number % FRAGILE_EVERY == 0), 0)
    shown["market"] = np.where(number % RARE_EVERY == 0, np.minimum(market, RARE_AT_MOST), market)
    return shown


@dataclass(frozen=True)
class Catalogue:
    """Ids of articles at the till and online, by number."""

    till: Sequence[str]
    online: Sequence[str]

    @classmethod
    def made_up(cls, articles: int) -> Catalogue:
        return cls(*([_id(side, number) for number in range(articles)] for side in (1, 2)))


def _id(side: int, number: int) -> str:
    return str(uuid.UUID(int=(side << 120) + number * 0x9E3779B97F4A7C15, version=4))


def fill_catalogue(ledger: Ledger, catalogue: Catalogue) -> None:
    """What a run of products an hour ago left in the ledger: both sides mirrored, each article linked."""
    ledger.runs.open("products", "products", dag_id="products", airflow_run_id="1", mode="full", params={})
    skus = [sku_of(number) for number in range(len(catalogue.till))]
    families = [
        canonical_json(
            {
                "name.de-DE": f"Jacke Hochmoor {number}",
                "description.de-DE": PROSE,
                "tracked": True,
                "brand": "Nordkamm",
                "category": "Jacken",
                "tags": tags_of(number),
            }
        )
        for number in range(len(skus))
    ]
    variants = [
        canonical_json({"sku": sku, "barcodes": [f"4099{sku[3:]}"], "price": 4900, "active": True})
        for sku in skus
    ]
    at = datetime.now(UTC) - timedelta(hours=1)
    with ledger.engine.begin() as connection:
        for system, ids in (("lightspeed", catalogue.till), ("commercetools", catalogue.online)):
            for kind, fields, labels in (("product", families, None), ("variant", variants, skus)):
                table = pd.DataFrame({"id": ids, "fields": fields}, dtype="string")
                known = table.assign(
                    entity="products",
                    kind=kind,
                    system=system,
                    parent_id=pd.Series(ids if labels else [pd.NA] * len(ids), dtype="string"),
                    version=1,
                    label=pd.Series(labels or [pd.NA] * len(ids), dtype="string"),
                    digest=table["id"],
                    identity=canonical_json({"parts": []} if labels else {"listed": True}),
                    seen_at=at,
                    changed_at=at,
                    run_id="products",
                )
                copy_frame_in(connection, "mirror", known)
        links = pd.DataFrame({"commercetools_id": catalogue.online, "lightspeed_id": catalogue.till})
        copy_frame_in(
            connection,
            "links",
            links.assign(
                id=[str(uuid.UUID(int=number, version=4)) for number in range(len(skus))],
                entity="products",
                kind="variant",
                matched_by="sku",
                run_id="products",
                created_at=at,
                agreed_at=at,
            ).astype({"commercetools_id": "string", "lightspeed_id": "string", "id": "string"}),
        )
    ledger.runs.settle("products", "products", cursors={}, holds=[], baseline=True)
    ledger.runs.finish("products", "succeeded", {}, "", None)


# ---------------------------------------------------------------- both sides as tables


def level_table(catalogue: Catalogue, outlet_ids: Sequence[str], levels: Numbers) -> pd.DataFrame:
    """LEVEL_COLUMNS, in the order of versions."""
    size, places = levels.shape
    return pd.DataFrame(
        {
            "product_id": pd.Series(
                np.repeat(np.array(catalogue.till, dtype=object), places), dtype="string"
            ),
            "outlet_id": pd.Series(list(outlet_ids) * size, dtype="string"),
            "level": pd.Series(levels.reshape(-1) * PARTS, dtype="Int64"),
            "version": pd.Series(27_561_000_000 + np.arange(size * places) * 26, dtype="Int64"),
            "deleted_at": pd.Series([pd.NaT] * (size * places), dtype="datetime64[us, UTC]"),
        }
    )


def entry_table(shown: Mapping[str, Numbers]) -> pd.DataFrame:
    """ENTRY_COLUMNS: an entry for each article and channel, nothing reserved."""
    parts = []
    for place, (channel, units) in enumerate(shown.items()):
        size = len(units)
        at = datetime.now(UTC) - timedelta(hours=1)
        parts.append(
            pd.DataFrame(
                {
                    "id": pd.Series([_id(3 + place, number) for number in range(size)], dtype="string"),
                    "sku": pd.Series([sku_of(number) for number in range(size)], dtype="string"),
                    "channel": pd.Series([channel] * size, dtype="string"),
                    "on_stock": pd.Series(units, dtype="Int64"),
                    "available": pd.Series(units, dtype="Int64"),
                    "version": pd.Series([1] * size, dtype="Int64"),
                    "modified_at": pd.Series([at] * size, dtype="datetime64[us, UTC]"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def nothing_beside() -> tuple[pd.DataFrame, pd.DataFrame]:
    """No goods held or on their way, no selections or stores."""
    return stock_table(BUCKET_COLUMNS, []), pd.DataFrame(columns=list(OFFER_COLUMNS), dtype="string")
