"""What holds for the sales at hand, from the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.sales import Sale, SaleTerms
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.orders.knowing import orders_of_sales
from retail_sync.sync.sales.articles import articles_of
from retail_sync.sync.sales.knowing import known_of, links_of, partners_of
from retail_sync.sync.sales.plan import World


def load_world(
    ledger: Ledger,
    settings: SyncSettings,
    terms: SaleTerms,
    forgotten: frozenset[str],
    sales: Iterable[Sale],
    described: Collection[str],
) -> World:
    """What `plan_sale` asks about these sales. `described`: ids of those whose lines may have to be told."""
    some = list(sales)
    told = [one for one in some if one.id in described]
    back = {one.return_of for one in told if one.return_of}
    originals = links_of(ledger, back)
    return World(
        settings=settings,
        terms=terms,
        customers=partners_of(ledger, {one.customer_id for one in some if one.customer_id}),
        forgotten=forgotten,
        articles=articles_of(ledger, settings, {line.product_id for one in told for line in one.lines}),
        originals={sale: known_of(link).key for sale, link in originals.items()},
        web=frozenset(orders_of_sales(ledger.links, back)),
    )
