"""What a plan of prices is made from, as the ledger holds it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Link
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.prices import mirror as mirroring
from retail_sync.sync.prices.cases import Given
from retail_sync.sync.prices.feeds import ENTITY, Terms
from retail_sync.sync.prices.mirror import ARTICLE, ENTRY, VARIANT
from retail_sync.sync.prices.planner import by_article
from retail_sync.sync.prices.validation import JUMP

PRODUCTS = "products"
"""The entity whose links say which variant is which article."""


def load_given(
    ledger: Ledger,
    settings: SyncSettings,
    terms: Terms,
    now: datetime,
    articles: Collection[str] | None = None,
) -> Given:
    """Everything known of the prices of these articles (till ids), or of all."""
    linked = ledger.links.pairs(PRODUCTS, "variant", lightspeed_ids=articles)
    pairs = sorted(zip(linked["commercetools_id"], linked["lightspeed_id"], strict=True))
    variants = None if articles is None else [variant for variant, _ in pairs]
    links = {
        (one.name, link.lightspeed_id): link
        for one in settings.prices.synced
        for link in ledger.links.read(ENTITY, one.name, lightspeed_ids=articles)
    }
    # Two articles may have had one variant in turn: the one that has it now would be refused its link.
    stray = {} if variants is None else _links_of_variants(ledger, settings, variants)
    subjects = None if articles is None else [f"lightspeed:{article}" for article in articles]
    return Given(
        settings=settings,
        terms=terms,
        now=now,
        pairs=pairs,
        variants={row.id: row for row in mirroring.read(ledger, VARIANT, ids=variants)},
        articles={row.id: row for row in mirroring.read(ledger, ARTICLE, ids=articles)},
        entries=by_article(mirroring.read(ledger, ENTRY, parents=articles)),
        links={**stray, **links},
        decisions={
            (one.subject, one.field): one
            for one in ledger.decisions.latest(ENTITY, subjects)
            if one.code == JUMP
        },
    )


def _links_of_variants(
    ledger: Ledger, settings: SyncSettings, variants: Collection[str]
) -> dict[tuple[str, str], Link]:
    return {
        (one.name, link.lightspeed_id): link
        for one in settings.prices.synced
        for link in ledger.links.read(ENTITY, one.name, commercetools_ids=variants)
    }
