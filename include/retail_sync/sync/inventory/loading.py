"""What figures are computed from, as the ledger holds it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.availability import Given
from retail_sync.sync.inventory.catalogue import PRODUCTS, products_of_skus, read_articles
from retail_sync.sync.inventory.composites import made_of, read_recipes, takes_parts
from retail_sync.sync.inventory.layout import Layout
from retail_sync.sync.inventory.ordered import lines_today


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
    orders = open_lines(ledger, settings, now)
    sets = _sets_among(ledger, settings, orders, articles) if products is not None else articles.iloc[:0]
    made = [*articles.loc[made_of(articles["parts"]), "product_id"], *sets["product_id"]]
    recipes = read_recipes(ledger, settings, made)
    taken = {part for recipe in recipes.values() for part in recipe or ()}
    wanted = None if products is None else set(articles["product_id"]) | taken
    return Given(
        layout=layout,
        inventory=settings.inventory,
        articles=articles,
        levels=ledger.stock.levels(wanted),
        orders=orders,
        buckets=ledger.stock.buckets(None if wanted is None else wanted | set(made)),
        offers=offers,
        sets=sets,
        recipes=recipes,
    )


def _sets_among(
    ledger: Ledger, settings: SyncSettings, orders: pd.DataFrame, articles: pd.DataFrame
) -> pd.DataFrame:
    """The composites among open orders that are not among these articles, as ARTICLE_COLUMNS: they take parts of
    them."""
    ordered = products_of_skus(ledger, settings, set(orders["sku"])) if takes_parts(settings) else set()
    others = ordered - set(articles["product_id"])
    if not others:
        return articles.iloc[:0]
    found = ledger.mirror.cells(PRODUCTS, "variant", "lightspeed", identity=("parts",), ids=others)
    made = set(found.loc[made_of(found["parts"]), "id"])
    return read_articles(ledger, settings, made) if made else articles.iloc[:0]


def open_lines(ledger: Ledger, settings: SyncSettings, now: datetime) -> pd.DataFrame:
    """Lines of web orders that the till does not know yet. One that was marked as exported a moment ago still counts,
    because its level may not show it; and so does one that was closed a moment ago, because its entry may still hold
    what it reserved: given back on top of a figure that has it already, it would be offered twice."""
    settling = timedelta(seconds=settings.inventory.order_settles_seconds)
    return lines_today(ledger, ledger.stock.open_orders(now - settling))
