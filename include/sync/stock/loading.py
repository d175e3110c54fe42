"""What figures are computed from, as the ledger holds it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import pandas as pd

from include.ledger.ledger import Ledger
from include.settings.models import SyncSettings
from include.sync.stock.catalogue import part_ids, products_of_skus, read_articles
from include.sync.stock.figures import Given, order_lines
from include.sync.stock.layout import Layout


def load_given(
    ledger: Ledger,
    settings: SyncSettings,
    layout: Layout,
    now: datetime,
    *,
    products: Collection[str] | None = None,
    skus: Collection[str] | None = None,
    offers: pd.DataFrame | None = None,
) -> Given:
    """Articles (all, those with these till ids, or those sold under these SKUs) with all that is known of their stock.

    `offers`: online products by selection and store (see `offering`), where an offer asks for them.
    """
    if skus is not None:
        products = products_of_skus(ledger, settings, skus)
    articles = read_articles(ledger, settings, products)
    wanted = None if products is None else set(articles["product_id"]) | part_ids(articles)
    return Given(
        layout=layout,
        inventory=settings.inventory,
        articles=articles,
        levels=ledger.stock.levels(wanted),
        orders=open_lines(ledger, settings, now),
        buckets=ledger.stock.buckets(wanted),
        offers=offers,
    )


def open_lines(ledger: Ledger, settings: SyncSettings, now: datetime) -> pd.DataFrame:
    """Lines of web orders that the till does not know yet. One that was marked as exported a moment ago still counts,
    because its level may not show it; and so does one that was closed a moment ago, because its entry may still hold
    what it reserved: given back on top of a figure that has it already, it would be offered twice."""
    settling = timedelta(seconds=settings.inventory.order_settles_seconds)
    return order_lines(ledger.stock.open_orders(now - settling))
