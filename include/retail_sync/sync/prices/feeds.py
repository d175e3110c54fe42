"""What a prices run reads, by feed: from staged pages to staged tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from retail_sync.records.ports.prices import OnlinePrices, TillPrices
from retail_sync.records.prices import (
    ARTICLE_COLUMNS,
    ENTRY_COLUMNS,
    VARIANT_COLUMNS,
    OnlineTerms,
    TillTerms,
    price_table,
)
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.transform import Transformed, map_feeds
from retail_sync.sync.engine.unreadable import stage_unread

ENTITY = "prices"
KIND = "price"
ONLINE, STANDALONE = "commercetools", "commercetools_standalone"
ARTICLES, ENTRIES = "lightspeed", "lightspeed_price_books"
"""Names of the feeds: of their staged pages and of their cursors."""
FEEDS = (ONLINE, STANDALONE, ARTICLES, ENTRIES)

TABLES = {"variants": VARIANT_COLUMNS, "articles": ARTICLE_COLUMNS, "entries": ENTRY_COLUMNS}
"""What is staged of both systems, by name."""


@dataclass(frozen=True)
class Terms:
    """What was read whole of both systems: taxes, tax modes, price books."""

    online: OnlineTerms
    till: TillTerms


def stage_terms(staging: Staging, system: str, terms: OnlineTerms | TillTerms) -> None:
    """Keep what one system said of itself, for the tasks after this one."""
    staging.write_document(f"{system}/terms", terms.as_document())


def staged_terms(staging: Staging) -> Terms:
    """What both systems said of themselves when this run read them."""
    return Terms(
        OnlineTerms.of_document(staging.read_document(f"{ONLINE}/terms")),
        TillTerms.of_document(staging.read_document(f"{ARTICLES}/terms")),
    )


def stage_nothing(staging: Staging) -> None:
    """What a run leaves that has no list to look at: no rows, and terms that say nothing."""
    for name, columns in TABLES.items():
        staging.write_table(f"prices/{name}", price_table(columns, []))
    for feed in FEEDS:
        stage_unread(staging, feed, [])
    stage_terms(staging, ONLINE, OnlineTerms({}))
    stage_terms(staging, ARTICLES, TillTerms(True, "", {}, {}, {}))


def transform(
    staging: Staging, online: OnlinePrices, till: TillPrices, pages: Mapping[str, int]
) -> list[Transformed]:
    """Map all staged pages to canonical tables and stage them as Parquet. Products that were read again because a
    standalone price of theirs moved come after those that moved themselves: of the same version they are newer."""
    return [
        map_feeds(staging, f"prices/{name}", mapped, {feed: pages[feed] for feed in feeds})
        for name, mapped, feeds in (
            ("variants", online.to_variants, (ONLINE, STANDALONE)),
            ("articles", till.to_articles, (ARTICLES,)),
            ("entries", till.to_entries, (ENTRIES,)),
        )
    ]


@dataclass(frozen=True)
class Read:
    """Everything one run read, mapped."""

    variants: pd.DataFrame
    articles: pd.DataFrame
    entries: pd.DataFrame

    @classmethod
    def of(cls, staging: Staging) -> Read:
        return cls(*(staging.read_table(f"prices/{name}") for name in TABLES))
