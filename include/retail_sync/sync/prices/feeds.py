"""What a prices run reads, by feed: from staged pages to staged tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from retail_sync.sync.engine.unreadable import mapped_apart, stage_unread

ENTITY = "prices"
KIND = "price"
ONLINE, STANDALONE = "commercetools", "commercetools_standalone"
ARTICLES, ENTRIES = "lightspeed", "lightspeed_price_books"
"""Names of the feeds: of their staged pages and of their cursors."""
FEEDS = (ONLINE, STANDALONE, ARTICLES, ENTRIES)

TABLES = {"variants": VARIANT_COLUMNS, "articles": ARTICLE_COLUMNS, "entries": ENTRY_COLUMNS}
"""What is staged of both systems, by name."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Transformed:
    """What mapping the pages of one table gave. `repeated`: rows that came twice (only the newest counts)."""

    table: str
    raw_rows: int
    rows: int
    repeated: int


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
        _table(staging, "variants", online.to_variants, [ONLINE, STANDALONE], pages),
        _table(staging, "articles", till.to_articles, [ARTICLES], pages),
        _table(staging, "entries", till.to_entries, [ENTRIES], pages),
    ]


def _table(
    staging: Staging,
    name: str,
    mapped: Callable[[Sequence[Row]], pd.DataFrame],
    feeds: Sequence[str],
    pages: Mapping[str, int],
) -> Transformed:
    parts = [
        part
        for feed in feeds
        for part in mapped_apart(staging, feed, staging.pages(feed, pages[feed]), mapped)
    ]
    table = pd.concat(parts, ignore_index=True) if parts else mapped([])
    newest = table.sort_values("version", kind="stable", na_position="first").drop_duplicates(
        "id", keep="last"
    )
    staging.write_table(f"prices/{name}", newest.reset_index(drop=True))
    return Transformed(name, len(table), len(newest), len(table) - len(newest))


@dataclass(frozen=True)
class Read:
    """Everything one run read, mapped."""

    variants: pd.DataFrame
    articles: pd.DataFrame
    entries: pd.DataFrame

    @classmethod
    def of(cls, staging: Staging) -> Read:
        return cls(*(staging.read_table(f"prices/{name}") for name in TABLES))
