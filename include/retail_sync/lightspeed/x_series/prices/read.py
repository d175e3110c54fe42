"""Prices of a page as tables: articles with their own price, lines of price books, and the taxes of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.money import PRICE_FIELDS
from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.lightspeed.x_series.api.row_shapes import ARTICLE, BOOK_LINE
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.records.ports.prices import TaxLine
from retail_sync.records.prices import ARTICLE_COLUMNS, ENTRY_COLUMNS, price_table
from retail_sync.records.rows import read_rows
from retail_sync.settings.models import SyncSettings


def articles_table(rows: Sequence[Mapping[str, Any]], facts: StoreFacts) -> pd.DataFrame:
    """ARTICLE_COLUMNS of product rows. Raises UnreadableRows."""
    field = PRICE_FIELDS["excluded" if facts.retailer.tax_exclusive else "included"]
    return read_rows(
        rows,
        lambda sound: price_table(ARTICLE_COLUMNS, (_article(row, field, facts) for row in sound)),
        system=SYSTEM,
        what="products with their prices",
        shape=ARTICLE,
    )


def _article(row: Mapping[str, Any], field: str, facts: StoreFacts) -> tuple[Any, ...]:
    return (
        str(row["id"]),
        row.get("sku") or None,
        whole(row.get("version")),
        row.get("updated_at") or None,
        row.get("deleted_at") or None,
        number(row.get(field)),
        number(row.get("supply_price")),
        facts.overrides_of(row),
    )


def entries_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """ENTRY_COLUMNS of price book lines. Raises UnreadableRows."""
    return read_rows(
        rows,
        lambda sound: price_table(ENTRY_COLUMNS, (_entry(row) for row in sound)),
        system=SYSTEM,
        what="price book lines",
        shape=BOOK_LINE,
    )


def _entry(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        str(row["id"]),
        str(row["product_id"]),
        str(row.get("price_book_id") or ""),
        number(row.get("price")),
        row.get("tax_id") or None,
        number(row.get("min_units")),
        number(row.get("max_units")),
        whole(row.get("version")),
        row.get("updated_at") or None,
        row.get("deleted_at") or None,
    )


def tax_lines(facts: StoreFacts, settings: SyncSettings) -> list[TaxLine]:
    """One line for each mapped tax; a group of taxes with its parts."""
    lines: list[TaxLine] = []
    for mapped in settings.products.tax_classes:
        tax = facts.tax_named(mapped.lightspeed)
        if tax is not None:
            lines.append(
                TaxLine(
                    tax_class=mapped.name,
                    name=tax.name,
                    place="",
                    rate=tax.rate,
                    parts=tuple(rate.rate for rate in tax.rates) if len(tax.rates) > 1 else (),
                    included=not facts.retailer.tax_exclusive,
                )
            )
    return lines
